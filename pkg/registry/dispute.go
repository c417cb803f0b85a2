package registry

import (
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
)

// Disputes is the kind of what is said about the baselines of workflows. Each entry is one step, which is written once and never
// changed; the steps that name one dispute are its discussion and its outcome ([Dispute]). It is no kind of the general endpoints of
// the registry: its entries have an order, and who may write which follows from those before.
const Disputes Kind = "disputes"

// What a step of a dispute does.
const (
	DisputeRaise     = "raise"
	DisputeComment   = "comment"
	DisputeSupport   = "support"
	DisputeUnsupport = "unsupport"
	DisputeAccept    = "accept"
	DisputeReject    = "reject"
	DisputeWithdraw  = "withdraw"
)

// Which way a disputed baseline is wrong, where nobody says what it is.
const (
	TooHigh = "too_high"
	TooLow  = "too_low"
)

// As what a dispute was resolved.
const (
	ByOwner         = "owner"
	ByAdministrator = "administrator"
)

// DisputeStep is one step of a dispute; the author and the time are those of the record.
type DisputeStep struct {
	// Dispute is the key of the step that has raised it, which names itself.
	Dispute string `json:"dispute" validate:"required,key"`
	Action  string `json:"action" validate:"required,oneof=raise comment support unsupport accept reject withdraw"`
	// Text says why: required where it is raised, commented or rejected, but for one whose author was erased.
	Text string `json:"text,omitzero" validate:"omitempty,note,max=2000"`
	// Erased says that text and URL went with their author.
	Erased bool `json:"erased,omitzero"`
	// What follows up to URL is of a step that raises: the baseline that priced then, and what is proposed in its place, or only which
	// way it is wrong; and from which day on.
	Workflow  string            `json:"workflow,omitzero" validate:"omitempty,key"`
	Disputed  *DisputedBaseline `json:"disputed,omitzero"`
	Direction string            `json:"direction,omitzero" validate:"omitempty,oneof=too_high too_low"`
	Proposed  *Range            `json:"proposed,omitzero"`
	From      *event.Day        `json:"from,omitzero"`
	URL       string            `json:"url,omitzero" validate:"omitempty,http_url,max=2048"`
	// By is as what it was accepted or rejected: owner or administrator.
	By string `json:"by,omitzero" validate:"omitempty,oneof=owner administrator"`
	// Accepted is the baseline that holds from the day From on, Versions what that makes of the entry of the workflow. They are part of
	// the step, and become the workflow's where the registry is read: so a dispute is never accepted without its baseline, or the
	// other way round.
	Accepted *Range            `json:"accepted,omitzero"`
	Versions []WorkflowVersion `json:"versions,omitzero" validate:"omitempty,max=200,dive"`
}

// DisputedBaseline is a baseline as it was when it was disputed. Its numbers are exact decimals, empty where fewer than five people
// stand behind them.
type DisputedBaseline struct {
	Source  string `json:"source" validate:"required,oneof=trial measured declared"`
	Value   string `json:"value,omitzero" validate:"omitempty,text,max=64"`
	Low     string `json:"low,omitzero" validate:"omitempty,text,max=64"`
	High    string `json:"high,omitzero" validate:"omitempty,text,max=64"`
	Unit    string `json:"unit" validate:"required,text,max=64"`
	Version string `json:"version,omitzero" validate:"omitempty,text,max=256"`
}

// WorkflowVersion is a version of the entry of a workflow.
type WorkflowVersion struct {
	ValidFrom event.Time     `json:"valid_from"`
	Value     jsontext.Value `json:"value" validate:"-"`
}

// check reports what a step lacks, or has that is another's.
func (d *DisputeStep) check(key string) []event.Problem {
	var out []event.Problem
	fail := func(code event.Code, pointer, message string) {
		out = append(out, event.Problem{Code: code, Pointer: pointer, Message: message})
	}
	raises, accepts := d.Action == DisputeRaise, d.Action == DisputeAccept
	if raises != (key == d.Dispute) {
		fail(event.CodeInconsistent, "/dispute", "a step that raises a dispute has its key, and no other step has")
	}
	if d.Text == "" && !d.Erased && (raises || d.Action == DisputeComment || d.Action == DisputeReject) {
		fail(event.CodeMissingField, "/text", "say why")
	}
	if raises {
		out = append(out, d.checkRaise()...)
	}
	if !raises && (d.Workflow != "" || d.Disputed != nil || d.Direction != "" || d.Proposed != nil || d.URL != "") {
		fail(event.CodeInconsistent, "/action", "only a step that raises a dispute says what is disputed")
	}
	if (accepts || d.Action == DisputeReject) != (d.By != "") {
		fail(event.CodeInconsistent, "/by", "a step that accepts or rejects says as what")
	}
	switch {
	case !accepts && (d.Accepted != nil || len(d.Versions) > 0):
		fail(event.CodeInconsistent, "/versions", "only a step that accepts has a baseline that holds")
	case accepts && (d.Accepted == nil || d.From == nil || len(d.Versions) == 0):
		fail(event.CodeMissingField, "/versions", "a step that accepts says which baseline holds, and from when")
	case accepts:
		out = append(out, d.checkVersions()...)
	}
	return out
}

func (d *DisputeStep) checkRaise() []event.Problem {
	var out []event.Problem
	for pointer, given := range map[string]bool{"/workflow": d.Workflow != "", "/disputed": d.Disputed != nil, "/from": d.From != nil} {
		if !given {
			out = append(out, event.Problem{Code: event.CodeMissingField, Pointer: pointer, Message: "give this field"})
		}
	}
	switch {
	case (d.Direction == "") == (d.Proposed == nil):
		out = append(out, event.Problem{
			Code: event.CodeInconsistent, Pointer: "/proposed", Message: "say what it should be, or only that it is too_high or too_low: one of the two",
		})
	case d.Proposed != nil:
		out = append(out, d.Proposed.checkMinutes("/proposed")...)
	}
	return out
}

// checkVersions holds what an accepted dispute writes to the rules of workflows.
func (d *DisputeStep) checkVersions() []event.Problem {
	out := d.Accepted.checkMinutes("/accepted")
	for _, v := range d.Versions {
		if _, problems := Decode(Workflows, d.Dispute, v.Value); len(problems) > 0 {
			out = append(out, event.Problem{Code: problems[0].Code, Pointer: "/versions" + problems[0].Pointer, Message: problems[0].Message})
		}
	}
	return out
}
