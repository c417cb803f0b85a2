package alerts

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

const workspace = "default"

var installation = event.Secret("a secret of the tests, 32 characters or more")

const alert = `{"name":"a","when":"below","measure":"hours_saved_net","threshold":10,"webhook":"ops","cooldown_hours":2}`

// An alert tells once that it fires and once that it no longer does, not again within its cool-down, and nothing where nothing can be
// said.
func TestAlertIsTold(t *testing.T) {
	w := newWorld(t)
	w.declare(registry.Alerts, "hours", alert)
	d, _ := w.start()
	w.rests()
	w.set(func() { w.fires["a"] = true })
	w.eventually("a message", func() bool { return len(w.messages) == 1 })
	w.rests()
	w.set(func() { w.outcome = "withheld" })
	w.rests()
	w.set(func() { w.outcome, w.fires["a"] = Judged, false })
	w.eventually("the end of it", func() bool { return len(w.messages) == 2 })
	w.set(func() { w.fires["a"] = true })
	w.rests()
	w.set(func() {
		first, second := w.messages[0], w.messages[1]
		if first.message.Type != EventFiring || first.message.Data.Alert != "hours" || first.message.Data.State != Firing || second.message.Type != EventResolved || first.id == second.id {
			t.Errorf("%+v", w.messages)
		}
		if first.message.Data.URL != "https://plumbline.example.com/?scope=org" || first.message.Data.Text != "it stands so" {
			t.Errorf("%s", first.body)
		}
		if len(w.messages) != 2 {
			t.Errorf("told again within the cool-down: %+v", w.messages)
		}
	})
	w.pass(2 * time.Hour)
	w.eventually("that it fires again", func() bool { return len(w.messages) == 3 })
	reg, _ := w.snapshot(t.Context())
	listed, err := d.List(reg, registry.Alerts)
	if err != nil || len(listed) != 1 || listed[0].State.Status != Firing {
		t.Errorf("%+v %v", listed, err)
	}
}

// A receiver that is away gets the message when it is back: the same one, with the same id. One that refuses is not asked again.
func TestReceiverIsAway(t *testing.T) {
	w := newWorld(t)
	w.declare(registry.Alerts, "hours", alert)
	w.answer = http.StatusServiceUnavailable
	w.fires["a"] = true
	d, _ := w.start()
	for n := range 3 {
		w.eventually("another attempt", func() bool { return len(w.messages) == n+1 })
		w.rests()
		w.set(func() {
			if len(w.messages) != n+1 {
				t.Errorf("%d attempts, before the time of the next", len(w.messages))
			}
		})
		w.pass(time.Minute)
	}
	w.set(func() { w.answer = http.StatusOK })
	w.pass(time.Hour)
	state := func() State { return d.board.get(name{registry.Alerts, "hours"}) }
	w.eventually("the delivery to be noted", func() bool { last := state().Last; return last != nil && last.Outcome == Delivered })
	w.set(func() {
		for _, m := range w.messages {
			if m.id != w.messages[0].id || m.body != w.messages[0].body {
				t.Errorf("another message: %+v", m)
			}
		}
		w.answer, w.fires["a"] = http.StatusGone, false
	})
	w.eventually("a refusal to be noted", func() bool {
		last := state().Last
		return last.Outcome == Refused && last.Status == 410 && last.Attempts == 1
	})
	var n int
	w.set(func() { n = len(w.messages) })
	w.pass(time.Hour)
	w.rests()
	w.set(func() {
		if len(w.messages) != n {
			t.Errorf("who has refused was asked again")
		}
		// It stays away for a day: given up, and said so.
		w.answer, w.fires["a"] = http.StatusBadGateway, true
	})
	w.eventually("an attempt", func() bool { return len(w.messages) == n+1 })
	w.pass(Patience)
	w.eventually("giving up to be noted", func() bool {
		last := state().Last
		return last.Outcome == GivenUp && last.Error != "" && len(state().Pending) == 0
	})
}

