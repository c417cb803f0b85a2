package standalone_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/client"
	"plumbline/pkg/embedded"
	"plumbline/pkg/event"
	"plumbline/services/standalone"
)

// TestEventToScorecard sends events over HTTP and reads what they come to.
func TestEventToScorecard(t *testing.T) {
	s := serve(t, nil)
	put(t, s, "workflows/brief", `{"valid_from":"2026-01-01T00:00:00Z","name":"Brief","baseline":{"low":50,"mode":60,"high":70}}`)
	c, err := client.New(client.Config{URL: s.URL, Key: s.WriteKey})
	if err != nil {
		t.Fatal(err)
	}
	// Ten briefs of 2 units at 60 minutes each, done in 45 minutes: 10 × (2 × 60 − 45) = 750 minutes = 12.5 h.
	var events []client.Event
	for i := range 10 {
		events = append(events, client.Event{
			ID: fmt.Sprint("brief-", i), Source: "test", Time: time.Date(2026, 10, 1+i, 12, 0, 0, 0, time.UTC),
			Data: &event.HoursSaved{
				Common: event.Common{Workflow: "brief", Team: "t", Person: fmt.Sprintf("p%d@example.org", i)},
				Units:  new(event.NumberOf(2)), DoingMinutes: new(event.NumberOf(45)),
			},
		})
	}
	// One is sent twice in the request, and one is wrong: the others land.
	events = append(events, events[0])
	events = append(events, client.Event{ID: "bad", Source: "test", Time: events[0].Time, Data: map[string]any{"doing_minutes": "45"}, Type: event.KindHoursSaved.Type()})
	answers, err := c.Send(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range answers {
		want := event.Accepted
		switch i {
		case 10:
			want = event.Duplicate
		case 11:
			want = event.Rejected
		}
		if a.State != want {
			t.Errorf("answer %d is %+v, want %s", i, a, want)
		}
	}
	if a := answers[11]; a.Code != event.CodeWrongType || a.Pointer != "/data/doing_minutes" {
		t.Errorf("the wrong event is answered %+v", a)
	}
	settle(t, s)
	d := get(t, s, "/scorecard?from=2026-10-01&to=2026-11-01")
	if got := d.text(t, "measures.hours_saved_net.value"); got != "12.5" {
		t.Errorf("net hours %s, want 12.5", got)
	}
}

// TestOneBadAmongMany: one bad event among 999 good ones is rejected, the good ones land.
func TestOneBadAmongMany(t *testing.T) {
	s := serve(t, nil)
	c, err := client.New(client.Config{URL: s.URL, Key: s.WriteKey})
	if err != nil {
		t.Fatal(err)
	}
	events := make([]client.Event, 1_000)
	for i := range events {
		events[i] = client.Event{ID: fmt.Sprint(i), Source: "s", Time: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), Data: &event.Training{Course: "c"}}
	}
	events[500].Data, events[500].Type = map[string]any{"course": "c", "ours": 1}, event.KindTraining.Type()
	answers, err := c.Send(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	var refs []client.Ref
	for i, a := range answers {
		if (a.State == event.Accepted) == (i == 500) {
			t.Fatalf("answer %d is %+v", i, a)
		}
		if i != 500 {
			refs = append(refs, client.Ref{Source: "s", ID: events[i].ID, Receipt: a.Receipt})
		}
	}
	if answers[500].Code != event.CodeUnknownField {
		t.Errorf("the bad event is answered %+v", answers[500])
	}
	waitFor(t, "the outcome of all good events", func() bool {
		outcomes, err := c.Outcomes(t.Context(), refs)
		if err != nil {
			t.Fatal(err)
		}
		loaded := 0
		for _, o := range outcomes {
			if o.State == client.Loaded {
				loaded++
			}
		}
		return loaded == 999
	})
}

// TestWrongKey: without a key, or with a wrong one, nothing is sent again and the reason is said.
func TestWrongKey(t *testing.T) {
	s := serve(t, nil)
	c, err := client.New(client.Config{URL: s.URL, Key: "wrong"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Send(t.Context(), []client.Event{{ID: "1", Source: "s", Time: time.Now(), Data: &event.Training{Course: "c"}}})
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Status != http.StatusForbidden {
		t.Errorf("error %v", err)
	}
	if status, body := request(t, http.MethodPost, s.URL+"/v1/events", "", "application/cloudevents-batch+json", "[]"); status != http.StatusUnauthorized {
		t.Errorf("without a key: %d %s", status, body)
	}
}

// embeddedConfig is an installation with engines of its own in a folder that outlives a start.
func embeddedConfig(t *testing.T, data string) standalone.Config {
	return standalone.Config{Data: data, Listen: "127.0.0.1:0", Demo: standalone.DemoNo, Err: t.Output(), LogFormat: "text", LogLevel: 4}
}

// TestRestart: stopped and started again, keys, registry and figures are still there, and readiness takes less than
// five seconds; a second start on the folder meanwhile fails with a sentence.
func TestRestart(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s, stop := start(t, embeddedConfig(t, data))
	put(t, s, "workflows/brief", `{"valid_from":"2026-01-01T00:00:00Z","baseline":{"low":50,"mode":60,"high":70}}`)
	body := `{"specversion":"1.0","id":"1","source":"s","type":"plumbline.hours_saved.v1","time":"2026-10-01T12:00:00Z","data":{"workflow":"brief","doing_minutes":45}}`
	if status, answer := request(t, http.MethodPost, s.URL+"/v1/events", s.WriteKey, "application/cloudevents+json", body); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, answer)
	}
	settle(t, s)

	err := standalone.Run(t.Context(), embeddedConfig(t, data))
	if !errors.Is(err, embedded.ErrFolderInUse) || !strings.Contains(err.Error(), "stop it, or choose another folder") {
		t.Errorf("a second start said: %v", err)
	}
	stopping := time.Now()
	stop()
	if took := time.Since(stopping); took > 10*time.Second {
		t.Errorf("the stop took %s, want at most 10 s", took)
	}

	starting := time.Now()
	again, stop := start(t, embeddedConfig(t, data))
	t.Cleanup(stop)
	if took := time.Since(starting); took > 5*time.Second {
		t.Errorf("the second start took %s, want less than 5 s", took)
	}
	if again.WriteKey != s.WriteKey || again.AdminToken != s.AdminToken {
		t.Error("the keys have changed")
	}
	// (60 − 45) ÷ 60 = 0.25 h.
	if got := get(t, again, "/scorecard?from=2026-10-01&to=2026-11-01").text(t, "measures.hours_saved_net.value"); got != "0.25" {
		t.Errorf("net hours %s, want 0.25", got)
	}
	for _, name := range []string{"keys.json", "demo.json"} {
		info, err := os.Stat(filepath.Join(data, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
}

// TestFirstStart: the first start loads the demo organisation, the second does not load it again; a folder that was
// first started without one never gets one.
func TestFirstStart(t *testing.T) {
	s := serve(t, func(c *standalone.Config) { c.Demo = standalone.DemoYes })
	settle(t, s)
	d := get(t, s, "/scorecard")
	for _, key := range []string{"hours_saved_net", "vendor_spend", "win_rate", "cycle_days", "pipeline_velocity", "rework_rate"} {
		if status := d.text(t, "measures."+key+".status"); status != "ok" {
			t.Errorf("%s is %s", key, status)
		}
	}
	for key, status := range map[string]string{"landing_hero": "ok", "ad_variants": "running", "onboarding_tour": "srm"} {
		x := get(t, s, "/experiments/"+key)
		if got := x.text(t, "value.status") + " " + x.text(t, "value.reason"); !strings.Contains(got, status) {
			t.Errorf("experiment %s is %s, want %s", key, got, status)
		}
	}
	if code, out, errs := plumbline(t, s, "scorecard"); code != 0 || !strings.Contains(out, "hours_saved_net") {
		t.Errorf("scorecard ended with %d: %s%s", code, out, errs)
	}
	if code, out, errs := plumbline(t, s, "explain", "net_value_capacity"); code != 0 || !strings.Contains(out, "evidence    /api/v1/evidence?") {
		t.Errorf("explain ended with %d: %s%s", code, out, errs)
	}
	if code, out, errs := plumbline(t, s, "export", "--table", "ladder"); code != 0 || !strings.HasPrefix(out, "# table: ladder\n") || !strings.Contains(out, "\ngrowth,") {
		t.Errorf("export ended with %d: %s%s", code, out, errs)
	}
	file := filepath.Join(t.TempDir(), "measures.csv")
	if code, out, errs := plumbline(t, s, "export", "-o", file); code != 0 || out != "" {
		t.Errorf("export to a file ended with %d: %s%s", code, out, errs)
	}
	if raw, err := os.ReadFile(file); err != nil || !strings.Contains(string(raw), "\nnet_value_growth,") {
		t.Errorf("the exported file: %v %.300s", err, raw)
	}
}

// TestDemoDecidedOnce: whether a folder has a demo organisation is decided at its first start.
func TestDemoDecidedOnce(t *testing.T) {
	data := t.TempDir()
	without := func(c *standalone.Config) { c.Data, c.Demo = data, standalone.DemoNo }
	_ = serve(t, without)
	s := serve(t, func(c *standalone.Config) { c.Data, c.Demo = data, standalone.DemoYes })
	if status := get(t, s, "/scorecard").text(t, "measures.hours_saved_net.status"); status != "no_data" {
		t.Errorf("net hours are %s", status)
	}
}

// TestDemoCommand loads a small organisation into a running server over HTTP; loaded again, all of it is duplicates.
func TestDemoCommand(t *testing.T) {
	s := serve(t, nil)
	args := []string{"demo", "--seed", "7", "--days", "14", "--size", "0.5", "--until", "2026-11-20"}
	for _, want := range []string{" 0 duplicate", " 0 loaded"} {
		code, out, errs := plumbline(t, s, args...)
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("ended with %d and said %s%s, want %q", code, out, errs, want)
		}
	}
	if got := get(t, s, "/registry/teams/content").text(t, "name"); got != "Content" {
		t.Errorf("the team is named %q", got)
	}
}
