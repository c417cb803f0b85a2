package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"plumbline/pkg/bus"
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
	// replays and erasing are nil in a run without any.
	replays *replays
	erasing *erasing

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
	d := newDraft(s.cfg, seed)
	kafka, err := s.cluster(ctx, rep.dir)
	if err != nil {
		return fmt.Errorf("start brokers: %w", err)
	}
	prefix := fmt.Sprintf("r%d", seed)
	defer func() { s.release(ctx, kafka, prefix, err != nil || !rep.ok()) }()
	rep.reached("brokers")
	w, err := newWorld(ctx, rep.dir, s.cfg.Binary, prefix, kafka, d)
	if err != nil {
		return fmt.Errorf("start the installation: %w", err)
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	rep.reached("start")
	r := &run{w: w, kept: map[int][]message{}, cuts: map[int]int64{}}
	if r.load, err = newLoad("http://" + w.front.Addr()); err != nil {
		return err
	}
	if err := r.hurt(ctx, d, rep); err != nil {
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
func (r *run) hurt(ctx context.Context, d draft, rep *report) error {
	if d.second {
		if _, err := r.w.addLoader(ctx); err != nil {
			return err
		}
	}
	all := batches(rand.New(rand.NewPCG(d.load, 1)), d.events, loadTime)
	r.extra = newExtra(r, rand.New(rand.NewPCG(d.extra, 2)), all)
	if d.replays {
		r.replays = newReplays(r, rand.New(rand.NewPCG(d.desk, 4)))
	}
	if d.erases {
		r.erasing = newErasing(r, rand.New(rand.NewPCG(d.desk, 5)))
	}
	storm, endStorm := context.WithCancel(ctx)
	defer endStorm()
	r.watch = newWatch(r)
	watching, endWatch := context.WithCancel(ctx)
	defer endWatch()
	var watcher sync.WaitGroup
	watcher.Go(func() { r.watch.sample(watching) })
	for i, p := range d.plans {
		f := &fault{plan: p, w: r.w, run: r, rng: rand.New(rand.NewPCG(d.faults[i], 3))}
		rep.faults = append(rep.faults, f)
		p.arm(storm, f)
	}
	sent := make(chan error, 1)
	go func() { sent <- r.load.run(ctx, all) }()
	r.beside(ctx)
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
	rep.reached("load")
	if err == nil {
		err = r.rest(ctx)
	}
	rep.events, rep.desk = r.load.events, r.deskLine()
	rep.reached("settle")
	endWatch()
	watcher.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(append(r.errs, err)...)
}

// deskLine says what an administrator has asked for.
func (r *run) deskLine() string {
	out := ""
	if r.replays != nil {
		out += fmt.Sprintf(", %d broken and %d replayed", len(r.replays.sent), len(r.replays.told))
	}
	if r.erasing != nil {
		out += ", a person erased"
	}
	return out
}

// beside starts everybody who writes beside the clients.
func (r *run) beside(ctx context.Context) {
	writers := []func(context.Context) error{r.extra.write}
	if r.replays != nil {
		writers = append(writers, r.replays.write)
	}
	if r.erasing != nil {
		writers = append(writers, r.erasing.write)
	}
	for _, write := range writers {
		r.background.Go(func() {
			if err := write(ctx); err != nil {
				r.note(err)
			}
		})
	}
}

// rest brings everything to its end, step after step: when all is stored, what was refused is sent again once more; the person
// is erased; and the warehouse is complete again.
func (r *run) rest(ctx context.Context) error {
	if err := r.settle(ctx); err != nil || r.replays == nil && r.erasing == nil {
		return err
	}
	if r.replays != nil {
		if err := r.replays.finish(ctx); err != nil {
			return err
		}
	}
	if r.erasing != nil {
		if err := r.erasing.finish(ctx); err != nil {
			return err
		}
	}
	if err := r.settle(ctx); err != nil || r.replays == nil {
		return err
	}
	return r.replays.again(ctx)
}

// rage waits while the faults happen: for the time of the load, and on a slow machine a little longer, until all have met
// their step. The steps of what an administrator asks for come later, and some of them in few runs.
func (r *run) rage(ctx context.Context, faults []*fault) error {
	if err := process.Wait(ctx, loadTime); err != nil {
		return err
	}
	began := time.Now()
	for slices.ContainsFunc(faults, func(f *fault) bool { return r.expects(f, time.Since(began)) }) {
		if err := process.Wait(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// expects tells whether a fault may still meet its step, a while after the load.
func (r *run) expects(f *fault, since time.Duration) bool {
	switch {
	case f.met() > 0:
		return false
	case f.plan.replays && !r.replays.ended.Load(), f.plan.erases && !r.erasing.ended.Load():
		return since < deskTime
	}
	return since < loadTime && !f.plan.replays && !f.plan.erases
}

// deskTime is how much longer than the load a fault of a replay or an erasure waits for its step.
const deskTime = 4 * loadTime

// settle waits until the warehouse says that it is complete through everything that was sent.
func (r *run) settle(ctx context.Context) error {
	db, err := r.w.await(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := errors.Join(r.extra.passed(ctx, bus.Inbox, "gate"), r.extra.registryLoaded(ctx, db)); err != nil {
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
