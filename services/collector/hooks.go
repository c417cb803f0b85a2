package collector

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/access"
	"plumbline/pkg/connections"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/registry"
)

// signatureWindow is how far the time of a signed call may be from ours: what is older may be a copy that somebody sends again.
const signatureWindow = 5 * time.Minute

// maxHookCall is the most bytes of one call: as it is kept in an event, it may not be quite as large as one.
const maxHookCall = event.MaxSize - 4<<10

// unproven is whose room the bodies take of whom nobody knows yet who they are: not that of a workspace, which a stranger could fill. It is
// no name that a workspace can have.
const unproven = "calls without a key"

// mostOfCalls is how many events the calls of a request may become: one call may be about many records.
const mostOfCalls = 10 * MaxEvents

// registerHooks adds the endpoints of webhooks.
func (r *caller) registerHooks(router gin.IRoutes) {
	router.POST("/v1/hooks/:connection", r.hook)
	router.POST("/v1/hooks/:connection/preview", r.door.authenticateTool, r.preview)
}

// hook takes what a tool posts: a JSON object, or an array of them. It carries a write key, or is signed.
func (r *caller) hook(c *gin.Context) {
	name := c.Param("connection")
	if _, ok := toolKey(c.Request.Header); !ok {
		r.signedHook(c, name)
		return
	}
	r.door.authenticateTool(c)
	if c.IsAborted() {
		return
	}
	key := keyOf(c)
	held, ok := r.hookOf(c, key, name)
	if !ok {
		return
	}
	body, give, err := r.collect(c, key.Workspace, MaxBody)
	defer give()
	if err != nil {
		r.hookUnread(c, err)
		return
	}
	r.hookBody(c, key, held, body)
}

// hookOf is the connection of a key; it answers where the key may not write it.
func (r *caller) hookOf(c *gin.Context, key access.Key, name string) (connections.Held, bool) {
	source := registry.SourceOf(registry.ViaWebhook, name)
	if !key.MayWrite(source) {
		r.refuse(c, http.StatusForbidden, string(event.CodeForbiddenSource), "This key may not write events of the source "+short(source)+": use a key with that source.", nil)
		return connections.Held{}, false
	}
	return r.find(c, key.Workspace, registry.ViaWebhook, name)
}

// signedHook takes a call without a key, which must be signed as the connection of the installation's workspace says. What is wrong is
// answered the same way whether or not there is such a connection.
func (r *caller) signedHook(c *gin.Context, name string) {
	held, err := r.book.Find(r.home, registry.ViaWebhook, name)
	if errors.Is(err, connections.ErrNotReady) {
		_, _ = r.find(c, r.home, registry.ViaWebhook, name)
		return
	}
	if err == nil && held.Via == registry.ViaHubSpot && c.GetHeader(headerHubSpotSignature) != "" {
		r.hubspotHook(c, name, held)
		return
	}
	s := held.Signature
	if err != nil || s == nil || c.GetHeader(s.Header) == "" {
		c.Header("WWW-Authenticate", `Basic realm="plumbline"`)
		r.refuse(c, http.StatusUnauthorized, "no_key",
			"Send the write key as the user name of Basic authentication, as Authorization: Bearer KEY or as "+headerKey+", or sign the body as the connection says.", nil)
		return
	}
	stamp := ""
	if s.TimestampHeader != "" {
		stamp = c.GetHeader(s.TimestampHeader)
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		if off := r.now().Sub(time.Unix(seconds, 0)); err != nil || off > signatureWindow || off < -signatureWindow {
			r.refuse(c, http.StatusForbidden, "old_signature",
				fmt.Sprintf("The header %s must hold the time of sending in seconds since 1970, at most five minutes from ours.", s.TimestampHeader), nil)
			return
		}
	}
	body, give, err := r.collect(c, unproven, MaxBody)
	defer give()
	if err != nil {
		r.hookUnread(c, err)
		return
	}
	if !r.signedBy(name, held, c.GetHeader(s.Header), stamp, body) {
		r.refuse(c, http.StatusForbidden, "wrong_signature", "The signature is not that of the body with the secret of the connection.", nil)
		return
	}
	r.hookBody(c, access.Key{Workspace: r.home, Sources: []string{held.Source}}, held, body)
}

