package collector_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/connections"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

const (
	hubspotConnection = `{"via":"hubspot","ignore":["dealname"],"deals":{"portal":"62515","currency":"EUR","stages":{
		"qualified":{"stage":"Qualified","status":"open"},"closedwon":{"stage":"Closed won","status":"won"}}}}`
	salesforceConnection = `{"via":"salesforce","deals":{"currency":"EUR","stages":{"Prospecting":{"status":"open"},"Closed Won":{"status":"won"}}}}`
)

// dealChange is a call of HubSpot's webhooks about a property of the deal 7, at a minute of 20 November 2026, 10:00 UTC.
func dealChange(minute int, name, value string, attempt int) string {
	at := time.Date(2026, 11, 20, 10, minute, 0, 0, time.UTC).UnixMilli()
	return fmt.Sprintf(`{"eventId":%d,"subscriptionId":25,"portalId":62515,"appId":1160452,"occurredAt":%d,"subscriptionType":"deal.propertyChange",`+
		`"attemptNumber":%d,"objectId":7,"propertyName":%q,"propertyValue":%q,"changeSource":"CRM_UI"}`, minute, at, attempt, name, value)
}

func states(a answer) string {
	var got []string
	for _, one := range a.Answers {
		got = append(got, strings.TrimSpace(fmt.Sprint(one.State, " ", one.Code, " ", one.Pointer)))
	}
	return strings.Join(got, "|")
}

// A batch of HubSpot's: what comes again counts once, whatever its attempt; what can not be read is kept, and is an event when the
// connection can read it.
func TestHubSpotBatch(t *testing.T) {
	cfg := config(t)
	connect(t, cfg, "default", "hubspot", hubspotConnection)
	s := serve(t, cfg)
	body := batch(
		dealChange(1, "dealstage", "qualified", 0), dealChange(2, "amount", "1000.10", 0), dealChange(2, "amount", "1000.10", 1),
		dealChange(3, "dealstage", "9914321", 0), dealChange(4, "amount", "a lot", 0), dealChange(5, "dealname", "x", 0),
		dealChange(6, "hs_priority", "x", 0), strings.Replace(dealChange(7, "amount", "1", 0), "62515", "99", 1),
		strings.Replace(dealChange(8, "amount", "1", 0), "deal.propertyChange", "contact.creation", 1), `7`,
	)
	a := s.calling(t, "/v1/hooks/hubspot", body, nil)
	want := "accepted|accepted|duplicate|rejected unknown_stage /propertyValue|rejected wrong_type /propertyValue|rejected unknown_event /propertyName|" +
		"rejected inconsistent /portalId|rejected unknown_event /subscriptionType|rejected wrong_type"
	if a.Status != http.StatusMultiStatus || states(a) != want || !strings.Contains(a.Body, `"not_counted":1`) {
		t.Errorf("%d %s\n%s\nwant\n%s", a.Status, a.Body, states(a), want)
	}
	ids := stored(t, cfg.Bus, 2)
	deal, ok := ids[fmt.Sprint("62515:7:deal.propertyChange:amount:", time.Date(2026, 11, 20, 10, 2, 0, 0, time.UTC).UnixMilli(), ":2")].Data.(*event.Pipeline)
	if !ok || deal.Amount.Canonical() != "1000.1" || deal.Currency != "EUR" || deal.Deal != "7" || !deal.IsPartial() || deal.Status != "" {
		t.Errorf("%+v of %v", deal, ids)
	}
	if m := s.do(t, http.MethodGet, "/metrics", "", nil).Body; !strings.Contains(m, `plumbline_collector_calls_not_counted_total{reason="ignored",via="hubspot"} 1`) {
		t.Error("what is not counted is not said in the metrics")
	}
	mapped := strings.Replace(hubspotConnection, `"stages":{`, `"stages":{"9914321":{"stage":"Lost to a rival","status":"lost"},`, 1)
	for _, r := range kept(t, cfg.Bus, 6) {
		if r.Code != string(event.CodeUnknownStage) {
			continue
		}
		if r.Source != "/hooks/hubspot" || !strings.Contains(r.Message, `"9914321"`) {
			t.Errorf("the stage that nobody knows is kept as %+v", r)
		}
		e, problems := replayed(t, r.Raw, hubspotConnection, "hubspot")
		if len(problems) == 0 || problems[0].Code != event.CodeUnknownStage {
			t.Errorf("replayed before it is mapped: %+v %v", e, problems)
		}
		if e, problems = replayed(t, r.Raw, mapped, "hubspot"); len(problems) > 0 || e.ID != r.ID || e.Data.(*event.Pipeline).Status != "lost" || e.Time.Minute() != 3 {
			t.Errorf("replayed when it is mapped: %+v %v", e, problems)
		}
	}
}

