package collector_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

func TestSchemas(t *testing.T) {
	s := serve(t, config(t))
	a := s.do(t, http.MethodGet, "/v1/schemas", "", map[string]string{"Authorization": ""})
	for _, k := range event.Catalogue() {
		if !strings.Contains(a.Body, `"type":"`+k.Kind.Type()+`"`) {
			t.Errorf("the list lacks %s: %s", k.Kind, a.Body)
		}
		one := s.do(t, http.MethodGet, "/v1/schemas/"+string(k.Kind), "", map[string]string{"Authorization": ""})
		if one.Status != http.StatusOK || one.Header.Get("Content-Type") != "application/schema+json" || !json.Valid([]byte(one.Body)) {
			t.Errorf("%s: %d %s", k.Kind, one.Status, one.Header)
		}
		same := s.do(t, http.MethodGet, "/v1/schemas/"+string(k.Kind), "", map[string]string{"If-None-Match": one.Header.Get("ETag")})
		if same.Status != http.StatusNotModified || same.Body != "" {
			t.Errorf("%s again: %d", k.Kind, same.Status)
		}
	}
	if a := s.do(t, http.MethodGet, "/v1/schemas/envelope", "", nil); a.Status != http.StatusOK {
		t.Errorf("envelope: %d", a.Status)
	}
	if a := s.do(t, http.MethodGet, "/v1/schemas/..%2Fopenapi", "", nil); a.Status != http.StatusNotFound || a.Code == "" {
		t.Errorf("unknown: %d %s", a.Status, a.Body)
	}
}

// tracked serves a collector with a warehouse, where of three accepted events one is loaded, one refused and one
// queued: the loader is played by inserting what it would. The events are named so.
func tracked(t *testing.T, keys ...access.Key) (*served, map[string]event.Stored) {
	t.Helper()
	cfg := config(t)
	cfg.Keys = keys
	cfg.Warehouse.DSN = embeddedtest.Database(t)
	db, err := warehouse.Open(t.Context(), cfg.Warehouse)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := serve(t, cfg)
	a := s.post(t, batched, batch(one("loaded", nil), one("queued", nil), one("refused", nil)))
	if a.Accepted != 3 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	events := stored(t, cfg.Bus, 3)
	if err := db.InsertIdentities(t.Context(), []event.Stored{events["loaded"]}); err != nil {
		t.Fatal(err)
	}
	r := events["refused"].Receipt
	if err := db.InsertRejects(t.Context(), []warehouse.Reject{{
		Workspace: "default", RejectID: "1", At: time.Now(), Stage: warehouse.StageLoader, Source: "/tests", ID: "refused",
		Code: "too_old", Message: "send it earlier", KafkaPartition: uint16(r.Partition), KafkaOffset: uint64(r.Offset),
	}}); err != nil {
		t.Fatal(err)
	}
	return s, events
}

// Where one event is.
func TestOutcome(t *testing.T) {
	s, events := tracked(t)
	get := func(query string) answer { return s.do(t, http.MethodGet, "/v1/events?"+query, "", nil) }
	if a := get("source=/tests&id=loaded"); a.Status != http.StatusOK || !strings.Contains(a.Body, `"state":"loaded"`) {
		t.Errorf("loaded: %d %s", a.Status, a.Body)
	}
	if a := get("source=/tests&id=refused"); !strings.Contains(a.Body, `"state":"rejected","code":"too_old"`) {
		t.Errorf("refused: %d %s", a.Status, a.Body)
	}
	receipt := events["queued"].Receipt.String()
	if a := get("source=/tests&id=queued"); a.Status != http.StatusOK || !strings.Contains(a.Body, `"receipt":"`+receipt+`","state":"queued"`) {
		t.Errorf("queued, without its receipt: %d %s", a.Status, a.Body)
	}
	if a := get("source=/tests&id=never"); a.Status != http.StatusNotFound || a.Code != "unknown_event" || !strings.Contains(a.Body, `"state":"unknown"`) {
		t.Errorf("never sent: %d %s", a.Status, a.Body)
	}
	if a := get("source=/tests&id=queued&receipt=" + events["queued"].Receipt.String()); !strings.Contains(a.Body, `"state":"queued"`) {
		t.Errorf("queued: %d %s", a.Status, a.Body)
	}
	for _, query := range []string{"", "source=/tests", "source=/tests&id=x&receipt=nonsense"} {
		if a := get(query); a.Status != http.StatusBadRequest || a.Code == "" {
			t.Errorf("%q: %d %s", query, a.Status, a.Body)
		}
	}
}

