package faults

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-json-experiment/json"

	"plumbline/pkg/event"
)

// drawing makes events out of a seed.
type drawing struct {
	rng *rand.Rand
	// made are the facts so far by workspace, which corrections, voids and conflicts name.
	made map[string][]shipment
	n    int
}

// shipment is one event as a client sends it.
type shipment struct {
	workspace, source, id string
	time                  time.Time
	data                  event.Data
}

func pick[T any](d *drawing, values ...T) T { return values[d.rng.IntN(len(values))] }

// next draws an event: mostly a new fact, else something about an earlier or a later one.
func (d *drawing) next() shipment {
	workspace := pick(d, workspaces()...)
	made := d.made[workspace]
	roll := d.rng.IntN(100)
	switch {
	case roll < 8 && len(made) > 0: // the same once more, from the same client or from another one
		return made[d.rng.IntN(len(made))]
	case roll < 11 && len(made) > 0: // the same id with another payload
		s := made[d.rng.IntN(len(made))]
		s.data = d.data()
		return s
	case roll < 13 && len(made) > 0: // the same id with another time
		s := made[d.rng.IntN(len(made))]
		s.time = s.time.Add(time.Duration(1+d.rng.IntN(48)) * time.Hour)
		return s
	}
	d.n++
	s := shipment{
		workspace: workspace, source: pick(d, "crm.example", "writer.example", "ads.example"), id: fmt.Sprintf("e%d", d.n), time: d.time(),
	}
	if roll < 25 {
		d.amend(&s, made)
	} else {
		s.data = d.data()
	}
	s.data.Normalise()
	d.made[workspace] = append(made, s)
	return s
}

// amend makes a void or a correction: of what was sent, of what will be sent (ids are numbers), of nothing, or of another
// amendment, which has no effect.
func (d *drawing) amend(s *shipment, made []shipment) {
	target := shipment{source: pick(d, "crm.example", "writer.example", "ads.example"), id: fmt.Sprintf("e%d", d.n+1+d.rng.IntN(40)), data: d.data()}
	if len(made) > 0 && d.rng.IntN(3) > 0 {
		target = made[d.rng.IntN(len(made))]
	}
	if d.rng.IntN(3) == 0 {
		s.data = &event.Void{Source: target.source, ID: target.id, Reason: "sent by mistake"}
		return
	}
	data := d.dataOf(target.data.Kind())
	data.Normalise()
	raw, err := json.Marshal(data)
	if err != nil {
		panic(err) // data of ours always encode
	}
	s.data = &event.Correct{Source: target.source, ID: target.id, Target: data.Kind(), Data: raw}
}

// time draws an instant around ends of months and changes of the clocks, sometimes a year late.
func (d *drawing) time() time.Time {
	at := pick(d, time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 29, 0, 0, 0, 0, time.UTC)).AddDate(0, 0, d.rng.IntN(6))
	if d.rng.IntN(10) == 0 {
		at = time.Date(2025, 3, 29, 0, 0, 0, 0, time.UTC).AddDate(0, 0, d.rng.IntN(4))
	}
	return at.Add(time.Duration(d.rng.IntN(86_400_000)) * time.Millisecond)
}

// data draws the payload of a fact.
func (d *drawing) data() event.Data {
	return d.dataOf(pick(
		d, event.KindHoursSaved, event.KindHoursSaved, event.KindHoursSaved, event.KindVendorSpend, event.KindVendorSpend, event.KindConversion,
		event.KindConversion, event.KindPipeline, event.KindReview, event.KindPulse, event.KindTraining, event.KindBarrier,
	))
}

func (d *drawing) dataOf(kind event.Kind) event.Data {
	data := d.bare(kind)
	c := data.Shared()
	c.Team, c.Workflow = pick(d, "", "content", "growth"), pick(d, "", "briefs", "ads")
	c.Evidence = pick(d, "", "system", "measured")
	return data
}

