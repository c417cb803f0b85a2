package cli

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/metric"
)

// explainCommand prints the definition of a measure. It asks no server: the definitions are those of this version.
type explainCommand struct {
	Measure string `arg:"" optional:"" placeholder:"KEY" help:"Key of the measure; without one all are listed."`
	JSON    bool   `name:"json" help:"Print as JSON."`
}

// Help shows examples.
func (explainCommand) Help() string {
	return `Examples:
  plumbline explain
  plumbline explain hours_saved_net
  plumbline explain --json win_rate`
}

// Run prints one definition or the list.
func (c *explainCommand) Run(s Streams) error {
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
	if c.JSON {
		return s.json(d)
	}
	adds := map[string]string{
		metric.AddsSum: "contributions sum to the value exactly", metric.AddsRatio: "numerator and denominator each sum exactly",
		metric.AddsFold: "the formula over exactly the listed rows gives the value",
	}[d.Adds]
	s.printf("%s (%s)\n%s\n\nformula     %s\nunit        %s\nbetter      %s\nadds up     %s\ndefinition  %s\n",
		s.paint("1", d.Title), d.Key, d.About, d.Formula, d.Unit, d.Direction, adds, d.Version)
	return nil
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
