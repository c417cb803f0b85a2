package standalone_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"plumbline/pkg/client"
	"plumbline/pkg/event"
	"plumbline/services/standalone"
)

// embeddedInstallation starts one with engines of its own on a folder.
func embeddedInstallation(t *testing.T, data string) (standalone.Server, func()) {
	t.Helper()
	return start(t, standalone.Config{
		Data: data, Listen: "127.0.0.1:0", Demo: standalone.DemoNo, Err: t.Output(), LogFormat: "text", LogLevel: 4,
	})
}

func sender(t *testing.T, s standalone.Server) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{URL: s.URL, Key: s.WriteKey})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// task is 60 minutes of baseline for two units, done in 45: 75 minutes saved.
func task(id string, at time.Time) client.Event {
	return client.Event{ID: id, Source: "tasks", Time: at, Data: &event.HoursSaved{
		Common: event.Common{Workflow: "brief", Team: "t", Person: id + "@example.org"},
		Units:  new(event.NumberOf(2)), DoingMinutes: new(event.NumberOf(45)),
	}}
}

// october is what is there before the backup: facts of four kinds, a correction and a void of them.
func october() []client.Event {
	day := func(n int) time.Time { return time.Date(2026, 10, n, 12, 0, 0, 0, time.UTC) }
	var out []client.Event
	for i := range 20 {
		out = append(out, task(fmt.Sprint("task-", i), day(1+i)))
	}
	cost, err := event.ParseDecimal("19.990000000000000001")
	if err != nil {
		panic(err)
	}
	return append(
		out,
		client.Event{ID: "charge", Source: "tasks", Time: day(3), Data: &event.VendorSpend{Vendor: "v", Category: "agency", BilledCost: cost, Currency: "USD"}},
		client.Event{ID: "deal", Source: "tasks", Time: day(4), Data: &event.Pipeline{Deal: "d", Status: "won", Amount: &cost, Currency: "USD"}},
		client.Event{ID: "shown", Source: "tasks", Time: day(5), Data: &event.Conversion{Experiment: "e", Variant: "a", Exposures: new(uint64(10)), Conversions: new(uint64(3))}},
		client.Event{ID: "void", Source: "tasks", Time: day(6), Data: &event.Void{Source: "tasks", ID: "task-3"}},
		client.Event{
			ID: "fix", Source: "tasks", Time: day(7),
			Data: &event.Correct{Source: "tasks", ID: "task-4", Target: event.KindHoursSaved, Data: []byte(`{"workflow":"brief","team":"t","units":2,"doing_minutes":30}`)},
		},
	)
}

// deliver sends events and waits for what becomes of them: how many were loaded, were duplicates, were rejected.
func deliver(t *testing.T, s standalone.Server, events []client.Event) map[string]int {
	t.Helper()
	c := sender(t, s)
	answers, err := c.Send(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	var refs []client.Ref
	for i, a := range answers {
		if a.State != event.Accepted {
			t.Fatalf("answer %d is %+v", i, a)
		}
		refs = append(refs, client.Ref{Source: events[i].Source, ID: events[i].ID, Receipt: a.Receipt})
	}
	states := map[string]int{}
	waitFor(t, "the outcomes", func() bool {
		outcomes, err := c.Outcomes(t.Context(), refs)
		if err != nil {
			t.Fatal(err)
		}
		clear(states)
		for _, o := range outcomes {
			states[o.State]++
		}
		return states[client.Queued] == 0
	})
	return states
}

// account is everything that a backup must bring back, as texts, but for what says when it was computed.
func account(t *testing.T, s standalone.Server) map[string]string {
	t.Helper()
	out := map[string]string{}
	text := func(name string, v any) {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(raw)
	}
	d := get(t, s, "/scorecard?from=2026-10-01&to=2026-11-01")
	for key, measure := range d.at(t, "measures").(map[string]any) {
		m := maps.Clone(measure.(map[string]any))
		delete(m, "claim") // an address with the time of the answer
		text("measure "+key, m)
	}
	text("contributions", d.at(t, "contributions"))
	text("experiment", get(t, s, "/experiments/e?metric=").at(t, "variants"))
	text("workflow", get(t, s, "/registry/workflows/brief").value)
	text("rejects", get(t, s, "/rejects?from=2026-01-01").at(t, "rejects"))
	waitFor(t, "the audit log", func() bool {
		changes, _ := get(t, s, "/audit?action=registry.write").at(t, "entries").([]any)
		text("audit", changes)
		return len(changes) == 2 && !strings.Contains(out["audit"], `"begun"`)
	})
	return out
}

func compareAccounts(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s: %s:\n got %s\nwant %s", what, name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d parts, want %d", what, len(got), len(want))
	}
}

