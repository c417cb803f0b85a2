package scorecard

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// whatIfRequest is the body of /what-if: the question of a scorecard, and what is to be assumed instead.
type whatIfRequest struct {
	From       string `json:"from"`
	To         string `json:"to"`
	Scope      string `json:"scope"`
	Currency   string `json:"currency"`
	Compare    string `json:"compare"`
	Definition string `json:"definition"`
	// Assumptions are by key: a number, or low, mode and high, or an entry of the registry.
	Assumptions map[string]json.RawMessage `json:"assumptions"`
	// Registry are entries by kind and key, as they would be written; without valid_from they hold always.
	Registry map[string]map[string]json.RawMessage `json:"registry"`
}

// whatIfAnswer is the answer of /what-if. Nothing of it is stored.
type whatIfAnswer struct {
	Changes    []whatIfChange        `json:"changes"`
	Scorecard  scorecardAnswer       `json:"scorecard"`
	Difference map[string]difference `json:"difference"`
	// RiskAdjusted are the values after the haircut that change, by measure.
	RiskAdjusted map[string]beside `json:"risk_adjusted"`
	// Targets and Benchmarks are those that would change, by measure: they stand beside measures and change none.
	Targets    map[string]beside `json:"targets"`
	Benchmarks map[string]beside `json:"benchmarks"`
}

// whatIfChange is an entry as it was assumed.
type whatIfChange struct {
	Kind string `json:"kind"`
	Key  string `json:"key"`
	// ValidFrom is nil where the entry was assumed to hold always.
	ValidFrom *string `json:"valid_from"`
	// Value is nil where the entry was assumed to end.
	Value json.RawMessage `json:"value"`
}

// difference is what a measure is and would be.
type difference struct {
	Unit         string        `json:"unit"`
	Before       *metric.Exact `json:"before"`
	After        *metric.Exact `json:"after"`
	Difference   *metric.Exact `json:"difference"`
	BeforeLow    *float64      `json:"before_low"`
	BeforeHigh   *float64      `json:"before_high"`
	AfterLow     *float64      `json:"after_low"`
	AfterHigh    *float64      `json:"after_high"`
	StatusBefore metric.Status `json:"status_before"`
	StatusAfter  metric.Status `json:"status_after"`
}

// beside is what stands beside a measure, such as a target, and what would; nil where there is none.
type beside struct {
	Before     *metric.Exact `json:"before"`
	After      *metric.Exact `json:"after"`
	Difference *metric.Exact `json:"difference"`
}

// mostChanges bounds a request.
const mostChanges = 50

// knownAssumptions are the assumptions that numbers depend on.
func knownAssumptions() []string {
	return []string{realisationKey, attributionKey, discountKey, riskKey}
}

// assumable are the kinds that may be changed: what prices, and what stands beside numbers, not who people are.
func assumable() []registry.Kind {
	return []registry.Kind{
		registry.Assumptions, registry.Rates, registry.FX, registry.VendorBaselines, registry.Experiments, registry.Workflows, registry.Targets, registry.Benchmarks,
	}
}

// postWhatIf answers with the scorecard as it would be under other assumptions, and the difference to what it is.
func (a *app) postWhatIf(c *gin.Context, v *view) error {
	raw, err := readBody(c)
	if err != nil {
		return err
	}
	var body whatIfRequest
	if err := decodeStrict(raw, &body); err != nil {
		return &badRequest{[]event.Problem{{Code: event.CodeNotJSON, Message: "send one JSON object with assumptions or registry: " + err.Error()}}}
	}
	values, err := body.values(c.Request.URL.Query())
	if err != nil {
		return err
	}
	p, err := parseParams(values, v.today, "from", "to", "scope", "currency", "compare", "definition", "constant_currency")
	if err != nil {
		return err
	}
	if err := v.admit(c, p.scope); err != nil {
		return err
	}
	records, err := body.records(v)
	if err != nil {
		return err
	}
	answer, err := v.whatIf(c, p, records, records)
	if err != nil {
		return err
	}
	writeJSON(c, http.StatusOK, answer)
	return nil
}

// whatIf is the scorecard as it would be under records, and the difference. What may be assumed is decided by those of them that are given
// as judged, which say what changes.
func (v *view) whatIf(ctx context.Context, p params, records, judged []registry.Record) (whatIfAnswer, error) {
	currency := v.currencyOf(p)
	v.overOnly = true // what a price changes in it would tell about its days
	before, n, err := v.scorecard(ctx, p, currency)
	if err != nil {
		return whatIfAnswer{}, err
	}
	if err := v.mayAssume(n, judged); err != nil {
		return whatIfAnswer{}, err
	}
	after, err := v.assuming(ctx, records, p, currency)
	if err != nil {
		return whatIfAnswer{}, err
	}
	return whatIfAnswer{
		Changes: changesOf(records), Scorecard: after, Difference: differences(before, after),
		RiskAdjusted: besides(before, after, func(m metric.Measure) *metric.Exact { return m.RiskAdjusted }),
		Targets:      besides(before, after, declaredTarget), Benchmarks: besides(before, after, declaredBenchmark),
	}, nil
}

