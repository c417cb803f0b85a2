package scorecard

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/audit"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
	"plumbline/pkg/webhook"
)

// hook is a receiver of webhooks with TLS on loopback.
type hook struct {
	*httptest.Server
	mu  sync.Mutex
	got []hooked
}

// hooked is a message as it came.
type hooked struct {
	header http.Header
	body   []byte
	alert  string
	kind   string
	facts  map[string]json.RawMessage
	text   string
	url    string
}

func newHook(b *bench) *hook {
	b.t.Helper()
	h := &hook{}
	h.Server = httptest.NewUnstartedServer(http.HandlerFunc(h.take))
	h.Config.ErrorLog = log.New(io.Discard, "", 0)
	h.StartTLS()
	b.t.Cleanup(h.Close)
	ca := filepath.Join(b.t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw}), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.cfg.Webhook = webhook.Config{Allow: []string{"127.0.0.1/32"}, CA: ca}
	b.cfg.AlertsEvery, b.cfg.URL = 100*time.Millisecond, "http://plumbline.example.com" // with https, sessions would be for TLS only
	return h
}

func (h *hook) take(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var m struct {
		Type string `json:"type"`
		Data struct {
			Alert string                     `json:"alert"`
			Text  string                     `json:"text"`
			URL   string                     `json:"url"`
			Facts map[string]json.RawMessage `json:"facts"`
		} `json:"data"`
	}
	if err != nil || json.Unmarshal(body, &m) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got = append(h.got, hooked{req.Header, body, m.Data.Alert, m.Type, m.Data.Facts, m.Data.Text, m.Data.URL})
}

// of are the messages of an alert.
func (h *hook) of(alert string) []hooked {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []hooked
	for _, m := range h.got {
		if m.alert == alert {
			out = append(out, m)
		}
	}
	return out
}

// judged waits until every alert of the workspace was judged, and returns how they stand.
func (b *bench) judged(n int) map[string]node {
	b.t.Helper()
	out := map[string]node{}
	b.eventually("every alert to be judged", func() bool {
		res, raw := b.do("GET", "/api/v1/alerts", "")
		if res.StatusCode != http.StatusOK {
			return false // still being read
		}
		list := b.hold("/api/v1/alerts", "AlertList", raw).at("alerts")
		clear(out)
		for i := range list.list() {
			if a := list.at(i); a.at("judged").text() != "null" && len(a.at("pending").list()) == 0 {
				out[a.at("key").text()] = a
			}
		}
		return len(out) == n
	})
	return out
}

