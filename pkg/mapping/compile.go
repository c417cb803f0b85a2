package mapping

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
)

// eventPlan is an eventSpec that was found sound.
type eventPlan struct {
	kind    event.Kind
	id      naming
	subject template
	time    timePlan
	when    []whenSpec
	fields  []fieldPlan // by name
	// rules, where there are any, each have the fields of the event with their own.
	rules []rulePlan
}

// rulePlan is a ruleSpec that was found sound.
type rulePlan struct {
	when   []whenSpec
	fields []fieldPlan
}

// everyField are the fields of the event and of its rules.
func (e *eventPlan) everyField() []fieldPlan {
	out := slices.Clone(e.fields)
	for _, r := range e.rules {
		out = append(out, r.fields...)
	}
	return out
}

// everyWhen are the conditions of the event and of its rules.
func (e *eventPlan) everyWhen() []whenSpec {
	out := slices.Clone(e.when)
	for _, r := range e.rules {
		out = append(out, r.when...)
	}
	return out
}

// timePlan is a column with its reader, or start and spacing.
type timePlan struct {
	columns []string
	read    instant
	start   time.Time
	spacing time.Duration
}

// fieldPlan is where a field's value comes from and what type the contract wants.
type fieldPlan struct {
	name     string
	target   target
	spec     fieldSpec
	template template
	read     instant
	member   map[string]bool
}

// target is the type that a field has in the contract.
type target int

const (
	toText target = iota
	toDecimal
	toNumber
	toCount
	toBool
	toTime
	toDay
	toJSON
)

var targets = map[reflect.Type]target{
	reflect.TypeFor[string]():         toText,
	reflect.TypeFor[event.Kind]():     toText,
	reflect.TypeFor[event.Decimal]():  toDecimal,
	reflect.TypeFor[event.Number]():   toNumber,
	reflect.TypeFor[uint8]():          toCount,
	reflect.TypeFor[uint16]():         toCount,
	reflect.TypeFor[uint64]():         toCount,
	reflect.TypeFor[bool]():           toBool,
	reflect.TypeFor[event.Time]():     toTime,
	reflect.TypeFor[event.Day]():      toDay,
	reflect.TypeFor[event.Touches]():  toJSON,
	reflect.TypeFor[jsontext.Value](): toJSON,
}

// targetsOf lists the fields of a kind by their names on the wire.
func targetsOf(k event.Kind) (map[string]target, bool) {
	s, ok := event.Lookup(k)
	if !ok {
		return nil, false
	}
	out := map[string]target{}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(s.New()).Elem()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "" || name == "-" {
			continue
		}
		t := f.Type
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if to, ok := targets[t]; ok {
			out[name] = to
		}
	}
	return out, true
}

