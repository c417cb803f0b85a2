package loader

import (
	"context"
	"fmt"
	"time"

	"plumbline/pkg/audit"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
)

// auditChunk copies entries of the audit log into their table. One that is read twice is one: it is known by its id. Persons
// who were erased are replaced before, however often the topic is read again.
func (l *loader) auditChunk(ctx context.Context, chunk bus.Chunk) error {
	var entries []audit.Entry
	var rejects []warehouse.Reject
	for i := range chunk.Messages {
		m := &chunk.Messages[i]
		e, err := audit.FromMessage(m.Key, m.Value)
		if err != nil {
			rejects = append(rejects, rejectOf("audit", m, event.Stored{}, event.Problem{Code: event.CodeUndecodable, Message: err.Error()}))
			continue
		}
		entries = append(entries, e)
	}
	if err := l.erased.refresh(ctx); err != nil {
		return err
	}
	l.erased.anonymise(entries)
	if err := l.db.InsertAudit(ctx, entries); err != nil {
		return err
	}
	return l.writeRejects(ctx, rejects)
}

// anonymise puts the marker in the place of erased persons.
func (x *erased) anonymise(entries []audit.Entry) {
	for i, e := range entries {
		p := x.of(e.Workspace)
		if len(p.pseudonyms) == 0 {
			continue
		}
		match := p.matcher(e.Workspace)
		entries[i] = e.Without(func(person string) bool {
			_, erased := match(person)
			return erased
		})
	}
}

// recordErased notes that a person was erased. It comes before the pass that says so: a crash between the two leaves an
// entry too many, never one too few.
func (l *loader) recordErased(ctx context.Context, e registry.Erasure) error {
	entry, err := audit.New(e.Workspace, audit.PersonErased, time.Now())
	if err != nil {
		return err
	}
	entry.Actor, entry.ActorKind, entry.Outcome, entry.TargetKind, entry.Target = audit.System, audit.BySystem, audit.OK, "erasure", e.ErasureID
	key, value, err := entry.Message()
	if err != nil {
		return err
	}
	if _, err := l.audit.Produce(ctx, []bus.Message{{Key: key, Value: value}}); err != nil {
		return fmt.Errorf("write to the audit log: %w", err)
	}
	return nil
}
