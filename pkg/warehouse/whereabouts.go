package warehouse

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"plumbline/pkg/event"
)

// Whereabouts is where a stored event stands, and what it counts for.
type Whereabouts struct {
	Receipt event.Receipt
	Kind    event.Kind
	// Time is the event's own, ReceivedAt that of the log.
	Time, ReceivedAt time.Time
	// Void takes the event out of every number; Correction replaces its data. Nil: there is none. Where there are several
	// voids it is the first of them, and of corrections the last by (time, source, id), which is the one that counts.
	Void, Correction *Amendment
	// CompleteThrough is the watermark of [Snapshot].
	CompleteThrough time.Time
	// InNumbers says that the numbers hold the event, as it stands after its void or correction: the watermark is past
	// it and past them, and it is not voided.
	InNumbers bool
}

// Amendment is a void or a correction.
type Amendment struct {
	Source string `ch:"source"`
	ID     string `ch:"id"`
	// Time is the amendment's own, ReceivedAt that of the log.
	Time       time.Time `ch:"time"`
	ReceivedAt time.Time `ch:"received_at"`
}

// Whereabouts says where an event stands; ok is false where it is not stored.
func (db *DB) Whereabouts(ctx context.Context, workspace, source, id string) (w Whereabouts, ok bool, err error) {
	identity := event.IdentityOf(workspace, source, id)
	known, err := db.LookupIdentities(ctx, AnyPartition, []event.Identity{identity})
	if err != nil {
		return Whereabouts{}, false, fmt.Errorf("whereabouts: %w", err)
	}
	k, ok := known[identity]
	if !ok {
		return Whereabouts{}, false, nil
	}
	w = Whereabouts{Receipt: event.Receipt{Partition: k.Partition, Offset: k.Offset}, Kind: k.Kind, Time: k.Time}
	args := map[string]any{
		"workspace": workspace, "identity": hex.EncodeToString(identity[:]), "day": event.DayOf(k.Time), "kind": string(k.Kind),
	}
	if err := db.received(ctx, &w, args); err != nil {
		return Whereabouts{}, false, fmt.Errorf("whereabouts: %w", err)
	}
	if w.Void, w.Correction, err = db.amendments(ctx, args); err != nil {
		return Whereabouts{}, false, fmt.Errorf("whereabouts: %w", err)
	}
	// Last, so that everything that the watermark speaks of was seen above, or counts as not yet in the numbers.
	if w.CompleteThrough, err = db.completeThrough(ctx); err != nil {
		return Whereabouts{}, false, fmt.Errorf("whereabouts: %w", err)
	}
	settled := w.CompleteThrough.After(w.ReceivedAt)
	for _, a := range []*Amendment{w.Void, w.Correction} {
		settled = settled && (a == nil || w.CompleteThrough.After(a.ReceivedAt))
	}
	w.InNumbers = settled && w.Void == nil
	return w, true, nil
}

// received reads when the log took the event.
func (db *DB) received(ctx context.Context, w *Whereabouts, args map[string]any) error {
	spec, ok := event.Lookup(w.Kind)
	if !ok {
		return fmt.Errorf("%q is no kind of this version", w.Kind)
	}
	var rows []struct {
		ReceivedAt time.Time `ch:"received_at"`
	}
	sql := "SELECT received_at FROM " + spec.Table + " FINAL WHERE workspace = {workspace:String} AND day = {day:Date32} AND identity = unhex({identity:String})"
	if err := db.Query(ctx, sql, args, &rows); err != nil {
		return err
	}
	if len(rows) > 0 { // else its raw row is past its retention; the watermark is past it too
		w.ReceivedAt = rows[0].ReceivedAt.UTC()
	}
	return nil
}

// amendments finds the void and the correction that apply.
func (db *DB) amendments(ctx context.Context, args map[string]any) (void, correction *Amendment, err error) {
	const voids = `SELECT source, id, time, received_at FROM void FINAL
WHERE workspace = {workspace:String} AND target = unhex({identity:String}) ORDER BY time, source, id LIMIT 1`
	const corrections = `SELECT source, id, time, received_at FROM correct FINAL
WHERE workspace = {workspace:String} AND target = unhex({identity:String}) AND target_kind = {kind:String}
ORDER BY time DESC, source DESC, id DESC LIMIT 1`
	var rows []Amendment
	if err := db.Query(ctx, voids, args, &rows); err != nil {
		return nil, nil, err
	}
	if len(rows) > 0 {
		void = &rows[0]
	}
	rows = nil
	if err := db.Query(ctx, corrections, args, &rows); err != nil {
		return nil, nil, err
	}
	if len(rows) > 0 {
		correction = &rows[0]
	}
	return void, correction, nil
}
