package faults

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"plumbline/pkg/client"
	"plumbline/pkg/embedded"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/services/standalone/parts"
)

func TestMain(m *testing.M) {
	embedded.Child()
	parts.Child()
	os.Exit(m.Run())
}

// newStand runs this binary as the parts.
func newStand(t *testing.T, only string) *stand {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{cfg: Config{Runs: 1, Kafka: Embedded, Only: only, Parallel: 1, Binary: self, Dir: t.TempDir(), Out: io.Discard}}
	t.Cleanup(s.close)
	return s
}

// A suite that finds nothing must be able to find something: what is taken away, added or changed behind the product's
// back is seen, each as what it is.
func TestJudgementFindsWhatIsWrong(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an installation of processes")
	}
	t.Parallel()
	s := newStand(t, "lost-http-answer")
	s.tamper = func(ctx context.Context, r *run) error {
		opts, err := clickhouse.ParseDSN(r.w.dsn)
		if err != nil {
			return err
		}
		conn, err := clickhouse.Open(opts)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		var id string
		if err := conn.QueryRow(ctx, "SELECT hex(min(identity)) FROM training").Scan(&id); err != nil {
			return err
		}
		for _, sql := range []string{
			"ALTER TABLE training DELETE WHERE identity = unhex('" + id + "') SETTINGS mutations_sync = 1",
			"INSERT INTO barrier SELECT * REPLACE (unhex('00112233445566778899aabbccddeeff') AS identity) FROM barrier LIMIT 1",
			"INSERT INTO rollup_spend SELECT * FROM rollup_spend",
		} {
			if err := conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	}
	rep := s.run(t.Context(), 7)
	if rep.err != nil {
		t.Fatal(rep.line())
	}
	if len(rep.lost) != 1 || !strings.Contains(rep.lost[0], "row false, identity true") {
		t.Errorf("lost: %q, want the one training that was deleted", rep.lost)
	}
	if len(rep.duplicated) != 1 || !strings.Contains(rep.duplicated[0], "00112233445566778899aabbccddeeff") {
		t.Errorf("duplicated: %q, want the one barrier that nobody sent", rep.duplicated)
	}
	if len(rep.wrong) == 0 || !strings.Contains(strings.Join(rep.wrong, " "), "rollup_spend") {
		t.Errorf("wrong: %q, want charges that are summed twice", rep.wrong)
	}
	nobodyAsks(t)
}

// nobodyAsks fails while something of the run still asks for brokers: their ports are given out again.
func nobodyAsks(t *testing.T) {
	t.Helper()
	stacks := make([]byte, 4<<20)
	for deadline := time.Now().Add(10 * time.Second); ; {
		n := runtime.Stack(stacks, true)
		if !strings.Contains(string(stacks[:n]), "kafka-go.(*connPool)") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the run is over, and a client of its brokers is not")
		}
		if err := process.Wait(t.Context(), 50*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
}

// The same seed sends the same events and draws the same faults.
func TestRunsAreReproducible(t *testing.T) {
	t.Parallel()
	one := batches(rand.New(rand.NewPCG(3, 1)), 500, time.Second)
	two := batches(rand.New(rand.NewPCG(3, 1)), 500, time.Second)
	l, err := newLoad("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	same := slices.EqualFunc(one, two, func(a, b batch) bool {
		return a.at == b.at && a.way == b.way && slices.EqualFunc(a.list, b.list, func(x, y shipment) bool {
			return x.id == y.id && x.source == y.source && l.payload(x) == l.payload(y)
		})
	})
	if !same {
		t.Error("the same seed has drawn other events")
	}
	names := func() []string {
		var out []string
		for _, p := range drawPlans(Config{Kafka: Embedded}, rand.New(rand.NewPCG(4, 1))) {
			out = append(out, p.name)
		}
		return out
	}
	if first := names(); !slices.Equal(first, names()) {
		t.Error("the same seed has drawn other faults")
	}
}

// Every kind of event is drawn, and everything that a run is to contain.
func TestLoadHasEverything(t *testing.T) {
	t.Parallel()
	kinds, ids := map[event.Kind]int{}, map[event.Identity]map[event.Kind]bool{}
	early, late := 0, 0
	seen := map[string]bool{}
	for _, b := range batches(rand.New(rand.NewPCG(1, 1)), 2000, time.Second) {
		for _, s := range b.list {
			kinds[s.data.Kind()]++
			id := event.IdentityOf(s.workspace, s.source, s.id)
			if ids[id] == nil {
				ids[id] = map[event.Kind]bool{}
			}
			ids[id][s.data.Kind()] = true
			if s.time.Before(time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC)) {
				late++
			}
			if v, ok := s.data.(*event.Void); ok && !seen[s.workspace+v.ID] {
				early++
			}
			seen[s.workspace+s.id] = true
		}
	}
	for _, spec := range event.Catalogue() {
		if kinds[spec.Kind] == 0 {
			t.Errorf("no %s is drawn", spec.Kind)
		}
	}
	conflicts := 0
	for _, of := range ids {
		if len(of) > 1 {
			conflicts++
		}
	}
	if conflicts == 0 || late == 0 || early == 0 {
		t.Errorf("%d ids of several kinds, %d events a year late, %d voids before their target; want some of each", conflicts, late, early)
	}
}

func TestLineIsTheOneOfTheInterface(t *testing.T) {
	t.Parallel()
	r := Result{Runs: 200, Events: 12345}
	if got, want := r.Line(), "faults: 200 runs, 12345 events, lost 0, duplicated 0, wrong rollups 0"; got != want || !r.OK() {
		t.Errorf("%q, %t; want %q", got, r.OK(), want)
	}
	r.Unfinished = 1
	if r.OK() {
		t.Error("a run that did not finish is no success")
	}
	if text := new(model).wrongOutcome(acked{}, client.Outcome{State: client.Queued}); text == "" {
		t.Error("an event that is queued for ever is not found")
	}
}
