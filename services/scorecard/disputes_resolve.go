package scorecard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// resolveRequest is the body of a resolution, and without id and decision that of a preview.
type resolveRequest struct {
	ID string `json:"id"`
	// Decision is accept or reject.
	Decision string `json:"decision"`
	// Baseline is what holds from the day From on, where it is accepted.
	Baseline json.RawMessage `json:"baseline"`
	From     saidText        `json:"from"`
	Text     saidText        `json:"text"`
}

const (
	resolveForm = `send {"id": "a UUID", "decision": "accept", "baseline": {"low": 40, "mode": 60, "high": 90}, "from": "2026-10-01"}, or "decision": "reject" with a "text" that says why`
	previewForm = `send {"baseline": {"low": 40, "mode": 60, "high": 90}, "from": "2026-10-01"}`
)

// postDisputeResolve accepts or rejects a dispute. What an accepted one makes of its workflow is part of the one record that accepts
// it, so that neither is ever there without the other.
func (a *app) postDisputeResolve(c *gin.Context, v *view) error {
	d, err := v.disputeNamed(c.Param("id"))
	if err != nil && !v.mayResolveSome(a) {
		return forbidden(onlyResolvers)
	}
	if err != nil {
		return err
	}
	if !a.mayResolve(v, &d) {
		return forbidden(onlyResolvers)
	}
	var r resolveRequest
	if err := readSaid(c, &r, resolveForm); err != nil {
		return err
	}
	// What a resolution writes of the workflow is made of its entry: no other write may come between.
	defer a.writing.lock(entryName{v.viewer.Workspace, registry.Workflows, d.Workflow()})()
	if v, err = a.lookAgain(c, v); err != nil {
		return err
	}
	s, problems, err := a.resolution(c, v, &d, r)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return &badRequest{problems}
	}
	match := c.GetHeader("If-Match")
	return a.addStep(c, v, s, func(v *view, d *registry.Dispute) error {
		switch {
		case !a.mayResolve(v, d):
			return forbidden(onlyResolvers)
		case match == "":
			return &httpError{
				status: http.StatusPreconditionRequired, code: "no_version",
				detail: "Say which version of the dispute you have read: send its version as If-Match, so that nothing is decided over what somebody has just said.",
			}
		}
		return checkMatch(match, "", `"`+a.disputeVersion(d)+`"`)
	})
}

const onlyResolvers = "The owner of the workflow or an administrator resolves a dispute, and nobody what they have raised themselves. You can comment and support it."

// mayResolveSome tells whether the viewer may resolve any dispute that there is.
func (v *view) mayResolveSome(a *app) bool {
	return a.mayResolve(v, &registry.Dispute{Raised: registry.Said{Step: &registry.DisputeStep{}}})
}

// resolution is the step that ends a dispute as asked.
func (a *app) resolution(c context.Context, v *view, d *registry.Dispute, r resolveRequest) (disputeStep, []event.Problem, error) {
	fields := map[string]any{"text": r.Text, "by": registry.ByAdministrator}
	if a.owns(v, d.Workflow()) {
		fields["by"] = registry.ByOwner
	}
	switch r.Decision {
	case registry.DisputeReject:
		if !absent(r.Baseline) || r.From.text != "" {
			return disputeStep{}, []event.Problem{{Code: event.CodeInconsistent, Pointer: "/baseline", Message: "a rejected dispute changes no baseline: leave baseline and from out"}}, nil
		}
		s, problems := stepOf(r.ID, d.ID, registry.DisputeReject, fields)
		return s, problems, nil
	case registry.DisputeAccept:
	default:
		return disputeStep{}, []event.Problem{{Code: event.CodeBadValue, Pointer: "/decision", Message: "decision must be accept or reject"}}, nil
	}
	versions, problems, err := v.rebased(d, r)
	if err != nil || len(problems) > 0 {
		return disputeStep{}, problems, err
	}
	if err := v.mayRebase(c, d.Workflow(), versions[0].ValidFrom.Time); err != nil {
		return disputeStep{}, nil, err
	}
	fields["accepted"], fields["from"], fields["versions"] = r.Baseline, r.From, versions
	s, problems := stepOf(r.ID, d.ID, registry.DisputeAccept, fields)
	return s, problems, nil
}

// rebased is what accepting a dispute makes of its workflow: see [registry.Snapshot.Rebased].
func (v *view) rebased(d *registry.Dispute, r resolveRequest) ([]registry.WorkflowVersion, []event.Problem, error) {
	baseline, problems := declaredBaseline(r.Baseline, d.ID)
	from, err := event.ParseDay(r.From.text)
	if err != nil {
		problems = append(problems, event.Problem{Code: event.CodeBadValue, Pointer: "/from", Message: `give the day from which the baseline holds, such as "2026-10-01"`})
	}
	if len(problems) > 0 {
		return nil, problems, nil
	}
	versions, err := v.registry.Rebased(d.Workflow(), v.startOf(from), *baseline)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case len(versions) == 0:
		problems = []event.Problem{{Code: event.CodeBadValue, Pointer: "/from", Message: "the registry does not know the workflow on that day: choose a later one, or register the workflow first"}}
	case len(versions) > mostVersions:
		problems = []event.Problem{{Code: event.CodeTooLong, Pointer: "/from", Message: "the workflow has too many versions since that day: choose a later one"}}
	}
	return versions, problems, nil
}