// Several scorecards share the alerts: each is told of once, and what one has left behind another one takes up.
func TestSeveralScorecards(t *testing.T) {
	w := newWorld(t)
	const n = 12
	for i := range n {
		w.declare(registry.Alerts, fmt.Sprint("alert-", i), alert)
	}
	w.fires["a"] = true
	_, stopFirst := w.start()
	_, stopSecond := w.start()
	w.start()
	ids := func() map[string]int {
		out := map[string]int{}
		for _, m := range w.messages {
			out[m.id]++
		}
		return out
	}
	w.eventually("every alert to be told of", func() bool { return len(ids()) == n })
	w.rests()
	stopFirst()
	w.set(func() { w.fires["a"] = false })
	w.eventually("the end of each", func() bool { return len(ids()) == 2*n })
	stopSecond()
	w.pass(3 * time.Hour)
	w.set(func() { w.fires["a"] = true })
	w.eventually("every alert once more", func() bool { return len(ids()) == 3*n })
	w.rests()
	w.set(func() {
		if len(w.messages) != 3*n {
			t.Errorf("%d messages for %d events: %v", len(w.messages), 3*n, ids())
		}
	})
}

// Who dies after a message was sent and before that was noted leaves it to the next, who sends it under the same id; nothing is
// forgotten.
func TestCrashBeforeItIsNoted(t *testing.T) {
	w := newWorld(t)
	w.declare(registry.Alerts, "hours", alert)
	w.fires["a"] = true
	_, stopFirst := w.start()
	var once sync.Once
	w.set(func() {
		w.onMessage = func(req *http.Request) {
			once.Do(func() {
				go stopFirst()
				<-req.Context().Done() // it has the message, and who has sent it never learns of that
			})
		}
	})
	w.eventually("the message", func() bool { return len(w.messages) == 1 })
	stopFirst()
	d, _ := w.start()
	w.eventually("the message once more", func() bool { return len(w.messages) == 2 })
	w.eventually("the delivery to be noted", func() bool {
		last := d.board.get(name{registry.Alerts, "hours"}).Last
		return last != nil && last.Outcome == Delivered
	})
	w.rests()
	w.set(func() {
		if len(w.messages) != 2 || w.messages[0].id != w.messages[1].id || w.messages[0].body != w.messages[1].body {
			t.Errorf("%+v", w.messages)
		}
	})
}

// Of two states with one revision the first in the log counts, for everybody; the other is written over, so that no compaction brings
// it back. What can not be read costs nothing else.
func TestTheLogDecides(t *testing.T) {
	w := newWorld(t)
	w.declare(registry.Alerts, "hours", alert)
	d, _ := w.start()
	id := name{registry.Alerts, "hours"}
	w.eventually("a state", func() bool { return d.board.get(id).Revision > 0 })
	stale := State{Workspace: workspace, Kind: registry.Alerts, Key: "hours", Revision: 1, Write: "another", Status: Firing}
	key, value, err := stale.message()
	if err != nil {
		t.Fatal(err)
	}
	p := bus.NewProducer(w.bus, bus.Alerts)
	defer func() { _ = p.Close() }()
	before := d.board.get(id).Revision
	if _, err := p.Produce(t.Context(), []bus.Message{{Key: key, Value: value}, {Key: key, Value: []byte("{")}, {Key: []byte("x"), Value: value}}); err != nil {
		t.Fatal(err)
	}
	w.eventually("the state to be written again", func() bool { return d.board.get(id).Revision > before && !d.board.hasLost(id) })
	if s := d.board.get(id); s.Status != Quiet || len(s.Pending) > 0 {
		t.Errorf("%+v", s)
	}
}

