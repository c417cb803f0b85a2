package collector_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

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
func tracked(t *testing.T) (*served, map[string]event.Stored) {
	t.Helper()
	cfg := config(t)
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
	if a := get("source=/tests&id=queued"); a.Status != http.StatusNotFound || a.Code != "unknown_event" {
		t.Errorf("queued, without its receipt: %d %s", a.Status, a.Body)
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
