package scorecard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// now is a clock by which what the tests refuse is not too old to be kept.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// refuse puts rejects into their table, as the loader does.
func (b *bench) refuse(rejects ...warehouse.Reject) {
	b.t.Helper()
	for i := range rejects {
		r := &rejects[i]
		if r.Workspace == "" {
			r.Workspace = workspace
		}
		if r.At.IsZero() {
			r.At = b.cfg.Now().Add(-time.Hour + time.Duration(i)*time.Second)
		}
		if r.Stage == "" {
			r.Stage = warehouse.StageCollector
		}
		if r.ContentType == "" {
			r.ContentType = event.StructuredType
		}
		r.SchemaVersion = "v1"
	}
	if err := b.db.InsertRejects(b.t.Context(), rejects); err != nil {
		b.t.Fatal(err)
	}
}

// eventJSON is an event in CloudEvents JSON format.
func eventJSON(id, kind, data string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"/tests","type":"plumbline.%s.v1","time":"2026-11-01T09:00:00Z","data":%s}`, id, kind, data)
}

func TestRejectsAreListed(t *testing.T) {
	b := newBench(t, now())
	b.refuse(
		warehouse.Reject{
			RejectID: "a", Source: "/tests", ID: "1", Type: "plumbline.vendor_spend.v1", Code: "bad_value", Pointer: "/data/currency", Message: "write three letters",
			Raw: eventJSON("1", "vendor_spend", `{"billed_cost":"10.50","currency":"Euro"}`),
		},
		warehouse.Reject{RejectID: "b", Source: "/other", ID: "2", Type: "made.up", Code: "unknown_type", Stage: warehouse.StageGate, Raw: []byte{0xff, 0xfe}, ContentType: "text/plain"},
		warehouse.Reject{RejectID: "c", Workspace: "foreign", Code: "not_json"},
	)
	list := b.get("/api/v1/rejects?limit=1", "RejectList")
	list.at("rejects", 0, "id").is("b") // the latest first
	list.at("rejects", 0, "meaning").is("The CloudEvents type is none of ours.")
	next := b.get("/api/v1/rejects?limit=1&cursor="+list.at("next").text(), "RejectList")
	next.at("rejects", 0, "id").is("a")
	next.at("next").is("null")
	for query, want := range map[string]int{
		"": 2, "code=bad_value": 1, "source=%2Fother": 1, "stage=gate": 1, "type=made.up": 1, "event_id=1": 1, "q=THREE": 1, "status=open": 2, "status=replayed": 0,
		"from=" + url.QueryEscape(b.cfg.Now().Format(time.RFC3339)): 0, "to=" + b.cfg.Now().AddDate(0, 0, -2).Format(time.DateOnly): 0,
	} {
		if n := len(b.get("/api/v1/rejects?"+query, "RejectList").at("rejects").list()); n != want {
			t.Errorf("%s: %d rejects, want %d", query, n, want)
		}
	}
	one := b.get("/api/v1/rejects/a", "RejectDetail")
	one.at("raw", "text").is(string(eventJSON("1", "vendor_spend", `{"billed_cost":"10.50","currency":"Euro"}`)))
	one.at("replayable").is("true")
	other := b.get("/api/v1/rejects/b", "RejectDetail")
	other.at("raw", "base64").is("//4=")
	other.at("replayable").is("false")
	if res, _ := b.do("GET", "/api/v1/rejects/c", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("a reject of another workspace: %d", res.StatusCode)
	}
	summary := b.get("/api/v1/rejects/summary", "RejectSummary")
	summary.at("rejected", "open").is("2")
	summary.at("excluded", 0, "amount").is("10.5")
	summary.at("excluded", 0, "currency").is("null")
	// This period begins before the table of duplicates was made, so that they are known since then only.
	summary.at("duplicates", "value").is("0")
	if since := summary.at("duplicates", "since").text(); since <= summary.at("from").text() {
		t.Errorf("duplicates are known since %s, before anything was noted", since)
	}
}

// Duplicates are counted by source; where nothing is known of them no number stands, not even 0.
func TestDuplicatesAreCountedBySource(t *testing.T) {
	b := newBench(t, now().Add(2*time.Hour))
	b.refuse(warehouse.Reject{RejectID: "a", Source: "/refused", Code: "bad_value"})
	noted := make([]warehouse.Duplicate, 3)
	for i := range noted {
		noted[i] = warehouse.Duplicate{Workspace: workspace, Source: "/again", ReceivedAt: now().Add(time.Hour), KafkaOffset: uint64(i)}
	}
	if err := b.db.InsertDuplicates(t.Context(), noted); err != nil {
		t.Fatal(err)
	}
	s := b.as(access.RoleIC, "somebody").get("/api/v1/rejects/summary", "RejectSummary")
	s.at("duplicates", "value").is("3")
	s.at("duplicates", "reason").is("null")
	for i, want := range []struct{ source, duplicates string }{{"/refused", "0"}, {"/again", "3"}} {
		s.at("sources", i, "source").is(want.source)
		s.at("sources", i, "duplicates").is(want.duplicates)
	}
	from, to := now().AddDate(0, 0, -20), now().AddDate(0, 0, -10)
	b.refuse(warehouse.Reject{RejectID: "b", Source: "/old", Code: "bad_value", At: from.Add(time.Hour)})
	old := b.get("/api/v1/rejects/summary?from="+from.Format(time.DateOnly)+"&to="+to.Format(time.DateOnly), "RejectSummary")
	old.at("duplicates", "value").is("null")
	old.at("duplicates", "since").is("null")
	old.at("sources", 0, "duplicates").is("null")
	if reason := old.at("duplicates", "reason").text(); !strings.Contains(reason, "is not known") {
		t.Errorf("the reason is %q", reason)
	}
}

func TestRejectsRefuse(t *testing.T) {
	b := newBench(t, now())
	b.refuse(warehouse.Reject{RejectID: "a", Raw: []byte("secret"), Code: "not_json"})
	for query, pointer := range map[string]string{
		"?stage=nowhere": "/stage", "?status=lost": "/status", "?from=yesterday": "/from", "?colour=red": "/colour", "?limit=0": "/limit",
		"?cursor=%21": "/cursor", "?cursor=YQ": "/cursor", "?from=2026-11-02&to=2026-11-01": "/to", "/summary?from=x": "/from", "/summary?code=x": "/code",
		"?from=0001-01-01T00:00:00Z": "/from", "?q=" + strings.Repeat("x", 1025): "/q",
	} {
		res, raw := b.do("GET", "/api/v1/rejects"+query, "")
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%.60s: %d %s", query, res.StatusCode, raw)
			continue
		}
		b.hold(query, "Problem", raw).at("problems", 0, "pointer").is(pointer)
	}
	for body, pointer := range map[string]string{
		`{`: "/", `{"ids":[]}`: "/ids", `{"ids":["a"],"filter":{}}`: "/ids", `{"filter":{"colour":"x"}}`: "/colour", `{"filter":{},"limit":1001}`: "/limit",
		`{"ids":["a"],"fix":{"operations":[{"op":"set","path":"x","value":1}]}}`: "/fix/operations/0/path", `{"filter":{},"cursor":"!"}`: "/cursor",
		`{"ids":["a"],"colour":1}`: "/", `{"ids":["` + strings.Repeat(`a","`, 1000) + `a"]}`: "/ids",
	} {
		res, raw := b.do("POST", "/api/v1/rejects/replay", body)
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%.60s: %d %s", body, res.StatusCode, raw)
			continue
		}
		b.hold(body, "Problem", raw).at("problems", 0, "pointer").is(strings.TrimSuffix(pointer, "/"))
	}
	// Who may see what.
	for role, want := range map[access.Role][4]int{
		access.RoleIC: {200, 403, 403, 403}, access.RoleLeader: {200, 403, 403, 403}, access.RoleAnalyst: {200, 200, 200, 403}, access.RoleAdmin: {200, 200, 200, 200},
	} {
		as := b.as(role, "")
		var got [4]int
		for i, path := range []string{"/summary", "", "/a"} {
			res, _ := as.do("GET", "/api/v1/rejects"+path, "")
			got[i] = res.StatusCode
		}
		res, _ := as.do("POST", "/api/v1/rejects/replay", `{"ids":["a"]}`, "Sec-Fetch-Site", "same-origin")
		if got[3] = res.StatusCode; got != want {
			t.Errorf("%s: %v, want %v", role, got, want)
		}
	}
	analyst := b.as(access.RoleAnalyst, "").get("/api/v1/rejects/a", "RejectDetail")
	if raw, err := json.Marshal(analyst.value); err != nil || strings.Contains(string(raw), "secret") {
		t.Errorf("an analyst sees the bytes: %s %v", raw, err)
	}
}

// Of a source that is not among those with the most a count is not known, and not 0; where all are listed it is 0.
func TestCountsOfSourcesBeyondTheList(t *testing.T) {
	t.Parallel()
	accepted := warehouse.Arrivals{Sources: []warehouse.SourceCount{{Source: "a", Accepted: 3, Late: 1}}, Cut: true}
	refused := []warehouse.SourceCount{{Source: "b", Rejected: 2, Open: 1}}
	show := func(n *uint64) string {
		if n == nil {
			return "?"
		}
		return fmt.Sprint(*n)
	}
	var got []string
	for _, s := range bySource(accepted, refused, false, warehouse.Repetitions{}) {
		got = append(got, fmt.Sprintln(s.Source, show(s.Accepted), show(s.Late), show(s.Rejected), show(s.Open), show(s.Duplicates)))
	}
	if want := []string{"b ? ? 2 1 ?\n", "a 3 1 0 0 ?\n"}; !slices.Equal(got, want) {
		t.Errorf("sources %q, want %q", got, want)
	}
}
