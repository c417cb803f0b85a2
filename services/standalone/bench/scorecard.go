package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumbline/pkg/warehouse"
	"plumbline/services/standalone/parts"
)

// ScorecardResult is what [Scorecard] has measured at one size. Times are those of GET /api/v1/scorecard for the
// organisation, from the request to the last byte of the answer, in milliseconds.
type ScorecardResult struct {
	// Events are the raw rows, voids and corrections with them; RollupRows those that the scorecard has instead.
	Events     int `json:"events"`
	RollupRows int `json:"rollup_rows"`
	// FillS and RollS are the seconds that the rows took that were added, and the roll of every day.
	FillS    float64 `json:"fill_s"`
	RollS    float64 `json:"roll_s"`
	Requests int     `json:"requests"`
	// The default period, as a leader opens it. Growth is P95 by that of the first size.
	Latency
	Growth float64 `json:"growth"`
	// Compared is the same with compare=previous; OtherPeriods has another period in each request, so that no answer can be
	// one that was kept.
	Compared     Latency `json:"compare_previous"`
	OtherPeriods Latency `json:"other_periods"`
	// First is the first reading after the start of the scorecard.
	First float64 `json:"first_ms"`
	// CPU is the processor time of the scorecard for one reading of the default period, DatabaseCPU that of an embedded
	// database with all that it does besides; milliseconds.
	CPU         float64 `json:"cpu_ms"`
	DatabaseCPU float64 `json:"database_cpu_ms,omitempty"`
	// Memory is the most that the scorecard has had resident, in MB.
	Memory float64 `json:"rss_mb,omitempty"`
	// WithoutRaw says that the raw tables were away while all of this was read: none of it can come from them.
	WithoutRaw bool `json:"without_raw_tables"`
	// Measures are those of the answer, Valued those of them that have a value.
	Measures int `json:"measures"`
	Valued   int `json:"measures_valued"`
	// RawMs is the yardstick: what the headline numbers of the same period take from the raw rows. Ratio is that by P50.
	RawMs float64 `json:"raw_ms"`
	Ratio float64 `json:"ratio"`
	// Figures were compared with raw rows, of rollups and of answers; Equal says that none differs.
	Figures int  `json:"figures"`
	Equal   bool `json:"equal"`
}

// Latency is how long requests took.
type Latency struct {
	P50 float64 `json:"p50_ms"`
	P95 float64 `json:"p95_ms"`
	Max float64 `json:"max_ms"`
}

func latencyOf(took []time.Duration) Latency {
	return Latency{ms(quantile(took, 0.5)), ms(quantile(took, 0.95)), ms(quantile(took, 1))}
}

const (
	// scorecardRequests and scorecardDays are how many requests of each kind are timed, and how long the history is.
	scorecardRequests = 200
	scorecardDays     = 365
	shortRequests     = 5
	// scorecardWarm are the readings after the first one that do not count.
	scorecardWarm = 5
	// leastEvents is the smallest size, of which the organisation's own events are the larger part.
	leastEvents = 20_000
	// leastDays is a history in which a period of 90 days has 180 days before it, from which baselines are measured.
	leastDays = 271
)

// scorecardPlan is what is measured.
type scorecardPlan struct {
	sizes          []int
	requests, days int
}

// CheckScorecard says what [Scorecard] can not measure with.
func (c Config) CheckScorecard() error {
	_, err := c.scorecardPlan()
	return err
}

func (c Config) scorecardPlan() (scorecardPlan, error) {
	p := scorecardPlan{sizes: slices.Clone(c.Sizes), requests: c.Requests, days: cmp.Or(c.Days, scorecardDays)}
	if len(p.sizes) == 0 {
		p.sizes = []int{1_000_000, 10_000_000, 30_000_000}
		if c.Short {
			p.sizes = []int{leastEvents, 3 * leastEvents}
		}
	}
	if p.requests == 0 {
		p.requests = scorecardRequests
		if c.Short {
			p.requests = shortRequests
		}
	}
	switch {
	case !slices.IsSorted(p.sizes) || len(slices.Compact(slices.Clone(p.sizes))) < len(p.sizes):
		return p, errors.New("each size must be above the one before: the same organisation grows")
	case p.sizes[0] < leastEvents:
		return p, fmt.Errorf("a size must be at least %d events", leastEvents)
	case p.days < leastDays || p.days > warehouse.MaxRollDays:
		return p, fmt.Errorf("the history must have %d to %d days", leastDays, warehouse.MaxRollDays)
	case p.requests < 1:
		return p, errors.New("at least one request must be timed")
	}
	return p, nil
}

