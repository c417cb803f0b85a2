package event

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
	"time"
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

// Waves knows the secrets of the waves of the survey. Each wave has one of its own, which nobody can derive and which is
// destroyed when the wave closes: from then on nobody can tell whose an answer was.
type Waves interface {
	// Secret is that of an open wave. The error is a [Problem] with the code wave_closed where it has closed, and
	// [ErrWaveUnopened] where nobody has opened it.
	Secret(workspace, wave string) ([]byte, error)
}

// ErrWaveUnopened says that a wave has no secret yet: open it, and seal again.
var ErrWaveUnopened = errors.New("the wave of the survey is not open")

// WaveClosed is why an answer comes too late; pointer names the wave in the event.
func WaveClosed(pointer string) Problem {
	return Problem{
		Code: CodeWaveClosed, Pointer: pointer,
		Message: "the wave is closed, and takes no answers and no changes any more: name the wave that is open now",
	}
}

// Sealer replaces persons by keyed hashes and computes identity and payload hash. It is safe for concurrent use.
type Sealer struct {
	people, payloads *sync.Pool // of *hasher
	waves            Waves
}

// NewSealer makes a sealer of the installation's secret, from which it derives one key per purpose. Another secret
// makes other pseudonyms and other payload hashes: it must never change while old events count.
func NewSealer(secret []byte) *Sealer {
	return &Sealer{people: keyed(secret, "person pseudonym"), payloads: keyed(secret, "payload hash")}
}

// With is the sealer with the secrets of waves; without them it seals no answer to the survey.
func (s *Sealer) With(w Waves) *Sealer {
	with := *s
	with.waves = w
	return &with
}

func keyed(secret []byte, purpose string) *sync.Pool {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(purpose))
	key := mac.Sum(nil)
	return &sync.Pool{New: func() any { return &hasher{mac: hmac.New(sha256.New, key)} }}
}

// hasher is a keyed hash with room for what it hashes, used by one at a time.
type hasher struct {
	mac hash.Hash
	in  []byte
	out [sha256.Size]byte
}

// sum hashes what was put into in.
func (h *hasher) sum() *[sha256.Size]byte {
	h.mac.Reset()
	h.mac.Write(h.in)
	h.mac.Sum(h.out[:0])
	return &h.out
}

// Person is the pseudonym of a person in a workspace: "p" and 24 hexadecimal digits. An id with an @ is taken for
// an e-mail address, trimmed and lower-cased first. "" stays "".
func (s *Sealer) Person(workspace, id string) string {
	return pseudonym{s, workspace, false}.of(personScope, id)
}

// Pulse is the pseudonym of a person in one wave of the survey, which can not be joined to [Sealer.Person]: the keyed hash of
// the person in the wave, hashed once more with the secret of the wave. It takes both secrets to make it again, and the
// second is gone when the wave is closed. The error is that of [Waves.Secret].
func (s *Sealer) Pulse(workspace, wave, id string) (string, error) {
	return pseudonym{s, workspace, false}.inWave(wave, id)
}

// WavesOf are the waves of the survey whose secrets sealing an event takes: that of an answer, or of the answer that a
// correction brings.
func WavesOf(e Event) []string {
	switch d := e.Data.(type) {
	case *Pulse:
		return []string{d.Wave}
	case *Correct:
		if d.Target != KindPulse {
			return nil
		}
		if answer, err := d.Payload(); err == nil {
			return WavesOf(Event{Data: answer})
		}
	}
	return nil
}

// Seal replaces the persons, normalises once more and computes identity and payload hash. The event that it is given
// stays as it was: sealing it again yields the same, while a sealed event must not be sealed again.
func (s *Sealer) Seal(e Event) (Sealed, error) {
	return s.seal(e, pseudonym{s, e.Workspace, false})
}

// Reseal is [Sealer.Seal] for an event that was sealed before and may have been changed since: a person who is a
// pseudonym already stays, every other one is replaced.
func (s *Sealer) Reseal(e Event) (Sealed, error) {
	return s.seal(e, pseudonym{s, e.Workspace, true})
}

func (s *Sealer) seal(e Event, people pseudonym) (Sealed, error) {
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
	if err := e.Data.seal(people); err != nil {
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
	h := s.payloads.Get().(*hasher)
	defer s.payloads.Put(h)
	var part [64]byte
	h.in = appendPart(h.in[:0], appendType(part[:0], e.Kind))
	h.in = appendPart(h.in, appendTime(part[:0], e.Time))
	h.in = appendPart(h.in, e.Subject)
	h.in = appendPart(h.in, data)
	return PayloadHash(h.sum()[:16])
}

// pseudonym makes the pseudonyms of one workspace.
type pseudonym struct {
	sealer    *Sealer
	workspace string
	// keep leaves alone what is a pseudonym already.
	keep bool
}

// pseudonymDigits is how many hexadecimal digits a pseudonym has after its "p".
const pseudonymDigits = 24

// IsPseudonym tells whether an id of a person has the form of [Sealer.Person].
func IsPseudonym(id string) bool {
	digits, ok := strings.CutPrefix(id, "p")
	return ok && len(digits) == pseudonymDigits && strings.Trim(digits, "0123456789abcdef") == ""
}

func (p pseudonym) of(scope, id string) string {
	if id == "" || p.keep && IsPseudonym(id) {
		return id
	}
	if strings.Contains(id, "@") {
		id = strings.ToLower(strings.TrimSpace(id))
	}
	h := p.sealer.people.Get().(*hasher)
	defer p.sealer.people.Put(h)
	h.in = appendPart(h.in[:0], scope)
	h.in = appendPart(h.in, p.workspace)
	h.in = appendPart(h.in, id)
	return pseudonymOf(h.sum())
}

// inWave is the pseudonym of a person in a wave of the survey.
func (p pseudonym) inWave(wave, id string) (string, error) {
	if id == "" || p.keep && IsPseudonym(id) {
		return id, nil
	}
	if p.sealer.waves == nil {
		return "", ErrWaveUnopened
	}
	secret, err := p.sealer.waves.Secret(p.workspace, wave)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(pseudonym{p.sealer, p.workspace, false}.of(pulseScope+wave, id)))
	return pseudonymOf((*[sha256.Size]byte)(mac.Sum(nil))), nil
}

func pseudonymOf(sum *[sha256.Size]byte) string {
	var text [1 + pseudonymDigits]byte
	text[0] = 'p'
	hex.Encode(text[1:], sum[:pseudonymDigits/2])
	return string(text[:])
}

func appendPart[S ~string | ~[]byte](b []byte, s S) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}
