package scorecard

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/warehouse"
)

// saidQuery reads what one person has said about barriers as it stands, what was taken back too.
type saidQuery struct {
	workspace, person, zone string
	// from and to are local days; identity chooses one event of the UTC day that from is, instead.
	from, to event.Day
	identity *event.Identity
}

// saidRow is one thing said about a barrier.
type saidRow struct {
	Day       time.Time        `ch:"local_day"`
	Time      time.Time        `ch:"time"`
	Source    string           `ch:"source"`
	ID        string           `ch:"id"`
	Barrier   string           `ch:"barrier"`
	Category  string           `ch:"category"`
	Action    string           `ch:"action"`
	Person    string           `ch:"person"`
	Owner     string           `ch:"owner"`
	Note      string           `ch:"note"`
	Minutes   *decimal.Decimal `ch:"minutes_lost"`
	Withdrawn bool             `ch:"withdrawn"`
}

// SQL is the query and its parameters.
func (q saidQuery) SQL() (string, map[string]any) {
	args := map[string]any{"workspace": q.workspace, "person": q.person, "zone": q.zone}
	// The sort key begins with the workspace and the UTC day: a local day lies in two of them.
	raw, local := "day >= {first:Date32} AND day <= {last:Date32}", "local_day >= {from:Date32} AND local_day < {to:Date32}"
	if q.identity != nil {
		raw, local = "day = {day:Date32} AND identity = unhex({identity:String})", "true"
		args["day"], args["identity"] = q.from, hex.EncodeToString(q.identity[:])
	} else {
		args["from"], args["to"], args["first"], args["last"] = q.from, q.to, addDays(q.from, -1), addDays(q.to, 1)
	}
	return `SELECT toDate32(toTimeZone(time, {zone:String})) AS local_day, time, source, id, barrier, category, action, person, owner, note, minutes_lost, withdrawn
FROM ` + warehouse.Standing(event.KindBarrier, raw) + `
WHERE person = {person:String} AND ` + local + `
ORDER BY time DESC, identity`, args
}

// barrierSaid is what the viewer has said about a barrier.
type barrierSaid struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	// Editable says that it was said here, so that it can be taken back here.
	Editable bool          `json:"editable"`
	Barrier  string        `json:"barrier"`
	Category string        `json:"category"`
	Action   string        `json:"action"`
	Minutes  *metric.Exact `json:"minutes_lost"`
	Note     *string       `json:"note"`
	Day      string        `json:"day"`
	// State is counted or withdrawn.
	State string `json:"state"`
}

// What can be said about a barrier, or done.
const (
	barrierReport  = "report"
	barrierSupport = "support"
	barrierTake    = "take"
	barrierResolve = "resolve"
)

// fold is the row as the folds see it.
func (r *saidRow) fold() metric.BarrierRow {
	return metric.BarrierRow{
		Day: r.Day, At: r.Time, Barrier: r.Barrier, Category: r.Category, Action: r.Action, Person: r.Person, Owner: r.Owner, Minutes: r.Minutes,
	}
}

func (r *saidRow) said() barrierSaid {
	out := barrierSaid{
		ID: r.ID, Source: r.Source, Editable: r.Source == appSource, Barrier: r.Barrier, Category: r.Category, Action: r.Action, Note: optionalText(r.Note),
		Day: r.Day.Format(time.DateOnly), State: outcomeCounted,
	}
	if r.fold().Takes() {
		out.Action = barrierTake
	}
	if r.Minutes != nil {
		out.Minutes = metric.ExactOf(*r.Minutes)
	}
	if r.Withdrawn {
		out.State = outcomeWithdrawn
	}
	return out
}

// said is what the viewer has said in local days, the newest first.
func (v *view) said(ctx context.Context, from, to event.Day) ([]barrierSaid, error) {
	rows, err := read[saidRow](ctx, v, saidQuery{workspace: v.viewer.Workspace, person: v.viewer.Person, zone: v.zone.String(), from: from, to: to})
	out := make([]barrierSaid, 0, len(rows))
	for i := range rows {
		out = append(out, rows[i].said())
	}
	return out, err
}

// saidHere is what the viewer has said in the app under an id.
func (v *view) saidHere(ctx context.Context, id string) (saidRow, bool, error) {
	return ownEvent[saidRow](ctx, v, event.KindBarrier, id, func(day event.Day, identity *event.Identity) metric.Query {
		return saidQuery{workspace: v.viewer.Workspace, person: v.viewer.Person, zone: v.zone.String(), from: day, identity: identity}
	})
}