// What was refused before and is sent again in a better form is queued, and its rejects are told all the same; what the
// loader has refused is not, though it stands in the part of the log that is not reported as processed yet.
func TestOutcomeAfterRejects(t *testing.T) {
	s, events := tracked(t)
	db, err := warehouse.Open(t.Context(), s.cfg.Warehouse)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	now := time.Now().UTC().Truncate(time.Second)
	reject := func(id string, at time.Time) warehouse.Reject {
		return warehouse.Reject{
			Workspace: "default", RejectID: id, At: at, Stage: warehouse.StageCollector, Source: "/tests", ID: "queued",
			Code: "missing_time", Pointer: "/time", Message: "give the time " + id,
		}
	}
	if err := db.InsertRejects(t.Context(), []warehouse.Reject{reject("first", now.Add(-time.Hour)), reject("second", now), reject("second", now)}); err != nil {
		t.Fatal(err)
	}
	var got struct {
		State   string
		Receipt string
		Rejects []struct {
			ID string `json:"reject_id"`
			At time.Time
		}
	}
	a := s.do(t, http.MethodGet, "/v1/events?source=/tests&id=queued", "", nil)
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		t.Fatal(err)
	}
	if got.State != "queued" || got.Receipt != events["queued"].Receipt.String() || len(got.Rejects) != 2 ||
		got.Rejects[0].ID != "second" || !got.Rejects[0].At.Equal(now) || got.Rejects[1].ID != "first" {
		t.Errorf("%s", a.Body)
	}
	// The loader has refused it at its place in the log.
	a = s.do(t, http.MethodPost, "/v1/events/outcomes", `[{"source":"/tests","id":"refused"},{"source":"/tests","id":"queued"},{"source":"/tests","id":"never"}]`, nil)
	for _, want := range []string{`"id":"refused","state":"rejected","code":"too_old"`, `"id":"queued","receipt":"`, `"id":"never","state":"unknown"`} {
		if !strings.Contains(a.Body, want) {
			t.Errorf("%s is not in %s", want, a.Body)
		}
	}
}

