package loader

import (
	"context"
	"time"
)

const (
	// reshapeEvery is how long a loader waits before it tries again to mark the days of an older shape.
	reshapeEvery = 10 * time.Second
)

// reshape has all days rolled anew after an upgrade that has brought other rollups. The marks are durable before the new
// shape is noted, so that a crash between the two costs another roll and nothing else; several loaders may do it at once.
func (l *loader) reshape(ctx context.Context) error {
	for {
		err := l.markOldShapes(ctx)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		l.log.ErrorContext(ctx, "marking the days of older rollups failed, it is tried again", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(reshapeEvery):
		}
	}
}

func (l *loader) markOldShapes(ctx context.Context) error {
	workspaces, old, err := l.db.OldShaped(ctx)
	if err != nil || !old {
		return err
	}
	marks := make([]mark, 0, len(workspaces))
	for _, w := range workspaces {
		marks = append(marks, mark{Workspace: w, All: true})
	}
	if len(marks) > 0 {
		l.log.InfoContext(ctx, "rollups have changed: all days are rolled anew", "workspaces", len(marks))
		if err := l.writeMarks(ctx, marks); err != nil {
			return err
		}
	}
	return l.db.InsertRollupShape(ctx, time.Now())
}
