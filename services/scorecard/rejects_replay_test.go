package scorecard

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/event/eventtest"
	"plumbline/pkg/warehouse"
)

// topic reads everything of a topic.
func (b *bench) topic(name bus.Name) []kafka.Message {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	var mu sync.Mutex
	var got []kafka.Message
	err := bus.Consume(ctx, b.cfg.Bus, bus.ConsumeConfig{
		Group: fmt.Sprintf("reader-%d", time.Now().UnixNano()), Topic: name, Session: 6 * time.Second,
		Idle: func(int, int64, time.Time) { cancel() }, // everything of the only partition was read
	}, func(_ context.Context, c bus.Chunk) error {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, c.Messages...)
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

// loaded are the events of the topic; their identities are stored as the loader stores them.
func (b *bench) loaded() []event.Stored {
	b.t.Helper()
	var out []event.Stored
	for _, m := range b.topic(bus.Events) {
		s, err := event.FromMessage(m.Partition, m.Offset, m.Time, m.Key, bus.Headers(&m), m.Value)
		if err != nil {
			b.t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := b.db.InsertIdentities(b.t.Context(), out); err != nil {
		b.t.Fatal(err)
	}
	return out
}

// replay sends a replay and returns the report.
func (b *bench) replay(body string) node {
	b.t.Helper()
	res, raw := b.do("POST", "/api/v1/rejects/replay", body)
	if res.StatusCode != 200 {
		b.t.Fatalf("%s: %d %s", body, res.StatusCode, raw)
	}
	return b.hold("replay", "ReplayReport", raw)
}

// states are the results as "id state code", in their order.
func states(report node) []string {
	var out []string
	for i := range report.at("results").list() {
		r := report.at("results", i)
		out = append(out, strings.TrimSuffix(strings.Join([]string{r.at("id").text(), r.at("state").text(), r.at("code").text()}, " "), " null"))
	}
	return out
}

func (n node) listed(want ...string) {
	n.t.Helper()
	if got := states(n); !slices.Equal(got, want) {
		n.t.Errorf("results\n got %q\nwant %q", got, want)
	}
}

// refusedMessage is a message as the loader keeps it.
func (b *bench) refusedMessage(e event.Event) []byte {
	b.t.Helper()
	e.Workspace = workspace
	sealed, err := eventtest.NewSealer([]byte(secretText)).Seal(e)
	if err != nil {
		b.t.Fatal(err)
	}
	raw, err := event.NewRawMessage(sealed.Message()).Encode()
	if err != nil {
		b.t.Fatal(err)
	}
	return raw
}

// A dry run says what a replay does and does nothing; the replay does it; the same replay again changes nothing.
func TestReplay(t *testing.T) {
	b := newBench(t, now())
	bad := eventJSON("1", "vendor_spend", `{"vendor":"acme","category":"Agency","billed_cost":"10.50","curency":"EUR","invoice_date":"2026-11-01","person":"Ann@Example.com"}`)
	b.refuse(
		warehouse.Reject{RejectID: "r1", Source: "/tests", ID: "1", Type: "plumbline.vendor_spend.v1", Code: "unknown_field", Pointer: "/data/curency", Raw: bad},
		warehouse.Reject{RejectID: "r2", Source: "/tests", ID: "1", Type: "plumbline.vendor_spend.v1", Code: "unknown_field", Pointer: "/data/curency", Raw: bad},
		warehouse.Reject{RejectID: "r3", Code: "not_json", Raw: []byte(`{"id":`)},
		warehouse.Reject{RejectID: "r4", Source: "/tests", ID: "4", Code: "forbidden_source", Raw: eventJSON("4", "training", `{"course":"c"}`)},
		warehouse.Reject{RejectID: "r5", Code: "not_json", ContentType: "application/cloudevents-batch+json", Raw: []byte(`[`)},
		warehouse.Reject{RejectID: "r6", Source: "/tests", ID: "6", Code: "missing_field", Raw: eventJSON("6", "training", `{}`)},
	)
	fix := `"fix":{"operations":[{"op":"rename","path":"/data/curency","to":"/data/currency"},{"op":"translate","path":"/data/category","table":{"Agency":"agency"}}]}`
	want := []string{"r1 accepted", "r2 unchanged", "r3 rejected not_json", "r4 not_replayable", "r5 not_replayable", "r6 rejected missing_field"}
	dry := b.replay(`{"filter":{"status":"open"},` + fix + `}`)
	dry.listed(want...)
	dry.at("dry_run").is("true")
	dry.at("results", 0, "receipt").is("null")
	dry.at("results", 0, "fixed").is("true")
	dry.at("results", 5, "pointer").is("/data/course")
	if n := len(b.topic(bus.Events)) + len(b.topic(bus.Rejected)); n != 0 {
		t.Fatalf("the dry run has written %d messages", n)
	}
	done := b.replay(`{"filter":{"status":"open"},"dry_run":false,` + fix + `}`)
	done.listed(want...)
	done.at("totals", "accepted").is("1")
	done.at("totals", "not_replayable").is("2")
	stored := b.loaded()
	if len(stored) != 1 || stored[0].ID != "1" || stored[0].Workspace != workspace || done.at("results", 0, "receipt").text() != stored[0].Receipt.String() {
		t.Fatalf("stored %+v, receipt %s", stored, done.at("results", 0, "receipt").text())
	}
	spend, ok := stored[0].Data.(*event.VendorSpend)
	if !ok || spend.Currency != "EUR" || spend.Category != "agency" || spend.Person != event.NewSealer([]byte(secretText)).Person(workspace, "ann@example.com") {
		t.Errorf("stored %+v", stored[0].Data)
	}
	// One record for each that was tried, and no reject.
	var records []warehouse.Replay
	for _, m := range b.topic(bus.Rejected) {
		var r warehouse.Replay
		if err := json.Unmarshal(m.Value, &r); err != nil || r.ReplayID == "" || r.By != "admin" || !strings.Contains(r.Fix, "curency") {
			t.Errorf("record %s: %v", m.Value, err)
		}
		records = append(records, r)
	}
	if len(records) != 4 { // r1, r2, r3 and r6
		t.Errorf("%d records: %+v", len(records), records)
	}
	if err := b.db.InsertReplays(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	again := b.replay(`{"ids":["r1","r2","r6"],"dry_run":false,` + fix + `}`)
	again.listed("r1 unchanged", "r2 unchanged", "r6 rejected missing_field")
	if n := len(b.topic(bus.Events)); n != 1 {
		t.Errorf("the second replay has written %d events", n-1)
	}
	b.get("/api/v1/rejects/r1", "RejectDetail").at("status").is("replayed")
	b.get("/api/v1/rejects?status=open&code=unknown_field", "RejectList").at("rejects").is("[]")
	b.replay(`{"filter":{"status":"open"},` + fix + `}`).listed(want[2:]...)
	// By its code, or by its id, also what the key was not allowed to send.
	b.replay(`{"filter":{"code":"forbidden_source"}}`).listed("r4 accepted")
	b.replay(`{"ids":["r4","nothing"]}`).listed("r4 accepted", "nothing not_replayable")
	// In pages, oldest first.
	page := b.replay(`{"filter":{},"limit":2}`)
	page.listed("r1 rejected unknown_field", "r2 rejected unknown_field")
	b.replay(`{"filter":{},"limit":2,"cursor":"`+page.at("next").text()+`"}`).listed("r3 rejected not_json", "r4 not_replayable")
}

// What the loader has refused is sealed already: it is written back as it was, and a fix hashes nobody twice.
func TestReplayOfTheLoadersRejects(t *testing.T) {
	b := newBench(t, now())
	sealer := event.NewSealer([]byte(secretText))
	training := event.Event{Source: "/tests", ID: "1", Kind: event.KindTraining, Time: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC), Data: &event.Training{Course: "c", Common: event.Common{Person: "ann@example.com"}}}
	pulse := training
	pulse.ID, pulse.Kind, pulse.Data = "2", event.KindPulse, &event.Pulse{Wave: "w1", Role: "ic", ROIProvable: "yes", Common: event.Common{Person: "ann@example.com"}}
	other := training
	other.Data = &event.Training{Course: "other"}
	b.refuse(
		warehouse.Reject{RejectID: "events-0-1-1", Stage: warehouse.StageLoader, Code: "wrong_partition", ContentType: event.RawMessageType, Raw: b.refusedMessage(training)},
		warehouse.Reject{RejectID: "events-0-2-2", Stage: warehouse.StageLoader, Code: "id_conflict", ContentType: event.RawMessageType, Raw: b.refusedMessage(other)},
		warehouse.Reject{RejectID: "events-0-3-3", Stage: warehouse.StageLoader, Code: "too_old", ContentType: event.RawMessageType, Raw: b.refusedMessage(pulse)},
		warehouse.Reject{RejectID: "events-0-4-4", Stage: warehouse.StageLoader, Code: "undecodable", ContentType: event.RawMessageType, Raw: []byte(`{"key":null,"headers":[],"value":"/w=="}`)},
		warehouse.Reject{RejectID: "registry-0-5-5", Stage: warehouse.StageLoader, Code: "undecodable", ContentType: event.RawMessageType, Raw: []byte(`{}`)},
	)
	conflict := "events-0-2-2 rejected id_conflict"
	rest := []string{"events-0-4-4 not_replayable", "registry-0-5-5 not_replayable"}
	b.replay(`{"filter":{"code":"wrong_partition"},"dry_run":false}`).listed("events-0-1-1 accepted")
	stored := b.loaded()
	sealed, err := sealer.Seal(event.Event{Workspace: workspace, Source: "/tests", ID: "1", Kind: training.Kind, Time: training.Time, Data: training.Data})
	if err != nil {
		t.Fatal(err)
	}
	if len(stored) != 1 || stored[0].Payload != sealed.Payload || stored[0].Data.Shared().Person != sealer.Person(workspace, "ann@example.com") {
		t.Fatalf("written back %+v, want payload %x", stored, sealed.Payload)
	}
	b.replay(`{"filter":{}}`).listed(append([]string{"events-0-1-1 unchanged", conflict, "events-0-3-3 rejected too_old"}, rest...)...)
	// A new id makes the conflict an event of its own; who is in it stays who it was.
	report := b.replay(`{"ids":["events-0-1-1","events-0-2-2"],"dry_run":false,"fix":{"operations":[{"op":"set","path":"/id","value":"new"},{"op":"default","path":"/data/person","value":"Bob@Example.com"}]}}`)
	report.listed("events-0-1-1 accepted", "events-0-2-2 rejected id_conflict")
	if stored = b.loaded(); len(stored) != 2 || stored[1].ID != "new" || stored[1].Data.Shared().Person != sealer.Person(workspace, "ann@example.com") {
		t.Errorf("stored %+v", stored)
	}
	report = b.replay(`{"ids":["events-0-2-2"],"dry_run":false,"fix":{"operations":[{"op":"set","path":"/id","value":"newer"},{"op":"set","path":"/data/person","value":"Bob@Example.com"}]}}`)
	report.listed("events-0-2-2 accepted")
	if stored = b.loaded(); len(stored) != 3 || stored[2].Data.Shared().Person != sealer.Person(workspace, "bob@example.com") {
		t.Errorf("stored %+v", stored)
	}
	// Days that are closed stay closed: only another time makes it another matter.
	b.replay(`{"ids":["events-0-3-3"],"fix":{"operations":[{"op":"set","path":"/time","value":"2026-11-20T09:00:00Z"}]}}`).listed("events-0-3-3 accepted")
	b.replay(`{"ids":["events-0-3-3"],"fix":{"operations":[{"op":"set","path":"/data/wave","value":"w2"}]}}`).listed("events-0-3-3 rejected inconsistent")
}

// What came through the inbox names its workspace itself, and amendments are judged by their targets.
func TestReplayOfTheGatesRejects(t *testing.T) {
	b := newBench(t, now())
	with := func(id, workspace string) []byte {
		return []byte(strings.Replace(string(eventJSON(id, "training", `{"course":"c","x":1}`)), `"data"`, `"workspace":"`+workspace+`","data"`, 1))
	}
	binary, err := event.RawBinary(map[string]string{
		"specversion": "1.0", "id": "3", "source": "/tests", "type": "plumbline.training.v1", "time": "2026-11-01T09:00:00Z", "workspace": workspace, "datacontenttype": "application/json",
	}, []byte(`{"course":`)).Encode()
	if err != nil {
		t.Fatal(err)
	}
	b.refuse(
		warehouse.Reject{RejectID: "g1", Stage: warehouse.StageGate, Code: "unknown_field", Raw: with("1", workspace)},
		warehouse.Reject{RejectID: "g2", Stage: warehouse.StageGate, Code: "unknown_workspace", Raw: with("2", "elsewhere")},
		warehouse.Reject{RejectID: "g3", Stage: warehouse.StageGate, Code: "not_json", ContentType: event.RawMessageType, Raw: binary},
		warehouse.Reject{RejectID: "g4", Code: "bad_target", Raw: eventJSON("4", "void", `{"source":"/tests","id":"5"}`)},
	)
	fix := `"fix":{"operations":[{"op":"remove","path":"/data/x"}]}`
	b.replay(`{"filter":{},`+fix+`}`).listed("g1 accepted", "g2 rejected unknown_workspace", "g3 rejected not_json", "g4 accepted")
	fix = `"fix":{"operations":[{"op":"remove","path":"/data/x"},{"op":"set","path":"/workspace","value":"default"},{"op":"default","path":"/data","value":{"course":"d"}}]}`
	b.replay(`{"filter":{"stage":"gate"},"dry_run":false,`+fix+`}`).listed("g1 accepted", "g2 accepted", "g3 accepted")
	for _, s := range b.loaded() {
		if s.Workspace != workspace || s.Extensions[event.ExtensionWorkspace] != "" {
			t.Errorf("stored %+v", s)
		}
	}
	// The target of the void turns out to be a void itself.
	void := b.maker.Stored(t, workspace, "/tests", "5", time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC), &event.Void{Source: "s", ID: "x"})
	if err := b.db.InsertIdentities(t.Context(), []event.Stored{void}); err != nil {
		t.Fatal(err)
	}
	b.replay(`{"ids":["g4"]}`).listed("g4 rejected bad_target")
}
