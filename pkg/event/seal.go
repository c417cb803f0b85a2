package event

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Sealed is an event ready for the log: no raw person id is left in it, and its bytes are canonical.
type Sealed struct {
	// Event carries the sealed payload in Event.Data.
	Event
	Identity Identity
	Payload  PayloadHash
	// Data is the payload as canonical JSON, the value of the message.
	Data []byte
	// Receive names the collector's act of receiving (a UUID v7), for tracing only; "" leaves the header out.
	Receive string
}

// IdentityOf is the first 16 bytes of SHA-256 over workspace, source and id, each preceded by its length in bytes
// as four bytes, big endian: no two triples share a pre-image.
func IdentityOf(workspace, source, id string) Identity {
	b := make([]byte, 0, 256)
	b = appendPart(b, workspace)
	b = appendPart(b, source)
	b = appendPart(b, id)
	sum := sha256.Sum256(b)
	return Identity(sum[:16])
}

// The scopes keep pseudonyms of different purposes apart: equal ids under different scopes cannot be joined.
const (
	personScope = "person"
	pulseScope  = "pulse\x00"
)

// Sealer replaces persons by keyed hashes and computes identity and payload hash. It is safe for concurrent use.
type Sealer struct {
	people, payloads *sync.Pool // of hash.Hash
}

// NewSealer makes a sealer of the installation's secret, from which it derives one key per purpose. Another secret
// makes other pseudonyms and other payload hashes: it must never change while old events count.
func NewSealer(secret []byte) *Sealer {
	return &Sealer{people: keyed(secret, "person pseudonym"), payloads: keyed(secret, "payload hash")}
}

func keyed(secret []byte, purpose string) *sync.Pool {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(purpose))
	key := mac.Sum(nil)
	return &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}
}

// Person is the pseudonym of a person in a workspace: "p" and 24 hexadecimal digits. An id with an @ is taken for
// an e-mail address, trimmed and lower-cased first. "" stays "".
func (s *Sealer) Person(workspace, id string) string {
	return pseudonym{s, workspace}.of(personScope, id)
}

// Pulse is the pseudonym of a person in one wave of the survey; it cannot be joined to [Sealer.Person].
func (s *Sealer) Pulse(workspace, wave, id string) string {
	return pseudonym{s, workspace}.of(pulseScope+wave, id)
}

// Seal replaces the persons, normalises once more and computes identity and payload hash. The event that it is given
// stays as it was: sealing it again yields the same, while a sealed event must not be sealed again.
func (s *Sealer) Seal(e Event) (Sealed, error) {
	if e.Data == nil {
		return Sealed{}, fmt.Errorf("seal event %q of %q: no data", e.ID, e.Source)
	}
	spec, ok := Lookup(e.Data.Kind())
	if !ok || spec.Kind != e.Kind {
		return Sealed{}, fmt.Errorf("seal event %q of %q: data of kind %q in an event of kind %q", e.ID, e.Source, e.Data.Kind(), e.Kind)
	}
	e.Time = e.Time.UTC().Truncate(time.Millisecond)
	e.Data = spec.clone(e.Data)
	e.Data.Normalise()
	if err := e.Data.seal(pseudonym{s, e.Workspace}); err != nil {
		return Sealed{}, fmt.Errorf("seal event %q of %q: %w", e.ID, e.Source, err)
	}
	raw, err := canonical(e.Data)
	if err != nil {
		return Sealed{}, fmt.Errorf("encode event %q of %q: %w", e.ID, e.Source, err)
	}
	return Sealed{
		Event:    e,
		Identity: IdentityOf(e.Workspace, e.Source, e.ID),
		Payload:  s.payload(e, raw),
		Data:     raw,
	}, nil
}

// payload hashes what the event says, without its name and without extensions: those may differ between retries.
func (s *Sealer) payload(e Event, data []byte) PayloadHash {
	b := make([]byte, 0, len(data)+len(e.Subject)+96)
	b = appendPart(b, e.Kind.Type())
	b = appendPart(b, e.Time.Format(TimeForm))
	b = appendPart(b, e.Subject)
	b = appendPart(b, data)
	digest := sum(s.payloads, b)
	return PayloadHash(digest[:16])
}

// pseudonym makes the pseudonyms of one workspace.
type pseudonym struct {
	sealer    *Sealer
	workspace string
}

func (p pseudonym) of(scope, id string) string {
	if id == "" {
		return ""
	}
	if strings.Contains(id, "@") {
		id = strings.ToLower(strings.TrimSpace(id))
	}
	b := make([]byte, 0, 128)
	b = appendPart(b, scope)
	b = appendPart(b, p.workspace)
	b = appendPart(b, id)
	digest := sum(p.sealer.people, b)
	return "p" + hex.EncodeToString(digest[:12])
}

func sum(pool *sync.Pool, b []byte) [sha256.Size]byte {
	mac := pool.Get().(hash.Hash)
	mac.Reset()
	mac.Write(b)
	var out [sha256.Size]byte
	mac.Sum(out[:0])
	pool.Put(mac)
	return out
}

func appendPart[S ~string | ~[]byte](b []byte, s S) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

// canonical writes a payload as canonical JSON: RFC 8785, except that numbers keep the shortest exact decimal form
// of [Number], which RFC 8785 would round to a float64 from the 16th digit on. Up to 15 digits the two agree.
func canonical(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	out := jsontext.Value(raw)
	if err := out.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)); err != nil {
		return nil, err
	}
	return out, nil
}
