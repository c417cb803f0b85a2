package warehouse

import (
	"context"
	"fmt"
	"time"
)

// RollupShape is the number of the present set of rollups and of what they hold. Count it up whenever a rollup is added
// or its query comes to give other rows: days that were rolled before are then rolled anew.
const RollupShape = 3

// OldShaped are the workspaces with days that were rolled by a version with another set of rollups; old is false where
// there are no such days, since the shape was noted by [DB.InsertRollupShape] already.
func (db *DB) OldShaped(ctx context.Context) (workspaces []string, old bool, err error) {
	var shapes []struct {
		Shape uint32 `ch:"shape"`
	}
	if err := db.Query(ctx, "SELECT max(shape) AS shape FROM rollup_shapes", nil, &shapes); err != nil {
		return nil, false, fmt.Errorf("shape of rollups: %w", err)
	}
	if shapes[0].Shape >= RollupShape {
		return nil, false, nil
	}
	var rows []struct {
		Workspace string `ch:"workspace"`
	}
	const sql = "SELECT DISTINCT toString(workspace) AS workspace FROM rollup_pointer ORDER BY workspace"
	if err := db.Query(ctx, sql, nil, &rows); err != nil {
		return nil, false, fmt.Errorf("shape of rollups: %w", err)
	}
	for _, r := range rows {
		workspaces = append(workspaces, r.Workspace)
	}
	return workspaces, true, nil
}

// InsertRollupShape notes that every rolled day has the present shape, or has a mark because of which it will. Sealed days
// keep what they have: their raw rows may be gone.
func (db *DB) InsertRollupShape(ctx context.Context, at time.Time) error {
	type row struct {
		Shape uint32    `ch:"shape"`
		At    time.Time `ch:"at"`
	}
	return insertStructs(ctx, db, "rollup_shapes", []string{"shape", "at"}, []row{{RollupShape, at.UTC().Truncate(time.Millisecond)}})
}
