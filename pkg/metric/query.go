package metric

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"plumbline/pkg/event"
)

// ScopeKind says whose numbers are asked for.
type ScopeKind string

// The scopes.
const (
	ScopeOrg      ScopeKind = "org"
	ScopeTeam     ScopeKind = "team"
	ScopeWorkflow ScopeKind = "workflow"
	// ScopeMe is one person's own rows.
	ScopeMe ScopeKind = "me"
)

// Scope selects rows; Key is the team, the workflow, or the pseudonym of the person.
type Scope struct {
	Kind ScopeKind
	Key  string
}

// String is the form of a scope in a URL. The pseudonym of a person is never in it.
func (s Scope) String() string {
	if s.Kind == ScopeTeam || s.Kind == ScopeWorkflow {
		return string(s.Kind) + ":" + s.Key
	}
	return string(s.Kind)
}

// Holds tells whether a team's work on a workflow belongs to the scope; what is one person's own is told by the query.
func (s Scope) Holds(team, workflow string) bool {
	switch s.Kind {
	case ScopeTeam:
		return team == s.Key
	case ScopeWorkflow:
		return workflow == s.Key
	case ScopeOrg, ScopeMe:
	}
	return true
}

// Window selects the rows of a workspace's days [From, To) as one generation of the rollups shows them.
type Window struct {
	Workspace  string
	Generation uint64
	// From and To are local days, half-open.
	From, To event.Day
	Scope    Scope
	// byList says that the reader lists the days with their generations.
	byList bool
}

// current restricts rows to the generations of their day that the snapshot sees.
const current = `(day, generation) IN (
    SELECT day, arrayJoin(argMax(generations, generation)) FROM rollup_pointer
    WHERE workspace = {workspace:String} AND generation <= {generation:UInt64}
    GROUP BY day)`

// where is the condition of a window over the column that says when.
func (w Window) where(dayColumn string) (string, map[string]any) {
	conditions := []string{"workspace = {workspace:String}"}
	if w.byList {
		return conditions[0] + "\n  AND " + inList, map[string]any{"workspace": w.Workspace}
	}
	args := map[string]any{"workspace": w.Workspace, "generation": w.Generation}
	if !w.From.IsZero() {
		conditions = append(conditions, dayColumn+" >= {from:Date32}")
		args["from"] = w.From
	}
	if !w.To.IsZero() {
		conditions = append(conditions, dayColumn+" < {to:Date32}")
		args["to"] = w.To
	}
	switch w.Scope.Kind {
	case ScopeTeam:
		conditions = append(conditions, "team = {key:String}")
		args["key"] = w.Scope.Key
	case ScopeWorkflow:
		conditions = append(conditions, "workflow = {key:String}")
		args["key"] = w.Scope.Key
	case ScopeMe:
		conditions = append(conditions, "person = {key:String}")
		args["key"] = w.Scope.Key
	case ScopeOrg:
	}
	conditions = append(conditions, current)
	return strings.Join(conditions, "\n  AND "), args
}

// holds tells whether a day lies in the window; none lies in no window.
func (w Window) holds(day *time.Time) bool {
	return day != nil && (w.From.IsZero() || !day.Before(w.From.Time)) && (w.To.IsZero() || day.Before(w.To.Time))
}

// Days is the length of the window.
func (w Window) Days() int { return int(w.To.Sub(w.From.Time) / (24 * time.Hour)) }

// dayTexts are the texts of days that were asked for, by seconds since 1970: a fold writes the same few hundred for thousands of cells.
var dayTexts sync.Map

func dayText(t time.Time) string {
	at := t.Unix()
	if t.Location() != time.UTC || at%secondsOfDay != 0 { // no day, of which there are 110,000; other times have no end
		return t.Format(time.DateOnly)
	}
	if text, ok := dayTexts.Load(at); ok {
		known, _ := text.(string)
		return known
	}
	text := t.Format(time.DateOnly)
	dayTexts.Store(at, text)
	return text
}

const secondsOfDay = 24 * 60 * 60

// WeekOf is the Monday of the ISO week of a day.
func WeekOf(day string) string {
	t := mustDay(day).Time
	return dayText(t.AddDate(0, 0, -((int(t.Weekday()) + 6) % 7)))
}

// MonthOf is the first day of the month of a day.
func MonthOf(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// mustDay reads a day that came from a typed column.
func mustDay(day string) event.Day {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(fmt.Sprintf("metric: %q is no day", day))
	}
	return event.Day{Time: t}
}
