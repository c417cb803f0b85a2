package scorecard

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/keyring"
)

// keyAnswer is what is told about a key: never its text, nor a hash of it.
type keyAnswer struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Prefix is how the text of the key begins.
	Prefix    string         `json:"prefix"`
	State     string         `json:"state"`
	Scopes    []access.Scope `json:"scopes"`
	Role      *string        `json:"role"`
	Sources   []string       `json:"sources"`
	Kinds     []string       `json:"kinds"`
	CreatedAt string         `json:"created_at"`
	CreatedBy string         `json:"created_by"`
	ExpiresAt *string        `json:"expires_at"`
	RevokedAt *string        `json:"revoked_at"`
	// OverlapUntil is until when a secret works that a rotation has replaced.
	OverlapUntil *string `json:"overlap_until"`
	LastUsedAt   *string `json:"last_used_at"`
	Version      uint64  `json:"version"`
}

// newKeyAnswer is the answer that has the text of a key, once.
type newKeyAnswer struct {
	Key  keyAnswer `json:"key"`
	Text string    `json:"text"`
}

func keyAnswerOf(k access.Listed, now time.Time) keyAnswer {
	return keyAnswer{
		ID: k.ID, Name: k.Name, Prefix: access.Prefix(k.ID), State: k.State(now), Scopes: k.Scopes, Role: optionalText(string(k.Role)),
		Sources: append([]string{}, k.Sources...), Kinds: append([]string{}, k.Kinds...),
		CreatedAt: k.CreatedAt.Format(event.TimeForm), CreatedBy: k.CreatedBy,
		ExpiresAt: optionalTime(k.ExpiresAt), RevokedAt: optionalTime(k.RevokedAt), OverlapUntil: optionalTime(k.Overlap(now)),
		LastUsedAt: optionalTime(k.LastUse), Version: k.Version,
	}
}

func optionalTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC().Format(event.TimeForm))
}

// manage lets administrators through to a handler of keys. It needs no view: keys can be revoked while the warehouse is away.
func (a *app) manage(handler func(c *gin.Context, workspace string) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		viewer := viewerOf(c)
		var err error
		switch {
		case !viewer.Role.May(access.Administer):
			err = forbidden("Only an administrator may see keys, or change them.")
		case a.awaitKeys(c) != nil:
			err = keysNotRead()
		default:
			c.Header("Cache-Control", "no-store")
			err = handler(c, viewer.Workspace)
		}
		if err != nil {
			a.fail(c, err)
		}
	}
}

// getKeys lists the keys of the workspace by id, revoked ones too.
func (a *app) getKeys(c *gin.Context, workspace string) error {
	p, err := parseParams(c.Request.URL.Query(), event.Day{Time: a.now().UTC().Truncate(24 * time.Hour)}, "limit", "cursor")
	if err != nil {
		return err
	}
	all := map[string]access.Listed{}
	var ids []string
	for _, k := range a.keys.List(workspace) {
		ids, all[k.ID] = append(ids, k.ID), k
	}
	ids, next, err := page(ids, p)
	if err != nil {
		return err
	}
	out := []keyAnswer{}
	for _, id := range ids {
		out = append(out, keyAnswerOf(all[id], a.now()))
	}
	writeJSON(c, http.StatusOK, gin.H{"keys": out, "next": next})
	return nil
}

// postKey makes a key and answers with its text, which nobody can read again.
func (a *app) postKey(c *gin.Context, workspace string) error {
	raw, err := readBody(c)
	if err != nil {
		return err
	}
	record, problems := readKey(raw, a.now())
	if len(problems) > 0 {
		return &badRequest{problems}
	}
	record.Workspace, record.CreatedBy = workspace, a.keyAuthor(c)
	if record.ID == "" {
		record.ID = newKeyID()
	}
	if _, taken := a.keys.Get(record.NameOf()); taken {
		return keyTaken()
	}
	issued, text := record.Issue(a.now())
	if err := a.writeKey(c, issued, "made"); errors.Is(err, keyring.ErrConflict) {
		return keyTaken()
	} else if err != nil {
		return keyFailure(err)
	}
	a.tellKey(c, http.StatusCreated, issued, text)
	return nil
}

// newKeyID makes an id for a key that was given none.
func newKeyID() string {
	random := make([]byte, 5)
	_, _ = rand.Read(random) // never fails
	return strings.ToLower(base32.StdEncoding.EncodeToString(random))
}

