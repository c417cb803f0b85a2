package event

import "fmt"

// Code is the stable name of a reason: programs switch on it, counters are labelled with it.
type Code string

// The reasons why an event is not taken. They are part of the public contract: add, never rename.
const (
	CodeNotJSON         Code = "not_json"         // the bytes are no JSON, or not valid UTF-8
	CodeMissingField    Code = "missing_field"    // a required attribute or field is absent or empty
	CodeMissingTime     Code = "missing_time"     // the event does not say when it happened
	CodeUnknownType     Code = "unknown_type"     // the CloudEvents type is none of ours
	CodeUnknownField    Code = "unknown_field"    // a field that the kind does not have
	CodeDuplicateField  Code = "duplicate_field"  // one object names a field twice
	CodeWrongType       Code = "wrong_type"       // a JSON value of another type than the field's
	CodeBadValue        Code = "bad_value"        // right type, but not one of the values or forms allowed
	CodeOutOfRange      Code = "out_of_range"     // a number or time outside its bounds
	CodeBadText         Code = "bad_text"         // text with control characters, or with a space at an end
	CodeTooLong         Code = "too_long"         // text or list over its bound
	CodeInconsistent    Code = "inconsistent"     // two fields contradict each other
	CodeTooLarge        Code = "too_large"        // the event is over 256 KiB
	CodeFuture          Code = "future"           // time more than 24 h ahead
	CodeTooOld          Code = "too_old"          // time before 2000, or before the sealed days
	CodeIDConflict      Code = "id_conflict"      // same identity, other content
	CodeBadTarget       Code = "bad_target"       // the target is a void, a correction or of no kind of ours
	CodeWrongPartition  Code = "wrong_partition"  // not where the identity hashes to: it bypassed the collector
	CodeUndecodable     Code = "undecodable"      // a message on our topic that is no event of ours
	CodeBadSpecVersion  Code = "bad_specversion"  // CloudEvents specversion other than 1.0
	CodeBrokerAway      Code = "broker_away"      // retry: the log did not take it
	CodeOverloaded      Code = "overloaded"       // retry: too much in flight
	CodeForbiddenSource Code = "forbidden_source" // the key may not write this source
	CodeForbiddenKind   Code = "forbidden_kind"   // the key may not write this kind
	CodeWaveClosed      Code = "wave_closed"      // the wave of the survey takes no answers any more
	CodeUnknownEvent    Code = "unknown_event"    // a call of a tool of which no mapping says what it counts as
	CodeUnknownStage    Code = "unknown_stage"    // a stage of a deal that stands in no stage map
	CodeNoValues        Code = "no_values"        // a tool says that something has changed, and not to what
	// The reasons of the inbox, beside those above.
	CodeUnsupportedType  Code = "unsupported_type"  // a content type that carries no event that can be read
	CodeUnknownWorkspace Code = "unknown_workspace" // the installation has no such workspace
)

// Problem is one thing that is wrong with an event: where, what, and what to change.
type Problem struct {
	Code Code `json:"code"`
	// Pointer is the JSON pointer (RFC 6901) into the structured form of the event: "/data/currency".
	Pointer string `json:"pointer"`
	// Message is a sentence that says what to change.
	Message string `json:"message"`
}

// Error makes a Problem usable as an error.
func (p Problem) Error() string {
	return fmt.Sprintf("%s at %q: %s", p.Code, p.Pointer, p.Message)
}

// State is what became of one event of a request.
type State string

// The answers to one event.
const (
	Accepted  State = "accepted"  // durable in the log
	Duplicate State = "duplicate" // the same event stands earlier in the same request
	Rejected  State = "rejected"  // never as it is: change it first
	Retry     State = "retry"     // not now: send the same again
)

// Answer is the collector's word on one event, in request order.
type Answer struct {
	Source string `json:"source,omitempty"`
	ID     string `json:"id,omitempty"`
	State  State  `json:"status"`
	// Receipt is "partition:offset" of an accepted event.
	Receipt string `json:"receipt,omitempty"`
	Code    Code   `json:"code,omitempty"`
	Pointer string `json:"pointer,omitempty"`
	Message string `json:"message,omitempty"`
	// Problems lists everything that is wrong when it is more than one thing; the first is repeated above.
	Problems []Problem `json:"problems,omitempty"`
}
