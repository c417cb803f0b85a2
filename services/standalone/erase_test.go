package standalone_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/client"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
	"plumbline/services/standalone"
	"plumbline/services/standalone/cli"
)

// erasee is the person who is erased.
const erasee = "Ann.Lee@example.org"

// office is an organisation of ten people, as their tools tell it.
func office() []client.Event {
	var out []client.Event
	add := func(id string, day int, data any, kind event.Kind) {
		out = append(out, client.Event{ID: id, Source: "office", Time: time.Date(2026, 10, 5+day, 12, 0, 0, 0, time.UTC), Data: data, Type: kind.Type()})
	}
	for i := range 10 {
		person := fmt.Sprintf("p%d@example.org", i)
		if i == 0 {
			person = erasee
		}
		common := event.Common{Workflow: "brief", Team: "t", Person: person, URL: "https://example.org/" + fmt.Sprint(i)}
		for day := range 12 {
			id := fmt.Sprintf("%d-%d", i, day)
			add("h"+id, day, &event.HoursSaved{Common: common, DoingMinutes: new(event.NumberOf(int64(20 + i))), ReworkMinutes: new(event.NumberOf(2)), Task: "of " + person}, event.KindHoursSaved)
			add("u"+id, day, &event.HoursSaved{Common: common, Assisted: new(false), DoingMinutes: new(event.NumberOf(int64(60 + day)))}, event.KindHoursSaved)
		}
		add(fmt.Sprint("t", i), 1, &event.Training{Common: common, Course: "c", Hours: new(event.NumberOf(2))}, event.KindTraining)
		add(fmt.Sprint("b", i), 2, &event.Barrier{Common: common, Barrier: "b", Category: "policy", Note: "says " + person, Owner: erasee}, event.KindBarrier)
		add(fmt.Sprint("q", i), 3, &event.Pulse{Common: common, Wave: "w", Role: []string{"ic", "leader"}[i%2], ROIProvable: []string{"yes", "no"}[i%2]}, event.KindPulse)
		add(fmt.Sprint("d", i), 4, map[string]any{"person": person, "deal": fmt.Sprint("deal-", i), "status": "won", "amount": "100.10", "currency": "USD", "assisted": i%2 == 0}, event.KindPipeline)
		add(fmt.Sprint("v", i), 5, map[string]any{"person": person, "vendor": "V", "category": "ai_tool", "billed_cost": "33.33", "currency": "USD"}, event.KindVendorSpend)
	}
	add("fix", 6, map[string]any{"source": "office", "id": "h1-1", "kind": "hours_saved", "data": map[string]any{"person": erasee, "team": "t", "workflow": "brief", "doing_minutes": 25, "task": "by " + erasee}}, event.KindCorrect)
	add("void", 6, &event.Void{Common: event.Common{Person: erasee}, Source: "office", ID: "h2-2", Reason: "asked by " + erasee}, event.KindVoid)
	return out
}

