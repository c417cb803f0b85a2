// Package registry is what the workspace declares about itself: workflows, people, rates, exchange rates, experiments
// and the other entries that price and interpret the facts. Entries are typed, validated and bitemporal: each holds
// from its valid_from on, old versions stay, and a [Snapshot] answers what held on a day.
//
// The package does no I/O: records travel through Kafka and stand in the warehouse, whose packages carry them.
package registry

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
)

// Kind is the name of a group of entries, as it stands in URLs.
type Kind string

// The kinds of entries.
const (
	Workflows       Kind = "workflows"
	Teams           Kind = "teams"
	People          Kind = "people"
	Rates           Kind = "rates"
	VendorBaselines Kind = "vendor-baselines"
	Experiments     Kind = "experiments"
	FX              Kind = "fx"
	Targets         Kind = "targets"
	Benchmarks      Kind = "benchmarks"
	Assumptions     Kind = "assumptions"
	Calendar        Kind = "calendar"
	Annotations     Kind = "annotations"
	Webhooks        Kind = "webhooks"
	Alerts          Kind = "alerts"
	Digests         Kind = "digests"
	Connections     Kind = "connections"
)

// Entry is the value of one version: a pointer to one of the structs of this package.
type Entry interface {
	// check reports the rules between fields, and between a field and the key.
	check(key string) []event.Problem
}

type spec struct {
	kind Kind
	make func() Entry
}

func catalogue() []spec {
	return []spec{
		{Workflows, func() Entry { return new(Workflow) }},
		{Teams, func() Entry { return new(Team) }},
		{People, func() Entry { return new(Person) }},
		{Rates, func() Entry { return new(Rate) }},
		{VendorBaselines, func() Entry { return new(VendorBaseline) }},
		{Experiments, func() Entry { return new(Experiment) }},
		{FX, func() Entry { return new(Exchange) }},
		{Targets, func() Entry { return new(Target) }},
		{Benchmarks, func() Entry { return new(Benchmark) }},
		{Assumptions, func() Entry { return new(Assumption) }},
		{Calendar, func() Entry { return new(WorkspaceCalendar) }},
		{Annotations, func() Entry { return new(Annotation) }},
		{Webhooks, func() Entry { return new(Webhook) }},
		{Alerts, func() Entry { return new(Alert) }},
		{Digests, func() Entry { return new(Digest) }},
		{Connections, func() Entry { return new(Connection) }},
	}
}

// Kinds lists the kinds of the general endpoints in the order of the documentation.
func Kinds() []Kind {
	var out []Kind
	for _, s := range catalogue() {
		out = append(out, s.kind)
	}
	return out
}

// Known reports whether there is such a kind for the general endpoints.
func Known(k Kind) bool { return slices.Contains(Kinds(), k) }

func newEntry(k Kind) Entry {
	if k == Disputes {
		return new(DisputeStep)
	}
	for _, s := range catalogue() {
		if s.kind == k {
			return s.make()
		}
	}
	return nil
}

// Decode reads the value of an entry and checks it. Unknown and repeated fields are refused. Pointers of the problems
// start at the value: "/baseline/low".
func Decode(kind Kind, key string, raw []byte) (Entry, []event.Problem) {
	e := newEntry(kind)
	if e == nil {
		return nil, []event.Problem{{
			Code: event.CodeBadValue, Pointer: "",
			Message: fmt.Sprintf("there is no registry kind %q; the kinds are %s", kind, joinKinds()),
		}}
	}
	if !validKey(key) {
		return nil, []event.Problem{{
			Code: event.CodeBadValue, Pointer: "",
			Message: "a key has 1 to 256 printable characters and no space at either end",
		}}
	}
	if err := json.Unmarshal(raw, e, json.RejectUnknownMembers(true)); err != nil {
		return nil, []event.Problem{decodeProblem(err)}
	}
	problems := append(validateTags(e), e.check(key)...)
	if len(problems) > 0 {
		return nil, problems
	}
	return e, nil
}

