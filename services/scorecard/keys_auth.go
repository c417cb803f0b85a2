package scorecard

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/process"
)

// Keys of what the admission of an API key keeps in a gin.Context.
const (
	// keyIDKey has the id of the key, keyTextKey its text, for requests that outlive it.
	keyIDKey   = "scorecard.key_id"
	keyTextKey = "scorecard.key_text"
)

// admitBearer admits who sends the admin token, or an API key of the workspace that may read or administer.
func (a *app) admitBearer(c *gin.Context, header string) {
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || !access.IsOurs(token) {
		a.admitToken(c, scheme, token)
		return
	}
	if err := a.awaitKeys(c); err != nil {
		a.fail(c, keysNotRead())
		return
	}
	record, err := a.keys.Find(token)
	code, detail, ended := access.Ended(err)
	switch {
	case record.Workspace != "" && record.Workspace != a.cfg.Workspace:
		unauthorized(c, "unauthorized", "This key is of another workspace than the one that is served here.")
		return
	case ended:
		unauthorized(c, code, detail)
		return
	case err != nil:
		unauthorized(c, "unauthorized", "This key is not known here.")
		return
	}
	a.admitKey(c, record, token)
}

// admitToken admits who sends the admin token. Its owner may have chosen it, so that it can be guessed: whoever has failed often
// waits. An API key has 256 random bits, and nobody waits with one because a neighbour guesses.
func (a *app) admitToken(c *gin.Context, scheme, token string) {
	switch {
	case a.tooManyAttempts(c):
	case strings.EqualFold(scheme, "Bearer") && a.admin.Is(token):
		a.admit(c, access.Viewer{Workspace: a.cfg.Workspace, Role: access.RoleAdmin}, true)
	default:
		a.attempts.Failed(c.RemoteIP())
		unauthorized(c, "unauthorized", "The bearer token is not the admin token, and no API key.")
	}
}

// tooManyAttempts answers 429 to an address that has presented too many secrets that are none of ours.
func (a *app) tooManyAttempts(c *gin.Context) bool {
	wait := a.attempts.Wait(c.RemoteIP())
	if wait == 0 {
		return false
	}
	c.Header("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	process.Problem(c, http.StatusTooManyRequests, "too_many_attempts", "Too many wrong tokens came from your address: wait, then send the right one.", nil)
	return true
}

// admitKey admits who has the key, as far as its scopes reach.
func (a *app) admitKey(c *gin.Context, record access.Record, text string) {
	viewer, ok := record.Viewer()
	switch {
	case !ok:
		a.fail(c, forbidden("This key may only send events: use one with the scope read or admin."))
	case viewer.Role != access.RoleAdmin && !safeMethod(c.Request.Method):
		a.fail(c, forbidden("A key with the scope read may only GET: use one with the scope admin, or sign in."))
	default:
		a.keys.Used(record.NameOf())
		c.Set(keyIDKey, record.ID)
		c.Set(keyTextKey, text)
		a.admit(c, viewer, true)
	}
}

// keysPatience is how long a request waits for the keys, which after a start of the service are there soon.
const keysPatience = 3 * time.Second

// awaitKeys waits until the keys are read, within reason.
func (a *app) awaitKeys(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keysPatience)
	defer cancel()
	return a.keys.Await(ctx)
}

func unauthorized(c *gin.Context, code, detail string) {
	c.Header("WWW-Authenticate", `Bearer realm="plumbline"`)
	process.Problem(c, http.StatusUnauthorized, code, detail, nil)
}

func keysNotRead() error {
	return &httpError{
		status: http.StatusServiceUnavailable, code: "starting", header: map[string]string{"Retry-After": "1"},
		detail: "The keys are still being read from the log: try again in a few seconds.",
	}
}
