package registry_test

import (
	"strings"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

// What is wrong with a connection is said with a pointer, and its mapping is checked when it is written.
func TestConnectionEntries(t *testing.T) {
	for name, test := range map[string]struct {
		key, value string
		code       event.Code
		pointer    string
	}{
		"segment":  {"shop", `{"via":"segment","ignore":["Product Viewed"]}`, "", ""},
		"webhook":  {"crm", `{"via":"webhook","events":[{"kind":"training","time":{"column":"at"}}],"signature":{"header":"X-Sig","timestamp_header":"X-Time"}}`, "", ""},
		"no via":   {"crm", `{}`, event.CodeMissingField, "/via"},
		"key":      {"Crm/x", `{"via":"webhook"}`, event.CodeBadValue, ""},
		"reserved": {"hubspot", `{"via":"webhook"}`, event.CodeBadValue, ""},
		"field":    {"crm", `{"via":"webhook","events":[{"kind":"training","time":{"column":"at"},"fields":{"corse":{"column":"x"}}}]}`, event.CodeBadValue, "/events/0/fields/corse"},
		"header":   {"crm", `{"via":"webhook","signature":{"header":"Authorization"}}`, event.CodeBadValue, "/signature/header"},
		"no time":  {"crm", `{"via":"webhook","signature":{"header":"X-A","timestamp_header":"x-a"}}`, event.CodeInconsistent, "/signature/timestamp_header"},
		"signed":   {"shop", `{"via":"segment","signature":{"header":"X-A"}}`, event.CodeInconsistent, "/signature"},
		"builtin":  {"crm", `{"via":"webhook","builtin":false}`, event.CodeInconsistent, "/builtin"},
		"hubspot":  {"hubspot", `{"via":"hubspot","ignore":["dealname"],"deals":{"portal":"1","currency":"EUR","stages":{"closedwon":{"status":"won"}}}}`, "", ""},
		"relayed":  {"salesforce-emea", `{"via":"salesforce","deals":{"prefix":"emea-"},"signature":{"header":"X-Sig"}}`, "", ""},
		"of other": {"salesforce", `{"via":"hubspot","deals":{"portal":"1"}}`, event.CodeBadValue, ""},
		"no deals": {"hubspot", `{"via":"hubspot"}`, event.CodeMissingField, "/deals"},
		"currency": {"hubspot", `{"via":"hubspot","deals":{"portal":"1","currency":"euro"}}`, event.CodeBadValue, "/deals/currency"},
		"status":   {"hubspot", `{"via":"hubspot","deals":{"portal":"1","stages":{"a":{"status":"gone"}}}}`, event.CodeBadValue, "/deals/stages/a/status"},
		"events":   {"hubspot", `{"via":"hubspot","deals":{"portal":"1"},"events":[]}`, event.CodeInconsistent, "/events"},
		"column":   {"hubspot", `{"via":"hubspot","deals":{"portal":"1"},"event_column":"x"}`, event.CodeInconsistent, "/event_column"},
		"own sign": {"hubspot", `{"via":"hubspot","deals":{"portal":"1"},"signature":{"header":"X-A"}}`, event.CodeInconsistent, "/signature"},
		"no crm":   {"crm", `{"via":"webhook","deals":{}}`, event.CodeInconsistent, "/deals"},
		"secret":   {"crm", `{"via":"webhook","signature":{"header":"X-A","secret":"x"}}`, event.CodeUnknownField, "/signature/secret"},
	} {
		_, problems := registry.Decode(registry.Connections, test.key, []byte(test.value))
		switch {
		case test.code == "" && len(problems) > 0:
			t.Errorf("%s: %v", name, problems)
		case test.code != "" && (len(problems) == 0 || problems[0].Code != test.code || problems[0].Pointer != test.pointer):
			t.Errorf("%s: %+v, want %s at %q", name, problems, test.code, test.pointer)
		}
	}
}

// After a rotation the secret before is good for a day, and an earlier one never again.
func TestConnectionSecrets(t *testing.T) {
	day := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	record := func(id, value string, at time.Time) registry.Record {
		return registry.Record{
			Workspace: "w", Kind: registry.Connections, Key: "crm", EntryID: id, ValidFrom: at, RecordedAt: at, Value: []byte(value),
		}
	}
	s := registry.NewSnapshot([]registry.Record{
		record("1", `{"via":"webhook","signature":{"header":"X-A"}}`, day),
		record("2", `{"via":"webhook","signature":{"header":"X-A","secret_version":1}}`, day.Add(time.Hour)),
		record("3", `{"via":"webhook","signature":{"header":"X-B","secret_version":1}}`, day.Add(2*time.Hour)),
		record("4", `{"via":"webhook"}`, day.Add(72*time.Hour)),
	})
	for at, want := range map[time.Duration]int{-time.Hour: 0, 0: 1, 2 * time.Hour: 2, 26 * time.Hour: 1, 80 * time.Hour: 0} {
		if got := s.SignatureVersions("crm", day.Add(at)); len(got) != want {
			t.Errorf("after %s: %v, want %d", at, got, want)
		}
	}
	back := s.Contradictions(record("5", `{"via":"webhook","signature":{"header":"X-A"}}`, day.Add(90*time.Hour)))
	if len(back) != 1 || back[0].Pointer != "/signature/secret_version" || !strings.Contains(back[0].Message, "or 2 for a new one") {
		t.Errorf("an earlier secret: %v", back)
	}
}
