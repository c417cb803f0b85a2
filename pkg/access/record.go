package access

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Scope is one thing that a key is for. No scope holds another: a key that writes can not read.
type Scope string

// The scopes.
const (
	// ScopeWrite sends events, and asks where they are.
	ScopeWrite Scope = "write"
	// ScopeRead reads the scorecard, as a role sees it.
	ScopeRead Scope = "read"
	// ScopeAdmin does what an administrator does, keys included.
	ScopeAdmin Scope = "admin"
)

// Valid tells whether the scope is one of ours.
func (s Scope) Valid() bool { return s == ScopeWrite || s == ScopeRead || s == ScopeAdmin }

// KeyName names a key: ids are unique within a workspace.
type KeyName struct{ Workspace, ID string }

// Secret is one secret of a key, as its hash.
type Secret struct {
	// Hash is of the whole text of the key.
	Hash Hash `json:"sha256"`
	// NotAfter is when a later secret has taken its place; zero while it is the latest.
	NotAfter time.Time `json:"not_after,omitzero"`
}

// Record is one version of a key that the installation has made, without its secrets: what travels on the topic. Times are
// UTC and have milliseconds.
type Record struct {
	Workspace string `json:"workspace"`
	ID        string `json:"id"`
	// Version counts the changes of the key, from 1. A writer adds one to what it has read, and readers take the first
	// record of each version: so an older record never beats a newer one, and of two writers at once one is told. Only a
	// revocation holds in any case; see [Ring.Apply].
	Version uint64 `json:"version"`
	// Write is unique to the act of writing, so that a writer recognises its own record.
	Write string `json:"write"`
	// Name says what the key is for.
	Name   string  `json:"name"`
	Scopes []Scope `json:"scopes"`
	// Role is what a key with [ScopeRead] sees: ic, leader or analyst.
	Role Role `json:"role,omitzero"`
	// Sources and Kinds bound [ScopeWrite] as those of a [Key] do.
	Sources []string `json:"sources,omitempty"`
	Kinds   []string `json:"kinds,omitempty"`
	// Secrets are the latest first; the others are those that rotations have replaced, or will.
	Secrets   []Secret  `json:"secrets"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	// ExpiresAt and RevokedAt are zero for never and not.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
}

// The bounds of a record.
const (
	MaxKeyName   = 100  // characters
	MaxKeyLimits = 50   // sources, and kinds
	MaxKeySource = 512  // bytes, as of an event's source
	maxSecrets   = 8    // with those that rotations have replaced
	maxText      = 1024 // bytes of any other text
)

// The states of a key.
const (
	KeyActive  = "active"
	KeyExpired = "expired"
	KeyRevoked = "revoked"
)

// The reasons why a key does not open anything.
var (
	// ErrKeyUnknown is also that of a right id with a wrong secret.
	ErrKeyUnknown = errors.New("no such key")
	// ErrKeyExpired is that of a key past its end, and of a secret that a rotation has replaced.
	ErrKeyExpired = errors.New("the key has expired or was replaced by a rotation")
	ErrKeyRevoked = errors.New("the key was revoked")
	// ErrKeyRotations says that too many secrets of a key still work.
	ErrKeyRotations = errors.New("too many secrets of this key still work: wait until one has ended, or rotate without an overlap")
)

// Ended is what the holder of a right text is told whose key opens nothing any more: a stable word and a sentence. It is false for
// every other error, [ErrKeyUnknown] among them.
func Ended(err error) (code, detail string, ok bool) {
	switch {
	case errors.Is(err, ErrKeyExpired):
		return "key_expired", "This key has expired, or a rotation has replaced it: use the new one, or ask an administrator for one.", true
	case errors.Is(err, ErrKeyRevoked):
		return "key_revoked", "This key was revoked: ask an administrator for another one.", true
	}
	return "", "", false
}

// NameOf is the name of the record's key.
func (r Record) NameOf() KeyName { return KeyName{r.Workspace, r.ID} }

// May tells whether the key has the scope.
func (r Record) May(s Scope) bool { return slices.Contains(r.Scopes, s) }

// WriteKey is what the key may write; false where it may write nothing.
func (r Record) WriteKey() (Key, bool) {
	return Key{ID: r.ID, Workspace: r.Workspace, Sources: r.Sources, Kinds: r.Kinds}, r.May(ScopeWrite)
}

// Viewer is who reads with the key; false where it may read nothing. It is no person: an ic key sees what the role may see.
func (r Record) Viewer() (Viewer, bool) {
	switch {
	case r.May(ScopeAdmin):
		return Viewer{Workspace: r.Workspace, Role: RoleAdmin}, true
	case r.May(ScopeRead):
		return Viewer{Workspace: r.Workspace, Role: r.Role}, true
	}
	return Viewer{}, false
}

// State is whether the key works at that time.
func (r Record) State(now time.Time) string {
	switch {
	case !r.RevokedAt.IsZero():
		return KeyRevoked
	case !r.ExpiresAt.IsZero() && !now.Before(r.ExpiresAt):
		return KeyExpired
	}
	return KeyActive
}

// Overlap is until when an older secret of the key works beside the latest; zero where none does.
func (r Record) Overlap(now time.Time) time.Time {
	var last time.Time
	for _, s := range r.Secrets {
		if now.Before(s.NotAfter) && s.NotAfter.After(last) {
			last = s.NotAfter
		}
	}
	return last
}

// opens tells whether the secret opens the key at that time, by a reason why not.
func (r Record) opens(s Secret, now time.Time) error {
	switch state := r.State(now); {
	case state == KeyRevoked:
		return ErrKeyRevoked
	case state == KeyExpired, !s.NotAfter.IsZero() && !now.Before(s.NotAfter):
		return ErrKeyExpired
	}
	return nil
}

// Issue is the first version of a key, with its first secret. The text is for its holder and can not be had again.
func (r Record) Issue(now time.Time) (issued Record, text string) {
	text = newText(r.ID)
	r.CreatedAt, r.Version = stamp(now), 0
	r.Secrets = []Secret{{Hash: HashOf(text)}}
	return r.next(), text
}

// skew is how far the clock of another process may be behind ours.
const skew = time.Minute

// Rotate is the next version, with a new secret; the secrets before it work until the overlap is over. Without an overlap
// they end in the past, so that a process whose clock is behind does not take them either.
func (r Record) Rotate(now time.Time, overlap time.Duration) (rotated Record, text string, err error) {
	end := now.Add(overlap)
	if overlap <= 0 {
		end = now.Add(-skew)
	}
	text = newText(r.ID)
	secrets := []Secret{{Hash: HashOf(text)}}
	for _, s := range r.Secrets {
		if s.NotAfter.IsZero() || s.NotAfter.After(end) {
			s.NotAfter = stamp(end)
		}
		if len(secrets) < maxSecrets {
			secrets = append(secrets, s)
		} else if now.Before(s.NotAfter) {
			return Record{}, "", ErrKeyRotations
		}
	}
	r.Secrets = secrets
	return r.next(), text, nil
}

// Revoke is the next version, which opens nothing any more and never will.
func (r Record) Revoke(now time.Time) Record {
	r.RevokedAt = stamp(now)
	return r.next()
}

// next counts the version and names the write.
func (r Record) next() Record {
	write := make([]byte, 16)
	_, _ = rand.Read(write) // never fails
	r.Version, r.Write = r.Version+1, hex.EncodeToString(write)
	return r
}

func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// Validate reports everything that is wrong with the record.
func (r Record) Validate() error {
	var errs []error
	wrong := func(bad bool, what string) {
		if bad {
			errs = append(errs, errors.New(what))
		}
	}
	wrong(!plain(r.Workspace, maxText), "workspace: it is missing or no plain text")
	wrong(!idForm.MatchString(r.ID), "id: it has 1 to 32 of the characters a-z and 0-9")
	wrong(r.Version == 0, "version: it counts from 1")
	wrong(!plain(r.Write, maxText), "write: it is missing or no plain text")
	wrong(!plain(r.Name, 4*MaxKeyName) || utf8.RuneCountInString(r.Name) > MaxKeyName, fmt.Sprintf("name: it is plain text of 1 to %d characters", MaxKeyName))
	wrong(!plain(r.CreatedBy, maxText), "created_by: it is missing or no plain text")
	wrong(!stamped(r.CreatedAt), "created_at: it is missing or out of range")
	wrong(!r.ExpiresAt.IsZero() && !stamped(r.ExpiresAt), "expires_at: it is out of range")
	wrong(!r.RevokedAt.IsZero() && !stamped(r.RevokedAt), "revoked_at: it is out of range")
	errs = append(errs, r.validScopes(), r.validSecrets())
	return errors.Join(errs...)
}

func (r Record) validScopes() error {
	var errs []error
	if len(r.Scopes) == 0 {
		errs = append(errs, errors.New("scopes: give at least one of write, read and admin"))
	}
	for i, s := range r.Scopes {
		if !s.Valid() || slices.Contains(r.Scopes[:i], s) {
			errs = append(errs, fmt.Errorf("scopes: %q is none of write, read and admin, or stands twice", s))
		}
	}
	if r.May(ScopeRead) != r.Role.readable() || r.Role != "" && !r.Role.readable() {
		errs = append(errs, errors.New("role: a key that reads has one of ic, leader and analyst, another has none"))
	}
	if !r.May(ScopeWrite) && len(r.Sources)+len(r.Kinds) > 0 {
		errs = append(errs, errors.New("sources and kinds: they are of keys that write"))
	}
	if len(r.Sources) > MaxKeyLimits || len(r.Kinds) > MaxKeyLimits {
		errs = append(errs, fmt.Errorf("sources and kinds: at most %d each", MaxKeyLimits))
	}
	for _, s := range r.Sources {
		if err := ValidSource(s); err != nil {
			errs = append(errs, fmt.Errorf("sources: %w", err))
		}
	}
	for _, k := range r.Kinds {
		if !plain(k, maxText) {
			errs = append(errs, errors.New("kinds: one is empty or no plain text"))
		}
	}
	return errors.Join(errs...)
}

func (r Record) validSecrets() error {
	if len(r.Secrets) == 0 || len(r.Secrets) > maxSecrets {
		return fmt.Errorf("secrets: there are 1 to %d", maxSecrets)
	}
	for i, s := range r.Secrets {
		if (i == 0) != s.NotAfter.IsZero() || i > 0 && !stamped(s.NotAfter) || s.Hash == (Hash{}) {
			return errors.New("secrets: the first is the latest and has no end, the others have one")
		}
	}
	return nil
}

// ValidSource tells what is wrong with a source that a key is bound to.
func ValidSource(s string) error {
	if prefix, _ := strings.CutSuffix(s, "*"); !plain(s, MaxKeySource) || strings.Contains(prefix, "*") {
		return fmt.Errorf("write the source of the events exactly, or a prefix that ends with *, in at most %d bytes", MaxKeySource)
	}
	return nil
}

// readable tells whether a key may read as the role.
func (r Role) readable() bool { return r == RoleIC || r == RoleLeader || r == RoleAnalyst }

// plain tells whether a text is there, within its bound, and without control characters and spaces at its ends.
func plain(s string, most int) bool {
	return s != "" && len(s) <= most && utf8.ValidString(s) && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, unicode.IsControl)
}

// stamped tells whether a time is one that a record may have.
func stamped(t time.Time) bool {
	return !t.IsZero() && t.Equal(stamp(t)) && t.Year() >= 2000 && t.Year() < 10000
}