// bare draws the fields of a kind; of amendments, another fact, since neither can be a target.
func (d *drawing) bare(kind event.Kind) event.Data {
	switch kind {
	case event.KindVendorSpend:
		return &event.VendorSpend{
			Vendor: pick(d, "ACME \"& Söhne\"", "Agency 2"), Category: pick(d, "agency", "ai_tool"), BilledCost: d.decimal(),
			Currency: pick(d, "EUR", "USD"), InvoiceDate: maybe(d, func() event.Day { return event.DayOf(d.time()) }), EffectiveCost: maybe(d, d.decimal),
			Final: maybe(d, func() bool { return d.rng.IntN(2) == 0 }),
		}
	case event.KindConversion:
		return &event.Conversion{
			Experiment: pick(d, "subject-line", "landing"), Variant: pick(d, "a", "b"), Exposures: maybe(d, func() uint64 { return d.rng.Uint64N(1000) }),
			Conversions: new(d.rng.Uint64N(10)), Value: maybe(d, d.decimal), Currency: "EUR",
		}
	case event.KindPipeline:
		return d.pipeline()
	case event.KindReview:
		return &event.Review{Asset: "a1", Reviewer: pick(d, "brand", "legal"), SubmittedAt: event.Time{Time: d.time()}}
	case event.KindPulse:
		p := &event.Pulse{Wave: surveyWave, Role: pick(d, "leader", "ic"), ROIProvable: pick(d, "yes", "partly", "no"), Satisfaction: new(uint8(1 + d.rng.IntN(5)))}
		p.Person = d.person()
		return p
	case event.KindTraining:
		return &event.Training{Course: pick(d, "prompting", "policy"), Hours: new(event.NumberOf(1 + d.rng.Int64N(8)))}
	case event.KindBarrier:
		b := &event.Barrier{Barrier: "slow-review", Category: "review_delay", MinutesLost: new(event.NumberOf(d.rng.Int64N(90))), Owner: d.person()}
		b.Note = textOf(b.Owner)
		return b
	default:
		h := &event.HoursSaved{
			Units: maybe(d, func() event.Number { return event.NumberOf(1 + d.rng.Int64N(4)) }), DoingMinutes: new(event.Number(1 + d.rng.Int64N(90_000_000))),
			ReviewMinutes: maybe(d, func() event.Number { return event.NumberOf(d.rng.Int64N(30)) }), Trial: pick(d, "", "", "", "t1"),
			BaselineMinutes: maybe(d, func() event.Number { return event.NumberOf(d.rng.Int64N(120)) }),
		}
		h.Person = d.person()
		h.Task = textOf(h.Person)
		return h
	}
}

func (d *drawing) pipeline() event.Data {
	p := &event.Pipeline{
		Deal: fmt.Sprintf("deal-%d", d.rng.IntN(12)), Stage: pick(d, "", "demo", "offer"), Status: pick(d, "open", "open", "won", "lost"),
		CreatedAt: maybe(d, func() event.Time { return event.Time{Time: d.time()} }), Assisted: maybe(d, func() bool { return d.rng.IntN(2) == 0 }),
		Amount: maybe(d, d.decimal), Currency: "EUR", Sequence: maybe(d, func() uint64 { return d.rng.Uint64N(4) }),
	}
	if d.rng.IntN(3) == 0 {
		p.Touches = event.Touches{{Workflow: "ads", At: event.Time{Time: d.time()}, Role: "first"}}
	}
	if d.rng.IntN(3) == 0 {
		p.Partial, p.Status, p.Currency = new(true), pick(d, "", "", "won"), pick(d, "", "", "USD")
		p.Withdrawn = maybe(d, func() bool { return d.rng.IntN(4) == 0 })
		if p.Amount == nil {
			p.Cleared = pick(d, "", "amount")
		}
	}
	return p
}

// persons are those of whom events tell.
func persons() []string { return []string{"ada@example.com", "grace@example.com", "u-17"} }

func (d *drawing) person() string {
	return pick(d, append([]string{""}, persons()...)...)
}

// textOf is free text about a person, which goes when the person is erased.
func textOf(person string) string {
	if person == "" {
		return ""
	}
	return "as told by " + person
}

func (d *drawing) decimal() event.Decimal {
	v, err := event.ParseDecimal(fmt.Sprintf("%d.%02d", d.rng.IntN(2000)-200, d.rng.IntN(100)))
	if err != nil {
		panic(err) // digits of ours are always a decimal
	}
	return v
}

func maybe[V any](d *drawing, value func() V) *V {
	if d.rng.IntN(2) == 0 {
		return nil
	}
	return new(value())
}
