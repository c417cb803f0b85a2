package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/mapping"
)

// replayCommand sends rejects again.
type replayCommand struct {
	ID []string `name:"id" placeholder:"ID" help:"Ids of rejects; without them the filter chooses, and of what it finds the open ones."`
	rejectFilter
	Fix  string `placeholder:"FILE|JSON" help:"What to change first: a file, or the JSON itself."`
	Yes  bool   `help:"Do it without asking."`
	JSON bool   `name:"json" help:"Print the reports of the server as one JSON document."`
	admin
}

// Help shows examples.
func (replayCommand) Help() string {
	return `A dry run comes first and says what would happen. On a terminal it then asks; elsewhere nothing is done without --yes.
Replaying twice changes nothing: the same event is recognised. What stays rejected makes no new reject.

A fix is a list of operations on the event in CloudEvents JSON format, by JSON pointer: set, default (set where there is nothing),
rename, remove, translate.

Ends with 0 when all that was chosen is taken (or, in a dry run, could be asked about), with 1 when something is not.

Examples:
  plumbline replay --id rejected-0-17-1764000000000
  plumbline replay --code future --yes
  plumbline replay --code unknown_field --source adtool \
    --fix '{"operations":[{"op":"rename","path":"/data/curency","to":"/data/currency"}]}'
  plumbline replay --code bad_value --fix fix.json --yes
  cat fix.json
  {"operations":[{"op":"translate","path":"/data/category","table":{"Agency":"agency","Freelancer":"freelance"}}]}`
}

// replayReport is the answer of the server; several pages are joined to one.
type replayReport struct {
	DryRun     bool           `json:"dry_run"`
	Totals     map[string]int `json:"totals"`
	Results    []replayResult `json:"results"`
	Unrecorded int            `json:"unrecorded"`
	Next       *string        `json:"next,omitzero"`
}

type replayResult struct {
	ID      string  `json:"id"`
	Source  string  `json:"source"`
	EventID string  `json:"event_id"`
	Type    string  `json:"type"`
	State   string  `json:"state"`
	Code    *string `json:"code"`
	Pointer *string `json:"pointer"`
	Message *string `json:"message"`
	Receipt *string `json:"receipt"`
	Fixed   bool    `json:"fixed"`
}

// Run shows what would happen, and does it if it may.
func (c *replayCommand) Run(ctx context.Context, s Streams) error {
	request, err := c.request(time.Now())
	if err != nil {
		return err
	}
	dry, err := c.sendAll(ctx, s, request, true)
	if err != nil {
		return err
	}
	todo := dry.Totals["accepted"]
	if !c.JSON || !c.Yes {
		if err := c.print(s, dry); err != nil {
			return err
		}
	}
	switch {
	case len(dry.Results) == 0:
		return nil
	case !c.Yes && (!s.Terminal || c.JSON):
		s.note("this was a dry run, nothing was changed: do it with --yes\n")
		return nil
	case !c.Yes && todo > 0 && !ask(s, fmt.Sprintf("Send %d again?", todo)):
		s.note("nothing was changed\n")
		return nil
	}
	done, err := c.sendAll(ctx, s, request, false)
	if err != nil {
		return err
	}
	if err := c.print(s, done); err != nil {
		return err
	}
	if done.Unrecorded > 0 {
		s.note("of %d there is no record that they were replayed: the log did not take it\n", done.Unrecorded)
	}
	if done.Totals["accepted"]+done.Totals["unchanged"] < len(done.Results) {
		return errSilent
	}
	return nil
}

// request is the body of the request without what changes from page to page.
func (c *replayCommand) request(now time.Time) (map[string]any, error) {
	filter, err := c.values(now)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	switch {
	case len(c.ID) > 0 && len(filter) > 0:
		return nil, usage("--id names rejects, the other flags choose them: give one or the other")
	case len(c.ID) > 0:
		out["ids"] = c.ID
	case len(filter) == 0:
		return nil, usage("choose what to replay: --id, or a filter such as --code or --since")
	default:
		if filter["status"] == "" {
			filter["status"] = "open"
		}
		out["filter"] = filter
	}
	if c.Fix == "" {
		return out, nil
	}
	raw := []byte(c.Fix)
	if !strings.HasPrefix(strings.TrimSpace(c.Fix), "{") {
		if raw, err = os.ReadFile(c.Fix); err != nil {
			return nil, usage("--fix: %v; the JSON itself begins with {", err)
		}
	}
	if _, problems := mapping.ParseFix(raw); len(problems) > 0 {
		var errs []error
		for _, p := range problems {
			errs = append(errs, fmt.Errorf("%s: %s", p.Pointer, p.Message))
		}
		return nil, usage("--fix: %w", errors.Join(errs...))
	}
	out["fix"] = jsontext.Value(raw)
	return out, nil
}

// sendAll sends the request page by page.
func (c *replayCommand) sendAll(ctx context.Context, s Streams, request map[string]any, dry bool) (replayReport, error) {
	all := replayReport{DryRun: dry, Totals: map[string]int{}, Results: []replayResult{}}
	body := maps.Clone(request)
	body["dry_run"] = dry
	for {
		raw, err := json.Marshal(body, json.Deterministic(true))
		if err != nil {
			return all, fmt.Errorf("encode: %w", err)
		}
		var page replayReport
		if _, err := c.call(ctx, s, http.MethodPost, "/api/v1/rejects/replay", raw, &page); err != nil {
			return all, err
		}
		for state, n := range page.Totals {
			all.Totals[state] += n
		}
		all.Results, all.Unrecorded = append(all.Results, page.Results...), all.Unrecorded+page.Unrecorded
		if page.Next == nil {
			return all, nil
		}
		body["cursor"] = *page.Next
		if s.Terminal {
			s.note("\r%d looked at", len(all.Results))
		}
	}
}

// mostLines bounds what is printed of a report; --json prints all.
const mostLines = 40

// print prints a report.
func (c *replayCommand) print(s Streams, r replayReport) error {
	if c.JSON {
		return s.json(r)
	}
	if len(r.Results) == 0 {
		s.note("no rejects are chosen\n")
		return nil
	}
	if s.Terminal {
		s.note("\r")
	}
	for _, result := range r.Results[:min(len(r.Results), mostLines)] {
		s.printf("%-14s %s  %s of %s", result.State, result.ID, known(result.EventID, "without an id"), known(result.Source, "no known source"))
		if result.Fixed {
			s.printf(", fixed")
		}
		if result.Receipt != nil {
			s.printf(", at %s of the log", *result.Receipt)
		}
		s.printf("\n")
		if result.Code != nil || result.Message != nil {
			s.printf("               %s%s %s\n", deref(result.Code), at(deref(result.Pointer)), deref(result.Message))
		}
	}
	if n := len(r.Results) - mostLines; n > 0 {
		s.printf("… and %d more\n", n)
	}
	heading := "done"
	if r.DryRun {
		heading = "dry run"
	}
	var parts []string
	for _, state := range slices.Sorted(maps.Keys(r.Totals)) {
		if n := r.Totals[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(state, "_", " ")))
		}
	}
	s.printf("%s: %s\n", heading, strings.Join(parts, ", "))
	return nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// ask wants a yes.
func ask(s Streams, question string) bool {
	s.note("%s [y/N] ", question)
	answer, err := s.line()
	answer = strings.ToLower(answer)
	return err == nil && (answer == "y" || answer == "yes")
}

// line reads one line of what is typed, without the space around it; what ends before the line does counts, too.
func (s Streams) line() (string, error) {
	line, err := bufio.NewReader(s.In).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the answer: %w", err)
	}
	return strings.TrimSpace(line), nil
}
