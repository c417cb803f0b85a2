package faults

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/go-json-experiment/json"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/client"
	"plumbline/pkg/embedded"
	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
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
		db, err := r.w.open(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = db.Close() }()
		var rows []struct {
			ID string `ch:"id"`
		}
		if err := db.Query(ctx, "SELECT hex(min(identity)) AS id FROM training", nil, &rows); err != nil {
			return err
		}
		return tampered(ctx, r,
			"ALTER TABLE training DELETE WHERE identity = unhex('"+rows[0].ID+"') SETTINGS mutations_sync = 1",
			"INSERT INTO barrier SELECT * REPLACE (unhex('00112233445566778899aabbccddeeff') AS identity) FROM barrier LIMIT 1",
			"INSERT INTO rollup_spend SELECT * FROM rollup_spend",
		)
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

// The same of what an administrator asks for: a person who stands somewhere again, in rows, rollups, rejects or the registry,
// and replays that are lost, forged or forgotten. It runs by itself, since [nobodyAsks] looks at the whole process.
func TestJudgementFindsWhatIsWrongAtTheDesk(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an installation of processes")
	}
	s := newStand(t, "lost-http-answer")
	const seed = 9
	if d := newDraft(s.cfg, seed); !d.replays || !d.erases {
		t.Fatal("the seed draws no replays or no erasure: take another one")
	}
	s.tamper = func(ctx context.Context, r *run) error {
		db, err := r.w.open(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = db.Close() }()
		one := func(sql string) string {
			var rows []struct {
				Value string `ch:"value"`
			}
			if err := db.Query(ctx, sql, nil, &rows); err != nil || len(rows) == 0 {
				t.Errorf("%s: %d rows, %v", sql, len(rows), err)
				return ""
			}
			return rows[0].Value
		}
		hash := r.load.sealer.Person("alpha", r.erasing.person)
		pseudonym := one("SELECT pseudonym AS value FROM erasures LIMIT 1")
		row := one("SELECT hex(min(identity)) AS value FROM hours_saved WHERE person = '" + pseudonym + "'")
		lost := one("SELECT hex(min(identity)) AS value FROM vendor_spend WHERE source = 'broken.example'")
		replay := one("SELECT max(reject_id) AS value FROM replays WHERE source = 'broken.example' AND state = 'unchanged'")
		return tampered(ctx, r,
			"ALTER TABLE hours_saved UPDATE person = '"+hash+"' WHERE identity = unhex('"+row+"') SETTINGS mutations_sync = 1",
			"ALTER TABLE vendor_spend DELETE WHERE identity = unhex('"+lost+"') SETTINGS mutations_sync = 1",
			"ALTER TABLE replays DELETE WHERE reject_id = '"+replay+"' SETTINGS mutations_sync = 1",
			"INSERT INTO replays SELECT * REPLACE ('forged' AS reject_id, 987654 AS kafka_offset, 'accepted' AS state) FROM replays LIMIT 1",
			"INSERT INTO rejects SELECT * REPLACE ('forged' AS reject_id, 'see "+r.erasing.person+"' AS raw) FROM rejects WHERE stage = 'collector' LIMIT 1",
			"INSERT INTO rollup_hours SELECT * REPLACE ('"+hash+"' AS person) FROM rollup_hours WHERE workspace = 'alpha' LIMIT 1",
			"ALTER TABLE duplicates DELETE WHERE (kafka_partition, kafka_offset) = (SELECT min((kafka_partition, kafka_offset)) FROM duplicates) SETTINGS mutations_sync = 1",
			"INSERT INTO duplicates SELECT * REPLACE (987654 AS kafka_offset) FROM duplicates LIMIT 1",
			"INSERT INTO registry SELECT * REPLACE ('forged' AS entry_id, '"+r.erasing.person+"' AS author) FROM registry WHERE workspace = 'alpha' LIMIT 1",
		)
	}
	rep := s.run(t.Context(), seed)
	if rep.err != nil {
		t.Fatal(rep.line())
	}
	for list, want := range map[*[]string][]string{
		&rep.lost: {
			"row false, identity true", "and the list does not say so", "reject forged is recorded as replayed to", "is not noted as a duplicate",
		},
		&rep.duplicated: {"987654 is noted as a duplicate 1 times"},
		&rep.wrong: {
			"rows of hours_saved name the person", "rows of rejects name the person", "rows of rollup_hours name the person",
			"rows of registry name the person", "[person url task] are",
		},
	} {
		for _, text := range want {
			if !strings.Contains(strings.Join(*list, "\n"), text) {
				t.Errorf("not found: %s; found %s", text, strings.Join(*list, "\n"))
			}
		}
	}
	if len(rep.lost) != 4 || len(rep.duplicated) != 1 {
		t.Errorf("lost: %s, want the four that were; duplicated: %s, want the one that was", strings.Join(rep.lost, "\n"), strings.Join(rep.duplicated, "\n"))
	}
}

