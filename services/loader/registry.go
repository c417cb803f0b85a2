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
	var rejects []warehouse.Reject
	changed := map[string]bool{}
	for i := range chunk.Messages {
		m := &chunk.Messages[i]
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
	if err := l.db.InsertRegistry(ctx, records); err != nil {
		return err
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