// writing sends tasks of September, one after the other, until it is stopped, and returns those that were acknowledged.
func writing(t *testing.T, s standalone.Server) (stop func() []client.Event) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := sender(t, s)
	var all sync.WaitGroup
	var sent []client.Event
	all.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			e := task(fmt.Sprint("september-", i), time.Date(2026, 9, 1+i%30, 8, 0, 0, 0, time.UTC))
			if answers, err := c.Send(context.WithoutCancel(ctx), []client.Event{e}); err != nil || answers[0].State != event.Accepted {
				t.Errorf("send while a backup is made: %v %v", answers, err)
				return
			}
			sent = append(sent, e)
		}
	})
	return func() []client.Event {
		cancel()
		all.Wait()
		return sent
	}
}

// TestBackupAndRestore copies an installation while it runs and takes events, and once more when it stands, and compares
// what is restored from either with what was there: text for text.
func TestBackupAndRestore(t *testing.T) {
	if testing.Short() {
		t.Skip("starts installations of its own")
	}
	root := t.TempDir()
	data := filepath.Join(root, "data")
	s, stop := embeddedInstallation(t, data)
	defer stop()
	put(t, s, "workflows/brief", `{"valid_from":"2026-01-01T00:00:00Z","name":"Brief","baseline":{"low":50,"mode":60,"high":70}}`)
	put(t, s, "experiments/e", `{"valid_from":"2026-01-01T00:00:00Z","design":"randomised","control":"a"}`)
	if got := deliver(t, s, october()); got[client.Loaded] != 25 {
		t.Fatalf("loaded: %v", got)
	}
	// Another event under a known id is refused by the loader.
	if got := deliver(t, s, []client.Event{task("task-0", time.Date(2026, 10, 29, 0, 0, 0, 0, time.UTC))}); got[client.Rejected] != 1 {
		t.Fatalf("a conflict: %v", got)
	}
	settle(t, s)
	want := account(t, s)

	stopWriting := writing(t, s)
	online := filepath.Join(root, "online.tar")
	report := backUp(t, s, data, online)
	sent := stopWriting()
	waitFor(t, "the entry of the backup", func() bool {
		made, _ := get(t, s, "/audit?action=installation.backup").at(t, "entries").([]any)
		return len(made) == 1
	})
	if !report.Online || report.Pause <= 0 || len(sent) == 0 {
		t.Errorf("a backup of a running installation, with %d events meanwhile: %+v", len(sent), report)
	}
	t.Logf("%d events were taken meanwhile; %+v", len(sent), report)
	settle(t, s)
	compareAccounts(t, "the installation itself", account(t, s), want)
	all := get(t, s, "/scorecard?from=2026-09-01&to=2026-10-01").text(t, "measures.hours_saved_net.value")
	stop()

	offline := filepath.Join(root, "offline.tar")
	if r := backUp(t, standalone.Server{}, data, offline); r.Online {
		t.Errorf("a backup of a standing installation: %+v", r)
	}
	t.Run("online", func(t *testing.T) { checkRestored(t, data, online, want, sent, all, false) })
	t.Run("offline", func(t *testing.T) { checkRestored(t, data, offline, want, sent, all, true) })
}

// backupReport is what plumbline backup --json says.
type backupReport struct {
	Online    bool    `json:"online"`
	Pause     float64 `json:"broker_pause_ms"`
	FileBytes int64   `json:"file_bytes"`
	Files     int     `json:"files"`
	Seconds   float64 `json:"seconds"`
}

func backUp(t *testing.T, s standalone.Server, data, file string) backupReport {
	t.Helper()
	code, out, errs := plumbline(t, s, "backup", "--json", "--data", data, file)
	if code != 0 {
		t.Fatalf("backup ended with %d: %s%s", code, out, errs)
	}
	var r backupReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || info.Size() != r.FileBytes {
		t.Errorf("%v, %v: want a file of %d bytes, mode 0600", info, err, r.FileBytes)
	}
	// Nothing of it stays in the data folder.
	if left, _ := filepath.Glob(filepath.Join(data, "clickhouse", "backups", "*")); len(left) > 0 {
		t.Errorf("the backup left %v", left)
	}
	if _, err := os.Stat(filepath.Join(data, "backup.staging")); err == nil {
		t.Error("the backup left its staging folder")
	}
	return r
}

