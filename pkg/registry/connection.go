package registry

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
	"plumbline/pkg/mapping/crm"
)

// What comes in by way of tools that speak a language of their own.
const (
	// ViaSegment is a tool that calls as Segment's SDKs do, ViaWebhook one that posts JSON of its own.
	ViaSegment = "segment"
	ViaWebhook = "webhook"
	// ViaHubSpot and ViaSalesforce are CRM systems, whose changes of deals are read as they send them.
	ViaHubSpot    = string(crm.HubSpot)
	ViaSalesforce = string(crm.Salesforce)
	// DefaultConnection is the one of write keys whose sources name none.
	DefaultConnection = "default"
)

// Connection says what the calls of a tool become. Its key is part of the source of the events: "/segment/KEY" or "/hooks/KEY".
type Connection struct {
	Name string `json:"name,omitzero" validate:"omitempty,text,max=256"`
	Via  string `json:"via" validate:"required,oneof=segment webhook hubspot salesforce"`
	Note string `json:"note,omitzero" validate:"omitempty,note,max=2000"`
	// Active is true unless it is said to be false: then its calls are refused.
	Active *bool `json:"active,omitzero"`
	// Builtin says whether the built-in mapping of Segment's specifications holds for names that are not mapped here; default true.
	Builtin *bool `json:"builtin,omitzero"`
	// EventColumn is the member of a call that names what has happened; default "event".
	EventColumn string `json:"event_column,omitzero" validate:"omitempty,text,max=256"`
	// Ignore are names of what is known and not counted; "*" is all that is not mapped.
	Ignore []string `json:"ignore,omitzero" validate:"omitempty,max=1000,unique,dive,text,max=256"`
	// Events are what calls become, in the language of mapping files.
	Events jsontext.Value `json:"events,omitzero" validate:"-"`
	// Deals is how the deals of a CRM are read, instead of Events.
	Deals *crm.Settings `json:"deals,omitzero"`
	// Signature is how calls are signed that carry no key; absent: they need a key. HubSpot signs as it does.
	Signature *Signature `json:"signature,omitzero"`
}

// Signature says how the tool signs the bytes of a call: HMAC-SHA256 with a secret that follows from the secret of the installation.
type Signature struct {
	// Header holds the signature, as hex (the default) or base64, after Prefix.
	Header   string `json:"header" validate:"required"`
	Encoding string `json:"encoding,omitzero" validate:"omitempty,oneof=hex base64"`
	Prefix   string `json:"prefix,omitzero" validate:"omitempty,text,max=32"`
	// TimestampHeader holds the time of sending, in seconds since 1970. It is signed before the body, with a dot between, and calls
	// that are older than five minutes are refused. Without it a call that somebody has overheard can be sent again, which its
	// identity absorbs.
	TimestampHeader string `json:"timestamp_header,omitzero"`
	// SecretVersion counts the secrets: the next number is another secret, and the one before is good for a day.
	SecretVersion uint32 `json:"secret_version,omitzero" validate:"lte=1000000"`
}

// IsActive tells whether its calls are taken.
func (c *Connection) IsActive() bool { return c.Active == nil || *c.Active }

// SourceOf is the source of the events of a connection.
func SourceOf(via, key string) string {
	if via == ViaSegment {
		return "/segment/" + key
	}
	return "/hooks/" + key
}

// IsCRM tells whether its calls are those of a CRM, read as Deals says.
func (c *Connection) IsCRM() bool { return c.Via == ViaHubSpot || c.Via == ViaSalesforce }

// Translator reads the calls of a CRM.
func (c *Connection) Translator() (*crm.Translator, error) {
	settings := crm.Settings{}
	if c.Deals != nil {
		settings = *c.Deals
	}
	return crm.New(crm.Vendor(c.Via), settings, c.Ignore)
}

// Calls is what calls become.
func (c *Connection) Calls() (*mapping.Calls, []event.Problem) {
	defaults := mapping.HookDefaults()
	if c.Via == ViaSegment {
		defaults = mapping.SegmentDefaults()
	}
	calls, problems := mapping.ParseCalls(c.Events, defaults)
	if len(problems) > 0 {
		for i := range problems {
			problems[i].Pointer = "/events" + problems[i].Pointer
		}
		return nil, problems
	}
	calls = calls.Ignoring(c.Ignore)
	if c.Via == ViaSegment && (c.Builtin == nil || *c.Builtin) {
		builtin, err := mapping.SegmentCalls()
		if err != nil {
			return nil, []event.Problem{{Code: event.CodeBadValue, Message: err.Error()}}
		}
		calls = calls.Over(builtin)
	}
	if c.EventColumn != "" {
		calls = calls.Naming(c.EventColumn)
	}
	return calls, nil
}

// connectionKey is what keys look like that are part of an address and of a source.
var connectionKey = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// headerName is a header of HTTP (RFC 9110), short.
var headerName = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// reserved are the keys that are kept for the tools of these names.
func reserved() []string { return []string{ViaHubSpot, ViaSalesforce} }

