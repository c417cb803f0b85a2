package scorecard

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/audit"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/process"
	"plumbline/pkg/registry"
)

// Disputes say that the baseline of a workflow is wrong. DISPUTES.md says who may do what, and what others are told of it.

// disputeRoutes are the endpoints of disputes. A preview computes the scorecard.
func (a *app) disputeRoutes(api, computing gin.IRouter) {
	body := process.MaxBody(maxEntry)
	computing.GET("/disputes", a.answer(a.getDisputes))
	computing.GET("/disputes/:id", a.answer(a.getDispute))
	computing.POST("/disputes/:id/preview", body, a.answer(a.postDisputePreview))
	api.POST("/disputes", a.recorded(audit.DisputeRaise), body, a.answer(a.postDispute))
	api.POST("/disputes/:id/comments", a.recorded(audit.DisputeComment), body, a.answer(a.postDisputeComment))
	api.PUT("/disputes/:id/support", a.recorded(audit.DisputeSupport), a.answer(a.supportDispute(registry.DisputeSupport)))
	api.DELETE("/disputes/:id/support", a.recorded(audit.DisputeSupport), a.answer(a.supportDispute(registry.DisputeUnsupport)))
	api.POST("/disputes/:id/resolve", a.recorded(audit.DisputeResolve), body, a.answer(a.postDisputeResolve))
	api.POST("/disputes/:id/withdraw", a.recorded(audit.DisputeWithdraw), body, a.answer(a.postDisputeWithdraw))
}

// minutesRange is what a unit takes, in minutes.
type minutesRange struct {
	Low  *metric.Exact `json:"low"`
	Mode *metric.Exact `json:"mode"`
	High *metric.Exact `json:"high"`
}

// disputedAnswer is the baseline as it was when it was disputed. Numbers are exact, nil where fewer than five people stand behind them.
type disputedAnswer struct {
	Source  string  `json:"source"`
	Value   *string `json:"value"`
	Low     *string `json:"low"`
	High    *string `json:"high"`
	Unit    string  `json:"unit"`
	Version *string `json:"version"`
}

// disputeOutcome is how a dispute ended.
type disputeOutcome struct {
	// By is owner, administrator or raiser, as what somebody acted.
	By     string  `json:"by"`
	You    bool    `json:"you"`
	Day    string  `json:"day"`
	Text   *string `json:"text"`
	Erased bool    `json:"erased"`
	// Baseline holds from the day From on, where it was accepted.
	Baseline *minutesRange `json:"baseline"`
	From     *string       `json:"from"`
}

// disputeComment is one thing said.
type disputeComment struct {
	// By is you, raiser or somebody.
	By     string  `json:"by"`
	Day    string  `json:"day"`
	Text   *string `json:"text"`
	Erased bool    `json:"erased"`
}

// disputeAnswer is one dispute. It names nobody, and tells days and no hours.
type disputeAnswer struct {
	ID       string  `json:"id"`
	Workflow string  `json:"workflow"`
	Name     string  `json:"workflow_name"`
	Unit     *string `json:"unit"`
	TeamName *string `json:"team_name"`
	State    string  `json:"state"`
	// By is you or somebody.
	By        string         `json:"by"`
	Day       string         `json:"day"`
	Disputed  disputedAnswer `json:"disputed"`
	Direction *string        `json:"direction"`
	Proposed  *minutesRange  `json:"proposed"`
	From      string         `json:"from"`
	Text      *string        `json:"text"`
	URL       *string        `json:"url"`
	Erased    bool           `json:"erased"`
	// Changed says that another baseline is declared by now than the one that is disputed.
	Changed   bool             `json:"changed"`
	Support   int              `json:"support"`
	Supported bool             `json:"supported"`
	Comments  []disputeComment `json:"comments"`
	Outcome   *disputeOutcome  `json:"outcome"`
	// Version is what a resolution and a withdrawal need, and May what the viewer may do.
	Version string   `json:"version"`
	May     []string `json:"may"`
}

// What may be done with a dispute.
const (
	mayComment   = "comment"
	maySupport   = "support"
	mayUnsupport = "unsupport"
	mayResolve   = "resolve"
	mayWithdraw  = "withdraw"
)

