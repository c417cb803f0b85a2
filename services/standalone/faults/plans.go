package faults

import (
	"context"
	"time"

	"plumbline/pkg/process"
	"plumbline/services/standalone/faults/wire"
	"plumbline/services/standalone/parts"
)

// plans are all faults. The names are what the table of guarantees and the flag --only speak of.
func plans() []plan {
	return []plan{
		{name: "kill-collector", arm: killCollector},
		{name: "kill-loader", arm: killLoader},
		{name: "kill-roller", arm: killRoller},
		{name: "kill-broker", arm: killBroker},
		{name: "kill-database", arm: killDatabase},
		{name: "kill-scorecard", arm: killScorecard},
		{name: "kill-replay", arm: killReplay, replays: true},
		{name: "kill-erasure", arm: killErasure, erases: true},
		{name: "kill-one-of-three", kafka: []string{Apache3}, arm: killOneOfThree},
		{name: "broker-away", arm: func(ctx context.Context, f *fault) { f.away(ctx, f.brokers()[0]) }},
		{name: "database-away", arm: func(ctx context.Context, f *fault) { f.away(ctx, f.w.database) }},
		{name: "broker-silent", arm: func(ctx context.Context, f *fault) { f.silent(ctx, parts.Broker) }},
		{name: "database-silent", arm: func(ctx context.Context, f *fault) { f.silent(ctx, parts.Database) }, hold: longestSpell},
		{name: "broker-refusing", arm: func(ctx context.Context, f *fault) { f.refusing(ctx, parts.Broker) }},
		{name: "database-refusing", arm: func(ctx context.Context, f *fault) { f.refusing(ctx, parts.Database) }},
		{name: "broker-slow", arm: func(ctx context.Context, f *fault) { f.slow(ctx, parts.Broker) }},
		{name: "database-slow", arm: func(ctx context.Context, f *fault) { f.slow(ctx, parts.Database) }, hold: longestSpell},
		{name: "broker-disk-full", arm: brokerDiskFull},
		{name: "database-disk-full", arm: databaseDiskFull},
		{name: "lost-answer", arm: lostAnswer},
		{name: "lost-http-answer", arm: lostHTTPAnswer},
		{name: "paused-collector", arm: pausedCollector},
		{name: "paused-loader", arm: pausedLoader, hold: session + longestSleep},
		{name: "rebalance-storm", arm: rebalanceStorm},
		{name: "retention-passed", arm: retentionPassed},
	}
}

// PlanNames lists the faults.
func PlanNames() []string {
	var out []string
	for _, p := range plans() {
		out = append(out, p.name)
	}
	return out
}

func planNamed(name string) (plan, bool) {
	for _, p := range plans() {
		if p.name == name {
			return p, true
		}
	}
	return plan{}, false
}

func (f *fault) brokers() []*member { return f.w.kafka.members }

// killCollector dies before the log has the events, or before the client has the answer, or in the gate of the inbox.
func killCollector(_ context.Context, f *fault) {
	w := f.w
	switch f.rng.IntN(4) {
	case 0:
		f.killAt(func() *member { return w.collector }, w.collector.brokers, f.draw([]string{
			"fetch " + f.topic("inbox"), "offsetcommit " + f.topic("gate") + " ",
		}))
	case 1:
		f.killAt(func() *member { return w.collector }, []*wire.Proxy{w.front}, f.draw([]string{"POST /v1/events HTTP"}))
	default:
		f.killAt(func() *member { return w.collector }, w.collector.brokers, f.draw([]string{"produce " + f.topic("events")}))
	}
}

// killLoader dies at a step of loading.
func killLoader(_ context.Context, f *fault) {
	l := f.w.loaders[f.rng.IntN(len(f.w.loaders))]
	if f.rng.IntN(2) == 0 {
		f.killAt(func() *member { return l }, l.brokers, f.draw(f.loaderBrokerSteps()))
		return
	}
	f.killAt(func() *member { return l }, []*wire.Proxy{l.warehouse}, f.draw(loaderWarehouseSteps()))
}

// killRoller dies at a step of rolling: some of the rollups are written, no pointer leads to them, or one does.
func killRoller(_ context.Context, f *fault) {
	l := f.w.loaders[f.rng.IntN(len(f.w.loaders))]
	if f.rng.IntN(4) == 0 {
		f.killAt(func() *member { return l }, l.brokers, f.draw([]string{"offsetcommit " + f.topic("roller") + " "}))
		return
	}
	f.killAt(func() *member { return l }, []*wire.Proxy{l.warehouse}, f.draw([]string{
		"INSERT INTO rollup_hours", "INSERT INTO rollup_trials", "INSERT INTO rollup_spend", "INSERT INTO rollup_conversions",
		"INSERT INTO rollup_deals", "INSERT INTO rollup_accrual", "INSERT INTO rollup_reviews", "INSERT INTO rollup_training",
		"INSERT INTO rollup_barriers", "INSERT INTO rollup_answers", "INSERT INTO rollup_changes", "INSERT INTO rollup_pointer",
	}))
}

// killBroker kills the broker at a step of the collector or of a loader.
func killBroker(_ context.Context, f *fault) {
	victim := f.brokers()[f.rng.IntN(len(f.brokers()))]
	steps := append(f.loaderBrokerSteps(), "produce "+f.topic("events"), "produce "+f.topic("events"))
	f.killAt(func() *member { return victim }, f.w.links(parts.Broker), f.draw(steps))
}

