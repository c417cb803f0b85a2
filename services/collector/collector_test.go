package collector_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

func TestThreeModes(t *testing.T) {
	s := serve(t, config(t))
	a := s.post(t, structured+"; charset=UTF-8", one("s", map[string]any{"subject": "post 9", "campaign": "spring"}))
	if a.Status != http.StatusAccepted || a.Accepted != 1 || a.Answers[0].State != event.Accepted || a.Answers[0].ID != "s" {
		t.Errorf("structured: %d %s", a.Status, a.Body)
	}
	receipts := map[string]string{"s": a.Answers[0].Receipt}
	a = s.post(t, batched, batch(one("b1", nil), one("b2", nil)))
	if a.Status != http.StatusAccepted || a.Accepted != 2 || a.Answers[0].ID != "b1" || a.Answers[1].ID != "b2" {
		t.Errorf("batch: %d %s", a.Status, a.Body)
	}
	receipts["b1"], receipts["b2"] = a.Answers[0].Receipt, a.Answers[1].Receipt
	// The attributes are percent-encoded, one is quoted.
	a = s.do(t, http.MethodPost, "/v1/events", `{"workflow":"blog-post","doing_minutes":30}`, map[string]string{
		"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "Z%C3%BCrich%20100%25", "ce-source": "/tests",
		"ce-type": "plumbline.hours_saved.v1", "ce-time": "2026-11-01T09:30:00Z", "ce-subject": `"a \"b\""`, "ce-campaign": "spring",
	})
	if a.Status != http.StatusAccepted || a.Answers[0].ID != "Zürich 100%" {
		t.Fatalf("binary: %d %s", a.Status, a.Body)
	}
	receipts["Zürich 100%"] = a.Answers[0].Receipt
	events := stored(t, s.cfg.Bus, 4)
	for id, receipt := range receipts {
		if got := events[id].Receipt.String(); got != receipt {
			t.Errorf("%s is at %s, its answer says %s", id, got, receipt)
		}
		if events[id].Workspace != "default" || events[id].Data.Shared().Workflow != "blog-post" {
			t.Errorf("%s: %+v", id, events[id])
		}
	}
	if e := events["Zürich 100%"]; e.Subject != `a "b"` || e.Extensions["campaign"] != "spring" {
		t.Errorf("binary: subject %q, extensions %v", e.Subject, e.Extensions)
	}
	if e := events["s"]; e.Subject != "post 9" || e.Extensions["campaign"] != "spring" {
		t.Errorf("structured: subject %q, extensions %v", e.Subject, e.Extensions)
	}
}

func TestEmptyBatchAndGzip(t *testing.T) {
	s := serve(t, config(t))
	if a := s.post(t, batched, " [ ] "); a.Status != http.StatusAccepted || !strings.Contains(a.Body, `"answers":[]`) {
		t.Errorf("empty batch: %d %s", a.Status, a.Body)
	}
	pack := func(body string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(body))
		_ = z.Close()
		return b.String()
	}
	header := map[string]string{"Content-Type": batched, "Content-Encoding": "gzip"}
	if a := s.do(t, http.MethodPost, "/v1/events", pack(batch(many(100)...)), header); a.Status != http.StatusAccepted || a.Accepted != 100 {
		t.Errorf("packed: %d %.200s", a.Status, a.Body)
	}
	// 5 MiB of spaces pack into 5 KB: the limit is that of the unpacked.
	if a := s.do(t, http.MethodPost, "/v1/events", pack(strings.Repeat(" ", 5<<20)), header); a.Status != http.StatusRequestEntityTooLarge || a.Limit != 4<<20 {
		t.Errorf("a bomb: %d %.200s", a.Status, a.Body)
	}
	if a := s.do(t, http.MethodPost, "/v1/events", "[]", header); a.Status != http.StatusBadRequest {
		t.Errorf("not gzip: %d %s", a.Status, a.Body)
	}
	header["Content-Encoding"] = "br"
	if a := s.do(t, http.MethodPost, "/v1/events", "[]", header); a.Status != http.StatusUnsupportedMediaType {
		t.Errorf("brotli: %d %s", a.Status, a.Body)
	}
	stored(t, s.cfg.Bus, 100)
}

