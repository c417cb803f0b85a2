// Package faults proves the guarantee of delivery on real processes and real engines: run after run it starts an
// installation, sends it events, breaks it at steps that a seed draws, lets it come to rest, and compares sets: what was
// acknowledged, what the log holds, what became of each event, the rows, and the rollups against brute force.
//
// It acts from outside only: signals to processes, proxies on the wire, limits on files, and messages that anybody could
// write. The product has no failpoints. A run is always the same for its seed, as far as what is sent and which faults
// wait for which step; the interleaving is the machine's.
package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// The brokers that a suite can run on.
const (
	Embedded = "embedded" // the broker of package embedded
	Apache   = "apache"   // one Apache Kafka
	Apache3  = "apache3"  // a cluster of three
)

// Config says what to run.
type Config struct {
	// Runs is how many; run i has the seed Seed+i, so that it is repeated by one run with that seed.
	Runs int
	Seed uint64
	// Kafka is one of the constants.
	Kafka string
	// Only, if not empty, is the only fault that is drawn.
	Only string
	// Parallel is how many runs go at a time.
	Parallel int
	// Binary is a plumbline, KafkaScript the script that runs Apache Kafka.
	Binary, KafkaScript string
	// Dir is where runs work; what failed stays there.
	Dir string
	// Keep keeps the logs and data of runs in which nothing failed, too.
	Keep bool
	// Out gets a line for each run.
	Out io.Writer
}

// Validate reports everything that is wrong with the config.
func (c Config) Validate() error {
	var errs []error
	if c.Runs < 1 {
		errs = append(errs, errors.New("--runs: give at least 1"))
	}
	if !slices.Contains([]string{Embedded, Apache, Apache3}, c.Kafka) {
		errs = append(errs, fmt.Errorf("--kafka: %q is none of embedded, apache, apache3", c.Kafka))
	}
	if c.Parallel < 1 || c.Parallel > 8 {
		errs = append(errs, errors.New("--parallel: give 1 to 8"))
	}
	if c.Only != "" {
		if p, ok := planNamed(c.Only); !ok {
			errs = append(errs, fmt.Errorf("--only: %q is no fault; there are %s", c.Only, strings.Join(PlanNames(), ", ")))
		} else if !p.works(c.Kafka) {
			errs = append(errs, fmt.Errorf("--only: %s does not go with %s", c.Only, c.Kafka))
		}
	}
	return errors.Join(errs...)
}

// Result is what a suite has found.
type Result struct {
	Runs, Events                   int
	Lost, Duplicated, WrongRollups int
	Unfinished                     int
	Drawn, Met                     map[string]int
	Slowest                        time.Duration
	FailedRuns                     []string
}

// OK tells whether nothing went wrong.
func (r Result) OK() bool {
	return r.Lost == 0 && r.Duplicated == 0 && r.WrongRollups == 0 && r.Unfinished == 0
}

// Line is the last line of the suite.
func (r Result) Line() string {
	return fmt.Sprintf("faults: %d runs, %d events, lost %d, duplicated %d, wrong rollups %d",
		r.Runs, r.Events, r.Lost, r.Duplicated, r.WrongRollups)
}

// Run runs the suite. An error says that it could not be run; what it has found is in the result.
func Run(ctx context.Context, cfg Config) (Result, error) {
	if err := cfg.Validate(); err != nil {
		return Result{}, err
	}
	total := Result{Drawn: map[string]int{}, Met: map[string]int{}}
	var mu sync.Mutex
	seeds := make(chan uint64)
	var g errgroup.Group
	for slot := range cfg.Parallel {
		g.Go(func() error {
			s := &stand{cfg: cfg, dir: filepath.Join(cfg.Dir, fmt.Sprintf("kafka%d", slot))}
			defer s.close()
			for seed := range seeds {
				if ctx.Err() != nil {
					continue
				}
				rep := s.run(ctx, seed)
				if ctx.Err() != nil {
					continue // it did not end by itself
				}
				mu.Lock()
				total.add(rep)
				_, _ = fmt.Fprintln(cfg.Out, rep.line())
				mu.Unlock()
			}
			return nil
		})
	}
	for i := range cfg.Runs {
		seeds <- cfg.Seed + uint64(i)
	}
	close(seeds)
	_ = g.Wait() // no function of it fails
	return total, ctx.Err()
}

