package scorecard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
)

// keyRequest is the body of POST /keys.
type keyRequest struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Scopes    []string `json:"scopes"`
	Role      string   `json:"role"`
	Sources   []string `json:"sources"`
	Kinds     []string `json:"kinds"`
	ExpiresAt string   `json:"expires_at"`
}

// rotation is the body of POST /keys/{id}/rotate.
type rotation struct {
	Overlap *string `json:"overlap"`
}

const (
	defaultOverlap = 24 * time.Hour
	mostOverlap    = 90 * 24 * time.Hour
)

// keyReader collects everything that is wrong with a request.
type keyReader struct{ problems []event.Problem }

func (r *keyReader) fail(code event.Code, pointer, message string) {
	r.problems = append(r.problems, event.Problem{Code: code, Pointer: pointer, Message: message})
}

// readKey reads the body of a new key and checks it. What it returns has no workspace, author and secret yet.
func readKey(raw []byte, now time.Time) (access.Record, []event.Problem) {
	var req keyRequest
	if err := decodeStrict(raw, &req); err != nil {
		return access.Record{}, []event.Problem{bodyProblem(err, `send {"name": "…", "scopes": ["write"]}, with id, role, sources, kinds and expires_at where you want them`)}
	}
	var r keyReader
	r.names(req)
	scopes := r.scopes(req)
	r.limits(req, slices.Contains(scopes, access.ScopeWrite))
	expires := r.expiry(req.ExpiresAt, now)
	return access.Record{
		ID: req.ID, Name: req.Name, Scopes: scopes, Role: access.Role(req.Role), Sources: req.Sources, Kinds: req.Kinds, ExpiresAt: expires,
	}, r.problems
}

var keyIDForm = regexp.MustCompile(access.IDPattern)

func (r *keyReader) names(req keyRequest) {
	if req.ID != "" && !keyIDForm.MatchString(req.ID) {
		r.fail(event.CodeBadValue, "/id", "an id has 1 to 32 of the characters a-z and 0-9; leave it out for one of ours")
	}
	switch {
	case req.Name == "":
		r.fail(event.CodeMissingField, "/name", "say what the key is for")
	case utf8.RuneCountInString(req.Name) > access.MaxKeyName:
		r.fail(event.CodeTooLong, "/name", fmt.Sprintf("a name has at most %d characters", access.MaxKeyName))
	case strings.TrimSpace(req.Name) != req.Name || !utf8.ValidString(req.Name) || strings.ContainsFunc(req.Name, unicode.IsControl):
		r.fail(event.CodeBadText, "/name", "write one line without spaces at its ends")
	}
}

func (r *keyReader) scopes(req keyRequest) []access.Scope {
	if len(req.Scopes) == 0 {
		r.fail(event.CodeMissingField, "/scopes", "name what the key may do: write, read, admin")
	}
	var out []access.Scope
	for i, text := range req.Scopes {
		scope, pointer := access.Scope(text), fmt.Sprintf("/scopes/%d", i)
		switch {
		case !scope.Valid():
			r.fail(event.CodeBadValue, pointer, "a scope is write, read or admin")
		case slices.Contains(out, scope):
			r.fail(event.CodeDuplicateField, pointer, "name each scope once")
		default:
			out = append(out, scope)
		}
	}
	reads := slices.Contains(out, access.ScopeRead)
	switch role := access.Role(req.Role); {
	case reads && role == "":
		r.fail(event.CodeMissingField, "/role", "say as whom a key with the scope read reads: ic, leader or analyst")
	case reads && role != access.RoleIC && role != access.RoleLeader && role != access.RoleAnalyst:
		r.fail(event.CodeBadValue, "/role", "a role is ic, leader or analyst; an administrator's key has the scope admin")
	case !reads && role != "":
		r.fail(event.CodeInconsistent, "/role", "a role is for the scope read: add it to the scopes, or leave the role out")
	}
	return out
}

func (r *keyReader) limits(req keyRequest, writes bool) {
	for pointer, list := range map[string][]string{"/sources": req.Sources, "/kinds": req.Kinds} {
		switch {
		case len(list) > 0 && !writes:
			r.fail(event.CodeInconsistent, pointer, "this bounds what a key may write: add write to the scopes, or leave it out")
		case len(list) > access.MaxKeyLimits:
			r.fail(event.CodeTooLong, pointer, fmt.Sprintf("at most %d", access.MaxKeyLimits))
		}
	}
	for i, s := range req.Sources[:min(len(req.Sources), access.MaxKeyLimits)] {
		if err := access.ValidSource(s); err != nil {
			r.fail(event.CodeBadValue, fmt.Sprintf("/sources/%d", i), err.Error())
		}
	}
	for i, k := range req.Kinds[:min(len(req.Kinds), access.MaxKeyLimits)] {
		if _, ok := event.Lookup(event.Kind(k)); !ok {
			r.fail(event.CodeBadValue, fmt.Sprintf("/kinds/%d", i), "there is no such kind of event: GET /v1/schemas lists them")
		}
	}
}

func (r *keyReader) expiry(text string, now time.Time) time.Time {
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	at = at.UTC().Truncate(time.Millisecond)
	switch {
	case err != nil:
		r.fail(event.CodeBadValue, "/expires_at", "write a time as RFC 3339, such as 2027-11-24T00:00:00Z, or leave it out for a key without an end")
	case !at.After(now):
		r.fail(event.CodeOutOfRange, "/expires_at", "the key would have expired already: give a time to come")
	case at.Year() > 9999:
		r.fail(event.CodeOutOfRange, "/expires_at", "give a year of four digits")
	}
	return at
}

// readRotation reads how long the old secret still works; an empty body is the default.
func readRotation(raw []byte) (time.Duration, []event.Problem) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return defaultOverlap, nil
	}
	var req rotation
	if err := decodeStrict(raw, &req); err != nil {
		return 0, []event.Problem{bodyProblem(err, `send {"overlap": "24h"}, or nothing`)}
	}
	if req.Overlap == nil {
		return defaultOverlap, nil
	}
	overlap, err := time.ParseDuration(*req.Overlap)
	if err != nil || overlap < 0 || overlap > mostOverlap {
		return 0, []event.Problem{{
			Code: event.CodeBadValue, Pointer: "/overlap", Message: "write how long the old secret still works, such as 24h or 30m, at most 2160h; 0 ends it at once",
		}}
	}
	return overlap, nil
}

// bodyProblem says where a body has another form than asked for.
func bodyProblem(err error, form string) event.Problem {
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) && wrong.Field != "" {
		return event.Problem{Code: event.CodeWrongType, Pointer: "/" + strings.ReplaceAll(wrong.Field, ".", "/"), Message: "it has another type: " + form}
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name = strings.NewReplacer("~", "~0", "/", "~1").Replace(strings.Trim(name, `"`))
		return event.Problem{Code: event.CodeUnknownField, Pointer: "/" + name, Message: "there is no such field here: " + form}
	}
	return event.Problem{Code: event.CodeNotJSON, Message: form}
}
