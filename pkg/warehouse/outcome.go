package warehouse

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"plumbline/pkg/event"
)

// Ref names an event whose outcome is asked for.
type Ref struct {
	Source, ID string
	// Receipt is the place in the log that the collector has answered with; nil where it is not known. With it the
	// outcome is that of this very submission, without it that of the event.
	Receipt *event.Receipt
}

// OutcomeState is what became of a submitted event.
type OutcomeState string

// The outcomes.
const (
	OutcomeQueued    OutcomeState = "queued"    // in the log, not processed yet
	OutcomeLoaded    OutcomeState = "loaded"    // stored
	OutcomeDuplicate OutcomeState = "duplicate" // the same event was stored from an earlier submission
	OutcomeRejected  OutcomeState = "rejected"  // refused, with a code
	OutcomeUnknown   OutcomeState = "unknown"   // neither stored nor refused, and no receipt to wait for
)

// Outcome is the answer to one [Ref].
type Outcome struct {
	State OutcomeState
	// Code, Pointer and Message say why it was refused.
	Code    event.Code
	Pointer string
	Message string
	// Rejects are all that was ever refused under this name, the latest first.
	Rejects []Refusal
}

// Refusal is one time that an event was refused.
type Refusal struct {
	RejectID string
	At       time.Time
	// Stage is who refused it.
	Stage   string
	Code    event.Code
	Pointer string
	Message string
	// Receipt is the place on the topic of events, where the loader refused it; else nil.
	Receipt *event.Receipt
}

// outcome is what a refusal is as the last word on an event.
func (r Refusal) outcome() Outcome {
	return Outcome{State: OutcomeRejected, Code: r.Code, Pointer: r.Pointer, Message: r.Message}
}

// NextOffsets are the first offsets of each partition of the events that the loader has not processed. Ask it before
// [DB.Outcome]: what then is neither stored nor refused stands in the log from these offsets on, or nowhere.
func (db *DB) NextOffsets(ctx context.Context) (map[int]int64, error) {
	next, err := db.nextOffsets(ctx)
	if err != nil {
		return nil, fmt.Errorf("next offsets: %w", err)
	}
	return next, nil
}

// Outcome says what became of events, in the order of refs.
//
// How far the loader is, is read first: it records progress only after everything that it has refused and stored is
// in these tables. An offset below that progress which is neither stored nor refused can only be a duplicate.
func (db *DB) Outcome(ctx context.Context, workspace string, refs []Ref) ([]Outcome, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	next, err := db.nextOffsets(ctx)
	if err != nil {
		return nil, fmt.Errorf("outcome: %w", err)
	}
	refused, err := db.refused(ctx, workspace, refs)
	if err != nil {
		return nil, fmt.Errorf("outcome: %w", err)
	}
	ids := make([]event.Identity, len(refs))
	for i, r := range refs {
		ids[i] = event.IdentityOf(workspace, r.Source, r.ID)
	}
	known, err := db.LookupIdentities(ctx, AnyPartition, ids)
	if err != nil {
		return nil, fmt.Errorf("outcome: %w", err)
	}
	out := make([]Outcome, len(refs))
	for i, r := range refs {
		stored, isStored := known[ids[i]]
		rejects := refused[[2]string{r.Source, r.ID}]
		out[i] = judge(r, stored, isStored, rejects, next)
		out[i].Rejects = rejects
	}
	return out, nil
}

func judge(r Ref, stored Known, isStored bool, rejects []Refusal, next map[int]int64) Outcome {
	if r.Receipt == nil {
		switch {
		case isStored:
			return Outcome{State: OutcomeLoaded}
		case len(rejects) > 0:
			return rejects[0].outcome()
		}
		return Outcome{State: OutcomeUnknown}
	}
	if isStored && stored.Partition == r.Receipt.Partition && stored.Offset == r.Receipt.Offset {
		return Outcome{State: OutcomeLoaded}
	}
	for _, refusal := range rejects {
		if refusal.Receipt != nil && *refusal.Receipt == *r.Receipt {
			return refusal.outcome()
		}
	}
	if isStored && next[r.Receipt.Partition] > r.Receipt.Offset {
		return Outcome{State: OutcomeDuplicate}
	}
	return Outcome{State: OutcomeQueued}
}

// nextOffsets are the first offsets of each partition of the events that are not processed.
func (db *DB) nextOffsets(ctx context.Context) (map[int]int64, error) {
	out, all, err := db.nextOffsetsSince(ctx, time.Now().Add(-recently))
	if err == nil && !all {
		out, _, err = db.nextOffsetsSince(ctx, time.Unix(0, 0))
	}
	return out, err
}

// nextOffsetsSince reads the progress since a time; all tells whether every partition has some.
func (db *DB) nextOffsetsSince(ctx context.Context, since time.Time) (next map[int]int64, all bool, err error) {
	var rows []struct {
		Partition  uint16 `ch:"partition"`
		Partitions uint16 `ch:"of"`
		Next       uint64 `ch:"next"`
	}
	const sql = `SELECT kafka_partition AS partition, max(partitions) AS of, max(next_offset) AS next
FROM progress WHERE stream = 'events' AND recorded_at >= {since:DateTime64(3, 'UTC')} GROUP BY kafka_partition`
	if err := db.Query(ctx, sql, map[string]any{"since": since.UTC().Truncate(time.Millisecond)}, &rows); err != nil {
		return nil, false, err
	}
	out := make(map[int]int64, len(rows))
	for _, r := range rows {
		out[int(r.Partition)] = int64(r.Next)
		all = len(rows) >= int(r.Partitions)
	}
	return out, all, nil
}

// refused finds all rejects by name, the latest first.
func (db *DB) refused(ctx context.Context, workspace string, refs []Ref) (map[[2]string][]Refusal, error) {
	table, err := ext.NewTable("asked", ext.Column("source", "String"), ext.Column("id", "String"))
	if err != nil {
		return nil, err
	}
	for _, r := range refs {
		if err := table.Append(r.Source, r.ID); err != nil {
			return nil, err
		}
	}
	var rows []struct {
		Source    string    `ch:"source"`
		ID        string    `ch:"id"`
		RejectID  string    `ch:"reject_id"`
		At        time.Time `ch:"at"`
		Stage     string    `ch:"stage"`
		Partition uint16    `ch:"kafka_partition"`
		Offset    uint64    `ch:"kafka_offset"`
		Code      string    `ch:"code"`
		Pointer   string    `ch:"pointer"`
		Message   string    `ch:"message"`
	}
	// A reject that was written twice is one.
	const sql = `SELECT source, id, reject_id, at, stage, kafka_partition, kafka_offset, code, pointer, message
FROM rejects
WHERE workspace = {workspace:String} AND (source, id) IN (SELECT source, id FROM asked)
ORDER BY at DESC, reject_id
LIMIT 1 BY reject_id`
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(table))
	if err := db.Query(ctx, sql, map[string]any{"workspace": workspace}, &rows); err != nil {
		return nil, err
	}
	out := map[[2]string][]Refusal{}
	for _, r := range rows {
		refusal := Refusal{
			RejectID: r.RejectID, At: r.At.UTC(), Stage: r.Stage, Code: event.Code(r.Code), Pointer: r.Pointer, Message: r.Message,
		}
		if r.Stage == StageLoader {
			refusal.Receipt = &event.Receipt{Partition: int(r.Partition), Offset: int64(r.Offset)}
		}
		name := [2]string{r.Source, r.ID}
		out[name] = append(out[name], refusal)
	}
	return out, nil
}
