// Package audit says what an entry of the audit log is: who has read evidence, or changed something, what of, when, and how
// it ended. AUDIT.md tells what is recorded, who may read it, and how long it is kept.
//
// An entry never holds what was read, a secret or the name of a person: persons are the pseudonyms that they have
// everywhere. The package is pure: who writes entries to the log, and who stores them, is elsewhere.
package audit

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
)

// The actions. Each is done somewhere: a test walks them all.
const (
	// EvidenceRead is a page of the rows behind a number, EvidenceExport all of them as a file.
	EvidenceRead   = "evidence.read"
	EvidenceExport = "evidence.export"
	// WorkspaceExport is a table of the scorecard as a file, InstallationBackup a copy of everything.
	WorkspaceExport    = "workspace.export"
	InstallationBackup = "installation.backup"
	// RejectRead is one reject with its bytes, RejectDryRun what a replay of some would do.
	RejectRead   = "reject.read"
	RejectDryRun = "reject.dry_run"
	// RejectReplay sends rejects again as they are, RejectFix does so after changing them.
	RejectReplay = "reject.replay"
	RejectFix    = "reject.fix"
	// RegistryWrite is a version of an entry of the registry.
	RegistryWrite = "registry.write"
	// WebhookSecretRead shows the signing secret of a webhook, AlertTest sends a test message to the webhook of an alert.
	WebhookSecretRead = "webhook.secret_read"
	AlertTest         = "alert.test"
	KeyCreate         = "key.create"
	KeyRotate         = "key.rotate"
	KeyRevoke         = "key.revoke"
	// WaveWrite opens a wave of the survey, closes it, or says when it closes.
	WaveWrite = "wave.write"
	// PersonErase asks for the erasure of a person, PersonErased says that a loader has carried it out.
	PersonErase  = "person.erase"
	PersonErased = "person.erased"
	// SessionRevoke ends a session because its browser was signed in anew.
	SessionSignIn  = "session.sign_in"
	SessionSignOut = "session.sign_out"
	SessionRevoke  = "session.revoke"
	// OutcomeLog, OutcomeCorrect and OutcomeWithdraw are what a person does with an outcome of their own in the app.
	OutcomeLog      = "outcome.log"
	OutcomeCorrect  = "outcome.correct"
	OutcomeWithdraw = "outcome.withdraw"
	// BarrierSay is a report or the support of a barrier in the app, and BarrierWithdraw takes what one has said back; BarrierTake makes
	// oneself its owner, and BarrierResolve says that it is cleared.
	BarrierSay      = "barrier.say"
	BarrierTake     = "barrier.take"
	BarrierResolve  = "barrier.resolve"
	BarrierWithdraw = "barrier.withdraw"
	// DisputeRaise disputes the baseline of a workflow, DisputeComment and DisputeSupport add to that, DisputeResolve accepts or rejects it, and
	// DisputeWithdraw takes it back.
	DisputeRaise    = "dispute.raise"
	DisputeComment  = "dispute.comment"
	DisputeSupport  = "dispute.support"
	DisputeResolve  = "dispute.resolve"
	DisputeWithdraw = "dispute.withdraw"
	// AnnotationWrite puts a remark on a day, AnnotationWithdraw takes one away.
	AnnotationWrite    = "annotation.write"
	AnnotationWithdraw = "annotation.withdraw"
	// AuditRead is a page of this log, AuditExport all that was asked for as a file.
	AuditRead   = "audit.read"
	AuditExport = "audit.export"
)

// Actions lists the actions, always in the same order.
func Actions() []string {
	return []string{
		EvidenceRead, EvidenceExport, WorkspaceExport, InstallationBackup, RejectRead, RejectDryRun, RejectReplay, RejectFix, RegistryWrite,
		WebhookSecretRead, AlertTest, KeyCreate, KeyRotate, KeyRevoke, WaveWrite, PersonErase, PersonErased, OutcomeLog, OutcomeCorrect, OutcomeWithdraw,
		BarrierSay, BarrierTake, BarrierResolve, BarrierWithdraw, DisputeRaise, DisputeComment, DisputeSupport, DisputeResolve, DisputeWithdraw,
		AnnotationWrite, AnnotationWithdraw,
		SessionSignIn, SessionSignOut, SessionRevoke, AuditRead, AuditExport,
	}
}

// The outcomes.
const (
	// Begun is a change that was about to be made, and of which nothing was heard since: it may hold or not.
	Begun = "begun"
	// OK is what was done, or was about to be answered.
	OK = "ok"
	// Refused is what was not done because of who asked, or what for.
	Refused = "refused"
	// Failed is what was not done because something was away.
	Failed = "failed"
)

// Outcomes lists the outcomes.
func Outcomes() []string { return []string{Begun, OK, Refused, Failed} }

// The kinds of actors.
const (
	// ByPerson is a person; the actor is their pseudonym.
	ByPerson = "person"
	// ByKey is an API key; the actor is how its text begins.
	ByKey = "key"
	// ByToken is the admin token, ByLink a browser with a sign-in link, ByPersona and ByVisitor are those who look at the demo.
	ByToken   = "token"
	ByLink    = "link"
	ByPersona = "persona"
	ByVisitor = "visitor"
	// ByNobody is who was not let in, BySystem is Plumbline itself.
	ByNobody = "nobody"
	BySystem = "system"
)

// ActorKinds lists the kinds of actors.
func ActorKinds() []string {
	return []string{ByPerson, ByKey, ByToken, ByLink, ByPersona, ByVisitor, ByNobody, BySystem}
}

