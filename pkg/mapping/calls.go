package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"plumbline/pkg/event"
)

// Columns of a call that its receiver gives, whatever the call has under these names.
const (
	// ColumnMessageID is the id of a Segment call.
	ColumnMessageID = "messageId"
	// ColumnTimestamp is the time of a Segment call, by our clock.
	ColumnTimestamp = "timestamp"
	// ColumnReceived is when we have received the call: for tools that do not say when a thing happened.
	ColumnReceived = "@received"
	// ColumnHash is not read: it stands in the place of {hash}, for a call that was repaired and keeps its name.
	ColumnHash = "@hash"
)

const (
	// EveryName stands in a list of ignored names for all that are not mapped.
	EveryName = "*"
	// DefaultNameColumn is where the name of what has happened stands in a call.
	DefaultNameColumn = "event"

	mostCallEvents = 100
	mostNames      = 1000
	mostColumn     = 256
	mostDots       = 8
)

// Calls says what becomes of calls: JSON objects that come one at a time, from SDKs and webhooks. Its language is that of mapping
// files, with the name of what has happened (event) beside the conditions of each event; columns are members, nested ones with
// dots between. It is immutable.
type Calls struct {
	// NameColumn is the member that names what has happened.
	NameColumn string

	plans      []callPlan
	ignore     map[string]bool
	ignoreRest bool
	columns    []string
	hashes     bool
}

// callPlan is an event that calls of some names, or all, become.
type callPlan struct {
	eventPlan
	names []string
}

// CallDefaults are what the events of calls have that do not say otherwise.
type CallDefaults struct {
	// ID is a template, Time a column.
	ID, Time string
}

// SegmentDefaults are those of Segment's calls.
func SegmentDefaults() CallDefaults {
	return CallDefaults{ID: "{" + ColumnMessageID + "}", Time: ColumnTimestamp}
}

// HookDefaults are those of webhooks: a call is named by its content. When it happened they do not say.
func HookDefaults() CallDefaults { return CallDefaults{ID: "{" + placeHash + "}"} }

// callSpec is the shape of one event.
type callSpec struct {
	Event     oneOrMany `yaml:"event"`
	eventSpec `yaml:",inline"`
}