// checkRestored restores an archive and compares. sent are events that may or may not be in it; all is what they come to.
func checkRestored(t *testing.T, data, archive string, want map[string]string, sent []client.Event, all string, complete bool) {
	restored := filepath.Join(t.TempDir(), "restored")
	if code, out, errs := plumbline(t, standalone.Server{}, "restore", "--data", restored, archive); code != 0 {
		t.Fatalf("restore ended with %d: %s%s", code, out, errs)
	}
	for _, name := range []string{"keys.json", "demo.json"} {
		was, err := os.ReadFile(filepath.Join(data, name))
		if err != nil {
			t.Fatal(err)
		}
		if is, err := os.ReadFile(filepath.Join(restored, name)); err != nil || !bytes.Equal(is, was) {
			t.Errorf("%s is another one: %v", name, err)
		}
	}
	s, stop := embeddedInstallation(t, restored)
	defer stop()
	settle(t, s)
	compareAccounts(t, "restored", account(t, s), want)
	september := func() string {
		return get(t, s, "/scorecard?from=2026-09-01&to=2026-10-01").text(t, "measures.hours_saved_net.value")
	}
	if complete && september() != all {
		t.Errorf("September has %s hours, want %s", september(), all)
	}
	// Old events are duplicates; those of September are, or are new.
	if got := deliver(t, s, october()); got[client.Duplicate] != 25 {
		t.Errorf("old events once more: %v", got)
	}
	for part := range slices.Chunk(sent, 500) {
		if got := deliver(t, s, part); got[client.Loaded]+got[client.Duplicate] != len(part) || complete && got[client.Loaded] > 0 {
			t.Errorf("events of the time of the backup once more: %v", got)
		}
	}
	settle(t, s)
	compareAccounts(t, "after old events", account(t, s), want)
	if got := september(); got != all {
		t.Errorf("September has %s hours, want %s", got, all)
	}
	// New events count, and rollups go on: 75 minutes are 1.25 hours.
	var before, after float64
	hours := func() float64 {
		return get(t, s, "/scorecard?from=2026-10-01&to=2026-11-01").number(t, "measures.hours_saved_net.value")
	}
	before = hours()
	if got := deliver(t, s, []client.Event{task("new", time.Date(2026, 10, 2, 9, 0, 0, 0, time.UTC))}); got[client.Loaded] != 1 {
		t.Errorf("a new event: %v", got)
	}
	settle(t, s)
	if after = hours(); after-before != 1.25 {
		t.Errorf("a new event of 1.25 hours made %v of %v", after, before)
	}
}

// TestBackupIsForTheAdministrator: it holds the keys. With engines of others there is nothing to copy.
func TestBackupIsForTheAdministrator(t *testing.T) {
	s := serve(t, nil)
	for token, want := range map[string]int{"": 401, s.WriteKey: 401, s.AdminToken + "x": 401, s.AdminToken: 409} {
		if status, body := request(t, "GET", s.URL+standalone.BackupPath, token, "", ""); status != want {
			t.Errorf("with %q: %d %s, want %d", token, status, body, want)
		}
	}
	file := filepath.Join(t.TempDir(), "b.tar")
	code, _, errs := plumbline(t, s, "backup", file)
	if code != 1 || !strings.Contains(errs, "with their own tools") {
		t.Errorf("backup with engines of others ended with %d: %s", code, errs)
	}
	if left, _ := filepath.Glob(file + "*"); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
}

// TestRestoreRefuses says why it does not restore, and leaves nothing behind.
func TestRestoreRefuses(t *testing.T) {
	root := t.TempDir()
	full := filepath.Join(root, "full")
	if err := os.MkdirAll(full, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(full, "notes.txt")
	if err := os.WriteFile(file, []byte("not a backup"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ data, file, want string }{
		{filepath.Join(root, "new"), file, "this is not a Plumbline backup"},
		{full, file, "the folder is not empty"},
		{filepath.Join(root, "new"), filepath.Join(root, "missing.tar"), "no such file"},
	} {
		code, _, errs := plumbline(t, standalone.Server{}, "restore", "--data", c.data, c.file)
		if code != 1 || !strings.Contains(errs, c.want) {
			t.Errorf("restore of %s ended with %d: %s; want %q", c.file, code, errs, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "new")); !os.IsNotExist(err) {
		t.Errorf("a refused restore left a folder: %v", err)
	}
	code, _, errs := plumbline(t, standalone.Server{}, "backup", "--data", full, filepath.Join(root, "b.tar"))
	if code != 1 || !strings.Contains(errs, "there is no installation") {
		t.Errorf("backup of nothing ended with %d: %s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(root, "b.tar.partial")); !os.IsNotExist(err) {
		t.Errorf("a failed backup left a file: %v", err)
	}
}
