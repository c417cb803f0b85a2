package warehouse_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

func TestRejectsAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	db := open(t)
	start := time.Now().UTC().Truncate(time.Millisecond).Add(-time.Hour) // rejects live for 30 days
	var rejects []warehouse.Reject
	for i := range 10 {
		rejects = append(rejects, warehouse.Reject{
			Workspace: "w", RejectID: fmt.Sprint("r", i), At: start.Add(time.Duration(i/2) * time.Second), Stage: warehouse.StageCollector,
			Source: "s", ID: fmt.Sprint("e", i), Type: "plumbline.training.v1", Code: "missing_time", Pointer: "/time", Message: fmt.Sprint("give the Time ", i), Raw: []byte{0xff},
		})
	}
	rejects[3].Code, rejects[4].Stage, rejects[5].Source, rejects[6].Type = "too_old", "loader", "other", "x"
	rejects[7].Workspace, rejects[8].Workspace = "", "foreign"
	err := errors.Join(db.InsertRejects(t.Context(), rejects), db.InsertRejects(t.Context(), rejects))
	if err != nil {
		t.Fatal(err)
	}
	list := func(f warehouse.RejectFilter, limit int, oldest bool) []string {
		t.Helper()
		f.Workspace = "w"
		var out []string
		page := warehouse.RejectPage{Limit: limit, Oldest: oldest}
		for {
			rows, err := db.Rejects(t.Context(), f, page)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				out = append(out, r.RejectID)
			}
			if len(rows) < limit {
				return out
			}
			last := rows[len(rows)-1]
			page.After = &warehouse.RejectPlace{At: last.At, ID: last.RejectID}
		}
	}
	for name, c := range map[string]struct {
		filter warehouse.RejectFilter
		limit  int
		oldest bool
		want   []string
	}{
		"all, latest first":      {warehouse.RejectFilter{}, 3, false, []string{"r9", "r6", "r5", "r4", "r3", "r2", "r1", "r0"}},
		"all, oldest first":      {warehouse.RejectFilter{}, 2, true, []string{"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r9"}},
		"with those of nobody":   {warehouse.RejectFilter{Unattributed: true}, 100, true, []string{"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r9"}},
		"of a code":              {warehouse.RejectFilter{Code: "too_old"}, 5, true, []string{"r3"}},
		"of a stage":             {warehouse.RejectFilter{Stage: "loader"}, 5, true, []string{"r4"}},
		"of a source":            {warehouse.RejectFilter{Source: "other"}, 5, true, []string{"r5"}},
		"of a type":              {warehouse.RejectFilter{Type: "x"}, 5, true, []string{"r6"}},
		"of an event":            {warehouse.RejectFilter{EventID: "e2"}, 5, true, []string{"r2"}},
		"by id":                  {warehouse.RejectFilter{IDs: []string{"r1", "r8", "r0"}}, 5, true, []string{"r0", "r1"}},
		"with a text":            {warehouse.RejectFilter{Text: "time 1"}, 5, true, []string{"r1"}},
		"with what would be SQL": {warehouse.RejectFilter{Text: "' OR 1=1 --", Source: "\\"}, 5, true, nil},
		// Two of a second: 0 and 1 at start, 2 and 3 one second later.
		"of a time": {warehouse.RejectFilter{From: start.Add(time.Second), To: start.Add(2 * time.Second)}, 5, true, []string{"r2", "r3"}},
		"replayed":  {warehouse.RejectFilter{Status: warehouse.RejectReplayed}, 5, true, nil},
	} {
		if got := list(c.filter, c.limit, c.oldest); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	rows, err := db.Rejects(t.Context(), warehouse.RejectFilter{Workspace: "w", IDs: []string{"r2"}}, warehouse.RejectPage{Limit: 1, Raw: true})
	if err != nil {
		t.Fatal(err)
	}
	want := rejects[2]
	got := rows[0].Reject
	if rows[0].Status != warehouse.RejectOpen || !slices.Equal(got.Raw, want.Raw) || !got.At.Equal(want.At) || got.Message != want.Message {
		t.Errorf("got %+v, want %+v", rows[0], want)
	}
}

