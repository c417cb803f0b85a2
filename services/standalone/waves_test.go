package standalone_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
	"plumbline/services/standalone"
)

// Ten leaders and ten individual contributors answer a wave of the survey, which is then closed: the numbers stay, no answer is
// taken any more, and nobody's pseudonym can be made again, also not with everything that the installation has.
func TestSurveyWaveIsClosed(t *testing.T) {
	dsn, data := "", ""
	s := serve(t, func(cfg *standalone.Config) { dsn, data = cfg.ClickHouse, cfg.Data })
	answer := func(id, role, says string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":"%s","source":"survey","type":"plumbline.pulse.v1","time":"2026-09-10T10:00:00Z",`+
			`"data":{"wave":"2026-q3","role":"%s","roi_provable":"%s","person":"%s@example.org"}}`, id, role, says, id)
	}
	var all []string
	for i := range 10 {
		// Six of ten leaders and one of ten contributors say yes: 60 − 10 = 50 points.
		all = append(all, answer(fmt.Sprint("leader", i), "leader", map[bool]string{true: "yes", false: "no"}[i < 6]),
			answer(fmt.Sprint("ic", i), "ic", map[bool]string{true: "yes", false: "no"}[i < 1]))
	}
	post := func(events ...string) (int, string) {
		return request(t, http.MethodPost, s.URL+"/v1/events", s.WriteKey, "application/cloudevents-batch+json", "["+strings.Join(events, ",")+"]")
	}
	if status, body := post(all...); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, body)
	}
	settle(t, s)
	gap := func() string {
		return get(t, s, "/scorecard?from=2026-08-01&to=2026-10-01").text(t, "measures.perception_gap.value")
	}
	if got := gap(); got != "50" && got != "50.0" {
		t.Errorf("the gap is %s points, want 50", got)
	}
	if code, out, errs := plumbline(t, s, "waves"); code != 0 || !strings.HasPrefix(out, "2026-q3  open, closes ") {
		t.Errorf("waves: %d %s%s", code, out, errs)
	}
	if code, out, errs := plumbline(t, s, "waves", "close", "2026-q3", "--yes"); code != 0 || !strings.HasPrefix(out, "2026-q3  closed, since ") {
		t.Errorf("close: %d %s%s", code, out, errs)
	}
	waitFor(t, "the wave closed at the collector", func() bool {
		_, body := post(all[0]) // until then it is taken, and is the same answer again
		return strings.Contains(body, `"wave_closed"`)
	})
	if _, body := post(answer("late", "ic", "yes")); !strings.Contains(body, `"wave_closed"`) {
		t.Errorf("a late answer: %s", body)
	}
	settle(t, s)
	if got := gap(); got != "50" && got != "50.0" {
		t.Errorf("after the end the gap is %s points, want 50", got)
	}
	db, err := warehouse.Open(t.Context(), warehouse.Config{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var persons []struct {
		Person string `ch:"person"`
	}
	if err := db.Query(t.Context(), "SELECT DISTINCT person FROM pulse", nil, &persons); err != nil {
		t.Fatal(err)
	}
	sealer := event.NewSealer([]byte(installationSecret(t, data)))
	ordinary := map[string]bool{}
	for i := range 10 {
		ordinary[sealer.Person("default", fmt.Sprintf("ic%d@example.org", i))] = true
	}
	for _, p := range persons {
		if ordinary[p.Person] {
			t.Errorf("an answer is stored under the pseudonym of other events")
		}
	}
	if _, err := sealer.Pulse("default", "2026-q3", "ic0@example.org"); err == nil || len(persons) != 20 {
		t.Errorf("the pseudonym of an answer can be made again, or %d people have answered, want 20", len(persons))
	}
}
