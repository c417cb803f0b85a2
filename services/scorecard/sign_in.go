package scorecard

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"plumbline/pkg/access"
	"plumbline/pkg/audit"
	"plumbline/pkg/process"
	"plumbline/services/scorecard/signin"
)

// signedIn is the outcome that is counted when somebody was let in; the others are reasons.
const signedIn = "signed_in"

// maxSignInForm is the most bytes of a form of the sign-in page.
const maxSignInForm = 8 << 10

// openSignIn prepares what signing in needs.
func (a *app) openSignIn(mount *process.Mount) (err error) {
	if a.signInPage, err = parseSignInPage(); err != nil {
		return fmt.Errorf("scorecard: %w", err)
	}
	a.signIns = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "plumbline", Subsystem: "scorecard", Name: "sign_ins_total", Help: "Tries to sign in, by the way and by how they ended.",
	}, []string{"way", "outcome"})
	mount.Metrics.MustRegister(a.signIns)
	if a.cfg.OIDC.On() {
		a.desk = signin.New(a.cfg.OIDC, a.cfg.URL, a.cfg.Secret, a.now)
	}
	return nil
}

// signInRoutes are those of signing in and out.
func (a *app) signInRoutes(router gin.IRouter) {
	router.GET("/signin", a.getSignIn)
	router.GET("/signin/style.css", a.signInStyle)
	router.GET("/signin/oidc", a.getSignInProvider)
	router.GET(signin.CallbackPath, a.getSignInCallback)
	router.POST("/signin/demo", process.MaxBody(maxSignInForm), a.postPersona)
	router.POST("/signout", process.MaxBody(maxSignInForm), a.signOut)
}

// signInCount counts how tries to sign in end.
func (a *app) signInCount(way access.Way, outcome string) {
	a.signIns.WithLabelValues(string(way), outcome).Inc()
}

// getSignIn turns a one-time link into a session. Without a token it is the page that says how to sign in.
func (a *app) getSignIn(c *gin.Context) {
	to := signin.LocalPath(c.Query("to"))
	token, linked := c.GetQuery("token")
	if !linked {
		a.offerSignIn(c, to)
		return
	}
	if a.tooManyAttempts(c) {
		return
	}
	// A link turns into a session once, so that it is not taken before it is known that the session can be recorded.
	a.act(c, audit.SessionSignIn)
	if err := a.begin(c, "session", string(access.ByLink)); err != nil {
		a.fail(c, err)
		return
	}
	viewer, ok := a.cfg.SignIns.Redeem(token)
	if !ok {
		a.attempts.Failed(c.RemoteIP())
		a.tell(c, audit.Refused)
		a.refuseSignIn(c, access.ByLink, signin.BadLink.Meaning(), to)
		return
	}
	a.enter(c, viewer, access.ByLink, to)
}

// offerSignIn shows how one may sign in here, or out.
func (a *app) offerSignIn(c *gin.Context, to string) {
	page := signInPage{Title: "Sign in", To: to, Provider: a.providerName(), Begin: true}
	if s, ok := a.session(c); ok {
		viewer, err := a.viewerOfSession(c, s)
		page.SignedIn, page.Everywhere = true, s.Way == access.ByProvider
		if known := (*httpError)(nil); errors.As(err, &known) {
			page.Advice = known.detail
		} else if err == nil {
			page.Role = roleName(viewer.Role)
		}
	}
	if a.offersPersonas(c) {
		page.Personas = personas()
	}
	a.showSignIn(c, http.StatusOK, page)
}

// getSignInProvider sends a browser to the identity provider.
func (a *app) getSignInProvider(c *gin.Context) {
	if a.desk == nil {
		a.refuseSignIn(c, access.ByProvider, signin.NoProvider.Meaning(), "/")
		return
	}
	to := signin.LocalPath(c.Query("to"))
	location, cookie, err := a.desk.Begin(c.Request.Context(), to)
	if err != nil {
		a.failSignIn(c, err, to)
		return
	}
	http.SetCookie(c.Writer, a.attemptCookie(c, cookie, int(signin.AttemptLife.Seconds())))
	private(c)
	c.Redirect(http.StatusSeeOther, location)
}