func joinKinds() string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// Body reads what a client PUTs: the fields of the kind, flat beside valid_from, which is a day (its start in zone)
// or an RFC 3339 instant. Fields that only the server sets are ignored, so that what was read can be sent back.
// The returned record lacks workspace, recorded_at, entry_id and author.
func Body(kind Kind, key string, raw []byte, zone *time.Location) (Record, []event.Problem) {
	fields := map[string]jsontext.Value{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return Record{}, []event.Problem{decodeProblem(err)}
	}
	var problems []event.Problem
	from, problem := ValidFrom(fields["valid_from"], zone)
	if problem != nil {
		problems = append(problems, *problem)
	}
	for _, name := range []string{"valid_from", "kind", "key", "recorded_at", "entry_id", "author", "by", "deleted", "upcoming", "versions"} {
		delete(fields, name)
	}
	rest, err := json.Marshal(fields, json.Deterministic(true))
	if err != nil {
		return Record{}, append(problems, decodeProblem(err))
	}
	entry, more := Decode(kind, key, rest)
	if problems = append(problems, more...); len(problems) > 0 {
		return Record{}, problems
	}
	value, err := Encode(entry)
	if err != nil {
		return Record{}, []event.Problem{decodeProblem(err)}
	}
	return Record{Kind: kind, Key: key, ValidFrom: from, Value: value}, nil
}

// ValidFrom reads the day, which is its start in the zone, or the instant from which a version holds: a JSON string.
func ValidFrom(raw jsontext.Value, zone *time.Location) (time.Time, *event.Problem) {
	const hint = `give valid_from, the day from which the entry holds, such as "2026-01-01"`
	if raw == nil {
		return time.Time{}, &event.Problem{Code: event.CodeMissingField, Pointer: "/valid_from", Message: hint}
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return time.Time{}, &event.Problem{Code: event.CodeWrongType, Pointer: "/valid_from", Message: hint}
	}
	if d, err := event.ParseDay(text); err == nil {
		return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, zone).UTC(), nil
	}
	t, err := event.ParseTime(text)
	if err != nil {
		return time.Time{}, &event.Problem{Code: event.CodeBadValue, Pointer: "/valid_from", Message: hint}
	}
	return t.Time, nil
}

// Encode writes the canonical value of an entry (RFC 8785).
func Encode(e Entry) ([]byte, error) {
	raw, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode registry entry: %w", err)
	}
	v := jsontext.Value(raw)
	if err := v.Canonicalize(); err != nil {
		return nil, fmt.Errorf("canonicalise registry entry: %w", err)
	}
	return v, nil
}

// decodeProblem turns an error of the JSON library into a sentence with a pointer.
func decodeProblem(err error) event.Problem {
	p := event.Problem{Code: event.CodeNotJSON, Message: "send one JSON object"}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		p.Pointer = string(syntactic.JSONPointer)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			p.Code, p.Message = event.CodeDuplicateField, "the field is there twice: give it once"
		}
		return p
	}
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return p
	}
	p.Pointer = string(semantic.JSONPointer)
	switch {
	case errors.Is(err, json.ErrUnknownName):
		p.Code, p.Message = event.CodeUnknownField, "there is no such field: check its spelling or leave it out"
	case semantic.Err != nil:
		p.Code, p.Message = event.CodeBadValue, semantic.Err.Error()
	default:
		p.Code, p.Message = event.CodeWrongType, fmt.Sprintf("a JSON %s does not fit here", kindName(semantic.JSONKind))
	}
	return p
}

func kindName(k jsontext.Kind) string {
	switch k {
	case '"':
		return "string"
	case '0':
		return "number"
	case '{':
		return "object"
	case '[':
		return "array"
	case 'n':
		return "null"
	default:
		return "true or false"
	}
}
