package scorecard

import (
	"net/http"
	"strings"
	"testing"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// putWave opens or ends a wave.
func (b *bench) putWave(wave, body string) (int, node) {
	b.t.Helper()
	res, raw := b.do(http.MethodPut, "/api/v1/waves/"+wave, body)
	if res.StatusCode != http.StatusOK {
		return res.StatusCode, b.hold("PUT waves", "Problem", raw)
	}
	b.holdBody("WaveRequest", body)
	return res.StatusCode, b.hold("PUT waves", "WaveState", raw)
}

// The life of a wave: opened, given an end, closed for good; everybody may see which is open.
func TestLifeOfAWave(t *testing.T) {
	b := newBench(t, day("2026-11-24"))
	_, w := b.putWave("q4", `{}`)
	w.at("state").is("open")
	w.at("closes_at").is("2027-01-25T00:00:00.000Z") // 62 days later: 6 of November, 31 of December, 25 of January
	_, w = b.putWave("q4", `{"closes_at":"2026-12-15T18:00:00+01:00"}`)
	w.at("closes_at").is("2026-12-15T17:00:00.000Z")
	for body, want := range map[string]string{
		`{"closes_at":"2027-01-25T00:00:01Z"}`: "out_of_range /closes_at",
		`{"closes_at":"tomorrow"}`:             "not_json ",
		`{"ends":"2026-12-15T18:00:00Z"}`:      "unknown_field /ends",
	} {
		status, p := b.putWave("q4", body)
		if got := p.at("problems", 0, "code").text() + " " + p.at("problems", 0, "pointer").text(); status != http.StatusBadRequest || got != want {
			t.Errorf("%s: %d %s, want %s", body, status, got, want)
		}
	}
	if status, p := b.putWave("%20q4", `{}`); status != http.StatusBadRequest || p.at("problems", 0, "pointer").text() != "/wave" {
		t.Errorf("a key with a space before it: %d %v", status, p)
	}
	_, w = b.putWave("q4", `{"closes_at":"2026-11-24T00:00:00Z"}`)
	w.at("state").is("closed")
	w.at("closed_at").is("2026-11-24T00:00:00.000Z")
	for _, body := range []string{`{}`, `{"closes_at":"2026-12-15T18:00:00Z"}`} {
		if status, p := b.putWave("q4", body); status != http.StatusConflict || p.at("code").text() != "wave_closed" {
			t.Errorf("%s after the end: %d", body, status)
		}
	}
	b.putWave("q5", `{}`)
	list := b.as(access.RoleIC, "ann@example.com").get("/api/v1/waves?limit=1", "WaveList")
	list.at("waves", 0, "wave").is("q4")
	list = b.get("/api/v1/waves?limit=1&cursor="+list.at("next").text(), "WaveList")
	list.at("waves", 0, "wave").is("q5")
	list.at("next").is("null")
	for _, m := range b.topic(bus.Waves) {
		if strings.Contains(string(m.Key), "q4") && strings.Contains(string(m.Key), "secret") && strings.Contains(string(m.Value), "secret") {
			return // it was there
		}
	}
	t.Error("the topic has never had a secret of the wave, so that nothing was destroyed")
}

// A refused answer is sent again under the pseudonym with which it was kept, while its wave is open and nowhere else; one of
// which nothing was kept is not.
func TestReplayOfAnswers(t *testing.T) {
	b := newBench(t, now())
	const person = "p0123456789abcdef01234567"
	bad := eventJSON("1", "pulse", `{"wave":"q4","role":"ic","roi_provable":"yes","colour":"red","person":"`+person+`"}`)
	b.refuse(
		warehouse.Reject{RejectID: "r1", Source: "/tests", ID: "1", Type: "plumbline.pulse.v1", Code: "unknown_field", Pointer: "/data/colour", Raw: bad},
		warehouse.Reject{RejectID: "r2", Source: "/tests", ID: "2", Type: "plumbline.pulse.v1", Code: "wave_closed", Pointer: "/data/wave", ContentType: warehouse.AnswerType},
		warehouse.Reject{RejectID: "r3", Source: "/tests", ID: "3", Type: "plumbline.pulse.v1", Code: "missing_field", Pointer: "/data/role", Raw: eventJSON("3", "pulse", `{"wave":"q4","roi_provable":"yes","person":"bob"}`)},
	)
	fix := func(more string) string {
		return `"fix":{"operations":[{"op":"remove","path":"/data/colour"},{"op":"default","path":"/data/role","value":"ic"}` + more + `]}`
	}
	b.replay(`{"filter":{"status":"open"},`+fix("")+`}`).listed("r1 accepted", "r2 not_replayable", "r3 rejected inconsistent") // nobody has opened it, and bob has to be sealed
	b.replay(`{"ids":["r1"],` + fix(`,{"op":"set","path":"/data/wave","value":"q5"}`) + `}`).listed("r1 rejected inconsistent")
	b.putWave("q4", `{}`)
	b.replay(`{"filter":{"status":"open"},"dry_run":false,`+fix("")+`}`).listed("r1 accepted", "r2 not_replayable", "r3 accepted")
	stored := b.loaded()
	if len(stored) != 2 || stored[0].Data.Shared().Person != person || !event.IsPseudonym(stored[1].Data.Shared().Person) {
		t.Errorf("stored %+v", stored)
	}
	b.refuse(warehouse.Reject{RejectID: "r4", Source: "/tests", ID: "4", Type: "plumbline.pulse.v1", Code: "missing_field", Pointer: "/data/role", Raw: eventJSON("4", "pulse", `{"wave":"q4","roi_provable":"yes","person":"cat"}`)})
	b.putWave("q4", `{"closes_at":"2026-11-24T00:00:00Z"}`)
	b.replay(`{"ids":["r4"],` + fix("") + `}`).listed("r4 rejected wave_closed")
}
