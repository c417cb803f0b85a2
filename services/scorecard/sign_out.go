package scorecard

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/audit"
	"plumbline/pkg/process"
)

// signOutPatience is how long a signing out waits until the log has it; a new sign-in waits less for the session before it.
const (
	signOutPatience = 5 * time.Second
	replacePatience = 2 * time.Second
)

// signOut ends the session, so that no copy of its cookie works any more at any scorecard, and takes the cookie away; with
// everywhere=true it ends all sessions of the person. Where the log does not have it, it has happened here only: that is said,
// and the cookie stays so that it can be tried again.
func (a *app) signOut(c *gin.Context) {
	if !sameOrigin(c.Request) {
		process.Problem(c, http.StatusForbidden, "foreign_origin", "Sign out from this site's own pages.", nil)
		return
	}
	private(c)
	everywhere := c.PostForm("everywhere") == "true"
	if s, ended, ok := a.sessionToEnd(c); ok {
		err := a.endSession(c, a.endOf(s, everywhere, ended), signOutPatience)
		a.recordSignOut(c, s, everywhere, err == nil)
		if err != nil {
			a.failSignOut(c, everywhere)
			return
		}
	}
	tls := a.overTLS(c)
	http.SetCookie(c.Writer, &http.Cookie{
		Name: access.SessionCookie(tls), Path: "/", MaxAge: -1, HttpOnly: true, Secure: tls, SameSite: http.SameSiteLaxMode,
	})
	if wantsPage(c) {
		c.Redirect(http.StatusSeeOther, "/signin")
		return
	}
	c.Status(http.StatusNoContent)
}

// recordSignOut has a signing out in the audit log, after it was done.
func (a *app) recordSignOut(c *gin.Context, s access.Session, everywhere, done bool) {
	c.Set(viewerKey, s.Viewer)
	c.Set(wayKey, s.Way)
	a.act(c, audit.SessionSignOut)
	target, outcome := string(s.Way), audit.OK
	if everywhere {
		target = "all of " + target
	}
	if !done {
		outcome = audit.Failed
	}
	a.touches(c, "session", target)
	a.tell(c, outcome)
}

// sessionToEnd is the session of the browser that asks, and whether it was ended already: perhaps not everybody was told.
func (a *app) sessionToEnd(c *gin.Context) (s access.Session, ended, ok bool) {
	cookie, err := c.Cookie(access.SessionCookie(a.overTLS(c)))
	if err != nil {
		return access.Session{}, false, false
	}
	s, err = a.sessions.Read(cookie)
	ended = errors.Is(err, access.ErrSessionRevoked)
	return s, ended, err == nil || ended
}

// endOf is what a signing out ends: the session, or all that its person has. Who is signed in by a link is no person: others may be,
// too. A copy of a cookie that was ended ends nothing that has begun since.
func (a *app) endOf(s access.Session, everywhere, ended bool) access.SessionEnd {
	if !everywhere || s.Way != access.ByProvider {
		return access.EndOf(s)
	}
	upTo := a.now()
	if ended {
		upTo = a.sessions.Revocations().UpTo(s.Viewer.Workspace, s.Viewer.Person)
	}
	if upTo.IsZero() {
		return access.EndOf(s)
	}
	return access.EndOfAll(s.Viewer, upTo, a.sessions.Life())
}

// endSession ends sessions here, and tells all other scorecards.
func (a *app) endSession(c *gin.Context, e access.SessionEnd, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), patience)
	defer cancel()
	err := a.keys.End(ctx, e)
	if err != nil {
		a.log.WarnContext(c, "the end of a session could not be told to other scorecards", "error", err, "request_id", process.RequestID(c))
	}
	return err
}

// failSignOut says that a signing out holds here only.
func (a *app) failSignOut(c *gin.Context, everywhere bool) {
	const title = "Other servers of this site do not know it yet"
	const advice = "This server does not take the session any more, but the log that tells the others cannot be written just now. Sign out again in a few seconds."
	c.Header("Retry-After", "5")
	if wantsPage(c) {
		a.showSignIn(c, http.StatusServiceUnavailable, signInPage{
			Title: title, Advice: advice, To: "/", SignOutAgain: true, Everywhere: everywhere, Code: "sign_out_unconfirmed",
		})
		return
	}
	process.Problem(c, http.StatusServiceUnavailable, "sign_out_unconfirmed", title+". "+advice, nil)
}
