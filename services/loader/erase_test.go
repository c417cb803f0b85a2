package loader

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

// A person is taken out of everything, the totals stay, and nothing that comes later brings them back.
func TestEraseAPerson(t *testing.T) {
	t.Parallel()
	e := newErasing(t, 2*time.Second)
	stop := e.run(nil)
	e.declare(registry.People, hashOf(ann), "admin", `{"rate_class":"junior","role":"ic","team":"a"}`, `{"rate_class":"senior","role":"ic","team":"a"}`)
	e.declare(registry.People, hashOf("bob"), hashOf(ann), `{"rate_class":"junior","role":"ic","team":"a"}`)
	e.declare(registry.Workflows, "w", "admin", `{"name":"W","owner":"`+ann+`"}`, `{"name":"W, by `+ann+`","owner":"bob"}`)
	e.declare(registry.Disputes, "d", hashOf(ann), `{"dispute":"d","action":"raise","workflow":"w","text":"`+annsWords+`","direction":"too_high","from":"2026-02-01","disputed":{"source":"declared","unit":"min/unit"}}`)
	e.refuse("whole", `{"specversion":"1.0","data":{"person":"ann.example@EXAMPLE.com"}}`)
	e.refuse("escaped", `{"data":{"person":"\u0041nn.Example\u0040example.com"}}`)
	e.refuse("broken", `{"data":{"person":"`+ann+`",`)
	e.refuse("other", `{"data":{"person":"anna.example@example.com"}}`)
	e.send(e.rows...)
	conflict := e.maker.Stored(t, workspace, "s", "hann0", e.at, &event.Training{Common: common(ann), Course: "other"})
	e.send(conflict)
	e.check(e.rows, time.UTC)
	e.eventually("the rejects are there", func() bool { return len(e.rejects()) == 5 })
	before := e.rollups()
	// Of the six persons bob's hours were corrected to be cat's, and dan's are void.
	e.people("loaded", hashOf(ann), hashOf("cat"), hashOf("eve"), hashOf("fay"))

	e.erase("first")
	pass := e.passed("first", 1)
	// Ann has 7 kinds of events a day but for the survey, two amendments, and owns six barriers, one of them her own:
	// 4 × (7 + 2 + 5) = 56. Her corrections: k1 names her, k2 is hers, k3 names her, k4 corrects hers: 4 × 4 = 16.
	if pass.Events != 56 || pass.Corrections != 16 || pass.Rejects != 4 || pass.Entries != 6 || pass.Days != 4 {
		t.Errorf("pass: %+v", pass)
	}
	if second := e.passed("first", 2); second.Found() {
		t.Errorf("the second pass has found something: %+v", second)
	}
	e.nowhere()
	after := func(what string) {
		t.Helper()
		if got := e.rollups(); !slices.Equal(got, before) {
			t.Errorf("%s: %s", what, warehousetest.Difference(got, before))
		}
		e.people(what, pseudonym, hashOf("cat"), hashOf("eve"), hashOf("fay"))
		// Superseded rollups also show what was so for a moment, such as bob's hours before their correction was loaded again.
		if others := e.personsIn("true", pseudonym, hashOf("bob"), hashOf("cat"), hashOf("dan"), hashOf("eve"), hashOf("fay")); others != nil {
			t.Errorf("%s: rollups, some of them superseded, know %v", what, others)
		}
	}
	after("erased")
	e.registryIsRenamed()
	for name, raw := range e.rejects() {
		if (raw == "") != (name != "missing_time other") {
			t.Errorf("reject %s: %q", name, raw)
		}
	}

	// The same events again, and rejects that were on their way.
	e.send(e.rows...)
	e.send(conflict)
	e.refuse("late", `{"data":{"person":"`+ann+`"}}`)
	e.complete()
	e.eventually("the late reject is there", func() bool { return len(e.rejects()) == 6 })
	after("sent again")
	e.nowhere()

	// Replay from the start of the log, by a loader that knows nothing yet.
	stop()
	e.rewind()
	stop = e.run(nil)
	e.sent = time.Now()
	e.complete()
	after("replayed")
	e.nowhere()
	e.registryIsRenamed()

	// A warehouse that has lost its rows gets them from the log, without ann.
	stop()
	for _, table := range []string{"identities", "hours_saved", "barrier", "correct", "registry", "erasures", "erasure_passes", "rejects"} {
		e.mustExec("TRUNCATE TABLE " + table)
	}
	e.rewind()
	e.run(nil)
	e.sent = time.Now()
	e.complete()
	e.passed("first", 2)
	after("loaded anew")
	e.nowhere()
}

// people fails unless these persons, as they are stored, are the ones whose hours readers see.
func (e *erasing) people(what string, want ...string) {
	e.t.Helper()
	slices.Sort(want)
	if got := e.personsIn(warehouse.Current); !slices.Equal(got, want) {
		e.t.Errorf("%s: the people are %v, want %v", what, got, want)
	}
}

