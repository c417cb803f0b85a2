package standalone_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// crmRecord is a deal as its CRM has it: every change is made here at once, in the order of time, and told of later.
type crmRecord struct {
	id, stage, amount, currency string
	created, decided            time.Time
	gone                        bool
}

// crmStatus is what the stages of both CRM systems of the tests are.
func crmStatus(stage string) string {
	switch stage {
	case "won", "delivered":
		return "won"
	case "lost", "rival":
		return "lost"
	}
	return "open"
}

// move changes the stage. A deal is decided when its status changes, and not when it goes on from one stage that is won to another.
func (r *crmRecord) move(at time.Time, stage string) {
	if crmStatus(stage) != crmStatus(r.stage) {
		r.decided = at
	}
	r.stage = stage
}

// row is the deal as the evidence of the scorecard lists it; "" where it is not decided, or not there.
func (r *crmRecord) row() string {
	if r.gone || crmStatus(r.stage) == "open" {
		return ""
	}
	money := "none"
	if r.amount != "" {
		money = r.amount + " " + r.currency
	}
	const form = "2006-01-02T15:04:05.000Z"
	return fmt.Sprint(r.id, " ", crmStatus(r.stage), " ", money, " ", r.created.Format(form), " ", r.decided.Format(form))
}

// hubspotAccount makes deals in HubSpot and remembers what its webhooks say.
type hubspotAccount struct {
	rng   *rand.Rand
	calls []string
}

func (h *hubspotAccount) say(at time.Time, deal, typ, more string) {
	// HubSpot does not promise that the id of an event is its own: here it never is.
	h.calls = append(h.calls, fmt.Sprintf(`{"eventId":1,"subscriptionId":9,"portalId":62515,"appId":3,"occurredAt":%d,"subscriptionType":"deal.%s","attemptNumber":0,"objectId":%s,"changeSource":"CRM_UI"%s}`,
		at.UnixMilli(), typ, deal, more))
}

func (h *hubspotAccount) change(at time.Time, deal, property, value string) {
	h.say(at, deal, "propertyChange", fmt.Sprintf(`,"propertyName":%q,"propertyValue":%q`, property, value))
}

// deal lives a life of n changes.
func (h *hubspotAccount) deal(id string, n int) *crmRecord {
	at := time.Date(2025, 6, 1+h.rng.IntN(28), 9, h.rng.IntN(60), 0, 0, time.UTC)
	r := &crmRecord{id: id, stage: "qualified", created: at, currency: "EUR"}
	h.say(at, id, "creation", "")
	h.change(at, id, "dealstage", "qualified")
	h.change(at, id, "closedate", fmt.Sprint(at.AddDate(0, 3, 0).UnixMilli())) // a plan
	for range n {
		at = at.Add(time.Duration(1+h.rng.IntN(90)) * time.Hour)
		switch what := h.rng.IntN(10); {
		case what < 4:
			h.moves(r, at)
		case what < 7:
			r.amount = fmt.Sprintf("%d.%02d", 100+h.rng.IntN(900), 1+h.rng.IntN(9)*11)
			h.change(at, id, "amount", r.amount)
		case what == 7:
			r.amount = ""
			h.change(at, id, "amount", "")
		case what == 8 && crmStatus(r.stage) != "open":
			r.decided = r.created.Add(at.Sub(r.created) / 2).Truncate(time.Millisecond)
			h.change(at, id, "closedate", fmt.Sprint(r.decided.UnixMilli()))
		case what == 9:
			r.gone = !r.gone
			h.say(at, id, map[bool]string{true: "deletion", false: "restore"}[r.gone], "")
		}
	}
	return r
}

// moves goes to another stage; HubSpot sets the close in the same moment where that one is closed.
func (h *hubspotAccount) moves(r *crmRecord, at time.Time) {
	stages := []string{"qualified", "demo", "won", "delivered", "lost", "rival"}
	before, stage := crmStatus(r.stage), stages[h.rng.IntN(len(stages))]
	if stage == r.stage {
		return
	}
	r.move(at, stage)
	if crmStatus(stage) != before && crmStatus(stage) != "open" {
		h.change(at, r.id, "closedate", fmt.Sprint(at.UnixMilli()))
	}
	h.change(at, r.id, "dealstage", stage)
}

