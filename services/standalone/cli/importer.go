package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"plumbline/pkg/client"
	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
)

const (
	// batchSize is the number of events a request: the limit of the collector.
	batchSize = 1_000
	// senders send and waiters ask for outcomes at the same time.
	senders, waiters = 3, 3
	// pollEvery is how long to wait before asking again for outcomes.
	pollEvery = 150 * time.Millisecond
)

// importer sends the rows of one file. Its memory does not grow with the file: between the steps stand bounded
// channels, and a step that is slower holds up those before it.
type importer struct {
	m    *mapping.Mapping
	s    Streams
	conn *client.Client
	in   input
	cmd  *importCommand
	bar  *progress

	mu  sync.Mutex
	sum summary
}

// batch is some events on their way, with the lines that they come from.
type batch struct {
	events []jsontext.Value
	refs   []client.Ref
	lines  []int
}

func newImporter(m *mapping.Mapping, conn *client.Client, in input, cmd *importCommand, s Streams) *importer {
	return &importer{m: m, s: s, conn: conn, in: in, cmd: cmd, bar: newProgress(s, in.name, in.records), sum: newSummary(in.name)}
}

// run reads, sends and waits until every accepted event has ended.
func (im *importer) run(ctx context.Context) (summary, error) {
	defer im.bar.finish()
	batches := make(chan batch, senders)
	accepted := make(chan batch, 64)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(batches)
		return im.read(ctx, batches)
	})
	var sending errgroup.Group
	for range senders {
		sending.Go(func() error { return im.send(ctx, batches, accepted) })
	}
	g.Go(func() error {
		defer close(accepted)
		return sending.Wait()
	})
	for range waiters {
		g.Go(func() error {
			for b := range accepted {
				if err := im.await(ctx, b); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	im.mu.Lock()
	defer im.mu.Unlock()
	return im.sum, err
}

// read makes batches of the rows.
func (im *importer) read(ctx context.Context, out chan<- batch) error {
	rows, err := im.m.Open(im.in.ReadCloser) // the file itself: Parquet is read from its end
	if err != nil {
		return err
	}
	sayMapping(im.s, im.in.name, im.m, rows)
	var b batch
	push := func() error {
		select {
		case out <- b:
			b = batch{}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		im.count(row)
		for _, e := range row.Events {
			raw, err := e.Structured()
			if err != nil {
				return fmt.Errorf("line %d: encode: %w", row.Line, err)
			}
			b.events = append(b.events, raw)
			b.refs = append(b.refs, client.Ref{Source: e.Source, ID: e.ID})
			b.lines = append(b.lines, row.Line)
			if len(b.events) == batchSize {
				if err := push(); err != nil {
					return err
				}
			}
		}
	}
	if len(b.events) > 0 {
		return push()
	}
	return nil
}

// sayMapping says by which mapping a file is read, where that follows from its columns.
func sayMapping(s Streams, file string, m *mapping.Mapping, rows *mapping.Reader) {
	if picked := rows.Mapping(); picked != m {
		s.note("%s: read as %s\n", file, picked.Name)
	}
}

// count records what the mapping made of a row.
func (im *importer) count(row mapping.Row) {
	im.mu.Lock()
	defer im.mu.Unlock()
	im.sum.row(row, im.cmd.Problems)
	im.bar.rows(row.Number)
}

// send sends batches and passes on what was accepted.
func (im *importer) send(ctx context.Context, in <-chan batch, out chan<- batch) error {
	for b := range in {
		answers, err := im.conn.SendStructured(ctx, b.events)
		var on batch
		im.mu.Lock()
		for i, a := range answers {
			switch a.State {
			case event.Accepted:
				ref := b.refs[i]
				ref.Receipt = a.Receipt
				on.refs = append(on.refs, ref)
				on.lines = append(on.lines, b.lines[i])
				im.sum.Accepted++
			case event.Duplicate:
				im.sum.Duplicate++
			case event.Rejected:
				im.sum.reject(b.lines[i], a.Pointer, a.Code, a.Message, im.cmd.Problems)
			}
		}
		im.mu.Unlock()
		if err != nil {
			return err
		}
		select {
		case out <- on:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// errSlow says that accepted events were not loaded in time.
var errSlow = errors.New("events are accepted and durable, but not loaded yet")

// await asks for the outcomes of a batch until every event has ended. Its patience starts anew whenever one has.
func (im *importer) await(ctx context.Context, b batch) error {
	since := time.Now()
	for len(b.refs) > 0 {
		outcomes, err := im.conn.Outcomes(ctx, b.refs)
		if err != nil {
			return err
		}
		var left batch
		im.mu.Lock()
		for i, o := range outcomes {
			switch o.State {
			case client.Loaded:
				im.sum.Loaded++
			case client.Duplicate:
				im.sum.Duplicate++
			case client.Rejected:
				im.sum.reject(b.lines[i], "", o.Code, o.Message, im.cmd.Problems)
			default:
				left.refs = append(left.refs, b.refs[i])
				left.lines = append(left.lines, b.lines[i])
			}
		}
		im.bar.ended(im.sum.Loaded + im.sum.Duplicate)
		im.mu.Unlock()
		if len(left.refs) < len(b.refs) {
			since = time.Now()
		}
		b = left
		if len(b.refs) == 0 {
			return nil
		}
		if time.Since(since) > im.cmd.Wait {
			return fmt.Errorf("%d of a batch: %w (waited %s; a second import will say)", len(b.refs), errSlow, im.cmd.Wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEvery):
		}
	}
	return nil
}

// sortedKeys are the keys of a count, most frequent first.
func sortedKeys[K ~string](counts map[K]int) []K {
	return slices.SortedFunc(maps.Keys(counts), func(a, b K) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		if a < b {
			return -1
		}
		return 1
	})
}