// Where a stored event stands, whether it is voided or corrected, and from when on the numbers hold it.
func TestWhereabouts(t *testing.T) {
	s, events := tracked(t)
	db, err := warehouse.Open(t.Context(), s.cfg.Warehouse)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	loaded := events["loaded"]
	amends := func(id string, minutes int, data event.Data) event.Stored {
		data.Normalise()
		return event.Stored{
			Event:      event.Event{Workspace: "default", Source: "/fix", ID: id, Kind: data.Kind(), Time: loaded.Time.Add(time.Duration(minutes) * time.Minute), Data: data},
			Identity:   event.IdentityOf("default", "/fix", id),
			ReceivedAt: loaded.ReceivedAt.Add(time.Duration(minutes) * time.Minute),
		}
	}
	correction := func(id string, minutes int) event.Stored {
		return amends(id, minutes, &event.Correct{Source: "/tests", ID: "loaded", Target: event.KindHoursSaved, Data: []byte(`{"doing_minutes":10}`)})
	}
	if err := errors.Join(
		db.InsertRaw(t.Context(), event.KindHoursSaved, []event.Stored{loaded}),
		db.InsertRaw(t.Context(), event.KindCorrect, []event.Stored{correction("c2", 20), correction("c1", 10)}),
	); err != nil {
		t.Fatal(err)
	}
	// complete claims, in place of the loader, that everything received up to then is rolled.
	complete := func(minutes int) {
		t.Helper()
		at := loaded.ReceivedAt.Add(time.Duration(minutes)*time.Minute + time.Second)
		var rows []warehouse.Progress
		for p := range uint16(s.cfg.Bus.Partitions) {
			for _, stream := range []string{warehouse.StreamEvents, warehouse.StreamMarks} {
				through := at
				if stream == warehouse.StreamMarks {
					through = at.Add(2 * time.Second)
				}
				rows = append(rows, warehouse.Progress{Stream: stream, Partition: p, Partitions: uint16(s.cfg.Bus.Partitions), NextOffset: 100, Through: through, RecordedAt: at})
			}
		}
		if err := db.InsertProgress(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, want ...string) {
		t.Helper()
		a := s.do(t, http.MethodGet, "/v1/events?source=/tests&id=loaded", "", nil)
		for _, w := range append(want, `"state":"loaded"`, `"receipt":"`+loaded.Receipt.String()+`"`, `"kind":"hours_saved"`, `"time":"2026-11-01T09:30:00Z"`, `"received_at":"`) {
			if !strings.Contains(a.Body, w) {
				t.Errorf("%s: %s is not in %s", what, w, a.Body)
			}
		}
	}
	check("nothing is complete", `"in_numbers":false`, `"correction":{"source":"/fix","id":"c2"`)
	complete(15)
	check("the last correction is not rolled", `"in_numbers":false`)
	complete(25)
	check("all is rolled", `"in_numbers":true`, `"complete_through":"`)
	if err := db.InsertRaw(t.Context(), event.KindVoid, []event.Stored{amends("v", 30, &event.Void{Source: "/tests", ID: "loaded"})}); err != nil {
		t.Fatal(err)
	}
	complete(35)
	check("voided", `"in_numbers":false`, `"void":{"source":"/fix","id":"v"`)
}

// Where many events are, in the order asked.
func TestOutcomes(t *testing.T) {
	s, events := tracked(t)
	var refs []map[string]string
	for _, id := range []string{"refused", "queued", "loaded"} {
		refs = append(refs, map[string]string{"source": "/tests", "id": id, "receipt": events[id].Receipt.String()})
	}
	body, err := json.Marshal(refs)
	if err != nil {
		t.Fatal(err)
	}
	a := s.do(t, http.MethodPost, "/v1/events/outcomes", string(body), nil)
	var got struct {
		Outcomes []struct{ ID, State, Code, Receipt string }
	}
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || len(got.Outcomes) != 3 {
		t.Fatalf("%d %s, %v", a.Status, a.Body, err)
	}
	for i, want := range []string{"rejected too_old", "queued ", "loaded "} {
		if o := got.Outcomes[i]; o.State+" "+o.Code != want || o.ID != refs[i]["id"] || o.Receipt != refs[i]["receipt"] {
			t.Errorf("outcome %d: %+v; want %s of %s", i, o, want, refs[i]["id"])
		}
	}
	if a := s.do(t, http.MethodPost, "/v1/events/outcomes", "{}", nil); a.Status != http.StatusBadRequest {
		t.Errorf("no array: %d %s", a.Status, a.Body)
	}
	tooMany := "[" + strings.Repeat(`{"source":"a","id":"b"},`, 1000) + `{"source":"a","id":"b"}]`
	if a := s.do(t, http.MethodPost, "/v1/events/outcomes", tooMany, nil); a.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("1,001: %d %s", a.Status, a.Body)
	}
}

// The intake does not need the warehouse; only who asks for outcomes is told to come again.
func TestWarehouseAway(t *testing.T) {
	cfg := config(t)
	cfg.Warehouse.DSN = "clickhouse://nobody@127.0.0.1:1/none?dial_timeout=1s"
	s := serve(t, cfg)
	if a := s.post(t, structured, one("a", nil)); a.Status != http.StatusAccepted {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	a := s.do(t, http.MethodGet, "/v1/events?source=/tests&id=a", "", nil)
	if a.Status != http.StatusServiceUnavailable || a.Code != "warehouse_away" || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}
