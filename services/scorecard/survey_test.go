package scorecard

import (
	"net/http"
	"testing"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
)

// Whoever is signed in answers the survey: under a pseudonym of the wave, as what they are, of no team, and without an entry in the
// audit log.
func TestAnswerTheSurvey(t *testing.T) {
	b := newBench(t, now())
	sealer := event.NewSealer([]byte(secretText))
	ann, lea := sealer.Person(workspace, "ann@example.com"), sealer.Person(workspace, "lea@example.com")
	b.putWave("q4", `{}`)
	answer := func(who *bench, body string) (int, node) {
		t.Helper()
		res, raw := who.do(http.MethodPost, "/api/v1/survey", body, "Sec-Fetch-Site", "same-origin")
		if res.StatusCode != http.StatusAccepted {
			return res.StatusCode, b.hold("POST survey", "Problem", raw)
		}
		b.holdBody("SurveyRequest", body)
		return res.StatusCode, b.hold("POST survey", "SurveyAccepted", raw)
	}
	ic, leader := b.as(access.RoleIC, ann), b.as(access.RoleLeader, lea)
	for _, a := range []struct {
		who  *bench
		says string
	}{{ic, "no"}, {ic, "partly"}, {leader, "yes"}} {
		if status, body := answer(a.who, `{"wave":"q4","roi_provable":"`+a.says+`"}`); status != http.StatusAccepted {
			t.Fatalf("%s: %d %v", a.says, status, body)
		}
	}
	var got []*event.Pulse
	for _, e := range b.loaded() {
		got = append(got, e.Data.(*event.Pulse))
	}
	if len(got) != 3 {
		t.Fatalf("%d answers are in the log, want 3", len(got))
	}
	persons := map[string]int{}
	for _, p := range got {
		persons[p.Person]++
		if role := map[bool]string{true: "leader", false: "ic"}[p.ROIProvable == "yes"]; p.Role != role || p.Team != "" || p.Wave != "q4" {
			t.Errorf("the answer is %+v, want one of a %s of no team", p, role)
		}
	}
	if len(persons) != 2 || persons[ann] != 0 || persons[lea] != 0 {
		t.Errorf("the answers are of %v, want ann twice and lea once under pseudonyms of the wave", persons)
	}
	if n := len(b.topic(bus.Audit)); n != 2 {
		t.Errorf("the audit log has %d entries, want two: that the wave was about to be opened, and that it was", n)
	}

	for body, want := range map[string]string{
		`{"wave":"none","roi_provable":"yes"}`: "bad_value /wave",
		`{"wave":"q4","roi_provable":"maybe"}`: "bad_value /roi_provable",
		`{"wave":"q4"}`:                        "missing_field /roi_provable",
		`{"wave":"","roi_provable":"yes"}`:     "missing_field /wave",
		`{"wave":"q4","comment":"hello"}`:      "unknown_field /comment",
	} {
		status, p := answer(ic, body)
		if got := p.at("problems", 0, "code").text() + " " + p.at("problems", 0, "pointer").text(); status != http.StatusBadRequest || got != want {
			t.Errorf("%s: %d %s, want %s", body, status, got, want)
		}
	}
	if status, p := answer(b, `{"wave":"q4","roi_provable":"yes"}`); status != http.StatusForbidden || p.at("code").text() != "no_person" {
		t.Errorf("an administrator who is no person: %d", status)
	}
	b.putWave("q4", `{"closes_at":"2000-01-01T00:00:00Z"}`)
	if status, p := answer(ic, `{"wave":"q4","roi_provable":"yes"}`); status != http.StatusConflict || p.at("code").text() != "wave_closed" {
		t.Errorf("after the end: %d", status)
	}
}
