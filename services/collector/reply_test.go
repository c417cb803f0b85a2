package collector

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"plumbline/pkg/event"
)

// The reply is what encoding/json makes of it, byte by byte.
func TestReplyIsWrittenAsEncodingJSONDoes(t *testing.T) {
	text := rapid.OneOf(rapid.StringMatching(`[ -~]{0,12}`), rapid.String())
	answer := rapid.Custom(func(t *rapid.T) event.Answer {
		a := event.Answer{
			Source: text.Draw(t, "source"), ID: text.Draw(t, "id"),
			State:   rapid.SampledFrom([]event.State{event.Accepted, event.Duplicate, event.Rejected, event.Retry}).Draw(t, "state"),
			Receipt: rapid.SampledFrom([]string{"", "5:17"}).Draw(t, "receipt"),
		}
		if rapid.Bool().Draw(t, "problem") {
			a.Code, a.Pointer, a.Message = event.CodeBadValue, text.Draw(t, "pointer"), text.Draw(t, "message")
			a.Problems = []event.Problem{{Code: event.CodeBadValue, Pointer: "/x", Message: "y"}}
		}
		return a
	})
	rapid.Check(t, func(t *rapid.T) {
		r := reply{Answers: rapid.SliceOf(answer).Draw(t, "answers"), Accepted: 3, Duplicates: 20, Rejected: 0, Retry: 1}
		if r.Answers == nil {
			r.Answers = []event.Answer{}
		}
		got, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("written as\n%s, want\n%s", got, want)
		}
	})
}
