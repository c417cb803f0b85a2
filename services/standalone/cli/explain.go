package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/metric"
	"plumbline/pkg/process"
)

// explainCommand prints what a measure means, and where a server is known what its number claims: the same as its claim.
type explainCommand struct {
	Measure  string `arg:"" optional:"" placeholder:"KEY" help:"Key of the measure; without one all are listed."`
	From     string `placeholder:"DAY" help:"First day of the period, YYYY-MM-DD; default 90 days before --to."`
	To       string `placeholder:"DAY" help:"Day after the period; default tomorrow."`
	Scope    string `placeholder:"SCOPE" help:"org, team:KEY or workflow:KEY; default org."`
	Currency string `placeholder:"CODE" help:"Currency of money; default that of the calendar."`
	JSON     bool   `name:"json" help:"Print as JSON."`
	admin
}

// Help shows examples.
func (explainCommand) Help() string {
	return `Examples:
  plumbline explain
  plumbline explain hours_saved_net
  plumbline explain roi_cash --from 2026-08-01 --to 2026-11-01
  plumbline explain --json win_rate

With a running server it also prints the claim of the number: inputs with their versions and sources, counts, exclusions.`
}

// Run prints one definition with its claim, or the list.
func (c *explainCommand) Run(ctx context.Context, s Streams) error {
	if c.Measure == "" {
		all := metric.Catalogue()
		if c.JSON {
			return s.json(all)
		}
		for _, d := range all {
			s.printf("%-20s %s\n", d.Key, d.Title)
		}
		return nil
	}
	d, ok := metric.Lookup(c.Measure)
	if !ok {
		var keys []string
		for _, d := range metric.Catalogue() {
			keys = append(keys, d.Key)
		}
		return usage("no measure %q: there are %s", c.Measure, strings.Join(keys, ", "))
	}
	claim, raw, err := c.claim(ctx, s)
	if err != nil {
		return err
	}
	switch {
	case c.JSON && claim != nil:
		_ = raw.Indent()
		s.printf("%s\n", raw)
		return nil
	case c.JSON:
		return s.json(d)
	}
	adds := map[string]string{
		metric.AddsSum: "contributions sum to the value exactly", metric.AddsRatio: "numerator and denominator each sum exactly",
		metric.AddsFold: "the formula over exactly the listed rows gives the value",
	}[d.Adds]
	s.printf("%s (%s)\n%s\n\nformula     %s\nunit        %s\nbetter      %s\nadds up     %s\ndefinition  %s\n",
		s.paint("1", d.Title), d.Key, d.About, d.Formula, d.Unit, d.Direction, adds, d.Version)
	if claim != nil {
		claim.print(s)
	}
	return nil
}

// claim is what a number claims, as far as it is printed.
type claim struct {
	Period struct {
		From string `json:"from"`
		To   string `json:"to"`
		Zone string `json:"zone"`
	} `json:"period"`
	Scope  string  `json:"scope"`
	Value  measure `json:"value"`
	Inputs []struct {
		Name    string         `json:"name"`
		Value   jsontext.Value `json:"value"`
		Unit    string         `json:"unit"`
		Low     jsontext.Value `json:"low"`
		High    jsontext.Value `json:"high"`
		Source  string         `json:"source"`
		Version jsontext.Value `json:"version"`
	} `json:"inputs"`
	Counts []struct {
		Name  string         `json:"name"`
		Value jsontext.Value `json:"value"`
	} `json:"counts"`
	Exclusions []struct {
		Reason  string         `json:"reason"`
		Message string         `json:"message"`
		N       jsontext.Value `json:"n"`
		Amount  jsontext.Value `json:"amount"`
		Unit    string         `json:"unit"`
	} `json:"exclusions"`
	QueryHash string `json:"query_hash"`
	Evidence  string `json:"evidence"`
	AsOf      string `json:"as_of"`
}

// claim asks the server for the claim of the number; nil where no server is known.
func (c *explainCommand) claim(ctx context.Context, s Streams) (*claim, jsontext.Value, error) {
	if _, err := c.address(s); err != nil {
		if wrong := (*process.UsageError)(nil); errors.As(err, &wrong) {
			return nil, nil, nil
		}
		return nil, nil, err
	}
	query := url.Values{}
	for name, text := range map[string]string{"from": c.From, "to": c.To, "scope": c.Scope, "currency": c.Currency} {
		if text != "" {
			query.Set(name, text)
		}
	}
	var card struct {
		Measures map[string]struct {
			Claim string `json:"claim"`
		} `json:"measures"`
	}
	if _, err := c.get(ctx, s, "/api/v1/scorecard?"+query.Encode(), &card); err != nil {
		return nil, nil, err
	}
	m, ok := card.Measures[c.Measure]
	if !ok {
		return nil, nil, fmt.Errorf("the server does not compute %s: it is of another version", c.Measure)
	}
	var out claim
	raw, err := c.get(ctx, s, m.Claim, &out)
	if err != nil {
		return nil, nil, err
	}
	return &out, raw, nil
}

// print writes a claim below the definition.
func (c *claim) print(s Streams) {
	m := c.Value
	s.printf("\n%s, %s to %s (%s)\n", c.Scope, c.Period.From, c.Period.To, c.Period.Zone)
	if m.Status == "ok" {
		s.printf("value       %s %s\n", digits(m.Value), m.Unit)
	} else {
		s.printf("value       none: %s %s\n", m.Status, m.Reason)
	}
	if low, high := digits(m.Low), digits(m.High); low != "" && high != "" {
		s.printf("range       %s to %s (%.0f %%)\n", low, high, 100*m.Level)
	}
	for _, in := range c.Inputs {
		between, version := "", digits(in.Version)
		if low, high := digits(in.Low), digits(in.High); low != "" && high != "" && low != high {
			between = " (" + low + " to " + high + ")"
		}
		if version != "" {
			version = ", " + version
		}
		s.printf("input       %s = %s %s%s, from %s%s\n", in.Name, orNone(digits(in.Value)), in.Unit, between, in.Source, version)
	}
	for _, n := range c.Counts {
		s.printf("count       %s: %s\n", n.Name, orNone(digits(n.Value)))
	}
	for _, x := range c.Exclusions {
		s.printf("excluded    %s: %s %s, %s\n", x.Reason, orNone(digits(x.Amount)), x.Unit, x.Message)
	}
	s.printf("queries     %s\nevidence    %s\nas of       %s\n", c.QueryHash, c.Evidence, c.AsOf)
}

// digits is a JSON scalar without quotes, with all its digits.
func digits(v jsontext.Value) string {
	if text := strings.Trim(string(v), `"`); text != "null" {
		return text
	}
	return ""
}

// orNone says that a value is not told.
func orNone(text string) string {
	if text == "" {
		return "not told"
	}
	return text
}

// json prints a value as indented JSON.
func (s Streams) json(v any) error {
	raw, err := json.Marshal(v, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	s.printf("%s\n", raw)
	return nil
}
