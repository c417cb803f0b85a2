package scorecard

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse/warehousetest"
)

const (
	bea  = "p00000000000000000000000b"
	lead = "p0000000000000000000000aa"
	// upToNow reaches up to the present of these tests.
	upToNow = "?from=2026-09-01&to=2026-12-01"
)

// newBoard is a scorecard with a loader on 12 November, a barrier of October that eight people have reported, others of six and two people, and Ann,
// Bea and a leader of the registry.
func newBoard(t *testing.T) *bench {
	b := newBench(t, day("2026-11-12"))
	b.declare(registry.Teams, "content", `{"valid_from":"2026-01-01","name":"Content"}`)
	b.declare(registry.People, ann, `{"valid_from":"2026-01-01","role":"ic","team":"content"}`)
	b.declare(registry.People, lead, `{"valid_from":"2026-01-01","role":"leader","team":"content"}`)
	var events []event.Stored
	for i := range 16 {
		x := &event.Barrier{Barrier: "legal_review_queue", Category: "review_delay", MinutesLost: warehousetest.Number("45"), Note: secret}
		switch {
		case i >= 14:
			x.Barrier = "rare"
		case i >= 8:
			x.Barrier = "no_licence"
		}
		events = append(events, happened(b, fmt.Sprint("r", i), "2026-10-05T10:00", "content", "", fmt.Sprint("p", i), x))
	}
	b.insert(events...)
	b.loadEvents()
	return b
}

// say says something about a barrier; extra are further members of the body.
func (b *bench) say(id, action, extra string, headers ...string) (int, node) {
	b.t.Helper()
	body := `{"id":"` + id + `","action":"` + action + `",` + extra + `}`
	res, raw := b.send(http.MethodPost, "/api/v1/barriers", body, headers...)
	if res.StatusCode >= http.StatusBadRequest {
		return res.StatusCode, b.hold("POST barriers", "Problem", raw)
	}
	b.holdBody("BarrierRequest", body)
	return res.StatusCode, b.hold("POST barriers", "BarrierAnswer", raw)
}

// must says it and wants it to be taken.
func (b *bench) must(id, action, extra string, headers ...string) {
	b.t.Helper()
	if status, body := b.say(id, action, extra, headers...); status != http.StatusCreated {
		b.t.Fatalf("%s %s: %d %v", action, extra, status, body.value)
	}
}

// row is a barrier of the board.
func (b *bench) row(query, barrier string) node {
	b.t.Helper()
	list := b.get("/api/v1/barriers"+query, "Barriers").at("barriers")
	for i := range list.list() {
		if list.at(i, "barrier").text() == barrier {
			return list.at(i)
		}
	}
	b.t.Fatalf("the board has no %s: %v", barrier, list.value)
	return node{}
}

const known = `"barrier":"legal_review_queue"`

func ifMatch(r node) []string { return []string{"If-Match", `"` + r.at("version").text() + `"`} }

// made counts ids, so that each is of a millisecond of its own and they stand in the order in which they were made.
var made atomic.Int64

// newID is a fresh id of version 7, made at the time of the bench.
func (b *bench) newID() string {
	b.t.Helper()
	u, err := uuid.NewV7()
	if err != nil {
		b.t.Fatal(err)
	}
	ms := b.cfg.Now().UnixMilli() + made.Add(1)
	for i := range 6 {
		u[i] = byte(ms >> (8 * (5 - i)))
	}
	return u.String()
}

