package scorecard

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/currency"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
)

// The bounds of what may be asked for.
const (
	defaultDays = 90
	// defaultMonths is how many months a period has that names no first day, its last included.
	defaultMonths = 3
	mostDays      = 3660
	defaultPage   = 100
	mostPage      = 1000
)

// badRequest is a request that must be changed before it can be answered.
type badRequest struct {
	problems []event.Problem
}

func (e *badRequest) Error() string {
	var parts []string
	for _, p := range e.problems {
		parts = append(parts, strings.TrimPrefix(p.Pointer, "/")+": "+p.Message)
	}
	return strings.Join(parts, "; ")
}

// params are the parsed parameters of a request; zero values are those that were not given.
type params struct {
	from, to event.Day
	// given says that the period was named, not the default.
	given      bool
	scope      metric.Scope
	currency   string
	compare    string
	definition string
	// constant is the day whose exchange rates convert all money; zero takes those of each day.
	constant event.Day
	basis    metric.Basis
	limit    int
	cursor   string
	measure  string
	// measures are those that were asked for; none are all.
	measures []string
	metric   string
	format   string
}

var currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)

// parser reads parameters and collects everything that is wrong with them.
type parser struct {
	values   url.Values
	problems []event.Problem
}

func (p *parser) fail(name, message string) {
	p.problems = append(p.problems, event.Problem{Code: event.CodeBadValue, Pointer: "/" + name, Message: message})
}

// only refuses parameters that are not allowed, and those that are given more than once.
func (p *parser) only(allowed []string) {
	for name, list := range p.values {
		switch {
		case !slices.Contains(allowed, name):
			p.fail(name, "there is no such parameter here; there are "+strings.Join(allowed, ", "))
		case len(list) > 1:
			p.fail(name, "give it once")
		}
	}
}

// parseParams reads the query of a request that takes the allowed parameters. today is the workspace's day; the default
// period are the three months up to and with it, from the first day of the first: others' work is shown in whole months.
func parseParams(values url.Values, today event.Day, allowed ...string) (params, error) {
	p := &parser{values: values}
	p.only(allowed)
	out := params{
		basis: metric.Decided, limit: defaultPage, format: "json", scope: metric.Scope{Kind: metric.ScopeOrg},
		cursor: values.Get("cursor"), metric: values.Get("metric"), definition: metric.DefinitionVersion,
	}
	p.period(&out, today)
	out.constant, _ = p.day("constant_currency")
	if s := values.Get("scope"); s != "" {
		out.scope = p.scope(s)
	}
	if c := values.Get("currency"); c != "" {
		if out.currency = c; !currencyForm.MatchString(c) {
			p.fail("currency", `write a currency as its three letters, such as "USD"`)
		} else if _, err := currency.ParseISO(c); err != nil {
			p.fail("currency", "there is no currency "+c+" in ISO 4217")
		}
	}
	out.compare = p.oneOf("compare", "", "previous", "year")
	out.basis = metric.Basis(p.oneOf("basis", string(metric.Decided), string(metric.Created)))
	out.format = p.oneOf("format", "json", "csv")
	if d := values.Get("definition"); d != "" {
		if _, known := metric.RulesOf(d); !known {
			p.fail("definition", "there is no such version of the definitions; there are "+strings.Join(definitionVersions(), ", "))
		}
		out.definition = d
	}
	if s := values.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if out.limit = n; err != nil || n < 1 || n > mostPage {
			p.fail("limit", fmt.Sprintf("write a number from 1 to %d", mostPage))
		}
	}
	out.measure = values.Get("measure")
	if slices.Contains(allowed, "measure") {
		p.measure("measure", out.measure)
	}
	if s := values.Get("measures"); s != "" {
		out.measures = strings.Split(s, ",")
		for _, key := range out.measures {
			p.measure("measures", key)
		}
	}
	if len(p.problems) > 0 {
		return params{}, &badRequest{p.problems}
	}
	return out, nil
}

// definitionVersions are the known versions, the newest first.
func definitionVersions() []string {
	var out []string
	for _, r := range metric.Versions() {
		out = append(out, r.Version)
	}
	return out
}

// oneOf reads a parameter with few values; the first is the default.
func (p *parser) oneOf(name string, allowed ...string) string {
	s := p.values.Get(name)
	if s == "" {
		return allowed[0]
	}
	if !slices.Contains(allowed, s) {
		p.fail(name, "use one of: "+strings.TrimPrefix(strings.Join(allowed, ", "), ", "))
	}
	return s
}

func (p *parser) measure(name, key string) {
	if _, ok := metric.Lookup(key); ok {
		return
	}
	var keys []string
	for _, d := range metric.Catalogue() {
		keys = append(keys, d.Key)
	}
	p.fail(name, fmt.Sprintf("there is no measure %q; there are %s", key, strings.Join(keys, ", ")))
}

func (p *parser) day(name string) (event.Day, bool) {
	s := p.values.Get(name)
	if s == "" {
		return event.Day{}, false
	}
	d, err := event.ParseDay(s)
	if err != nil {
		p.fail(name, err.Error())
		return event.Day{}, false
	}
	return d, true
}

func (p *parser) period(out *params, today event.Day) {
	var hasFrom, hasTo bool
	before := len(p.problems)
	out.from, hasFrom = p.day("from")
	out.to, hasTo = p.day("to")
	if len(p.problems) > before {
		return
	}
	out.given = hasFrom || hasTo
	switch {
	case !hasTo && hasFrom && out.from.After(today.Time):
		out.to = addDays(out.from, defaultDays)
	case !hasTo:
		out.to = addDays(today, 1)
	}
	if !hasFrom {
		last := addDays(out.to, -1)
		out.from = event.Day{Time: time.Date(last.Year(), last.Month()-defaultMonths+1, 1, 0, 0, 0, 0, time.UTC)}
	}
	switch days := int(out.to.Sub(out.from.Time) / (24 * time.Hour)); {
	case days <= 0:
		p.fail("to", "the period is half-open: to must be a day after from")
	case days > mostDays:
		p.fail("from", fmt.Sprintf("a period may span at most %d days", mostDays))
	}
}

func (p *parser) scope(s string) metric.Scope {
	kind, key, keyed := strings.Cut(s, ":")
	switch k := metric.ScopeKind(kind); {
	case !keyed && (k == metric.ScopeOrg || k == metric.ScopeMe):
		return metric.Scope{Kind: k}
	case keyed && key != "" && len(key) <= 256 && (k == metric.ScopeTeam || k == metric.ScopeWorkflow):
		return metric.Scope{Kind: k, Key: key}
	}
	p.fail("scope", "use org, me, team:KEY or workflow:KEY")
	return metric.Scope{}
}

func addDays(d event.Day, n int) event.Day { return event.Day{Time: d.AddDate(0, 0, n)} }