func (c *Connection) check(key string) []event.Problem {
	var out []event.Problem
	if !connectionKey.MatchString(key) {
		out = append(out, event.Problem{
			Code:    event.CodeBadValue,
			Message: "the key of a connection has 1 to 64 small letters, digits, hyphens and underscores, a letter or digit first: it is part of an address",
		})
	}
	if slices.Contains(reserved(), key) && c.Via != key && c.Via != ViaSegment {
		out = append(out, event.Problem{Code: event.CodeBadValue, Message: "this name is kept for the tool's own webhooks: name the connection " + key + "-hook"})
	}
	if c.Via == ViaSegment && c.Signature != nil {
		out = append(out, event.Problem{Code: event.CodeInconsistent, Pointer: "/signature", Message: "calls of Segment's SDKs carry the write key and are not signed: leave it out"})
	}
	out = append(out, c.checkDeals()...)
	if c.Via == ViaWebhook && c.Builtin != nil {
		out = append(out, event.Problem{Code: event.CodeInconsistent, Pointer: "/builtin", Message: "there is no built-in mapping of webhooks: leave it out"})
	}
	if c.Signature != nil {
		out = append(out, c.Signature.checkHeaders()...)
	}
	if c.Via == "" || c.IsCRM() {
		return out // the tags report it, or there are no events to read
	}
	_, problems := c.Calls()
	return append(out, problems...)
}

// checkDeals looks at what only the connections of CRM systems have, and what they do not have.
func (c *Connection) checkDeals() []event.Problem {
	none := func(pointer, message string) []event.Problem {
		return []event.Problem{{Code: event.CodeInconsistent, Pointer: pointer, Message: message}}
	}
	const reads = "what a CRM sends is read as deals says: leave it out"
	switch {
	case !c.IsCRM() && c.Deals != nil:
		return none("/deals", "only connections via hubspot and salesforce have it: leave it out")
	case !c.IsCRM():
		return nil
	case len(c.Events) > 0:
		return none("/events", reads)
	case c.EventColumn != "":
		return none("/event_column", reads)
	case c.Builtin != nil:
		return none("/builtin", reads)
	case c.Via == ViaHubSpot && c.Signature != nil:
		return none("/signature", "HubSpot signs as it does, with the secret of its app, which the collector is started with: leave it out")
	case c.Deals == nil:
		return []event.Problem{{Code: event.CodeMissingField, Pointer: "/deals", Message: "say how deals are read: their stages and their currency"}}
	}
	problems := c.Deals.Check(crm.Vendor(c.Via))
	for i := range problems {
		problems[i].Pointer = "/deals" + problems[i].Pointer
	}
	return problems
}

func (s *Signature) checkHeaders() []event.Problem {
	var out []event.Problem
	for _, h := range []struct{ pointer, name string }{{"/signature/header", s.Header}, {"/signature/timestamp_header", s.TimestampHeader}} {
		if h.name != "" && (!headerName.MatchString(h.name) || strings.EqualFold(h.name, "Authorization")) {
			out = append(out, event.Problem{Code: event.CodeBadValue, Pointer: h.pointer, Message: "write the name of a header, such as X-Signature"})
		}
	}
	if s.TimestampHeader != "" && strings.EqualFold(s.TimestampHeader, s.Header) {
		out = append(out, event.Problem{Code: event.CodeInconsistent, Pointer: "/signature/timestamp_header", Message: "the time has a header of its own"})
	}
	return out
}

// SignatureVersions are the versions of a connection's secret that a call may be signed with at t: the present one, and after a
// rotation for a day the one before. There are none where its calls are not signed.
func (s *Snapshot) SignatureVersions(key string, t time.Time) []uint32 {
	now, _, ok := Find[Connection](s, Connections, key, t)
	if !ok || now.Signature == nil {
		return nil
	}
	return s.secretVersions(Connections, key, t, now.Signature.SecretVersion, func(e Entry) (uint32, bool) {
		c, ok := e.(*Connection)
		if !ok || c.Signature == nil {
			return 0, false
		}
		return c.Signature.SecretVersion, true
	})
}

// signsBack tells whether a new version of a connection goes back to an earlier secret.
func (s *Snapshot) signsBack(r Record, c *Connection) []event.Problem {
	if c.Signature == nil {
		return nil
	}
	most := uint32(0)
	s.Ever(r.Kind, r.Key, func(e Entry) bool {
		if other, ok := e.(*Connection); ok && other.Signature != nil {
			most = max(most, other.Signature.SecretVersion)
		}
		return false
	})
	if c.Signature.SecretVersion >= most {
		return nil
	}
	return []event.Problem{{
		Code: event.CodeInconsistent, Pointer: "/signature/secret_version",
		Message: fmt.Sprintf("the secret has version %d: give that to keep it, or %d for a new one; earlier ones are not used again", most, most+1),
	}}
}