// delivered is what arrives: everything in any order, some of it twice, as a second attempt.
func (h *hubspotAccount) delivered() []string {
	out := append([]string(nil), h.calls...)
	for _, c := range h.calls {
		if h.rng.IntN(3) == 0 {
			out = append(out, strings.Replace(c, `"attemptNumber":0`, `"attemptNumber":1`, 1))
		}
	}
	h.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// salesforceOrg makes opportunities and remembers the change events.
type salesforceOrg struct {
	rng    *rand.Rand
	events []string
	// history are rows of OpportunityHistory for what was lost in gaps.
	history []string
}

// say is a change event in one of the forms in which relays post them.
func (o *salesforceOrg) say(at time.Time, kind, fields string, ids ...string) {
	n := len(o.events) + 1
	payload := fmt.Sprintf(`{"ChangeEventHeader":{"entityName":"Opportunity","recordIds":["%s"],"changeType":%q,"changeOrigin":"","transactionKey":"tx-%d","sequenceNumber":1,"commitTimestamp":%d,"commitNumber":%d,"commitUser":"005xx000001Sv6eAAC","changedFields":[],"diffFields":[],"nulledFields":[%s]}%s}`,
		strings.Join(ids, `","`), kind, n, at.UnixMilli(), 1000+n, map[bool]string{true: `"Amount"`}[strings.Contains(fields, `"Amount":null`)], fields)
	switch n % 3 {
	case 0:
		payload = fmt.Sprintf(`{"data":{"schema":"s","payload":%s,"event":{"replayId":%d}},"channel":"/data/OpportunityChangeEvent"}`, payload, n)
	case 1:
		payload = fmt.Sprintf(`{"schema":"s","payload":%s,"event":{"replayId":%d}}`, payload, n)
	}
	o.events = append(o.events, payload)
}

// pair are two opportunities that are changed together now and then.
func (o *salesforceOrg) pair(a, b string, n int) []*crmRecord {
	at := time.Date(2025, 7, 1+o.rng.IntN(28), 9, o.rng.IntN(60), 0, 0, time.UTC)
	both := []*crmRecord{{id: a, stage: "qualified", created: at, currency: "USD"}, {id: b, stage: "qualified", created: at, currency: "USD"}}
	o.say(at, "CREATE", `,"StageName":"qualified","CloseDate":"2025-12-31","CurrencyIsoCode":"USD","CreatedDate":"`+at.Format(time.RFC3339)+`"`, a, b)
	for range n {
		at = at.Add(time.Duration(1+o.rng.IntN(90)) * time.Hour)
		of := both
		if o.rng.IntN(3) > 0 {
			of = both[:1]
		}
		o.change(at, of)
	}
	return both
}

// change changes some opportunities in one transaction, or in a gap of which only the history tells.
func (o *salesforceOrg) change(at time.Time, of []*crmRecord) {
	var ids []string
	for _, r := range of {
		ids = append(ids, r.id)
	}
	stages := []string{"qualified", "demo", "won", "delivered", "lost"}
	amount, stage := fmt.Sprintf("%d.%02d", 100+o.rng.IntN(900), 1+o.rng.IntN(9)*11), stages[o.rng.IntN(len(stages))]
	what, gone := o.rng.IntN(7), !of[0].gone
	for _, r := range of {
		switch what {
		case 0, 1:
			r.move(at, stage)
		case 2:
			r.move(at, stage)
			r.amount = amount
		case 3:
			r.amount = ""
		case 4:
			r.currency = map[string]string{"USD": "EUR", "EUR": "USD"}[r.currency]
		case 5:
			r.gone = gone
		case 6: // in a gap, in which it was sold for another amount
			r.move(at, "won")
			r.amount = amount
			o.history = append(o.history, fmt.Sprintf("008-%d-%s,%s,won,%s,2025-12-31,%s,%s", at.Unix(), r.id, r.id, amount, at.Format(time.RFC3339), r.currency))
		}
	}
	switch what {
	case 0, 1:
		o.say(at, "UPDATE", `,"StageName":"`+stage+`"`, ids...)
	case 2:
		o.say(at, "UPDATE", `,"StageName":"`+stage+`","Amount":`+amount, ids...)
	case 3:
		o.say(at, "UPDATE", `,"Amount":null`, ids...)
	case 4:
		for _, r := range of {
			o.say(at, "UPDATE", `,"CurrencyIsoCode":"`+r.currency+`"`, r.id)
		}
	case 5:
		o.say(at, map[bool]string{true: "DELETE", false: "UNDELETE"}[gone], "", ids...)
	case 6:
		o.say(at, "GAP_UPDATE", "", ids...)
	}
}