// rotateKey gives a key a new secret.
func (a *app) rotateKey(c *gin.Context, workspace string) error {
	raw, err := readBody(c)
	if err != nil {
		return err
	}
	overlap, problems := readRotation(raw)
	if len(problems) > 0 {
		return &badRequest{problems}
	}
	current, err := a.keyOf(c, workspace)
	if err != nil {
		return err
	}
	if state := current.State(a.now()); state != access.KeyActive {
		return &httpError{status: http.StatusConflict, code: "key_" + state, detail: "This key is " + state + " and stays so: make a new one."}
	}
	rotated, text, err := current.Rotate(a.now(), overlap)
	if errors.Is(err, access.ErrKeyRotations) {
		return &httpError{status: http.StatusConflict, code: "too_many_rotations", detail: "Too many older secrets of this key still work: wait until one has ended, or rotate with the overlap 0."}
	}
	if err == nil {
		err = a.writeKey(c, rotated, "rotated")
	}
	if err != nil {
		return keyFailure(err)
	}
	a.tellKey(c, http.StatusOK, rotated, text)
	return nil
}

// deleteKey revokes a key, for good. It holds whatever else is done to the key at the same time.
func (a *app) deleteKey(c *gin.Context, workspace string) error {
	current, err := a.keyOf(c, workspace)
	if err != nil {
		return err
	}
	if current.State(a.now()) != access.KeyRevoked {
		// What conflicts with a revocation is an earlier one.
		if err := a.writeKey(c, current.Revoke(a.now()), "revoked"); err != nil && !errors.Is(err, keyring.ErrConflict) {
			return keyFailure(err)
		}
		current, _ = a.keys.Get(current.NameOf())
	}
	writeJSON(c, http.StatusOK, keyAnswerOf(access.Listed{Record: current, LastUse: a.lastUse(current)}, a.now()))
	return nil
}

// keyOf is the key that the path names, if it is the version that the request is based on.
func (a *app) keyOf(c *gin.Context, workspace string) (access.Record, error) {
	current, ok := a.keys.Get(access.KeyName{Workspace: workspace, ID: c.Param("id")})
	if !ok {
		return access.Record{}, errNotFound("there is no key with this id")
	}
	return current, checkMatch(c.GetHeader("If-Match"), "", keyTag(current))
}

// keyTag is the ETag of a version.
func keyTag(r access.Record) string { return fmt.Sprintf(`"%d"`, r.Version) }

// lastUse is when a key was last used, as far as it is known here.
func (a *app) lastUse(r access.Record) time.Time {
	for _, k := range a.keys.List(r.Workspace) {
		if k.ID == r.ID {
			return k.LastUse
		}
	}
	return time.Time{}
}

// tellKey answers with the text of a key.
func (a *app) tellKey(c *gin.Context, status int, r access.Record, text string) {
	c.Header("ETag", keyTag(r))
	writeJSON(c, status, newKeyAnswer{keyAnswerOf(access.Listed{Record: r, LastUse: a.lastUse(r)}, a.now()), text})
}

// keyAuthor is who changes keys: a role, or the key that was used for it.
func (a *app) keyAuthor(c *gin.Context) string {
	return author(&view{viewer: viewerOf(c), key: c.GetString(keyIDKey)})
}

// writeKey writes a version, also where the client goes meanwhile, and says so in the log.
func (a *app) writeKey(c *gin.Context, r access.Record, change string) error {
	if err := a.begin(c, "key", r.ID); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), a.cfg.WriteTimeout)
	defer cancel()
	if err := a.keys.Write(ctx, r); err != nil {
		return err
	}
	a.log.InfoContext(ctx, "key changed", "key", r.ID, "workspace", r.Workspace, "change", change, "by", a.keyAuthor(c))
	return nil
}

func keyTaken() error {
	return &httpError{status: http.StatusConflict, code: "exists", detail: "There is a key with this id already, perhaps a revoked one: choose another id, or none."}
}

// keyFailure is the answer to a change of a key that did not work.
func keyFailure(err error) error {
	switch {
	case errors.Is(err, keyring.ErrConflict):
		return &httpError{status: http.StatusConflict, code: "changed", detail: "Somebody else has changed this key at the same time, and this change does not hold: look at it again."}
	case errors.Is(err, keyring.ErrNotReady):
		return keysNotRead()
	case errors.Is(err, keyring.ErrUnconfirmed):
		return &httpError{
			status: http.StatusServiceUnavailable, code: "broker_away", header: map[string]string{"Retry-After": "5"},
			detail: "The log has not confirmed the change of the key, which may come to hold all the same: look at the list before you try again.",
		}
	}
	return err
}
