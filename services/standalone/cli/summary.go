package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/schollz/progressbar/v3"

	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
)

// summary is what became of the rows of an import.
type summary struct {
	Rows   int `json:"rows"`
	Events int `json:"events"`
	// Accepted were durable in the log; each of them ended as one of the next three.
	Accepted  int                `json:"accepted"`
	Loaded    int                `json:"loaded"`
	Duplicate int                `json:"duplicate"`
	Rejected  map[event.Code]int `json:"rejected"`
	// Skipped are events that a condition of the mapping left out, by its reason.
	Skipped  map[string]int `json:"skipped"`
	Problems []rowProblem   `json:"problems"`

	file string
}

// rowProblem is why a row was not taken.
type rowProblem struct {
	File    string     `json:"file"`
	Line    int        `json:"line"`
	Column  string     `json:"column,omitzero"`
	Pointer string     `json:"pointer,omitzero"`
	Code    event.Code `json:"code"`
	Message string     `json:"message"`
}

func newSummary(file string) summary {
	return summary{file: file, Rejected: map[event.Code]int{}, Skipped: map[string]int{}}
}

// row counts what the mapping made of a row, and keeps the first problems.
func (s *summary) row(r mapping.Row, keep int) {
	s.Rows++
	s.Events += len(r.Events) + len(r.Problems)
	for _, reason := range r.Skipped {
		s.Skipped[reason]++
	}
	for _, problems := range r.Problems {
		s.Rejected[problems[0].Code]++
		for _, p := range problems {
			if len(s.Problems) < keep {
				s.Problems = append(s.Problems, rowProblem{s.file, p.Line, p.Column, "", p.Code, p.Message})
			}
		}
	}
}

// reject counts an event that the contract refused.
func (s *summary) reject(line int, pointer string, code event.Code, message string, keep int) {
	s.Rejected[code]++
	if len(s.Problems) < keep {
		s.Problems = append(s.Problems, rowProblem{s.file, line, "", pointer, code, message})
	}
}

func (s *summary) rejectedEvents() int {
	n := 0
	for _, k := range s.Rejected {
		n += k
	}
	return n
}

// add adds the summary of one more file.
func (s *summary) add(o summary) {
	if s.Rejected == nil {
		s.Rejected, s.Skipped = map[event.Code]int{}, map[string]int{}
	}
	s.Rows += o.Rows
	s.Events += o.Events
	s.Accepted += o.Accepted
	s.Loaded += o.Loaded
	s.Duplicate += o.Duplicate
	for k, n := range maps.All(o.Rejected) {
		s.Rejected[k] += n
	}
	for k, n := range maps.All(o.Skipped) {
		s.Skipped[k] += n
	}
	s.Problems = append(s.Problems, o.Problems...)
}

// print writes the summary: problems to the error stream, figures to the output.
func (c *importCommand) print(s Streams, t summary) {
	if c.JSON {
		raw, err := json.Marshal(t, json.Deterministic(true), jsontext.WithIndent("  "))
		if err == nil {
			s.printf("%s\n", raw)
		}
		return
	}
	showProblems(s, t, c.Problems)
	s.printf("%s rows, %s events: %s loaded, %s duplicate, %s rejected\n",
		grouped(t.Rows), grouped(t.Events), grouped(t.Loaded), grouped(t.Duplicate), grouped(t.rejectedEvents()))
	for _, k := range sortedKeys(t.Rejected) {
		s.printf("  rejected %s: %s\n", k, grouped(t.Rejected[k]))
	}
	for _, k := range sortedKeys(t.Skipped) {
		s.printf("  skipped %s: %s\n", k, grouped(t.Skipped[k]))
	}
}

