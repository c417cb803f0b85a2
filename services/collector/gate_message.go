package collector

import (
	"fmt"
	"mime"
	"regexp"
	"strings"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
)

// The names of the Kafka binding of CloudEvents.
const (
	inboxContentType = "content-type"
	inboxPrefix      = "ce_"
	// cloudEventsMedia begins the media types of the structured mode, in any case.
	cloudEventsMedia = "application/cloudevents"
)

// workspaceForm is the form of a workspace's name.
var workspaceForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// read reads a message by the Kafka binding of CloudEvents: in the structured mode where its content type begins with
// application/cloudevents, else in the binary mode. What could be read is returned beside the problems.
func (g *gate) read(m *kafka.Message) (event.Event, submission, []event.Problem) {
	h := inboxHeadersOf(m.Headers)
	if len(h.contentType) >= len(cloudEventsMedia) && strings.EqualFold(h.contentType[:len(cloudEventsMedia)], cloudEventsMedia) {
		from := submission{body: m.Value, contentType: h.contentType}
		if p := judgeStructured(h.contentType); p != nil {
			return event.Event{}, from, []event.Problem{*p}
		}
		from.contentType = typeStructured
		e, problems := g.parser.Structured(m.Value)
		return e, from, append(h.contentProblems(), problems...)
	}
	from := submission{body: m.Value, contentType: h.contentType, attributes: h.attributes}
	if !h.marked {
		if raw, err := event.NewRawMessage(m.Key, bus.Headers(m), m.Value).Encode(); err == nil {
			from = submission{body: raw, contentType: event.RawMessageType}
		}
		return event.Event{}, from, []event.Problem{{
			Code: event.CodeMissingField, Pointer: "/specversion",
			Message: "the message is no CloudEvent: give the header content-type " + typeStructured + ", or the attributes as headers ce_id, ce_source and so on",
		}}
	}
	if _, params, err := mime.ParseMediaType(h.contentType); err == nil && !isUTF8(params["charset"]) {
		h.fail(event.CodeUnsupportedType, "/datacontenttype", "data is JSON in UTF-8: give the header content-type application/json")
	}
	e, problems := g.parser.Binary(h.attributes, m.Value)
	if e.Extensions == nil && h.attributes[event.ExtensionWorkspace] != "" {
		// The parser does not look into what is too large; whose it is can be told all the same.
		e.Extensions = map[string]string{event.ExtensionWorkspace: h.attributes[event.ExtensionWorkspace]}
	}
	return e, from, append(h.problems, problems...)
}

// judgeStructured refuses the formats of the structured mode that can not be read; nil for JSON.
func judgeStructured(contentType string) *event.Problem {
	media, params, err := mime.ParseMediaType(contentType)
	switch {
	case err == nil && media == typeStructured && isUTF8(params["charset"]):
		return nil
	case err == nil && media == typeBatch:
		return &event.Problem{
			Code:    event.CodeUnsupportedType,
			Message: "the Kafka binding of CloudEvents has no batches: write each event as a message of its own, with the content-type " + typeStructured,
		}
	}
	return &event.Problem{
		Code:    event.CodeUnsupportedType,
		Message: "events are read as JSON in UTF-8: give the header content-type " + typeStructured + ", or send them in the binary mode",
	}
}

func isUTF8(charset string) bool { return charset == "" || strings.EqualFold(charset, "utf-8") }

// inboxHeaders are the headers of a message as the attributes of an event.
type inboxHeaders struct {
	contentType string
	// attributes are those with the prefix, without it, and datacontenttype where there is a content type.
	attributes map[string]string
	// marked says that some header makes it an event.
	marked   bool
	problems []event.Problem
}

func inboxHeadersOf(headers []kafka.Header) *inboxHeaders {
	h := &inboxHeaders{attributes: make(map[string]string, len(headers))}
	typed := false
	var again []string
	for _, header := range headers {
		if strings.EqualFold(header.Key, inboxContentType) {
			if typed {
				h.fail(event.CodeDuplicateField, "/datacontenttype", "the header content-type stands twice: keep one")
			}
			typed, h.contentType = true, string(header.Value)
			h.attributes["datacontenttype"] = h.contentType
			continue
		}
		attr, ok := strings.CutPrefix(header.Key, inboxPrefix)
		if !ok {
			continue // a header of the producer's own is none of the event
		}
		h.marked = true
		_, twice := h.attributes[attr]
		switch {
		case attr == "datacontenttype":
			again = append(again, string(header.Value))
		case attr == "data":
			h.fail(event.CodeUnknownField, "/data", "the data is the value of the message: leave the header ce_data out")
		case twice:
			h.fail(event.CodeDuplicateField, "/"+attr, "the header ce_%s stands twice: keep one", attr)
		default:
			h.attributes[attr] = string(header.Value)
		}
	}
	// The JavaScript SDK of CloudEvents writes the type of the data a second time: what says the same does no harm.
	for _, media := range again {
		if !typed || media != h.contentType {
			h.fail(event.CodeUnknownField, "/datacontenttype", "the type of the data is the header content-type: leave ce_datacontenttype out")
		}
	}
	return h
}

func (h *inboxHeaders) fail(code event.Code, pointer, format string, args ...any) {
	h.problems = append(h.problems, event.Problem{Code: code, Pointer: pointer, Message: fmt.Sprintf(format, args...)})
}

// contentProblems are those of the content type: in the structured mode the attributes among the headers are only
// copies, and are not looked at.
func (h *inboxHeaders) contentProblems() []event.Problem {
	for _, p := range h.problems {
		if p.Code == event.CodeDuplicateField && p.Pointer == "/datacontenttype" {
			return []event.Problem{p}
		}
	}
	return nil
}

// enter moves the workspace out of the extensions, since it is a part of the identity and not stored as one, to where it
// belongs.
func (g *gate) enter(e *event.Event) []event.Problem {
	if problems := forbidden(access.Key{}, *e); len(problems) > 0 { // who may write to the inbox is bound to nothing
		return problems
	}
	name := e.Extensions[event.ExtensionWorkspace]
	switch {
	case g.workspaces[name]:
		delete(e.Extensions, event.ExtensionWorkspace)
		if len(e.Extensions) == 0 {
			e.Extensions = nil
		}
		e.Workspace = name
		return nil
	case name == "":
		return []event.Problem{{
			Code: event.CodeMissingField, Pointer: "/" + event.ExtensionWorkspace,
			Message: "give the extension attribute workspace, the name of the workspace that the event belongs to",
		}}
	case !workspaceForm.MatchString(name):
		return []event.Problem{{
			Code: event.CodeBadValue, Pointer: "/" + event.ExtensionWorkspace,
			Message: "the name of a workspace has 1 to 64 of the characters A-Z, a-z, 0-9, point, underscore and hyphen, and begins with a letter or a digit",
		}}
	}
	return []event.Problem{{
		Code: event.CodeUnknownWorkspace, Pointer: "/" + event.ExtensionWorkspace,
		Message: fmt.Sprintf("this installation has no workspace %q: correct the name, or let the collector take it with inbox-workspace", name),
	}}
}

// keeper is the workspace that keeps the reject of an event: the one that it names, if there is one, else that of the
// installation. The event itself is never taken into another workspace than the one that it names.
func (g *gate) keeper(e event.Event) string {
	if e.Workspace != "" {
		return e.Workspace
	}
	if name := e.Extensions[event.ExtensionWorkspace]; g.workspaces[name] {
		return name
	}
	return g.home
}