// personsIn are the persons in rollups of hours for which the condition holds, but for the known ones, sorted.
func (e *erasing) personsIn(condition string, known ...string) []string {
	e.t.Helper()
	snapshot, err := e.db.Snapshot(e.t.Context(), workspace)
	if err != nil {
		e.t.Fatal(err)
	}
	var rows []struct {
		Person string `ch:"person"`
	}
	sql := "SELECT DISTINCT person FROM rollup_hours WHERE workspace = {workspace:String} AND " + condition + " ORDER BY person"
	args := map[string]any{"workspace": workspace, "generation": snapshot.Generation}
	if err := e.db.Query(e.t.Context(), sql, args, &rows); err != nil {
		e.t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		if !slices.Contains(known, r.Person) {
			out = append(out, r.Person)
		}
	}
	return out
}

// What comes after the erasing is stored under the pseudonym: new events, corrections, and what a loader writes that has
// slept meanwhile.
func TestErasedPersonsDoNotComeBack(t *testing.T) {
	t.Parallel()
	e := newErasing(t, 4*time.Second)
	e.run(nil)
	e.send(e.rows...)
	e.check(e.rows, time.UTC)
	e.erase("first")
	e.passed("first", 1)

	// The zombie: it has read its chunk before, and its rows are the ones that are stored.
	late := e.maker.Stored(t, workspace, "s", "late", e.at, &event.HoursSaved{Common: common(ann), DoingMinutes: minutes("3"), Task: "zombie of " + ann})
	zombie := []event.Stored{late}
	for _, r := range e.rows {
		if r.Kind == event.KindHoursSaved {
			zombie = append(zombie, r)
		}
	}
	if err := e.db.InsertRaw(t.Context(), event.KindHoursSaved, zombie); err != nil {
		t.Fatal(err)
	}
	if err := e.db.InsertIdentities(t.Context(), []event.Stored{late}); err != nil {
		t.Fatal(err)
	}
	e.produceTo(bus.Marks, bus.Message{Key: []byte(workspace), Value: []byte(`{"workspace":"w","day":"2026-03-02"}`)})
	e.eventually("the zombie's rows are rolled", func() bool { return e.count("SELECT countIf(person = '"+hashOf(ann)+"') AS n FROM rollup_hours") > 0 })
	if pass := e.passed("first", 2); pass.Events == 0 || pass.Days == 0 {
		t.Errorf("pass two: %+v", pass)
	}
	e.nowhere()

	e.at = e.at.Add(time.Hour)
	correction := e.say("new correction", &event.Correct{
		Source: "s", ID: "hcat0", Target: event.KindHoursSaved,
		Data: []byte(`{"person":"` + ann + `","doing_minutes":1,"task":"of ` + ann + `"}`),
	})
	fresh := e.say("new", &event.HoursSaved{Common: common(ann), DoingMinutes: minutes("5"), Task: ann})
	e.send(correction, fresh)
	e.complete()
	e.nowhere()
	want := warehousetest.BruteForce(t, append(slices.Clone(e.rows), late), time.UTC)
	for i := range want {
		want[i] = strings.ReplaceAll(want[i], hashOf(ann), pseudonym)
	}
	slices.Sort(want)
	if got := e.rollups(); !slices.Equal(got, want) {
		t.Error(warehousetest.Difference(got, want))
	}
	if n := e.count("SELECT count() AS n FROM hours_saved FINAL WHERE id = 'new' AND person = '" + pseudonym + "' AND task = '' AND subject = '' AND length(extensions) = 0"); n != 1 {
		t.Errorf("%d rows of the new event under the pseudonym, want 1", n)
	}

	// Erased once more, the person keeps the pseudonym; a loader that finds a row later does one more pass.
	e.erase("second")
	if pass := e.passed("second", 2); pass.Found() {
		t.Errorf("erased again: %+v", pass)
	}
}

