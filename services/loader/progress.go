package loader

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"plumbline/pkg/warehouse"
)

const (
	// progressEvery is how often progress is recorded: all changed partitions in one insert.
	progressEvery = time.Second
	// probeMargin is how far the clock of the broker may be behind ours: a probe that found nothing says that nothing was
	// appended before that much earlier.
	probeMargin = time.Second
)

// progress keeps how far each partition of each stream is, and records it about once a second.
type progress struct {
	db         *warehouse.DB
	log        *slog.Logger
	partitions int

	mu      sync.Mutex
	latest  map[place]position
	changed map[place]bool
}

type place struct {
	stream    string
	partition int
}

type position struct {
	next    int64
	through time.Time
}

func newProgress(db *warehouse.DB, log *slog.Logger, partitions int) *progress {
	return &progress{db: db, log: log, partitions: partitions, latest: map[place]position{}, changed: map[place]bool{}}
}

// handled notes that a chunk is processed. Nothing is known of the next message, but that it was appended no
// earlier than the last of these: the broker's times never go back within a partition.
func (p *progress) handled(stream string, partition int, next int64, latest time.Time) {
	p.note(place{stream, partition}, position{next, latest.UTC()})
}

// idle notes that a partition had no more messages when the broker was asked.
func (p *progress) idle(stream string, partition int, next int64, at time.Time) {
	p.note(place{stream, partition}, position{next, at.Add(-probeMargin).UTC()})
}

func (p *progress) note(where place, now position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if before := p.latest[where]; now.through.Before(before.through) {
		now.through = before.through
	}
	p.latest[where] = now
	p.changed[where] = true
}

// run records until ctx ends, and once more then.
func (p *progress) run(ctx context.Context) error {
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), progressEvery)
			defer cancel()
			p.record(last)
			return nil
		case <-ticker.C:
			p.record(ctx)
		}
	}
}

// record inserts what has changed. What fails is tried again with the next: progress is a report, and nothing waits for it.
func (p *progress) record(ctx context.Context) {
	p.mu.Lock()
	// After the processing, and before anything that is noted later.
	now := time.Now().UTC().Truncate(time.Millisecond)
	rows := make([]warehouse.Progress, 0, len(p.changed))
	for where := range p.changed {
		at := p.latest[where]
		rows = append(rows, warehouse.Progress{
			Stream: where.stream, Partition: uint16(where.partition), Partitions: uint16(p.partitions),
			NextOffset: uint64(at.next), Through: at.through.Truncate(time.Millisecond), RecordedAt: now,
		})
	}
	clear(p.changed)
	p.mu.Unlock()
	err := p.db.InsertProgress(ctx, rows)
	if err == nil {
		return
	}
	p.log.WarnContext(ctx, "record progress failed", "error", err)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range rows {
		p.changed[place{r.Stream, int(r.Partition)}] = true
	}
}
