package event

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Seeker finds persons in bytes of any form, where all that is known of them is their keyed hash and the length of
// their id. It takes every stretch of that length that could be an id, hashes it, and compares. It finds the id as it is
// written (an e-mail address in any case), inside JSON with escapes, percent-encoded, and base64 inside JSON; and it
// finds the hash itself. An id counts only where it stands alone: "ann" is not found in "annual" or "ann@example.com".
type Seeker struct {
	people  pseudonym
	lengths []int
	match   func(person string) (pseudonym string, ok bool)
}

// Seeker seeks persons of a workspace: lengths are the bytes of their ids, match knows their hashes.
func (s *Sealer) Seeker(workspace string, lengths []int, match func(person string) (pseudonym string, ok bool)) *Seeker {
	lengths = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(lengths))), func(n int) bool { return n < 1 })
	return &Seeker{people: pseudonym{sealer: s, workspace: workspace}, lengths: lengths, match: match}
}

// NormalPerson is the form of an id of a person that is hashed: an e-mail address trimmed and in lower case, everything
// else as it is.
func NormalPerson(id string) string {
	if strings.Contains(id, "@") {
		return strings.ToLower(strings.TrimSpace(id))
	}
	return id
}

// hashLength is the bytes of a hash of a person.
const hashLength = 1 + pseudonymDigits

// nesting is how deep Find follows base64 inside JSON: a reject of the loader is one, with an event in it.
const nesting = 3

// Find tells whether the bytes name one of the persons.
func (k *Seeker) Find(raw []byte) bool { return k.find(raw, nesting) }

func (k *Seeker) find(raw []byte, depth int) bool {
	if k.plain(raw) {
		return true
	}
	if bytes.IndexByte(raw, '%') >= 0 {
		if text, err := url.PathUnescape(string(raw)); err == nil && k.plain([]byte(text)) {
			return true
		}
	}
	if depth == 0 || !bytes.ContainsAny(raw, `"`) {
		return false
	}
	dec := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return false // the end, or no JSON from here on: the bytes themselves were searched
		}
		if token.Kind() == '"' && k.text(token.String(), depth) {
			return true
		}
	}
}

// text looks into one text of a JSON document, as it reads without its escapes.
func (k *Seeker) text(s string, depth int) bool {
	if k.plain([]byte(s)) {
		return true
	}
	if len(s) < 4 {
		return false
	}
	inner, err := base64.StdEncoding.DecodeString(s)
	return err == nil && k.find(inner, depth-1)
}

func (k *Seeker) plain(raw []byte) bool {
	_, _, _, found := k.next(raw, 0)
	return found
}

// Replace puts the pseudonym in the place of every mention of one of the persons.
func (k *Seeker) Replace(text string) string {
	raw := []byte(text)
	var out []byte
	for at := 0; ; {
		from, to, name, found := k.next(raw, at)
		if !found {
			if at == 0 {
				return text
			}
			return string(append(out, raw[at:]...))
		}
		out = append(append(out, raw[at:from]...), name...)
		at = to
	}
}

// ReplaceJSON is [Seeker.Replace] in every text of a JSON document, names of members excepted.
func (k *Seeker) ReplaceJSON(raw jsontext.Value) (jsontext.Value, error) {
	var out bytes.Buffer
	dec, enc := jsontext.NewDecoder(bytes.NewReader(raw)), jsontext.NewEncoder(&out)
	for dec.PeekKind() != 0 {
		token, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		// Of the tokens in an object, those at odd places are names.
		within, place := dec.StackIndex(dec.StackDepth())
		if token.Kind() == '"' && (within != '{' || place%2 == 0) {
			token = jsontext.String(k.Replace(token.String()))
		}
		if err := enc.WriteToken(token); err != nil {
			return nil, err
		}
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// next is the first mention at or after a place.
func (k *Seeker) next(raw []byte, at int) (from, to int, pseudonym string, found bool) {
	for from = at; from < len(raw); from++ {
		if from > 0 && partOfID(raw, from-1, -1) {
			continue
		}
		if name, ok := k.at(raw, from, hashLength, false); ok {
			return from, from + hashLength, name, true
		}
		for _, n := range k.lengths {
			if name, ok := k.at(raw, from, n, true); ok {
				return from, from + n, name, true
			}
		}
	}
	return 0, 0, "", false
}

// at tells whether the n bytes from a place on are one of the persons.
func (k *Seeker) at(raw []byte, from, n int, plain bool) (string, bool) {
	to := from + n
	if to > len(raw) || to < len(raw) && partOfID(raw, to, 1) {
		return "", false
	}
	person := string(raw[from:to])
	if plain {
		return k.match(k.people.of(personScope, person))
	}
	if !IsPseudonym(person) {
		return "", false
	}
	return k.match(person)
}

// partOfID tells whether the byte beside a stretch makes it part of a longer id: a letter, a digit, or one of the signs
// that ids have inside. A dot does only where the id goes on behind it.
func partOfID(raw []byte, i, direction int) bool {
	c := raw[i]
	if c != '.' {
		return idByte(c) || strings.IndexByte("_-+@", c) >= 0
	}
	beyond := i + direction
	return beyond >= 0 && beyond < len(raw) && idByte(raw[beyond])
}

func idByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c >= 0x80
}