// A reject is open until its event is counted: by a replay, or because its source has sent it again, better.
func TestRejectStatusAndAmounts(t *testing.T) {
	t.Parallel()
	db := open(t)
	maker := warehousetest.NewMaker()
	at := time.Now().UTC().Truncate(time.Millisecond)
	reject := func(id, event, code, kind, contentType, raw string) warehouse.Reject {
		return warehouse.Reject{
			Workspace: "w", RejectID: id, At: at, Stage: warehouse.StageCollector, Source: "s", ID: event, Code: code,
			Type: "plumbline." + kind + ".v1", ContentType: contentType, Raw: []byte(raw),
		}
	}
	message, err := event.NewRawMessage(nil, nil, []byte(`{"billed_cost":"2.50","currency":"EUR"}`)).Encode()
	if err != nil {
		t.Fatal(err)
	}
	rejects := []warehouse.Reject{
		reject("sent again", "a", "missing_time", "vendor_spend", event.StructuredType, `{"data":{"billed_cost":"1000.00","currency":"EUR"}}`),
		reject("replayed", "b", "bad_value", "vendor_spend", event.StructuredType, `{"data":{"billed_cost":"1000.00","currency":"EUR"}}`),
		reject("conflict", "a", "id_conflict", "vendor_spend", event.RawMessageType, string(message)),
		reject("number", "c", "wrong_type", "vendor_spend", event.StructuredType, `{"data":{"billed_cost":100.25,"currency":"EUR"}}`),
		reject("broken", "d", "not_json", "vendor_spend", event.StructuredType, `{"data":{"billed_cost":"9`),
		reject("no currency", "e", "missing_field", "pipeline", event.StructuredType, `{"data":{"amount":"7","currency":"Euro"}}`),
		reject("deal", "f", "missing_field", "pipeline", event.StructuredType, `{"data":{"amount":"0.000000000000000001","currency":"USD"}}`),
		reject("conversions", "g", "bad_value", "conversion", event.StructuredType, `{"data":{"value":"many","currency":"USD"}}`),
		reject("no money", "h", "bad_value", "training", event.StructuredType, `{"data":{"hours":3}}`),
	}
	earlier := reject("number before", "c", "wrong_type", "vendor_spend", event.StructuredType, `{"data":{"billed_cost":99,"currency":"EUR"}}`)
	earlier.At = at.Add(-time.Minute)
	stored := maker.Stored(t, "w", "s", "a", at.Add(-48*time.Hour), &event.Training{Course: "c"})
	stored.ReceivedAt = at
	onTime := maker.Stored(t, "w", "s2", "b2", at.Add(-23*time.Hour), &event.Training{Course: "c"})
	onTime.ReceivedAt = at
	err = errors.Join(
		db.InsertRejects(t.Context(), append(rejects, earlier)), db.InsertIdentities(t.Context(), []event.Stored{stored}),
		db.InsertRaw(t.Context(), event.KindTraining, []event.Stored{stored, onTime, stored}),
		db.InsertReplays(t.Context(), []warehouse.Replay{
			{Workspace: "w", RejectID: "replayed", ReplayID: "1", At: at, State: warehouse.ReplayAccepted},
			{Workspace: "w", RejectID: "number", ReplayID: "2", At: at, State: warehouse.ReplayRejected},
			{Workspace: "other", RejectID: "deal", ReplayID: "3", At: at, State: warehouse.ReplayAccepted},
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	all := warehouse.RejectFilter{Workspace: "w"}
	rows, err := db.Rejects(t.Context(), all, warehouse.RejectPage{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	status := map[string]string{}
	for _, r := range rows {
		status[r.RejectID] = r.Status
	}
	for id, want := range map[string]string{"sent again": "resent", "replayed": "replayed", "conflict": "open", "number": "open", "deal": "open"} {
		if status[id] != want {
			t.Errorf("%s is %s, want %s", id, status[id], want)
		}
	}
	amounts, err := db.ExcludedAmounts(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range amounts {
		got = append(got, fmt.Sprintf("%s %q %d %d %s", a.Type[10:], a.Currency, a.Events, a.Unknown, a.Amount))
	}
	// Euro: the conflict 2.50, and of the number the last 100.25; the one that is broken says neither amount nor currency.
	want := []string{
		`conversion.v1 "USD" 1 1 0`, `pipeline.v1 "" 1 0 7`, `pipeline.v1 "USD" 1 0 0.000000000000000001`,
		`vendor_spend.v1 "" 1 1 0`, `vendor_spend.v1 "EUR" 2 0 102.75`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("amounts\n got %q\nwant %q", got, want)
	}
	counts, err := db.RejectCounts(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]uint64{}
	for _, c := range counts {
		n[c.Status] += c.N
	}
	if n["open"] != 8 || n["resent"] != 1 || n["replayed"] != 1 {
		t.Errorf("counts %v, want 8 open, 1 resent, 1 replayed", n)
	}
	bySource, cut, err := db.RejectsBySource(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	if want := (warehouse.SourceCount{Source: "s", Rejected: 10, Open: 8}); len(bySource) != 1 || bySource[0] != want || cut {
		t.Errorf("by source %+v, want %+v", bySource, want)
	}
	accepted, err := db.Arrivals(t.Context(), "w", at.Add(-time.Second), at.Add(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if want := []warehouse.SourceCount{{Source: "s", Accepted: 1, Late: 1}, {Source: "s2", Accepted: 1}}; !slices.Equal(accepted.Sources, want) || accepted.Accepted != 2 || accepted.Late != 1 {
		t.Errorf("accepted %+v, want %+v", accepted, want)
	}
}
