package loader

import (
	"context"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
)

// registryChunk copies versions of registry entries into their table. Prices and assumptions re-roll nothing, since
// they are applied when rollups are read; a calendar may have another time zone, which cuts every day anew.
func (l *loader) registryChunk(ctx context.Context, chunk bus.Chunk) error {
	var records []registry.Record
	var erasures []registry.Erasure
	var rejects []warehouse.Reject
	changed := map[string]bool{}
	for i := range chunk.Messages {
		m := &chunk.Messages[i]
		if len(m.Value) == 0 {
			continue // an empty message makes the topic forget a key: its entry lives on under another one
		}
		if e, ok, err := registry.ErasureFromMessage(m.Key, m.Value); ok && err == nil {
			erasures = append(erasures, e)
			continue
		}
		r, err := registry.FromMessage(m.Key, m.Value)
		if err != nil {
			p := event.Problem{Code: event.CodeUndecodable, Message: err.Error()}
			rejects = append(rejects, rejectOf("registry", m, event.Stored{}, p))
			continue
		}
		records = append(records, r)
		if r.Kind == registry.Calendar {
			changed[r.Workspace] = true
		}
	}
	if err := l.db.InsertErasures(ctx, erasures); err != nil {
		return err
	}
	// Entries of an erased person may still be on the topic, or come again: they are stored under the pseudonym.
	if err := l.erased.now(ctx); err != nil {
		return err
	}
	records, old, err := l.erased.renamed(records)
	if err != nil {
		return err
	}
	if err := l.db.InsertRegistry(ctx, records); err != nil {
		return err
	}
	byWorkspace := map[string][]registry.Record{}
	for _, r := range old {
		byWorkspace[r.Workspace] = append(byWorkspace[r.Workspace], r)
	}
	for workspace, old := range byWorkspace {
		if err := l.publishRenamed(ctx, workspace, old); err != nil {
			return err
		}
	}
	var marks []mark
	for workspace := range changed {
		marks = append(marks, mark{Workspace: workspace, All: true, Partition: chunk.Partition, Offset: chunk.Last})
	}
	if err := l.writeMarks(ctx, marks); err != nil {
		return err
	}
	return l.writeRejects(ctx, rejects)
}
