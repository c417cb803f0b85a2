package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"plumbline/pkg/process"
	"plumbline/services/standalone/faults/wire"
)

// plan is a named fault that a run may draw.
type plan struct {
	name string
	// kafka, where not empty, are the brokers that it goes with.
	kafka []string
	// arm draws the details and lets the fault wait for its step; what takes time goes on in f.group until ctx ends.
	arm func(ctx context.Context, f *fault)
	// hold is for how long it may keep a loader from ending what it has in hand: see [draft.pause].
	hold time.Duration
	// replays and erases say that it goes with replays of rejects, or with the erasure of a person.
	replays, erases bool
}

func (p plan) works(kafka string) bool { return len(p.kafka) == 0 || slices.Contains(p.kafka, kafka) }

// fault is a plan in a run.
type fault struct {
	plan plan
	// detail says what was drawn.
	detail string
	w      *world
	run    *run
	rng    *rand.Rand
	hits   atomic.Int64
}

// met is how often the fault has met its step.
func (f *fault) met() int { return int(f.hits.Load()) }

// say notes what was drawn.
func (f *fault) say(format string, args ...any) { f.detail = fmt.Sprintf(format, args...) }

// between draws a time.
func (f *fault) between(from, to time.Duration) time.Duration {
	return from + time.Duration(f.rng.Int64N(int64(to-from)+1))
}

// later does something after a while of the load, unless the load has ended by then.
func (f *fault) later(ctx context.Context, wait time.Duration, do func()) {
	f.run.background.Go(func() {
		if process.Wait(ctx, wait) == nil {
			f.hits.Add(1)
			do()
		}
	})
}

// at is a step on the wire: before a request is forwarded or after it was answered.
type at struct {
	contains string
	after    bool
	skip     int
}

func (a at) String() string {
	word := "before"
	if a.after {
		word = "after"
	}
	return fmt.Sprintf("%s %q, %d skipped", word, a.contains, a.skip)
}

// draw draws a step out of requests.
func (f *fault) draw(requests []string) at {
	return at{contains: requests[f.rng.IntN(len(requests))], after: f.rng.IntN(2) == 0, skip: f.rng.IntN(3)}
}

// when lets something happen at a step on one of the proxies, once: whichever meets it first.
func (f *fault) when(proxies []*wire.Proxy, a at, do func(what string) wire.Verdict) {
	var done atomic.Bool
	for _, p := range proxies {
		p.When(wire.Rule{Contains: a.contains, After: a.after, Skip: a.skip, Do: func(what string) wire.Verdict {
			if !done.CompareAndSwap(false, true) {
				return wire.Pass
			}
			f.hits.Add(1)
			return do(what)
		}})
	}
}

// topic is the full name of a topic in requests.
func (f *fault) topic(name string) string { return f.w.cfg.Prefix + "." + name }

// steps of a loader on the wire to the broker and to the warehouse.
func (f *fault) loaderBrokerSteps() []string {
	return []string{
		"offsetcommit " + f.topic("loader") + " ", "offsetcommit " + f.topic("roller") + " ", "produce " + f.topic("marks"),
		"produce " + f.topic("rejected"), "fetch " + f.topic("events"), "fetch " + f.topic("marks"), "joingroup " + f.topic("loader"),
		"syncgroup " + f.topic("loader"), "heartbeat " + f.topic("loader"),
	}
}

func loaderWarehouseSteps() []string {
	return []string{
		"FROM identities", "INSERT INTO hours_saved", "INSERT INTO vendor_spend", "INSERT INTO conversion", "INSERT INTO pipeline",
		"INSERT INTO correct", "INSERT INTO void", "INSERT INTO identities", "FROM correct", "INSERT INTO rejects",
		"INSERT INTO rollup_hours", "INSERT INTO rollup_spend", "INSERT INTO rollup_deals", "INSERT INTO rollup_pointer", "INSERT INTO progress",
	}
}

// killAt kills a member at a step of a service, and lets it come back.
func (f *fault) killAt(victim func() *member, proxies []*wire.Proxy, a at) {
	back := f.between(50*time.Millisecond, 1500*time.Millisecond)
	f.say("%s, back in %s", a, back.Round(10*time.Millisecond))
	f.when(proxies, a, func(string) wire.Verdict {
		victim().kill(back)
		return wire.Cut
	})
}
