package scorecard

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/event/eventtest"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

// watch opens the tail as the viewer of the bench and waits until it sees what comes; next reads the next event of it.
func (b *bench) watch(query string, headers ...string) (next func() (name, data string)) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.base+"/api/v1/tail?"+query, http.NoBody)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Cookie", b.cookie)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		b.t.Fatalf("%s %v", res.Status, res.Header)
	}
	lines := bufio.NewScanner(res.Body)
	next = func() (name, data string) {
		for lines.Scan() {
			switch field, value, _ := strings.Cut(lines.Text(), ": "); field {
			case "event":
				name = value
			case "data":
				return name, value
			}
		}
		return "", ""
	}
	if name, _ := next(); name != "open" {
		b.t.Fatalf("the first is %q", name)
	}
	return next
}

// write puts messages on a topic, as the collector does.
func (b *bench) write(name bus.Name, messages ...bus.Message) {
	b.t.Helper()
	producer := bus.NewProducer(b.cfg.Bus, name)
	defer func() { _ = producer.Close() }()
	if _, err := producer.Produce(b.t.Context(), messages); err != nil {
		b.t.Fatal(err)
	}
}

// accepted is an event as it stands in the log.
func (b *bench) accepted(in, source, id string, data event.Data) bus.Message {
	b.t.Helper()
	at, err := event.ParseTime("2026-11-01T09:00:00Z")
	if err != nil {
		b.t.Fatal(err)
	}
	sealed, err := eventtest.NewSealer(b.cfg.Secret).Seal(event.Event{Workspace: in, Source: source, ID: id, Time: at.Time, Kind: data.Kind(), Data: data})
	if err != nil {
		b.t.Fatal(err)
	}
	key, headers, value := sealed.Message()
	return bus.Message{Key: key, Value: value, Headers: headers}
}

// Analysts and administrators watch events and rejects of their workspace, without what is in them.
func TestTail(t *testing.T) {
	b := newBench(t, now())
	all := b.as(access.RoleAdmin, "").watch("")
	analyst := b.as(access.RoleAnalyst, "").watch("")
	chosen := b.as(access.RoleAnalyst, "").watch("kind=hours_saved&source=/c*&outcome=accepted")
	b.write(bus.Events,
		b.accepted("elsewhere", "/cms", "theirs", &event.Training{Course: "c"}),
		b.accepted(workspace, "/lms", "course", &event.Training{Course: "c"}),
		b.accepted(workspace, "/cms", "work", &event.HoursSaved{Common: event.Common{Person: "ann@example.com"}, Task: "a secret task", DoingMinutes: warehousetest.Number("5")}),
	)
	for _, want := range []string{"course", "work"} {
		name, data := all()
		if name != "accepted" || !strings.Contains(data, `"id":"`+want+`"`) {
			t.Errorf("want %s, got %s %s", want, name, data)
		}
		for _, hidden := range []string{"data", "person", "secret", "minutes", "ann"} {
			if strings.Contains(data, hidden) {
				t.Errorf("%s is shown: %s", hidden, data)
			}
		}
		b.hold("tail", "TailEvent", []byte(data)).at("id").is(want)
	}
	if _, data := chosen(); !strings.Contains(data, `"id":"work"`) {
		t.Errorf("chosen: %s", data)
	}
	_, _ = analyst()
	_, _ = analyst()
	for _, r := range []warehouse.Reject{{Source: "/cms", ID: "lost", Code: "not_json"}, {Workspace: workspace, Source: "/cms", ID: "bad", Code: "bad_value", Raw: []byte("a secret")}} {
		r.Stage, r.At = warehouse.StageCollector, b.cfg.Now()
		raw, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		b.write(bus.Rejected, bus.Message{Key: []byte("k"), Value: raw})
	}
	// What names no workspace is for administrators.
	if _, data := all(); !strings.Contains(data, `"id":"lost"`) {
		t.Errorf("an administrator sees %s", data)
	}
	for who, next := range map[string]func() (string, string){"administrator": all, "analyst": analyst} {
		name, data := next()
		shown := b.hold("tail", "TailReject", []byte(data))
		shown.at("id").is("bad")
		if id := shown.at("reject_id").text(); name != "rejected" || !strings.HasPrefix(id, "rejected-0-1-") || strings.Contains(data, "secret") {
			t.Errorf("%s: %s %s", who, name, data)
		}
	}
}

func TestTailRefuses(t *testing.T) {
	b := newBench(t, now())
	for role, want := range map[access.Role]int{access.RoleIC: http.StatusForbidden, access.RoleLeader: http.StatusForbidden} {
		if res, raw := b.as(role, "somebody").do("GET", "/api/v1/tail", ""); res.StatusCode != want {
			t.Errorf("%s: %d %s", role, res.StatusCode, raw)
		}
	}
	if res, _ := b.do("GET", "/api/v1/tail", "", "Authorization", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody: %d", res.StatusCode)
	}
	for _, query := range []string{"kind=none", "outcome=queued"} {
		res, raw := b.do("GET", "/api/v1/tail?"+query, "")
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, res.StatusCode, raw)
		}
		b.hold(query, "Problem", raw)
	}
	watching := b.as(access.RoleAnalyst, "")
	for range 16 {
		watching.watch("")
	}
	res, raw := watching.do("GET", "/api/v1/tail", "")
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "10" {
		t.Errorf("the 17th: %d %s", res.StatusCode, raw)
	}
}