// Scorecard makes one organisation and lets its raw rows grow from size to size, rolls every day as the roller does, and
// reads the scorecard of the organisation from a scorecard that runs as a process of its own, while the raw tables are
// away. Then it computes the headline numbers from the raw rows. It fails where they differ.
func Scorecard(ctx context.Context, cfg Config) (_ []ScorecardResult, err error) {
	plan, err := cfg.scorecardPlan()
	if err != nil {
		return nil, fmt.Errorf("bench scorecard: %w", err)
	}
	p, err := openPlace(ctx, cfg, true)
	if err != nil {
		return nil, fmt.Errorf("bench scorecard: %w", err)
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	out, err := p.scorecard(ctx, cfg, plan)
	if err != nil {
		return nil, fmt.Errorf("bench scorecard: %w", err)
	}
	return out, nil
}

func (p *place) scorecard(ctx context.Context, cfg Config, plan scorecardPlan) (_ []ScorecardResult, err error) {
	h, err := p.openHistory(ctx, cfg, plan)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.db.Close()) }()
	var out []ScorecardResult
	for _, size := range plan.sizes {
		res, err := h.measureAt(ctx, size, plan.requests)
		if err != nil {
			return nil, fmt.Errorf("at %d events: %w", size, err)
		}
		res.Growth = 1
		if len(out) > 0 {
			res.Growth = res.P95 / out[0].P95
		}
		out = append(out, res)
	}
	return out, nil
}

// measureAt lets the history grow to a size, and measures there.
func (h *history) measureAt(ctx context.Context, size, requests int) (ScorecardResult, error) {
	res := ScorecardResult{Events: size, Requests: requests}
	started := time.Now()
	if err := h.grow(ctx, size); err != nil {
		return res, fmt.Errorf("fill: %w", err)
	}
	res.FillS, started = time.Since(started).Seconds(), time.Now()
	if err := h.roll(ctx); err != nil {
		return res, err
	}
	res.RollS = time.Since(started).Seconds()
	if err := h.settle(ctx); err != nil {
		return res, err
	}
	if err := h.read(ctx, &res); err != nil {
		return res, fmt.Errorf("read: %w", err)
	}
	return res, h.judge(ctx, &res)
}

// read times the scorecard, a process that has just started, without the raw tables.
func (h *history) read(ctx context.Context, res *ScorecardResult) (err error) {
	s, err := h.place.start(ctx, parts.Scorecard, "--secret="+benchSecret, "--admin-token="+benchToken)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopService(ctx, s)) }()
	back, err := h.takeAway(ctx)
	if err != nil {
		return err
	}
	res.WithoutRaw = true
	err = newReading(s, h.place.database).times(ctx, res, h.cfg.advancing(h, res.Events))
	return errors.Join(err, back())
}

// stopService stops a service in good order.
func stopService(ctx context.Context, s *service) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineStop)
	defer cancel()
	return s.Stop(ctx)
}

// judge compares the numbers with those of the raw rows, and times these.
func (h *history) judge(ctx context.Context, res *ScorecardResult) error {
	v, err := h.compare(ctx)
	if err != nil {
		return fmt.Errorf("compare with raw rows: %w", err)
	}
	res.RawMs, res.Ratio = ms(v.rawTook), ms(v.rawTook)/res.P50
	res.RollupRows, res.Figures, res.Equal = v.rollupRows, v.figures, len(v.differences) == 0
	if !res.Equal {
		return fmt.Errorf("%d of %d figures are not those of the raw rows: %s",
			len(v.differences), v.figures, strings.Join(v.differences[:min(5, len(v.differences))], "; "))
	}
	return nil
}
