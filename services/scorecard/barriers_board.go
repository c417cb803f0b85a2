package scorecard

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// barriersAnswer is the answer of /barriers.
type barriersAnswer struct {
	answerHead
	Hours metric.Measure `json:"hours"`
	// Status is withheld, with a reason, where only the total may be shown.
	Status   metric.Status `json:"status"`
	Reason   *string       `json:"reason"`
	Barriers []barrierRow  `json:"barriers"`
	// Live says that the period reaches up to the present: owners and states are those of now, and something can be done.
	Live bool `json:"live"`
	// Yours is what the viewer has said in the period, the newest first.
	Yours []barrierSaid `json:"yours"`
}

// barrierRow is one barrier, or the ones of few people together.
type barrierRow struct {
	Row      string  `json:"row"`
	Barrier  *string `json:"barrier"`
	Category *string `json:"category"`
	State    *string `json:"state"`
	Owner    *string `json:"owner"`
	// OwnedBy says of the owner what the registry does.
	OwnedBy  *barrierOwner `json:"owned_by"`
	FirstDay *string       `json:"first_day"`
	Resolved *string       `json:"resolved_day"`
	AgeDays  *int          `json:"age_days"`
	Hours    *metric.Exact `json:"hours"`
	People   *uint64       `json:"people"`
	Reports  uint64        `json:"reports"`
	Support  uint64        `json:"support"`
	// Version is what a barrier is taken or resolved with, and May what the viewer may do; nil and none where nothing can be done.
	Version *string  `json:"version"`
	May     []string `json:"may"`
}

// barrierOwner is who clears a barrier, as far as it is told: never the name.
type barrierOwner struct {
	You      bool    `json:"you"`
	Role     *string `json:"role"`
	Team     *string `json:"team"`
	TeamName *string `json:"team_name"`
}

// getBarriers answers with what is in the way, the costliest first.
func (a *app) getBarriers(c *gin.Context, v *view) error {
	p, n, done, err := v.pillarRequest(c, metric.BarrierHours)
	if err != nil || done {
		return err
	}
	answer := barriersAnswer{
		answerHead: v.head(p), Hours: v.dressed(n, p, metric.BarrierHours)[metric.BarrierHours], Status: metric.OK, Barriers: []barrierRow{},
		Live: !p.to.Before(access.CellOf(v.today.Time)), Yours: []barrierSaid{},
	}
	if v.viewer.Person != "" {
		if answer.Yours, err = v.said(c, p.from, p.to); err != nil {
			return err
		}
	}
	said, err := v.barriersSaid(c)
	if err != nil {
		return err
	}
	until := p.to
	if answer.Live {
		until = addDays(v.today, 1)
	}
	list := metric.Barriers(withDeeds(n.pillar.reported, said, until), n.pillar.lost, n.pillar.blocked.From, v.ended(n.pillar.blocked.To))
	switch {
	case isEmpty(n.pillar.blocked):
		answer.Status, answer.Reason = metric.Withheld, new(cellsReason)
	case len(list) == 0:
		answer.Status = metric.NoData
	default:
		rows, ok := v.barrierRows(list, n, p)
		if !ok {
			answer.Status, answer.Reason = metric.Withheld, new(floorReason)
		}
		for _, r := range rows {
			answer.Barriers = append(answer.Barriers, a.manned(v, r, said, answer.Live))
		}
	}
	writeJSON(c, http.StatusOK, answer)
	return nil
}

// barriersSaid is all that was said about barriers up to now, in the order of time.
func (v *view) barriersSaid(ctx context.Context) ([]metric.BarrierRow, error) {
	return read[metric.BarrierRow](ctx, v, metric.BarriersQuery{Window: v.window(event.Day{}, addDays(v.today, 1), metric.Scope{Kind: metric.ScopeOrg})})
}

// withDeeds are the reports of a scope with what was done about their barriers before a day, by whomever and at once: who takes a
// barrier or clears it does so for everybody, and wants it to be known. FLOOR.md says why that tells of nobody else.
func withDeeds(reported, said []metric.BarrierRow, until event.Day) []metric.BarrierRow {
	known := map[string]bool{}
	var out []metric.BarrierRow
	for _, r := range reported {
		if !r.Deed() {
			known[r.Barrier], out = true, append(out, r)
		}
	}
	for _, r := range said {
		if r.Deed() && known[r.Barrier] && r.Day.Before(until.Time) {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b metric.BarrierRow) int { return a.At.Compare(b.At) })
	return out
}

// manned adds to a row who clears the barrier, and what the viewer may do about it.
func (a *app) manned(v *view, r barrierRow, said []metric.BarrierRow, live bool) barrierRow {
	r.May = []string{}
	if r.Owner != nil {
		r.OwnedBy = v.ownerOf(*r.Owner)
	}
	if !live || r.Barrier == nil {
		return r
	}
	o := a.officeOf(v, *r.Barrier, said)
	r.Version = &o.version
	if v.viewer.Person != "" {
		r.May = append(r.May, barrierSupport)
		if o.mayTake(v.viewer) {
			r.May = append(r.May, barrierTake)
		}
	}
	if *r.State == metric.BarrierOpen && o.mayResolve(v.viewer) {
		r.May = append(r.May, barrierResolve)
	}
	return r
}

