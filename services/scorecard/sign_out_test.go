package scorecard

import (
	"context"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/embedded" //nolint:depguard // a test stops a broker and starts it again, which a shared one can not
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

// beside is another scorecard of the same site.
func (b *bench) beside() *bench {
	b.t.Helper()
	other := *b
	other.serve()
	return &other
}

// at is the same browser at another scorecard.
func (b *bench) at(other *bench) *bench {
	same := *other
	same.cookie = b.cookie
	return &same
}

// personSession signs somebody in as the provider does.
func (b *bench) personSession(person string) *bench {
	b.t.Helper()
	sessions := access.NewSessions([]byte(secretText), b.cfg.Now, access.Lifetimes{})
	value, err := sessions.Value(sessions.Start(access.Viewer{Workspace: workspace, Person: person}, access.ByProvider))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.with(value)
}

func (b *bench) asks() int {
	b.t.Helper()
	res, _ := b.do(http.MethodGet, "/api/v1/session", "")
	return res.StatusCode
}

// signsOut posts as a page of the site does.
func (b *bench) signsOut(form string) (reply, string) {
	b.t.Helper()
	res, raw := b.do(http.MethodPost, "/signout", form, "Sec-Fetch-Site", "same-origin", "Content-Type", "application/x-www-form-urlencoded")
	return res, string(raw)
}

// A session that ends at one scorecard ends at the others, and so it is after a restart.
func TestSignOutOfSeveralScorecards(t *testing.T) {
	b := newBench(t, now())
	second := b.beside()
	ann := b.as(access.RoleLeader, "somebody")
	other := b.as(access.RoleLeader, "somebody")
	copied := ann.at(second)
	if a, c := ann.asks(), copied.asks(); a != http.StatusOK || c != http.StatusOK {
		t.Fatalf("signed in: %d and %d", a, c)
	}
	started := time.Now()
	if res, raw := ann.signsOut(""); res.StatusCode != http.StatusNoContent || len(res.cookies) != 1 || res.cookies[0].MaxAge >= 0 {
		t.Fatalf("sign out: %d %s %v", res.StatusCode, raw, res.cookies)
	}
	if got := ann.asks(); got != http.StatusUnauthorized {
		t.Errorf("at the same scorecard: %d", got)
	}
	b.eventually("the copy is refused at the other scorecard", func() bool { return copied.asks() == http.StatusUnauthorized })
	took := time.Since(started)
	t.Logf("refused at the other scorecard %s after the signing out began", took)
	if took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if got := ann.at(b.beside()).asks(); got != http.StatusUnauthorized {
		t.Errorf("at a scorecard that starts later: %d", got)
	}
	if got := other.at(second).asks(); got != http.StatusOK {
		t.Errorf("another session of the same person: %d", got)
	}
	// Again with the copy, which says nothing new.
	if res, raw := copied.signsOut(""); res.StatusCode != http.StatusNoContent {
		t.Errorf("again: %d %s", res.StatusCode, raw)
	}
}

// Whoever asks for it is signed out of all browsers, at all scorecards; a copy of an ended cookie can not do it later.
func TestSignOutEverywhere(t *testing.T) {
	b := newBench(t, now())
	clock := &movedClock{}
	b.cfg.Now = clock.now
	b = b.beside()
	b.declare(registry.People, "ann", `{"valid_from":"2020-01-01","role":"leader"}`)
	b.declare(registry.People, "bob", `{"valid_from":"2020-01-01","role":"leader"}`)
	second := b.beside()
	phone, laptop, bob := b.personSession("ann"), b.personSession("ann"), b.personSession("bob")
	if got := phone.asks(); got != http.StatusOK {
		t.Fatalf("signed in: %d", got)
	}
	if res, raw := laptop.signsOut("everywhere=true"); res.StatusCode != http.StatusNoContent {
		t.Fatalf("sign out: %d %s", res.StatusCode, raw)
	}
	b.eventually("the phone is signed out at the other scorecard", func() bool { return phone.at(second).asks() == http.StatusUnauthorized })
	clock.move(time.Minute)
	again := b.personSession("ann")
	if res, raw := laptop.at(second).signsOut("everywhere=true"); res.StatusCode != http.StatusNoContent {
		t.Fatalf("with the ended cookie: %d %s", res.StatusCode, raw)
	}
	for name, who := range map[string]*bench{"signed in since": again, "somebody else": bob} {
		if a, c := who.asks(), who.at(second).asks(); a != http.StatusOK || c != http.StatusOK {
			t.Errorf("%s: %d and %d", name, a, c)
		}
	}
}

// A signing out that the log does not have says so, to a person and to a program, and can be tried again until it has.
func TestSignOutWithoutALog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kafka")
	broker, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, now())
	b.cfg.Bus = bus.Config{Brokers: broker.Addrs(), Partitions: 1}
	b = b.beside()
	second := b.beside()
	ann := b.as(access.RoleLeader, "somebody")
	if a, c := ann.asks(), ann.at(second).asks(); a != http.StatusOK || c != http.StatusOK {
		t.Fatalf("signed in: %d and %d", a, c)
	}
	if err := broker.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	res, raw := ann.signsOut("")
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || len(res.cookies) != 0 || !strings.Contains(raw, "sign_out_unconfirmed") {
		t.Errorf("while the broker is away: %d %s %v", res.StatusCode, raw, res.cookies)
	}
	b.hold("sign out", "Problem", []byte(raw))
	page, body := ann.do(http.MethodPost, "/signout", "everywhere=true", "Sec-Fetch-Site", "same-origin", "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html")
	if page.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), `value="true">Sign out again`) {
		t.Errorf("as a page: %d %s", page.StatusCode, body)
	}
	if got := ann.asks(); got != http.StatusUnauthorized {
		t.Errorf("at this scorecard: %d", got)
	}
	_, port, _ := strings.Cut(broker.Addrs()[0], ":")
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	back, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: dir, Port: n})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = back.Stop(context.Background()) })
	b.eventually("it is signed out", func() bool {
		res, _ := ann.signsOut("")
		return res.StatusCode == http.StatusNoContent
	})
	b.eventually("the other scorecard knows", func() bool { return ann.at(second).asks() == http.StatusUnauthorized })
}