// TestErase erases a person with the command, and compares everything that the API tells before and after.
func TestErase(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *standalone.Config) { c.ErasePause = 2 * time.Second })
	for path, body := range map[string]string{
		"rates/junior":     `{"valid_from":"2026-01-01","loaded_hourly_rate":"30.10","currency":"USD"}`,
		"rates/senior":     `{"valid_from":"2026-01-01","loaded_hourly_rate":"77.77","currency":"USD"}`,
		"teams/t":          `{"valid_from":"2026-01-01","name":"T","default_rate_class":"junior"}`,
		"workflows/brief":  `{"valid_from":"2026-01-01","name":"Brief","owner":"` + erasee + `"}`,
		"people/" + erasee: `{"valid_from":"2026-01-01","role":"ic","team":"t","rate_class":"senior"}`,
		"digests/weekly":   `{"valid_from":"2026-01-01","weekday":"monday","hour":6,"recipients":["` + erasee + `","bob@example.org"]}`,
	} {
		put(t, s, path, body)
	}
	put(t, s, "people/"+erasee, `{"valid_from":"2026-10-10","role":"leader","team":"t","rate_class":"junior"}`)
	send(t, s, office())
	reject(t, s, `{"specversion":"1.0","id":"bad-1","source":"office","type":"plumbline.hours_saved.v1","time":"2026-10-05T12:00:00Z","data":{"person":"`+erasee+`","minutes":1}}`)
	reject(t, s, `{"specversion":"1.0","id":"bad-2","source":"office","type":"plumbline.hours_saved.v1","time":"2026-10-05T12:00:00Z","data":{"person":"bob","minutes":1}}`)
	conflict := office()[:1]
	conflict[0].Time = conflict[0].Time.Add(time.Hour)
	send(t, s, conflict)
	settle(t, s)
	// The hash is what the registry shows.
	hash := get(t, s, "/registry/people").text(t, "entries.0.key")
	before := told(t, s)
	if before["/scorecard?from=2026-10-01&to=2026-11-01"]["measures"].(map[string]any)["capacity_value"].(map[string]any)["status"] != "ok" {
		t.Fatal("there is no capacity value to compare")
	}

	if code, _, errs := plumbline(t, s, "erase", erasee); code != 1 || !strings.Contains(errs, "nothing was erased") {
		t.Errorf("without a yes: %d %s", code, errs)
	}
	code, out, errs := plumbline(t, s, "erase", erasee, "--yes", "--reason", "asked for it", "--json")
	if code != 0 || strings.Contains(out, "Ann") {
		t.Fatalf("erase: %d %s %s", code, out, errs)
	}
	var e map[string]any
	if err := json.Unmarshal([]byte(out), &e); err != nil {
		t.Fatal(err)
	}
	// Of ann: 24 hours, training, barrier, deal and spend; the barriers of nine others, the correction and the void; the
	// correction of another's event names her only inside. Of the rejects one is the collector's, one the loader's. Of the entries two are hers, one
	// is a workflow that she owns, and one a digest that is mailed to her.
	if e["state"] != "done" || e["events"] != 38.0 || e["corrections"] != 1.0 || e["rejects"] != 2.0 || e["entries"] != 4.0 {
		t.Errorf("erased: %s", out)
	}
	settle(t, s)
	compare(t, before, told(t, s))
	silent(t, s, hash)

	// Again, and more of the same person.
	october := func() string {
		return get(t, s, "/scorecard?from=2026-10-01&to=2026-11-01").text(t, "measures.hours_saved_net.people")
	}
	people := october()
	send(t, s, office())
	late := office()[0]
	late.ID, late.Time = "late", late.Time.Add(time.Minute)
	send(t, s, []client.Event{late})
	settle(t, s)
	silent(t, s, hash)
	if got := october(); got != people || people != "10" {
		t.Errorf("%s people in the month of the late event, want 10 as before: %s", got, people)
	}
	status, answer := request(t, http.MethodPost, s.URL+"/api/v1/rejects/replay", s.AdminToken, "application/json", `{"filter":{},"dry_run":false}`)
	if status != http.StatusOK || strings.Count(answer, "person who was erased") != 2 || strings.Count(answer, "not_replayable") < 2 {
		t.Errorf("replay of erased rejects: %d %s", status, answer)
	}
	status, answer = request(t, http.MethodPut, s.URL+"/api/v1/registry/people/"+erasee, s.AdminToken, "application/json", `{"valid_from":"2026-01-01"}`)
	if status != http.StatusConflict || !strings.Contains(answer, "erased") {
		t.Errorf("declared again: %d %s", status, answer)
	}
	// An entry that names the person in a text is stored under the pseudonym, and whoever wrote it is told that it holds.
	// The version that the answer names is the one that the next write is held to.
	owned := `{"valid_from":"2026-02-01","name":"Brief","owner":"` + erasee + `"}`
	putMatching(t, s, "workflows/brief", owned, putMatching(t, s, "workflows/brief", owned, "*"))
	silent(t, s, hash)
	// Somebody who answers.
	var stdout, stderr bytes.Buffer
	code = cli.Main(t.Context(), []string{"erase", "nobody@example.org", "--url", s.URL, "--token", s.AdminToken}, cli.Streams{
		In: strings.NewReader("erase\n"), Out: &stdout, Err: &stderr, Env: func(string) (string, bool) { return "", false },
	})
	if code != 0 || !strings.Contains(stdout.String(), "0 events") || !strings.Contains(stderr.String(), "cannot be undone") || !strings.Contains(stderr.String(), "check the spelling") {
		t.Errorf("erase nobody: %d %s %s", code, &stdout, &stderr)
	}
}

