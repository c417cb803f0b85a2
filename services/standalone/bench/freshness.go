package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"plumbline/pkg/process"
	"plumbline/services/standalone/parts"
)

// FreshnessResult is what [Freshness] has measured, in milliseconds from the moment when a client begins to send an
// event to the moment when the answer of the API with that event in its number has arrived.
type FreshnessResult struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
	// Probes are the events whose way was followed.
	Probes int `json:"probes"`
	// FullLoadPerS is the calibration: events a second from the first send until the number of the organisation has all of
	// them. LoadPerS is what was sent during the measurement: half of that, or another share.
	FullLoadPerS float64 `json:"full_load_per_s"`
	LoadPerS     float64 `json:"load_per_s"`
	// AckP99 and ReadP99 are parts of the way: until the collector's answer, and one reading of the scorecard.
	AckP99  float64 `json:"ack_p99_ms"`
	ReadP99 float64 `json:"read_p99_ms"`
	// Memory is the most that each process has had resident, in MB; absent where the system does not say.
	Memory map[string]float64 `json:"rss_mb,omitempty"`
	// MemoryByTenth is the most of each process within each tenth of the time of the load: it says whether memory grows.
	MemoryByTenth map[string][]float64 `json:"rss_mb_by_tenth,omitempty"`
}

const (
	freshClients = 8
	// halfLoad is the share of the full load that is measured under.
	halfLoad = 0.5
	// calibrateFor is how long as much is sent as the chain takes.
	calibrateFor     = 10 * time.Second
	shortCalibration = time.Second
	// freshFor is how long the load lasts that is measured under, probeEvery how often an event is followed, and pollEvery
	// the pause between two readings of the scorecard.
	freshFor   = 20 * time.Second
	shortFor   = 4 * time.Second
	probeEvery = 200 * time.Millisecond
	pollEvery  = 100 * time.Millisecond
	// lookEvery is how often the memory of the services is looked at.
	lookEvery = 100 * time.Millisecond
	// patience is how long an event may take until the benchmark fails.
	patience = 2 * time.Minute
)

