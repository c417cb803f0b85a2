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
		out[i] = judge(r, stored, isStored, refused, next)
	}
	return out, nil
}

func judge(r Ref, stored Known, isStored bool, refused refusals, next map[int]int64) Outcome {
	if r.Receipt == nil {
		if isStored {
			return Outcome{State: OutcomeLoaded}
		}
		if o, ok := refused.byName[[2]string{r.Source, r.ID}]; ok {
			return o
		}
		return Outcome{State: OutcomeUnknown}
	}
	if isStored && stored.Partition == r.Receipt.Partition && stored.Offset == r.Receipt.Offset {
		return Outcome{State: OutcomeLoaded}
	}
	if o, ok := refused.byReceipt[*r.Receipt]; ok {
		return o
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

// refusals are the latest rejects by name, and those of the loader by their place in the log.
type refusals struct {
	byName    map[[2]string]Outcome
	byReceipt map[event.Receipt]Outcome
}

func (db *DB) refused(ctx context.Context, workspace string, refs []Ref) (refusals, error) {
	table, err := ext.NewTable("asked", ext.Column("source", "String"), ext.Column("id", "String"))
	if err != nil {
		return refusals{}, err
	}
	for _, r := range refs {
		if err := table.Append(r.Source, r.ID); err != nil {
			return refusals{}, err
		}
	}
	var rows []struct {
		Source    string    `ch:"source"`
		ID        string    `ch:"id"`
		At        time.Time `ch:"at"`
		Stage     string    `ch:"stage"`
		Partition uint16    `ch:"kafka_partition"`
		Offset    uint64    `ch:"kafka_offset"`
		Code      string    `ch:"code"`
		Pointer   string    `ch:"pointer"`
		Message   string    `ch:"message"`
	}
	const sql = `SELECT source, id, at, stage, kafka_partition, kafka_offset, code, pointer, message
FROM rejects
WHERE workspace = {workspace:String} AND (source, id) IN (SELECT source, id FROM asked)
ORDER BY at`
	ctx = clickhouse.Context(ctx, clickhouse.WithExternalTable(table))
	if err := db.Query(ctx, sql, map[string]any{"workspace": workspace}, &rows); err != nil {
		return refusals{}, err
	}
	out := refusals{byName: map[[2]string]Outcome{}, byReceipt: map[event.Receipt]Outcome{}}
	for _, r := range rows {
		o := Outcome{State: OutcomeRejected, Code: event.Code(r.Code), Pointer: r.Pointer, Message: r.Message}
		out.byName[[2]string{r.Source, r.ID}] = o
		if r.Stage == StageLoader {
			out.byReceipt[event.Receipt{Partition: int(r.Partition), Offset: int64(r.Offset)}] = o
		}
	}
	return out, nil
}