func send(t *testing.T, s standalone.Server, events []client.Event) {
	t.Helper()
	c, err := client.New(client.Config{URL: s.URL, Key: s.WriteKey})
	if err != nil {
		t.Fatal(err)
	}
	answers, err := c.Send(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range answers {
		if a.State != event.Accepted {
			t.Fatalf("%+v", a)
		}
	}
}

// reject sends an event that is refused.
func reject(t *testing.T, s standalone.Server, body string) {
	t.Helper()
	if status, answer := request(t, http.MethodPost, s.URL+"/v1/events", s.WriteKey, "application/cloudevents+json", body); status != http.StatusMultiStatus {
		t.Fatalf("%d %s", status, answer)
	}
}

// addresses are the answers of the API that are numbers or rows.
func addresses() []string {
	const period = "from=2026-10-01&to=2026-11-01"
	out := []string{"/scorecard?" + period, "/scorecard?" + period + "&scope=team:t", "/experiments", "/trials", "/pipeline?" + period}
	for _, d := range metric.Catalogue() {
		out = append(out, "/evidence?measure="+d.Key+"&"+period)
	}
	return out
}

// told is what the API tells, without the moment.
func told(t *testing.T, s standalone.Server) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	for _, path := range addresses() {
		d, ok := get(t, s, path).value.(map[string]any)
		if !ok {
			t.Fatalf("%s is no object", path)
		}
		delete(d, "as_of")
		delete(d, "complete_through")
		forgetClaims(d)
		out[path] = d
	}
	return out
}

// forgetClaims takes out the links to claims: each says which events were counted when it was given out.
func forgetClaims(of any) {
	switch v := of.(type) {
	case map[string]any:
		delete(v, "claim")
		for _, inner := range v {
			forgetClaims(inner)
		}
	case []any:
		for _, inner := range v {
			forgetClaims(inner)
		}
	}
}

func compare(t *testing.T, before, after map[string]map[string]any) {
	t.Helper()
	for path, want := range before {
		if got := after[path]; !reflect.DeepEqual(got, want) {
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(want)
			t.Errorf("%s tells\n%s\nbefore it told\n%s", path, a, b)
		}
	}
}

// silent fails where any answer of the API names the person.
func silent(t *testing.T, s standalone.Server, hash string) {
	t.Helper()
	paths := append(addresses(), "/session", "/metrics", "/erasures", "/audit?limit=1000", "/audit?format=csv", "/rejects", "/rejects/summary")
	for _, k := range registry.Kinds() {
		paths = append(paths, "/registry/"+string(k))
	}
	card := get(t, s, addresses()[0])
	measures, _ := card.at(t, "measures").(map[string]any)
	for key := range measures {
		paths = append(paths, strings.TrimPrefix(card.text(t, "measures."+key+".claim"), "/api/v1"))
	}
	rejects, _ := get(t, s, "/rejects").at(t, "rejects").([]any)
	for i := range rejects {
		paths = append(paths, "/rejects/"+get(t, s, "/rejects").text(t, fmt.Sprintf("rejects.%d.id", i)))
	}
	if len(rejects) < 3 {
		t.Errorf("%d rejects, want 3", len(rejects))
	}
	for _, path := range paths {
		status, body := request(t, http.MethodGet, s.URL+"/api/v1"+path, s.AdminToken, "", "")
		if status != http.StatusOK {
			t.Errorf("GET %s: %d %s", path, status, body)
		}
		for _, name := range []string{hash, erasee, base64.StdEncoding.EncodeToString([]byte(hash))} {
			if strings.Contains(strings.ToLower(body), strings.ToLower(name)) {
				t.Errorf("GET %s names the person (%s): %s", path, name, body)
			}
		}
	}
	if status, body := request(t, http.MethodGet, s.URL+"/api/v1/registry/people/"+erasee, s.AdminToken, "", ""); status != http.StatusNotFound {
		t.Errorf("the entry is still found: %d %s", status, body)
	}
}