// The actors who are no person and no key, and what stands in the place of a person who was erased: the same for all of them.
const (
	Token   = "admin token"
	Link    = "sign-in link"
	Persona = "demo persona"
	Visitor = "demo visitor"
	Nobody  = "nobody"
	System  = "system"
	Erased  = "erased"
)

// Fixed lists the actors that are the same in every workspace.
func Fixed() []string { return []string{Token, Link, Persona, Visitor, Nobody, System, Erased} }

// Entry is one act. As JSON it is a message on the topic of the audit log, and its columns are those of the table: of two
// entries with one id the one that has ended holds.
type Entry struct {
	// ID is unique to the act: a UUID of version 7.
	ID        string `json:"id" ch:"entry_id"`
	Workspace string `json:"workspace" ch:"workspace"`
	// At is when the act began, UTC, to the millisecond.
	At time.Time `json:"at" ch:"at"`
	// Actor is a pseudonym, how a key begins, or a fixed text such as "admin token".
	Actor     string `json:"actor" ch:"actor"`
	ActorKind string `json:"actor_kind" ch:"actor_kind"`
	// Role is as what they acted; "" for none.
	Role    string `json:"role,omitzero" ch:"role"`
	Action  string `json:"action" ch:"action"`
	Outcome string `json:"outcome" ch:"outcome"`
	// TargetKind and Target say what was touched: "people" and a pseudonym, "key" and an id, "evidence" and nothing more.
	TargetKind string `json:"target_kind,omitzero" ch:"target_kind"`
	Target     string `json:"target,omitzero" ch:"target"`
	// Measure, Scope, From and To are what was asked for.
	Measure string `json:"measure,omitzero" ch:"measure"`
	Scope   string `json:"scope,omitzero" ch:"scope"`
	From    string `json:"from,omitzero" ch:"from_text"`
	To      string `json:"to,omitzero" ch:"to_text"`
	// RequestID is that of the request, which the log of the process has too.
	RequestID string `json:"request_id,omitzero" ch:"request_id"`
}

// New is an entry of an act that begins now, under an id of its own.
func New(workspace, action string, now time.Time) (Entry, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Entry{}, fmt.Errorf("make audit id: %w", err)
	}
	return Entry{ID: id.String(), Workspace: workspace, At: now.UTC().Truncate(time.Millisecond), Action: action}, nil
}

// Columns are the columns of the table that an entry fills.
func Columns() []string {
	return []string{
		"entry_id", "workspace", "at", "actor", "actor_kind", "role", "action", "outcome", "target_kind", "target", "measure", "scope",
		"from_text", "to_text", "request_id",
	}
}

// MaxText bounds each text of an entry, in bytes.
const MaxText = 512

// texts are the texts that an entry may have any of.
func (e *Entry) texts() []*string {
	return []*string{
		&e.ID, &e.Workspace, &e.Actor, &e.ActorKind, &e.Role, &e.Action, &e.Outcome, &e.TargetKind, &e.Target, &e.Measure, &e.Scope,
		&e.From, &e.To, &e.RequestID,
	}
}

// Validate reports everything that is wrong with the entry.
func (e Entry) Validate() error {
	var errs []error
	wrong := func(bad bool, what string) {
		if bad {
			errs = append(errs, errors.New(what))
		}
	}
	for _, text := range e.texts() {
		wrong(len(*text) > MaxText || !utf8.ValidString(*text), fmt.Sprintf("a text has more than %d bytes, or is no UTF-8", MaxText))
	}
	wrong(e.ID == "", "id: it is missing")
	wrong(e.Workspace == "", "workspace: it is missing")
	wrong(e.At.Year() < 2000 || e.At.Year() >= 2200 || !e.At.Equal(e.At.Truncate(time.Millisecond)), "at: it is missing, out of range, or finer than a millisecond")
	wrong(e.Actor == "", "actor: it is missing")
	wrong(!slices.Contains(ActorKinds(), e.ActorKind), "actor_kind: there is none of this name")
	wrong(!slices.Contains(Actions(), e.Action), "action: there is none of this name")
	wrong(!slices.Contains(Outcomes(), e.Outcome), "outcome: there is none of this name")
	return errors.Join(errs...)
}

// Clipped is the entry with texts that fit: what is longer is cut, at a character.
func (e Entry) Clipped() Entry {
	for _, text := range e.texts() {
		if len(*text) > MaxText {
			*text = strings.ToValidUTF8((*text)[:MaxText], "")
		}
	}
	return e
}

// Message encodes the entry for its topic. The key is the id, so that all that is said of an act is in one partition.
func (e Entry) Message() (key, value []byte, err error) {
	if err := e.Validate(); err != nil {
		return nil, nil, fmt.Errorf("encode audit entry: %w", err)
	}
	if value, err = json.Marshal(e); err != nil {
		return nil, nil, fmt.Errorf("encode audit entry: %w", err)
	}
	return []byte(e.ID), value, nil
}

// FromMessage reads a message of the topic. It knows every member, and believes nothing that no writer of ours writes.
func FromMessage(key, value []byte) (Entry, error) {
	var e Entry
	if err := json.Unmarshal(value, &e, json.RejectUnknownMembers(true)); err != nil {
		return Entry{}, fmt.Errorf("not an audit entry: %w", err)
	}
	e.At = e.At.UTC()
	if err := e.Validate(); err != nil {
		return Entry{}, fmt.Errorf("not an audit entry: %w", err)
	}
	if string(key) != e.ID {
		return Entry{}, errors.New("not an audit entry: its key is not its id")
	}
	return e, nil
}

// Without is the entry with [Erased] in the place of persons that match.
func (e Entry) Without(erased func(person string) bool) Entry {
	for _, person := range []*string{&e.Actor, &e.Target} {
		if *person != "" && erased(*person) {
			*person = Erased
		}
	}
	return e
}
