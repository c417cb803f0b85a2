package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const keyPrefix = "plk_"

// Hash is the SHA-256 of a secret, written as 64 hexadecimal digits.
type Hash [sha256.Size]byte

// HashOf hashes a secret. Our own secrets have 256 bits, so that a fast hash is enough: there is nothing to guess.
func HashOf(secret string) Hash { return sha256.Sum256([]byte(secret)) }

// MarshalText writes hexadecimal digits.
func (h Hash) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h[:])), nil }

// UnmarshalText reads hexadecimal digits.
func (h *Hash) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	if err != nil || len(raw) != len(h) {
		return fmt.Errorf("a hash has %d hexadecimal digits", 2*len(h))
	}
	copy(h[:], raw)
	return nil
}

// Key is a write key as it is kept: without its secret.
type Key struct {
	// ID names the key in lists and logs; it is part of the key's text, and "" for a text that the owner chose.
	ID string `json:"id"`
	// Workspace is where events go that come with the key.
	Workspace string `json:"workspace"`
	// Sources are those that the key may write and amend: exact, or a prefix that ends with *. None: all.
	Sources []string `json:"sources,omitempty"`
	// Kinds are the kinds of events that the key may write. None: all.
	Kinds []string `json:"kinds,omitempty"`
	// Hash is of the whole text of the key.
	Hash Hash `json:"sha256"`
}

// MayWrite tells whether the key may write events of the source.
func (k Key) MayWrite(source string) bool {
	if len(k.Sources) == 0 {
		return true
	}
	for _, s := range k.Sources {
		prefix, open := strings.CutSuffix(s, "*")
		if s == source || open && strings.HasPrefix(source, prefix) {
			return true
		}
	}
	return false
}

// AppSource is the source of what people log in the app, each in their own name: a key writes events of it, in anybody's name, only where it is
// bound to exactly this source.
const AppSource = "/plumbline/app"

// Sends tells whether the key may send events of the source, or change some.
func (k Key) Sends(source string) bool {
	return k.MayWrite(source) && (source != AppSource || slices.Contains(k.Sources, AppSource))
}

// MayWriteKind tells whether the key may write events of the kind.
func (k Key) MayWriteKind(kind string) bool {
	return len(k.Kinds) == 0 || slices.Contains(k.Kinds, kind)
}

// IDPattern is the form of a key's id.
const IDPattern = `^[a-z0-9]{1,32}$`

var idForm = regexp.MustCompile(IDPattern)

// NewKey makes a key with a new 256-bit secret. The text, plk_<id>_<secret>, is for its holder and can not be had again.
func NewKey(id, workspace string, sources ...string) (key Key, text string, err error) {
	if !idForm.MatchString(id) {
		return Key{}, "", fmt.Errorf("key id %q: give 1 to 32 of the characters a-z and 0-9", id)
	}
	text = newText(id)
	return Key{ID: id, Workspace: workspace, Sources: sources, Hash: HashOf(text)}, text, nil
}

// newText makes the text of a key with a new 256-bit secret.
func newText(id string) string {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return Prefix(id) + hex.EncodeToString(secret)
}

// Prefix is how the text of a key with that id begins: enough to recognise it by, and no part of its secret.
func Prefix(id string) string { return keyPrefix + id + "_" }

// IsOurs tells whether a text has the form of the keys that we make, plk_<id>_<secret>.
func IsOurs(text string) bool { return keyID(text) != "" }

// PlainKey keeps a key whose text the owner chose. How well it protects is up to that text.
func PlainKey(text, workspace string, sources ...string) (Key, error) {
	if strings.TrimSpace(text) != text || text == "" {
		return Key{}, errors.New("a key must not be empty, or begin or end with a space")
	}
	return Key{ID: keyID(text), Workspace: workspace, Sources: sources, Hash: HashOf(text)}, nil
}

// keyID reads the id out of a text of the form plk_<id>_<secret>; "" for any other text.
func keyID(text string) string {
	rest, ok := strings.CutPrefix(text, keyPrefix)
	if !ok {
		return ""
	}
	id, secret, ok := strings.Cut(rest, "_")
	if !ok || secret == "" || !idForm.MatchString(id) {
		return ""
	}
	return id
}

// Keys is a set of write keys. It is never changed.
type Keys struct {
	byID map[string][]Key // those without an id under ""
}

// NewKeys makes a set.
func NewKeys(keys ...Key) *Keys {
	k := &Keys{byID: make(map[string][]Key, len(keys))}
	for _, key := range keys {
		k.byID[key.ID] = append(k.byID[key.ID], key)
	}
	return k
}

// Find returns the key with that text. The time that it takes tells which id was asked for, which is no secret, and
// nothing about the secret.
func (k *Keys) Find(text string) (Key, bool) {
	if text == "" {
		return Key{}, false
	}
	hash := HashOf(text)
	var found Key
	var ok bool
	for _, key := range k.byID[keyID(text)] {
		if subtle.ConstantTimeCompare(key.Hash[:], hash[:]) == 1 {
			found, ok = key, true
		}
	}
	return found, ok
}
