package scorecard

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/registry"
)

// session is the one of the browser that asks. A persona's counts for as long as personas may be chosen, so that none
// outlives the demo.
func (a *app) session(c *gin.Context) (access.Session, bool) {
	cookie, err := c.Cookie(access.SessionCookie(a.overTLS(c)))
	if err != nil {
		return access.Session{}, false
	}
	s, err := a.sessions.Read(cookie)
	if err != nil || s.Way == access.AsPersona && !a.offersPersonas(c) {
		return access.Session{}, false
	}
	return s, true
}

// viewerOfSession is who a session belongs to, with the role that they have now.
func (a *app) viewerOfSession(ctx context.Context, s access.Session) (access.Viewer, error) {
	viewer := s.Viewer
	if s.Way != access.ByProvider {
		return viewer, nil
	}
	role, err := a.roleOf(ctx, viewer)
	if err != nil {
		return viewer, err
	}
	if role == "" {
		return viewer, &httpError{
			status: http.StatusForbidden, code: "not_registered",
			detail: "You are signed in, but Plumbline has no role for you: ask an administrator for an entry in the registry under people.",
		}
	}
	viewer.Role = role
	return viewer, nil
}

// roleOf is the role that the registry gives a person now, else that of people without an entry; "" is none.
func (a *app) roleOf(ctx context.Context, viewer access.Viewer) (access.Role, error) {
	reg, _, err := a.registry.get(ctx, viewer.Workspace)
	if err != nil {
		return "", err
	}
	if p, _, ok := registry.Find[registry.Person](reg, registry.People, viewer.Person, a.now()); ok && p.Role != "" {
		return access.Role(p.Role), nil
	}
	return a.cfg.OIDC.Role(), nil
}

// renew gives a browser in use a new cookie when the one it has is due.
func (a *app) renew(c *gin.Context, s access.Session) error {
	s, due := a.sessions.Renew(s)
	if !due {
		return nil
	}
	cookie, err := a.sessions.Cookie(s, a.overTLS(c))
	if err != nil {
		return err
	}
	http.SetCookie(c.Writer, cookie)
	return nil
}

// authenticateSession admits the viewer of a session, or says why it does not.
func (a *app) authenticateSession(c *gin.Context, s access.Session) {
	if !safeMethod(c.Request.Method) && !sameOrigin(c.Request) {
		a.fail(c, &httpError{status: http.StatusForbidden, code: "foreign_origin", detail: "A signed-in browser may write from this site's own pages only."})
		return
	}
	viewer, err := a.viewerOfSession(c, s)
	if err == nil {
		err = a.renew(c, s)
	}
	if err != nil {
		a.fail(c, err)
		return
	}
	a.admit(c, viewer, true)
}