// values are the parameters of the question, from the address or the body; one that both name is refused.
func (b whatIfRequest) values(query url.Values) (url.Values, error) {
	var problems []event.Problem
	for name, text := range map[string]string{
		"from": b.From, "to": b.To, "scope": b.Scope, "currency": b.Currency, "compare": b.Compare, "definition": b.Definition,
	} {
		switch {
		case text == "":
		case query.Has(name):
			problems = append(problems, event.Problem{Code: event.CodeBadValue, Pointer: "/" + name, Message: "give it once, in the address or in the body"})
		default:
			query.Set(name, text)
		}
	}
	if len(problems) > 0 {
		return nil, &badRequest{problems}
	}
	return query, nil
}

// records are the entries that are assumed.
func (b whatIfRequest) records(v *view) ([]registry.Record, error) {
	var out []registry.Record
	var problems []event.Problem
	add := func(pointer string, kind registry.Kind, key string, body json.RawMessage) {
		r, bad := assumedRecord(v, kind, key, body)
		for _, p := range bad {
			p.Pointer = pointer + p.Pointer
			problems = append(problems, p)
		}
		out = append(out, r)
	}
	for _, key := range slices.Sorted(maps.Keys(b.Assumptions)) {
		pointer := "/assumptions/" + escaped(key)
		if !slices.Contains(knownAssumptions(), key) {
			problems = append(problems, event.Problem{
				Code: event.CodeBadValue, Pointer: pointer, Message: "there is no such assumption; there are " + strings.Join(knownAssumptions(), ", "),
			})
			continue
		}
		add(pointer, registry.Assumptions, key, assumptionBody(b.Assumptions[key]))
	}
	for _, kind := range slices.Sorted(maps.Keys(b.Registry)) {
		pointer := "/registry/" + escaped(kind)
		if !slices.Contains(assumable(), registry.Kind(kind)) {
			problems = append(problems, event.Problem{
				Code: event.CodeBadValue, Pointer: pointer, Message: fmt.Sprintf("assume entries of the kinds %v", assumable()),
			})
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(b.Registry[kind])) {
			add(pointer+"/"+escaped(key), registry.Kind(kind), key, b.Registry[kind][key])
		}
	}
	switch {
	case len(problems) > 0:
		return nil, &badRequest{problems}
	case len(out) == 0:
		return nil, &badRequest{[]event.Problem{{Code: event.CodeMissingField, Pointer: "/assumptions", Message: "name at least one change, in assumptions or registry"}}}
	case len(out) > mostChanges:
		return nil, &badRequest{[]event.Problem{{Code: event.CodeTooLong, Pointer: "/registry", Message: fmt.Sprintf("assume at most %d entries", mostChanges)}}}
	}
	return out, nil
}

// escaped is a name as a part of a JSON pointer.
func escaped(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// assumptionBody turns the short forms of an assumption into an entry: a number is known exactly.
func assumptionBody(raw json.RawMessage) json.RawMessage {
	var number json.Number
	if json.Unmarshal(raw, &number) == nil && number != "" {
		return fmt.Appendf(nil, `{"range":{"low":%s,"mode":%s,"high":%s}}`, number, number, number)
	}
	var points map[string]json.RawMessage
	if json.Unmarshal(raw, &points) == nil && points["mode"] != nil {
		return fmt.Appendf(nil, `{"range":%s}`, raw)
	}
	return raw
}

// assumedRecord reads an entry; without valid_from it holds always.
func assumedRecord(v *view, kind registry.Kind, key string, body json.RawMessage) (registry.Record, []event.Problem) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &fields); err != nil {
		return registry.Record{}, []event.Problem{{Code: event.CodeNotJSON, Message: "write the entry as a JSON object"}}
	}
	_, dated := fields["valid_from"]
	if !dated {
		fields["valid_from"] = json.RawMessage(`"2000-01-01"`)
	}
	r, problems := v.assumedVersion(kind, key, fields)
	if !dated {
		r.ValidFrom = time.Time{}
	}
	at := v.now
	if !at.After(v.recorded) {
		at = v.recorded.Add(time.Millisecond) // as a write does: the last one must win, whatever the clock says
	}
	r.Workspace, r.RecordedAt, r.EntryID, r.Author = v.viewer.Workspace, at, "what-if "+string(kind)+"/"+key, "what-if"
	return r, problems
}