// getDisputes lists disputes, the latest first.
func (a *app) getDisputes(c *gin.Context, v *view) error {
	query := c.Request.URL.Query()
	p, err := parseParams(query, v.today, "workflow", "state", "limit", "cursor")
	if err != nil {
		return err
	}
	chosen, err := v.chosenDisputes(query)
	if err != nil {
		return err
	}
	total := len(chosen)
	if p.cursor != "" {
		after, err := cursorText(p.cursor)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(chosen, func(d registry.Dispute) bool { return d.ID == after })
		if i < 0 {
			return badCursor()
		}
		chosen = chosen[i+1:]
	}
	var next *string
	if len(chosen) > p.limit {
		chosen = chosen[:p.limit]
		next = new(cursorOf(chosen[p.limit-1].ID))
	}
	out := make([]disputeAnswer, 0, len(chosen))
	for i := range chosen {
		out = append(out, a.disputeOf(v, &chosen[i]))
	}
	writeJSON(c, http.StatusOK, gin.H{"disputes": out, "total": total, "next": next})
	return nil
}

// chosenDisputes are those of a workflow and in a state.
func (v *view) chosenDisputes(query url.Values) ([]registry.Dispute, error) {
	workflow, state := query.Get("workflow"), query.Get("state")
	if state != "" && !slices.Contains(registry.DisputeStates(), state) {
		return nil, &badRequest{[]event.Problem{{Code: event.CodeBadValue, Pointer: "/state", Message: "use one of: " + strings.Join(registry.DisputeStates(), ", ")}}}
	}
	var out []registry.Dispute
	for _, d := range v.registry.Disputes() {
		if (workflow == "" || d.Workflow() == workflow) && (state == "" || d.State() == state) {
			out = append(out, d)
		}
	}
	return out, nil
}

// getDispute answers with one dispute.
func (a *app) getDispute(c *gin.Context, v *view) error {
	if _, err := parseParams(c.Request.URL.Query(), v.today); err != nil {
		return err
	}
	d, err := v.disputeNamed(c.Param("id"))
	if err != nil {
		return err
	}
	a.writeDispute(c, v, http.StatusOK, &d)
	return nil
}

func (v *view) disputeNamed(id string) (registry.Dispute, error) {
	d, ok := v.registry.Dispute(strings.ToLower(id))
	if !ok {
		return d, errNotFound("There is no such dispute.")
	}
	return d, nil
}

func (a *app) writeDispute(c *gin.Context, v *view, status int, d *registry.Dispute) {
	answer := a.disputeOf(v, d)
	c.Header("ETag", `"`+answer.Version+`"`)
	c.Header("Cache-Control", "no-store")
	writeJSON(c, status, answer)
}

// disputeVersion names the state of a dispute. It tells no time, which the id of a record does.
func (a *app) disputeVersion(d *registry.Dispute) string {
	sum := hmac.New(sha256.New, []byte(a.cfg.Secret))
	sum.Write([]byte("dispute\x00" + d.Version))
	return hex.EncodeToString(sum.Sum(nil)[:12])
}

// disputeOf is a dispute as the viewer sees it.
func (a *app) disputeOf(v *view, d *registry.Dispute) disputeAnswer {
	raised := d.Raised.Step
	out := disputeAnswer{
		ID: d.ID, Workflow: raised.Workflow, Name: v.name(registry.Workflows, raised.Workflow), State: d.State(), By: v.sayer(d, d.Raised.Author),
		Day: v.dayOf(d.Raised.RecordedAt).String(), Direction: optionalText(raised.Direction), From: raised.From.String(),
		Text: optionalText(raised.Text), URL: optionalText(raised.URL), Erased: raised.Erased, Changed: v.baselineChanged(d), Support: len(d.Supporters),
		Supported: v.supports(d), Comments: []disputeComment{}, Outcome: v.outcomeOfDispute(d), Version: a.disputeVersion(d), May: a.mayWith(v, d),
		Proposed: rangeOf(raised.Proposed),
	}
	if out.By == "raiser" {
		out.By = "somebody"
	}
	b := raised.Disputed
	out.Disputed = disputedAnswer{b.Source, optionalText(b.Value), optionalText(b.Low), optionalText(b.High), b.Unit, optionalText(b.Version)}
	if w, _, ok := registry.Find[registry.Workflow](v.registry, registry.Workflows, raised.Workflow, v.now); ok {
		if out.Unit = optionalText(w.Unit); w.Team != "" {
			out.TeamName = new(v.name(registry.Teams, w.Team))
		}
	}
	for _, s := range d.Comments {
		out.Comments = append(out.Comments, disputeComment{v.sayer(d, s.Author), v.dayOf(s.RecordedAt).String(), optionalText(s.Step.Text), s.Step.Erased})
	}
	return out
}

