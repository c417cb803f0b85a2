package mapping

import (
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

func (e *eventPlan) templates() []template {
	out := append(slices.Clone(e.id), e.subject)
	for _, f := range e.everyField() {
		out = append(out, f.template)
	}
	return out
}

// apply makes the event of one record and adds it, or why there is none, to the row.
func (e *eventPlan) apply(source string, r *record, row *Row) {
	fields, reason := e.counts(r)
	if reason != "" {
		row.Skipped = append(row.Skipped, reason)
		return
	}
	var problems []Problem
	blame := func(column string, err error) {
		p := Problem{Line: r.line, Column: column, Code: event.CodeBadValue, Message: err.Error()}
		var c *conversionError
		if errors.As(err, &c) {
			p.Code = c.code
		}
		// One cell may be read for several fields: it is blamed once.
		if !slices.Contains(problems, p) {
			problems = append(problems, p)
		}
	}
	out := Event{Source: source, Type: e.kind.Type()}
	var missing string
	if out.ID, missing = e.id.render(r); missing != "" {
		blame(missing, &conversionError{event.CodeMissingField, "the cell is empty, but the id of the event is made of it"})
	}
	// A subject is a courtesy: without its column there is none.
	out.Subject, _ = e.subject.render(r)
	if !utf8.ValidString(out.ID) || !utf8.ValidString(out.Subject) {
		blame("", &conversionError{event.CodeBadText, "the id or the subject of the event is not UTF-8: save the file as UTF-8"})
	}
	t, column, err := e.time.at(r)
	if err != nil {
		blame(column, err)
	}
	out.Time = t
	data := []byte{'{'}
	for i := range fields {
		f := &fields[i]
		start := len(data)
		if start > 1 {
			data = append(data, ',')
		}
		data, _ = jsontext.AppendQuote(data, f.name)
		data = append(data, ':')
		with, column, err := f.appendValue(data, r)
		switch {
		case err != nil:
			blame(column, err)
			data = data[:start]
		case with == nil:
			data = data[:start]
		default:
			data = with
		}
	}
	if len(problems) > 0 {
		row.Problems = append(row.Problems, problems)
		return
	}
	out.Data = append(data, '}')
	row.Events = append(row.Events, out)
}

// NoRule is why an event is skipped for which no rule holds.
const NoRule = "no_rule"

// counts tells which fields the event of a record has, or why there is none: a condition that does not hold, or no rule that does.
func (e *eventPlan) counts(r *record) (fields []fieldPlan, reason string) {
	for i := range e.when {
		if !e.when[i].holds(r) {
			return nil, e.when[i].Reason
		}
	}
	if len(e.rules) == 0 {
		return e.fields, ""
	}
	for i := range e.rules {
		rule := &e.rules[i]
		if !slices.ContainsFunc(rule.when, func(w whenSpec) bool { return !w.holds(r) }) {
			return rule.fields, ""
		}
	}
	return nil, NoRule
}

func (w *whenSpec) holds(r *record) bool {
	v, _, ok := r.first(w.Column)
	switch {
	case w.Present != nil && *w.Present != ok:
		return false
	case len(w.Is) > 0 && (!ok || !slices.Contains(w.Is, v)):
		return false
	case len(w.IsNot) > 0 && ok && slices.Contains(w.IsNot, v):
		return false
	case len(w.Like) > 0 && (!ok || !slices.ContainsFunc(w.Like, func(p string) bool { return like(p, v) })):
		return false
	}
	return true
}

// at is the time of the event; zero where no column has one.
func (t *timePlan) at(r *record) (time.Time, string, error) {
	if len(t.columns) == 0 {
		return t.start.Add(time.Duration(r.number-1) * t.spacing), "", nil
	}
	v, column, ok := r.first(t.columns)
	if !ok {
		return time.Time{}, "", nil
	}
	at, err := t.read.parse(v)
	return at.UTC().Truncate(time.Millisecond), column, err
}

// appendValue writes the field's value; nil without an error means that it is absent.
func (f *fieldPlan) appendValue(dst []byte, r *record) ([]byte, string, error) {
	switch {
	case len(f.spec.Sum) > 0:
		return f.appendSum(dst, r)
	case len(f.spec.SquareOf) > 0:
		v, column, ok := r.first(f.spec.SquareOf)
		if !ok {
			return nil, "", nil
		}
		d, err := f.number(v)
		if err != nil {
			return nil, column, err
		}
		out, err := f.appendNumber(dst, d.Mul(d))
		return out, column, err
	case f.member != nil:
		v, ok := r.get(f.spec.Member.Column)
		if !ok || len(f.member) == 0 {
			return nil, "", nil
		}
		return appendBool(dst, f.member[v]), f.spec.Member.Column, nil
	}
	v, column, ok := f.text(r)
	if !ok {
		return nil, "", nil
	}
	if err := f.misfit(r.types[column]); err != nil {
		return nil, column, err
	}
	v, err := f.translate(v)
	if err != nil {
		return nil, column, err
	}
	if v == "" {
		return nil, "", nil
	}
	out, err := f.appendText(dst, v)
	return out, column, err
}

// text is the value of the field before its conversion.
func (f *fieldPlan) text(r *record) (value, column string, ok bool) {
	switch {
	case f.spec.Value != nil:
		return *f.spec.Value, "", *f.spec.Value != ""
	case f.spec.Template != "":
		v, missing := f.template.render(r)
		return v, "", missing == ""
	}
	return r.first(f.spec.Column)
}

// appendSum adds columns; an absent one adds nothing, all absent make the field absent.
func (f *fieldPlan) appendSum(dst []byte, r *record) ([]byte, string, error) {
	total, some := decimal.Decimal{}, false
	for _, column := range f.spec.Sum {
		v, ok := r.get(column)
		if !ok {
			continue
		}
		d, err := f.number(v)
		if err != nil {
			return nil, column, err
		}
		total, some = total.Add(d), true
	}
	if !some {
		return nil, "", nil
	}
	out, err := f.appendNumber(dst, total)
	return out, f.spec.Sum[0], err
}

// appendText converts a text to the type of the field.
func (f *fieldPlan) appendText(dst []byte, v string) ([]byte, error) {
	if !utf8.ValidString(v) {
		return nil, &conversionError{event.CodeBadText, "the cell is not UTF-8: save the file as UTF-8"}
	}
	switch f.target {
	case toDecimal, toNumber, toCount:
		if text, ok := f.quickNumber(v); ok && f.target == toDecimal {
			return append(append(append(dst, '"'), text...), '"'), nil
		} else if ok {
			return append(dst, text...), nil
		}
		d, err := f.number(v)
		if err != nil {
			return nil, err
		}
		return f.appendNumber(dst, d)
	case toBool:
		yes, err := f.yes(v)
		return appendBool(dst, yes), err
	case toTime:
		t, err := f.read.parse(v)
		if err != nil {
			return nil, err
		}
		return jsontext.AppendQuote(dst, t.UTC().Truncate(time.Millisecond).Format(event.TimeForm))
	case toDay:
		t, err := f.read.parse(v)
		if err != nil {
			return nil, err
		}
		// A time without an offset was read in the zone of the mapping: its day is the day that the file means.
		return jsontext.AppendQuote(dst, t.In(f.read.zone).Format(time.DateOnly))
	case toJSON:
		raw := jsontext.Value(v)
		if !raw.IsValid() {
			return nil, valueError("%s is no JSON", quote(v))
		}
		return append(dst, v...), nil
	default:
		return jsontext.AppendQuote(dst, v)
	}
}

// misfit refuses a JSON value that the field can not be made of, whatever its text looks like. What is no JSON has no type.
func (f *fieldPlan) misfit(k jsontext.Kind) error {
	switch {
	case f.target == toJSON:
		return nil
	case k == '{' || k == '[':
		return &conversionError{event.CodeWrongType, f.name + " is made of this, and it is an object or an array: name a member of it, or send a plain value"}
	case (k == 't' || k == 'f') && (f.target == toDecimal || f.target == toNumber || f.target == toCount):
		return &conversionError{event.CodeWrongType, f.name + " is a number, and this is true or false"}
	}
	return nil
}

func appendBool(dst []byte, yes bool) []byte {
	if yes {
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}

// Structured is the event as a CloudEvents JSON object.
func (e Event) Structured() ([]byte, error) {
	if e.Raw != nil {
		return e.Raw, nil
	}
	out := make([]byte, 0, len(`{"specversion":"1.0","type":"","source":"","id":"","time":"","subject":"","data":}`)+
		len(e.Type)+len(e.Source)+len(e.ID)+len(e.Subject)+len(event.TimeForm)+len(e.Data)+16)
	out = append(out, `{"specversion":"1.0"`...)
	at := ""
	if !e.Time.IsZero() {
		at = e.Time.UTC().Format(event.TimeForm)
	}
	for _, m := range [...]struct {
		name, text string
		always     bool
	}{{"type", e.Type, true}, {"source", e.Source, true}, {"id", e.ID, true}, {"time", at, false}, {"subject", e.Subject, false}} {
		if m.text == "" && !m.always {
			continue
		}
		out = append(append(append(out, `,"`...), m.name...), `":`...)
		var err error
		if out, err = jsontext.AppendQuote(out, m.text); err != nil {
			return nil, err
		}
	}
	// The data was written by this package.
	return append(append(append(out, `,"data":`...), e.Data...), '}'), nil
}

// member reads a text attribute of a CloudEvent, for messages only.
func member(v jsontext.Value, name string) string {
	var object struct {
		ID     string         `json:"id"`
		Source string         `json:"source"`
		Rest   jsontext.Value `json:",unknown"`
	}
	if err := json.Unmarshal(v, &object); err != nil {
		return ""
	}
	if name == "id" {
		return object.ID
	}
	return object.Source
}
