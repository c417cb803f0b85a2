package collector_test

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/connections"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/services/collector"
)

// connect writes a connection as a scorecard does.
func connect(t *testing.T, cfg collector.Config, workspace, key, value string) {
	t.Helper()
	at := now().Add(-time.Hour)
	r := registry.Record{
		Workspace: workspace, Kind: registry.Connections, Key: key, EntryID: fmt.Sprint(key, "-", len(value)), Value: []byte(value),
		ValidFrom: at, RecordedAt: at,
	}
	k, v, err := r.Message()
	if err != nil {
		t.Fatal(err)
	}
	if err := bus.Ensure(t.Context(), cfg.Bus); err != nil {
		t.Fatal(err)
	}
	p := bus.NewProducer(cfg.Bus, bus.Registry)
	defer func() { _ = p.Close() }()
	if _, err := p.Produce(t.Context(), []bus.Message{{Key: k, Value: v}}); err != nil {
		t.Fatal(err)
	}
}

// calling sends calls as an SDK does: the key is the user name.
func (s *served) calling(t *testing.T, path, body string, header map[string]string) answer {
	t.Helper()
	all := map[string]string{"Content-Type": "application/json", "Authorization": basic("the-key")}
	maps.Copy(all, header)
	var a answer
	eventually(t, "the connections are read", func() bool {
		a = s.do(t, http.MethodPost, path, body, all)
		return a.Status != http.StatusServiceUnavailable
	})
	return a
}

func basic(key string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(key+":")) }

func track(id, name, properties string) string {
	return fmt.Sprintf(`{"type":"track","event":%q,"messageId":%q,"userId":"ann@example.com","timestamp":"2026-11-24T11:00:00.000Z","properties":%s}`,
		name, id, properties)
}

const arm = `{"experiment_id":"checkout","variation_id":"b"}`

