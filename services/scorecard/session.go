package scorecard

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
)

// sessionAnswer is the answer of /session.
type sessionAnswer struct {
	Workspace       string  `json:"workspace"`
	Role            string  `json:"role"`
	Person          *string `json:"person"`
	Demo            bool    `json:"demo"`
	SignedIn        bool    `json:"signed_in"`
	CanEdit         bool    `json:"can_edit"`
	Zone            string  `json:"zone"`
	Currency        string  `json:"currency"`
	Today           string  `json:"today"`
	FirstDay        *string `json:"first_day"`
	LastDay         *string `json:"last_day"`
	AsOf            string  `json:"as_of"`
	CompleteThrough *string `json:"complete_through"`
	Version         string  `json:"version"`
}

// daysQuery reads the first and the last day of a workspace that has rows.
type daysQuery struct {
	workspace  string
	generation uint64
}

// SQL is the query and its parameters.
func (q daysQuery) SQL() (string, map[string]any) {
	return `SELECT count() AS n, min(day) AS first_day, max(day) AS last_day
FROM rollup_pointer WHERE workspace = {workspace:String} AND generation <= {generation:UInt64}`,
		map[string]any{"workspace": q.workspace, "generation": q.generation}
}

// getSession says who is looking at what.
func (a *app) getSession(c *gin.Context, v *view) error {
	type daysRow struct {
		N     uint64    `ch:"n"`
		First time.Time `ch:"first_day"`
		Last  time.Time `ch:"last_day"`
	}
	rows, err := read[daysRow](c, v, daysQuery{v.viewer.Workspace, v.snapshot.Generation})
	if err != nil {
		return err
	}
	answer := sessionAnswer{
		Workspace: v.viewer.Workspace, Role: string(v.viewer.Role), Person: optionalText(v.viewer.Person), Demo: a.cfg.Demo,
		SignedIn: c.GetBool(signedKey), CanEdit: v.viewer.Role.May(access.ChangeRegistry), Zone: v.zone.String(), Currency: v.currency,
		Today: v.today.String(), AsOf: v.asOf(), CompleteThrough: v.completeThrough(), Version: a.cfg.Version,
	}
	if rows[0].N > 0 {
		answer.FirstDay, answer.LastDay = new(rows[0].First.Format(time.DateOnly)), new(rows[0].Last.Format(time.DateOnly))
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusOK, answer)
	return nil
}
