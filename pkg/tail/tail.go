// Package tail is the live tail: accepted events and rejects as they come, as server-sent events for onlookers, who may
// miss some and are told how many.
//
// It reads the log beside the consumer groups, commits nothing and keeps nothing. Who may see what is for the service to
// say that serves it.
package tail

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
)

const (
	// mostWatching is how many may watch a service at a time, mostOfWorkspace how many of one workspace.
	mostWatching    = 64
	mostOfWorkspace = 16
	// buffer is how many items a subscriber may be behind before it misses some.
	buffer = 256
	// heartbeatEvery keeps proxies from closing a connection on which nothing happens.
	heartbeatEvery = 10 * time.Second
	// stillEvery is how soon a stream ends whose viewer may not watch any more.
	stillEvery = 2 * time.Second
	// stillWithin is how long one look at it may take.
	stillWithin = 5 * time.Second
	// writeWithin is how long one write to a subscriber may take before it counts as gone.
	writeWithin = 30 * time.Second
)

// Config says what is shown, and whose tail it is.
type Config struct {
	Bus bus.Config
	// Service is whose tail it is, such as collector: metrics and answers name it.
	Service string
	// Data also shows what is in accepted events: for those who may send them, not for those who only read.
	Data     bool
	Stopping <-chan struct{}
	Metrics  prometheus.Registerer
	Log      *slog.Logger
}

// Tail shows accepted events and rejects as they come. One reader serves all subscribers: it starts with the first and
// ends with the last. Nobody waits for a subscriber: one that is too slow is told how many items it has missed.
type Tail struct {
	cfg     Config
	metrics *metrics

	mu   sync.Mutex
	subs map[*subscriber]struct{}
	// reading is the reader of the present subscribers, nil where there are none.
	reading *reading
	ended   sync.WaitGroup
}

// Viewer is who watches.
type Viewer struct {
	// Workspace is the one whose share of the places the viewer takes.
	Workspace string
	// May tells whether the viewer may see what came from a source of a workspace, of a kind that is "" where it could not be
	// told. It is called for each item, under a lock.
	May func(workspace, source string, kind event.Kind) bool
	// Still tells whether the viewer may still watch; nil is always. It is asked every other second, and may take some.
	Still func(context.Context) bool
}

// reading is one run of the reader.
type reading struct {
	cancel context.CancelFunc
	// ready is closed when everything that is accepted from then on will be seen.
	ready chan struct{}
}

// subscriber is one that watches.
type subscriber struct {
	viewer Viewer
	filter filter
	items  chan *item
	// missed is how many items did not fit; the tail's lock guards it.
	missed int64
}

// filter is what a subscriber wants to see; empty lists are everything.
type filter struct {
	// sources are exact, or a prefix that ends with *.
	sources  []string
	kinds    []event.Kind
	outcomes []event.State
}

type metrics struct {
	subscribers prometheus.Gauge
	missed      prometheus.Counter
}

// New makes a tail, which reads nothing before somebody watches.
func New(cfg Config) *Tail {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "plumbline", Subsystem: cfg.Service, Name: name, Help: help}
	}
	m := &metrics{
		subscribers: prometheus.NewGauge(prometheus.GaugeOpts(opts("tail_subscribers", "Clients that watch the live tail."))),
		missed:      prometheus.NewCounter(prometheus.CounterOpts(opts("tail_missed_total", "Items that watching clients were too slow for."))),
	}
	cfg.Metrics.MustRegister(m.subscribers, m.missed)
	return &Tail{cfg: cfg, metrics: m, subs: map[*subscriber]struct{}{}}
}

