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
	a.awaitEnds(c)
	s, err := a.sessions.Read(cookie)
	if err != nil || s.Way == access.AsPersona && !a.offersPersonas(c) {
		return access.Session{}, false
	}
	return s, true
}

// awaitEnds waits, for some seconds after the start of the scorecard, until it has read which sessions were ended before. Then it
// does not wait any more: who is signed in reads on while the brokers are away.
func (a *app) awaitEnds(c *gin.Context) {
	ctx, cancel := context.WithDeadline(c.Request.Context(), a.started.Add(keysPatience))
	defer cancel()
	_ = a.keys.Await(ctx) // what is not known by then is taken for not so
}

// viewerOfSession is who a session belongs to, with the role that they have now.
func (a *app) viewerOfSession(c *gin.Context, s access.Session) (access.Viewer, error) {
	viewer := s.Viewer
	if s.Way != access.ByProvider {
		return viewer, nil
	}
	role, err := a.roleOf(c, viewer)
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
func (a *app) roleOf(c *gin.Context, viewer access.Viewer) (access.Role, error) {
	role, by, err := a.currentRole(c, viewer)
	if err != nil {
		return "", err
	}
	c.Set(registryKey, admittedBy{viewer.Workspace, by})
	return role, nil
}

// currentRole is that role, and the state of the registry that says so.
func (a *app) currentRole(ctx context.Context, viewer access.Viewer) (access.Role, cachedRegistry, error) {
	reg, fingerprint, err := a.registry.get(ctx, viewer.Workspace)
	if err != nil {
		return "", cachedRegistry{}, err
	}
	by := cachedRegistry{reg, fingerprint}
	if p, _, ok := registry.Find[registry.Person](reg, registry.People, viewer.Person, a.now()); ok && p.Role != "" {
		return access.Role(p.Role), by, nil
	}
	return a.cfg.OIDC.Role(), by, nil
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
	c.Set(wayKey, s.Way)
	a.admit(c, viewer, true)
}

// registryKey has the state of the registry by which somebody was admitted.
const registryKey = "scorecard.registry"

// admittedBy is that state, of a workspace.
type admittedBy struct {
	workspace string
	cachedRegistry
}

// registryOf is the registry for a request: the one by which its viewer was admitted, so that it is asked for once.
func (a *app) registryOf(ctx context.Context, workspace string) (*registry.Snapshot, uint64, error) {
	if by, ok := ctx.Value(registryKey).(admittedBy); ok && by.workspace == workspace {
		return by.snapshot, by.fingerprint, nil
	}
	return a.registry.get(ctx, workspace)
}