// Freshness runs collector, loader and scorecard as processes of their own, finds out how many events a second the
// whole chain takes while it is read, sends half as many, and follows one event after the other from the client to the number that GET
// /api/v1/scorecard answers with. It fails where an event does not arrive.
func Freshness(ctx context.Context, cfg Config) (_ FreshnessResult, err error) {
	p, err := openPlace(ctx, cfg, true)
	if err != nil {
		return FreshnessResult{}, fmt.Errorf("bench freshness: %w", err)
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	out, err := p.freshness(ctx, cfg)
	if err != nil {
		return FreshnessResult{}, fmt.Errorf("bench freshness: %w", err)
	}
	return out, nil
}

func (p *place) freshness(ctx context.Context, cfg Config) (FreshnessResult, error) {
	w, err := p.startChain(ctx, cfg.Whole)
	if err != nil {
		return FreshnessResult{}, err
	}
	lasting, calibrating := cmp.Or(cfg.Lasting, freshFor), calibrateFor
	if cfg.Short {
		lasting, calibrating = shortFor, shortCalibration
	}
	load := newWorkload(cfg.Seed, "load", time.Now()).live()
	full, err := w.calibrate(ctx, load, calibrating)
	if err != nil {
		return FreshnessResult{}, fmt.Errorf("calibrate: %w", err)
	}
	w.full = full
	m, err := w.follow(ctx, load, full*cmp.Or(cfg.Share, halfLoad), lasting, cfg.progress)
	if err != nil {
		return FreshnessResult{}, err
	}
	return FreshnessResult{
		P50: ms(quantile(m.fresh, 0.5)), P99: ms(quantile(m.fresh, 0.99)), Max: ms(quantile(m.fresh, 1)), Probes: len(m.fresh),
		FullLoadPerS: full, LoadPerS: float64(m.sent) / m.took.Seconds(),
		AckP99: ms(quantile(m.acks, 0.99)), ReadP99: ms(quantile(m.reads, 0.99)), Memory: w.memory(), MemoryByTenth: m.memory,
	}, nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// chain is the running system.
type chain struct {
	collector *sender
	loader    *service
	reader    *reader
	full      float64
}

// startChain starts the services in the order in which they need each other.
func (p *place) startChain(ctx context.Context, whole bool) (*chain, error) {
	var w chain
	var err error
	if w.loader, err = p.start(ctx, parts.Loader); err != nil {
		return nil, err
	}
	if w.collector, err = p.startCollector(ctx, freshClients); err != nil {
		return nil, err
	}
	s, err := p.start(ctx, parts.Scorecard, "--secret="+benchSecret, "--admin-token="+benchToken)
	if err != nil {
		return nil, err
	}
	w.reader = newReader(s, whole)
	return &w, w.reader.declare(ctx)
}

// memory is the most that the services of the way in have had resident.
func (w *chain) memory() map[string]float64 {
	out := map[string]float64{}
	for name, s := range w.wayIn() {
		if mb := s.peakMemory(); mb > 0 {
			out[name] = mb
		}
	}
	return out
}

// wayIn are the services that an event passes.
func (w *chain) wayIn() map[string]*service {
	return map[string]*service{"collector": w.collector.service, "loader": w.loader}
}

// tenths looks at the memory of the services while the load lasts, and gives the most of each within each tenth of the time.
func (w *chain) tenths(loading context.Context, lasting time.Duration) map[string][]float64 {
	const parts = 10
	out := map[string][]float64{}
	for started := time.Now(); process.Wait(loading, lookEvery) == nil; {
		tenth := min(int(parts*time.Since(started)/lasting), parts-1)
		for name, s := range w.wayIn() {
			mb := s.residentMemory()
			if mb == 0 {
				continue
			}
			if out[name] == nil {
				out[name] = make([]float64, parts)
			}
			out[name][tenth] = max(out[name][tenth], mb)
		}
	}
	return out
}

// calibrate sends events as fast as they are taken, while the number is read as it is later, and returns how many a second
// are in the numbers: what the chain can keep up with, and not only what it can put aside.
func (w *chain) calibrate(ctx context.Context, load *workload, lasting time.Duration) (perS float64, err error) {
	loading, stop := context.WithTimeout(ctx, lasting)
	defer stop()
	started, sent := time.Now(), 0
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		sent, err = w.steady(gctx, loading, load, math.Inf(1))
		return err
	})
	g.Go(func() error {
		for process.Wait(loading, pollEvery) == nil {
			if _, err := w.reader.probes(gctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return 0, err
	}
	if err := w.reader.awaitHours(ctx, load.hours); err != nil {
		return 0, err
	}
	return float64(sent) / time.Since(started).Seconds(), nil
}

// measured is what was seen while the load lasted.
type measured struct {
	fresh, acks, reads []time.Duration
	sent               int
	took               time.Duration
	// memory is what [chain.tenths] has seen.
	memory map[string][]float64
}

// follow sends a steady load for a while, and one event after the other beside it, each of which is followed to the
// number.
func (w *chain) follow(ctx context.Context, load *workload, perS float64, lasting time.Duration, tell func(done, total int)) (measured, error) {
	var m measured
	t := newTrail()
	ctx, cancel := context.WithTimeout(ctx, lasting+patience)
	defer cancel()
	loading, stop := context.WithTimeout(ctx, lasting)
	defer stop()
	started := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		m.sent, err = w.steady(ctx, loading, load, perS)
		m.took = time.Since(started)
		return err
	})
	g.Go(func() error {
		m.memory = w.tenths(loading, lasting)
		return nil
	})
	g.Go(func() (err error) {
		m.acks, err = w.probe(ctx, loading, t)
		t.close()
		return err
	})
	g.Go(func() error {
		var err error
		m.fresh, m.reads, err = w.watch(ctx, t, func() {
			tell(int(min(time.Since(started), lasting).Milliseconds()), int(lasting.Milliseconds()))
		})
		return err
	})
	return m, g.Wait()
}

// steady sends batches at a pace until the loading ends. A batch whose turn was missed is sent at once, so that the load
// stays what it is to be.
func (w *chain) steady(ctx, loading context.Context, load *workload, perS float64) (sent int, err error) {
	turns := make(chan []byte, freshClients)
	g, ctx := errgroup.WithContext(ctx)
	for range freshClients {
		g.Go(func() error {
			for body := range turns {
				if err := w.collector.post(ctx, body, ingestBatch); err != nil {
					return err
				}
			}
			return nil
		})
	}
	started := time.Now()
	for loading.Err() == nil && ctx.Err() == nil {
		due := started.Add(time.Duration(float64(sent) / perS * float64(time.Second)))
		if process.Wait(loading, time.Until(due)) != nil {
			break
		}
		select {
		case turns <- load.at(time.Now()).batches(ingestBatch)[0]:
			sent += ingestBatch
		case <-ctx.Done():
		}
	}
	close(turns)
	return sent, g.Wait()
}

// probe sends one event after the other and notes when.
func (w *chain) probe(ctx, loading context.Context, t *trail) (acks []time.Duration, err error) {
	for n := 0; process.Wait(loading, probeEvery) == nil; n++ {
		body := probeEvent(n, time.Now())
		sent := t.send()
		if err := w.collector.post(ctx, body, 1); err != nil {
			return acks, err
		}
		acks = append(acks, time.Since(sent))
	}
	return acks, nil
}

// watch reads the number until it has every event that was sent.
func (w *chain) watch(ctx context.Context, t *trail, each func()) (fresh, reads []time.Duration, err error) {
	for !t.through(len(fresh)) {
		if err := process.Wait(ctx, pollEvery); err != nil {
			return nil, nil, fmt.Errorf("%d events have not arrived in the number: %w", t.open(len(fresh)), err)
		}
		asked := time.Now()
		n, err := w.reader.probes(ctx)
		if err != nil {
			return nil, nil, err
		}
		now := time.Now()
		reads = append(reads, now.Sub(asked))
		for _, sent := range t.arrived(len(fresh), n) {
			fresh = append(fresh, now.Sub(sent))
		}
		each()
	}
	return fresh, reads, nil
}

// trail are the moments when the events were sent that are followed, in order.
type trail struct {
	mu   sync.Mutex
	sent []time.Time
	done bool
}

func newTrail() *trail { return &trail{} }

func (t *trail) send() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.sent = append(t.sent, now)
	return now
}

func (t *trail) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done = true
}

// through tells whether all events were sent and so many are all.
func (t *trail) through(n int) bool { return t.open(n) == 0 }

// open is how many events are still to arrive, at least 1 while more are to be sent.
func (t *trail) open(n int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	left := len(t.sent) - n
	if !t.done {
		left = max(left, 1)
	}
	return left
}

// arrived are the moments of sending of the events from the first that was not known to have arrived up to n.
func (t *trail) arrived(known, n int) []time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sent[known:min(max(n, known), len(t.sent))]
}
