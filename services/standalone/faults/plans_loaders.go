package faults

import (
	"context"
	"fmt"
	"strings"
	"time"

	"plumbline/pkg/process"
	"plumbline/services/standalone/faults/wire"
)

// longestSleep is the longest time for which a loader sleeps beyond its session.
const longestSleep = 2500 * time.Millisecond

// pausedLoader stops a loader at a step for longer than its session, while another one takes its partitions over; then it
// wakes and writes what it has in hand.
func pausedLoader(ctx context.Context, f *fault) {
	victim := f.w.loaders[0]
	long := session + f.between(500*time.Millisecond, longestSleep)
	proxies, steps := []*wire.Proxy{victim.warehouse}, loaderWarehouseSteps()
	if f.rng.IntN(3) == 0 {
		proxies, steps = victim.brokers, []string{
			"offsetcommit " + f.topic("loader") + " ", "offsetcommit " + f.topic("roller") + " ", "produce " + f.topic("marks"),
		}
	}
	a := f.draw(steps)
	f.say("%s, for %s", a, long.Round(10*time.Millisecond))
	f.second(ctx)
	f.when(proxies, a, func(string) wire.Verdict {
		victim.engine.Pause()
		_ = process.Wait(ctx, long)
		victim.engine.Resume()
		return wire.Pass
	})
}

// second makes sure that there are two loaders.
func (f *fault) second(ctx context.Context) {
	f.run.background.Go(func() {
		if _, err := f.w.addLoader(ctx); err != nil && ctx.Err() == nil {
			f.run.note(fmt.Errorf("start one more loader: %w", err))
		}
	})
}

// rebalanceStorm lets loaders join and leave, some with a word and some without.
func rebalanceStorm(ctx context.Context, f *fault) {
	times := 2 + f.rng.IntN(3)
	f.say("%d times", times)
	var waits []time.Duration
	var hard []bool
	for range times {
		waits = append(waits, f.between(200*time.Millisecond, 1200*time.Millisecond))
		hard = append(hard, f.rng.IntN(2) == 0)
	}
	f.run.background.Go(func() {
		for i, wait := range waits {
			m, err := f.w.addLoader(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				continue // its engines may be away just now
			}
			f.hits.Add(1)
			if process.Wait(ctx, wait) != nil {
				return
			}
			// The next one joins while this one leaves.
			f.run.background.Go(func() {
				if hard[i] {
					m.leave()
				} else {
					m.retire(ctx)
				}
			})
		}
	})
}

// retentionPassed kills the loader before it commits what it has stored, and lets the log forget just that: nothing is
// lost, and the loader that comes back has to raise the alarm.
func retentionPassed(_ context.Context, f *fault) {
	l := f.w.loaders[0]
	a := at{contains: "offsetcommit " + f.topic("loader") + " ", skip: f.rng.IntN(6)}
	f.say("%s", a)
	f.when(l.brokers, a, func(what string) wire.Verdict {
		l.kill(time.Hour) // until the log is shorter
		defer l.away(0)
		partition, offset, ok := committing(what, f.topic("events"))
		if !ok {
			f.run.note(fmt.Errorf("retention: no offset in %q", what))
			return wire.Cut
		}
		if err := f.run.forget(partition, offset); err != nil {
			f.run.note(fmt.Errorf("retention: %w", err))
		}
		return wire.Cut
	})
}

// committing reads the partition and the offset of the topic out of the description of a commit.
func committing(what, topic string) (partition int, offset int64, ok bool) {
	for word := range strings.FieldsSeq(what) {
		rest, found := strings.CutPrefix(word, topic+"/")
		if !found {
			continue
		}
		if _, err := fmt.Sscanf(rest, "%d=%d", &partition, &offset); err == nil {
			return partition, offset, true
		}
	}
	return 0, 0, false
}
