package crm_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
	"plumbline/pkg/mapping/crm"
)

// parser judges what is made, as the collector does.
func parser() *event.Parser {
	return event.NewParser(func() time.Time { return time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC) })
}

func translator(t testing.TB, v crm.Vendor, settings string, ignore ...string) *crm.Translator {
	t.Helper()
	var s crm.Settings
	if err := json.Unmarshal([]byte(settings), &s, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	if problems := s.Check(v); len(problems) > 0 {
		t.Fatal(problems)
	}
	out, err := crm.New(v, s, ignore)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// lines writes what becomes of a call: its events as "id time data", or "code pointer" under the id that is kept.
func lines(t testing.TB, tr *crm.Translator, raw string) string {
	t.Helper()
	call, problem := mapping.ReadCall([]byte(raw))
	if problem != nil {
		t.Fatalf("%v: %s", problem, raw)
	}
	r := tr.Apply("/hooks/x", call)
	var out []string
	for _, m := range r.Made {
		if len(m.Problems) > 0 {
			for _, p := range m.Problems {
				out = append(out, fmt.Sprint(m.Event.ID, " ", p.Code, " ", p.Pointer))
			}
			continue
		}
		structured, err := m.Event.Structured()
		if err != nil {
			t.Fatal(err)
		}
		if _, problems := parser().Structured(structured); len(problems) > 0 {
			t.Errorf("the contract refuses %s: %v", structured, problems)
		}
		data := strings.NewReplacer(`"evidence":"system",`, "", `,"partial":true`, "").Replace(string(m.Event.Data))
		out = append(out, fmt.Sprint(m.Event.ID, " ", m.Event.Time.Format("02T15:04:05.000"), " ", data))
	}
	switch {
	case r.Ignored:
		out = append(out, "ignored")
	case len(r.Skipped) > 0:
		out = append(out, "skipped")
	}
	return strings.Join(out, "\n")
}

const (
	stages      = `"stages":{"closedwon":{"stage":"Closed won","status":"won"},"qualified":{"status":"open"},"Closed Lost":{"status":"lost"},"Closed Won":{"status":"won"},"Prospecting":{"status":"open"}}`
	hubspotEUR  = `{"portal":"62515","currency":"EUR",` + stages + `}`
	hubspotEach = `{"portal":"62515","fields":{"currency":"deal_currency_code","assisted":"ai_assisted","amount":"arr"},"prefix":"hs-",` + stages + `}`
)

// change is a call as HubSpot sends one. 1795600800000 ms is 25 November 2026, 10:00 UTC.
func change(more string) string {
	return `{"eventId":100,"subscriptionId":25,"portalId":62515,"appId":1160452,"occurredAt":1795600800000,"attemptNumber":0,"changeSource":"CRM_UI","objectId":1148,` + more + `}`
}

func property(name, value string) string {
	return change(`"subscriptionType":"deal.propertyChange","propertyName":"` + name + `","propertyValue":` + value)
}

func TestHubSpot(t *testing.T) {
	const id = "62515:1148:deal.propertyChange:"
	for _, test := range []struct{ name, settings, call, want string }{
		{"a stage", hubspotEUR, property("dealstage", `"closedwon"`), id + `dealstage:1795600800000:100 25T10:00:00.000 {"deal":"1148","stage":"Closed won","status":"won"}`},
		{"a stage without a name of ours", hubspotEUR, property("dealstage", `"qualified"`), id + `dealstage:1795600800000:100 25T10:00:00.000 {"deal":"1148","stage":"qualified","status":"open"}`},
		{"a stage that nobody knows", hubspotEUR, property("dealstage", `"9914321"`), id + "dealstage:1795600800000:100 unknown_stage /propertyValue"},
		{"no stage", hubspotEUR, property("dealstage", `""`), id + "dealstage:1795600800000:100 missing_field /propertyValue"},
		{"a later attempt is the same", hubspotEUR, strings.Replace(property("amount", `"1200.50"`), `"attemptNumber":0`, `"attemptNumber":3`, 1), id + `amount:1795600800000:100 25T10:00:00.000 {"deal":"1148","amount":"1200.5","currency":"EUR"}`},
		{"a number", hubspotEUR, property("amount", `1e3`), id + `amount:1795600800000:100 25T10:00:00.000 {"deal":"1148","amount":"1000","currency":"EUR"}`},
		{"an amount that was emptied", hubspotEUR, property("amount", `""`), id + `amount:1795600800000:100 25T10:00:00.000 {"deal":"1148","cleared":"amount"}`},
		{"no amount", hubspotEUR, property("amount", `"a lot"`), id + "amount:1795600800000:100 wrong_type /propertyValue"},
		{"an amount that is an object", hubspotEUR, property("amount", `{"a":1}`), id + "amount:1795600800000:100 wrong_type /propertyValue"},
		{"a huge exponent", hubspotEUR, property("amount", `"1e999999999"`), id + "amount:1795600800000:100 wrong_type /propertyValue"},
		{"no currency", `{"portal":"62515",` + stages + `}`, property("amount", `"10"`), id + "amount:1795600800000:100 missing_field /propertyValue"},
		{"the currency that all have", hubspotEUR, property("deal_currency_code", `"EUR"`), "skipped"},
		{"a currency that contradicts", hubspotEUR, property("deal_currency_code", `"USD"`), id + "deal_currency_code:1795600800000:100 inconsistent /propertyValue"},
		{"an amount of a deal's own currency", hubspotEach, property("arr", `"10"`), id + `arr:1795600800000:100 25T10:00:00.000 {"deal":"hs-1148","amount":"10"}`},
		{"a currency of its own", hubspotEach, property("deal_currency_code", `"USD"`), id + `deal_currency_code:1795600800000:100 25T10:00:00.000 {"deal":"hs-1148","currency":"USD"}`},
		{"a close", hubspotEUR, property("closedate", `"1795514400000"`), id + `closedate:1795600800000:100 25T10:00:00.000 {"deal":"1148","closed_at":"2026-11-24T10:00:00.000Z","sequence":1}`},
		{"a close that is planned", hubspotEUR, property("closedate", `"1798106400000"`), "skipped"},
		{"a day, over at its end", hubspotEUR, property("closedate", `"2026-11-20"`), id + `closedate:1795600800000:100 25T10:00:00.000 {"deal":"1148","closed_at":"2026-11-20T23:59:59.999Z","sequence":1}`},
		{"today", hubspotEUR, property("closedate", `"2026-11-25"`), id + `closedate:1795600800000:100 25T10:00:00.000 {"deal":"1148","closed_at":"2026-11-25T10:00:00.000Z","sequence":1}`},
		{"no close", hubspotEUR, property("closedate", `null`), id + `closedate:1795600800000:100 25T10:00:00.000 {"deal":"1148","sequence":1,"cleared":"closed_at"}`},
		{"no day", hubspotEUR, property("closedate", `"soon"`), id + "closedate:1795600800000:100 wrong_type /propertyValue"},
		{"assisted", hubspotEach, property("ai_assisted", `"true"`), id + `ai_assisted:1795600800000:100 25T10:00:00.000 {"deal":"hs-1148","assisted":true}`},
		{"a property that is not read", hubspotEUR, property("dealname", `"x"`), " unknown_event /propertyName"},
		{"created", hubspotEUR, change(`"subscriptionType":"deal.creation"`), `62515:1148:deal.creation::1795600800000:100 25T10:00:00.000 {"deal":"1148","created_at":"2026-11-25T10:00:00.000Z"}`},
		{"a generic subscription", hubspotEUR, change(`"subscriptionType":"object.deletion","objectTypeId":"0-3"`), `62515:1148:deal.deletion::1795600800000:100 25T10:00:00.000 {"deal":"1148","withdrawn":true}`},
		{"restored", hubspotEUR, change(`"subscriptionType":"deal.restore"`), `62515:1148:deal.restore::1795600800000:100 25T10:00:00.000 {"deal":"1148","withdrawn":false}`},
		{"another object", hubspotEUR, change(`"subscriptionType":"contact.creation"`), " unknown_event /subscriptionType"},
		{"another account", hubspotEUR, strings.Replace(property("amount", `"1"`), "62515", "99", 1), "99:1148:deal.propertyChange:amount:1795600800000:100 inconsistent /portalId"},
		{"no object", hubspotEUR, strings.Replace(property("amount", `"1"`), `"objectId":1148,`, "", 1), " missing_field /objectId"},
		{"no time", hubspotEUR, strings.Replace(property("amount", `"1"`), `"occurredAt":1795600800000,`, "", 1), " missing_time /occurredAt"},
		{"a time that is none", hubspotEUR, strings.Replace(property("amount", `"1"`), `1795600800000`, `"today"`, 1), "62515:1148:deal.propertyChange:amount:today:100 wrong_type /occurredAt"},
		{
			"a merge into one of the two", hubspotEUR, change(`"subscriptionType":"deal.merge","primaryObjectId":7,"mergedObjectIds":[8,9],"newObjectId":7`),
			"62515:8:deal.merge::1795600800000:100 25T10:00:00.000 {\"deal\":\"8\",\"withdrawn\":true}\n62515:9:deal.merge::1795600800000:100 25T10:00:00.000 {\"deal\":\"9\",\"withdrawn\":true}",
		},
		{
			"a merge into a new one", hubspotEUR, change(`"subscriptionType":"deal.merge","primaryObjectId":7,"mergedObjectIds":[8],"newObjectId":10`),
			"62515:10:deal.merge::1795600800000:100 no_values /newObjectId\n62515:7:deal.merge::1795600800000:100 25T10:00:00.000 {\"deal\":\"7\",\"withdrawn\":true}\n62515:8:deal.merge::1795600800000:100 25T10:00:00.000 {\"deal\":\"8\",\"withdrawn\":true}",
		},
		{"a merge of nothing", hubspotEUR, change(`"subscriptionType":"deal.merge","primaryObjectId":7`), "62515:1148:deal.merge::1795600800000:100 missing_field /mergedObjectIds"},
	} {
		if got := lines(t, translator(t, crm.HubSpot, test.settings), test.call); got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}

// What is ignored is known and not counted; a stage that is in no map is refused all the same.
func TestIgnored(t *testing.T) {
	for _, test := range []struct{ ignore, call, want string }{
		{"deal.propertyChange:dealname", property("dealname", `"x"`), "ignored"},
		{"dealname", property("dealname", `"x"`), "ignored"},
		{"contact.creation", change(`"subscriptionType":"contact.creation"`), "ignored"},
		{"*", change(`"subscriptionType":"deal.associationChange"`), "ignored"},
		{"*", property("dealstage", `"9914321"`), "62515:1148:deal.propertyChange:dealstage:1795600800000:100 unknown_stage /propertyValue"},
	} {
		if got := lines(t, translator(t, crm.HubSpot, hubspotEUR, test.ignore), test.call); got != test.want {
			t.Errorf("%s: %s, want %s", test.ignore, got, test.want)
		}
	}
}

// message is a change event as the relays of Salesforce's subscriptions post one.
func message(kind, records, fields string) string {
	return `{"data":{"schema":"IeRuaY6cbI_HsV8Rv1Mc5g","payload":` + payload(kind, records, "", fields) + `,"event":{"replayId":6}},"channel":"/data/OpportunityChangeEvent"}`
}

func payload(kind, records, header, fields string) string {
	return `{"ChangeEventHeader":{"commitNumber":65824693264,"commitUser":"005xx000001Sv6eAAC","sequenceNumber":2,"entityName":"Opportunity","changeType":"` + kind +
		`","changedFields":[],"changeOrigin":"com/salesforce/api/rest/63.0","transactionKey":"0002a3b1-key","commitTimestamp":1795600800000,"recordIds":[` + records + `]` + header + `}` + fields + `}`
}

const (
	salesforceEUR  = `{"currency":"EUR",` + stages + `}`
	salesforceEach = `{"fields":{"currency":"CurrencyIsoCode","assisted":"AI_Assisted__c"},"zone":"Europe/Berlin",` + stages + `}`
	record1        = `"006xx000001Sv6AAAS"`
	record2        = `"006xx000001Sv6BAAS"`
)

func TestSalesforce(t *testing.T) {
	const id = "0002a3b1-key:2:006xx000001Sv6AAAS"
	for _, test := range []struct{ name, settings, call, want string }{
		{
			"created", salesforceEUR, message("CREATE", record1, `,"StageName":"Prospecting","Amount":1000.10,"CloseDate":"2026-12-31","CreatedDate":"2026-11-25T09:59:59.000Z","Name":"x","Probability":null`),
			id + ` 25T10:00:00.000 {"deal":"006xx000001Sv6AAAS","stage":"Prospecting","status":"open","amount":"1000.1","currency":"EUR","created_at":"2026-11-25T09:59:59.000Z","sequence":2}`,
		},
		{"created, and no day of it", salesforceEUR, payload("CREATE", record1, "", ""), id + ` 25T10:00:00.000 {"deal":"006xx000001Sv6AAAS","created_at":"2026-11-25T10:00:00.000Z","sequence":2}`},
		{
			"entered when it was over", salesforceEUR, payload("CREATE", record1, "", `,"StageName":"Closed Won","CloseDate":"2026-11-01"`),
			id + ` 25T10:00:00.000 {"deal":"006xx000001Sv6AAAS","stage":"Closed Won","status":"won","created_at":"2026-11-25T10:00:00.000Z","sequence":2}`,
		},
		{
			"won, and closed last Friday in Berlin", salesforceEach, `{"schema":"x","payload":` + payload("UPDATE", record1, "", `,"StageName":"Closed Won","CloseDate":"2026-11-20"`) + `,"event":{"replayId":7}}`,
			id + ` 25T10:00:00.000 {"deal":"006xx000001Sv6AAAS","stage":"Closed Won","status":"won","closed_at":"2026-11-20T22:59:59.999Z","sequence":2}`,
		},
		{"days as numbers, as the Pub/Sub API has them", salesforceEUR, payload("UPDATE", record1, "", `,"CloseDate":1795564800000`), id + ` 25T10:00:00.000 {"deal":"006xx000001Sv6AAAS","closed_at":"2026-11-25T00:00:00.000Z","sequence":2}`},
		{
			"the same change of two", salesforceEUR, payload("UPDATE", record1+","+record2, "", `,"Amount":5`),
			id + " 25T10:00:00.000 {\"deal\":\"006xx000001Sv6AAAS\",\"amount\":\"5\",\"currency\":\"EUR\",\"sequence\":2}\n" +
				"0002a3b1-key:2:006xx000001Sv6BAAS 25T10:00:00.000 {\"deal\":\"006xx000001Sv6BAAS\",\"amount\":\"5\",\"currency\":\"EUR\",\"sequence\":2}",
		},
		{
			"emptied", salesforceEach, payload("UPDATE", record1, `,"nulledFields":["Amount","AI_Assisted__c"]`, `,"Amount":null,"StageName":"Prospecting"`),
			id + " 25T10:00:00.000 {\"deal\":\"006xx000001Sv6AAAS\",\"stage\":\"Prospecting\",\"status\":\"open\",\"sequence\":2,\"cleared\":\"amount\"}\n" +
				id + ":assisted 25T10:00:00.000 {\"deal\":\"006xx000001Sv6AAAS\",\"sequence\":2,\"cleared\":\"assisted\"}",
		},
		{"null is no change where the header does not name it", salesforceEUR, payload("UPDATE", record1, "", `,"Amount":null,"StageName":null`), "skipped"},
		{"null is one where it is among the changed", salesforceEUR, strings.Replace(payload("UPDATE", record1, "", `,"Amount":null`), `"changedFields":[]`, `"changedFields":["Amount"]`, 1), id + ` 25T10:00:00.000 {"deal":"006xx000001Sv6AAAS","sequence":2,"cleared":"amount"}`},
		{"nothing of ours", salesforceEUR, payload("UPDATE", record1, "", `,"Description":"x"`), "skipped"},
		{"deleted", salesforceEUR, payload("DELETE", record1, "", ""), id + ` 25T10:00:00.000 {"deal":"006xx000001Sv6AAAS","sequence":2,"withdrawn":true}`},
		{"deleted, in a gap", salesforceEUR, payload("GAP_DELETE", record1, "", ""), id + ` 25T10:00:00.000 {"deal":"006xx000001Sv6AAAS","sequence":2,"withdrawn":true}`},
		{
			"back", salesforceEUR, payload("UNDELETE", record1, "", `,"StageName":"Closed Lost"`),
			id + ` 25T10:00:00.000 {"deal":"006xx000001Sv6AAAS","stage":"Closed Lost","status":"lost","sequence":2,"withdrawn":false}`,
		},
		{"a gap", salesforceEUR, payload("GAP_UPDATE", record1, "", ""), id + " no_values /ChangeEventHeader/changeType"},
		{"an overflow", salesforceEUR, message("GAP_OVERFLOW", `"000000000000000AAA"`, ""), "0002a3b1-key:2:000000000000000AAA no_values /data/payload/ChangeEventHeader/changeType"},
		{"all records", salesforceEUR, payload("UPDATE", `"006*"`, "", `,"Amount":5`), "0002a3b1-key:2:006* no_values /ChangeEventHeader/changeType"},
		{"no id", salesforceEUR, payload("UPDATE", `"x"`, "", `,"Amount":5`), "0002a3b1-key:2:x bad_value /ChangeEventHeader/recordIds"},
		{"another object", salesforceEUR, strings.Replace(payload("UPDATE", record1, "", ""), "Opportunity", "Account", 1), " unknown_event /ChangeEventHeader/entityName"},
		{"another change", salesforceEUR, payload("MOVE", record1, "", ""), " unknown_event /ChangeEventHeader/changeType"},
		{"no header", salesforceEUR, `{"data":{"payload":{"StageName":"x"}}}`, " missing_field /data/payload/ChangeEventHeader"},
		{"a header of another form", salesforceEUR, `{"ChangeEventHeader":{"recordIds":"x"}}`, " wrong_type /ChangeEventHeader/recordIds"},
		{"packed names", salesforceEUR, payload("UPDATE", record1, `,"nulledFields":["0x0400"]`, ""), " bad_value /ChangeEventHeader/nulledFields/0"},
		{"no time", salesforceEUR, strings.Replace(payload("UPDATE", record1, "", ""), `"commitTimestamp":1795600800000,`, "", 1), " missing_time /ChangeEventHeader/commitTimestamp"},
		{"two wrong fields", salesforceEUR, payload("UPDATE", record1, "", `,"Amount":"x","StageName":"?"`), id + " unknown_stage /StageName\n" + id + " wrong_type /Amount"},
		{"no currency", `{` + stages + `}`, message("UPDATE", record1, `,"Amount":5`), id + " missing_field /data/payload/Amount"},
		{"a currency that contradicts", salesforceEUR, payload("CREATE", record1, "", `,"Amount":5,"CurrencyIsoCode":"USD"`), id + " inconsistent /CurrencyIsoCode"},
		{"its own currency", salesforceEach, payload("CREATE", record1, "", `,"Amount":5,"CurrencyIsoCode":"USD","AI_Assisted__c":true`), id + ` 25T10:00:00.000 {"deal":"006xx000001Sv6AAAS","amount":"5","currency":"USD","created_at":"2026-11-25T10:00:00.000Z","assisted":true,"sequence":2}`},
	} {
		if got := lines(t, translator(t, crm.Salesforce, test.settings), test.call); got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}

// What is kept of a change of several records is about one of them each, and reads the same by itself.
func TestKeptOfOneRecord(t *testing.T) {
	tr := translator(t, crm.Salesforce, salesforceEUR)
	call, _ := mapping.ReadCall([]byte(message("UPDATE", record1+","+record2, `,"StageName":"?"`)))
	made := tr.Apply("/hooks/x", call).Made
	if len(made) != 2 {
		t.Fatalf("%d events", len(made))
	}
	for _, m := range made {
		if got, want := lines(t, tr, string(m.Call)), m.Event.ID+" unknown_stage /StageName"; got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
}

func TestSettings(t *testing.T) {
	for name, test := range map[string]struct {
		vendor        crm.Vendor
		settings      string
		code, pointer string
	}{
		"no account":       {crm.HubSpot, `{}`, "missing_field", "/portal"},
		"no such account":  {crm.HubSpot, `{"portal":"acme"}`, "bad_value", "/portal"},
		"an account":       {crm.Salesforce, `{"portal":"1"}`, "inconsistent", "/portal"},
		"status":           {crm.HubSpot, `{"portal":"1","stages":{"a/b":{"status":"gone"}}}`, "bad_value", "/stages/a~1b/status"},
		"stage":            {crm.HubSpot, `{"portal":"1","stages":{"a":{"stage":" x","status":"won"}}}`, "bad_text", "/stages/a"},
		"two currencies":   {crm.HubSpot, `{"portal":"1","currency":"EUR","fields":{"currency":"c"}}`, "inconsistent", "/fields/currency"},
		"zone":             {crm.Salesforce, `{"zone":"Mars/Olympus"}`, "bad_value", "/zone"},
		"the machine's":    {crm.Salesforce, `{"zone":"Local"}`, "bad_value", "/zone"},
		"one for two":      {crm.Salesforce, `{"fields":{"amount":"StageName"}}`, "inconsistent", "/fields/amount"},
		"prefix":           {crm.Salesforce, `{"prefix":"a\nb"}`, "bad_text", "/prefix"},
		"name of property": {crm.Salesforce, `{"fields":{"amount":" "}}`, "bad_text", "/fields/amount"},
	} {
		var s crm.Settings
		if err := json.Unmarshal([]byte(test.settings), &s); err != nil {
			t.Fatal(err)
		}
		problems := s.Check(test.vendor)
		if len(problems) != 1 || string(problems[0].Code) != test.code || problems[0].Pointer != test.pointer {
			t.Errorf("%s: %+v, want %s at %s", name, problems, test.code, test.pointer)
		}
	}
}
