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
	if s, ok := a.session(c); ok {
		a.authenticateSession(c, s)
		return
	}
	if a.cfg.Demo && safeMethod(c.Request.Method) && local(c.Request) {
		a.admit(c, access.Viewer{Workspace: a.cfg.Workspace, Role: access.RoleLeader}, false)
		return
	}
	c.Header("WWW-Authenticate", `Bearer realm="plumbline"`)
	process.Problem(c, http.StatusUnauthorized, "unauthorized", "Sign in at /signin, or send the admin token as Bearer.", nil)
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
