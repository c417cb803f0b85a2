package scorecard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

// outcomeFields are what somebody says of an outcome. Numbers are kept as they were written, so that the parser judges them as it
// judges those of any event. In a change what is absent stays as it is, and null takes it away.
type outcomeFields struct {
	Workflow saidText        `json:"workflow"`
	Units    json.RawMessage `json:"units"`
	Minutes  json.RawMessage `json:"minutes"`
	URL      saidText        `json:"url"`
	Note     saidText        `json:"note"`
	Quality  json.RawMessage `json:"quality"`
}

// saidText is a text that was given, trimmed; null is an empty one.
type saidText struct {
	given bool
	text  string
}

// UnmarshalJSON reads a text or null.
func (t *saidText) UnmarshalJSON(raw []byte) error {
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	if t.given, t.text = true, ""; text != nil {
		t.text = strings.TrimSpace(*text)
	}
	return nil
}

// outcomeRequest is the body of POST /outcomes.
type outcomeRequest struct {
	// ID is made once for each draft: whoever sends it again sends the same outcome.
	ID string `json:"id"`
	// Day is when it happened; "" is today.
	Day string `json:"day"`
	outcomeFields
}

// A client's clock may be ahead by this much; one that is further off is not believed.
const clockAhead = 5 * time.Minute

// idTime is when an id of version 7 was made, where that can be.
func (v *view) idTime(id string) (time.Time, bool) {
	u, err := uuid.Parse(id)
	if err != nil || u.Version() != 7 {
		return time.Time{}, false
	}
	sec, nsec := u.Time().UnixTime()
	at := time.Unix(sec, nsec).UTC().Truncate(time.Millisecond)
	return at, at.Before(v.now.Add(clockAhead))
}

// outcomeTime is the time of an outcome of a day, the same whenever it is sent again: when its id was made, where that was on the
// day, else its noon.
func (v *view) outcomeTime(id string, day event.Day) time.Time {
	if at, ok := v.idTime(id); ok {
		if v.dayOf(at).Equal(day.Time) {
			return at
		}
	}
	return time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, v.zone).UTC()
}

// outcomeEvent is the event of a request, judged as the collector judges it. The person is the viewer, whatever is sent.
func (a *app) outcomeEvent(v *view, r outcomeRequest) (event.Event, []event.Problem) {
	var problems []event.Problem
	fail := func(pointer, message string) {
		problems = append(problems, event.Problem{Code: event.CodeBadValue, Pointer: pointer, Message: message})
	}
	id, err := uuid.Parse(r.ID)
	if err != nil || len(r.ID) != 36 {
		fail("/id", "give a UUID, made once for each outcome: whoever sends it again sends the same outcome")
	}
	day, err := v.outcomeDay(r.Day)
	if err != nil {
		fail("/day", err.Error())
	}
	workflow := r.Workflow.text
	if workflow == "" {
		problems = append(problems, event.Problem{Code: event.CodeMissingField, Pointer: "/workflow", Message: "say which workflow it was"})
	}
	if absent(r.Minutes) {
		problems = append(problems, event.Problem{Code: event.CodeMissingField, Pointer: "/minutes", Message: "say how many minutes it took"})
	}
	data := map[string]any{}
	r.write(data)
	data["person"] = v.viewer.Person
	if team := v.teamOf(workflow, day); team != "" {
		data["team"] = team
	}
	e, more := a.outcomes.parse(event.KindHoursSaved, id.String(), v.outcomeTime(r.ID, day), data)
	for _, p := range more {
		if p = inForm(p); !slices.ContainsFunc(problems, func(q event.Problem) bool { return q.Pointer == p.Pointer }) && !(p.Pointer == "/minutes" && absent(r.Minutes)) {
			problems = append(problems, p)
		}
	}
	e.Workspace = v.viewer.Workspace
	return e, problems
}

// parse judges an event as the collector does with one that comes in.
func (d *outcomeDesk) parse(kind event.Kind, id string, at time.Time, data map[string]any) (event.Event, []event.Problem) {
	raw, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": id, "source": appSource, "type": kind.Type(), "time": at.UTC().Format(event.TimeForm), "data": data,
	})
	if err != nil {
		return event.Event{}, []event.Problem{{Code: event.CodeNotJSON, Message: err.Error()}}
	}
	return d.parser.Structured(raw)
}

// outcomeDay reads a day up to today.
func (v *view) outcomeDay(text string) (event.Day, error) {
	if text == "" {
		return v.today, nil
	}
	at, err := time.Parse(time.DateOnly, text)
	switch {
	case err != nil || at.Year() < 2000:
		return v.today, fmt.Errorf("write a day as YYYY-MM-DD, such as %s", v.today)
	case at.After(v.today.Time):
		return v.today, fmt.Errorf("that day is still to come: today is %s", v.today)
	}
	return event.Day{Time: at}, nil
}

// write puts the fields into the data of an event; what is absent is left as it is.
func (f outcomeFields) write(data map[string]any) {
	text := func(name string, value saidText) {
		switch {
		case !value.given:
		case value.text == "":
			delete(data, name)
		default:
			data[name] = value.text
		}
	}
	text("workflow", f.Workflow)
	text("url", f.URL)
	text("task", f.Note)
	number := func(name string, value json.RawMessage) {
		switch {
		case len(value) == 0:
		case absent(value):
			delete(data, name)
		default:
			data[name] = value
		}
	}
	number("units", f.Units)
	number("quality", f.Quality)
	if !absent(f.Minutes) { // the whole, whatever parts it had before
		for _, part := range minuteParts() {
			delete(data, part)
		}
		data["doing_minutes"] = f.Minutes
	}
}

func minuteParts() []string {
	return []string{"doing_minutes", "prompting_minutes", "review_minutes", "rework_minutes", "correction_minutes"}
}

// absent tells whether a value was not given, or as null.
func absent(raw json.RawMessage) bool {
	return len(raw) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null"))
}

// inForm names the field of the form that a problem of the event is about.
func inForm(p event.Problem) event.Problem {
	p.Pointer = strings.Replace(p.Pointer, "/data/data/", "/data/", 1)
	p.Pointer = strings.Replace(p.Pointer, "/data/", "/", 1)
	for _, name := range [][2]string{{"doing_minutes", "minutes"}, {"task", "note"}, {"time", "day"}} {
		if p.Pointer == "/"+name[0] {
			p.Pointer = "/" + name[1]
			p.Message = strings.Replace(p.Message, name[0], name[1], 1)
		}
	}
	return p
}

// teamOf is the team whose work it is: that of the person on the day, else that of the workflow.
func (v *view) teamOf(workflow string, day event.Day) string {
	at := v.endOf(day)
	if p, _, ok := registry.Find[registry.Person](v.registry, registry.People, v.viewer.Person, at); ok && p.Team != "" {
		return p.Team
	}
	if w, _, ok := registry.Find[registry.Workflow](v.registry, registry.Workflows, workflow, at); ok {
		return w.Team
	}
	return ""
}
