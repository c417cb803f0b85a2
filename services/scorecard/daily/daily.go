// Package daily keeps rows of rollups from one request to the next, day by day.
//
// A day is rolled whole, under a generation, and its rows never change afterwards; a request sees one generation of each
// day. What was read of a day therefore holds until the day has another generation, and a request reads only the days that
// have changed since somebody asked before: mostly today. Nothing is kept that the rollups do not say, and nothing
// longer than [keep] after it was asked for last, so that the rows of an erased person go here as they go there.
package daily

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/warehouse"
)

// Asker runs a statement, as [warehouse.DB.Query] does.
type Asker interface {
	Query(ctx context.Context, sql string, args map[string]any, dest any) error
}

// ErrTooMany says that the days have more rows than are worth keeping: ask the query itself.
var ErrTooMany = errors.New("more rows than can be kept")

// keep is how long rows stay that nobody asks for: as long as superseded generations stay in the warehouse.
const keep = 10 * time.Minute

// Limits are the most rows that are kept: some 300 bytes each.
type Limits struct{ Query, All int }

// DefaultLimits are for a scorecard of a few hundred megabytes.
func DefaultLimits() Limits { return Limits{Query: 300_000, All: 1_000_000} }

// Store keeps rows. The zero value does not work: use [New].
type Store struct {
	db     Asker
	now    func() time.Time
	limits Limits

	mu      sync.Mutex
	ledgers map[string]*ledger
}

// New is an empty store over a warehouse.
func New(db Asker, now func() time.Time, limits Limits) *Store {
	return &Store{db: db, now: now, limits: limits, ledgers: map[string]*ledger{}}
}

// ledger is the days of one query.
type ledger struct {
	// lock is held while days are looked up and read: of two requests for the same days the second waits for the first.
	lock chan struct{}
	days map[event.Day]day
	// full says that the days had too many rows: they are not read again to find out the same.
	full bool

	// These two are the store's.
	used time.Time
	rows int
}

// day is the rows of a day as one generation has them; nil where it has none.
type day struct {
	generation uint64
	rows       any
	count      int
}

// Rows are the rows of the days that the parts need, in the order of days, as lists of [metric.Parts]. They are shared and
// must not be changed. Days in the order of time, as [warehouse.Snapshot] has them.
func (s *Store) Rows(ctx context.Context, parts metric.Parts, days []warehouse.Rolled) ([]any, error) {
	days = between(days, parts.From, parts.To)
	l, err := s.ledger(parts)
	if err != nil {
		return nil, err
	}
	select {
	case l.lock <- struct{}{}:
		defer func() { <-l.lock }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for rows of other requests: %w", ctx.Err())
	}
	if l.full {
		return nil, ErrTooMany
	}
	read, err := s.missing(ctx, parts, l, days)
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, len(days))
	for _, d := range days {
		found, ok := read[d.Day]
		if !ok {
			found = l.days[d.Day]
		}
		if found.rows != nil {
			out = append(out, found.rows)
		}
	}
	s.account(l)
	return out, nil
}

// between are the days of [from, to); zero is open.
func between(days []warehouse.Rolled, from, to event.Day) []warehouse.Rolled {
	place := func(d event.Day) int {
		i, _ := slices.BinarySearchFunc(days, d, func(r warehouse.Rolled, d event.Day) int { return r.Day.Compare(d.Time) })
		return i
	}
	begin, end := 0, len(days)
	if !from.IsZero() {
		begin = place(from)
	}
	if !to.IsZero() {
		end = place(to)
	}
	return days[begin:max(begin, end)]
}

// ledger is that of a query, a new one where there is none yet.
func (s *Store) ledger(parts metric.Parts) (*ledger, error) {
	args, err := json.Marshal(parts.Args) // keys come out sorted
	if err != nil {
		return nil, fmt.Errorf("parameters of %q: %w", parts.SQL, err)
	}
	key := parts.SQL + "\n" + string(args)
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.ledgers, func(_ string, l *ledger) bool { return now.Sub(l.used) > keep })
	l := s.ledgers[key]
	if l == nil {
		l = &ledger{lock: make(chan struct{}, 1), days: map[event.Day]day{}}
		s.ledgers[key] = l
	}
	l.used = now
	return l, nil
}

// missing reads the days that the ledger does not have as they are wanted, and keeps them where they are newer than what
// it has: a request that began earlier sees older generations, and takes nothing from those that began later.
func (s *Store) missing(ctx context.Context, parts metric.Parts, l *ledger, days []warehouse.Rolled) (map[event.Day]day, error) {
	read := map[event.Day]day{}
	var wanted []event.Day
	var generations []uint64
	for _, d := range days {
		if have, ok := l.days[d.Day]; ok && have.generation == d.Generation {
			continue
		}
		read[d.Day] = day{generation: d.Generation}
		if d.MayHold(parts.Table) {
			wanted, generations = append(wanted, d.Day), append(generations, d.Generation)
		}
	}
	if len(wanted) > 0 {
		if err := s.read(ctx, parts, wanted, generations, read); err != nil {
			l.full = l.full || errors.Is(err, ErrTooMany)
			return nil, err
		}
	}
	for d, found := range read {
		if have, ok := l.days[d]; !ok || have.generation < found.generation {
			l.days[d] = found
		}
	}
	return read, nil
}

// read fills in the rows of days.
func (s *Store) read(ctx context.Context, parts metric.Parts, days []event.Day, generations []uint64, into map[event.Day]day) error {
	args := maps.Clone(parts.Args)
	args["days"], args["generations"], args["first"], args["last"] = days, generations, days[0], days[len(days)-1]
	list := parts.New()
	if err := s.db.Query(ctx, fmt.Sprintf("%s\nLIMIT %d", parts.SQL, s.limits.Query+1), args, list); err != nil {
		return fmt.Errorf("read days of rollups: %w", err)
	}
	n := 0
	for d, rows := range parts.ByDay(list) {
		found := day{generation: into[d].generation, rows: rows, count: parts.Count(rows)}
		into[d], n = found, n+found.count
	}
	if n > s.limits.Query {
		return ErrTooMany
	}
	return nil
}

// account counts what the ledger holds, and forgets what was not asked for longest where all hold too much. It wants
// the lock of the ledger.
func (s *Store) account(l *ledger) {
	n := 0
	for _, d := range l.days {
		n += d.count
	}
	if n > s.limits.Query {
		l.days, l.full, n = map[event.Day]day{}, true, 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l.rows = n
	for s.kept() > s.limits.All {
		oldest := ""
		for key, other := range s.ledgers {
			if other != l && (oldest == "" || other.used.Before(s.ledgers[oldest].used)) {
				oldest = key
			}
		}
		delete(s.ledgers, oldest)
	}
}

// kept is how many rows there are. It wants the lock of the store.
func (s *Store) kept() int {
	n := 0
	for _, l := range s.ledgers {
		n += l.rows
	}
	return n
}