// Whoever reports or supports sees it at once, and others when the month is over; whoever takes a barrier or clears it is seen at once.
func TestBarriersAreReportedSupportedTakenAndCleared(t *testing.T) {
	b := newBoard(t)
	me, other, leader := b.as(access.RoleIC, ann), b.as(access.RoleIC, bea), b.as(access.RoleLeader, lead)
	before := me.row(upToNow, "legal_review_queue")
	before.at("hours").is("6") // 8 × 45 minutes
	before.at("owner").is("null")
	if got := fmt.Sprint(before.at("may").value); got != "[support take]" {
		t.Errorf("an IC may %s", got)
	}
	// A new one, in any spelling, and support for the known one: yours at once, and of nobody else.
	report := b.newID()
	me.must(report, "report", `"title":" Prompts  nobody shares ","category":"prompting","minutes_lost":45.5,"note":"`+secret+`"`)
	me.must(b.newID(), "support", known+`,"minutes_lost":30`)
	mine := me.get("/api/v1/barriers"+upToNow, "Barriers")
	mine.at("yours", 0, "barrier").is("legal_review_queue")
	mine.at("yours", 1, "barrier").is("prompts_nobody_shares")
	mine.at("yours", 1, "minutes_lost").is("45.5")
	mine.at("yours", 1, "note").is(secret)
	own := me.row(upToNow+"&scope=me", "prompts_nobody_shares")
	own.at("reports").is("1")
	own.at("category").is("prompting")
	for name, who := range map[string]*bench{"an IC": other, "a leader": leader, "an administrator": b} {
		res, raw := who.do(http.MethodGet, "/api/v1/barriers"+upToNow, "")
		if text := string(raw); res.StatusCode != http.StatusOK || strings.Contains(text, "prompts_nobody") || strings.Contains(text, secret) || strings.Contains(text, ann) {
			t.Errorf("%s is told of a report: %s", name, text)
		}
		who.row(upToNow, "legal_review_queue").at("support").is("0")
	}
	// Bea takes it, and everybody sees it at once; who reported is behind it as before, and she is not.
	take := b.newID()
	other.must(take, "take", known, ifMatch(before)...)
	taken := leader.row(upToNow, "legal_review_queue")
	taken.at("owner").is(bea)
	taken.at("owned_by", "you").is("false")
	taken.at("owned_by", "role").is("null") // the registry does not know her
	taken.at("people").is("8")
	taken.at("support").is("0")
	other.row(upToNow, "legal_review_queue").at("owned_by", "you").is("true")
	// A leader takes it over, and clears it.
	leader.must(b.newID(), "take", known, ifMatch(taken)...)
	taken = me.row(upToNow, "legal_review_queue")
	taken.at("owned_by", "team_name").is("Content")
	taken.at("owned_by", "role").is("leader")
	leader.must(b.newID(), "resolve", known, ifMatch(taken)...)
	cleared := me.row(upToNow, "legal_review_queue")
	cleared.at("state").is("resolved")
	cleared.at("resolved_day").is("2026-11-12")
	cleared.at("hours").is("6")
	// The last month that is over reaches up to the present, too.
	me.row("?from=2026-10-01&to=2026-11-01", "legal_review_queue").at("state").is("resolved")
	// In a period that ended before, a barrier stands as it stood then.
	deeds := []metric.BarrierRow{{Day: day("2026-11-12"), Barrier: "x", Action: "resolve"}, {Day: day("2026-11-12"), Barrier: "y", Action: "resolve"}}
	reported := []metric.BarrierRow{{Day: day("2026-10-05"), Barrier: "x", Action: "report"}}
	for until, want := range map[string]int{"2026-11-12": 1, "2026-11-13": 2} {
		if got := withDeeds(reported, deeds, event.Day{Time: day(until)}); len(got) != want {
			t.Errorf("until %s: %d rows, want %d", until, len(got), want)
		}
	}
}

// What was said can be taken back, and the board is as it was before.
func TestTakeBackWhatWasSaid(t *testing.T) {
	b := newBoard(t)
	me := b.as(access.RoleIC, ann)
	id, change := b.newID(), b.newID()
	me.must(id, "take", known, ifMatch(me.row(upToNow, "legal_review_queue"))...)
	for range 2 { // the second time it was taken back already
		res, raw := me.send(http.MethodDelete, "/api/v1/barriers/"+id+"?change="+change, "")
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", res.StatusCode, raw)
		}
		b.hold("DELETE barriers", "BarrierAnswer", raw).at("action").is("take")
	}
	me.row(upToNow, "legal_review_queue").at("owner").is("null")
	me.get("/api/v1/barriers"+upToNow, "Barriers").at("yours", 0, "state").is("withdrawn")
	if res, raw := b.as(access.RoleAdmin, bea).send(http.MethodDelete, "/api/v1/barriers/"+id, ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("another takes it back: %d %s", res.StatusCode, raw)
	}
	if status, p := me.say(id, "take", known, ifMatch(me.row(upToNow, "legal_review_queue"))...); status != http.StatusConflict {
		t.Errorf("the same once more: %d %v", status, p.value)
	}
}

// However often the same is sent, and from however many tabs at once, it is one event; of two who take it at once, one is told.
func TestABarrierIsSaidOnce(t *testing.T) {
	b := newBoard(t)
	id, seen := b.newID(), b.as(access.RoleIC, ann).row(upToNow, "legal_review_queue")
	var done sync.WaitGroup
	statuses := make(chan int, 5)
	for range 4 {
		done.Go(func() {
			status, _ := b.as(access.RoleIC, ann).say(id, "report", `"title":"slow tool","category":"quality","minutes_lost":5`)
			statuses <- status
		})
	}
	done.Wait()
	close(statuses)
	count := map[int]int{}
	for s := range statuses {
		count[s]++
	}
	if count[http.StatusCreated] != 1 || count[http.StatusOK] != 3 {
		t.Errorf("answers: %v, want one 201 and three 200", count)
	}
	b.as(access.RoleIC, ann).row(upToNow+"&scope=me", "slow_tool").at("reports").is("1")
	taken := map[int]int{}
	var mu sync.Mutex
	for _, who := range []string{ann, bea} {
		done.Go(func() {
			status, _ := b.as(access.RoleIC, who).say(b.newID(), "take", known, ifMatch(seen)...)
			mu.Lock()
			defer mu.Unlock()
			taken[status]++
		})
	}
	done.Wait()
	if taken[http.StatusCreated] != 1 || taken[http.StatusPreconditionFailed] != 1 {
		t.Errorf("answers to two who take it: %v", taken)
	}
}