// Two loaders erase two persons at once, one of them half erased already by a loader that has died; later a row comes back
// with a backup, and is found.
func TestTwoLoadersEraseTwoPersons(t *testing.T) {
	t.Parallel()
	e := newErasing(t, 2*time.Second)
	var one atomic.Pointer[loader]
	e.change = func(l *loader) { one.Store(l) }
	e.run(nil)
	e.run(nil)
	e.declare(registry.People, hashOf(ann), hashOf("bob"), `{"rate_class":"junior"}`)
	e.declare(registry.People, hashOf("bob"), hashOf(ann), `{"rate_class":"senior"}`)
	e.send(e.rows...)
	e.check(e.rows, time.UTC)
	half := registry.Erasure{Workspace: workspace, Person: event.PersonDigest(workspace, hashOf(ann)), Pseudonym: pseudonym}
	if _, err := e.db.EraseEvents(t.Context(), half); err != nil {
		t.Fatal(err)
	}
	const bobs = "pfedcba987654321076543210"
	want := func() []string {
		rows := warehousetest.BruteForce(t, e.rows, time.UTC)
		for i := range rows {
			rows[i] = strings.ReplaceAll(strings.ReplaceAll(rows[i], hashOf(ann), pseudonym), hashOf("bob"), bobs)
		}
		slices.Sort(rows)
		return rows
	}
	e.erase("first")
	e.eraseAs("bob", "second", bobs)
	e.passed("first", 2)
	e.passed("second", 2)
	e.nowhere()
	if found := e.mentions(hashOf("bob")); found != nil {
		t.Errorf("bob stands in %v", found)
	}
	if got := e.rollups(); !slices.Equal(got, want()) {
		t.Error(warehousetest.Difference(got, want()))
	}
	s := e.registryOf(2)
	if a, _, ok := registry.Find[registry.Person](s, registry.People, pseudonym, time.Now()); !ok || a.RateClass != "junior" {
		t.Errorf("ann's entry: %+v", a)
	}
	if h := s.History(registry.People, bobs); len(h) != 1 || h[0].Author != pseudonym {
		t.Errorf("bob's entry: %+v", h)
	}

	if err := one.Load().eraseDue(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	back := e.say("back", &event.HoursSaved{Common: common(ann), DoingMinutes: minutes("3")})
	if err := errors.Join(e.db.InsertRaw(t.Context(), event.KindHoursSaved, []event.Stored{back}), e.db.InsertIdentities(t.Context(), []event.Stored{back})); err != nil {
		t.Fatal(err)
	}
	e.produceTo(bus.Marks, bus.Message{Key: []byte(workspace), Value: []byte(`{"workspace":"w","day":"2026-03-02"}`)})
	if err := one.Load().eraseDue(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if pass := e.passed("first", 3); pass.Events != 1 {
		t.Errorf("pass three: %+v", pass)
	}
	e.sent = time.Now()
	e.complete()
	e.nowhere()
	if got := e.rollups(); !slices.Equal(got, want()) {
		t.Error(warehousetest.Difference(got, want()))
	}
	passes, err := e.db.ErasurePasses(t.Context(), workspace)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range passes {
		if p.Pass > 2 && (p.ErasureID != "first" || !p.Found()) {
			t.Errorf("a pass that has found nothing is recorded: %+v", p)
		}
	}
}

// A roll that has read the rows before they were changed may still be under way, and show nothing yet: the last pass waits
// until all rolls have ended that were asked for before.
func TestLastPassWaitsForRolls(t *testing.T) {
	t.Parallel()
	e := newErasing(t, time.Second)
	loaders := make(chan *loader, 2)
	e.change = func(l *loader) { loaders <- l }
	e.cfg.NoRoll = true
	e.run(nil)
	l := <-loaders
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := l.awaitRolls(ctx, workspace); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("while nobody rolls: %v, want to wait", err)
	}
	e.cfg.NoRoll = false
	e.run(nil)
	if err := l.awaitRolls(t.Context(), workspace); err != nil {
		t.Error(err)
	}
}

// A chunk that was read before anybody knew of the erasure may be stored when the pass has changed the rows already. Its day
// names the person after every roll, until the pass goes back to the rows; before, it did so after ten minutes.
func TestRowsThatComeBehindThePass(t *testing.T) {
	t.Parallel()
	e := newErasing(t, time.Second)
	loaders := make(chan *loader, 1)
	e.change = func(l *loader) { loaders <- l }
	e.run(nil)
	l := <-loaders
	e.send(e.rows...)
	e.check(e.rows, time.UTC)
	x := registry.Erasure{Workspace: workspace, Person: event.PersonDigest(workspace, hashOf(ann)), Pseudonym: pseudonym, ErasureID: "x"}
	pass := warehouse.ErasurePass{Pass: 1}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	// The pass is past the rows, and all of them came behind it.
	if err := l.eraseRollups(ctx, x, &pass); err != nil {
		t.Fatal(err)
	}
	days, err := e.db.ErasedDays(t.Context(), x)
	if err != nil || len(days) > 0 || pass.Events != 56 || pass.Corrections != 16 || pass.Days != 4 {
		t.Errorf("pass: %+v, days that name ann: %v, %v", pass, days, err)
	}
}

// Without the secret of the collector the raw bytes could not be searched: the erasing waits.
func TestErasingWaitsForTheSecret(t *testing.T) {
	t.Parallel()
	e := newErasing(t, time.Second)
	e.cfg.Secret = event.Secret("another secret, of somebody else")
	l := &loader{erased: newErased(e.db, e.cfg.Secret)}
	x := registry.Erasure{Workspace: workspace, IDBytes: 3, SealCheck: registry.SealCheck(event.NewSealer([]byte(secretOfTests)))}
	if err := l.mayErase(x); err == nil || !strings.Contains(err.Error(), "--secret") {
		t.Errorf("with another secret: %v", err)
	}
	if x.IDBytes = 0; l.mayErase(x) != nil {
		t.Error("an erasure by hash needs no secret")
	}
	if text := fmt.Sprintf("%v %+v", e.cfg.Secret, e.cfg.Secret); strings.Contains(text, "somebody") {
		t.Error("the secret is printed")
	}
}