// getSignInCallback takes what the provider says about somebody, and lets them in if they are registered.
func (a *app) getSignInCallback(c *gin.Context) {
	if a.desk == nil {
		a.refuseSignIn(c, access.ByProvider, signin.NoProvider.Meaning(), "/")
		return
	}
	cookie, err := c.Cookie(signin.Cookie(a.overTLS(c)))
	if err != nil {
		cookie = ""
	}
	id, to, err := a.desk.Finish(c.Request.Context(), cookie, c.Request.URL.Query())
	refusal := (*signin.Refusal)(nil)
	// The answer to another attempt leaves the one of this browser alone: anybody may send a browser here with it.
	if cookie != "" && !(errors.As(err, &refusal) && refusal.Reason == signin.WrongState) {
		http.SetCookie(c.Writer, a.attemptCookie(c, "", -1))
	}
	if err != nil {
		a.failSignIn(c, err, to)
		return
	}
	viewer := access.Viewer{Workspace: a.cfg.Workspace, Person: a.sealer.Person(a.cfg.Workspace, id)}
	role, err := a.roleOf(c, viewer)
	switch {
	case err != nil:
		a.signInCount(access.ByProvider, "unavailable")
		a.fail(c, err)
	case role == "":
		c.Set(viewerKey, viewer)
		a.act(c, audit.SessionSignIn)
		a.touches(c, "session", string(access.ByProvider))
		a.tell(c, audit.Refused)
		a.failSignIn(c, &signin.Refusal{Reason: signin.NotRegistered}, to)
	default:
		a.enter(c, viewer, access.ByProvider, to)
	}
}

// attemptCookie keeps an attempt with the browser that has begun it; a negative age takes it away.
func (a *app) attemptCookie(c *gin.Context, value string, age int) *http.Cookie {
	tls := a.overTLS(c)
	// Lax: the provider sends the browser back from another site, by a plain link.
	return &http.Cookie{
		Name: signin.Cookie(tls), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: tls, SameSite: http.SameSiteLaxMode,
	}
}

// failSignIn says why the provider let nobody in, to the person and to the log.
func (a *app) failSignIn(c *gin.Context, err error, to string) {
	refusal := (*signin.Refusal)(nil)
	if !errors.As(err, &refusal) {
		a.signInCount(access.ByProvider, "unavailable")
		a.fail(c, err)
		return
	}
	a.log.WarnContext(c, "sign-in refused", "reason", refusal.Reason, "error", refusal, "request_id", process.RequestID(c))
	a.refuseSignIn(c, access.ByProvider, refusal.Meaning(), to)
}

// offersPersonas tells whether a request may ask to be somebody of the demo organisation.
func (a *app) offersPersonas(c *gin.Context) bool {
	return a.cfg.Demo && a.cfg.DemoPersonas && local(c.Request)
}

// postPersona signs a visitor of the demo organisation in as a persona of it.
func (a *app) postPersona(c *gin.Context) {
	if !a.offersPersonas(c) {
		process.Problem(c, http.StatusNotFound, "not_found", "There is nothing at this address.", nil)
		return
	}
	if !sameOrigin(c.Request) {
		process.Problem(c, http.StatusForbidden, "foreign_origin", "Choose a persona on this site's own page.", nil)
		return
	}
	role := access.Role(c.PostForm("as"))
	if !slices.ContainsFunc(personas(), func(p persona) bool { return p.Role == role }) {
		process.Problem(c, http.StatusBadRequest, "no_persona", "as must be one of leader, ic, analyst and admin.", nil)
		return
	}
	viewer := access.Viewer{Workspace: a.cfg.Workspace, Role: role}
	if role == access.RoleIC {
		viewer.Person = a.sealer.Person(a.cfg.Workspace, a.cfg.DemoPerson)
	}
	a.enter(c, viewer, access.AsPersona, signin.LocalPath(c.PostForm("to")))
}

// enter signs a browser in and leads it to a path of this site. Whoever it belonged to before is signed out.
func (a *app) enter(c *gin.Context, viewer access.Viewer, way access.Way, to string) {
	cookie, err := a.sessions.Cookie(a.sessions.Start(viewer, way), a.overTLS(c))
	if err == nil {
		c.Set(viewerKey, viewer)
		c.Set(wayKey, way)
		a.act(c, audit.SessionSignIn)
		a.touches(c, "session", string(way))
		err = a.disclose(c)
	}
	if err != nil {
		a.fail(c, err)
		return
	}
	if before, ok := a.session(c); ok {
		// Where others cannot be told now, the log of this process says so; the browser has another cookie in any case.
		_ = a.endSession(c, access.EndOf(before), replacePatience)
		a.aside(c, audit.SessionRevoke, "session", cmp.Or(before.Viewer.Person, string(before.Way)))
	}
	http.SetCookie(c.Writer, cookie)
	private(c)
	a.signInCount(way, signedIn)
	a.log.InfoContext(c, "signed in", "way", way, "person", viewer.Person, "request_id", process.RequestID(c))
	c.Redirect(http.StatusSeeOther, to)
}

// overTLS tells whether browsers reach this site over TLS: from here, or by its public address where a proxy ends it.
func (a *app) overTLS(c *gin.Context) bool {
	return c.Request.TLS != nil || strings.HasPrefix(a.cfg.URL, "https://")
}
