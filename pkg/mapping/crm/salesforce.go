package crm

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
)

// object is a JSON object.
type object map[string]jsontext.Value

// changeHeader is the ChangeEventHeader of a change event.
type changeHeader struct {
	EntityName      string   `json:"entityName"`
	RecordIDs       []string `json:"recordIds"`
	ChangeType      string   `json:"changeType"`
	TransactionKey  string   `json:"transactionKey"`
	SequenceNumber  *uint64  `json:"sequenceNumber"`
	CommitTimestamp *int64   `json:"commitTimestamp"`
	CommitNumber    *uint64  `json:"commitNumber"`
	ChangedFields   []string `json:"changedFields"`
	NulledFields    []string `json:"nulledFields"`
}

const (
	headerName = "ChangeEventHeader"
	dealEntity = "Opportunity"
	// mostRecords is of how many records one change event is taken.
	mostRecords = 1000
)

// recordForm is an id of a record, with 15 characters or with the three more that tell upper from lower case.
var recordForm = regexp.MustCompile(`^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$`)

// everyRecord is the id of an overflow, which is about no record in particular.
const everyRecord = "000000000000000AAA"

// changeEvent is a change event, taken out of what it came in.
type changeEvent struct {
	changeHeader
	payload object
	// at is the pointer to the payload.
	at string
}

func (t *Translator) salesforce(source string, call *mapping.Call) mapping.Result {
	e, problem := readChangeEvent(call.Raw())
	if problem != nil {
		return refused("", "", *problem)
	}
	name := e.EntityName + "." + e.ChangeType
	if t.ignored(name, e.EntityName) {
		return mapping.Result{Name: name, Ignored: true}
	}
	if e.EntityName != dealEntity {
		return t.unread(name, e.header("entityName"), "deals are opportunities, and this is about another object")
	}
	if problem := e.incomplete(); problem != nil {
		return refused(name, "", *problem)
	}
	out := mapping.Result{Name: name}
	for _, id := range e.RecordIDs {
		one := t.record(source, e, id, name)
		out.Made, out.Skipped = append(out.Made, one.Made...), append(out.Skipped, one.Skipped...)
		out.Ignored = out.Ignored || one.Ignored
	}
	if len(out.Made) > 0 {
		out.Skipped = nil
	}
	return out
}

// readChangeEvent finds the payload in what a relay posts: the message of a subscription with "data", that with "payload", or itself.
func readChangeEvent(raw jsontext.Value) (*changeEvent, *event.Problem) {
	e := &changeEvent{}
	if err := json.Unmarshal(raw, &e.payload); err != nil {
		return nil, &event.Problem{Code: event.CodeNotJSON, Message: "this is no JSON object"}
	}
	for _, wrap := range []string{"data", "payload"} {
		var inner object
		if v, ok := e.payload[wrap]; ok && e.payload[headerName] == nil && json.Unmarshal(v, &inner) == nil {
			e.payload, e.at = inner, e.at+"/"+wrap
		}
	}
	head, ok := e.payload[headerName]
	if !ok || head.Kind() != '{' {
		return nil, &event.Problem{Code: event.CodeMissingField, Pointer: e.at + "/" + headerName, Message: "a change event has a ChangeEventHeader: relay it as JSON, as it is"}
	}
	if err := json.Unmarshal(head, &e.changeHeader); err != nil {
		p := event.Problem{Code: event.CodeWrongType, Pointer: e.at + "/" + headerName, Message: "the header is not as Salesforce documents it"}
		if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
			p.Pointer += string(semantic.JSONPointer)
		}
		return nil, &p
	}
	return e, nil
}

func (e *changeEvent) header(member string) string { return e.at + "/" + headerName + "/" + member }

// incomplete is what the header lacks.
func (e *changeEvent) incomplete() *event.Problem {
	missing := func(code event.Code, member, message string) *event.Problem {
		return &event.Problem{Code: code, Pointer: e.header(member), Message: message}
	}
	switch {
	case len(e.RecordIDs) == 0:
		return missing(event.CodeMissingField, "recordIds", "the header names no record")
	case len(e.RecordIDs) > mostRecords:
		return missing(event.CodeTooLong, "recordIds", fmt.Sprintf("one change event is taken of at most %d records", mostRecords))
	case e.CommitTimestamp == nil:
		return missing(event.CodeMissingTime, "commitTimestamp", "the header does not say when the change was committed")
	case e.TransactionKey == "" && e.CommitNumber == nil:
		return missing(event.CodeMissingField, "transactionKey", "the header names neither its transaction nor its commit: the change would count again when it is sent again")
	case e.SequenceNumber == nil:
		return missing(event.CodeMissingField, "sequenceNumber", "the header does not say which change of its transaction it is")
	}
	// The Pub/Sub API packs names of fields into bits, which only its schema can unpack. Which fields were emptied must be known.
	for i, f := range e.NulledFields {
		if strings.Contains(f, "0x") {
			return missing(event.CodeBadValue, "nulledFields/"+strconv.Itoa(i), "the names of the fields are still packed as bits: have the relay unpack them")
		}
	}
	return nil
}

