package scorecard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/waves"
)

// waveState is what is told about a wave of the survey.
type waveState struct {
	Wave string `json:"wave"`
	// State is open or closed.
	State    string  `json:"state"`
	OpenedAt *string `json:"opened_at"`
	ClosesAt string  `json:"closes_at"`
	ClosedAt *string `json:"closed_at"`
}

func waveStateOf(w waves.Wave) waveState {
	state := "open"
	if !w.ClosedAt.IsZero() {
		state = "closed"
	}
	return waveState{w.Key, state, optionalTime(w.OpenedAt), w.ClosesAt.Format(event.TimeForm), optionalTime(w.ClosedAt)}
}

// waveRequest is the body of PUT /waves/{wave}.
type waveRequest struct {
	ClosesAt *time.Time `json:"closes_at"`
}

const waveForm = `send {"closes_at": "2026-12-15T18:00:00Z"}, or {} for the longest time`

// getWaves lists the waves of the survey by key: whoever answers it must know which one is open.
func (a *app) getWaves(c *gin.Context) error {
	p, err := parseParams(c.Request.URL.Query(), event.Day{Time: a.now().UTC().Truncate(24 * time.Hour)}, "limit", "cursor")
	if err != nil {
		return err
	}
	if err := a.awaitWaves(c); err != nil {
		return err
	}
	all, keys := map[string]waves.Wave{}, []string{}
	for _, w := range a.waves.List(viewerOf(c).Workspace) {
		all[w.Key], keys = w, append(keys, w.Key)
	}
	slices.Sort(keys)
	keys, next, err := page(keys, p)
	if err != nil {
		return err
	}
	out := []waveState{}
	for _, k := range keys {
		out = append(out, waveStateOf(all[k]))
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusOK, gin.H{"waves": out, "next": next})
	return nil
}

// putWave opens a wave, or says when it closes; a time that has come closes it for good.
func (a *app) putWave(c *gin.Context) error {
	viewer, wave := viewerOf(c), keyParam(c)
	if !viewer.Role.May(access.Administer) {
		return forbidden("Only an administrator may open a wave of the survey, or close it.")
	}
	raw, err := readBody(c)
	if err != nil {
		return err
	}
	var req waveRequest
	if err := decodeStrict(raw, &req); err != nil {
		return &badRequest{[]event.Problem{bodyProblem(err, waveForm)}}
	}
	if p, ok := event.KeyProblem(wave, "/wave"); ok {
		return &badRequest{[]event.Problem{p}}
	}
	if err := a.begin(c, "wave", wave); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), a.cfg.WriteTimeout)
	defer cancel()
	if req.ClosesAt == nil {
		err = a.waves.Open(ctx, viewer.Workspace, wave)
	} else {
		err = a.waves.End(ctx, viewer.Workspace, wave, *req.ClosesAt)
	}
	if err != nil {
		return waveFailure(err)
	}
	w, _ := a.waves.Get(viewer.Workspace, wave)
	writeJSON(c, http.StatusOK, waveStateOf(w))
	return nil
}

// awaitWaves waits a moment for the waves to be read, after a start.
func (a *app) awaitWaves(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keysPatience)
	defer cancel()
	if a.waves.Await(ctx) != nil {
		return wavesNotRead()
	}
	return nil
}

func wavesNotRead() error {
	return &httpError{
		status: http.StatusServiceUnavailable, code: "starting", header: map[string]string{"Retry-After": "1"},
		detail: "The waves of the survey are still being read from the log; ask again a little later.",
	}
}

// waveFailure is the answer to a change of a wave that did not work.
func waveFailure(err error) error {
	closed := event.Problem{}
	switch {
	case errors.As(err, &closed):
		return &httpError{status: http.StatusConflict, code: string(closed.Code), detail: "This wave is closed for good: its secret is gone. Open one with another name."}
	case errors.Is(err, waves.ErrEnd):
		return &badRequest{[]event.Problem{{Code: event.CodeOutOfRange, Pointer: "/closes_at", Message: err.Error()}}}
	case errors.Is(err, waves.ErrTooMany):
		return &httpError{status: http.StatusConflict, code: "too_many_waves", detail: fmt.Sprintf("%d waves are open, which is the most: close some first.", waves.MaxWaves)}
	case errors.Is(err, waves.ErrNotReady):
		return wavesNotRead()
	case errors.Is(err, waves.ErrUnconfirmed):
		return &httpError{
			status: http.StatusServiceUnavailable, code: "broker_away", header: map[string]string{"Retry-After": "5"},
			detail: "The log has not confirmed the change of the wave, which may come to hold all the same: look at the list before you try again.",
		}
	}
	return err
}

// plainly answers with a handler that needs no view of the warehouse.
func (a *app) plainly(handler func(c *gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := handler(c); err != nil {
			a.fail(c, err)
		}
	}
}
