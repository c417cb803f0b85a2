package alerts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"plumbline/pkg/registry"
	"plumbline/pkg/webhook"
)

// atATime bounds how many entries are looked after at a time: a receiver that is slow holds up few others.
const atATime = 8

// round does what is due of the entries whose states are this process's.
func (d *Desk) round(ctx context.Context) {
	d.mu.Lock()
	last := d.looked[name{}]
	d.mu.Unlock()
	if !d.board.isReady() || !d.anythingToDo(last) {
		return
	}
	reg, err := d.cfg.Registry(ctx)
	if err != nil {
		if ctx.Err() == nil {
			d.cfg.Log.WarnContext(ctx, "alerts: the registry can not be read", "error", err)
		}
		return
	}
	d.wake(name{})
	var all errgroup.Group
	all.SetLimit(atATime)
	for _, n := range d.due(reg) {
		all.Go(func() error {
			// Asked again: the entries before may have taken long.
			if ctx.Err() == nil && d.mine(n) {
				d.look(ctx, reg, n)
			}
			return nil
		})
	}
	_ = all.Wait() // none fails
}

// look brings one entry on: first what could not be written, then what is to be sent, then a look at what it is about.
func (d *Desk) look(ctx context.Context, reg *registry.Snapshot, n name) {
	if !d.saved(ctx, n) {
		return
	}
	s := d.board.get(n)
	if d.board.hasLost(n) && !d.save(ctx, s) {
		return
	}
	if s = d.board.get(n); len(s.Pending) > 0 && !s.Pending[0].Next.After(d.cfg.Now()) {
		sent := d.send(ctx, reg, n, s)
		if ctx.Err() != nil && len(sent.Pending) == len(s.Pending) {
			return // it was broken off, and says nothing of the receiver
		}
		if !d.save(ctx, sent) {
			return
		}
	}
	if !d.wake(n) {
		return
	}
	s = d.board.get(n)
	next, changed, err := d.judge(ctx, reg, n, s)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		d.cfg.Log.WarnContext(ctx, "an alert can not be judged now", "kind", n.kind, "key", n.key, "error", err)
	case changed:
		d.save(ctx, next)
	}
}

// save writes the state that follows the one that is there, and tells whether it counts. What was not confirmed is kept: nothing else
// is done about the entry before it is known what became of it, so that nothing is sent twice for want of a log.
func (d *Desk) save(ctx context.Context, s State) bool { return d.put(ctx, s.next()) }

func (d *Desk) put(ctx context.Context, s State) bool {
	n := name{s.Kind, s.Key}
	// Not with the service: what was sent is noted although it stops.
	counts, err := d.board.write(context.WithoutCancel(ctx), s)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.unsaved[n] = s
		d.cfg.Log.WarnContext(ctx, "the state of an alert was not written", "kind", n.kind, "key", n.key, "error", err)
		return false
	}
	delete(d.unsaved, n)
	return counts
}

// saved writes what could not be written before, and tells whether nothing is left of it.
func (d *Desk) saved(ctx context.Context, n name) bool {
	d.mu.Lock()
	s, ok := d.unsaved[n]
	if ok && s.Revision != d.board.get(n).Revision+1 {
		delete(d.unsaved, n) // it counts by now, or another one's does
		ok = false
	}
	d.mu.Unlock()
	return !ok || d.put(ctx, s)
}

// judge looks at what an entry is about and says how it stands then.
func (d *Desk) judge(ctx context.Context, reg *registry.Snapshot, n name, s State) (State, bool, error) {
	now := d.cfg.Now().UTC()
	version, ok := reg.At(n.kind, n.key, now)
	if !ok {
		return s, false, nil
	}
	switch entry := version.Entry.(type) {
	case *registry.Digest:
		if !entry.IsActive() {
			return s, false, nil
		}
		next, changed := d.schedule(s, entry, version.RecordedAt, now)
		return next, changed, nil
	case *registry.Alert:
		if !entry.IsActive() {
			return s, false, nil
		}
		j, err := d.cfg.Judge(ctx, entry)
		if err != nil {
			return s, false, err
		}
		return s.judged(j, entry.Cooldown(), now, func(event string, s State) (Delivery, error) {
			body, err := d.body(event, n.key, entry, s, j)
			// With the time: after a restore of an older log the episodes are counted once more.
			id := d.cfg.messageID(event, n.key, fmt.Sprint(s.Episode, s.Since.UnixMilli()))
			return Delivery{ID: id, Event: event, Made: now, Body: body}, err
		})
	}
	return s, false, fmt.Errorf("%s/%s is neither an alert nor a digest", n.kind, n.key)
}

