package faults

import (
	"context"
	"fmt"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/warehouse"
)

// watch reads, during a run, what anybody may read: how far the numbers are complete, and some numbers.
type watch struct {
	run     *run
	samples []sample
	// latest is the latest claim, wrong are violations of what a claim promises.
	latest time.Time
	wrong  []string
}

// sample is one claim, with the numbers of the same snapshot.
type sample struct {
	through time.Time
	// counted is how many events the rollups hold.
	counted map[subject]uint64
}

// subject is a kind in a workspace.
type subject struct {
	workspace string
	kind      event.Kind
}

func newWatch(r *run) *watch { return &watch{run: r} }

// countable are the rollups whose rows count events one by one.
func countable() map[event.Kind]string {
	return map[event.Kind]string{
		event.KindHoursSaved: "rollup_hours", event.KindVendorSpend: "rollup_spend", event.KindConversion: "rollup_conversions",
	}
}

// sample samples until ctx ends. While the database is away there is nothing to sample.
func (s *watch) sample(ctx context.Context) {
	for i := 0; process.Wait(ctx, sampleEvery) == nil; i++ {
		_ = s.once(ctx, workspaces()[i%len(workspaces())])
	}
}

// sampleEvery is how often a sample is taken, of one workspace at a time.
const sampleEvery = 250 * time.Millisecond

// once takes a sample, each with a reader of its own that remembers no earlier claim.
func (s *watch) once(ctx context.Context, workspace string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	db, err := s.run.w.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	snapshot, err := db.Snapshot(ctx, workspace)
	if err != nil {
		return err
	}
	if snapshot.CompleteThrough.Before(s.latest) {
		s.wrong = append(s.wrong, fmt.Sprintf("complete through %s was claimed, later only %s", s.latest, snapshot.CompleteThrough))
	} else {
		s.latest = snapshot.CompleteThrough
	}
	out := sample{through: snapshot.CompleteThrough, counted: map[subject]uint64{}}
	for kind, table := range countable() {
		var rows []struct {
			N uint64 `ch:"n"`
		}
		sql := "SELECT toUInt64(sum(n)) AS n FROM " + table + " WHERE workspace = {workspace:String} AND " + warehouse.Current
		if err := db.Query(ctx, sql, map[string]any{"workspace": workspace, "generation": snapshot.Generation}, &rows); err != nil {
			return err
		}
		out.counted[subject{workspace, kind}] = rows[0].N
	}
	s.samples = append(s.samples, out)
	return nil
}

// overclaimed says which samples claim more than they held: every event that was accepted before the time must be in the
// rollups, unless it was voided or refused. Where the one that counts came after an acceptance, what was accepted then was refused,
// such as a void of a void, and a replay has sent another event under its name.
func (s *watch) overclaimed(m *model, accepted []acked) []string {
	out := s.wrong
	for _, sm := range s.samples {
		if sm.through.IsZero() {
			continue
		}
		least := map[subject]map[event.Identity]bool{}
		for _, a := range accepted {
			id := event.IdentityOf(a.workspace, a.source, a.id)
			winner, ok := m.winners[id]
			if !ok || m.voided[id] || !a.at.Before(sm.through) || winner.ReceivedAt.After(a.at) {
				continue
			}
			of := subject{a.workspace, winner.Kind}
			if least[of] == nil {
				least[of] = map[event.Identity]bool{}
			}
			least[of][id] = true
		}
		for of, n := range sm.counted {
			if uint64(len(least[of])) > n {
				out = append(out, fmt.Sprintf("complete through %s was claimed with %d events of %s in %s rolled, of %d accepted before",
					sm.through, n, of.kind, of.workspace, len(least[of])))
			}
		}
	}
	return out
}