// compile checks a mapping and prepares it. The error joins all problems.
func compile(s *spec) (*Mapping, error) {
	if len(s.Pick) > 0 {
		return compilePicks(s)
	}
	m := &Mapping{Name: s.Name, About: s.About, input: s.Input, source: s.Source, key: s.Key}
	errs := checkInput(&m.input)
	m.Passthrough = m.input.Format == formatCloudEvents
	if m.Passthrough {
		if len(s.Events) > 0 || s.Source != "" {
			errs = append(errs, errors.New("format cloudevents takes records as they are: leave out source and events"))
		}
		return m, errors.Join(errs...)
	}
	if s.Source == "" {
		errs = append(errs, errors.New("source is missing: name the system that the records come from, such as \"crm.example\""))
	}
	if len(s.Events) == 0 {
		errs = append(errs, errors.New("events is missing: say what a row becomes"))
	}
	for i, e := range s.Events {
		plan, problems := compileEvent(e, ", or start and spacing for a file without dates")
		problems = append(problems, plan.addRules(e.Fields, s.Rules)...)
		if len(s.Key) == 0 && plan.uses(placeKey) {
			problems = append(problems, fmt.Errorf("{%s} needs the columns that name a record: write key: [order, line]", placeKey))
		}
		for _, p := range problems {
			errs = append(errs, fmt.Errorf("events[%d]: %w", i, p))
		}
		m.events = append(m.events, plan)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	m.columns = columnsOf(m.events)
	m.required = slices.DeleteFunc(slices.Clone(m.columns), func(c string) bool { return isThere(c, m.input.Optional) })
	for _, c := range slices.Concat(s.Key...) {
		if !slices.Contains(m.columns, c) {
			m.columns = append(m.columns, c)
		}
	}
	slices.Sort(m.columns)
	return m, nil
}

func checkInput(in *inputSpec) []error {
	var errs []error
	switch in.Format {
	case "":
		in.Format = formatCSV
	case formatCSV, formatNDJSON, formatCloudEvents:
	default:
		errs = append(errs, fmt.Errorf("input.format is %q: write csv, ndjson or cloudevents; Parquet is known by how it begins", in.Format))
	}
	if in.Delimiter == "" {
		in.Delimiter = ","
	}
	if r, n := utf8.DecodeRuneInString(in.Delimiter); n != len(in.Delimiter) || r == '"' || r == '\r' || r == '\n' || r == utf8.RuneError {
		errs = append(errs, fmt.Errorf("input.delimiter is %q: write one character that is no quote and no line end", in.Delimiter))
	}
	return errs
}

// placedError is something wrong with a part of a mapping.
type placedError struct {
	// pointer is where, from the event on: "/fields/currency".
	pointer string
	message string
}

func (e *placedError) Error() string { return e.message }

func placed(pointer, format string, args ...any) error {
	return &placedError{pointer, fmt.Sprintf(format, args...)}
}

// compileEvent checks an event of a mapping. otherTimes is what may stand in the place of a column that says when it happened.
func compileEvent(e eventSpec, otherTimes string) (eventPlan, []error) {
	var errs []error
	add := func(pointer, format string, args ...any) { errs = append(errs, placed(pointer, format, args...)) }
	plan := eventPlan{kind: event.Kind(e.Kind), when: slices.Clone(e.When)}
	types, ok := targetsOf(plan.kind)
	if !ok {
		add("/kind", "kind is %q: write one of %s", e.Kind, kinds())
		return plan, errs
	}
	var err error
	if plan.id, err = parseNaming(e.ID); err != nil {
		add("/id", "id: %v", err)
	} else if len(plan.id) == 0 {
		add("/id", "id is missing: make it of columns that name the record, such as \"{order_id}\", or \"{hash}-{occurrence}\"")
	}
	if plan.subject, err = parseTemplate(e.Subject); err != nil {
		add("/subject", "subject: %v", err)
	}
	if e.Time.empty() {
		add("/time", "time: give a column%s", otherTimes)
	} else if plan.time, err = compileTime(e.Time); err != nil {
		add("/time", "time: %v", err)
	}
	for i := range plan.when {
		w := &plan.when[i]
		if !w.whole() {
			add(fmt.Sprintf("/when/%d", i), "when[%d]: give a column and one of is, is_not, like, present", i)
		}
		if w.Reason == "" {
			w.Reason = "not_" + e.Kind
		}
	}
	var problems []error
	plan.fields, problems = compileFields(plan.kind, types, e.Fields)
	return plan, append(errs, problems...)
}

// whole tells that a condition asks something of a column.
func (w *whenSpec) whole() bool {
	return len(w.Column) > 0 && !slices.Contains(w.Column, "") && (len(w.Is) > 0 || len(w.IsNot) > 0 || len(w.Like) > 0 || w.Present != nil)
}

func compileFields(kind event.Kind, types map[string]target, specs map[string]fieldSpec) (out []fieldPlan, errs []error) {
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		to, ok := types[name]
		if !ok {
			unknown = append(unknown, name)
			continue
		}
		f, problems := compileField(name, to, specs[name])
		errs = append(errs, problems...)
		out = append(out, f)
	}
	if len(unknown) > 0 {
		at := "/fields"
		if len(unknown) == 1 {
			at += "/" + unknown[0]
		}
		errs = append(errs, placed(at, "%s has no field %s: it has %s", kind, strings.Join(unknown, ", "), strings.Join(slices.Sorted(maps.Keys(types)), ", ")))
	}
	return out, errs
}