// replayed reads what was kept by a connection.
func replayed(t *testing.T, raw []byte, connection, key string) (event.Event, []event.Problem) {
	t.Helper()
	arrival, ok := connections.Decode(raw)
	if !ok {
		t.Fatalf("%s is no call", raw)
	}
	snapshot := registry.NewSnapshot([]registry.Record{{
		Workspace: "default", Kind: registry.Connections, Key: key, EntryID: "1", ValidFrom: now().Add(-time.Hour), RecordedAt: now(), Value: []byte(connection),
	}})
	return connections.Again(event.NewParser(now), snapshot, arrival, now())
}

// Change events of Salesforce: each record by itself, in each of the forms that relays post; a gap is kept with what to do about it.
func TestSalesforceEvents(t *testing.T) {
	cfg := config(t)
	connect(t, cfg, "default", "salesforce", salesforceConnection)
	s := serve(t, cfg)
	const a, b = "006xx000001Sv6AAAS", "006xx000001Sv6BAAS"
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC).UnixMilli()
	payload := func(kind, transaction, records, fields string) string {
		return fmt.Sprintf(`{"ChangeEventHeader":{"entityName":"Opportunity","recordIds":[%s],"changeType":%q,"transactionKey":%q,"sequenceNumber":1,"commitTimestamp":%d,"commitNumber":1,"changedFields":[],"nulledFields":[]}%s}`,
			records, kind, transaction, at, fields)
	}
	both := `"` + a + `","` + b + `"`
	body := batch(
		`{"schema":"x","payload":`+payload("CREATE", "t1", both, `,"StageName":"Prospecting","Amount":10.5`)+`,"event":{"replayId":1}}`,
		`{"data":{"schema":"x","payload":`+payload("UPDATE", "t2", both, `,"StageName":"Verhandlung"`)+`,"event":{"replayId":2}},"channel":"/data/OpportunityChangeEvent"}`,
		payload("GAP_UPDATE", "t3", `"`+a+`"`, ""), payload("UPDATE", "t4", both, `,"Description":"x"`),
	)
	for range 2 {
		got := s.calling(t, "/v1/hooks/salesforce", body, nil)
		want := "accepted|accepted|rejected unknown_stage /data/payload/StageName|rejected unknown_stage /data/payload/StageName|rejected no_values /ChangeEventHeader/changeType"
		if got.Status != http.StatusMultiStatus || states(got) != want || !strings.Contains(got.Body, `"not_counted":1`) {
			t.Errorf("%d %s", got.Status, got.Body)
		}
	}
	stored(t, cfg.Bus, 4)
	mapped := strings.Replace(salesforceConnection, `"stages":{`, `"stages":{"Verhandlung":{"status":"open"},`, 1)
	seen := map[string]bool{}
	for id, r := range kept(t, cfg.Bus, 6) {
		if r.Code == string(event.CodeNoValues) {
			if !strings.Contains(r.Message, "import") || !strings.Contains(r.Message, a) {
				t.Errorf("a gap is kept as %+v", r)
			}
			continue
		}
		e, problems := replayed(t, r.Raw, mapped, "salesforce")
		if len(problems) > 0 || e.ID != id || e.Data.(*event.Pipeline).Stage != "Verhandlung" {
			t.Errorf("replayed: %+v %v of %s", e, problems, r.Raw)
			continue
		}
		seen[e.Data.(*event.Pipeline).Deal] = true
	}
	if !seen[a] || !seen[b] {
		t.Errorf("replayed are %v", seen)
	}
}