// A tail ends within seconds when its viewer may not watch any more: signed out at another scorecard, the role taken, the key
// revoked. The tails of others go on.
func TestTailEndsWithItsViewer(t *testing.T) {
	b := newBench(t, now())
	second := b.beside()
	b.declare(registry.People, "ann", `{"valid_from":"2020-01-01","role":"analyst"}`)
	b.declare(registry.People, "bob", `{"valid_from":"2020-01-01","role":"analyst"}`)
	b.declare(registry.People, "cyd", `{"valid_from":"2020-01-01","role":"admin"}`)
	text := b.newKey(`{"id":"report","name":"Report","scopes":["read"],"role":"analyst"}`).at("text").text()
	ann, bob, cyd, stays := b.personSession("ann"), b.personSession("bob"), b.personSession("cyd"), b.as(access.RoleAnalyst, "")
	tails := map[string]func() (string, string){
		"signed out": ann.watch(""), "no role": bob.watch(""), "another role": cyd.watch(""), "key": b.watch("", bearer(text)...),
	}
	going := stays.watch("")
	started := time.Now()
	if res, raw := ann.at(second).signsOut(""); res.StatusCode != http.StatusNoContent {
		t.Fatalf("sign out: %d %s", res.StatusCode, raw)
	}
	b.declare(registry.People, "bob", `{"valid_from":"2020-01-02","team":"t"}`)
	b.declare(registry.People, "cyd", `{"valid_from":"2020-01-02","role":"analyst"}`)
	if res, raw := b.do(http.MethodDelete, "/api/v1/keys/report", ""); res.StatusCode != http.StatusOK {
		t.Fatalf("revoke: %d %s", res.StatusCode, raw)
	}
	for name, next := range tails {
		if what, data := next(); what != "end" || !strings.Contains(data, "may not watch") {
			t.Errorf("%s: %s %s", name, what, data)
		}
		took := time.Since(started)
		t.Logf("%s: ended after %s", name, took)
		if took > 8*time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
	}
	b.write(bus.Events, b.accepted(workspace, "/lms", "course", &event.Training{Course: "c"}))
	if what, data := going(); what != "accepted" {
		t.Errorf("the tail of somebody else: %s %s", what, data)
	}
}
