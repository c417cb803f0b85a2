package registry

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumbline/pkg/event"
)

// The states of a dispute.
const (
	DisputeOpen      = "open"
	DisputeAccepted  = "accepted"
	DisputeRejected  = "rejected"
	DisputeWithdrawn = "withdrawn"
)

// DisputeStates lists the states.
func DisputeStates() []string {
	return []string{DisputeOpen, DisputeAccepted, DisputeRejected, DisputeWithdrawn}
}

// Said is a step of a dispute with who has written it, and when.
type Said struct {
	Record
	Step *DisputeStep
}

// Dispute is what the steps of one dispute add up to.
type Dispute struct {
	// ID is the key of the step that has raised it.
	ID     string
	Raised Said
	// Comments are in the order in which they were written.
	Comments []Said
	// Supporters are others than the raiser who find so, too; sorted.
	Supporters []string
	// Outcome is the first step that ended it, and the only one that counts; nil while it is open.
	Outcome *Said
	// Version changes with every step but support: whoever decides has read what was said.
	Version string
	// Last is the latest step.
	Last Record
}

// Workflow is the key of the workflow whose baseline is disputed.
func (d *Dispute) Workflow() string { return d.Raised.Step.Workflow }

// State is open, or how it ended.
func (d *Dispute) State() string {
	if d.Outcome == nil {
		return DisputeOpen
	}
	switch d.Outcome.Step.Action {
	case DisputeAccept:
		return DisputeAccepted
	case DisputeReject:
		return DisputeRejected
	default:
		return DisputeWithdrawn
	}
}

// Disputes are all disputes, the latest first.
func (s *Snapshot) Disputes() []Dispute { return s.disputes }

// Dispute finds one by its id.
func (s *Snapshot) Dispute(id string) (Dispute, bool) {
	i := slices.IndexFunc(s.disputes, func(d Dispute) bool { return d.ID == id })
	if i < 0 {
		return Dispute{}, false
	}
	return s.disputes[i], true
}

// Step finds a step of any dispute by its key.
func (s *Snapshot) Step(key string) (Said, bool) {
	v, ok := s.Latest(Disputes, key)
	if !ok {
		return Said{}, false
	}
	step, ok := v.Entry.(*DisputeStep)
	return Said{v.Record, step}, ok
}

// disputesOf folds the steps among records, in any order and however often each is there. A step whose dispute was not raised, as far
// as is known, waits for it.
func disputesOf(records []Record) []Dispute {
	latest := map[string]Said{}
	for _, r := range records {
		if r.Kind != Disputes || r.Deleted {
			continue
		}
		entry, problems := Decode(r.Kind, r.Key, r.Value)
		step, ok := entry.(*DisputeStep)
		if len(problems) > 0 || !ok {
			continue // the snapshot reports it
		}
		if before, known := latest[r.Key]; !known || cmp.Or(r.RecordedAt.Compare(before.RecordedAt), strings.Compare(r.EntryID, before.EntryID)) > 0 {
			latest[r.Key] = Said{r, step}
		}
	}
	steps := make([]Said, 0, len(latest))
	for _, s := range latest {
		steps = append(steps, s)
	}
	slices.SortFunc(steps, func(a, b Said) int { return cmp.Or(a.RecordedAt.Compare(b.RecordedAt), strings.Compare(a.Key, b.Key)) })
	places, out := map[string]int{}, []Dispute{}
	for _, s := range steps {
		if s.Step.Action == DisputeRaise {
			places[s.Key] = len(out)
			out = append(out, Dispute{ID: s.Key, Raised: s, Version: s.EntryID, Last: s.Record})
		}
	}
	for _, s := range steps {
		if i, ok := places[s.Step.Dispute]; ok && s.Step.Action != DisputeRaise {
			out[i].add(s)
		}
	}
	slices.Reverse(out)
	return out
}

// add takes the next step. After the outcome only words are taken: they were written before their author could know of it.
func (d *Dispute) add(s Said) {
	d.Last = s.Record
	switch s.Step.Action {
	case DisputeComment:
		d.Comments, d.Version = append(d.Comments, s), s.EntryID
	case DisputeSupport, DisputeUnsupport:
		i, there := slices.BinarySearch(d.Supporters, s.Author)
		switch supports := s.Step.Action == DisputeSupport; {
		case d.Outcome != nil || s.Author == d.Raised.Author || supports == there:
		case supports:
			d.Supporters = slices.Insert(d.Supporters, i, s.Author)
		default:
			d.Supporters = slices.Delete(d.Supporters, i, i+1)
		}
	default:
		if d.Outcome == nil {
			d.Outcome, d.Version = &s, s.EntryID
		}
	}
}

// acceptedVersions are the versions of workflows that accepted disputes have written.
func acceptedVersions(disputes []Dispute) []Record {
	var out []Record
	for _, d := range disputes {
		if d.State() != DisputeAccepted {
			continue
		}
		for i, v := range d.Outcome.Step.Versions {
			// Of the key of the step, not of its record: it stays what it is when a person is erased.
			id := sha256.Sum256(fmt.Appendf(nil, "accepted %s %d", d.Outcome.Key, i))
			out = append(out, Record{
				Workspace: d.Outcome.Workspace, Kind: Workflows, Key: d.Workflow(), ValidFrom: v.ValidFrom.Time, RecordedAt: d.Outcome.RecordedAt,
				EntryID: hex.EncodeToString(id[:16]), Value: v.Value, Author: d.Outcome.Author,
			})
		}
	}
	return out
}

// Rebased are the versions of a workflow with another declared baseline from an instant on: the one that holds then, and every later
// one that says of the baseline what that one does. A later version with a baseline of its own keeps it. There are none where the
// registry does not know the workflow at that instant.
func (s *Snapshot) Rebased(workflow string, from time.Time, b DeclaredBaseline) ([]WorkflowVersion, error) {
	held, _, ok := Find[Workflow](s, Workflows, workflow, from)
	if !ok {
		return nil, nil
	}
	var out []WorkflowVersion
	write := func(at time.Time, w Workflow) error {
		w.Baseline = &b
		value, err := Encode(&w)
		if err == nil {
			out = append(out, WorkflowVersion{ValidFrom: event.Time{Time: at.UTC()}, Value: value})
		}
		return err
	}
	if err := write(from, *held); err != nil {
		return nil, err
	}
	for _, v := range s.versions[Workflows][workflow] {
		w, ok := v.Entry.(*Workflow)
		if !ok || !v.ValidFrom.After(from) || !sameBaseline(w.Baseline, held.Baseline) {
			continue
		}
		if err := write(v.ValidFrom, *w); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func sameBaseline(a, b *DeclaredBaseline) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a.Low == *b.Low && *a.Mode == *b.Mode && *a.High == *b.High
}