// Serve answers a request with server-sent events, until the client goes or the service stops.
func (t *Tail) Serve(c *gin.Context, v Viewer) {
	f, problem := filterOf(c)
	if problem != nil {
		process.Problem(c, http.StatusBadRequest, string(problem.Code), problem.Message, map[string]any{"pointer": problem.Pointer})
		return
	}
	sub := &subscriber{viewer: v, filter: f, items: make(chan *item, buffer)}
	ready, got := t.subscribe(sub)
	if got != roomTaken {
		c.Header("Retry-After", strconv.Itoa(retryAfter))
		status, detail := http.StatusServiceUnavailable, "Too many clients watch this "+t.cfg.Service+"; come again later."
		if got == roomShare {
			status, detail = http.StatusTooManyRequests, "Too many clients of this workspace watch this "+t.cfg.Service+"; end one, or come again later."
		}
		process.Problem(c, status, "overloaded", detail, nil)
		return
	}
	defer t.unsubscribe(sub)
	h := c.Writer.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy must not wait for more
	c.Status(http.StatusOK)
	s := &stream{w: c.Writer, control: http.NewResponseController(c.Writer)}
	ctx, cancel := context.WithCancel(c.Request.Context())
	defer cancel()
	t.feed(ctx, s, sub, ready)
}

// still asks once, and does not wait for ever: what is asked may hang, and the next time the answer may be another.
func (v Viewer) still(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, stillWithin)
	defer cancel()
	return v.Still(ctx)
}

// watch asks whether the viewer may still watch, until they may not: then it closes the channel.
func (v Viewer) watch(ctx context.Context) <-chan struct{} {
	ended := make(chan struct{})
	if v.Still == nil {
		return ended
	}
	go func() {
		tick := time.NewTicker(stillEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if !v.still(ctx) && ctx.Err() == nil {
				close(ended)
				return
			}
		}
	}()
	return ended
}

const retryAfter = 10

// feed writes until something ends it.
func (t *Tail) feed(ctx context.Context, s *stream, sub *subscriber, ready <-chan struct{}) {
	heartbeat := time.NewTicker(heartbeatEvery)
	defer heartbeat.Stop()
	ended := sub.viewer.watch(ctx)
	err := s.comment("waiting for the log")
	for err == nil {
		select {
		case <-ctx.Done():
			return
		case <-t.cfg.Stopping:
			_ = s.event("end", []byte(`{"reason":"the service stops; connect again"}`))
			return
		case <-ended:
			_ = s.event("end", []byte(`{"reason":"you may not watch any more; sign in again, or use another key"}`))
			return
		case <-ready:
			ready = nil
			err = s.event("open", []byte(`{}`))
		case <-heartbeat.C:
			if err = s.comment("alive"); err == nil {
				err = t.tell(s, sub)
			}
		case it := <-sub.items:
			err = t.hand(s, sub, it)
		}
	}
}

// hand writes an item, and before it how many are missing.
func (t *Tail) hand(s *stream, sub *subscriber, it *item) error {
	if err := t.tell(s, sub); err != nil {
		return err
	}
	return s.event(string(it.outcome), it.line)
}

// tell writes how many items the subscriber has missed since it was last told, if there are any.
func (t *Tail) tell(s *stream, sub *subscriber) error {
	t.mu.Lock()
	missed := sub.missed
	sub.missed = 0
	t.mu.Unlock()
	if missed == 0 {
		return nil
	}
	return s.event("missed", fmt.Appendf(nil, `{"missed":%d}`, missed))
}

// room is whether there was a place for a subscriber.
type room int

const (
	roomTaken room = iota
	// roomShare is that the workspace has its share of the places, roomNobody that there is none left.
	roomShare
	roomNobody
)

// subscribe takes a subscriber in and starts the reader with the first one.
func (t *Tail) subscribe(sub *subscriber) (ready <-chan struct{}, got room) {
	t.mu.Lock()
	defer t.mu.Unlock()
	same := 0
	for s := range t.subs {
		if s.viewer.Workspace == sub.viewer.Workspace {
			same++
		}
	}
	switch {
	case same >= mostOfWorkspace:
		return nil, roomShare
	case len(t.subs) >= mostWatching:
		return nil, roomNobody
	}
	t.subs[sub] = struct{}{}
	t.metrics.subscribers.Set(float64(len(t.subs)))
	if t.reading == nil {
		ctx, cancel := context.WithCancel(context.Background())
		r := &reading{cancel: cancel, ready: make(chan struct{})}
		t.reading = r
		t.ended.Go(func() { t.read(ctx, r) })
	}
	return t.reading.ready, roomTaken
}

