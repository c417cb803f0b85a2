package collector

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/keyring"
	"plumbline/pkg/process"
)

// Keys of what authentication keeps in a gin.Context.
const (
	keyName = "collector.key"
	// keyTextName has the text of a key that the installation has made, which may end while the request runs.
	keyTextName = "collector.key_text"
)

// retryKeys is how long a client should wait while the keys are being read, seconds.
const retryKeys = 1

// doorman lets requests pass that carry a write key: one of the configuration, or one that the installation has made.
type doorman struct {
	configured *access.Keys
	ring       *keyring.Keyring
	metrics    *metrics
}

// tellIfNobodyMaySend warns of an installation in which no key opens the collector, once its keys are read: a key that is made later
// is taken as soon as it is.
func tellIfNobodyMaySend(ctx context.Context, ring *keyring.Keyring, log *slog.Logger) {
	if err := ring.Await(ctx); err == nil && ring.Writers() == 0 {
		log.WarnContext(ctx, "nobody may send events: make an API key with plumbline keys new --scope write, or set --write-key")
	}
}

// authenticate answers 401 where there is no key, and 403 where it is none of ours or opens nothing any more. It reads
// nothing of the body.
func (d *doorman) authenticate(c *gin.Context) {
	text, ok := bearer(c.GetHeader("Authorization"))
	if !ok {
		c.Header("WWW-Authenticate", `Bearer realm="plumbline"`)
		d.refuse(c, http.StatusUnauthorized, "no_key", "Send the write key as the header Authorization: Bearer KEY.")
		return
	}
	d.admit(c, text)
}

// headerKey holds the write key where a tool can set neither a user nor the header Authorization.
const headerKey = "X-Plumbline-Key"

// toolKey is the text of the key that a tool sends: as the user name of the Basic scheme, as Segment's SDKs do; as a bearer; or in a
// header of its own.
func toolKey(h http.Header) (string, bool) {
	if user, _, ok := (&http.Request{Header: h}).BasicAuth(); ok && user != "" {
		return user, true
	}
	if text, ok := bearer(h.Get("Authorization")); ok {
		return text, true
	}
	text := strings.TrimSpace(h.Get(headerKey))
	return text, text != ""
}

// authenticateTool is authenticate for tools, which send their key in one of several ways.
func (d *doorman) authenticateTool(c *gin.Context) {
	text, ok := toolKey(c.Request.Header)
	if !ok {
		c.Header("WWW-Authenticate", `Basic realm="plumbline"`)
		d.refuse(c, http.StatusUnauthorized, "no_key", "Send the write key as the user name of Basic authentication, with an empty password, or as Authorization: Bearer KEY.")
		return
	}
	d.admit(c, text)
}

// admit lets a request pass that carries the text of a key, or refuses it.
func (d *doorman) admit(c *gin.Context, text string) {
	if key, ok := d.configured.Find(text); ok {
		c.Set(keyName, key)
		return
	}
	record, err := d.ring.Find(text)
	if err != nil {
		d.closed(c, err)
		return
	}
	key, ok := record.WriteKey()
	if !ok {
		d.refuse(c, http.StatusForbidden, "forbidden_scope", "This key may not send events: use one with the scope write.")
		return
	}
	d.ring.Used(record.NameOf())
	c.Set(keyName, key)
	c.Set(keyTextName, text)
}

// closed says why a key opens nothing.
func (d *doorman) closed(c *gin.Context, err error) {
	code, detail, ended := access.Ended(err)
	switch {
	case errors.Is(err, keyring.ErrNotReady):
		c.Header("Retry-After", strconv.Itoa(retryKeys))
		d.refuse(c, http.StatusServiceUnavailable, "starting", "The keys are still being read; send the same again a little later.")
	case ended:
		d.refuse(c, http.StatusForbidden, code, detail)
	default:
		d.refuse(c, http.StatusForbidden, "wrong_key", "This write key is not known here.")
	}
}

func (d *doorman) refuse(c *gin.Context, status int, code, detail string) {
	d.metrics.refuse(code)
	process.Problem(c, status, code, detail, nil)
}

func bearer(header string) (string, bool) {
	scheme, text, ok := strings.Cut(header, " ")
	text = strings.TrimSpace(text)
	return text, ok && strings.EqualFold(scheme, "Bearer") && text != ""
}

// keyOf is the key that authenticate has found.
func keyOf(c *gin.Context) access.Key {
	key, _ := c.MustGet(keyName).(access.Key)
	return key
}