// One bad event among 999 good ones costs nothing but itself, wherever it stands and whatever is wrong with it.
func TestOneBadAmong999(t *testing.T) {
	s := serve(t, config(t))
	events := many(1000)
	events[500] = `{"specversion":"1.0","id":"bad","source":"/tests","nonsense":tru}`
	a := s.post(t, batched, batch(events...))
	if a.Status != http.StatusMultiStatus || a.Accepted != 999 || a.Rejected != 1 || len(a.Answers) != 1000 {
		t.Fatalf("%d %.300s", a.Status, a.Body)
	}
	for i, got := range a.Answers {
		if i == 500 {
			if got.State != event.Rejected || got.Code != event.CodeNotJSON {
				t.Errorf("the bad one: %+v", got)
			}
			continue
		}
		if got.State != event.Accepted || got.ID != fmt.Sprint("e", i) || got.Receipt == "" {
			t.Fatalf("answer %d: %+v", i, got)
		}
	}
	if got := stored(t, s.cfg.Bus, 999); len(got) != 999 {
		t.Errorf("%d distinct events on the topic", len(got))
	}
	for _, r := range kept(t, s.cfg.Bus, 1) {
		if string(r.Raw) != events[500] || r.Code != "not_json" || r.Stage != "collector" || r.Workspace != "default" || !r.At.Equal(now()) {
			t.Errorf("kept %+v with raw %q", r, r.Raw)
		}
	}
}

// Each is refused by itself with a code and a pointer, and kept with its bytes.
func TestBadEvents(t *testing.T) {
	s := serve(t, config(t))
	long := strings.Repeat("x", 300<<10)
	cases := []struct {
		id      string
		changes map[string]any
		code    event.Code
		pointer string
	}{
		{"wrong-type", map[string]any{"data": map[string]any{"doing_minutes": "30"}}, event.CodeWrongType, "/data/doing_minutes"},
		{"unknown-field", map[string]any{"data": map[string]any{"doing_minuts": 30}}, event.CodeUnknownField, "/data/doing_minuts"},
		{"unknown-kind", map[string]any{"type": "plumbline.hours_saves.v1"}, event.CodeUnknownType, "/type"},
		{"no-time", map[string]any{"time": nil}, event.CodeMissingTime, "/time"},
		{"far-future", map[string]any{"time": "2026-11-25T12:00:01Z"}, event.CodeFuture, "/time"},
		{"far-past", map[string]any{"time": "1999-12-31T23:59:59Z"}, event.CodeTooOld, "/time"},
		{"too-large", map[string]any{"data": map[string]any{"doing_minutes": 1, "url": "https://x.example/" + long}}, event.CodeTooLarge, ""},
	}
	var events []string
	for _, c := range cases {
		events = append(events, one(c.id, c.changes))
	}
	a := s.post(t, batched, batch(events...))
	if a.Status != http.StatusMultiStatus || a.Rejected != len(cases) {
		t.Fatalf("%d %.500s", a.Status, a.Body)
	}
	rejects := kept(t, s.cfg.Bus, len(cases))
	for i, c := range cases {
		got := a.Answers[i]
		if got.State != event.Rejected || got.Code != c.code || got.Pointer != c.pointer || got.Message == "" {
			t.Errorf("%s: %+v; want %s at %s", c.id, got, c.code, c.pointer)
		}
		r := rejects[c.id] // that of the one which is too large, too
		typ := "plumbline.hours_saved.v1"
		if c.code == event.CodeUnknownType {
			typ = "plumbline.hours_saves.v1"
		}
		if r.Source != "/tests" || r.Type != typ || r.SchemaVersion == "" {
			t.Errorf("%s: kept as a %s of %q, schema version %q", c.id, r.Type, r.Source, r.SchemaVersion)
		}
		want := events[i][:min(len(events[i]), event.MaxSize)]
		if r.Code != string(c.code) || r.Pointer != c.pointer || string(r.Raw) != want || r.ContentType != structured {
			t.Errorf("%s: kept with %s at %s, %d bytes of %s", c.id, r.Code, r.Pointer, len(r.Raw), r.ContentType)
		}
	}
}