// unsubscribe lets a subscriber go and ends the reader with the last one.
func (t *Tail) unsubscribe(sub *subscriber) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.subs, sub)
	t.metrics.subscribers.Set(float64(len(t.subs)))
	if len(t.subs) == 0 && t.reading != nil {
		t.reading.cancel()
		t.reading = nil
	}
}

// Close ends the reader, when no request runs any more.
func (t *Tail) Close() {
	t.mu.Lock()
	if t.reading != nil {
		t.reading.cancel()
		t.reading = nil
	}
	t.mu.Unlock()
	t.ended.Wait()
}

func (t *Tail) read(ctx context.Context, r *reading) {
	err := bus.Follower{
		Topics: []bus.Name{bus.Events, bus.Rejected},
		Ready:  func() { close(r.ready) },
		Handle: func(name bus.Name, m kafka.Message) {
			if it, ok := itemOf(name, &m, t.cfg.Data); ok {
				t.spread(r, it)
			}
		},
		Missed: func(n int64) { t.miss(r, n) },
		Log:    t.cfg.Log,
	}.Follow(ctx, t.cfg.Bus)
	if err != nil {
		t.cfg.Log.ErrorContext(ctx, "live tail ended", "error", err)
	}
}

// spread hands an item to those who may see it and want to, and waits for nobody.
func (t *Tail) spread(r *reading, it *item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reading != r {
		return // its subscribers have gone
	}
	for sub := range t.subs {
		if !sub.viewer.May(it.workspace, it.source, it.kind) || !sub.filter.wants(it) {
			continue
		}
		select {
		case sub.items <- it:
		default:
			sub.missed++
			t.metrics.missed.Inc()
		}
	}
}

// miss notes for everybody that the reader itself has missed messages; whose they were is not known.
func (t *Tail) miss(r *reading, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reading != r {
		return
	}
	for sub := range t.subs {
		sub.missed += n
	}
	t.metrics.missed.Add(float64(n) * float64(len(t.subs)))
}

// filterOf reads the parameters of a request; each may stand several times.
func filterOf(c *gin.Context) (filter, *event.Problem) {
	f := filter{sources: c.QueryArray("source")}
	for _, k := range c.QueryArray("kind") {
		spec, ok := event.Lookup(event.Kind(k))
		if !ok {
			return filter{}, &event.Problem{Code: event.CodeBadValue, Pointer: "/kind", Message: "There is no such kind; GET /v1/schemas lists them."}
		}
		f.kinds = append(f.kinds, spec.Kind)
	}
	for _, o := range c.QueryArray("outcome") {
		state := event.State(o)
		if state != event.Accepted && state != event.Rejected {
			return filter{}, &event.Problem{Code: event.CodeBadValue, Pointer: "/outcome", Message: "The outcome is accepted or rejected."}
		}
		f.outcomes = append(f.outcomes, state)
	}
	return f, nil
}

func (f filter) wants(it *item) bool {
	return (len(f.sources) == 0 || access.Key{Sources: f.sources}.MayWrite(it.source)) &&
		(len(f.kinds) == 0 || slices.Contains(f.kinds, it.kind)) &&
		(len(f.outcomes) == 0 || slices.Contains(f.outcomes, it.outcome))
}

// stream writes server-sent events.
type stream struct {
	w       io.Writer
	control *http.ResponseController
}

// event writes one event; data is one line.
func (s *stream) event(name string, data []byte) error {
	return s.write("event: " + name + "\ndata: " + strings.ReplaceAll(string(data), "\n", " ") + "\n\n")
}

func (s *stream) comment(text string) error { return s.write(": " + text + "\n\n") }

func (s *stream) write(text string) error {
	// The server's own limit is for answers that end.
	_ = s.control.SetReadDeadline(time.Time{})
	_ = s.control.SetWriteDeadline(time.Now().Add(writeWithin))
	if _, err := io.WriteString(s.w, text); err != nil {
		return err
	}
	return s.control.Flush()
}
