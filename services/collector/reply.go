package collector

import (
	"encoding/json"
	"strconv"

	"plumbline/pkg/event"
)

// encode writes the reply as encoding/json does. Nearly all answers are short and plain, and written without it: they
// would take as long as the parsing of the events that they answer.
func (r *reply) encode() ([]byte, error) {
	b := make([]byte, 0, 64+128*len(r.Answers))
	b = append(b, `{"answers":[`...)
	for i := range r.Answers {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendAnswer(b, &r.Answers[i]); err != nil {
			return nil, err
		}
	}
	b = strconv.AppendInt(append(b, `],"accepted":`...), int64(r.Accepted), 10)
	b = strconv.AppendInt(append(b, `,"duplicates":`...), int64(r.Duplicates), 10)
	b = strconv.AppendInt(append(b, `,"rejected":`...), int64(r.Rejected), 10)
	b = strconv.AppendInt(append(b, `,"retry":`...), int64(r.Retry), 10)
	return append(b, '}'), nil
}

// appendAnswer writes one answer.
func appendAnswer(b []byte, a *event.Answer) ([]byte, error) {
	if a.Code != "" || a.Pointer != "" || a.Message != "" || len(a.Problems) > 0 || !isPlain(a.Source) || !isPlain(a.ID) || !isPlain(a.Receipt) {
		raw, err := json.Marshal(a)
		return append(b, raw...), err
	}
	b = append(b, '{')
	b = appendMember(b, `"source":"`, a.Source)
	b = appendMember(b, `"id":"`, a.ID)
	b = append(append(append(b, `"status":"`...), a.State...), '"')
	if a.Receipt != "" {
		b = append(append(append(b, `,"receipt":"`...), a.Receipt...), '"')
	}
	return append(b, '}'), nil
}

// appendMember writes a text that is plain, with a comma behind it, and nothing where it is empty.
func appendMember(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return append(append(append(b, name...), text...), `",`...)
}

// isPlain is true of texts that encoding/json writes as they are: printable ASCII without quotes, backslashes and what
// HTML would take for markup.
func isPlain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}