func showProblems(s Streams, t summary, most int) {
	for _, p := range t.Problems[:min(most, len(t.Problems))] {
		where := p.Pointer
		if p.Column != "" {
			where = "column " + p.Column
		}
		if where != "" {
			where = ", " + where
		}
		s.note("%s:%d%s: %s (%s)\n", p.File, p.Line, where, p.Message, p.Code)
	}
	if n := t.rejectedEvents(); n > most && most > 0 {
		s.note("… and more: %s events were rejected in all\n", grouped(n))
	}
}

// dryRun converts and judges every row and sends nothing.
func (c *importCommand) dryRun(m *mapping.Mapping, inputs []input, s Streams) error {
	parser := event.NewParser(time.Now)
	total := newSummary("")
	var samples []jsontext.Value
	for _, in := range inputs {
		one := newSummary(in.name)
		bar := newProgress(s, in.name, in.records)
		// The file itself: Parquet is read from its end.
		rows, err := m.Open(in.ReadCloser)
		if err == nil {
			sayMapping(s, in.name, m, rows)
		}
		for err == nil {
			var row mapping.Row
			if row, err = rows.Next(); err != nil {
				break
			}
			one.row(row, c.Problems)
			bar.rows(row.Number)
			for _, e := range row.Events {
				raw, encodeErr := e.Structured()
				if encodeErr != nil {
					return fmt.Errorf("%s: line %d: encode: %w", in.name, row.Line, encodeErr)
				}
				if _, problems := parser.Structured(raw); len(problems) > 0 {
					one.reject(row.Line, problems[0].Pointer, problems[0].Code, problems[0].Message, c.Problems)
				} else if one.Accepted++; len(samples) < 2 {
					samples = append(samples, raw)
				}
			}
		}
		bar.finish()
		total.add(one)
		if !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: %w", in.name, err)
		}
	}
	return c.printDryRun(s, total, samples)
}

func (c *importCommand) printDryRun(s Streams, t summary, samples []jsontext.Value) error {
	if c.JSON {
		out := struct {
			summary
			DryRun  bool             `json:"dry_run"`
			Samples []jsontext.Value `json:"samples"`
		}{t, true, samples}
		raw, err := json.Marshal(out, json.Deterministic(true), jsontext.WithIndent("  "))
		if err != nil {
			return fmt.Errorf("encode summary: %w", err)
		}
		s.printf("%s\n", raw)
	} else {
		showProblems(s, t, c.Problems)
		for _, raw := range samples {
			_ = raw.Indent()
			s.printf("%s\n", raw)
		}
		s.printf("dry run, nothing was sent: %s rows, %s events, %s would be taken, %s rejected\n", grouped(t.Rows), grouped(t.Events), grouped(t.Accepted), grouped(t.rejectedEvents()))
		for _, k := range sortedKeys(t.Rejected) {
			s.printf("  rejected %s: %s\n", k, grouped(t.Rejected[k]))
		}
		for _, k := range sortedKeys(t.Skipped) {
			s.printf("  skipped %s: %s\n", k, grouped(t.Skipped[k]))
		}
	}
	if t.Events > 0 && t.Accepted == 0 {
		return errors.New("no event would be taken: every row would be rejected")
	}
	if c.Strict && t.rejectedEvents() > 0 {
		return errSilent
	}
	return nil
}

// progress is a bar on a terminal, and nothing elsewhere.
type progress struct{ bar *progressbar.ProgressBar }

func newProgress(s Streams, name string, total int) *progress {
	if !s.Terminal {
		return &progress{}
	}
	return &progress{progressbar.NewOptions(total,
		progressbar.OptionSetWriter(s.Err), progressbar.OptionSetDescription(name), progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetWidth(30),
	)}
}

func (p *progress) rows(n int) {
	if p.bar != nil {
		_ = p.bar.Set(n)
	}
}

// ended shows how many events have ended, once all rows are read.
func (p *progress) ended(n int) {
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("%s loaded", grouped(n)))
	}
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// grouped writes a count with thousands separators.
func grouped(n int) string { return groupedDecimal(strconv.Itoa(n)) }