// A digest is sent to each recipient once for each due time; what is refused for one holds up no other; a server that is away is
// tried again.
func TestDigestIsSentOnce(t *testing.T) {
	w := newWorld(t)
	erased := event.NewSealer([]byte("a secret of the tests")).Person("default", "eve@example.com") // what an erasure leaves of an address
	w.declare(registry.Digests, "weekly", `{"weekday":"monday","hour":6,"recipients":["ann@example.com","Bob@example.com","`+erased+`"]}`)
	w.declare(registry.Alerts, "hours", alert) // to see rounds
	d, _ := w.start()
	w.rests()
	w.set(func() {
		if len(w.mails) > 0 {
			t.Errorf("a due time from before the entry was sent: %v", w.mails)
		}
		w.mailError = fmt.Errorf("the mail server is away")
	})
	w.pass(time.Hour) // Monday, 06:00
	w.eventually("an attempt", func() bool { return len(w.mails) == 2 })
	w.set(func() { w.mailError = nil })
	w.pass(time.Minute)
	w.eventually("the mails", func() bool { return len(w.mails) == 4 })
	w.pass(6 * 24 * time.Hour)
	w.rests()
	w.set(func() {
		if len(w.mails) != 4 || w.mails[0] != w.mails[2] || w.mails[1] != w.mails[3] || w.mails[2] == w.mails[3] {
			t.Errorf("%v", w.mails)
		}
		w.mailError = fmt.Errorf("no such mailbox: %w", ErrRefused)
	})
	w.pass(24 * time.Hour)
	w.eventually("the next week", func() bool { return len(w.mails) == 6 })
	w.pass(time.Hour)
	w.rests()
	w.set(func() {
		if len(w.mails) != 6 || w.mails[4] == w.mails[0] {
			t.Errorf("%v", w.mails)
		}
	})
	// Nobody was there for more than a day: said, and not sent.
	s, changed := d.schedule(State{Kind: registry.Digests, Key: "weekly", Due: time.Date(2026, 11, 9, 6, 0, 0, 0, time.UTC)},
		&registry.Digest{Weekday: "monday", Hour: new(uint8(6))}, time.Time{}, time.Date(2026, 11, 17, 7, 0, 0, 0, time.UTC))
	if !changed || len(s.Pending) > 0 || s.Last == nil || s.Last.Outcome != GivenUp || s.Due.Day() != 16 {
		t.Errorf("%+v", s)
	}
}

// A test message goes out once, whatever the alert is doing; an alert that there is not has none.
func TestTestMessage(t *testing.T) {
	w := newWorld(t)
	w.declare(registry.Alerts, "hours", alert)
	w.declare(registry.Alerts, "nowhere", `{"when":"sample_ratio","experiment":"x","webhook":"none"}`)
	d, _ := w.start()
	id, status, err := d.Test(t.Context(), "hours")
	if err != nil || status != http.StatusNoContent {
		t.Errorf("%d %v", status, err)
	}
	w.set(func() {
		if len(w.messages) != 1 || w.messages[0].id != id || w.messages[0].message.Type != EventTest {
			t.Errorf("%+v", w.messages)
		}
	})
	for _, key := range []string{"none", "nowhere"} {
		if _, _, err := d.Test(t.Context(), key); err == nil {
			t.Errorf("%s has a test message", key)
		}
	}
}

// The secret of a webhook follows from workspace, key and version, and from the secret of the installation only.
func TestWebhookSecret(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range []struct {
		secret, workspace, key string
		version                uint32
	}{
		{"one", "w", "k", 0}, {"two", "w", "k", 0}, {"one", "wk", "", 0}, {"one", "", "wk", 0}, {"one", "w", "k", 1}, {"one", "w", "k0", 0},
	} {
		sum := sha256.Sum256([]byte(c.secret))
		s, err := WebhookSecret(sum[:], c.workspace, c.key, c.version)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := WebhookSecret(sum[:], c.workspace, c.key, c.version)
		if seen[s.Text()] || again.Text() != s.Text() {
			t.Errorf("%+v has the secret of another, or none of its own", c)
		}
		seen[s.Text()] = true
	}
}
