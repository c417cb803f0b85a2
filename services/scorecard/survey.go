package scorecard

import (
	"context"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
)

// surveyRequest is the body of POST /survey: the one question that everybody is asked.
type surveyRequest struct {
	Wave        string `json:"wave"`
	ROIProvable string `json:"roi_provable"`
}

const surveyForm = `send {"wave": "2026-q4", "roi_provable": "partly"}`

// postSurvey takes the answer of the signed-in person to an open wave. Of two answers of one person the later one counts.
//
// It leaves no entry in the audit log, which would say who has answered when; and it names neither team nor workflow, since a team
// of one would be a name.
func (a *app) postSurvey(c *gin.Context, v *view) error {
	raw, err := readBody(c)
	if err != nil {
		return err
	}
	var r surveyRequest
	if err := decodeStrict(raw, &r); err != nil {
		return &badRequest{[]event.Problem{bodyProblem(err, surveyForm)}}
	}
	if err := a.outcomes.written.take(v.viewer.Person); err != nil {
		return err
	}
	e, problems := a.surveyEvent(v, r)
	if len(problems) > 0 {
		return &badRequest{problems}
	}
	if err := a.inOpenWave(c, v, r.Wave); err != nil {
		return err
	}
	// Not Reseal: it would keep the pseudonym of the session, which all other events of the person have.
	sealed, err := a.sealer.Seal(e)
	if closed := (event.Problem{}); errors.As(err, &closed) {
		return waveFailure(closed)
	}
	if err != nil {
		return err
	}
	if _, err := a.produceOutcome(c, sealed); err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusAccepted, gin.H{"wave": r.Wave, "state": "queued"})
	return nil
}

// surveyEvent is an answer as an event, with problems where it is none.
func (a *app) surveyEvent(v *view, r surveyRequest) (event.Event, []event.Problem) {
	if p, bad := event.KeyProblem(r.Wave, "/wave"); bad {
		return event.Event{}, []event.Problem{p}
	}
	role := "ic"
	if v.viewer.Role == access.RoleLeader {
		role = "leader"
	}
	id, err := uuid.NewRandom() // it tells nothing, not even when
	if err != nil {
		return event.Event{}, []event.Problem{{Code: event.CodeBrokerAway, Message: "no id could be made: try again"}}
	}
	e, problems := a.outcomes.parse(event.KindPulse, id.String(), v.now, map[string]any{
		"wave": r.Wave, "role": role, "roi_provable": r.ROIProvable, "person": v.viewer.Person,
	})
	e.Workspace = v.viewer.Workspace
	for i := range problems {
		problems[i] = inForm(problems[i])
	}
	return e, problems
}

// inOpenWave refuses an answer to a wave that nobody has opened: in the app nobody types the name of one.
func (a *app) inOpenWave(ctx context.Context, v *view, wave string) error {
	if err := a.awaitWaves(ctx); err != nil {
		return err
	}
	w, ok := a.waves.Get(v.viewer.Workspace, wave)
	switch {
	case !ok:
		return &badRequest{[]event.Problem{{Code: event.CodeBadValue, Pointer: "/wave", Message: "there is no such wave: GET /api/v1/waves lists them"}}}
	case !w.ClosedAt.IsZero() || !a.now().Before(w.ClosesAt):
		return waveFailure(event.WaveClosed("/wave"))
	}
	return nil
}