// assumedVersion reads a version as it would be written: one with "deleted" ends the entry.
func (v *view) assumedVersion(kind registry.Kind, key string, fields map[string]json.RawMessage) (registry.Record, []event.Problem) {
	if string(fields["deleted"]) == "true" {
		from, problem := registry.ValidFrom(jsontext.Value(fields["valid_from"]), v.zone)
		if problem != nil {
			return registry.Record{}, []event.Problem{*problem}
		}
		return registry.Record{Kind: kind, Key: key, ValidFrom: from, Deleted: true}, nil
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return registry.Record{}, []event.Problem{{Code: event.CodeNotJSON, Message: err.Error()}}
	}
	r, problems := registry.Body(kind, key, raw, v.zone)
	if len(problems) > 0 {
		return r, problems
	}
	return r, v.registry.Contradictions(r)
}

// assuming is the scorecard under another registry: the same rows, read once, priced anew.
func (v *view) assuming(ctx context.Context, records []registry.Record, p params, currency string) (scorecardAnswer, error) {
	answer, _, err := v.under(v.registry.With(records)).scorecard(ctx, p, currency)
	if err != nil {
		return answer, err
	}
	for key, m := range answer.Measures {
		m.Claim = nil // a claim is about what is
		answer.Measures[key] = m
	}
	return answer, nil
}

// under is the view with another registry. It shares what was read already.
func (v *view) under(reg *registry.Snapshot) *view {
	v.mu.Lock()
	defer v.mu.Unlock()
	return &view{
		viewer: v.viewer, overOnly: v.overOnly, snapshot: v.snapshot, registry: reg, fingerprint: v.fingerprint, recorded: reg.Recorded(), rules: v.rules, constant: v.constant, zone: v.zone, now: v.now, today: v.today,
		currency: v.currency, db: v.db, days: v.days, slots: v.slots, asked: maps.Clone(v.asked), experiments: map[string]func() []metric.Experiment{},
	}
}

func changesOf(records []registry.Record) []whatIfChange {
	out := make([]whatIfChange, 0, len(records))
	for _, r := range records {
		c := whatIfChange{Kind: string(r.Kind), Key: r.Key, Value: json.RawMessage(r.Value)}
		if !r.ValidFrom.IsZero() {
			c.ValidFrom = new(r.ValidFrom.UTC().Format(event.TimeForm))
		}
		out = append(out, c)
	}
	return out
}

// differences are the measures that change.
func differences(before, after scorecardAnswer) map[string]difference {
	out := map[string]difference{}
	for key, was := range before.Measures {
		is, there := after.Measures[key]
		if !there || same(was, is) {
			continue
		}
		d := difference{Unit: is.Unit, Before: was.Value, After: is.Value, Difference: less(is.Value, was.Value), StatusBefore: was.Status, StatusAfter: is.Status}
		d.BeforeLow, d.BeforeHigh, d.AfterLow, d.AfterHigh = was.Low, was.High, is.Low, is.High
		out[key] = d
	}
	return out
}

// besides are what stands beside measures, such as their targets, where it changes.
func besides(before, after scorecardAnswer, of func(metric.Measure) *metric.Exact) map[string]beside {
	out := map[string]beside{}
	for key, m := range before.Measures {
		was, is := of(m), of(after.Measures[key])
		if (was == nil) != (is == nil) || (was != nil && !was.Equal(is.Decimal)) {
			out[key] = beside{was, is, less(is, was)}
		}
	}
	return out
}

// less is a − b; nil where one of them is not known.
func less(a, b *metric.Exact) *metric.Exact {
	if a == nil || b == nil {
		return nil
	}
	return metric.ExactOf(a.Sub(b.Decimal))
}

func declaredTarget(m metric.Measure) *metric.Exact {
	if m.Target == nil {
		return nil
	}
	return &m.Target.Value
}

func declaredBenchmark(m metric.Measure) *metric.Exact {
	if m.Benchmark == nil {
		return nil
	}
	return &m.Benchmark.Value
}

func same(a, b metric.Measure) bool {
	if a.Status != b.Status || (a.Value == nil) != (b.Value == nil) {
		return false
	}
	equal := a.Value == nil || a.Value.Equal(b.Value.Decimal)
	return equal && sameFloat(a.Low, b.Low) && sameFloat(a.High, b.High)
}

func sameFloat(a, b *float64) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}
