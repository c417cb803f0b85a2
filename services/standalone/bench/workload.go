package bench

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"
)

// workload invents events as tools send them: work done with AI most of the time, then experiments, deals, bills and
// reviews. Every event is valid and has an id of its own; the same seed gives the same events.
type workload struct {
	draw *rand.Rand
	name string
	now  time.Time
	next int
	// hours counts the events of hours saved.
	hours int
	// when draws how long before now an event happened.
	when func() time.Duration
}

// newWorkload makes a workload whose events happened in the month before now: tools that catch up. Name keeps the ids of
// several apart.
func newWorkload(seed uint64, name string, now time.Time) *workload {
	w := &workload{draw: rand.New(rand.NewPCG(seed, 0x706c756d62)), name: name, now: now}
	w.when = func() time.Duration { return time.Duration(w.draw.IntN(30*24*3600)) * time.Second }
	return w
}

// live makes it one of tools that send what happens: of the last minute, and one in a thousand of the last day.
func (w *workload) live() *workload {
	w.when = func() time.Duration {
		if w.draw.IntN(1000) == 0 {
			return time.Duration(w.draw.IntN(24*3600)) * time.Second
		}
		return time.Duration(w.draw.IntN(60)) * time.Second
	}
	return w
}

// at moves the clock of the workload.
func (w *workload) at(now time.Time) *workload {
	w.now = now
	return w
}

// batches are request bodies of the batch mode, n events in all, [ingestBatch] in each.
func (w *workload) batches(n int) [][]byte {
	out := make([][]byte, 0, (n+ingestBatch-1)/ingestBatch)
	for n > 0 {
		var b bytes.Buffer
		b.WriteByte('[')
		for i := range min(n, ingestBatch) {
			if i > 0 {
				b.WriteByte(',')
			}
			w.event(&b)
		}
		b.WriteByte(']')
		n -= min(n, ingestBatch)
		out = append(out, b.Bytes())
	}
	return out
}

// event writes the next event in the structured mode.
func (w *workload) event(b *bytes.Buffer) {
	w.next++
	at := w.now.Add(-w.when()).UTC().Format(time.RFC3339)
	kind, source, data := w.fact(at)
	fmt.Fprintf(b, `{"specversion":"1.0","id":"%s-%08d","source":%q,"type":"plumbline.%s.v1","time":%q,"datacontenttype":"application/json","data":%s}`,
		w.name, w.next, source, kind, at, data)
}

// fact draws a kind with its source and data.
func (w *workload) fact(at string) (kind, source, data string) {
	// Each of 400 people is in one of six teams, and works on three of twenty workflows.
	who := w.draw.IntN(400)
	shared := fmt.Sprintf(`"workflow":"workflow-%02d","team":"team-%d"`, (who+7*w.draw.IntN(3))%20, who%6)
	person := fmt.Sprintf(`"person":"person-%03d@example.com"`, who)
	switch n := w.draw.IntN(20); {
	case n < 13:
		w.hours++
		return "hours_saved", "/tools/assistant", fmt.Sprintf(
			`{%s,%s,"tool":"assistant","task":"task-%06d","doing_minutes":%d,"prompting_minutes":%.1f,"review_minutes":%d,"baseline_minutes":%d,"quality":%d}`,
			shared, person, w.next, 5+w.draw.IntN(90), 10*w.draw.Float64(), w.draw.IntN(20), 30+w.draw.IntN(200), 1+w.draw.IntN(5))
	case n < 15:
		return "conversion", "/tools/experiments", fmt.Sprintf(
			`{%s,"experiment":"headline-%d","variant":%q,"exposures":%d,"conversions":%d,"value":"%d.%02d","currency":"EUR"}`,
			shared, w.draw.IntN(8), [...]string{"control", "ai"}[w.draw.IntN(2)], 20+w.draw.IntN(80), w.draw.IntN(20), w.draw.IntN(900), w.draw.IntN(100))
	case n < 17:
		return "pipeline", "/crm", fmt.Sprintf(
			`{%s,%s,"deal":"deal-%05d","stage":"proposal","status":"open","amount":"%d.00","currency":"EUR","created_at":%q,"touches":[{"workflow":"workflow-%02d","at":%q,"role":"first"}]}`,
			shared, person, w.draw.IntN(20000), 100*(1+w.draw.IntN(500)), at, w.draw.IntN(20), at)
	case n < 18:
		return "vendor_spend", "/billing", fmt.Sprintf(
			`{%s,"vendor":"Vendor %d","category":"agency","billed_cost":"%d.%02d","currency":"EUR","invoice_id":"inv-%06d"}`,
			shared, w.draw.IntN(40), w.draw.IntN(5000), w.draw.IntN(100), w.next)
	default:
		return "review", "/cms", fmt.Sprintf(
			`{%s,%s,"asset":"asset-%06d","reviewer":"brand","submitted_at":%q,"decided_at":%q,"decision":"approved","touch_minutes":%d}`,
			shared, person, w.next, at, at, w.draw.IntN(60))
	}
}
