package standalone_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRejectsAndReplay goes the way of an operator: a source sends what can not be taken, the list says why, a fix is tried,
// done, and done again, which changes nothing, neither in the totals nor in the list.
func TestRejectsAndReplay(t *testing.T) {
	s := serve(t, nil)
	send := func(body string) {
		t.Helper()
		if status, answer := request(t, http.MethodPost, s.URL+"/v1/events", s.WriteKey, "application/cloudevents-batch+json", body); status != http.StatusMultiStatus {
			t.Fatalf("%d %s", status, answer)
		}
	}
	bad := func(id, cost string) string {
		return `{"specversion":"1.0","id":"` + id + `","source":"billing","type":"plumbline.vendor_spend.v1","time":"2026-10-0` + id + `T12:00:00Z",` +
			`"data":{"vendor":"acme","category":"Agency","billed_cost":"` + cost + `","curency":"USD","invoice_date":"2026-10-0` + id + `"}}`
	}
	// 100.10 and 200.20 can not be taken, the first of them twice; 50 can.
	good := strings.NewReplacer("Agency", "agency", "curency", "currency").Replace(bad("3", "50.00"))
	send("[" + bad("1", "100.10") + "," + bad("2", "200.20") + "," + good + "]")
	send("[" + bad("1", "100.10") + "]")
	const card = "/scorecard?from=2026-10-01&to=2026-11-01&currency=USD"
	spend := func() string {
		t.Helper()
		settle(t, s)
		return get(t, s, card).text(t, "measures.vendor_spend.value")
	}
	if got := spend(); got != "50" {
		t.Fatalf("spend %s, want 50", got)
	}
	waitFor(t, "the rejects in the list", func() bool {
		return get(t, s, "/rejects/summary").text(t, "rejected.open") == "3"
	})
	summary := get(t, s, "/rejects/summary")
	// Each event once: 100.10 + 200.20 = 300.30, of no currency that can be read.
	if got := summary.text(t, "excluded.0.amount") + " " + summary.text(t, "excluded.0.currency") + " " + summary.text(t, "accepted"); got != "300.3 <nil> 1" {
		t.Errorf("excluded and accepted: %s", got)
	}
	code, out, errs := plumbline(t, s, "rejects", "--code", "unknown_field", "--since", "1h")
	if code != 0 || strings.Count(out, "did you mean currency?") != 3 || !strings.Contains(out, "collector: plumbline.vendor_spend.v1 2 of billing") {
		t.Fatalf("rejects ended with %d and said\n%s%s", code, out, errs)
	}
	id, _, _ := strings.Cut(out, " ")
	if code, out, errs = plumbline(t, s, "rejects", "show", id); code != 0 || !strings.Contains(out, `"curency":"USD"`) || !strings.Contains(out, "unknown_field at /data/curency") {
		t.Errorf("rejects show ended with %d and said\n%s%s", code, out, errs)
	}

	fix := filepath.Join(t.TempDir(), "fix.json")
	if err := os.WriteFile(fix, []byte(`{"operations":[{"op":"rename","path":"/data/curency","to":"/data/currency"},{"op":"translate","path":"/data/category","table":{"Agency":"agency"}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"replay", "--code", "unknown_field", "--fix", fix}
	for _, step := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"replay", "--code", "unknown_field"}, 0, "dry run: 3 rejected"},
		{args, 0, "dry run: 2 accepted, 1 unchanged"},
		{append(args, "--yes"), 0, "done: 2 accepted, 1 unchanged"},
	} {
		code, out, errs := plumbline(t, s, step.args...)
		if code != step.code || !strings.Contains(out, step.says) {
			t.Fatalf("%v ended with %d and said\n%s%s\nwant %q", step.args, code, out, errs, step.says)
		}
	}
	// 50 + 100.10 + 200.20 = 350.30.
	if got := spend(); got != "350.3" {
		t.Errorf("spend %s, want 350.3", got)
	}
	waitFor(t, "no open reject", func() bool { return get(t, s, "/rejects/summary").text(t, "rejected.open") == "0" })
	code, out, errs = plumbline(t, s, append(args, "--status", "replayed", "--yes")...)
	if code != 0 || !strings.Contains(out, "done: 3 unchanged") {
		t.Errorf("again: ended with %d and said\n%s%s", code, out, errs)
	}
	if got := spend(); got != "350.3" {
		t.Errorf("spend after the second replay %s, want 350.3", got)
	}
	if total := get(t, s, "/rejects/summary").text(t, "rejected.total"); total != "3" {
		t.Errorf("%s rejects, want the 3 of the source: a replay makes none", total)
	}
	if code, out, errs = plumbline(t, s, "rejects", "show", id); code != 0 || !strings.Contains(out, "by admin: accepted") && !strings.Contains(out, "by admin: unchanged") {
		t.Errorf("rejects show ended with %d and said\n%s%s", code, out, errs)
	}
}

// TestReplayUsage: what is typed wrong ends with 2 before anything is asked.
func TestReplayUsage(t *testing.T) {
	s := serve(t, nil)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"replay"}, 2, "choose what to replay"},
		{[]string{"replay", "--id", "x", "--code", "future"}, 2, "give one or the other"},
		{[]string{"replay", "--id", "x", "--fix", "nowhere.json"}, 2, "--fix:"},
		{[]string{"replay", "--id", "x", "--fix", `{"operations":[{"op":"set","path":"x"}]}`}, 2, "/operations/0/value: set needs value"},
		{[]string{"replay", "--since", "tomorrow"}, 2, "--since: write how long ago"},
		{[]string{"replay", "--id", "x", "--yes"}, 1, "not_replayable x"},
		{[]string{"rejects", "--limit", "0"}, 2, "--limit"},
		{[]string{"rejects", "--stage", "moon"}, 1, "use one of: collector, gate, loader"},
		{[]string{"rejects", "show", "nothing"}, 1, "There is no such reject"},
		{[]string{"rejects"}, 0, "no rejects"},
	} {
		code, out, errs := plumbline(t, s, c.args...)
		if said := strings.Join(strings.Fields(out+errs), " "); code != c.code || !strings.Contains(said, c.says) {
			t.Errorf("%v ended with %d and said\n%s%s\nwant %d and %q", c.args, code, out, errs, c.code, c.says)
		}
	}
}
