package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
)

// fillBatch is how many events are produced at once, as a busy collector would.
const fillBatch = 20_000

// fillTopic writes n events to the topic of events exactly as a collector does: sealed, in binary mode, under the hash
// of their identity.
func fillTopic(ctx context.Context, cfg bus.Config, n int, seed uint64, progress func(done int)) error {
	if err := bus.Ensure(ctx, cfg); err != nil {
		return err
	}
	producer := bus.NewProducer(cfg, bus.Events)
	defer func() { _ = producer.Close() }()
	sealer := event.NewSealer([]byte("secret of a benchmark"))
	draw := newTraffic(seed)
	for from := 0; from < n; from += fillBatch {
		messages := make([]bus.Message, 0, min(fillBatch, n-from))
		for i := from; i < min(from+fillBatch, n); i++ {
			sealed, err := sealer.Seal(draw.event(i))
			if err != nil {
				return err
			}
			id, err := uuid.NewV7()
			if err != nil {
				return err
			}
			sealed.Receive = id.String()
			key, headers, value := sealed.Message()
			messages = append(messages, bus.Message{Key: key, Headers: headers, Value: value})
		}
		if _, err := producer.Produce(ctx, messages); err != nil {
			return err
		}
		progress(from + len(messages))
	}
	return nil
}

// traffic invents the events of a few days of a mid-sized organisation.
type traffic struct {
	rand  *rand.Rand
	until time.Time
}

func newTraffic(seed uint64) *traffic {
	return &traffic{rand: rand.New(rand.NewPCG(seed, 2)), until: time.Now().UTC().Truncate(time.Hour)} //nolint:gosec // repeatable on purpose
}

// trafficKinds are the kinds that the traffic has.
func trafficKinds() []event.Kind {
	return []event.Kind{event.KindHoursSaved, event.KindVendorSpend, event.KindConversion, event.KindPipeline, event.KindTraining}
}

// event invents the i-th event. Nine of ten record hours.
func (t *traffic) event(i int) event.Event {
	data := t.data()
	return event.Event{
		Workspace: "bench", Source: t.pick("https://tracker.example/source/", 4), ID: fmt.Sprintf("event-%09d", i),
		Kind: data.Kind(), Time: t.until.Add(-time.Duration(t.rand.Int64N(int64(48 * time.Hour)))), Data: data,
	}
}

func (t *traffic) data() event.Data {
	common := event.Common{
		Workflow: t.pick("workflow_", 20), Team: t.pick("team_", 8), Person: t.pick("person-", 2000), Tool: t.pick("tool_", 6),
		Evidence: "system",
	}
	switch k := t.rand.IntN(100); {
	case k < 90:
		return &event.HoursSaved{
			Common: common, Units: new(event.NumberOf(1 + t.rand.Int64N(5))), Task: t.pick("task-", 50_000),
			DoingMinutes: t.minutes(), ReviewMinutes: t.minutes(), BaselineMinutes: t.minutes(), Quality: new(uint8(1 + t.rand.IntN(5))),
		}
	case k < 93:
		return &event.VendorSpend{
			Common: common, Vendor: t.pick("Vendor ", 30), Category: "agency", BilledCost: *t.money(), Currency: "USD", InvoiceID: t.pick("INV-", 9000),
		}
	case k < 96:
		return &event.Conversion{
			Common: common, Experiment: t.pick("experiment_", 5), Variant: t.pick("variant_", 2), Currency: "USD",
			Exposures: new(t.rand.Uint64N(500)), Conversions: new(t.rand.Uint64N(20)), Value: t.money(),
		}
	case k < 98:
		created := event.Time{Time: t.until.Add(-time.Duration(t.rand.Int64N(int64(30 * 24 * time.Hour)))).Truncate(time.Millisecond)}
		return &event.Pipeline{
			Common: common, Deal: t.pick("D-", 3000), Stage: "proposal", Status: "open", Amount: t.money(), Currency: "USD", CreatedAt: &created,
		}
	default:
		return &event.Training{Common: common, Course: t.pick("course_", 10), Hours: t.minutes()}
	}
}

func (t *traffic) pick(prefix string, n int) string { return fmt.Sprint(prefix, t.rand.IntN(n)) }

// minutes are between 0 and 120, by the quarter.
func (t *traffic) minutes() *event.Number {
	return new(event.Number(t.rand.Int64N(480) * 250_000))
}

// money is between 0 and 10,000, by the cent.
func (t *traffic) money() *event.Decimal {
	return &event.Decimal{Decimal: decimal.New(t.rand.Int64N(1_000_000), -2)}
}
