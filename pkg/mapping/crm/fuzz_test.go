package crm_test

import (
	"testing"

	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
	"plumbline/pkg/mapping/crm"
)

// Whatever is sent, each call has an outcome: events that the contract takes or refuses with a sentence, a refusal that says why, or a
// reason why it does not count. The same call has the same outcome.
func FuzzCalls(f *testing.F) {
	for _, s := range []string{
		property("dealstage", `"closedwon"`), property("amount", `"1e3"`), property("closedate", `"2026-11-20"`), property("amount", `null`),
		change(`"subscriptionType":"deal.merge","primaryObjectId":7,"mergedObjectIds":[8],"newObjectId":10`), `{}`, `{"mergedObjectIds":1}`,
		message("CREATE", record1, `,"StageName":"Prospecting","Amount":1000.10`), payload("UPDATE", record1+","+record2, `,"nulledFields":["Amount"]`, `,"StageName":"?"`),
		payload("GAP_OVERFLOW", `"000000000000000AAA"`, "", ""), `{"data":{"payload":{"ChangeEventHeader":{"entityName":1}}}}`,
	} {
		f.Add([]byte(s))
	}
	all := []*crm.Translator{
		translator(f, crm.HubSpot, hubspotEUR), translator(f, crm.HubSpot, hubspotEach, "*"),
		translator(f, crm.Salesforce, salesforceEUR), translator(f, crm.Salesforce, salesforceEach, "*"),
	}
	p := parser()
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, tr := range all {
			call, problem := mapping.ReadCall(raw)
			if problem != nil {
				return
			}
			r := tr.Apply("/hooks/x", call)
			if len(r.Made)+len(r.Skipped) == 0 && !r.Ignored {
				t.Fatalf("nothing becomes of %s", raw)
			}
			again := tr.Apply("/hooks/x", call)
			for i, m := range r.Made {
				for _, problem := range m.Problems {
					if problem.Code == "" || problem.Message == "" || len(problem.Message) > 1024 {
						t.Fatalf("a problem that says nothing: %+v", problem)
					}
				}
				if len(m.Problems) > 0 {
					continue
				}
				if m.Event.ID != again.Made[i].Event.ID || string(m.Event.Data) != string(again.Made[i].Event.Data) || m.Kind != event.KindPipeline {
					t.Fatalf("%s becomes another event the second time", raw)
				}
				if d, problems := p.Data(m.Kind, m.Event.Data); len(problems) == 0 && !d.(*event.Pipeline).IsPartial() {
					t.Fatalf("%s is no partial change", m.Event.Data)
				}
			}
		}
	})
}
