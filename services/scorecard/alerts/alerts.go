// Package alerts tells people outside what they have asked to be told of: alerts by signed webhooks, digests by mail.
// services/scorecard/ALERTS.md says what is sent and what happens when a receiver is away.
//
// Several scorecards may run. Each alert and digest has a state on the compacted topic "alerts": how it stands, and what is still
// to be sent. The scorecard that a consumer group gives the partition of a state looks at it, and what is to be sent stands in
// the log before it is sent: whoever takes over goes on there. Of two writers of one state the log decides, by its revision, and
// the loser sends nothing. The id of a message stands there with it, so that whoever sends it again sends the same.
//
// The package computes no number: what an alert looks at is judged by the scorecard, on the same way as its answers.
package alerts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/webhook"
)

// Config says of which workspace, and how.
type Config struct {
	Bus       bus.Config
	Workspace string
	// Secret is that of the installation: the secrets of webhooks follow from it.
	Secret event.Secret
	// Every is how often each alert is looked at; default a minute.
	Every time.Duration
	// Registry is what is declared now.
	Registry func(context.Context) (*registry.Snapshot, error)
	// Judge looks at what an alert is about.
	Judge func(context.Context, *registry.Alert) (Judgement, error)
	// Sender sends to webhooks.
	Sender *webhook.Sender
	// Mail sends a digest to one recipient; nil where no mail is configured. An error that waiting does not change is [ErrRefused].
	Mail func(ctx context.Context, d *registry.Digest, id, recipient string) error
	// URL is the public address of the scorecard, for links; "" for none.
	URL     string
	Now     func() time.Time
	Metrics prometheus.Registerer
	Log     *slog.Logger
}

// The errors.
var (
	// ErrNotReady says that the states are still being read from the log.
	ErrNotReady = errors.New("the states of alerts are still being read from the log")
	// ErrRefused is an error of mail that waiting does not change.
	ErrRefused = errors.New("refused for good")
	// ErrUnknown says that there is no such alert, or that it has no webhook.
	ErrUnknown = errors.New("there is no such alert, or no webhook of the name that it gives")
)

// Judgement is how what an alert is about stands now.
type Judgement struct {
	// Outcome is [Judged], or why nothing can be said: then the alert stays as it is, and no number is told.
	Outcome string
	Reason  string
	// Fires says that it is as it should not be.
	Fires bool
	// Text says it in a sentence, Facts in fields; Path leads to the same view.
	Text  string
	Facts any
	Path  string
}

// Judged is the outcome of a judgement that says something.
const Judged = "ok"

// Desk looks at alerts and digests, and sends. It is safe for concurrent use.
type Desk struct {
	cfg     Config
	board   *board
	owner   *owner
	results *prometheus.CounterVec

	mu sync.Mutex
	// looked is when this process last looked at an entry, unsaved what is to be written before anything else is done about one.
	looked  map[name]time.Time
	unsaved map[name]State
}

// New makes a desk, which does nothing before [Desk.Run]. Close it.
func New(cfg Config) *Desk {
	if cfg.Every == 0 {
		cfg.Every = time.Minute
	}
	d := &Desk{
		cfg: cfg, board: newBoard(cfg), owner: newOwner(), looked: map[name]time.Time{}, unsaved: map[name]State{},
		results: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "plumbline", Subsystem: "scorecard", Name: "deliveries_total", Help: "Attempts to send alerts and digests, by how they ended: delivered, failed (tried again), refused, given_up.",
		}, []string{"result"}),
	}
	cfg.Metrics.MustRegister(d.results)
	return d
}

// group is the name of the consumer group whose members share the states of a workspace.
func (c Config) group() string { return "alerts." + c.Workspace }

