package event

// SchemaVersion is the version of the contract that a reject was judged by.
const SchemaVersion = "v1"

// CodeMeaning is one reason why an event is not taken, for those who read about it.
type CodeMeaning struct {
	Code Code `json:"code"`
	// Meaning is a sentence that says what is wrong, for any event.
	Meaning string `json:"meaning"`
	// Retry says that the same event may be taken later, without a change.
	Retry bool `json:"retry"`
}

// TooLargeForLog is why an event is refused that is within the limits, and with its attributes too large for a message.
func TooLargeForLog() Problem {
	return Problem{Code: CodeTooLarge, Message: "the event with its attributes is larger than the log takes: shorten it"}
}

// Codes are all reasons, in the order in which an event meets them on its way: the bytes, the envelope, the data, the
// sender, the log, what is stored. This is the one place where they are listed.
func Codes() []CodeMeaning {
	return []CodeMeaning{
		{CodeNotJSON, "The bytes are no JSON, or not valid UTF-8.", false},
		{CodeTooLarge, "The event is larger than 256 KiB, or a call of a Segment SDK larger than 32 KiB.", false},
		{CodeBadSpecVersion, "The CloudEvents specversion is not 1.0.", false},
		{CodeMissingField, "A required attribute or field is absent or empty.", false},
		{CodeMissingTime, "The event does not say when it happened.", false},
		{CodeFuture, "The time lies more than 24 hours ahead of our clock.", true},
		{CodeTooOld, "The time lies before the year 2000, or before the days that are kept.", false},
		{CodeUnknownType, "The CloudEvents type is none of ours.", false},
		{CodeUnknownEvent, "A tool has sent something of which no mapping says what it counts as.", false},
		{CodeUnknownStage, "A deal is in a stage that stands in no stage map of its connection.", false},
		{CodeNoValues, "A tool says that something has changed and not to what: it has to be imported as it is now.", false},
		{CodeUnknownField, "The data has a field that its kind does not have: most often a typing error.", false},
		{CodeDuplicateField, "One object names a field twice.", false},
		{CodeWrongType, "A value has another JSON type than its field.", false},
		{CodeBadValue, "A value is not one of those allowed, or not in the form asked for.", false},
		{CodeOutOfRange, "A number or a time is outside its bounds.", false},
		{CodeBadText, "A text has control characters, or a space at its end.", false},
		{CodeTooLong, "A text or a list is longer than its bound.", false},
		{CodeInconsistent, "Two fields contradict each other.", false},
		{CodeUnsupportedType, "The message is no CloudEvent: neither of the two modes of the CloudEvents Kafka binding.", false},
		{CodeUnknownWorkspace, "The message names no workspace, or one that foreign producers may not write.", false},
		{CodeForbiddenSource, "The key may not write events of this source.", false},
		{CodeForbiddenKind, "The key may not write events of this kind.", false},
		{CodeWaveClosed, "The wave of the survey is closed: it takes no answers and no changes any more.", false},
		{CodeBadTarget, "The event to void or to correct is itself a void or a correction, or of another kind.", false},
		{CodeBrokerAway, "The log has not confirmed the event.", true},
		{CodeOverloaded, "Too much was in flight.", true},
		{CodeUndecodable, "A message on our topic is no event that a collector has written.", false},
		{CodeWrongPartition, "A message is in a partition where its event does not belong: it came past the collector.", false},
		{CodeIDConflict, "Another event with this source and id was taken before, and stays.", false},
	}
}

// Meaning is the sentence of a code, "" for one that this version does not know.
func (c Code) Meaning() string {
	for _, m := range Codes() {
		if m.Code == c {
			return m.Meaning
		}
	}
	return ""
}