// sayer is who has said something, as far as it is told: never a person.
func (v *view) sayer(d *registry.Dispute, by string) string {
	switch {
	case v.viewer.Person != "" && by == v.viewer.Person:
		return "you"
	case by == d.Raised.Author:
		return "raiser"
	}
	return "somebody"
}

func (v *view) supports(d *registry.Dispute) bool {
	_, there := slices.BinarySearch(d.Supporters, v.viewer.Person)
	return there && v.viewer.Person != ""
}

func (v *view) outcomeOfDispute(d *registry.Dispute) *disputeOutcome {
	if d.Outcome == nil {
		return nil
	}
	step := d.Outcome.Step
	out := &disputeOutcome{
		By: step.By, You: v.viewer.Person != "" && d.Outcome.Author == v.viewer.Person, Day: v.dayOf(d.Outcome.RecordedAt).String(),
		Text: optionalText(step.Text), Erased: step.Erased, Baseline: rangeOf(step.Accepted),
	}
	if step.Action == registry.DisputeWithdraw {
		out.By = "raiser"
	}
	if step.From != nil {
		out.From = new(step.From.String())
	}
	return out
}

func rangeOf(r *registry.Range) *minutesRange {
	if r == nil {
		return nil
	}
	return &minutesRange{metric.ExactOf(r.Low.Decimal()), metric.ExactOf(r.Mode.Decimal()), metric.ExactOf(r.High.Decimal())}
}

// baselineChanged tells whether another baseline is declared now than the one that is disputed. What is measured changes with
// every piece of work.
func (v *view) baselineChanged(d *registry.Dispute) bool {
	was := d.Raised.Step.Disputed
	if was.Source != metric.FromDeclared {
		return false
	}
	now, ok := v.declared(d.Workflow(), v.today)
	return !ok || *exact(now.Mode) != was.Value || *exact(now.Low) != was.Low || *exact(now.High) != was.High
}

// mayWith is what the viewer may do with a dispute.
func (a *app) mayWith(v *view, d *registry.Dispute) []string {
	out := []string{}
	if d.Outcome != nil {
		return out
	}
	if v.viewer.Person != "" && v.viewer.Role.May(access.DisputeBaselines) {
		out = append(out, mayComment)
		switch {
		case d.Raised.Author == v.viewer.Person:
			out = append(out, mayWithdraw)
		case v.supports(d):
			out = append(out, mayUnsupport)
		default:
			out = append(out, maySupport)
		}
	}
	if a.mayResolve(v, d) {
		out = append(out, mayResolve)
	}
	return out
}

// mayResolve tells whether the viewer may accept or reject a dispute: whoever may resolve any, and the owner of its workflow. Nobody
// accepts what they have raised themselves, unless they could write the baseline without a dispute.
func (a *app) mayResolve(v *view, d *registry.Dispute) bool {
	if v.viewer.Person != "" && v.viewer.Person == d.Raised.Author && !v.viewer.Role.May(access.ChangeRegistry) {
		return false
	}
	return v.viewer.Role.May(access.ResolveDisputes) || a.owns(v, d.Workflow())
}

// owns tells whether the viewer is the owner of a workflow, whose entry may have the pseudonym or what it is made of.
func (a *app) owns(v *view, workflow string) bool {
	w, _, ok := registry.Find[registry.Workflow](v.registry, registry.Workflows, workflow, v.now)
	if !ok || w.Owner == "" || v.viewer.Person == "" {
		return false
	}
	return w.Owner == v.viewer.Person || a.sealer.Person(v.viewer.Workspace, w.Owner) == v.viewer.Person
}