// Requests that are refused as a whole.
func TestBadRequests(t *testing.T) {
	s := serve(t, config(t))
	good := one("good", nil)
	for _, c := range []struct {
		name   string
		body   string
		header map[string]string
		status int
		code   string
	}{
		{"not JSON", "hello", map[string]string{"Content-Type": structured}, 400, "not_json"},
		{"nothing", "", map[string]string{"Content-Type": structured}, 400, "not_json"},
		{"batch that is no array", good, map[string]string{"Content-Type": batched}, 400, "not_json"},
		{"batch without an end", "[" + good, map[string]string{"Content-Type": batched}, 400, "not_json"},
		{"wrong content type", good, map[string]string{"Content-Type": "text/plain"}, 415, "unsupported_type"},
		{"no content type", good, map[string]string{"Content-Type": ""}, 415, "unsupported_type"},
		{"JSON without attributes", good, map[string]string{"Content-Type": "application/json"}, 415, "unsupported_type"},
		{"another charset", good, map[string]string{"Content-Type": structured + "; charset=latin1"}, 415, "unsupported_type"},
		{"5 MiB", strings.Repeat(" ", 5<<20), map[string]string{"Content-Type": batched}, 413, "too_large"},
		{"1,001 events", batch(many(1001)...), map[string]string{"Content-Type": batched}, 413, "too_many_events"},
		{"no key", good, map[string]string{"Content-Type": structured, "Authorization": ""}, 401, "no_key"},
		{"key in another scheme", good, map[string]string{"Content-Type": structured, "Authorization": "Basic the-key"}, 401, "no_key"},
		{"wrong key", good, map[string]string{"Content-Type": structured, "Authorization": "Bearer the-kez"}, 403, "wrong_key"},
	} {
		a := s.do(t, http.MethodPost, "/v1/events", c.body, c.header)
		if a.Status != c.status || a.Code != c.code || a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s %.200s; want %d %s", c.name, a.Status, a.Header.Get("Content-Type"), a.Body, c.status, c.code)
		}
		if c.code == "too_large" && a.Limit != 4<<20 || c.code == "too_many_events" && a.LimitEvents != 1000 {
			t.Errorf("%s: the limit is not named: %s", c.name, a.Body)
		}
		if c.status == 401 && a.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no WWW-Authenticate", c.name)
		}
	}
	stored(t, s.cfg.Bus, 0)
	// What came with a key and could not be read is kept: the first four bodies.
	raw := map[string]bool{}
	for _, m := range topic(t, s.cfg.Bus, bus.Rejected, 4) {
		var r warehouse.Reject
		if err := json.Unmarshal(m.Value, &r); err != nil || r.Code != "not_json" {
			t.Errorf("kept %s, %v", m.Value, err)
		}
		raw[string(r.Raw)] = true
	}
	for _, body := range []string{"hello", "", good, "[" + good} {
		if !raw[body] {
			t.Errorf("the body %q is not kept", body)
		}
	}
}

// A body of unknown length is not read beyond the limit.
func TestChunkedBodyOverTheLimit(t *testing.T) {
	s := serve(t, config(t))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/events", io.MultiReader(strings.NewReader(strings.Repeat(" ", 4<<20)), strings.NewReader("x")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer the-key")
	req.Header.Set("Content-Type", batched)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d; want 413", res.StatusCode)
	}
}

func TestDuplicatesInOneRequest(t *testing.T) {
	s := serve(t, config(t))
	a := s.post(t, batched, batch(
		one("x", nil),
		one("y", nil),
		one("x", map[string]any{"extra": "1"}), // extensions are not part of what an event says
		one("x", map[string]any{"time": "2026-11-01T09:30:01Z"}),
		one("x", map[string]any{"source": "/others"}),
	))
	var states []string
	for _, got := range a.Answers {
		states = append(states, string(got.State)+" "+string(got.Code))
	}
	want := "accepted , accepted , duplicate , rejected id_conflict, accepted "
	if got := strings.Join(states, ", "); got != want || a.Status != http.StatusMultiStatus || a.Accepted != 3 || a.Duplicates != 1 || a.Rejected != 1 {
		t.Errorf("got %q, %d; want %q", got, a.Status, want)
	}
	if a := s.post(t, batched, batch(one("z", nil), one("z", nil))); a.Status != http.StatusAccepted || a.Duplicates != 1 {
		t.Errorf("only duplicates: %d %s", a.Status, a.Body)
	}
	if r := kept(t, s.cfg.Bus, 1)["x"]; r.Code != "id_conflict" || !strings.Contains(string(r.Raw), "09:30:01") {
		t.Errorf("kept %+v", r)
	}
	stored(t, s.cfg.Bus, 4)
}