// id names the change of one record: a change is one of a transaction, in its place there.
func (e *changeEvent) id(record string) string {
	transaction := e.TransactionKey
	if transaction == "" {
		transaction = strconv.FormatUint(*e.CommitNumber, 10)
	}
	return transaction + ":" + strconv.FormatUint(*e.SequenceNumber, 10) + ":" + record
}

// record is what a change event says of one record.
func (t *Translator) record(source string, e *changeEvent, record, name string) mapping.Result {
	id, part := e.id(record), e.only(record)
	out := t.recordMade(source, e, record, id, name)
	for i := range out.Made {
		out.Made[i].Call = part
	}
	return out
}

func (t *Translator) recordMade(source string, e *changeEvent, record, id, name string) mapping.Result {
	at, problem := millis(strconv.FormatInt(*e.CommitTimestamp, 10), e.header("commitTimestamp"))
	if problem != nil {
		return refused(name, id, *problem)
	}
	c := change{at: at, Pipeline: event.Pipeline{Deal: t.settings.Prefix + record, Sequence: e.SequenceNumber}}
	kind, gap := strings.CutPrefix(e.ChangeType, "GAP_")
	if record == everyRecord || strings.HasSuffix(record, "*") || gap && kind != "DELETE" {
		return refused(name, id, event.Problem{
			Code: event.CodeNoValues, Pointer: e.header("changeType"),
			Message: "Salesforce says that " + described(record) + " has changed, and not to what (" + e.ChangeType + "): import what changed since then",
		})
	}
	if !recordForm.MatchString(record) {
		return refused(name, id, event.Problem{Code: event.CodeBadValue, Pointer: e.header("recordIds"), Message: short(record) + " is no id of a record"})
	}
	switch kind {
	case "CREATE":
		c.CreatedAt = &event.Time{Time: at}
	case "UPDATE":
	case "DELETE", "UNDELETE":
		c.Withdrawn = new(kind == "DELETE")
	default:
		return t.unread(name, e.header("changeType"), "this kind of change is not known")
	}
	origins := map[string]string{"/time": e.header("commitTimestamp"), "/data/deal": e.header("recordIds"), "/id": e.header("transactionKey")}
	if kind != "DELETE" {
		if problems := t.values(e, &c, kind == "UPDATE", origins); len(problems) > 0 {
			return refused(name, id, problems...)
		}
	}
	out := mapping.Result{Name: name}
	if !c.says() {
		out.Skipped = []string{"none of the fields that have changed is one of the connection"}
		return out
	}
	ids, events := c.events(id)
	for i, p := range events {
		out.Made = append(out.Made, made(source, ids[i], c.at, p, origins))
	}
	return out
}

func described(record string) string {
	if record == everyRecord || strings.HasSuffix(record, "*") {
		return "more than it can name"
	}
	return "the record " + record
}

// values reads the fields of the payload. An empty one was emptied where the header says so, and else it is one that has not changed, or
// that the record never had.
func (t *Translator) values(e *changeEvent, c *change, update bool, origins map[string]string) []event.Problem {
	var problems []event.Problem
	for _, p := range t.fields {
		v, there := e.payload[p.name]
		nulled := update && (slices.Contains(e.NulledFields, p.name) || there && v.Kind() == 'n' && slices.Contains(e.ChangedFields, p.name))
		if p.name == "" || !nulled && (!there || v.Kind() == 'n') {
			continue
		}
		if nulled {
			v = jsontext.Value("null")
		}
		pointer := e.at + string(jsontext.Pointer("").AppendToken(p.name))
		origins["/data/"+p.field] = pointer
		if problem := t.set(c, p.field, v); problem != nil {
			problem.Pointer = pointer
			problems = append(problems, *problem)
		}
	}
	return problems
}

// only is the change event of one of its records: what is kept where that is refused; nil where it is about that one anyway.
func (e *changeEvent) only(record string) jsontext.Value {
	if len(e.RecordIDs) < 2 {
		return nil
	}
	var head object
	if json.Unmarshal(e.payload[headerName], &head) != nil {
		return nil
	}
	one, payload := []string{record}, maps.Clone(e.payload)
	var err error
	if head["recordIds"], err = json.Marshal(one); err != nil {
		return nil
	}
	if payload[headerName], err = json.Marshal(head, json.Deterministic(true)); err != nil {
		return nil
	}
	raw, err := json.Marshal(payload, json.Deterministic(true))
	if err != nil {
		return nil
	}
	return raw
}
