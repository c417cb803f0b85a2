package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"plumbline/pkg/bus"
)

// ImportResult is what [Import] has measured.
type ImportResult struct {
	// RowsPerS is how many rows a second the collector takes of one file over one connection, from the first byte to the last
	// line of the answer. Each row is one event.
	RowsPerS float64 `json:"rows_per_s"`
	// BatchEventsPerS is how many events a second the same collector takes of batches, as [Ingest] sends them.
	BatchEventsPerS float64 `json:"batch_events_per_s"`
	// Ratio is the first by the second.
	Ratio float64 `json:"ratio"`
	// Memory is the most that the collector's process had resident at the end of the import, in MB; absent where the system does
	// not say.
	Memory float64 `json:"rss_mb,omitzero"`

	Rows      int     `json:"rows"`
	FileMB    float64 `json:"file_mb"`
	CPUPerRow float64 `json:"cpu_us_per_row"`
	// BatchCPU is the processor time of one event that came in a batch.
	BatchCPU float64 `json:"batch_cpu_us_per_event"`
	// InLog is how many events the log holds at the end: all that were sent, or Import fails.
	InLog int `json:"in_log"`
}

const (
	importRows = 5_000_000
	// importBatchEvents is a round of batches.
	importBatchEvents = 50_000
	importBatchRounds = 3
)

// Import writes a CSV file of work, sends it to POST /v1/import of a collector that has just started, and then, to the same
// collector, batches of events. It fails where an event is not in the log.
func Import(ctx context.Context, cfg Config) (_ ImportResult, err error) {
	p, err := openPlace(ctx, cfg, false)
	if err != nil {
		return ImportResult{}, fmt.Errorf("bench import: %w", err)
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	out, err := p.importFile(ctx, cfg)
	if err != nil {
		return ImportResult{}, fmt.Errorf("bench import: %w", err)
	}
	return out, nil
}

func (p *place) importFile(ctx context.Context, cfg Config) (ImportResult, error) {
	out := ImportResult{Rows: cfg.events(importRows, 5000)}
	batch, rounds := importBatchEvents, importBatchRounds
	if cfg.Short {
		batch, rounds = 2000, 1
	}
	path := filepath.Join(p.dir, "work.csv")
	size, err := writeWork(path, newWorkload(cfg.Seed, "file", time.Now()), out.Rows)
	if err != nil {
		return out, err
	}
	defer func() { _ = os.Remove(path) }()
	out.FileMB = float64(size) / 1e6
	s, err := p.startCollector(ctx, ingestClients)
	if err != nil {
		return out, err
	}
	count := counter{total: out.Rows + (rounds+1)*batch, tell: cfg.progress}
	one, err := measure(out.Rows, s.service, func() error { return s.importFile(ctx, path, out.Rows, count.add) })
	if err != nil {
		return out, err
	}
	out.RowsPerS, out.CPUPerRow, out.Memory = one.perS, one.cpuMicros, s.peakMemory()
	var laps []lap
	for round := range rounds + 1 { // the first warms up
		bodies := newWorkload(cfg.Seed, fmt.Sprintf("b%d", round), time.Now()).batches(batch)
		one, err := measure(batch, s.service, func() error { return s.send(ctx, bodies, ingestBatch, ingestClients, count.add) })
		if err != nil {
			return out, err
		}
		if round > 0 {
			laps = append(laps, one)
		}
	}
	out.BatchEventsPerS, out.BatchCPU = medianLap(laps)
	out.Ratio = out.RowsPerS / out.BatchEventsPerS
	out.InLog, err = p.verify(ctx, p.bus.Topic(bus.Events), out.Rows+(rounds+1)*batch)
	return out, err
}

// writeWork writes a CSV file of work with the names of the contract.
func writeWork(path string, w *workload, rows int) (size int64, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, fmt.Errorf("make file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b := bufio.NewWriterSize(f, 1<<20) // Flush tells of errors before
	_, _ = fmt.Fprintln(b, "id,time,workflow,team,person,tool,task,doing_minutes,prompting_minutes,review_minutes,baseline_minutes,quality")
	for i := range rows {
		who := w.draw.IntN(400)
		_, _ = fmt.Fprintf(b, "%s-%08d,%s,workflow-%02d,team-%d,person-%03d@example.com,assistant,task-%06d,%d,%.1f,%d,%d,%d\n",
			w.name, i, w.now.Add(-w.when()).UTC().Format(time.RFC3339), (who+7*w.draw.IntN(3))%20, who%6, who, i,
			5+w.draw.IntN(90), 10*w.draw.Float64(), w.draw.IntN(20), 30+w.draw.IntN(200), 1+w.draw.IntN(5))
	}
	if err := b.Flush(); err != nil {
		return 0, fmt.Errorf("write file: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("look at file: %w", err)
	}
	return info.Size(), nil
}

// importFile sends a file and reads the whole answer, and fails where not every row was accepted.
func (s *sender) importFile(ctx context.Context, path string, rows int, sent func(int)) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open file: %w", err)
	}
	defer func() { _ = f.Close() }()
	at := s.url("/v1/import?kind=hours_saved&source=" + url.QueryEscape("/bench"))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, f)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+benchKey)
	req.Header.Set("Content-Type", "text/csv")
	res, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("send file: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		return fmt.Errorf("send file: status %d: %s", res.StatusCode, why)
	}
	var line struct {
		Progress struct {
			Accepted int `json:"accepted"`
		} `json:"progress"`
		Summary *struct {
			Complete bool `json:"complete"`
			Accepted int  `json:"accepted"`
		} `json:"summary"`
	}
	told := 0
	lines := bufio.NewScanner(res.Body)
	var last []byte
	for lines.Scan() {
		last = bytes.Clone(lines.Bytes())
		if err := json.Unmarshal(last, &line); err != nil {
			return fmt.Errorf("read answer %q: %w", last, err)
		}
		if n := line.Progress.Accepted; n > told {
			sent(n - told)
			told = n
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if line.Summary == nil || !line.Summary.Complete || line.Summary.Accepted != rows {
		return fmt.Errorf("not every row was accepted: %s", last)
	}
	sent(rows - told)
	return nil
}