// What is refused, and why.
func TestWhatMayNotBeSaidOfABarrier(t *testing.T) {
	b := newBoard(t)
	me, leader := b.as(access.RoleIC, ann), b.as(access.RoleLeader, lead)
	seen := leader.row(upToNow, "legal_review_queue")
	leader.must(b.newID(), "take", known, ifMatch(seen)...)
	fresh := me.row(upToNow, "legal_review_queue")
	if got := fmt.Sprint(fresh.at("may").value); got != "[support]" {
		t.Errorf("of what somebody else has, an IC may %s", got)
	}
	for name, c := range map[string]struct {
		who     *bench
		action  string
		extra   string
		headers []string
		status  int
		code    string
	}{
		"no version":              {me, "take", known, nil, 428, "no_version"},
		"an old version":          {leader, "resolve", known, ifMatch(seen), 412, "changed"},
		"any version":             {leader, "resolve", known, []string{"If-Match", "*"}, 412, "changed"},
		"a hidden one, guessed":   {leader, "take", `"barrier":"rare"`, ifMatch(fresh), 412, "changed"},
		"one that is not there":   {leader, "take", `"barrier":"none"`, ifMatch(fresh), 412, "changed"},
		"what another has":        {me, "take", known, ifMatch(fresh), 403, "forbidden"},
		"what is one's own":       {leader, "take", known, ifMatch(fresh), 409, "already_yours"},
		"clearing another's":      {me, "resolve", known, ifMatch(fresh), 403, "forbidden"},
		"a report of nobody":      {b, "report", `"title":"x","category":"policy"`, nil, 403, "no_person"},
		"a take of nobody":        {b.as(access.RoleAdmin, ""), "take", known, ifMatch(fresh), 403, "no_person"},
		"another site":            {me, "report", `"title":"x","category":"policy"`, []string{"Sec-Fetch-Site", "cross-site"}, 403, "foreign_origin"},
		"no category":             {me, "report", `"title":"x"`, nil, 400, "missing_field"},
		"a category of its own":   {me, "report", `"title":"x","category":"weather"`, nil, 400, "bad_value"},
		"negative minutes":        {me, "report", `"title":"x","category":"policy","minutes_lost":-1`, nil, 400, "out_of_range"},
		"minutes of a deed":       {leader, "resolve", known + `,"minutes_lost":5`, ifMatch(fresh), 400, "inconsistent"},
		"no name":                 {me, "support", `"minutes_lost":5`, nil, 400, "missing_field"},
		"two names":               {me, "support", known + `,"title":"x"`, nil, 400, "inconsistent"},
		"a long title":            {me, "report", `"category":"policy","title":"` + strings.Repeat("x", 81) + `"`, nil, 400, "bad_value"},
		"in the name of another":  {me, "report", `"title":"x","category":"policy","person":"eve"`, nil, 400, "unknown_field"},
		"an action of its own":    {me, "praise", known, nil, 400, "bad_value"},
		"who clears as no person": {b.as(access.RoleIC, ""), "resolve", known, ifMatch(fresh), 403, "no_person"},
	} {
		res, raw := c.who.send(http.MethodPost, "/api/v1/barriers", `{"id":"`+b.newID()+`","action":"`+c.action+`",`+c.extra+`}`, c.headers...)
		if res.StatusCode != c.status || !strings.Contains(string(raw), `"code":"`+c.code+`"`) {
			t.Errorf("%s: %d %s, want %d %s", name, res.StatusCode, raw, c.status, c.code)
		}
	}
	// Who may clear any barrier needs to be nobody in particular.
	b.as(access.RoleAnalyst, "").must(b.newID(), "resolve", known, ifMatch(fresh)...)
	// Many at once are too many: thirty, and then one every two seconds.
	status := 0
	for range 40 {
		if status, _ = me.say("none", "report", `"title":"x"`); status != http.StatusBadRequest {
			break
		}
	}
	if status != http.StatusBadRequest {
		t.Errorf("what is unreadable counts against nobody: %d", status)
	}
}

// While the log is away nothing is said, and the same id is taken once it is back.
func TestABarrierWhileNothingReadsTheLog(t *testing.T) {
	b := newBench(t, day("2026-11-12"))
	b.cfg.WriteTimeout = 300 * time.Millisecond
	b.serve()
	me, id := b.as(access.RoleIC, ann), b.newID()
	body := `"title":"slow tool","category":"quality","minutes_lost":5`
	if status, p := me.say(id, "report", body); status != http.StatusServiceUnavailable || p.at("code").text() != "not_readable_yet" {
		t.Fatalf("without a loader: %d %v", status, p.value)
	}
	b.loadEvents()
	b.eventually("the same is taken", func() bool {
		status, _ := me.say(id, "report", body)
		return status == http.StatusOK
	})
	me.row(upToNow+"&scope=me", "slow_tool").at("reports").is("1")
}
