// Package daily keeps rows of rollups from one request to the next, day by day.
//
// The rows of a day under one generation never change, and a request sees some generations of each day. What was read of a day
// therefore holds until its rows have other generations, and a request reads only what has changed since somebody
// asked before: mostly today, and of today mostly what has come last. Nothing is kept that the rollups do not say, and nothing
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

// day is the rows of a day as one of its rolls has left them.
type day struct {
	generation uint64
	pieces     []piece
}

// piece is the rows of a day under some generations, which are read together; nil where there are none.
type piece struct {
	of    []uint64
	rows  any
	count int
}

// piecesOf are the pieces that a day is read in, without their rows: one for all of its generations, whose rows the statement
// adds up, or one for each where nothing is to be added.
func piecesOf(parts metric.Parts, d warehouse.Rolled) []piece {
	of := d.Holding(parts.Table)
	switch {
	case len(of) == 0:
		return nil
	case !parts.Apart:
		return []piece{{of: of}}
	}
	out := make([]piece, len(of))
	for i, g := range of {
		out[i].of = []uint64{g}
	}
	return out
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
		for _, p := range found.pieces {
			if p.rows != nil {
				out = append(out, p.rows)
			}
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

// missing puts together the days that the ledger does not have as they are wanted, and keeps them where they are newer than
// what it has: a request that began earlier sees older generations, and takes nothing from those that began later.
func (s *Store) missing(ctx context.Context, parts metric.Parts, l *ledger, days []warehouse.Rolled) (map[event.Day]day, error) {
	read := map[event.Day]day{}
	var wanted []*piece
	var on []event.Day
	for _, d := range days {
		have, ok := l.days[d.Day]
		if ok && have.generation == d.Generation {
			continue
		}
		found := day{d.Generation, piecesOf(parts, d)}
		read[d.Day] = found
		for i := range found.pieces {
			p := &found.pieces[i]
			if at := slices.IndexFunc(have.pieces, func(h piece) bool { return slices.Equal(h.of, p.of) }); at >= 0 {
				*p = have.pieces[at]
				continue
			}
			wanted, on = append(wanted, p), append(on, d.Day)
		}
	}
	if err := s.read(ctx, parts, on, wanted); err != nil {
		l.full = l.full || errors.Is(err, ErrTooMany)
		return nil, err
	}
	for d, found := range read {
		if have, ok := l.days[d]; !ok || have.generation < found.generation {
			l.days[d] = found
		}
	}
	return read, nil
}

// read fills in the rows of pieces, of which each is of the day in the same place. Pieces of one day are read one after the other:
// a list says which day a row is of, and not which generation.
func (s *Store) read(ctx context.Context, parts metric.Parts, on []event.Day, pieces []*piece) error {
	for left := len(pieces); left > 0; {
		byDay := map[event.Day]*piece{}
		for i, p := range pieces {
			if p != nil && byDay[on[i]] == nil {
				byDay[on[i]], pieces[i] = p, nil
				left--
			}
		}
		if err := s.readDays(ctx, parts, byDay); err != nil {
			return err
		}
	}
	return nil
}

// readDays fills in the rows of one piece of each of some days.
func (s *Store) readDays(ctx context.Context, parts metric.Parts, pieces map[event.Day]*piece) error {
	var days []event.Day
	var generations []uint64
	for _, d := range slices.SortedFunc(maps.Keys(pieces), func(a, b event.Day) int { return a.Compare(b.Time) }) {
		for _, g := range pieces[d].of {
			days, generations = append(days, d), append(generations, g)
		}
	}
	args := maps.Clone(parts.Args)
	args["days"], args["generations"], args["first"], args["last"] = days, generations, days[0], days[len(days)-1]
	list := parts.New()
	if err := s.db.Query(ctx, fmt.Sprintf("%s\nLIMIT %d", parts.SQL, s.limits.Query+1), args, list); err != nil {
		return fmt.Errorf("read days of rollups: %w", err)
	}
	share(list)
	n := 0
	for d, rows := range parts.ByDay(list) {
		p := pieces[d]
		p.rows, p.count = rows, parts.Count(rows)
		n += p.count
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
		for _, p := range d.pieces {
			n += p.count
		}
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
