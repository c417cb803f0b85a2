package event

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Header is one header of a message on our topic.
type Header struct {
	Key   string
	Value []byte
}

// The headers of a message on our topic: the CloudEvents Kafka binding in binary mode, and what the collector adds.
const (
	attributePrefix = "ce_"
	HeaderID        = "ce_id"
	HeaderSource    = "ce_source"
	HeaderType      = "ce_type"
	HeaderVersion   = "ce_specversion"
	HeaderTime      = "ce_time"
	HeaderSubject   = "ce_subject"
	HeaderSchema    = "ce_dataschema"
	HeaderContent   = "content-type"
	HeaderWorkspace = "plumbline_workspace"
	// HeaderPayload holds the 16 bytes of the payload hash.
	HeaderPayload = "plumbline_payload"
	// HeaderReceive holds the UUID v7 of the receiving, as text.
	HeaderReceive = "plumbline_receive"
)

// Message is the event as a message on our topic: the key is the identity, the value is the canonical data, whose memory
// it shares.
func (s *Sealed) Message() (key []byte, headers []Header, value []byte) {
	headers = make([]Header, 0, 11+len(s.Extensions))
	// One allocation for most headers; where it grows, the earlier ones keep the old one.
	buf := make([]byte, 0, 176+len(s.ID)+len(s.Source)+len(s.Workspace))
	buf = append(buf, s.Identity[:]...)
	key = buf[:len(buf):len(buf)]
	add := func(k string, to []byte) {
		v := to[len(buf):]
		headers = append(headers, Header{k, v[:len(v):len(v)]})
		buf = to
	}
	add(HeaderVersion, append(buf, specVersion...))
	add(HeaderID, append(buf, s.ID...))
	add(HeaderSource, append(buf, s.Source...))
	add(HeaderType, appendType(buf, s.Kind))
	add(HeaderTime, appendTime(buf, s.Time))
	if s.Subject != "" {
		add(HeaderSubject, append(buf, s.Subject...))
	}
	if s.DataSchema != "" {
		add(HeaderSchema, append(buf, s.DataSchema...))
	}
	if len(s.Extensions) > 0 {
		for _, name := range slices.Sorted(maps.Keys(s.Extensions)) {
			add(attributePrefix+name, append(buf, s.Extensions[name]...))
		}
	}
	add(HeaderContent, append(buf, "application/json"...))
	add(HeaderWorkspace, append(buf, s.Workspace...))
	add(HeaderPayload, append(buf, s.Payload[:]...))
	if s.Receive != "" {
		add(HeaderReceive, append(buf, s.Receive...))
	}
	return key, headers, s.Data
}

// FromMessage reads a message of our topic. The error is a [Problem] with [CodeUndecodable]: such a message was not
// written by a collector, or by one newer than this reader. Appended is the broker's time of the message.
func FromMessage(partition int, offset int64, appended time.Time, key []byte, headers []Header, value []byte) (Stored, error) {
	out := Stored{Receipt: Receipt{partition, offset}, ReceivedAt: appended.UTC().Truncate(time.Millisecond)}
	m := message{Stored: &out}
	for _, h := range headers {
		if err := m.header(h); err != nil {
			return Stored{}, err
		}
	}
	if err := m.complete(key); err != nil {
		return Stored{}, err
	}
	spec, _ := Lookup(out.Kind)
	out.Data = spec.New()
	if err := json.Unmarshal(value, out.Data, json.RejectUnknownMembers(true)); err != nil {
		return Stored{}, undecodable("/data", "the value is no %s: %v", out.Kind, err)
	}
	out.Data.Normalise()
	return out, nil
}

// message is a [Stored] while its headers are read.
type message struct {
	*Stored
	version string
	payload bool
}

func (m *message) header(h Header) error {
	switch h.Key {
	case HeaderVersion:
		m.version = string(h.Value)
	case HeaderID:
		m.ID = string(h.Value)
	case HeaderSource:
		m.Source = string(h.Value)
	case HeaderType:
		kind, ok := KindOfType(string(h.Value))
		if !ok {
			return undecodable("/type", "%q is no type of ours", h.Value)
		}
		m.Kind = kind
	case HeaderTime:
		t, err := ParseTime(string(h.Value))
		if err != nil {
			return undecodable("/time", "%q is no time", h.Value)
		}
		m.Time = t.Time
	case HeaderSubject:
		m.Subject = string(h.Value)
	case HeaderSchema:
		m.DataSchema = string(h.Value)
	case HeaderWorkspace:
		m.Workspace = string(h.Value)
	case HeaderPayload:
		if len(h.Value) != len(m.Payload) {
			return undecodable("", "the header %s has %d bytes, not %d", HeaderPayload, len(h.Value), len(m.Payload))
		}
		m.Payload, m.payload = PayloadHash(h.Value), true
	default:
		if name, ok := strings.CutPrefix(h.Key, attributePrefix); ok {
			if m.Extensions == nil {
				m.Extensions = make(map[string]string)
			}
			m.Extensions[name] = string(h.Value)
		}
	}
	return nil
}

// complete checks that every header was there and that the key is the identity that they name.
func (m *message) complete(key []byte) error {
	switch {
	case m.version != specVersion:
		return undecodable("/specversion", "the header %s says %q, not %q", HeaderVersion, m.version, specVersion)
	case m.ID == "" || m.Source == "" || m.Workspace == "":
		return undecodable("", "one of the headers %s, %s, %s is missing", HeaderID, HeaderSource, HeaderWorkspace)
	case m.Kind == "":
		return undecodable("/type", "the header %s is missing", HeaderType)
	case m.Time.IsZero():
		return undecodable("/time", "the header %s is missing", HeaderTime)
	case !m.payload:
		return undecodable("", "the header %s is missing", HeaderPayload)
	}
	m.Identity = IdentityOf(m.Workspace, m.Source, m.ID)
	if string(key) != string(m.Identity[:]) {
		return undecodable("", "the key is %s, but the headers name the identity %s", shortHex(key), shortHex(m.Identity[:]))
	}
	return nil
}

func undecodable(pointer, format string, args ...any) error {
	return Problem{CodeUndecodable, pointer, fmt.Sprintf(format, args...)}
}

func shortHex(b []byte) string {
	if len(b) > 16 {
		return hex.EncodeToString(b[:16]) + "…"
	}
	return hex.EncodeToString(b)
}