// signedBy tells whether a signature is one of the body with a secret of the connection.
func (r *caller) signedBy(name string, held connections.Held, signature, stamp string, body []byte) bool {
	text, ok := strings.CutPrefix(strings.TrimSpace(signature), held.Signature.Prefix)
	if !ok {
		return false
	}
	var got []byte
	var err error
	if held.Signature.Encoding == "base64" {
		got, err = base64.StdEncoding.DecodeString(text)
	} else {
		got, err = hex.DecodeString(text)
	}
	if err != nil {
		return false
	}
	good := false
	for _, version := range held.Versions {
		mac := hmac.New(sha256.New, []byte(connections.SecretText(r.secret, r.home, name, version)))
		if stamp != "" {
			mac.Write([]byte(stamp + "."))
		}
		mac.Write(body)
		good = hmac.Equal(mac.Sum(nil), got) || good
	}
	return good
}

// hookBody takes the calls of a body and answers for each event that they become, as POST /v1/events does.
func (r *caller) hookBody(c *gin.Context, key access.Key, held connections.Held, body []byte) {
	parts := [][]byte{bytes.Trim(body, whitespace)}
	if len(parts[0]) > 0 && parts[0][0] == '[' {
		var err error
		parts, err = split(body, MaxEvents)
		if errors.Is(err, errTooMany) {
			r.refuse(c, http.StatusRequestEntityTooLarge, "too_many_events",
				fmt.Sprintf("A request may have at most %d calls: send fewer at once.", MaxEvents), map[string]any{"limit_events": MaxEvents})
			return
		}
		if err != nil {
			r.refuse(c, http.StatusBadRequest, string(event.CodeNotJSON), "The body could not be read: "+err.Error()+".", nil)
			return
		}
	} else if !jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		r.refuse(c, http.StatusBadRequest, string(event.CodeNotJSON), "Send a JSON object, or an array of them.", nil)
		return
	}
	received := r.now().UTC().Truncate(time.Millisecond)
	t := &tally{intake: &intake{key: key, receive: receiveID()}, via: held.Via, held: held}
	t.grow(len(parts))
	for _, raw := range parts {
		if r.hookCall(c, t, raw, received); len(t.entries) > mostOfCalls {
			r.refuse(c, http.StatusRequestEntityTooLarge, "too_many_events",
				fmt.Sprintf("The calls of a request may become at most %d events: send fewer at once.", mostOfCalls), map[string]any{"limit_events": mostOfCalls})
			return
		}
	}
	r.finish(c, t)
	r.hookAnswer(c, t)
}

func (r *caller) hookCall(ctx context.Context, t *tally, raw []byte, received time.Time) {
	call, ok := r.readCall(ctx, t, raw, maxHookCall)
	if !ok {
		return
	}
	r.take(ctx, t, call, connections.HookArrival(t.held.Source, call.Hash(), received, raw))
}

// hookReply is the answer to a webhook.
type hookReply struct {
	reply
	// NotCounted are calls that were taken and count nothing.
	NotCounted int `json:"not_counted"`
}

// hookAnswer answers as POST /v1/events does. A call that is not counted has no answer of its own, only its number.
func (r *caller) hookAnswer(c *gin.Context, t *tally) {
	out := hookReply{t.reply(), len(t.notCounted)}
	switch {
	case out.Retry > 0:
		r.metrics.refuse("broker_away")
		c.Header("Retry-After", strconv.Itoa(retryBroker))
		process.Problem(c, http.StatusServiceUnavailable, string(event.CodeBrokerAway), "The log has not confirmed all of it; send the same again.", map[string]any{
			"answers": out.Answers, "accepted": out.Accepted, "duplicates": out.Duplicates, "rejected": out.Rejected, "retry": out.Retry,
			"not_counted": out.NotCounted,
		})
	case out.Rejected > 0:
		c.JSON(http.StatusMultiStatus, out)
	default:
		c.JSON(http.StatusAccepted, out)
	}
}

func (r *caller) hookUnread(c *gin.Context, err error) {
	switch {
	case errors.Is(err, errAnswered):
	case errors.Is(err, errTooLarge):
		r.tooLarge(c)
	default:
		r.refuse(c, http.StatusBadRequest, "unreadable", unreadable(err), nil)
	}
}