// killOneOfThree kills one of three brokers, which stays away until the load has ended: the others go on.
func killOneOfThree(ctx context.Context, f *fault) {
	victim := f.brokers()[f.rng.IntN(len(f.brokers()))]
	wait := f.between(300*time.Millisecond, 2*time.Second)
	f.say("%s after %s, for good", victim.name, wait.Round(10*time.Millisecond))
	f.later(ctx, wait, victim.leave)
}

// killDatabase kills the database at a step of a loader.
func killDatabase(_ context.Context, f *fault) {
	f.killAt(func() *member { return f.w.database }, f.w.links(parts.Database), f.draw(loaderWarehouseSteps()))
}

// killScorecard kills the scorecard at any time, and while it writes the registry.
func killScorecard(ctx context.Context, f *fault) {
	if f.rng.IntN(2) == 0 {
		f.killAt(func() *member { return f.w.scorecard }, f.w.scorecard.brokers, f.draw([]string{"produce " + f.topic("registry")}))
		return
	}
	wait, back := f.between(100*time.Millisecond, 3*time.Second), f.between(50*time.Millisecond, time.Second)
	f.say("after %s, back in %s", wait.Round(10*time.Millisecond), back.Round(10*time.Millisecond))
	f.later(ctx, wait, func() { f.w.scorecard.kill(back) })
}

// longestSpell is the longest time that something takes which takes a while.
const longestSpell = 3 * time.Second

// spell draws when something begins and how long it takes.
func (f *fault) spell() (wait, long time.Duration) {
	wait, long = f.between(200*time.Millisecond, 2*time.Second), f.between(300*time.Millisecond, longestSpell)
	f.say("after %s, for %s", wait.Round(10*time.Millisecond), long.Round(10*time.Millisecond))
	return wait, long
}

// away ends an engine for a while.
func (f *fault) away(ctx context.Context, m *member) {
	wait, long := f.spell()
	f.later(ctx, wait, func() { m.kill(long) })
}

// during does something to all connections of an engine for a while.
func (f *fault) during(ctx context.Context, engine string, begin, end func(*wire.Proxy)) {
	wait, long := f.spell()
	f.later(ctx, wait, func() {
		links := f.w.links(engine)
		for _, p := range links {
			begin(p)
		}
		_ = process.Wait(ctx, long) // calm comes earlier perhaps
		for _, p := range links {
			end(p)
		}
	})
}

// silent lets nothing pass to an engine and from it, while connections stay.
func (f *fault) silent(ctx context.Context, engine string) {
	f.during(ctx, engine, func(p *wire.Proxy) { p.Hold(true) }, func(p *wire.Proxy) { p.Hold(false) })
}

// refusing closes all connections to an engine, and new ones.
func (f *fault) refusing(ctx context.Context, engine string) {
	f.during(ctx, engine, func(p *wire.Proxy) { p.Refuse(true) }, func(p *wire.Proxy) { p.Refuse(false) })
}

// slow lets little pass.
func (f *fault) slow(ctx context.Context, engine string) {
	rate := 2_000 + f.rng.Int64N(30_000)
	f.during(ctx, engine, func(p *wire.Proxy) { p.Slow(rate) }, func(p *wire.Proxy) { p.Slow(0) })
	f.say("%s, %d bytes/s", f.detail, rate)
}

// diskFull lets no file of an engine grow beyond a size for a while: part of a write may be on the disk when it fails.
func (f *fault) diskFull(ctx context.Context, m *member, then func()) {
	wait, long := f.spell()
	size := uint64(f.rng.IntN(64 << 10))
	f.say("%s, files to %d bytes", f.detail, size)
	f.later(ctx, wait, func() {
		_ = m.engine.LimitFiles(size) // where it has ended, another fault is quicker
		_ = process.Wait(ctx, long)
		_ = m.engine.LimitFiles(parts.Unlimited)
		then()
	})
}

func databaseDiskFull(ctx context.Context, f *fault) { f.diskFull(ctx, f.w.database, func() {}) }

// brokerDiskFull is followed by a new start of the broker: whoever frees a full disk starts it again.
func brokerDiskFull(ctx context.Context, f *fault) {
	m := f.brokers()[f.rng.IntN(len(f.brokers()))]
	f.diskFull(ctx, m, func() { m.kill(0) })
}

// lostAnswer loses the answer of an engine that has done what was asked.
func lostAnswer(_ context.Context, f *fault) {
	steps := loaderWarehouseSteps()
	links := f.w.links(parts.Database)
	if f.rng.IntN(2) == 0 {
		steps = append(f.loaderBrokerSteps(), "produce "+f.topic("events"), "produce "+f.topic("events"))
		links = f.w.links(parts.Broker)
	}
	a := f.draw(steps)
	a.after = true
	f.say("%s", a)
	f.when(links, a, func(string) wire.Verdict { return wire.Cut })
}

// lostHTTPAnswer loses answers of the collector; clients send again.
func lostHTTPAnswer(_ context.Context, f *fault) {
	n := 1 + f.rng.IntN(4)
	f.say("%d answers", n)
	for range n {
		f.when([]*wire.Proxy{f.w.front}, at{"POST /v1/events HTTP", true, f.rng.IntN(12)}, func(string) wire.Verdict { return wire.Cut })
	}
}

// pausedCollector stops the collector between building a batch and sending it: what it sends then has an old time.
func pausedCollector(ctx context.Context, f *fault) {
	long := f.between(300*time.Millisecond, 3*time.Second)
	a := f.draw([]string{"produce " + f.topic("events")})
	f.say("%s, for %s", a, long.Round(10*time.Millisecond))
	f.when(f.w.collector.brokers, a, func(string) wire.Verdict {
		f.w.collector.engine.Pause()
		_ = process.Wait(ctx, long)
		f.w.collector.engine.Resume()
		return wire.Pass
	})
}
