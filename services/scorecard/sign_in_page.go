package scorecard

import (
	_ "embed" // the page and its style
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/process"
	"plumbline/services/scorecard/signin"
)

//go:embed signin.html
var signInHTML string

//go:embed signin.css
var signInCSS []byte

// signInPage is what a page of signing in shows. It runs no scripts: it must work where nothing else does.
type signInPage struct {
	Title, Advice string
	// SignedIn says that this browser is somebody's; Role is theirs in words, "" where they have none.
	SignedIn bool
	Role     string
	// Everywhere offers to sign out of all browsers, or, with SignOutAgain, to do that again: this browser's signing out was not
	// told to all scorecards.
	Everywhere, SignOutAgain bool
	// To is where they wanted to get to.
	To string
	// Provider is the host of the identity provider; "" for none.
	Provider string
	Personas []persona
	// Begin says that this is the sign-in page itself, and not what became of an attempt.
	Begin bool
	// Code is the stable word of what went wrong.
	Code string
}

// persona is somebody of the demo organisation whom a visitor may be.
type persona struct {
	Role access.Role
	// Name and Sees tell a person which role it is.
	Name, Sees string
}

func personas() []persona {
	return []persona{
		{access.RoleLeader, "Leader", "reads teams and workflows"},
		{access.RoleIC, "Individual contributor", "also has numbers of their own, live"},
		{access.RoleAnalyst, "Analyst", "also changes rates, targets and baselines"},
		{access.RoleAdmin, "Administrator", "also replays rejects and erases people"},
	}
}

// roleName is a role in words.
func roleName(role access.Role) string {
	for _, p := range personas() {
		if p.Role == role {
			return p.Name
		}
	}
	return string(role)
}

func parseSignInPage() (*template.Template, error) {
	page, err := template.New("signin").Parse(signInHTML)
	if err != nil {
		return nil, fmt.Errorf("read the sign-in page: %w", err)
	}
	return page, nil
}

// wantsPage tells a browser that shows what it gets from a program.
func wantsPage(c *gin.Context) bool { return strings.Contains(c.GetHeader("Accept"), "text/html") }

// private keeps an answer about signing in out of caches, and its address out of those of other sites.
func private(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.Header("Referrer-Policy", "no-referrer")
}

// showSignIn writes a page of signing in.
func (a *app) showSignIn(c *gin.Context, status int, page signInPage) {
	var body strings.Builder
	if err := a.signInPage.Execute(&body, page); err != nil {
		a.fail(c, fmt.Errorf("write the sign-in page: %w", err))
		return
	}
	process.Page(c)
	private(c)
	c.Data(status, "text/html; charset=utf-8", []byte(body.String()))
}

// signInStyle answers with the style of the pages.
func (*app) signInStyle(c *gin.Context) {
	c.Header("Cache-Control", "no-cache")
	c.Data(http.StatusOK, "text/css; charset=utf-8", signInCSS)
}

// refuseSignIn says why somebody was not signed in: to a person as a page, to a program as a problem. To is where they
// wanted to get to.
func (a *app) refuseSignIn(c *gin.Context, way access.Way, meaning signin.Meaning, to string) {
	a.signInCount(way, string(meaning.Reason))
	if meaning.Status == http.StatusServiceUnavailable {
		c.Header("Retry-After", "10")
	}
	if wantsPage(c) {
		a.showSignIn(c, meaning.Status, signInPage{Title: meaning.Title, Advice: meaning.Advice, To: to, Code: string(meaning.Reason)})
		return
	}
	c.Header("Referrer-Policy", "no-referrer")
	process.Problem(c, meaning.Status, string(meaning.Reason), meaning.Title+". "+meaning.Advice, nil)
}

// providerName is what the sign-in page calls the provider.
func (a *app) providerName() string {
	issuer, err := url.Parse(a.cfg.OIDC.Issuer)
	if err != nil || !a.cfg.OIDC.On() {
		return ""
	}
	return issuer.Host
}
