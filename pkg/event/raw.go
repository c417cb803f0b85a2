package event

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// RawMessageType is the content type of a [RawMessage] that was encoded.
const RawMessageType = "application/vnd.plumbline.message+json"

// StructuredType is the content type of one event in CloudEvents JSON format.
const StructuredType = "application/cloudevents+json"

// ExtensionWorkspace is the extension attribute with which a foreign producer names the workspace.
const ExtensionWorkspace = "workspace"

// RawMessage is a message of a log as it came, so that a reject loses nothing of it: key, headers and value, byte by byte.
type RawMessage struct {
	Key     []byte      `json:"key"`
	Headers []RawHeader `json:"headers"`
	Value   []byte      `json:"value"`
}

// RawHeader is one header of a [RawMessage].
type RawHeader struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

// NewRawMessage keeps a message. The bytes are shared.
func NewRawMessage(key []byte, headers []Header, value []byte) RawMessage {
	m := RawMessage{Key: key, Headers: make([]RawHeader, len(headers)), Value: value}
	for i, h := range headers {
		m.Headers[i] = RawHeader(h)
	}
	return m
}

// RawBinary is an event of the binary mode, in whichever protocol it came, as the message of the Kafka binding.
func RawBinary(attrs map[string]string, data []byte) RawMessage {
	m := RawMessage{Value: data, Headers: make([]RawHeader, 0, len(attrs))}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		header := attributePrefix + name
		if name == "datacontenttype" {
			header = HeaderContent
		}
		m.Headers = append(m.Headers, RawHeader{header, []byte(attrs[name])})
	}
	return m
}

// Encode writes the message as JSON of [RawMessageType], with bytes as base64. Names of headers that are no UTF-8 are
// repaired; everything else comes back as it was.
func (m RawMessage) Encode() ([]byte, error) {
	out := m
	out.Headers = make([]RawHeader, len(m.Headers))
	for i, h := range m.Headers {
		out.Headers[i] = RawHeader{strings.ToValidUTF8(h.Key, "\uFFFD"), h.Value}
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode raw message: %w", err)
	}
	return raw, nil
}

// DecodeRawMessage reads what [RawMessage.Encode] has written.
func DecodeRawMessage(raw []byte) (RawMessage, error) {
	var m RawMessage
	if err := json.Unmarshal(raw, &m, json.RejectUnknownMembers(true)); err != nil {
		return RawMessage{}, fmt.Errorf("decode raw message: %w", err)
	}
	return m, nil
}

// Header is the value of the last header of a name, "" where there is none.
func (m RawMessage) Header(name string) string {
	for _, h := range slices.Backward(m.Headers) {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// IsStructured tells whether the value is the whole event (the structured mode of the CloudEvents Kafka binding).
func (m RawMessage) IsStructured() bool {
	media, _, _ := strings.Cut(m.Header(HeaderContent), ";")
	return strings.EqualFold(strings.TrimSpace(media), StructuredType)
}

// IsEvent tells whether the message says that it is an event, in either mode.
func (m RawMessage) IsEvent() bool {
	return m.IsStructured() || m.Header(HeaderType) != "" || m.Header(HeaderVersion) != ""
}

// Attributes are the attributes of the binary mode without their prefix, as [Parser.Binary] takes them.
func (m RawMessage) Attributes() map[string]string {
	attrs := make(map[string]string, len(m.Headers))
	for _, h := range m.Headers {
		if name, ok := strings.CutPrefix(h.Key, attributePrefix); ok {
			attrs[name] = string(h.Value)
		}
	}
	if content := m.Header(HeaderContent); content != "" {
		attrs["datacontenttype"] = content
	}
	return attrs
}

// Structured is the event in CloudEvents JSON format, whichever mode it came in. Data that is no JSON has no place in
// it and is left out. The error says that the attributes themselves can not be written, because they are no UTF-8.
func (m RawMessage) Structured() ([]byte, error) {
	if m.IsStructured() {
		return m.Value, nil
	}
	raw, _, err := StructuredOf(m.Attributes(), m.Value)
	return raw, err
}

// StructuredOf writes an event of the binary mode in CloudEvents JSON format, its data byte by byte as it came. Data that
// is no JSON has no place in it: then whole is false and it is left out.
func StructuredOf(attrs map[string]string, data []byte) (raw []byte, whole bool, err error) {
	head, err := json.Marshal(attrs, json.Deterministic(true))
	if err != nil {
		return nil, false, fmt.Errorf("write event: %w", err)
	}
	if !jsontext.Value(data).IsValid(jsontext.AllowDuplicateNames(true)) {
		return head, false, nil
	}
	separator := ","
	if len(attrs) == 0 {
		separator = ""
	}
	return bytes.Join([][]byte{head[:len(head)-1], []byte(separator + `"data":`), data, []byte("}")}, nil), true, nil
}

// Message reads the event of a message, in either mode of the CloudEvents Kafka binding.
func (p *Parser) Message(m RawMessage) (Event, []Problem) {
	if m.IsStructured() {
		return p.Structured(m.Value)
	}
	return p.Binary(m.Attributes(), m.Value)
}

// peekMost bounds the names that are read of an event that can not be read as a whole, bytes.
const peekMost = 512

// Peek reads source, id and type of an event in CloudEvents JSON format as far as its bytes can be read, so that what
// is refused can still be found. It judges nothing, and "" is what could not be read.
func Peek(raw []byte) (source, id, typ string) {
	dec := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if dec.PeekKind() != '{' {
		return "", "", ""
	}
	if _, err := dec.ReadToken(); err != nil {
		return "", "", ""
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			break
		}
		member := name.String()
		if dec.PeekKind() != '"' {
			if dec.SkipValue() != nil {
				break
			}
			continue
		}
		value, err := dec.ReadToken()
		if err != nil {
			break
		}
		switch member {
		case "source":
			source = peeked(value.String())
		case "id":
			id = peeked(value.String())
		case "type":
			typ = peeked(value.String())
		}
	}
	return source, id, typ
}

// peeked bounds a text that may be anything.
func peeked(s string) string {
	if len(s) > peekMost {
		s = s[:peekMost]
	}
	return strings.ToValidUTF8(s, "")
}