// addRules prepares the rules of an event, each with the fields of the event and its own.
func (e *eventPlan) addRules(fields map[string]fieldSpec, rules []ruleSpec) []error {
	types, ok := targetsOf(e.kind)
	if !ok {
		return nil // that was said
	}
	var errs []error
	for i, r := range rules {
		for j := range r.When {
			if !r.When[j].whole() {
				errs = append(errs, fmt.Errorf("rules[%d]: when[%d]: give a column and one of is, is_not, like, present", i, j))
			}
		}
		all, problems := compileFields(e.kind, types, overFields(fields, r.Fields))
		for _, p := range problems {
			errs = append(errs, fmt.Errorf("rules[%d]: %w", i, p))
		}
		e.rules = append(e.rules, rulePlan{r.When, all})
	}
	return errs
}

func (e *eventPlan) uses(place string) bool {
	return slices.ContainsFunc(e.templates(), func(t template) bool { return t.uses(place) })
}

// empty tells that nothing says when the event happened.
func (s timeSpec) empty() bool { return s.Start == "" && s.Spacing == "" && len(s.Column) == 0 }

func compileTime(s timeSpec) (timePlan, error) {
	if s.Start == "" && s.Spacing == "" {
		read, err := newInstant(s.Layout, s.Zone)
		return timePlan{columns: s.Column, read: read}, err
	}
	if len(s.Column) > 0 {
		return timePlan{}, errors.New("give a column, or start and spacing, not both")
	}
	start, err := event.ParseTime(s.Start)
	if err != nil {
		return timePlan{}, fmt.Errorf("start: %w", err)
	}
	var spacing time.Duration
	if s.Spacing != "" {
		if spacing, err = time.ParseDuration(s.Spacing); err != nil {
			return timePlan{}, fmt.Errorf("spacing is %q: write a duration such as \"15m\" or \"0s\"", s.Spacing)
		}
	}
	return timePlan{start: start.Time, spacing: spacing}, nil
}

func compileField(name string, to target, s fieldSpec) (fieldPlan, []error) {
	f := fieldPlan{name: name, target: to, spec: s}
	var errs []error
	add := func(format string, args ...any) {
		errs = append(errs, placed("/fields/"+name, "field %s: %v", name, fmt.Errorf(format, args...)))
	}
	// A column that a parameter left empty means that the field stays absent.
	s.Column = slices.DeleteFunc(slices.Clone(s.Column), func(c string) bool { return c == "" })
	optional := len(f.spec.Column) > 0 && len(s.Column) == 0
	f.spec = s
	given := 0
	for _, yes := range []bool{len(s.Column) > 0, s.Value != nil, s.Template != "", len(s.Sum) > 0, len(s.SquareOf) > 0, s.Member != nil} {
		if yes {
			given++
		}
	}
	if given != 1 && !(optional && given == 0) {
		add("give exactly one of column, value, template, sum, square_of, member")
	}
	if (len(s.Sum) > 0 || len(s.SquareOf) > 0) && to != toNumber && to != toDecimal && to != toCount {
		add("sum and square_of make numbers, the field is none")
	}
	if s.Member != nil {
		if to != toBool {
			add("member makes yes or no, the field is neither")
		}
		if s.Member.Column == "" {
			add("member needs a column")
		}
		f.member = map[string]bool{}
		for v := range strings.SplitSeq(s.Member.Of, ",") {
			if v = strings.TrimSpace(v); v != "" {
				f.member[v] = true
			}
		}
	}
	var err error
	if f.template, err = parseTemplate(s.Template); err != nil {
		add("template: %w", err)
	}
	if f.read, err = newInstant(s.Layout, s.Zone); err != nil {
		add("%w", err)
	}
	if s.Round != nil && (*s.Round < 0 || *s.Round > 18) {
		add("round to 0 to 18 decimals")
	}
	return f, errs
}

func columnsOf(events []eventPlan) []string {
	seen := map[string]bool{}
	for _, e := range events {
		all := slices.Concat(e.id.columns(), e.subject.columns(), e.time.columns)
		for _, w := range e.everyWhen() {
			all = append(all, w.Column...)
		}
		for _, f := range e.everyField() {
			all = slices.Concat(all, f.spec.Column, f.spec.Sum, f.spec.SquareOf, f.template.columns())
			if f.spec.Member != nil {
				all = append(all, f.spec.Member.Column)
			}
		}
		for _, c := range all {
			seen[c] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func kinds() string {
	var out []string
	for _, s := range event.Catalogue() {
		out = append(out, string(s.Kind))
	}
	return strings.Join(out, ", ")
}
