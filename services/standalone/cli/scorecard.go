package cli

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// scorecardCommand prints measures.
type scorecardCommand struct {
	From     string `placeholder:"DAY" help:"First day of the period, YYYY-MM-DD; default 90 days before --to."`
	To       string `placeholder:"DAY" help:"Day after the period; default tomorrow."`
	Scope    string `default:"org" help:"org, team:KEY or workflow:KEY."`
	Currency string `placeholder:"CODE" help:"Currency of money; default that of the calendar."`
	JSON     bool   `name:"json" help:"Print the answer of the server as it is."`
	admin
}

// Help shows examples.
func (scorecardCommand) Help() string {
	return `Examples:
  plumbline scorecard
  plumbline scorecard --from 2026-08-01 --to 2026-11-01 --scope team:content
  plumbline scorecard --json | jq .measures.hours_saved_net`
}

// measure is one measure of the answer, as far as it is printed.
type measure struct {
	Value  jsontext.Value `json:"value"`
	Unit   string         `json:"unit"`
	Low    jsontext.Value `json:"low"`
	High   jsontext.Value `json:"high"`
	Level  float64        `json:"level"`
	N      jsontext.Value `json:"n"`
	Grade  jsontext.Value `json:"grade"`
	Status string         `json:"status"`
	Reason string         `json:"reason"`

	Warnings []struct {
		Message string `json:"message"`
	} `json:"warnings"`
	// Covers are the days that the value is of, where they are not those of the period.
	Covers *covers `json:"covers"`
}

type covers struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// rung is one rung of the ladder, as far as it is printed.
type rung struct {
	Rung     string         `json:"rung"`
	Status   string         `json:"status"`
	Reason   string         `json:"reason"`
	Currency string         `json:"currency"`
	Benefits jsontext.Value `json:"benefits"`
	Costs    jsontext.Value `json:"costs"`
	Net      jsontext.Value `json:"net"`
	Low      jsontext.Value `json:"low"`
	High     jsontext.Value `json:"high"`
	Positive jsontext.Value `json:"probability_positive"`
	Missing  []struct {
		Measure string `json:"measure"`
		Reason  string `json:"reason"`
	} `json:"missing"`
}

// printLadder prints the rungs from below, each with what is missing from it.
func printLadder(s Streams, rungs []rung) {
	for i, r := range rungs {
		name := strings.Repeat("+ ", min(i, 1)) + r.Rung
		if r.Status != "ok" {
			s.printf("%-12s %s\n", name, strings.TrimSpace(strings.ReplaceAll(r.Status, "_", " ")+" "+r.Reason))
			continue
		}
		s.printf("%-12s net %s %s (benefits %s, costs %s)", name, figure(r.Net, r.Currency), r.Currency,
			orNone(figure(r.Benefits, r.Currency)), figure(r.Costs, r.Currency))
		if low, high := figure(r.Low, r.Currency), figure(r.High, r.Currency); low != "" && high != "" {
			s.printf(", range %s to %s, P(net > 0) %s %%", low, high, figure(r.Positive, "share"))
		}
		for _, m := range r.Missing {
			s.printf(", without %s (%s)", m.Measure, m.Reason)
		}
		s.printf("\n")
	}
	if len(rungs) > 0 {
		s.printf("\n")
	}
}

// Run prints the scorecard.
func (c *scorecardCommand) Run(ctx context.Context, s Streams) error {
	query := url.Values{}
	for k, v := range map[string]string{"from": c.From, "to": c.To, "scope": c.Scope, "currency": c.Currency} {
		if v != "" {
			query.Set(k, v)
		}
	}
	var card struct {
		AsOf            string             `json:"as_of"`
		CompleteThrough string             `json:"complete_through"`
		Measures        map[string]measure `json:"measures"`
		Ladder          []rung             `json:"ladder"`
	}
	raw, err := c.get(ctx, s, "/api/v1/scorecard?"+query.Encode(), &card)
	if err != nil {
		return err
	}
	if c.JSON {
		_ = raw.Indent()
		s.printf("%s\n", raw)
		return nil
	}
	printLadder(s, card.Ladder)
	printMeasures(s, card.Measures)
	s.printf("complete through %s\n", card.CompleteThrough)
	return nil
}

// printMeasures prints a line for each measure, and below them what is to be known about some.
func printMeasures(s Streams, measures map[string]measure) {
	s.printf("%-22s %16s %-8s %-34s %8s  %s\n", "measure", "value", "unit", "range", "n", "grade")
	var notes []string
	for _, key := range slices.Sorted(maps.Keys(measures)) {
		m := measures[key]
		for _, w := range m.Warnings {
			notes = append(notes, fmt.Sprintf("%-22s %s", key, w.Message))
		}
		if m.Status != "ok" {
			s.printf("%-22s %16s %-8s %s\n", key, "–", unitShown(m.Unit), strings.TrimSpace(strings.ReplaceAll(m.Status, "_", " ")+" "+m.Reason))
			continue
		}
		interval := ""
		if low, high := figure(m.Low, m.Unit), figure(m.High, m.Unit); low != "" && high != "" {
			interval = fmt.Sprintf("%s to %s (%.0f%%)", low, high, 100*m.Level)
		}
		s.printf("%-22s %16s %-8s %-34s %8s  %s\n", key, figure(m.Value, m.Unit), unitShown(m.Unit), interval, figure(m.N, "events"), figure(m.Grade, "level"))
	}
	notes = append(notes, coverNotes(measures)...)
	if len(notes) > 0 {
		s.printf("\nto be known\n%s\n\n", strings.Join(notes, "\n"))
	}
}

// coverNotes say of which days measures are that are not of the whole period.
func coverNotes(measures map[string]measure) []string {
	of := map[covers][]string{}
	for _, key := range slices.Sorted(maps.Keys(measures)) {
		if m := measures[key]; m.Covers != nil && m.Status == "ok" {
			of[*m.Covers] = append(of[*m.Covers], key)
		}
	}
	var out []string
	for c, keys := range of {
		out = append(out, fmt.Sprintf("from %s, before %s: %s: what others do is shown in whole months", c.From, c.To, strings.Join(keys, ", ")))
	}
	slices.Sort(out)
	return out
}
