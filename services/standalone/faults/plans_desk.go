package faults

import (
	"context"

	"plumbline/services/standalone/faults/wire"
	"plumbline/services/standalone/parts"
)

// killReplay kills whoever has a part in a replay of rejects, or loses its answer: the scorecard before or after the log has
// the events, or the records of it; a loader that copies rejects and records; the database; the collector that refuses.
func killReplay(_ context.Context, f *fault) {
	w := f.w
	scorecard := func() *member { return w.scorecard }
	switch f.rng.IntN(8) {
	case 0, 1:
		f.killAt(scorecard, w.scorecard.brokers, f.first("produce "+f.topic("events")))
	case 2:
		f.killAt(scorecard, w.scorecard.brokers, f.first("produce "+f.topic("rejected")))
	case 3:
		f.killAt(scorecard, []*wire.Proxy{w.scorecard.warehouse}, f.first("FROM rejects", "FROM identities"))
	case 4:
		f.lose(w.desk, "POST /api/v1/rejects/replay HTTP")
	case 5:
		f.killLoaders(parts.Database, f.first("INSERT INTO replays", "INSERT INTO rejects"))
	case 6:
		f.killAt(func() *member { return w.database }, w.links(parts.Database), f.first("INSERT INTO replays", "FROM rejects", "INSERT INTO rejects"))
	default:
		f.killAt(func() *member { return w.collector }, w.collector.brokers, f.first("produce "+f.topic("rejected")))
	}
}

// killErasure kills whoever has a part in the erasure of a person, or loses its answer: the scorecard that records it, and a
// loader, which is the roller too, or the database at each statement of a pass.
func killErasure(_ context.Context, f *fault) {
	w := f.w
	switch f.rng.IntN(8) {
	case 0:
		f.killAt(func() *member { return w.scorecard }, w.scorecard.brokers, f.draw([]string{"produce " + f.topic("registry")}))
	case 1:
		f.lose(w.desk, "POST /api/v1/erasures HTTP")
	case 2:
		f.killLoaders(parts.Broker, f.first("produce "+f.topic("registry"), "produce "+f.topic("marks")))
	case 3, 4:
		f.killAt(func() *member { return w.database }, w.links(parts.Database), f.first(passSteps()...))
	default:
		f.killLoaders(parts.Database, f.first(passSteps()...))
	}
}

// killLoaders kills each loader when it gets to a step of its own: any of them may do what an administrator has asked for.
func (f *fault) killLoaders(engine string, a at) {
	for _, l := range f.w.loaders {
		links := l.brokers
		if engine == parts.Database {
			links = []*wire.Proxy{l.warehouse}
		}
		f.killAt(func() *member { return l }, links, a)
	}
}

// passSteps are the statements of the passes of an erasure.
func passSteps() []string {
	return []string{
		"INSERT INTO erasures", "ALTER TABLE hours_saved UPDATE", "ALTER TABLE barrier UPDATE", "ALTER TABLE correct UPDATE", "ALTER TABLE rejects UPDATE",
		"ALTER TABLE replays UPDATE", "INSERT INTO registry", "ALTER TABLE registry DELETE", "ALTER TABLE rollup_hours DELETE", "INSERT INTO erasure_passes",
	}
}

// first draws a step that a run has once or twice, so that it is seldom let pass.
func (f *fault) first(requests ...string) at {
	a := f.draw(requests)
	a.skip /= 2
	return a
}

// lose loses the first answers to a request.
func (f *fault) lose(p *wire.Proxy, request string) {
	n := 1 + f.rng.IntN(2)
	f.say("%d answers to %q", n, request)
	for range n {
		f.when([]*wire.Proxy{p}, at{request, true, 0}, func(string) wire.Verdict { return wire.Cut })
	}
}
