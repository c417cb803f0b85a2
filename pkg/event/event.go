// Package event is the contract in Go: the envelope of a fact, the kinds of facts, their validation and their
// identity. What a field means stands in the JSON Schemas of plumbline/schemas, which are authoritative; the types
// here are the fast path and are held equal to them by tests.
//
// The package does no I/O. It knows neither HTTP nor Kafka nor ClickHouse beyond the names in struct tags:
// `json` is the name on the wire, `ch` the column in the warehouse, `validate` the rule of the fast path.
package event

import "time"

// Event is one fact that happened: validated, normalised and, from [Sealer.Seal] on, free of raw person ids.
type Event struct {
	// Workspace is the tenant. It comes from the key that sent the event, never from the payload.
	Workspace string
	// Source and ID name the event inside its workspace; the three together are its identity.
	Source, ID string
	Kind       Kind
	// Time is when it happened, UTC, milliseconds.
	Time time.Time
	// Subject and DataSchema are the optional CloudEvents attributes of these names.
	Subject, DataSchema string
	// Extensions are the CloudEvents extension attributes as text, as they came.
	Extensions map[string]string
	// Data is the payload, one of the kinds of the [Catalogue].
	Data Data
}

// Data is the payload of one kind: a pointer to one of the structs of this package.
type Data interface {
	// Kind names the kind that the payload belongs to.
	Kind() Kind
	// Normalise writes the defaults of the contract into absent fields, so that equal facts have equal bytes.
	Normalise()
	// Check reports the rules that a tag cannot express: those that hold between fields.
	Check() []Problem
	// Shared returns the fields that every kind has.
	Shared() *Common
	// Touched returns the UTC days whose rollups the fact changes, given the event's own time.
	Touched(at time.Time) []Day
	// seal replaces the ids of persons; being unexported it also says that the kinds of this package are all.
	seal(pseudonym) error
}

// Identity is the 128-bit name of an event: the hash of (workspace, source, id).
type Identity [16]byte

// PayloadHash tells whether two events of one identity say the same: a keyed 128-bit hash of the canonical
// JSON (RFC 8785) of type, time, subject and data after normalisation.
type PayloadHash [16]byte

// Receipt is the place of an acknowledged event in the log: proof that it is durable, and the order that decides
// which of two equal events came first.
type Receipt struct {
	Partition int
	Offset    int64
}

// Stored is an event with what the log and the collector added to it: the row that the warehouse keeps.
type Stored struct {
	Event
	Identity Identity
	Payload  PayloadHash
	Receipt  Receipt
	// ReceivedAt is when the broker appended it, UTC, milliseconds.
	ReceivedAt time.Time
}
