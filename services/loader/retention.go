package loader

import (
	"context"
	"fmt"
	"sync"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

const (
	// sealEvery is how often the seal is moved and sealed months are dropped.
	sealEvery = time.Hour
	// sealMargin is how many days stay open for rolls after events of them are refused: an event that was taken in the last
	// moment has until then to be rolled up. It is as long as the log keeps marks.
	sealMargin = 7
	// leastRetention keeps the seal behind the days that are loaded now.
	leastRetention = 72 * time.Hour
)

// ValidRetention tells what is wrong with a retention of raw rows: it keeps them for ever, or for some days at least.
func ValidRetention(d time.Duration) error {
	if d == 0 || d >= leastRetention {
		return nil
	}
	return fmt.Errorf("raw retention: %s is below %s; 0 keeps raw rows for ever", d, leastRetention)
}

// seals is how the loader keeps to the retention of raw rows. Three days matter, each before the next: months that end
// before the first are dropped (warehouse.DropSealed), days before the second (sealed) are never rolled, events of days
// before the third are refused.
type seals struct {
	db        *warehouse.DB
	retention time.Duration
	now       func() time.Time

	mu    sync.Mutex
	at    time.Time
	known warehouse.Seal
}

// sealAge is how old the loader's knowledge of the seal may be.
const sealAge = time.Second

// read is the seal.
func (s *seals) read(ctx context.Context) (warehouse.Seal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.at) < sealAge {
		return s.known, nil
	}
	started := time.Now()
	seal, err := s.db.Seal(ctx)
	if err != nil {
		return warehouse.Seal{}, err
	}
	s.at, s.known = started, seal
	return seal, nil
}

// open is the first day of which events are taken; the zero day where all are.
func (s *seals) open(ctx context.Context) (event.Day, error) {
	seal, err := s.read(ctx)
	if err != nil || s.retention <= 0 {
		return seal.SealedBefore, err
	}
	first := event.DayOf(s.now().Add(-s.retention))
	if first.Before(seal.SealedBefore.Time) {
		// A retention that was shorter before has closed more: that stays.
		first = seal.SealedBefore
	}
	return first, nil
}

// sealLoop moves the seal with time, and drops what lies behind it.
func (l *loader) sealLoop(ctx context.Context) error {
	ticker := time.NewTicker(sealEvery)
	defer ticker.Stop()
	for {
		if err := l.sealDays(ctx); err != nil && ctx.Err() == nil {
			l.log.ErrorContext(ctx, "sealing days failed, it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// sealDays moves the seal up to the retention and drops sealed months. Several loaders may do so at once.
func (l *loader) sealDays(ctx context.Context) error {
	if l.seal.retention <= 0 {
		return nil
	}
	now := l.seal.now()
	seal, err := l.db.Seal(ctx)
	if err != nil {
		return err
	}
	due := event.Day{Time: event.DayOf(now.Add(-l.seal.retention)).AddDate(0, 0, -sealMargin)}
	if due.After(seal.SealedBefore.Time) {
		if err := l.db.InsertSeal(ctx, warehouse.Seal{SealedBefore: due, DroppedBefore: seal.DroppedBefore}, now); err != nil {
			return err
		}
		l.log.InfoContext(ctx, "days are sealed", "before", due.String())
	}
	dropped, err := l.db.DropSealed(ctx, now)
	if err != nil {
		return err
	}
	if dropped > 0 {
		l.metrics.droppedMonths.Add(float64(dropped))
		l.log.InfoContext(ctx, "raw rows of sealed months are dropped", "partitions", dropped)
	}
	return nil
}

// refuseSealed is the step that refuses new events which would change a number of a closed day: their own day, the day of
// cash of a charge, the day of creation of a deal, or that of the event that they void or correct. It comes after judge,
// so that the retry of an old event is a duplicate still.
func (l *loader) refuseSealed(ctx context.Context, b *batch) error {
	first, err := l.seal.open(ctx)
	if err != nil || first.IsZero() || len(b.fresh) == 0 {
		return err
	}
	byWorkspace := map[string][]event.Stored{}
	for _, e := range b.fresh {
		byWorkspace[e.Workspace] = append(byWorkspace[e.Workspace], e)
	}
	closed := map[event.Identity]event.Problem{}
	for workspace, rows := range byWorkspace {
		c := closing{db: l.db, workspace: workspace, first: first, closed: closed}
		if err := c.run(ctx, rows); err != nil {
			return err
		}
	}
	return l.refuseClosed(ctx, b, closed)
}

// refuseClosed refuses the events of closed days. One whose row is stored is not refused: an earlier attempt at the chunk
// has taken it while its day was open still, before midnight, and it would be both.
func (l *loader) refuseClosed(ctx context.Context, b *batch, closed map[event.Identity]event.Problem) error {
	if len(closed) == 0 {
		return nil
	}
	var refusable []event.Stored
	for _, e := range b.fresh {
		if _, ok := closed[e.Identity]; ok {
			refusable = append(refusable, e)
		}
	}
	stored, err := l.db.StoredRows(ctx, refusable)
	if err != nil {
		return err
	}
	open := b.fresh[:0:0]
	for _, e := range b.fresh {
		if p, refused := closed[e.Identity]; refused && !stored[e.Identity] {
			b.rejectEvent(e, p)
			continue
		}
		open = append(open, e)
	}
	b.fresh = open
	return nil
}

// openDays leaves out the local days that are sealed, and counts them: whatever marks say, they are not rolled. The seam is
// where the others begin.
func (l *loader) openDays(ctx context.Context, workspace string, days []warehouse.Touch) ([]warehouse.Touch, warehouse.Seam, error) {
	seal, err := l.seal.read(ctx)
	if err != nil || seal.SealedBefore.IsZero() {
		return days, warehouse.Seam{}, err
	}
	seam, err := l.db.SeamOf(ctx, workspace, seal)
	if err != nil {
		return nil, warehouse.Seam{}, err
	}
	open := days[:0:0]
	for _, d := range days {
		if !d.Day.Before(seal.SealedBefore.Time) {
			open = append(open, d)
		}
	}
	if n := len(days) - len(open); n > 0 {
		l.metrics.sealedMarks.Add(float64(n))
		l.log.InfoContext(ctx, "sealed days are not rolled", "workspace", workspace, "days", n, "before", seal.SealedBefore.String())
	}
	return open, seam, nil
}