// A batch of an SDK: what is mapped is counted, once however often it comes; what is not known is kept; the rest is said.
func TestSegmentBatch(t *testing.T) {
	s := serve(t, config(t))
	calls := []string{
		track("m1", "Order Completed", `{"experiment_id":"checkout","variation_id":"b","revenue":27.50,"currency":"EUR"}`),
		track("m2", "Experiment Viewed", arm),
		track("m3", "Order Completed", `{"experiment_id":"checkout","variation_id":"b","revenue":27.50}`),
		track("m4", "Something Else", arm),
		track("m5", "Order Completed", `{"experiment_id":"checkout","variation_id":"b","revenue":{"a":1},"currency":"EUR"}`),
		track("m6", "Signed Up", `{"experiment_id":"checkout","variation_id":"b","pad":"`+strings.Repeat("x", collector.MaxCall)+`"}`),
		`{"type":"identify","messageId":"m7","userId":"ann@example.com","traits":{"email":"ann@example.com"}}`,
		`{"type":"nonsense","messageId":"m8"}`,
		`[1]`,
		`{"type":"track","event":"Signed Up","event":"Twice"}`,
		track("m1", "Order Completed", `{"experiment_id":"checkout","variation_id":"b","revenue":27.50,"currency":"EUR"}`),
		strings.Replace(track("m9", "Signed Up", arm), "2026-11-24T11:00:00.000Z", "yesterday", 1),
	}
	body := `{"batch":` + batch(calls...) + `,"sentAt":"2026-11-24T12:00:03Z","writeKey":"ignored"}`
	for range 2 {
		a := s.calling(t, "/v1/batch", body, nil)
		if a.Status != http.StatusOK || !strings.Contains(a.Body, `"success":true`) || !strings.Contains(a.Body, `"not_counted":1`) {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		var got []string
		for _, one := range a.Answers {
			got = append(got, fmt.Sprint(one.ID, " ", one.State, " ", one.Code, " ", one.Pointer))
		}
		want := []string{
			"m1 accepted  ", "m2 accepted  ", "m3 rejected missing_field /properties/currency", "m4 rejected unknown_event /event",
			"m5 rejected wrong_type /properties/revenue", " rejected too_large ", "m8 rejected bad_value /type", " rejected wrong_type ",
			" rejected duplicate_field /event", "m1 duplicate  ", "m9 rejected bad_value /timestamp",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	// Twice the same: the log has both, and the loader takes one.
	events := stored(t, s.cfg.Bus, 4)
	d, ok := events["m1"].Data.(*event.Conversion)
	if !ok || d.Value.Canonical() != "27.5" || d.Currency != "EUR" || d.Person == "ann@example.com" || !event.IsPseudonym(d.Person) {
		t.Errorf("%+v", events["m1"].Data)
	}
	if e := events["m1"]; e.Source != "/segment/default" || !e.Time.Equal(time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", e)
	}
	for id, r := range kept(t, s.cfg.Bus, 16) {
		if r.Workspace != "default" || r.Source != "/segment/default" || len(r.Raw) == 0 {
			t.Errorf("%s is kept as %+v", id, r)
		}
		if id == "m4" && (r.Type != "segment.track" || r.ContentType != structured || r.Pointer != "/data/event") {
			t.Errorf("the unknown name is kept as %+v", r)
		}
	}
	if m := s.do(t, http.MethodGet, "/metrics", "", nil).Body; !strings.Contains(m, `plumbline_collector_calls_not_counted_total{reason="type",via="segment"} 2`) {
		t.Error("what is not counted is not said in the metrics")
	}
}

// A call that was refused becomes an event when it is mapped, and only then.
func TestMappedLater(t *testing.T) {
	cfg := config(t)
	s := serve(t, cfg)
	if a := s.calling(t, "/v1/track", track("m1", "Lead Won", `{"course":"c"}`), nil); a.Status != http.StatusBadRequest || a.Code != "unknown_event" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	raw := kept(t, cfg.Bus, 1)["m1"].Raw
	arrival, ok := connections.Decode(raw)
	if !ok {
		t.Fatalf("%s is no call", raw)
	}
	value := `{"via":"segment","events":[{"event":"Lead Won","kind":"training","fields":{"course":{"column":"properties.course"},"person":{"column":"userId"}}}]}`
	parser := event.NewParser(now)
	if _, problems := connections.Again(parser, registry.NewSnapshot(nil), arrival, now()); len(problems) != 1 || problems[0].Code != event.CodeUnknownEvent {
		t.Errorf("before it is mapped: %v", problems)
	}
	snapshot := registry.NewSnapshot([]registry.Record{{
		Workspace: "default", Kind: registry.Connections, Key: "default", EntryID: "1", Value: []byte(value), ValidFrom: now(), RecordedAt: now(),
	}})
	e, problems := connections.Again(parser, snapshot, arrival, now())
	if len(problems) > 0 || e.ID != "m1" || e.Source != "/segment/default" || e.Kind != event.KindTraining || e.Time.Hour() != 11 {
		t.Errorf("%+v %v", e, problems)
	}
	connect(t, cfg, "default", "default", value)
	eventually(t, "the collector follows the registry", func() bool {
		return s.calling(t, "/v1/track", track("m2", "Lead Won", `{"course":"c"}`), nil).Status == http.StatusOK
	})
}

// The time of a call is told by our clock, to the minute, so that the same call has the same time when it is sent again.
func TestSkew(t *testing.T) {
	s := serve(t, config(t)) // it is 12:00:00
	for i, test := range []struct{ original, sent, want string }{
		{"2026-11-24T11:00:00.250Z", "2026-11-24T11:59:58Z", "2026-11-24T11:00:00.25Z"}, // the way, and no skew
		{"2026-11-24T13:00:00Z", "2026-11-24T14:00:01Z", "2026-11-24T11:00:00Z"},        // two hours fast: 12:00 − (14:00 − 13:00)
		{"2026-11-24T13:00:00Z", "2026-11-24T14:00:20Z", "2026-11-24T11:00:00Z"},        // the same, sent again
		{"2026-11-24T10:00:00Z", "2026-11-24T10:30:00Z", "2026-11-24T11:30:00Z"},        // an hour and a half slow
		{"2026-11-24T11:00:00Z", "", "2026-11-24T11:00:00Z"},
		{"", "2026-11-24T14:00:00Z", "2026-11-24T12:00:00Z"}, // it says nothing, so it is when it came
	} {
		id := fmt.Sprint("s", i)
		raw := track(id, "Experiment Viewed", arm)
		raw = strings.Replace(raw, `"timestamp":"2026-11-24T11:00:00.000Z",`, "", 1)
		if test.original != "" {
			raw = strings.Replace(raw, `{`, `{"timestamp":"`+test.original+`",`, 1)
		}
		body := `{"batch":[` + raw + `]`
		if test.sent != "" {
			body += `,"sentAt":"` + test.sent + `"`
		}
		if a := s.calling(t, "/v1/batch", body+"}", nil); a.Status != http.StatusOK || a.Accepted != 1 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	events := stored(t, s.cfg.Bus, 6)
	for i, want := range []string{"11:00:00.25", "11:00:00", "11:00:00", "11:30:00", "11:00:00", "12:00:00"} {
		if got := events[fmt.Sprint("s", i)].Time.Format("15:04:05.999"); got != want {
			t.Errorf("call %d happened at %s, want %s", i, got, want)
		}
	}
}

// Requests that are wrong as a whole: what an SDK must not send again is 400, and nobody without a key comes in.
func TestSegmentRefusals(t *testing.T) {
	cfg := config(t)
	office := newOffice(t, cfg)
	_, shop := office.issue("shop", now(), func(r *access.Record) { r.Sources = []string{"/segment/shop"} })
	_, other := office.issue("other", now(), func(r *access.Record) { r.Sources = []string{"/billing"} })
	_, both := office.issue("both", now(), func(r *access.Record) { r.Sources = []string{"/segment/a", "/segment/b"} })
	_, pulse := office.issue("kind", now(), func(r *access.Record) { r.Sources, r.Kinds = []string{"/segment/*"}, []string{"training"} })
	connect(t, cfg, "default", "closed", `{"via":"segment","active":false}`)
	_, closed := office.issue("closed", now(), func(r *access.Record) { r.Sources = []string{"/segment/closed"} })
	s := serve(t, cfg)
	packed := func(n int) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(`{"batch":[`))
		_, _ = z.Write(bytes.Repeat([]byte(" "), n))
		_, _ = z.Write([]byte(track("z", "Experiment Viewed", arm) + `]}`))
		_ = z.Close()
		return b.String()
	}
	gzipped := map[string]string{"Content-Encoding": "gzip"}
	one := track("one", "Experiment Viewed", arm)
	for _, test := range []struct {
		name, path, body string
		header           map[string]string
		status           int
		code             string
	}{
		{"no key", "/v1/track", one, map[string]string{"Authorization": ""}, 401, "no_key"},
		{"an empty user", "/v1/track", one, map[string]string{"Authorization": basic("")}, 401, "no_key"},
		{"an unknown key", "/v1/track", one, map[string]string{"Authorization": basic("other-key")}, 403, "wrong_key"},
		{"a key of another source", "/v1/track", one, map[string]string{"Authorization": basic(other)}, 403, "forbidden_source"},
		{"a key of two connections", "/v1/track", one, map[string]string{"Authorization": basic(both)}, 403, "forbidden_source"},
		{"a key of another kind", "/v1/track", one, map[string]string{"Authorization": basic(pulse)}, 400, "forbidden_kind"},
		{"an inactive connection", "/v1/track", one, map[string]string{"Authorization": basic(closed)}, 403, "connection_inactive"},
		{"its own key", "/v1/track", one, map[string]string{"Authorization": basic(shop)}, 200, ""},
		{"a bearer", "/v1/track", one, map[string]string{"Authorization": "Bearer the-key"}, 200, ""},
		{"no JSON", "/v1/track", "track", nil, 400, "not_json"},
		{"no batch", "/v1/batch", "{}", nil, 400, "not_json"},
		{"a broken batch", "/v1/batch", `{"batch":[{]}`, nil, 400, "not_json"},
		{"a large call", "/v1/track", track("l", "Signed Up", `{"x":"`+strings.Repeat("x", 40<<10)+`"}`), nil, 400, "too_large"},
		{"a large batch", "/v1/batch", `{"batch":[` + strings.Repeat(" ", 500<<10) + `]}`, nil, 400, "too_large"},
		{"many calls", "/v1/batch", `{"batch":[{}` + strings.Repeat(",{}", 2500) + `]}`, nil, 400, "too_many_events"},
		{"packed", "/v1/batch", packed(0), gzipped, 200, ""},
		{"a bomb", "/v1/batch", packed(64 << 20), gzipped, 400, "too_large"},
		{"not packed", "/v1/batch", `{"batch":[]}`, gzipped, 400, "unreadable"},
		{"another packing", "/v1/batch", `{"batch":[]}`, map[string]string{"Content-Encoding": "br"}, 415, "unsupported_encoding"},
		{"a page", "/v1/page", `{"name":"Home"}`, nil, 200, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := s.calling(t, test.path, test.body, test.header)
			if a.Status != test.status || a.Code != test.code {
				t.Errorf("%d %.300s, want %d %s", a.Status, a.Body, test.status, test.code)
			}
		})
	}
}

const crm = `{"via":"webhook","event_column":"type","ignore":["ping"],
 "signature":{"header":"X-Crm-Signature","prefix":"sha256=","timestamp_header":"X-Crm-Time","secret_version":1},
 "events":[{"event":"deal.won","kind":"pipeline","id":"{deal.id}-won","time":{"column":"at"},"fields":{
   "deal":{"column":"deal.id"},"stage":{"value":"won"},"status":{"value":"won"},"amount":{"column":"deal.amount"},"currency":{"column":"deal.currency"},
   "created_at":{"column":"deal.created"}}},
  {"event":"course.done","kind":"training","when":[{"column":"test","present":false}],"time":{"column":"at"},"fields":{"course":{"column":"name"},"person":{"column":"who"}}}]}`

// A webhook with a key: an object or an array, each call by itself; a call without an id is known again by what is in it.
func TestHook(t *testing.T) {
	cfg := config(t)
	connect(t, cfg, "default", "crm", crm)
	s := serve(t, cfg)
	body := batch(
		`{"type":"deal.won","at":"2026-11-20T10:00:00Z","deal":{"id":17,"amount":1000.10,"currency":"EUR","created":"2026-10-01"}}`,
		`{"type":"course.done","at":"2026-11-20T10:00:00Z","name":"c","who":"ann@example.com"}`,
		`{"at":"2026-11-20T10:00:00Z","type":"course.done","who":"ann@example.com","name":"c"}`,
		`{"type":"course.done","test":true}`, `{"type":"ping"}`, `{"type":"deal.lost"}`, `"text"`,
		`{"type":"deal.won","at":"2026-11-20T10:00:00Z","deal":{"amount":"x"}}`,
	)
	for range 2 {
		a := s.calling(t, "/v1/hooks/crm", body, nil)
		var got []string
		for _, one := range a.Answers {
			got = append(got, fmt.Sprint(one.State, " ", one.Code, " ", one.Pointer))
		}
		want := "accepted  |accepted  |duplicate  |rejected unknown_event /type|rejected wrong_type |rejected missing_field /deal/id"
		if a.Status != http.StatusMultiStatus || strings.Join(got, "|") != want || !strings.Contains(a.Body, `"not_counted":2`) {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	}
	deal, ok := stored(t, cfg.Bus, 4)["17-won"].Data.(*event.Pipeline)
	if !ok || deal.Amount.Canonical() != "1000.1" || deal.Deal != "17" {
		t.Errorf("%+v", deal)
	}
	for path, want := range map[string]string{"/v1/hooks/none": "404 unknown_connection", "/v1/hooks/hubspot": "404 unknown_connection"} {
		if a := s.calling(t, path, body, nil); fmt.Sprint(a.Status, " ", a.Code) != want {
			t.Errorf("%s: %d %s, want %s", path, a.Status, a.Body, want)
		}
	}
	if a := s.calling(t, "/v1/hooks/crm", `{"type":"ping"}`, map[string]string{"Authorization": "", "X-Plumbline-Key": "the-key"}); a.Status != http.StatusAccepted {
		t.Errorf("with the key in a header: %d %s", a.Status, a.Body)
	}
}

// A webhook without a key must be signed with the secret of the connection, and its time must be of now.
func TestSignedHook(t *testing.T) {
	cfg := config(t)
	connect(t, cfg, "default", "crm", crm)
	connect(t, cfg, "default", "open", `{"via":"webhook","events":[{"kind":"training","time":{"column":"at"}}]}`)
	connect(t, cfg, "another", "theirs", crm)
	s := serve(t, cfg)
	const body = `{"type":"ping"}`
	sign := func(key string, version uint32, stamp, body string) string {
		mac := hmac.New(sha256.New, []byte(connections.SecretText(cfg.Secret, "default", key, version)))
		if stamp != "" {
			mac.Write([]byte(stamp + "."))
		}
		mac.Write([]byte(body))
		return "sha256=" + hex.EncodeToString(mac.Sum(nil))
	}
	at := func(d time.Duration) string { return strconv.FormatInt(now().Add(d).Unix(), 10) }
	for _, test := range []struct {
		name, connection, signature, stamp string
		status                             int
		code                               string
	}{
		{"good", "crm", sign("crm", 1, at(0), body), at(0), 202, ""},
		{"four minutes old", "crm", sign("crm", 1, at(-4*time.Minute), body), at(-4 * time.Minute), 202, ""},
		{"six minutes old", "crm", sign("crm", 1, at(-6*time.Minute), body), at(-6 * time.Minute), 403, "old_signature"},
		{"of the future", "crm", sign("crm", 1, at(6*time.Minute), body), at(6 * time.Minute), 403, "old_signature"},
		{"no time", "crm", sign("crm", 1, "", body), "", 403, "old_signature"},
		{"another time than the signed one", "crm", sign("crm", 1, at(-6*time.Minute), body), at(0), 403, "wrong_signature"},
		{"of another body", "crm", sign("crm", 1, at(0), body+" "), at(0), 403, "wrong_signature"},
		{"of another version", "crm", sign("crm", 0, at(0), body), at(0), 403, "wrong_signature"},
		{"of another connection", "crm", sign("open", 1, at(0), body), at(0), 403, "wrong_signature"},
		{"without its prefix", "crm", strings.TrimPrefix(sign("crm", 1, at(0), body), "sha256="), at(0), 403, "wrong_signature"},
		{"no hex", "crm", "sha256=xyz", at(0), 403, "wrong_signature"},
		{"none", "crm", "", at(0), 401, "no_key"},
		{"a connection that is not signed", "open", sign("open", 0, at(0), body), at(0), 401, "no_key"},
		{"no connection", "none", sign("none", 0, at(0), body), at(0), 401, "no_key"},
		{"a connection of another workspace", "theirs", sign("theirs", 1, at(0), body), at(0), 401, "no_key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := s.calling(t, "/v1/hooks/"+test.connection, body, map[string]string{"Authorization": "", "X-Crm-Signature": test.signature, "X-Crm-Time": test.stamp})
			if a.Status != test.status || a.Code != test.code {
				t.Errorf("%d %s, want %d %s", a.Status, a.Body, test.status, test.code)
			}
		})
	}
}

// A preview says what would become of a sample, with a draft or with what holds, and sends nothing.
func TestPreview(t *testing.T) {
	cfg := config(t)
	connect(t, cfg, "default", "crm", crm)
	s := serve(t, cfg)
	const draft = `{"via":"webhook","events":[{"kind":"training","time":{"column":"at"},"fields":{"course":{"column":"name"}}}]}`
	for _, test := range []struct{ path, body, want string }{
		{"crm", `{"sample":{"type":"deal.lost"}}`, `"code":"unknown_event","pointer":"/type"`},
		{"crm", `{"sample":{"type":"ping"}}`, `"not_counted":"ignored"`},
		{"crm", `{"sample":[]}`, `"code":"wrong_type"`},
		{"new", `{"sample":{"at":"2026-11-20T10:00:00Z","name":"c"},"connection":` + draft + `}`, `"type":"plumbline.training.v1"`},
		{"new", `{"sample":{"name":"c"},"connection":` + draft + `}`, `"code":"missing_time","pointer":"/at"`},
		{"new", `{"sample":{},"connection":` + strings.Replace(draft, "course", "corse", 1) + `}`, `"pointer":"/connection/events/0/fields/corse"`},
		{"new", `{"sample":{}}`, `"code":"unknown_connection"`},
		{"new", `{"connection":` + draft + `}`, `"code":"not_json"`},
		{"default?via=segment", `{"sample":` + track("m", "Order Completed", `{"experiment_id":"x","variation_id":"b","revenue":1}`) + `}`, `"pointer":"/properties/currency"`},
		{"default?via=segment", `{"sample":` + track("m", "Signed Up", arm) + `}`, `"metric":"signed_up"`},
		{"default?via=segment", `{"sample":{"type":"identify"}}`, `"not_counted":"type"`},
	} {
		path := strings.Replace("/v1/hooks/"+test.path, "?", "/preview?", 1)
		if !strings.Contains(path, "?") {
			path += "/preview"
		}
		if a := s.calling(t, path, test.body, nil); !strings.Contains(a.Body, test.want) {
			t.Errorf("%s %s: %d %s, want %s", path, test.body, a.Status, a.Body, test.want)
		}
	}
	topic(t, cfg.Bus, bus.Events, 0)
	topic(t, cfg.Bus, bus.Rejected, 0)
}