// An alert tells the number that the scorecard shows to a leader, digit by digit, and nothing of a number that is withheld.
func TestAlertsSayWhatTheScorecardSays(t *testing.T) {
	b := newEngines(t, day("2026-11-02"))
	h := newHook(b)
	organisation(b)
	b.declare(registry.Targets, "hours", `{"valid_from":"2026-01-01","measure":"hours_saved_net","value":30}`)
	b.declare(registry.Workflows, "page", `{"valid_from":"2026-01-01","review_policy":{"target_hours":24}}`)
	b.declare(registry.Experiments, "x", `{"valid_from":"2026-01-01","control":"a"}`)
	b.declare(registry.Webhooks, "ops", `{"valid_from":"2026-01-01","url":"`+h.URL+`/token"}`)
	for key, rest := range map[string]string{
		"under":   `"when":"under_target","measure":"hours_saved_net"`,
		"over":    `"when":"over_target","measure":"hours_saved_net"`,
		"below":   `"when":"below","measure":"hours_saved_net","threshold":27.56,"months":2`,
		"above":   `"when":"above","measure":"hours_saved_net","threshold":27.55`, // 27.55 h is not above
		"few":     `"when":"below","measure":"hours_saved_net","threshold":1000,"scope":"team:brand"`,
		"nothing": `"when":"above","measure":"vendor_spend","threshold":0`,
		"aimless": `"when":"over_target","measure":"rework_rate"`,
		"nowhere": `"when":"below","measure":"hours_saved_net","threshold":1000,"scope":"team:nobody"`,
		"srm":     `"when":"sample_ratio","experiment":"x"`,
		"reviews": `"when":"review_over_target","scope":"workflow:page"`,
		"silent":  `"when":"source_silent","source":"crm","hours":1`,
	} {
		b.declare(registry.Alerts, key, `{"valid_from":"2026-01-01","webhook":"ops",`+rest+`}`)
	}
	events := []event.Stored{
		happened(b, "x1", "2026-10-05T10:00", "content", "post", "", &event.Conversion{Experiment: "x", Variant: "a", Exposures: new(uint64(1000)), Conversions: new(uint64(100))}),
		happened(b, "x2", "2026-10-05T10:00", "content", "post", "", &event.Conversion{Experiment: "x", Variant: "b", Exposures: new(uint64(1500)), Conversions: new(uint64(100))}),
	}
	for i, decided := range []string{"2026-10-06T10:00", "2026-10-07T10:00", "2026-10-07T11:00"} { // one of three within 24 hours
		r := &event.Review{Asset: fmt.Sprint("asset", i), SubmittedAt: clock(t, "2026-10-05T12:00"), DecidedAt: new(clock(t, decided)), Decision: "approved"}
		events = append(events, happened(b, fmt.Sprint("r", i), decided, "content", "page", "", r))
	}
	b.insert(events...)
	b.serve()
	stand := b.judged(11)
	for key, want := range map[string][3]string{
		"under": {"ok", "firing", "null"}, "over": {"ok", "quiet", "null"}, "below": {"ok", "firing", "null"}, "above": {"ok", "quiet", "null"},
		"few": {"withheld", "null", "privacy_floor"}, "nothing": {"no_data", "null", "null"}, "srm": {"ok", "firing", "null"}, "reviews": {"ok", "firing", "null"},
		"silent": {"behind", "null", stand["silent"].at("reason").text()}, "aimless": {"no_target", "null", stand["aimless"].at("reason").text()},
		"nowhere": {"unanswerable", "null", stand["nowhere"].at("reason").text()},
	} {
		if got := [3]string{stand[key].at("judged").text(), stand[key].at("state").text(), stand[key].at("reason").text()}; got != want {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
	leader := b.as(access.RoleLeader, "").get("/api/v1/scorecard", "Scorecard")
	hours := leader.at("measures", "hours_saved_net")
	for _, key := range []string{"under", "below"} {
		got := h.of(key)
		if len(got) != 1 || got[0].kind != "alert.firing" {
			t.Fatalf("%s: %d messages", key, len(got))
		}
		for fact, of := range map[string]string{"value": "value", "low": "low", "high": "high", "n": "n", "grade": "grade"} {
			if string(got[0].facts[fact]) != hours.at(of).text() {
				t.Errorf("%s tells %s %s, the scorecard %s", key, fact, got[0].facts[fact], hours.at(of).text())
			}
		}
		if !strings.Contains(got[0].text, "27.6 h") || !strings.HasPrefix(got[0].url, "http://plumbline.example.com/?from=2026-") {
			t.Errorf("%s: %q %q", key, got[0].text, got[0].url)
		}
	}
	if from := string(h.of("below")[0].facts["period"]); !strings.Contains(from, `"from":"2026-10-01"`) {
		t.Errorf("two months are %s", from)
	}
	if got := h.of("reviews"); len(got) != 1 || !strings.Contains(got[0].text, "66.7% of the reviews of workflow page") {
		t.Errorf("%+v", got)
	}
	if got := h.of("srm"); len(got) != 1 || !strings.Contains(got[0].text, "not of the planned sizes") {
		t.Errorf("%+v", got)
	}
	for _, key := range []string{"over", "above", "few", "nothing", "silent", "aimless", "nowhere"} {
		if got := h.of(key); len(got) > 0 {
			t.Errorf("%s has told %s", key, got[0].body)
		}
	}
}

// A source is silent when nothing of it has arrived for so long, up to where everything that has arrived is stored.
func TestSourceSilent(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	spend := func(id string) event.Stored {
		return happened(b, id, "2026-10-05T10:00", "content", "", "", &event.VendorSpend{Vendor: "v", Category: "agency", BilledCost: *warehousetest.Amount("7"), Currency: "USD"})
	}
	first, second := spend("1"), spend("2")
	first.ReceivedAt = day("2026-11-01").Add(6 * time.Hour)
	second.ReceivedAt = day("2026-06-01")
	b.insert(first, second)
	judge := func(source string, hours int64, known time.Time) (string, bool, string) {
		t.Helper()
		v := &view{db: b.db, now: day("2026-11-02"), viewer: access.Viewer{Workspace: workspace}, snapshot: warehouse.Snapshot{CompleteThrough: known}}
		j, err := v.judgeSilence(t.Context(), &registry.Alert{Source: source, Hours: new(event.NumberOf(hours))})
		if err != nil {
			t.Fatal(err)
		}
		return j.Outcome, j.Fires, j.Text
	}
	at := func(hours int) time.Time { return day("2026-11-01").Add(time.Duration(hours) * time.Hour) }
	for _, c := range []struct {
		source  string
		hours   int64
		known   time.Time
		outcome string
		fires   bool
	}{
		{first.Source, 6, at(12), "ok", false},
		{first.Source, 6, at(13), "ok", true},
		{first.Source, 24, at(24), "ok", false},
		{first.Source, 17, at(240), "ok", true},         // not later than now, which is 24: 24 − 17 > 6
		{first.Source, 18, at(240), "ok", false},        // 24 − 18 = 6
		{first.Source, 1, time.Time{}, "behind", false}, // nothing is known
		{"never", 1, at(12), "ok", true},
	} {
		if outcome, fires, text := judge(c.source, c.hours, c.known); outcome != c.outcome || fires != c.fires {
			t.Errorf("%+v: %s %v %s", c, outcome, fires, text)
		}
	}
}

// The secret of a webhook is an administrator's to see, its reading is recorded, messages are signed with it, and after a rotation with
// the one before too.
func TestSecretOfAWebhook(t *testing.T) {
	b := newEngines(t, day("2026-11-02"))
	h := newHook(b)
	b.serve()
	trail := b.trail()
	b.load()
	put := func(path, body string, status int) {
		t.Helper()
		if res, raw := b.do("PUT", "/api/v1/registry/"+path, body); res.StatusCode != status {
			t.Fatalf("%s: %d %s", path, res.StatusCode, raw)
		}
	}
	put("alerts/x", `{"valid_from":"2026-01-01","when":"sample_ratio","experiment":"x","webhook":"ops"}`, 400) // no such webhook yet
	put("webhooks/ops", `{"valid_from":"2026-01-01","url":"`+h.URL+`/token"}`, 201)
	put("alerts/x", `{"valid_from":"2026-01-01","when":"above","measure":"luck","threshold":1,"webhook":"ops"}`, 400)
	put("alerts/x", `{"valid_from":"2026-01-01","when":"sample_ratio","experiment":"x","webhook":"ops"}`, 201)
	put("webhooks/plain", `{"valid_from":"2026-01-01","url":"http://hooks.example.com/"}`, 400)
	secretOf := func() (webhook.Secret, node) {
		t.Helper()
		res, raw := b.do("GET", "/api/v1/webhooks/ops/secret", "", "X-Request-Id", "secret")
		if res.StatusCode != http.StatusOK || res.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s", res.StatusCode, raw)
		}
		answer := b.hold("secret", "WebhookSecret", raw)
		s, err := webhook.ParseSecret(answer.at("secret").text())
		if err != nil {
			t.Fatal(err)
		}
		return s, answer
	}
	test := func(n int, secrets ...webhook.Secret) {
		t.Helper()
		res, raw := b.do("POST", "/api/v1/alerts/x/test", "")
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", res.StatusCode, raw)
		}
		answer := b.hold("test", "AlertTest", raw)
		answer.at("delivered").is("true")
		answer.at("status").is("200")
		got := h.of("x")
		if len(got) != n || got[n-1].kind != "alert.test" || got[n-1].header.Get(webhook.HeaderID) != answer.at("id").text() {
			t.Fatalf("%+v", got)
		}
		for _, s := range secrets {
			if err := webhook.Verify(got[n-1].header, got[n-1].body, b.cfg.Now(), s); err != nil {
				t.Error(err)
			}
		}
	}
	first, answer := secretOf()
	answer.at("secret_before").is("null")
	test(1, first)
	put("webhooks/ops", `{"valid_from":"2026-01-01","url":"`+h.URL+`/token","secret_version":1}`, 200)
	second, answer := secretOf()
	answer.at("secret_version").is("1")
	answer.at("secret_before").is(first.Text())
	test(2, first, second)
	put("webhooks/ops", `{"valid_from":"2026-01-01","url":"`+h.URL+`/token"}`, 400) // not back to what somebody may know
	if e := trail.of("secret", 2); e[0].Action != audit.WebhookSecretRead || e[0].Target != "ops" || strings.Contains(fmt.Sprint(e), "whsec") {
		t.Errorf("%+v", e)
	}
	for role, status := range map[access.Role]int{access.RoleIC: 403, access.RoleLeader: 403, access.RoleAnalyst: 403, access.RoleAdmin: 200} {
		if res, _ := b.as(role, "").do("GET", "/api/v1/webhooks/ops/secret", ""); res.StatusCode != status {
			t.Errorf("%s sees the secret: %d", role, res.StatusCode)
		}
	}
	// Where something is sent is told to analysts and administrators, and written by administrators.
	for role, want := range map[access.Role][2]int{access.RoleIC: {403, 403}, access.RoleLeader: {403, 403}, access.RoleAnalyst: {200, 403}, access.RoleAdmin: {200, 400}} {
		who := b.as(role, "")
		for _, kind := range []string{"webhooks", "digests"} {
			res, _ := who.do("GET", "/api/v1/registry/"+kind, "")
			put, _ := who.do("PUT", "/api/v1/registry/"+kind+"/y", `{}`, "Sec-Fetch-Site", "same-origin")
			if got := [2]int{res.StatusCode, put.StatusCode}; got != want {
				t.Errorf("%s and %s: %v, want %v", role, kind, got, want)
			}
		}
		if res, _ := who.do("GET", "/api/v1/registry/webhooks/ops", ""); res.StatusCode != want[0] {
			t.Errorf("%s reads a webhook: %d", role, res.StatusCode)
		}
	}
	if res, _ := b.do("POST", "/api/v1/alerts/none/test", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("a test of nothing: %d", res.StatusCode)
	}
}