func (r *Result) add(rep *report) {
	r.Runs++
	r.Events += rep.events
	r.Lost += len(rep.lost)
	r.Duplicated += len(rep.duplicated)
	r.WrongRollups += len(rep.wrong)
	if rep.err != nil {
		r.Unfinished++
	}
	for _, f := range rep.faults {
		r.Drawn[f.plan.name]++
		if f.met() > 0 {
			r.Met[f.plan.name]++
		}
	}
	r.Slowest = max(r.Slowest, rep.took)
	if !rep.ok() {
		r.FailedRuns = append(r.FailedRuns, fmt.Sprintf("%d", rep.seed))
	}
}

// Faults says how often each fault was drawn, and in how many runs it has met its step.
func (r Result) Faults() string {
	var b strings.Builder
	for _, name := range PlanNames() {
		if r.Drawn[name] > 0 {
			fmt.Fprintf(&b, "  %-20s drawn %4d, met %4d\n", name, r.Drawn[name], r.Met[name])
		}
	}
	return b.String()
}

// report is what one run has found.
type report struct {
	seed   uint64
	faults []*fault
	events int
	// desk says what an administrator has asked for.
	desk string
	took time.Duration
	dir  string
	// phases says how long each phase took.
	since  time.Time
	phases string
	// each is one line for each finding.
	lost, duplicated, wrong []string
	// err says why the run did not come to its end.
	err error
}

// reached notes how long a phase took.
func (r *report) reached(phase string) {
	r.phases += fmt.Sprintf(" %s %.1f", phase, time.Since(r.since).Seconds())
	r.since = time.Now()
}

func (r *report) ok() bool {
	return r.err == nil && len(r.lost)+len(r.duplicated)+len(r.wrong) == 0
}

// line says in one line what happened, and where it failed in more.
func (r *report) line() string {
	var names []string
	for _, f := range r.faults {
		names = append(names, fmt.Sprintf("%s (%s; met %d)", f.plan.name, f.detail, f.met()))
	}
	verdict := "ok"
	if !r.ok() {
		verdict = "FAILED"
	}
	out := fmt.Sprintf("run %d: %s, %d events%s, %.1f s (%s): %s", r.seed, verdict, r.events, r.desk, r.took.Seconds(), strings.TrimSpace(r.phases), strings.Join(names, ", "))
	if r.ok() {
		return out
	}
	if r.err != nil {
		out += fmt.Sprintf("\n  not finished: %v", r.err)
	}
	for _, part := range []struct {
		name string
		list []string
	}{{"lost", r.lost}, {"duplicated", r.duplicated}, {"wrong", r.wrong}} {
		for i, text := range part.list {
			if i == findingsShown {
				out += fmt.Sprintf("\n  … and %d more %s", len(part.list)-i, part.name)
				break
			}
			out += "\n  " + part.name + ": " + text
		}
	}
	return out + "\n  logs and data: " + r.dir
}

// findingsShown is how many findings of a sort are printed.
const findingsShown = 20

// run runs once, and removes what it has worked on unless it failed.
func (s *stand) run(ctx context.Context, seed uint64) *report {
	started := time.Now()
	rep := &report{seed: seed, since: started, dir: filepath.Join(s.cfg.Dir, fmt.Sprintf("run-%d", seed))}
	if err := os.MkdirAll(rep.dir, 0o700); err != nil {
		rep.err = err
		return rep
	}
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	rep.err = s.once(ctx, seed, rep)
	rep.took = time.Since(started)
	if rep.ok() && !s.cfg.Keep {
		_ = os.RemoveAll(rep.dir)
	} else {
		_ = os.WriteFile(filepath.Join(rep.dir, "report.txt"), []byte(rep.line()+"\n"), 0o600)
	}
	return rep
}

// runTimeout is when a run that does not come to rest has failed.
const runTimeout = 5 * time.Minute
