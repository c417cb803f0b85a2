package registry

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
)

// Record is one version of one entry: what travels on the registry topic and stands in the registry table.
type Record struct {
	Workspace string
	Kind      Kind
	Key       string
	// ValidFrom is when the version starts to hold, RecordedAt when it was written; UTC, milliseconds.
	ValidFrom  time.Time
	RecordedAt time.Time
	// EntryID is unique to the write.
	EntryID string
	// Value is the canonical JSON of the [Entry].
	Value   jsontext.Value
	Deleted bool
	Author  string
}

// wire is the JSON form of a [Record] on the topic.
type wire struct {
	Workspace  string         `json:"workspace"`
	Kind       Kind           `json:"kind"`
	Key        string         `json:"key"`
	ValidFrom  event.Time     `json:"valid_from"`
	RecordedAt event.Time     `json:"recorded_at"`
	EntryID    string         `json:"entry_id"`
	Value      jsontext.Value `json:"value,omitzero"`
	Deleted    bool           `json:"deleted"`
	Author     string         `json:"author"`
}

// MessageKey is the Kafka key of a version: workspace, kind, key and valid_from, each with its length before it, so
// that compaction keeps the last write of every valid_from and no two entries can collide.
func (r Record) MessageKey() []byte {
	var out []byte
	for _, part := range []string{r.Workspace, string(r.Kind), r.Key, r.ValidFrom.UTC().Format(event.TimeForm)} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}

// Message encodes the record for the registry topic.
func (r Record) Message() (key, value []byte, err error) {
	value, err = json.Marshal(wire{
		Workspace: r.Workspace, Kind: r.Kind, Key: r.Key,
		ValidFrom: event.Time{Time: r.ValidFrom.UTC()}, RecordedAt: event.Time{Time: r.RecordedAt.UTC()},
		EntryID: r.EntryID, Value: r.Value, Deleted: r.Deleted, Author: r.Author,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("encode registry message: %w", err)
	}
	return r.MessageKey(), value, nil
}

// ErrMessage is a message on the registry topic that is none of ours.
var ErrMessage = errors.New("not a registry message")

// FromMessage decodes a message of the registry topic. The value of the entry must still decode as its kind.
func FromMessage(key, value []byte) (Record, error) {
	var w wire
	if err := json.Unmarshal(value, &w, json.RejectUnknownMembers(true)); err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	r := Record{
		Workspace: w.Workspace, Kind: w.Kind, Key: w.Key, ValidFrom: w.ValidFrom.Time, RecordedAt: w.RecordedAt.Time,
		EntryID: w.EntryID, Value: w.Value, Deleted: w.Deleted, Author: w.Author,
	}
	if w.Workspace == "" || w.EntryID == "" || r.RecordedAt.IsZero() {
		return Record{}, fmt.Errorf("%w: workspace, entry_id or recorded_at is missing", ErrMessage)
	}
	if !bytes.Equal(key, r.MessageKey()) {
		return Record{}, fmt.Errorf("%w: the key names another entry", ErrMessage)
	}
	if r.Deleted && len(r.Value) == 0 {
		return r, nil
	}
	if _, problems := Decode(r.Kind, r.Key, r.Value); len(problems) > 0 {
		return Record{}, fmt.Errorf("%w: %w", ErrMessage, problems[0])
	}
	return r, nil
}

// KindOf reads the kind out of the key of a message; false where it is none of ours. It is for who wants some kinds only.
func KindOf(messageKey []byte) (Kind, bool) {
	for part := range 2 {
		if len(messageKey) < 4 {
			return "", false
		}
		n := uint64(binary.BigEndian.Uint32(messageKey))
		if messageKey = messageKey[4:]; n > uint64(len(messageKey)) {
			return "", false
		}
		if part == 1 {
			return Kind(messageKey[:n]), true
		}
		messageKey = messageKey[n:]
	}
	return "", false
}
