package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"plumbline/pkg/process"
)

// loadTime is over how long the events of a run are spread; its faults last as long, or twice as long where they have
// not met their step by then.
const loadTime = 4 * time.Second

// run is one run of the suite under way.
type run struct {
	w    *world
	load *load
	// background are the faults and the writers beside the clients.
	background sync.WaitGroup
	extra      *extra
	watch      *watch

	mu sync.Mutex
	// errs are failures of the suite itself.
	errs []error
	// kept are the parts of the log that were deleted, by partition.
	kept map[int][]message
	// cuts say where the log was cut, by partition: the alarm of a gap may show then, and has to where the cut is kept.
	cuts map[int]int64
}

// note remembers a failure of the suite itself.
func (r *run) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

// once does one run.
func (s *stand) once(ctx context.Context, seed uint64, rep *report) (err error) {
	rng := rand.New(rand.NewPCG(seed, 0x706c756d62))
	kafka, err := s.cluster(ctx, rep.dir)
	if err != nil {
		return fmt.Errorf("start brokers: %w", err)
	}
	prefix := fmt.Sprintf("r%d", seed)
	defer func() { s.release(ctx, kafka, prefix, err != nil || !rep.ok()) }()
	rep.reached("brokers")
	w, err := newWorld(ctx, rep.dir, s.cfg.Binary, prefix, kafka)
	if err != nil {
		return fmt.Errorf("start the installation: %w", err)
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	rep.reached("start")
	r := &run{w: w, kept: map[int][]message{}, cuts: map[int]int64{}}
	if r.load, err = newLoad("http://" + w.front.Addr()); err != nil {
		return err
	}
	if err := r.hurt(ctx, s.cfg, rng, rep); err != nil {
		return err
	}
	defer rep.reached("judge")
	if s.tamper != nil {
		if err := s.tamper(ctx, r); err != nil {
			return err
		}
	}
	return r.judge(ctx, rep)
}

// hurt sends the load while the faults happen, and returns when everything is calm and everything was sent.
func (r *run) hurt(ctx context.Context, cfg Config, rng *rand.Rand, rep *report) error {
	events := 300 + rng.IntN(2000)
	if rng.IntN(20) == 0 {
		events = 6000
	}
	if rng.IntN(3) == 0 {
		if _, err := r.w.addLoader(ctx); err != nil {
			return err
		}
	}
	all := batches(rand.New(rand.NewPCG(rng.Uint64(), 1)), events, loadTime)
	r.extra = newExtra(r, rand.New(rand.NewPCG(rng.Uint64(), 2)), all)
	storm, endStorm := context.WithCancel(ctx)
	defer endStorm()
	r.watch = newWatch(r)
	watching, endWatch := context.WithCancel(ctx)
	defer endWatch()
	var watcher sync.WaitGroup
	watcher.Go(func() { r.watch.sample(watching) })
	for _, p := range drawPlans(cfg, rng) {
		f := &fault{name: p.name, w: r.w, run: r, rng: rand.New(rand.NewPCG(rng.Uint64(), 3))}
		rep.faults = append(rep.faults, f)
		p.arm(storm, f)
	}
	sent := make(chan error, 1)
	go func() { sent <- r.load.run(ctx, all) }()
	r.background.Go(func() {
		if err := r.extra.write(ctx); err != nil {
			r.note(err)
		}
	})
	if err := r.rage(ctx, rep.faults); err != nil {
		return err
	}
	endStorm()
	if err := r.w.calm(ctx); err != nil {
		return err
	}
	err := <-sent
	r.background.Wait()
	// What a fault has started meanwhile is calmed, too.
	err = errors.Join(err, r.w.calm(ctx))
	rep.events = r.load.events
	rep.reached("load")
	if err == nil {
		err = r.settle(ctx)
	}
	rep.reached("settle")
	endWatch()
	watcher.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(append(r.errs, err)...)
}

// rage waits while the faults happen: for the time of the load, and on a slow machine a little longer, until all have met
// their step.
func (r *run) rage(ctx context.Context, faults []*fault) error {
	if err := process.Wait(ctx, loadTime); err != nil {
		return err
	}
	began := time.Now()
	for time.Since(began) < loadTime && slices.ContainsFunc(faults, func(f *fault) bool { return f.met() == 0 }) {
		if err := process.Wait(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// drawPlans draws one to four different faults, or the only one.
func drawPlans(cfg Config, rng *rand.Rand) []plan {
	n := 1 + rng.IntN(4)
	if cfg.Only != "" {
		p, _ := planNamed(cfg.Only)
		return []plan{p}
	}
	var fit []plan
	for _, p := range plans() {
		if p.works(cfg.Kafka) {
			fit = append(fit, p)
		}
	}
	rng.Shuffle(len(fit), func(i, j int) { fit[i], fit[j] = fit[j], fit[i] })
	return fit[:n]
}

// settle waits until the warehouse says that it is complete through everything that was sent.
func (r *run) settle(ctx context.Context) error {
	db, err := r.w.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := errors.Join(r.extra.inboxPassed(ctx), r.extra.registryLoaded(ctx, db)); err != nil {
		return err
	}
	sent := time.Now()
	deadline := sent.Add(settleTime)
	for {
		s, err := db.Snapshot(ctx, workspaces()[0])
		if err == nil && s.CompleteThrough.After(sent) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not complete %s after the load: complete through %s, want after %s (%w)",
				settleTime, s.CompleteThrough, sent.UTC(), errors.Join(err, errLate))
		}
		if err := process.Wait(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// settleTime is how long everything may take to come to rest.
const settleTime = 2 * time.Minute

var errLate = errors.New("too late")
