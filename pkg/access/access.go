// Package access says who may do what: the keys that write, the token that administers, the sessions of browsers, the
// roles, and the privacy floor below which nobody's numbers are shown.
//
// It is pure: it keeps no files, opens no connections and knows no HTTP handlers. Secrets are held as their SHA-256
// and compared in constant time.
package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
)

// Role is what a viewer may see and change: [Permissions] says what.
type Role string

// The roles, from the least to the most.
const (
	// RoleIC sees the own numbers live and the others above the privacy floor.
	RoleIC Role = "ic"
	// RoleLeader sees teams and workflows above the privacy floor.
	RoleLeader Role = "leader"
	// RoleAnalyst also changes the registry.
	RoleAnalyst Role = "analyst"
	// RoleAdmin also manages keys, erasure and settings.
	RoleAdmin Role = "admin"
)

// Valid tells whether the role is one of ours.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// Viewer is who asks: every query takes one.
type Viewer struct {
	Workspace string `json:"workspace"`
	// Person is the viewer's own pseudonym in the workspace; "" for one who has no events, such as a token.
	Person string `json:"person,omitempty"`
	Role   Role   `json:"role"`
}

// Token is a secret that is compared, never shown.
type Token struct {
	hash [sha256.Size]byte
	set  bool
}

// NewToken keeps the hash of a secret. The empty secret makes a token that nobody has.
func NewToken(secret string) Token {
	return Token{hash: sha256.Sum256([]byte(secret)), set: secret != ""}
}

// Is tells, in constant time, whether the presented secret is the token's.
func (t Token) Is(presented string) bool {
	hash := sha256.Sum256([]byte(presented))
	return subtle.ConstantTimeCompare(hash[:], t.hash[:]) == 1 && t.set && presented != ""
}