// ownerOf says of an owner what the registry does.
func (v *view) ownerOf(person string) *barrierOwner {
	o := &barrierOwner{You: person == v.viewer.Person}
	if p, _, ok := registry.Find[registry.Person](v.registry, registry.People, person, v.now); ok {
		o.Role, o.Team = optionalText(p.Role), optionalText(p.Team)
		if o.Team != nil {
			o.TeamName = new(v.name(registry.Teams, p.Team))
		}
	}
	return o
}

// office is who has a barrier now, and what was done about it last.
type office struct {
	owner, category string
	// last is when it was taken or resolved last.
	last    time.Time
	version string
}

// officeOf is the office of a barrier, from what is said up to now: the deeds, and the reports of months that are over. The version
// changes with every deed, and with nothing else. It can not be guessed, so that only who was shown the barrier can take it.
func (a *app) officeOf(v *view, barrier string, said []metric.BarrierRow) office {
	var o office
	over, sum := access.CellOf(v.today.Time), hmac.New(sha256.New, []byte(a.cfg.Secret))
	sum.Write(fmt.Appendf(nil, "barrier\x00%s\x00%s\x00", v.viewer.Workspace, barrier))
	for _, r := range said {
		if r.Barrier != barrier || (!r.Deed() && !r.Day.Before(over)) {
			continue
		}
		if r.Owner != "" {
			o.owner = r.Owner
		}
		if r.Deed() {
			o.last = r.At
			sum.Write(fmt.Appendf(nil, "%d %s %s\x00", r.At.UnixMilli(), r.Action, r.Owner))
			continue
		}
		o.category = r.Category
	}
	o.version = hex.EncodeToString(sum.Sum(nil)[:12])
	return o
}

// mayTake tells whether somebody may make the barrier their own: where nobody has it, or where they may take it from whoever does.
func (o office) mayTake(viewer access.Viewer) bool {
	return viewer.Person != "" && o.owner != viewer.Person && (o.owner == "" || viewer.Role.May(access.ResolveBarriers))
}

func (o office) mayResolve(viewer access.Viewer) bool {
	return viewer.Role.May(access.ResolveBarriers) || (viewer.Person != "" && o.owner == viewer.Person)
}

// barrierRows are the barriers of five or more other people, or of none, and the others merged into one row; ok is false
// where only the total may be shown.
func (v *view) barrierRows(list []metric.Barrier, n *numbers, p params) (out []barrierRow, ok bool) {
	end := v.ended(n.pillar.blocked.To)
	if p.scope.Kind == metric.ScopeMe {
		for _, b := range list {
			out = append(out, rowOf(b, b.AgeDays(end)))
		}
		return out, true
	}
	if n.pillar.untold || !n.pillar.losers.allowed() || !n.pillar.reporters.allowed() {
		return nil, false
	}
	lost, reported := n.pillar.losers.rows(byWorkflow()), n.pillar.reporters.rows(byWorkflow())
	other := barrierRow{Row: rowOther}
	var together []metric.Barrier
	for _, b := range list {
		if key := barrierMark + b.Barrier; isMerged(lost, key) || isMerged(reported, key) {
			together = append(together, b)
			continue
		}
		out = append(out, rowOf(b, b.AgeDays(end)))
	}
	if len(together) > 0 {
		out = append(out, other.of(together))
	}
	return out, true
}

func rowOf(b metric.Barrier, age int) barrierRow {
	row := barrierRow{
		Row: rowMember, Barrier: &b.Barrier, Category: optionalText(b.Category), State: &b.State, Owner: optionalText(b.Owner),
		FirstDay: new(b.First.Format(time.DateOnly)), AgeDays: &age, Reports: b.Reports, Support: b.Support, People: new(uint64(len(b.People))),
	}
	if b.Resolved != nil {
		row.Resolved = new(b.Resolved.Format(time.DateOnly))
	}
	if b.Hours != nil {
		row.Hours = metric.ExactOf(*b.Hours)
	}
	return row
}

// of sums barriers into one row that names none.
func (r barrierRow) of(list []metric.Barrier) barrierRow {
	var people []string
	for _, b := range list {
		people = append(people, b.People...)
		r.Reports, r.Support = r.Reports+b.Reports, r.Support+b.Support
		switch {
		case b.Hours != nil && r.Hours != nil:
			r.Hours = metric.ExactOf(r.Hours.Add(*b.Hours))
		case b.Hours != nil:
			r.Hours = metric.ExactOf(*b.Hours)
		}
	}
	slices.Sort(people)
	r.People = new(uint64(len(slices.Compact(people))))
	return r
}