// tampered changes the warehouse behind the product's back.
func tampered(ctx context.Context, r *run, statements ...string) error {
	opts, err := clickhouse.ParseDSN(r.w.dsn)
	if err != nil {
		return err
	}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	for _, sql := range statements {
		if err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// What is broken is refused as it is, and is what was drawn once it is mended.
func TestBrokenIsMended(t *testing.T) {
	t.Parallel()
	text, err := mending()
	if err != nil {
		t.Fatal(err)
	}
	fix, problems := mapping.ParseFix([]byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	l, err := newLoad("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	parser := event.NewParser(time.Now)
	b := newBreaking(rand.New(rand.NewPCG(1, 1)))
	named, nicks := 0, 0
	for range 200 {
		one, err := b.next()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(one.raw)
		if err != nil {
			t.Fatal(err)
		}
		if _, problems := parser.Structured(raw); len(problems) == 0 {
			t.Fatalf("%s is taken as it is", raw)
		}
		mended, changed, problem := fix.Apply(raw)
		if problem != nil || !changed {
			t.Fatalf("%s is not mended: %v", raw, problem)
		}
		e, problems := parser.Structured(mended)
		if len(problems) > 0 {
			t.Fatalf("%s: %v", mended, problems)
		}
		e.Workspace = one.workspace
		sealed, err := l.sealer.Seal(e)
		if err != nil || sealed.Payload != l.payload(one.shipment) {
			t.Fatalf("%s is another event than the one that was drawn, %v", mended, err)
		}
		if one.names != "" {
			named++
		}
		if strings.Contains(string(raw), "nick of") {
			nicks++
		}
	}
	if named == 0 || nicks == 0 {
		t.Errorf("%d of 200 name a person, %d by another name; want some of each", named, nicks)
	}
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

// Two loaders have had a chunk with a void of a void, and a copy of it: one has stored it, the other has refused both, and
// whatever is told of either is right. Where nobody has stored it, both have to be refused.
func TestModelOfARefusedCopy(t *testing.T) {
	t.Parallel()
	sealer := event.NewSealer([]byte(secret))
	log := map[int][]message{}
	put := func(id, target string, offsets ...int64) (at []place) {
		t.Helper()
		sealed, err := sealer.Seal(event.Event{
			Workspace: "alpha", Source: "s", ID: id, Kind: event.KindVoid, Time: time.Unix(1_770_000_000, 0).UTC(), Data: &event.Void{Source: "s", ID: target},
		})
		if err != nil {
			t.Fatal(err)
		}
		key, headers, value := sealed.Message()
		p := bus.PartitionOf(key, partitions)
		for _, offset := range offsets {
			msg := message{Key: key, Value: value, Offset: offset, Time: time.Unix(1_780_000_000, 0)}
			for _, h := range headers {
				msg.Headers = append(msg.Headers, kafka.Header{Key: h.Key, Value: h.Value})
			}
			log[p] = append(log[p], msg)
			at = append(at, place{Partition: p, Offset: offset})
		}
		return at
	}
	put("first", "nothing", 0)
	at := put("second", "first", 100, 102)
	refused := map[place]bool{at[0]: true, at[1]: true}
	rejects := map[place]refusal{at[0]: {event.CodeBadTarget, 1}, at[1]: {event.CodeBadTarget, 1}}

	m, rep := newModel(log, refused, map[place]bool{at[0]: true}), &report{}
	m.judgeRejects(rejects, rep)
	if len(rep.lost) != 0 || !m.both[at[1]] || m.refusals[at[1]] != "" {
		t.Errorf("stored and refused: %v", rep.lost)
	}
	m, rep = newModel(log, refused, nil), &report{}
	m.judgeRejects(rejects, rep)
	if len(rep.lost) != 0 || m.refusals[at[0]] != event.CodeBadTarget || m.refusals[at[1]] != event.CodeBadTarget {
		t.Errorf("refused: %v", rep.lost)
	}
	// A copy that is refused where the first one is stored and not refused has no such excuse.
	m, rep = newModel(log, map[place]bool{at[1]: true}, map[place]bool{at[0]: true}), &report{}
	m.judgeRejects(map[place]refusal{at[1]: {event.CodeBadTarget, 1}}, rep)
	if len(rep.lost) == 0 {
		t.Error("a copy of what is stored was refused, and nothing was found")
	}
}

// A claim is judged by the events that count: one that was accepted before it, refused by a loader, and whose name a replay has given
// to another event after it, is none of them. One that counts and is not there is found.
func TestClaimsAreJudgedByWhatCounts(t *testing.T) {
	t.Parallel()
	at := func(second int) time.Time { return time.Unix(1_780_000_000+int64(second), 0) }
	id := event.IdentityOf("alpha", "s", "e")
	of := subject{"alpha", event.KindVendorSpend}
	accepted := []acked{{shipment: shipment{workspace: "alpha", source: "s", id: "e"}, at: at(1)}}
	for second, want := range map[int]int{0: 1, 5: 0} { // when the event that counts was appended
		m := &model{winners: map[event.Identity]event.Stored{id: {
			Event: event.Event{Workspace: "alpha", Source: "s", ID: "e", Kind: event.KindVendorSpend}, ReceivedAt: at(second),
		}}, voided: map[event.Identity]bool{}}
		w := &watch{samples: []sample{{through: at(3), counted: map[subject]uint64{of: 0}}}}
		if got := w.overclaimed(m, accepted); len(got) != want {
			t.Errorf("appended after %d s: %q, want %d complaints", second, got, want)
		}
	}
}

// What was refused at the first place of the log is no winner there: the place of none has the same figures.
func TestOutcomeOfTheFirstPlace(t *testing.T) {
	t.Parallel()
	first := place{Partition: 0, Offset: 0}
	m := &model{winners: map[event.Identity]event.Stored{}, refusals: map[place]event.Code{first: event.CodeBadTarget}, both: map[place]bool{}}
	a := acked{shipment: shipment{workspace: "beta", source: "s", id: "void"}, receipt: first}
	if text := m.wrongOutcome(a, client.Outcome{State: client.Rejected, Code: event.CodeBadTarget}); text != "" {
		t.Errorf("refused, as it has to be: %s", text)
	}
	if text := m.wrongOutcome(a, client.Outcome{State: client.Loaded}); text == "" {
		t.Error("said to be loaded, which it is not, and nothing was found")
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
	replays, erases := 0, 0
	for seed := range uint64(200) {
		a, b := newDraft(Config{Kafka: Embedded}, seed), newDraft(Config{Kafka: Embedded}, seed)
		if a.desk != b.desk || a.replays != b.replays || a.erases != b.erases || a.load != b.load || a.pause() != b.pause() || !slices.Equal(a.faults, b.faults) {
			t.Errorf("the seed %d has drawn another run", seed)
		}
		if a.replays {
			replays++
		}
		if a.erases {
			erases++
		}
	}
	if replays < 80 || erases < 30 {
		t.Errorf("of 200 runs %d have replays and %d an erasure; want about 100 and 60", replays, erases)
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
