package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
)

// Erasures is the kind of the records that say who was erased. They travel on the registry's topic, which keeps the last
// record of every key for ever, so that erasing survives a rebuilt warehouse and every replay. It is no kind of entries:
// no snapshot has it.
const Erasures Kind = "erasures"

// Erasure is the record that a person was erased. It names nobody: the person is a digest of their keyed hash.
type Erasure struct {
	Workspace string
	// Person is the event.PersonDigest of the person.
	Person [16]byte
	// Pseudonym is what stands in the place of the person from now on; it has the form of a keyed hash, and is random.
	Pseudonym string
	// IDBytes is the length of the person's id as it is hashed, with which it is sought in raw bytes; 0: not known.
	IDBytes int
	// ErasureID is unique to the request. Requested* say when, by whom and why; the reason names nobody.
	ErasureID   string
	RequestedAt time.Time
	RequestedBy string
	Reason      string
	// SealCheck is [SealCheck] of who has made the record.
	SealCheck string
}

// SealCheck is equal for all who hash persons with the same secret.
func SealCheck(s *event.Sealer) string { return s.Person("", "is this the same secret?") }

// erasureWire is the JSON form of an [Erasure] on the topic.
type erasureWire struct {
	Workspace   string     `json:"workspace"`
	Kind        Kind       `json:"kind"`
	Person      string     `json:"person"`
	Pseudonym   string     `json:"pseudonym"`
	IDBytes     int        `json:"id_bytes"`
	ErasureID   string     `json:"erasure_id"`
	RequestedAt event.Time `json:"requested_at"`
	RequestedBy string     `json:"requested_by"`
	Reason      string     `json:"reason"`
	SealCheck   string     `json:"seal_check"`
}

func (e Erasure) messageKey() []byte {
	var out []byte
	for _, part := range []string{e.Workspace, string(Erasures), hex.EncodeToString(e.Person[:])} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}

// Message encodes the erasure for the registry topic.
func (e Erasure) Message() (key, value []byte, err error) {
	value, err = json.Marshal(erasureWire{
		e.Workspace, Erasures, hex.EncodeToString(e.Person[:]), e.Pseudonym, e.IDBytes, e.ErasureID,
		event.Time{Time: e.RequestedAt.UTC()},
		e.RequestedBy, e.Reason, e.SealCheck,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("encode erasure: %w", err)
	}
	return e.messageKey(), value, nil
}

// ErasureFromMessage decodes a message of the registry topic that is an erasure; ok is false for one that is not.
func ErasureFromMessage(key, value []byte) (e Erasure, ok bool, err error) {
	var kind struct {
		Kind Kind `json:"kind"`
	}
	if json.Unmarshal(value, &kind) != nil || kind.Kind != Erasures {
		return Erasure{}, false, nil
	}
	var w erasureWire
	if err := json.Unmarshal(value, &w, json.RejectUnknownMembers(true)); err != nil {
		return Erasure{}, true, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	digest, err := hex.DecodeString(w.Person)
	if err != nil || len(digest) != len(e.Person) || w.Workspace == "" || w.ErasureID == "" || !event.IsPseudonym(w.Pseudonym) ||
		w.RequestedAt.IsZero() || w.IDBytes < 0 || w.IDBytes > maxPersonBytes {
		return Erasure{}, true, fmt.Errorf("%w: an erasure without person, pseudonym, id or time", ErrMessage)
	}
	e = Erasure{
		Workspace: w.Workspace, Person: [16]byte(digest), Pseudonym: w.Pseudonym, IDBytes: w.IDBytes, ErasureID: w.ErasureID,
		RequestedAt: w.RequestedAt.Time, RequestedBy: w.RequestedBy, Reason: w.Reason, SealCheck: w.SealCheck,
	}
	if !bytes.Equal(key, e.messageKey()) {
		return Erasure{}, true, fmt.Errorf("%w: the key names another person", ErrMessage)
	}
	return e, true, nil
}

// maxPersonBytes is the most bytes of an id of a person: 128 characters.
const maxPersonBytes = 512

// Renamed is the record without an erased person: the key of their entry and the author become the pseudonym, mentions
// in the value are replaced. It says whether the record has named the person. The new record has an id of its own, the
// same whoever makes it. What an erased person has said in a dispute is emptied: it was theirs, and stands for nothing else.
func (r Record) Renamed(k *event.Seeker) (Record, bool, error) {
	out := r
	if r.Kind == People {
		out.Key = k.Replace(r.Key)
	}
	out.Author = k.Replace(r.Author)
	if r.Kind == Disputes && out.Author != r.Author {
		value, err := wordless(r)
		if err != nil {
			return Record{}, false, err
		}
		out.Value = value
	}
	if len(out.Value) > 0 && k.Find(out.Value) {
		value, err := k.ReplaceJSON(out.Value)
		if err != nil {
			return Record{}, false, fmt.Errorf("rename in registry entry: %w", err)
		}
		out.Value = value
	}
	if out.Key == r.Key && out.Author == r.Author && bytes.Equal(out.Value, r.Value) {
		return r, false, nil
	}
	out.EntryID = RenamedID(r.EntryID)
	return out, true, nil
}

// wordless is a step of a dispute without what its author has written.
func wordless(r Record) (jsontext.Value, error) {
	entry, problems := Decode(r.Kind, r.Key, r.Value)
	if len(problems) > 0 {
		return nil, fmt.Errorf("empty a step of a dispute: %w", problems[0])
	}
	step, ok := entry.(*DisputeStep)
	if !ok || (step.Text == "" && step.URL == "") {
		return r.Value, nil
	}
	step.Text, step.URL, step.Erased = "", "", true
	return Encode(step)
}

// RenamedID is the id of the record that says the same as the one with an id, without a person: see [Record.Renamed].
func RenamedID(id string) string {
	sum := sha256.Sum256([]byte("renamed " + id))
	return hex.EncodeToString(sum[:16])
}