// A call that HubSpot signs needs no key: it is signed with the secret of the app, for the address that HubSpot calls, within five minutes.
func TestSignedHubSpot(t *testing.T) {
	cfg := config(t)
	cfg.URL = "https://plumbline.example.com/"
	if err := cfg.HubSpot.UnmarshalText([]byte("the client secret,hubspot-emea=another")); err != nil {
		t.Fatal(err)
	}
	connect(t, cfg, "default", "hubspot", hubspotConnection)
	connect(t, cfg, "default", "hubspot-emea", strings.Replace(hubspotConnection, "62515", "99", 1))
	connect(t, cfg, "default", "hubspot-apac", strings.Replace(hubspotConnection, "62515", "98", 1))
	connect(t, cfg, "default", "crm", crm)
	s := serve(t, cfg)
	body := batch(dealChange(1, "dealstage", "qualified", 0))
	sign := func(secret, path, stamp, body string) string {
		mac := hmac.New(sha256.New, []byte(secret))
		_, _ = fmt.Fprint(mac, "POST", "https://plumbline.example.com", path, body, stamp)
		return base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	at := func(d time.Duration) string { return strconv.FormatInt(now().Add(d).UnixMilli(), 10) }
	const own, path = "the client secret", "/v1/hooks/hubspot"
	for _, test := range []struct {
		name, path, signature, stamp string
		status                       int
		code                         string
	}{
		{"good", path, sign(own, path, at(0), body), at(0), 202, ""},
		{"with a question", path + "?a=%2Fb", sign(own, path+"?a=/b", at(0), body), at(0), 202, ""},
		{"four minutes old", path, sign(own, path, at(-4*time.Minute), body), at(-4 * time.Minute), 202, ""},
		{"six minutes old", path, sign(own, path, at(-6*time.Minute), body), at(-6 * time.Minute), 403, "old_signature"},
		{"of the future", path, sign(own, path, at(6*time.Minute), body), at(6 * time.Minute), 403, "old_signature"},
		{"a time in seconds", path, sign(own, path, "1795521600", body), "1795521600", 403, "old_signature"},
		{"no time", path, sign(own, path, "", body), "", 403, "old_signature"},
		{"another time than the signed one", path, sign(own, path, at(0), body), at(time.Second), 403, "wrong_signature"},
		{"of another body", path, sign(own, path, at(0), body+" "), at(0), 403, "wrong_signature"},
		{"of another address", path, sign(own, "/v1/hooks/hubspot-emea", at(0), body), at(0), 403, "wrong_signature"},
		{"with the secret of another app", path, sign("another", path, at(0), body), at(0), 403, "wrong_signature"},
		{"with its own", "/v1/hooks/hubspot-emea", sign("another", "/v1/hooks/hubspot-emea", at(0), body), at(0), 207, ""},
		{"where there is no secret", "/v1/hooks/hubspot-apac", sign("", "/v1/hooks/hubspot-apac", at(0), body), at(0), 403, "wrong_signature"},
		{"no signature", path, "", at(0), 401, "no_key"},
		{"a connection of another tool", "/v1/hooks/crm", sign(own, "/v1/hooks/crm", at(0), body), at(0), 401, "no_key"},
		{"no connection", "/v1/hooks/none", sign(own, "/v1/hooks/none", at(0), body), at(0), 401, "no_key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := s.calling(t, test.path, body, map[string]string{"Authorization": "", "X-HubSpot-Signature-v3": test.signature, "X-HubSpot-Request-Timestamp": test.stamp})
			if a.Status != test.status || a.Code != test.code {
				t.Errorf("%d %s, want %d %s", a.Status, a.Body, test.status, test.code)
			}
		})
	}
	if m := s.do(t, http.MethodGet, "/metrics", "", nil).Body; !strings.Contains(m, `reason="wrong_signature"`) || !strings.Contains(m, `reason="old_signature"`) {
		t.Error("refused signatures are not counted")
	}
}

// One change event is of at most so many records, and a request becomes at most ten thousand events: no call fills the memory.
func TestTooManyRecords(t *testing.T) {
	cfg := config(t)
	connect(t, cfg, "default", "salesforce", salesforceConnection)
	s := serve(t, cfg)
	one := func(n int) string {
		records := strings.TrimSuffix(strings.Repeat(`"006xx000001Sv6AAAS",`, n), ",")
		return `{"ChangeEventHeader":{"entityName":"Opportunity","recordIds":[` + records + `],"changeType":"UPDATE","transactionKey":"t","sequenceNumber":1,"commitTimestamp":1}}`
	}
	if a := s.calling(t, "/v1/hooks/salesforce", one(1001), nil); states(a) != "rejected too_long /ChangeEventHeader/recordIds" {
		t.Errorf("%d %.300s", a.Status, a.Body)
	}
	many := strings.Replace(one(1000), "UPDATE", "GAP_UPDATE", 1)
	if a := s.calling(t, "/v1/hooks/salesforce", batch(strings.Split(strings.TrimSuffix(strings.Repeat(many+";", 11), ";"), ";")...), nil); a.Code != "too_many_events" {
		t.Errorf("%d %.300s", a.Status, a.Body)
	}
}

// A preview reads a sample as a draft of a connection to a CRM says.
func TestPreviewOfDeals(t *testing.T) {
	s := serve(t, config(t))
	for _, test := range []struct{ sample, want string }{
		{dealChange(1, "dealstage", "closedwon", 0), `"status":"won"`},
		{dealChange(1, "dealstage", "x", 0), `"code":"unknown_stage","pointer":"/propertyValue"`},
		{dealChange(1, "dealname", "x", 0), `"not_counted":"ignored"`},
	} {
		body := `{"connection":` + hubspotConnection + `,"sample":` + test.sample + `}`
		if a := s.calling(t, "/v1/hooks/hubspot/preview", body, nil); !strings.Contains(a.Body, test.want) {
			t.Errorf("%s: %d %s, want %s", test.sample, a.Status, a.Body, test.want)
		}
	}
}