// judged is the state after a judgement; message makes what is sent. Where nothing can be said the alert stays as it is. That it
// fires is told once in an episode, and not sooner than a cool-down after it was told last; that it no longer does, only if that was told.
func (s State) judged(j Judgement, cooldown time.Duration, now time.Time, message func(string, State) (Delivery, error)) (State, bool, error) {
	next := s
	next.Outcome, next.Reason = j.Outcome, j.Reason
	tell := ""
	if j.Outcome == Judged {
		status := map[bool]string{false: Quiet, true: Firing}[j.Fires]
		if status != s.Status {
			if next.Status, next.Since = status, now; s.Status != "" || j.Fires {
				next.Episode++
			}
			if !j.Fires && s.Told {
				tell, next.Told = EventResolved, false
			}
		}
		if j.Fires && !next.Told && (s.Fired.IsZero() || !now.Before(s.Fired.Add(cooldown))) {
			tell, next.Told, next.Fired = EventFiring, true, now
		}
	}
	if tell != "" {
		if len(s.Pending) >= mostPending {
			return s, false, nil // judged again when there is room
		}
		m, err := message(tell, next)
		if err != nil {
			return s, false, err
		}
		next.Pending = append(slices.Clone(s.Pending), m)
	}
	changed := tell != "" || next.Status != s.Status || next.Outcome != s.Outcome || next.Reason != s.Reason
	return next, changed, nil
}

// errMissed is what is said of a digest that nobody was there to send.
var errMissed = errors.New("no scorecard was running within a day of its time")

// schedule takes up the latest due time of a digest, once. One from before the entry was written is not sent.
func (d *Desk) schedule(s State, entry *registry.Digest, written, now time.Time) (State, bool) {
	due := entry.Due(now)
	if !due.After(s.Due) || len(s.Pending) >= mostPending {
		return s, false
	}
	s.Due = due
	if due.Before(written) {
		return s, true
	}
	made := Delivery{ID: d.cfg.messageID(EventDigest, s.Key, due.Format(time.RFC3339)), Event: EventDigest, Made: due}
	if !now.Before(due.Add(Patience)) {
		made.Outcome, made.Error = GivenUp, errMissed.Error()
		s.Last = &made
		return s, true
	}
	s.Pending = append(s.Pending, made)
	return s, true
}

// send tries the first pending delivery of a state once, and says how it stands then.
func (d *Desk) send(ctx context.Context, reg *registry.Snapshot, n name, s State) State {
	it := s.Pending[0]
	it.Attempts++
	it.Tried = d.cfg.Now().UTC()
	var err error
	var again bool
	if it.Event == EventDigest {
		again, err = d.mail(ctx, reg, n, &it)
	} else {
		it.Status, err = d.post(ctx, reg, n, it)
		again = webhook.Again(err)
	}
	result := Delivered
	switch {
	case err == nil:
	case !again:
		result = Refused
	case !it.Tried.Before(it.Made.Add(Patience)):
		result = GivenUp
	default:
		result = "failed"
	}
	d.results.WithLabelValues(result).Inc()
	if it.Error = ""; err != nil {
		it.Error = clipped(err)
		d.cfg.Log.WarnContext(ctx, "a message was not delivered", "kind", n.kind, "key", n.key, "id", it.ID, "attempts", it.Attempts, "result", result, "error", it.Error)
	}
	if result == "failed" {
		it.Next = it.Tried.Add(webhook.Wait(err, it.Attempts))
		s.Pending[0] = it
		return s
	}
	it.Outcome, it.Next = result, time.Time{}
	it.Body, s.Last, s.Pending = nil, &it, s.Pending[1:]
	return s
}

// post sends to the webhook that the alert names now.
func (d *Desk) post(ctx context.Context, reg *registry.Snapshot, n name, it Delivery) (int, error) {
	a, _, ok := registry.Find[registry.Alert](reg, registry.Alerts, n.key, d.cfg.Now())
	if !ok {
		return 0, errors.New("the alert is no longer there")
	}
	m, err := d.target(reg, a.Webhook)
	if err != nil {
		return 0, err
	}
	m.ID, m.Body = it.ID, it.Body
	return d.cfg.Sender.Post(ctx, m)
}

// mail sends a digest to each recipient who does not have it. One who is refused for good holds up no other.
func (d *Desk) mail(ctx context.Context, reg *registry.Snapshot, n name, it *Delivery) (again bool, err error) {
	entry, _, ok := registry.Find[registry.Digest](reg, registry.Digests, n.key, d.cfg.Now())
	switch {
	case !ok:
		return false, errors.New("the digest is no longer there")
	case d.cfg.Mail == nil:
		return true, errors.New("no mail server is configured: set --smtp-address and --smtp-from")
	}
	var errs []error
	for _, to := range digestRecipients(entry, it.Sent) {
		who := recipientID(to)
		err := d.cfg.Mail(ctx, entry, it.ID+"."+who, to)
		if err == nil || errors.Is(err, ErrRefused) {
			it.Sent = append(it.Sent, who)
		}
		if err != nil {
			errs = append(errs, err)
			again = again || !errors.Is(err, ErrRefused)
		}
	}
	return again, errors.Join(errs...)
}