// mostRebased is how many months that are over somebody changes who may not write the registry.
const mostRebased = 24

// mayRebase refuses to change numbers that are shown already where the difference would tell about few people: who writes the registry
// sees such differences anyway, and an owner who may not is told what a what-if tells everybody, month by month.
func (v *view) mayRebase(ctx context.Context, workflow string, from time.Time) error {
	if v.viewer.Role.May(access.ChangeRegistry) {
		return nil
	}
	change := []registry.Record{{Kind: registry.Workflows, Key: workflow, ValidFrom: from}}
	v.overOnly = true // as in every what-if
	open, months := access.CellOf(v.today.Time), 0
	for month := access.CellOf(v.dayOf(from).Time); month.Before(open); month = access.NextCell(month) {
		if months++; months > mostRebased {
			return &badRequest{[]event.Problem{{Code: event.CodeOutOfRange, Pointer: "/from", Message: "an owner changes the last two years at most: choose a later day, or ask an administrator"}}}
		}
		w := v.window(event.Day{Time: month}, event.Day{Time: access.NextCell(month)}, metric.Scope{Kind: metric.ScopeOrg})
		n, err := v.compute(ctx, w, v.currency, metric.HoursSavedNet, metric.CapacityValue)
		if err != nil {
			return err
		}
		if err := v.mayAssume(n, change); err != nil {
			return inResolution(err)
		}
	}
	return nil
}

// mostVersions is how many versions of a workflow one accepted dispute writes.
const mostVersions = 100

// declaredBaseline reads the baseline of a resolution. Its evidence is the dispute.
func declaredBaseline(raw json.RawMessage, dispute string) (*registry.DeclaredBaseline, []event.Problem) {
	if absent(raw) {
		return nil, []event.Problem{{Code: event.CodeMissingField, Pointer: "/baseline", Message: "say which baseline holds: " + previewForm}}
	}
	var points struct {
		Low  json.RawMessage `json:"low"`
		Mode json.RawMessage `json:"mode"`
		High json.RawMessage `json:"high"`
	}
	if err := decodeStrict(raw, &points); err != nil {
		return nil, []event.Problem{{Code: event.CodeWrongType, Pointer: "/baseline", Message: previewForm}}
	}
	fields := map[string]any{"evidence": "dispute " + dispute}
	for name, value := range map[string]json.RawMessage{"low": points.Low, "mode": points.Mode, "high": points.High} {
		if !absent(value) {
			fields[name] = value
		}
	}
	body, err := json.Marshal(map[string]any{"baseline": fields})
	if err != nil {
		return nil, []event.Problem{{Code: event.CodeNotJSON, Pointer: "/baseline", Message: previewForm}}
	}
	entry, problems := registry.Decode(registry.Workflows, dispute, body)
	if w, ok := entry.(*registry.Workflow); ok && len(problems) == 0 {
		return w.Baseline, nil
	}
	return nil, problems
}

// postDisputePreview answers with the scorecard as it would be were the dispute accepted so: what a resolution writes, assumed.
func (a *app) postDisputePreview(c *gin.Context, v *view) error {
	p, err := parseParams(c.Request.URL.Query(), v.today, "from", "to", "scope", "currency")
	if err != nil {
		return err
	}
	d, err := v.disputeNamed(c.Param("id"))
	if err != nil {
		return err
	}
	if err := v.admit(c, p.scope); err != nil {
		return err
	}
	var r resolveRequest
	if err := readSaid(c, &r, previewForm); err != nil {
		return err
	}
	versions, problems, err := v.rebased(&d, r)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return &badRequest{problems}
	}
	records := make([]registry.Record, 0, len(versions))
	for _, w := range versions {
		records = append(records, registry.Record{
			Workspace: v.viewer.Workspace, Kind: registry.Workflows, Key: d.Workflow(), ValidFrom: w.ValidFrom.Time, RecordedAt: v.laterThan(d.Workflow()),
			EntryID: "preview", Value: w.Value, Author: "preview",
		})
	}
	// The first says from when on it is another: later versions begin with the same baseline as the one before them.
	answer, err := v.whatIf(c, p, records, records[:1])
	if err != nil {
		return inResolution(err)
	}
	writeJSON(c, http.StatusOK, answer)
	return nil
}

// laterThan is an instant after every write of a workflow.
func (v *view) laterThan(workflow string) time.Time {
	at := v.now
	if history := v.registry.History(registry.Workflows, workflow); len(history) > 0 && !at.After(history[0].RecordedAt) {
		at = history[0].RecordedAt.Add(time.Millisecond)
	}
	return at
}

// inResolution points the refusal of an assumption to the fields of a resolution.
func inResolution(err error) error {
	bad, ok := errors.AsType[*badRequest](err)
	if !ok {
		return err
	}
	for i, p := range bad.problems {
		if bad.problems[i].Pointer = "/baseline"; strings.HasSuffix(p.Pointer, "/valid_from") {
			bad.problems[i].Pointer = "/from"
		}
	}
	return bad
}