// ParseCalls reads a list of events in the language of mapping files, in YAML or JSON. Pointers of the problems start at the list.
func ParseCalls(events []byte, defaults CallDefaults) (*Calls, []event.Problem) {
	c := &Calls{NameColumn: DefaultNameColumn, ignore: map[string]bool{}}
	if len(bytes.TrimSpace(events)) == 0 {
		return c, nil
	}
	var specs []callSpec
	dec := yaml.NewDecoder(bytes.NewReader(events))
	dec.KnownFields(true)
	if err := dec.Decode(&specs); err != nil && !errors.Is(err, io.EOF) {
		return nil, specProblems(err)
	}
	if len(specs) > mostCallEvents {
		return nil, []event.Problem{{Code: event.CodeTooLong, Message: fmt.Sprintf("at most %d events", mostCallEvents)}}
	}
	var problems []event.Problem
	for i, s := range specs {
		plan, errs := compileCall(s, defaults)
		for _, err := range errs {
			problems = append(problems, specProblem(fmt.Sprint("/", i), err))
		}
		c.plans = append(c.plans, plan)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	c.settle()
	return c, nil
}

// compileCall checks one event and fills in the defaults.
func compileCall(s callSpec, defaults CallDefaults) (callPlan, []error) {
	if len(s.ID) == 0 {
		s.ID = oneOrMany{defaults.ID}
	}
	if s.Time.empty() && defaults.Time != "" {
		s.Time.Column = oneOrMany{defaults.Time}
	}
	plan, errs := compileEvent(s.eventSpec, fmt.Sprintf(", or %q for when it was received", ColumnReceived))
	if plan.kind == event.KindVoid || plan.kind == event.KindCorrect {
		errs = append(errs, placed("/kind", "a call can not be mapped to a %s: send that to /v1/events", plan.kind))
	}
	if s.Time.Start != "" || s.Time.Spacing != "" {
		errs = append(errs, placed("/time", "time: start and spacing are for files without dates: give a column"))
	}
	for _, t := range plan.templates() {
		if t.uses(placeRow) || t.uses(placeOccurrence) || t.uses(placeKey) {
			errs = append(errs, placed("", "a call stands in no file: {%s}, {%s} and {%s} mean nothing here", placeRow, placeOccurrence, placeKey))
			break
		}
	}
	for _, column := range columnsOf([]eventPlan{plan}) {
		if len(column) > mostColumn || strings.Count(column, ".") > mostDots {
			errs = append(errs, placed("", "the column %s is too long: at most %d bytes and %d dots", quote(column), mostColumn, mostDots))
		}
	}
	if len(s.Event) > mostNames || slices.Contains(s.Event, "") {
		errs = append(errs, placed("/event", "event: name at most %d events, and none that is empty", mostNames))
	}
	return callPlan{plan, s.Event}, errs
}

func specProblem(at string, err error) event.Problem {
	p := event.Problem{Code: event.CodeBadValue, Pointer: at, Message: err.Error()}
	var where *placedError
	if errors.As(err, &where) {
		p.Pointer += where.pointer
	}
	return p
}

// specProblems are what the decoder says of a list that has not the shape of one.
func specProblems(err error) []event.Problem {
	var out []event.Problem
	var joined interface{ Unwrap() []error }
	if err = yamlProblems(err); errors.As(err, &joined) {
		for _, e := range joined.Unwrap() {
			out = append(out, event.Problem{Code: event.CodeBadValue, Message: e.Error()})
		}
		return out
	}
	return []event.Problem{{Code: event.CodeBadValue, Message: err.Error()}}
}

// SegmentCalls is what becomes of Segment's calls where nobody says otherwise.
func SegmentCalls() (*Calls, error) {
	raw, err := builtin.ReadFile("calls/segment.yaml")
	if err != nil {
		return nil, fmt.Errorf("read the built-in mapping: %w", err)
	}
	var file struct {
		Events yaml.Node `yaml:"events"`
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("read the built-in mapping: %w", err)
	}
	if raw, err = yaml.Marshal(&file.Events); err != nil {
		return nil, fmt.Errorf("read the built-in mapping: %w", err)
	}
	c, problems := ParseCalls(raw, SegmentDefaults())
	if len(problems) > 0 {
		return nil, fmt.Errorf("the built-in mapping: %w", problems[0])
	}
	return c, nil
}

// Ignoring is the same, with names that are known and not counted; [EveryName] are all that are not mapped.
func (c *Calls) Ignoring(names []string) *Calls {
	out := *c
	out.ignore = make(map[string]bool, len(names))
	for _, n := range names {
		out.ignore[n] = true
		out.ignoreRest = out.ignoreRest || n == EveryName
	}
	return &out
}

// Naming is the same, with the name of what has happened in another member.
func (c *Calls) Naming(column string) *Calls {
	out := *c
	out.NameColumn = column
	out.settle()
	return &out
}

// Over is the same with the events of base beside its own, but for names that it maps or ignores itself.
func (c *Calls) Over(base *Calls) *Calls {
	out := *c
	out.plans = slices.Clone(c.plans)
	for _, p := range base.plans {
		p.names = slices.DeleteFunc(slices.Clone(p.names), func(n string) bool { return c.ignore[n] || c.maps(n) })
		if len(p.names) > 0 {
			out.plans = append(out.plans, p)
		}
	}
	out.settle()
	return &out
}

func (c *Calls) maps(name string) bool {
	return slices.ContainsFunc(c.plans, func(p callPlan) bool { return slices.Contains(p.names, name) })
}

// settle notes what has to be read of a call.
func (c *Calls) settle() {
	events := make([]eventPlan, len(c.plans))
	c.hashes = false
	for i, p := range c.plans {
		events[i] = p.eventPlan
		for _, t := range p.templates() {
			c.hashes = c.hashes || t.uses(placeHash)
		}
	}
	c.columns = columnsOf(events)
	if !slices.Contains(c.columns, c.NameColumn) {
		c.columns = append(c.columns, c.NameColumn)
	}
}

// Made is one event of a call, or why there is none.
type Made struct {
	Event Event
	// Kind is what the mapping makes of the call, whether or not it could.
	Kind event.Kind
	// Problems are why it could not. Their pointers start at the call: "/properties/currency".
	Problems []event.Problem
	// Origins are pointers in the call by those in the event, where no mapping file says what was made of what.
	Origins map[string]string
	// Call is the part of the call that it was made of; nil is the whole.
	Call []byte

	plan *eventPlan
}

// Origin is the pointer, in the call, of what a pointer in the event ("/data/currency") was made of; ok is false where it was made
// of nothing in the call.
func (m Made) Origin(pointer string) (origin string, ok bool) {
	if m.plan == nil {
		origin, ok = m.Origins[pointer]
		return origin, ok
	}
	var columns []string
	name, inData := strings.CutPrefix(pointer, "/data/")
	name, _, _ = strings.Cut(name, "/")
	switch {
	case pointer == "/time":
		columns = m.plan.time.columns
	case pointer == "/id":
		columns = m.plan.id.columns()
	case pointer == "/subject":
		columns = m.plan.subject.columns()
	case inData:
		for _, f := range m.plan.fields {
			if f.name == name {
				columns = slices.Concat(f.spec.Column, f.spec.Sum, f.spec.SquareOf, f.template.columns())
			}
		}
	}
	if len(columns) == 0 || columns[0] == ColumnReceived {
		return "", false
	}
	return pointerTo(columns[0]), true
}

func pointerTo(column string) string {
	if column == "" {
		return ""
	}
	return "/" + strings.ReplaceAll(strings.NewReplacer("~", "~0", "/", "~1").Replace(column), ".", "/")
}

// Result is what a call becomes.
type Result struct {
	// Name is what has happened, as the call says; "" where it does not.
	Name string
	// Made are its events, and those that it could not become.
	Made []Made
	// Ignored says that the name is known and not counted, Skipped why events were not made whose conditions did not hold.
	Ignored bool
	Skipped []string
}

// Unknown tells that the mapping says nothing about the call.
func (r Result) Unknown() bool { return len(r.Made)+len(r.Skipped) == 0 && !r.Ignored }

// Apply makes the events of one call. given are columns that the receiver knows better.
func (c *Calls) Apply(source string, call *Call, given map[string]string) Result {
	r := c.record(call, given)
	out := Result{}
	out.Name, _ = r.get(c.NameColumn)
	if k := r.types[c.NameColumn]; k == '{' || k == '[' {
		out.Name = ""
	}
	if c.ignore[out.Name] && out.Name != "" {
		out.Ignored = true
		return out
	}
	for i := range c.plans {
		p := &c.plans[i]
		if len(p.names) > 0 && !slices.Contains(p.names, out.Name) {
			continue
		}
		var row Row
		p.apply(source, r, &row)
		out.Skipped = append(out.Skipped, row.Skipped...)
		for _, e := range row.Events {
			out.Made = append(out.Made, Made{Event: e, Kind: p.kind, plan: &p.eventPlan})
		}
		for _, problems := range row.Problems {
			m := Made{Kind: p.kind, plan: &p.eventPlan}
			m.Event.Source, m.Event.Type = source, p.kind.Type()
			m.Event.ID, _ = p.id.render(r)
			for _, problem := range problems {
				m.Problems = append(m.Problems, event.Problem{Code: problem.Code, Pointer: pointerTo(problem.Column), Message: problem.Message})
			}
			out.Made = append(out.Made, m)
		}
	}
	// A name that is not known is ignored only where nothing was said about it.
	out.Ignored = c.ignoreRest && out.Unknown()
	return out
}
