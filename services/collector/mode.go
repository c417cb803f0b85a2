package collector

import (
	"mime"
	"net/http"
	"net/url"
	"strings"

	"plumbline/pkg/event"
)

// mode is how a request carries its events.
type mode int

const (
	modeNone mode = iota
	modeStructured
	modeBatch
	modeBinary
)

// The content types of the three modes.
const (
	typeStructured = "application/cloudevents+json"
	typeBatch      = "application/cloudevents-batch+json"
	typeBinary     = "application/json"
)

const attributePrefix = "Ce-" // as net/http writes it

// modeOf tells the mode by the content type; plain JSON is the binary mode where attributes stand in the headers.
func modeOf(h http.Header) mode {
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return modeNone
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return modeNone
	}
	switch media {
	case typeStructured:
		return modeStructured
	case typeBatch:
		return modeBatch
	case typeBinary:
		for name := range h {
			if strings.HasPrefix(name, attributePrefix) {
				return modeBinary
			}
		}
	}
	return modeNone
}

// attributes reads the attributes of the binary mode as the HTTP binding of CloudEvents says: a header may be a quoted
// text, and characters are percent-encoded.
func attributes(h http.Header) (map[string]string, []event.Problem) {
	out := map[string]string{"datacontenttype": h.Get("Content-Type")}
	var problems []event.Problem
	for name, values := range h {
		attr, ok := strings.CutPrefix(name, attributePrefix)
		if !ok {
			continue
		}
		attr = strings.ToLower(attr)
		switch {
		case len(values) > 1:
			problems = append(problems, event.Problem{
				Code: event.CodeDuplicateField, Pointer: "/" + attr, Message: "the header ce-" + attr + " stands twice: keep one",
			})
		case attr == "datacontenttype":
			problems = append(problems, event.Problem{
				Code: event.CodeUnknownField, Pointer: "/datacontenttype", Message: "the type of the data is the Content-Type header: leave ce-datacontenttype out",
			})
		case attr == "data":
			problems = append(problems, event.Problem{
				Code: event.CodeUnknownField, Pointer: "/data", Message: "the data is the body: leave the header ce-data out",
			})
		default:
			out[attr] = decodeHeader(values[0])
		}
	}
	return out, problems
}

// decodeHeader undoes quoting, then percent-encoding. What is not well encoded stays as it is: a percent sign that
// nobody encoded is more likely than one that was encoded wrongly.
func decodeHeader(v string) string {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		var b strings.Builder
		inner := v[1 : len(v)-1]
		for i := 0; i < len(inner); i++ {
			if inner[i] == '\\' && i+1 < len(inner) {
				i++
			}
			b.WriteByte(inner[i])
		}
		v = b.String()
	}
	if decoded, err := url.PathUnescape(v); err == nil {
		return decoded
	}
	return v
}