// A key that is bound to sources may neither write others nor amend their events.
func TestKeyBoundToSources(t *testing.T) {
	cfg := config(t)
	key, text, err := access.NewKey("crm", "sales", "/crm/*")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Keys = []access.Key{key}
	s := serve(t, cfg)
	void := func(id, target string) string {
		return one(id, map[string]any{"source": "/crm/a", "type": "plumbline.void.v1", "data": map[string]any{"source": target, "id": "t"}})
	}
	a := s.do(t, http.MethodPost, "/v1/events", batch(
		one("own", map[string]any{"source": "/crm/a"}), one("foreign", nil), void("v1", "/crm/b"), void("v2", "/tests"),
	), map[string]string{"Content-Type": batched, "Authorization": "Bearer " + text})
	if a.Accepted != 2 || a.Answers[1].Code != event.CodeForbiddenSource || a.Answers[1].Pointer != "/source" ||
		a.Answers[3].Code != event.CodeForbiddenSource || a.Answers[3].Pointer != "/data/source" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	for id, e := range stored(t, cfg.Bus, 2) {
		if e.Workspace != "sales" {
			t.Errorf("%s is in workspace %s", id, e.Workspace)
		}
	}
}

// A rejected event of the binary mode is kept in a form that can be sent again.
func TestBinaryRejectCanBeSentAgain(t *testing.T) {
	s := serve(t, config(t))
	a := s.do(t, http.MethodPost, "/v1/events", ` {"doing_minuts": 3.50}`, map[string]string{
		"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "b", "ce-source": "/tests",
		"ce-type": "plumbline.hours_saved.v1", "ce-time": "2026-11-01T09:30:00Z",
	})
	if a.Status != http.StatusMultiStatus || a.Answers[0].Code != event.CodeUnknownField {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	r := kept(t, s.cfg.Bus, 1)["b"]
	if r.ContentType != structured || !strings.HasSuffix(string(r.Raw), `"data": {"doing_minuts": 3.50}}`) {
		t.Errorf("kept %s: %s", r.ContentType, r.Raw)
	}
	fixed := strings.Replace(string(r.Raw), "minuts", "minutes", 1)
	if a := s.post(t, r.ContentType, fixed); a.Status != http.StatusAccepted {
		t.Errorf("fixed and sent again: %d %s", a.Status, a.Body)
	}
}

// One whose data is no JSON has no structured form: it is kept as a message, with its attributes.
func TestBinaryRejectKeepsDataThatIsNoJSON(t *testing.T) {
	s := serve(t, config(t))
	s.do(t, http.MethodPost, "/v1/events", `{"doing_minutes":`, map[string]string{
		"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "b", "ce-source": "/tests",
		"ce-type": "plumbline.hours_saved.v1", "ce-time": "2026-11-01T09:30:00Z",
	})
	r := kept(t, s.cfg.Bus, 1)["b"]
	m, err := event.DecodeRawMessage(r.Raw)
	if err != nil || r.ContentType != event.RawMessageType {
		t.Fatalf("kept as %s: %v", r.ContentType, err)
	}
	if string(m.Value) != `{"doing_minutes":` || m.Header(event.HeaderID) != "b" || m.Header(event.HeaderContent) != "application/json" {
		t.Errorf("kept %+v", m)
	}
	if _, problems := event.NewParser(now).Message(m); len(problems) != 1 || problems[0].Code != event.Code(r.Code) || problems[0].Pointer != r.Pointer {
		t.Errorf("read again: %v, kept with %s at %s", problems, r.Code, r.Pointer)
	}
}
