package bench

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/event"
	"plumbline/pkg/trust"
	"plumbline/pkg/warehouse"
)

// Every event that was acknowledged is in the log, in the rounds that count and in the one that does not, and the
// progress ends where it said that it would.
func TestIngestCountsEveryEvent(t *testing.T) {
	var done, total int
	res, err := Ingest(t.Context(), Config{Short: true, Events: 450, Progress: func(d, n int) { done, total = d, n }})
	if err != nil {
		t.Fatal(err)
	}
	// 450 events are 5 batches; two rounds are 1,000 events, and both sides write them.
	if res.Events != 500 || res.InLog < 1000 || done != 2000 || total != 2000 {
		t.Errorf("result %+v, progress %d of %d", res, done, total)
	}
	if res.EventsPerS <= 0 || res.Ratio != res.EventsPerS/res.RawKafkaPerS || res.BytesPerMessage < 300 {
		t.Errorf("result %+v", res)
	}
}

// A file is taken whole, and the batches beside it.
func TestImportTakesEveryRow(t *testing.T) {
	var done, total int
	res, err := Import(t.Context(), Config{Short: true, Events: 2500, Progress: func(d, n int) { done, total = d, n }})
	if err != nil {
		t.Fatal(err)
	}
	// 2,500 rows and two rounds of 2,000 events.
	if res.Rows != 2500 || res.InLog < 6500 || done != 6500 || total != 6500 || res.RowsPerS <= 0 || res.Ratio != res.RowsPerS/res.BatchEventsPerS || res.FileMB <= 0 {
		t.Errorf("result %+v, progress %d of %d", res, done, total)
	}
}

// Outside engines that ask who is there are measured too, by processes that are told how to connect.
func TestFreshnessOfEnginesOverTLS(t *testing.T) {
	papers := embeddedtest.SecureBroker(t)
	overTLS := trust.Config{TLS: true, CA: papers.CA}
	cfg := Config{
		Short: true, Events: 500, Dir: t.TempDir(), Kafka: papers.SASL, ClickHouse: papers.SecureDatabase(t, false),
		KafkaSecurity: bus.Security{
			Config: overTLS, SASL: bus.SASLScramSHA256, User: papers.User, Password: trust.Password{Text: trust.Secret(papers.Password)},
		},
		ClickHouseSecurity: warehouse.Security{Config: overTLS},
	}
	res, err := Freshness(t.Context(), cfg)
	if err != nil || res.Probes == 0 {
		t.Errorf("%+v, %v", res, err)
	}
	if _, err := Ingest(t.Context(), cfg); err != nil {
		t.Error(err)
	}
	if _, err := Loader(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "leave --kafka out") {
		t.Errorf("the loader: %v; want a refusal", err)
	}
}

// Every event that is followed arrives.
func TestFreshnessFollowsEveryEvent(t *testing.T) {
	var done, total int
	res, err := Freshness(t.Context(), Config{Short: true, Events: 500, Dir: t.TempDir(), Progress: func(d, n int) { done, total = d, n }})
	if err != nil {
		t.Fatal(err)
	}
	if res.Probes == 0 || res.P50 <= 0 || res.P50 > res.P99 || res.P99 > res.Max || done == 0 || done > total {
		t.Errorf("result %+v, progress %d of %d", res, done, total)
	}
}

func TestWorkloadIsValidAndRepeatable(t *testing.T) {
	now := time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)
	parser := event.NewParser(func() time.Time { return now })
	bodies := newWorkload(1, "a", now).live().batches(450)
	if len(bodies) != 5 {
		t.Fatalf("%d bodies of 450 events", len(bodies))
	}
	kinds, ids := map[event.Kind]int{}, map[string]bool{}
	for _, body := range bodies {
		var events []json.RawMessage
		if err := json.Unmarshal(body, &events); err != nil {
			t.Fatal(err)
		}
		for _, raw := range events {
			e, problems := parser.Structured(raw)
			if len(problems) > 0 {
				t.Fatalf("%v: %s", problems, raw)
			}
			kinds[e.Kind]++
			ids[e.ID] = true
		}
	}
	if len(kinds) != 5 || len(ids) != 450 {
		t.Errorf("%d ids, kinds %v", len(ids), kinds)
	}
	if again := newWorkload(1, "a", now).live().batches(450); !bytes.Equal(bytes.Join(again, nil), bytes.Join(bodies, nil)) {
		t.Error("the same seed gave other events")
	}
}

func TestQuantilesAreValuesThatWereSeen(t *testing.T) {
	values := []time.Duration{5, 1, 4, 2, 3}
	for q, want := range map[float64]time.Duration{0: 1, 0.2: 1, 0.5: 3, 0.99: 5, 1: 5} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if quantile([]time.Duration(nil), 0.5) != 0 || median(nil) != 0 {
		t.Error("of nothing there is something")
	}
	if got := median([]float64{4, 1, 3, 2}); got != 2.5 { // (2+3)/2
		t.Errorf("median is %v", got)
	}
}

func TestTrailKnowsWhatIsOnTheWay(t *testing.T) {
	tr := newTrail()
	first := tr.send()
	tr.send()
	if got := tr.arrived(0, 1); len(got) != 1 || !got[0].Equal(first) {
		t.Errorf("arrived: %v", got)
	}
	if got := tr.arrived(1, 9); len(got) != 1 { // no more than were sent
		t.Errorf("arrived: %v", got)
	}
	if got := tr.arrived(2, 1); len(got) != 0 {
		t.Errorf("arrived: %v", got)
	}
	if tr.through(2) {
		t.Error("it is through before it was closed")
	}
	if tr.close(); !tr.through(2) || tr.open(1) != 1 {
		t.Error("it is not through")
	}
}

func TestMixHasNothingToDoWithPartitions(t *testing.T) {
	messages := []kafka.Message{{Key: []byte("c")}, {Key: []byte("a")}, {Key: []byte("b")}}
	mix(messages)
	if string(messages[0].Key)+string(messages[1].Key)+string(messages[2].Key) != "abc" {
		t.Errorf("%v", messages)
	}
}