// Run follows the log and does what is due until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	// The log is read on until the last round has ended: what a round writes counts when it was read.
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	ctx, leave := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer leave()
	defer stop()
	errs := make(chan error, 2)
	all.Go(func() { errs <- d.board.follow(following) })
	all.Go(func() {
		errs <- bus.Consume(ctx, d.cfg.Bus, bus.ConsumeConfig{
			Group: d.cfg.group(), Topic: bus.Alerts, MaxMessages: 1000, MaxBytes: bus.MaxMessageBytes, Linger: 20 * time.Millisecond,
			Assigned: d.owner.assigned, Idle: d.owner.idle, Log: d.cfg.Log,
		}, func(context.Context, bus.Chunk) error { return nil }) // the board reads what they say
	})
	tick := time.NewTicker(min(d.cfg.Every, time.Second))
	defer tick.Stop()
	for {
		select {
		case err := <-errs:
			if err != nil {
				return fmt.Errorf("alerts: %w", err)
			}
		case <-tick.C:
			d.round(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

// Close ends the writing, when nothing else of the desk runs any more.
func (d *Desk) Close() error { return d.board.producer.Close() }

// Listed is an alert or digest with how it stands.
type Listed struct {
	Key     string
	Version registry.Version
	State   State
}

// List are the entries of a kind, by key, with how they stand.
func (d *Desk) List(reg *registry.Snapshot, kind registry.Kind) ([]Listed, error) {
	if !d.board.isReady() {
		return nil, ErrNotReady
	}
	var out []Listed
	for _, key := range reg.Keys(kind) {
		if v, ok := reg.At(kind, key, d.cfg.Now()); ok {
			out = append(out, Listed{key, v, d.board.get(name{kind, key})})
		}
	}
	return out, nil
}

// Test sends a message that says that it is one, once and now, and returns its id, the status of the answer, and why it failed.
func (d *Desk) Test(ctx context.Context, key string) (id string, status int, err error) {
	reg, err := d.cfg.Registry(ctx)
	if err != nil {
		return "", 0, err
	}
	a, _, ok := registry.Find[registry.Alert](reg, registry.Alerts, key, d.cfg.Now())
	if !ok {
		return "", 0, ErrUnknown
	}
	target, err := d.target(reg, a.Webhook)
	if err != nil {
		return "", 0, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	body, err := d.body(EventTest, key, a, State{Status: Quiet, Since: d.cfg.Now()}, Judgement{Text: "This is a test: the webhook is reached, and nothing else is said."})
	if err != nil {
		return "", 0, err
	}
	target.Body, target.ID = body, d.cfg.messageID("test", key, fmt.Sprint(time.Now().UnixNano()))
	status, err = d.cfg.Sender.Post(ctx, target)
	return target.ID, status, err
}

// target is a message without content to a webhook.
func (d *Desk) target(reg *registry.Snapshot, key string) (webhook.Message, error) {
	w, _, ok := registry.Find[registry.Webhook](reg, registry.Webhooks, key, d.cfg.Now())
	switch {
	case !ok:
		return webhook.Message{}, fmt.Errorf("there is no webhook %s: write registry/webhooks/%s, or name another", key, key)
	case !w.IsActive():
		return webhook.Message{}, fmt.Errorf("the webhook %s is not active: nothing is sent to it", key)
	}
	m := webhook.Message{URL: w.URL}
	for _, version := range reg.SecretVersions(key, d.cfg.Now()) {
		secret, err := WebhookSecret(d.cfg.Secret, d.cfg.Workspace, key, version)
		if err != nil {
			return webhook.Message{}, err
		}
		m.Secrets = append(m.Secrets, secret)
	}
	return m, nil
}

// due are the entries that this process is to look after now.
func (d *Desk) due(reg *registry.Snapshot) []name {
	var out []name
	for _, kind := range []registry.Kind{registry.Alerts, registry.Digests} {
		for _, key := range reg.Keys(kind) {
			if n := (name{kind, key}); d.mine(n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// mine tells whether the partition of a state is this process's, and all that is said there was read.
func (d *Desk) mine(n name) bool {
	partition := bus.PartitionOf(d.cfg.key(n), d.cfg.Bus.PartitionCount())
	end, ok := d.owner.holds(partition)
	return ok && d.board.hasRead(partition, end)
}

// wake tells whether an entry is to be judged now, and notes that it is.
func (d *Desk) wake(n name) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at, ok := d.looked[n]; ok && time.Since(at) < d.cfg.Every {
		return false
	}
	d.looked[n] = time.Now()
	return true
}

// anythingToDo tells whether the registry must be read for a round: an entry may be due, or a delivery is.
func (d *Desk) anythingToDo(last time.Time) bool {
	return time.Since(last) >= d.cfg.Every || d.board.pending(d.cfg.Now()) || d.hasUnsaved()
}

func (d *Desk) hasUnsaved() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.unsaved) > 0
}

// digestRecipients are the recipients that a digest was not yet sent to. In the place of one who was erased stands a pseudonym.
func digestRecipients(d *registry.Digest, sent []string) []string {
	return slices.DeleteFunc(slices.Clone(d.Recipients), func(r string) bool {
		return event.IsPseudonym(r) || slices.Contains(sent, recipientID(r))
	})
}
