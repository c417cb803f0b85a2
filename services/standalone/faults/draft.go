package faults

import (
	"math/rand/v2"
	"slices"
	"time"
)

// draft is what the seed of a run draws before anything is started.
type draft struct {
	// events are how many are sent, load, extra and faults the seeds of those who draw further.
	events      int
	load, extra uint64
	faults      []uint64
	// second says that there are two loaders from the start.
	second bool
	plans  []plan
	// replays says that rejects are sent again, erases that a person is erased, and desk is the seed of both.
	replays, erases bool
	desk            uint64
	// segments is from how many events on a day is rolled in segments; 0: the product's own, which no run comes to.
	segments int
}

// newDraft draws a run. The desk has a stream of numbers of its own.
func newDraft(cfg Config, seed uint64) draft {
	rng := rand.New(rand.NewPCG(seed, 0x706c756d62))
	d := draft{events: 300 + rng.IntN(2000)}
	if rng.IntN(20) == 0 {
		d.events = 6000
	}
	d.second = rng.IntN(3) == 0
	d.load, d.extra = rng.Uint64(), rng.Uint64()
	d.plans = drawPlans(cfg, rng)
	for range d.plans {
		d.faults = append(d.faults, rng.Uint64())
	}
	own := rand.New(rand.NewPCG(seed, 0x6465736b))
	d.replays, d.erases, d.desk = own.IntN(2) == 0, own.IntN(4) == 0, own.Uint64()
	if own.IntN(2) == 0 {
		d.segments = 4 + own.IntN(20)
	}
	for _, p := range d.plans {
		d.replays, d.erases = d.replays || p.replays, d.erases || p.erases
	}
	return d
}

// pause is the time between the passes of erasing a person. The product waits for more than a minute, until every loader
// must have ended that knew nothing of the erasure; here that is as long as the faults of the run may hold one up, after the
// few seconds that one takes whom nothing holds up.
func (d draft) pause() time.Duration {
	pause := 3 * time.Second
	for _, p := range d.plans {
		pause += p.hold
	}
	return pause
}

// drawPlans draws one to four different faults, or the only one.
func drawPlans(cfg Config, rng *rand.Rand) []plan {
	n := 1 + rng.IntN(4)
	if cfg.Only != "" {
		p, _ := planNamed(cfg.Only)
		return []plan{p}
	}
	fit := slices.DeleteFunc(plans(), func(p plan) bool { return !p.works(cfg.Kafka) })
	rng.Shuffle(len(fit), func(i, j int) { fit[i], fit[j] = fit[j], fit[i] })
	return fit[:n]
}
