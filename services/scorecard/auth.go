package scorecard

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/process"
)

// Keys of what authentication keeps in a gin.Context.
const (
	viewerKey = "scorecard.viewer"
	signedKey = "scorecard.signed_in"
)

// viewerOf is who asks.
func viewerOf(c *gin.Context) access.Viewer {
	v, _ := c.MustGet(viewerKey).(access.Viewer)
	return v
}

// authenticate finds out who asks: the bearer of the admin token or of an API key, a signed-in browser, or in the demo a visitor from
// this machine, who may read as a leader.
func (a *app) authenticate(c *gin.Context) {
	if header := c.GetHeader("Authorization"); header != "" {
		a.admitBearer(c, header)
		return
	}
	if cookie, err := c.Cookie(access.CookieName); err == nil {
		if viewer, err := a.sessions.Read(cookie); err == nil {
			if !safeMethod(c.Request.Method) && !sameOrigin(c.Request) {
				process.Problem(c, http.StatusForbidden, "foreign_origin", "A signed-in browser may write from this site's own pages only.", nil)
				return
			}
			a.admit(c, viewer, true)
			return
		}
	}
	if a.cfg.Demo && safeMethod(c.Request.Method) && local(c.Request) {
		a.admit(c, access.Viewer{Workspace: a.cfg.Workspace, Role: access.RoleLeader}, false)
		return
	}
	c.Header("WWW-Authenticate", `Bearer realm="plumbline"`)
	process.Problem(c, http.StatusUnauthorized, "unauthorized", "Sign in with a sign-in link, or send the admin token as Bearer.", nil)
}

func (a *app) admit(c *gin.Context, viewer access.Viewer, signed bool) {
	c.Set(viewerKey, viewer)
	c.Set(signedKey, signed)
	c.Header("Vary", "Authorization, Cookie")
}

func safeMethod(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// sameOrigin guards cookies against requests that another site makes: the browser says where they come from.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	origin, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && origin.Host != "" && origin.Host == r.Host
}

// local tells whether a request comes from this machine and was meant for it: the name that it was sent to must be
// local too, else another site could read the demo by pointing its own name here. A proxy in front makes it remote.
func local(r *http.Request) bool {
	for _, header := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	peer, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && loopback(peer) && loopback(host)
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}

// spentLink is what a person sees who follows a link a second time.
const spentLink = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Plumbline: link used</title></head>
<body><main><h1>This sign-in link no longer works</h1>
<p>It was used already, or it has expired. If you signed in with it in this browser, <a href="/">go to the scorecard</a>.
Otherwise start Plumbline again: it prints a new link.</p></main></body></html>
`

// signIn turns a one-time link into a session and leads to the app.
func (a *app) signIn(c *gin.Context) {
	viewer, ok := a.cfg.SignIns.Redeem(c.Query("token"))
	if !ok && strings.Contains(c.GetHeader("Accept"), "text/html") {
		secure(c)
		c.Header("Cache-Control", "no-store")
		c.Data(http.StatusForbidden, "text/html; charset=utf-8", []byte(spentLink))
		return
	}
	if !ok {
		process.Problem(c, http.StatusForbidden, "bad_link", "This sign-in link was used already or has expired: make a new one.", nil)
		return
	}
	cookie, err := a.sessions.Cookie(viewer, c.Request.TLS != nil)
	if err != nil {
		a.fail(c, err)
		return
	}
	http.SetCookie(c.Writer, cookie)
	c.Header("Cache-Control", "no-store")
	c.Header("Referrer-Policy", "no-referrer")
	c.Redirect(http.StatusSeeOther, "/")
}

// signOut takes the cookie away.
func (a *app) signOut(c *gin.Context) {
	if !sameOrigin(c.Request) {
		process.Problem(c, http.StatusForbidden, "foreign_origin", "Sign out from this site's own pages.", nil)
		return
	}
	http.SetCookie(c.Writer, &http.Cookie{Name: access.CookieName, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	c.Header("Cache-Control", "no-store")
	c.Status(http.StatusNoContent)
}
