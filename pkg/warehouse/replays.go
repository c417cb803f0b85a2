package warehouse

import (
	"context"
	"fmt"
	"time"

	"plumbline/pkg/event"
)

// ReplayType is the content type of a [Replay] on the topic of rejects, where it travels beside the rejects themselves.
const ReplayType = "application/vnd.plumbline.replay+json"

// Replay is one attempt to send a reject again. As JSON it is a message on the topic of rejects.
type Replay struct {
	Workspace string `json:"workspace" ch:"workspace"`
	RejectID  string `json:"reject_id" ch:"reject_id"`
	// ReplayID names the attempt (a UUID), so that copying it twice leaves one.
	ReplayID string    `json:"replay_id" ch:"replay_id"`
	At       time.Time `json:"at" ch:"at"`
	// By is who asked for it: a pseudonym or a role.
	By string `json:"by" ch:"by"`
	// State is one of the replay states below.
	State string `json:"state" ch:"state"`
	// Source and ID are those of the event that was sent: a fix may have changed them.
	Source string `json:"source" ch:"source"`
	ID     string `json:"id" ch:"id"`
	// Code, Pointer and Message say why it is still refused.
	Code    string `json:"code" ch:"code"`
	Pointer string `json:"pointer" ch:"pointer"`
	Message string `json:"message" ch:"message"`
	// KafkaPartition and KafkaOffset are the receipt of an accepted event.
	KafkaPartition uint16 `json:"kafka_partition" ch:"kafka_partition"`
	KafkaOffset    uint64 `json:"kafka_offset" ch:"kafka_offset"`
	// Fix is the fix as JSON, "" where there was none.
	Fix string `json:"fix" ch:"fix"`
}

// What became of one attempt.
const (
	// ReplayAccepted is an event that is durable in the log.
	ReplayAccepted = "accepted"
	// ReplayUnchanged is an event that is stored already, with the same content: sending it changes nothing.
	ReplayUnchanged = "unchanged"
	// ReplayRejected is one that is still refused, with a code.
	ReplayRejected = "rejected"
	// ReplayImpossible is a reject that holds no event that could be sent.
	ReplayImpossible = "not_replayable"
	// ReplayRetry is one that the log did not confirm: try again.
	ReplayRetry = "retry"
)

// Receipt is the place in the log of an accepted event.
func (r Replay) Receipt() event.Receipt {
	return event.Receipt{Partition: int(r.KafkaPartition), Offset: int64(r.KafkaOffset)}
}

// InsertReplays stores attempts; storing one twice changes nothing.
func (db *DB) InsertReplays(ctx context.Context, rows []Replay) error {
	return insertStructs(ctx, db, "replays", replayColumns(), rows)
}

func replayColumns() []string {
	return []string{
		"workspace", "reject_id", "replay_id", "at", "by", "state", "source", "id", "code", "pointer", "message",
		"kafka_partition", "kafka_offset", "fix",
	}
}

// Replays are the attempts at rejects of a workspace, the latest of each reject first.
func (db *DB) Replays(ctx context.Context, workspace string, rejectIDs []string) (map[string][]Replay, error) {
	out := map[string][]Replay{}
	if len(rejectIDs) == 0 {
		return out, nil
	}
	var rows []Replay
	const sql = `SELECT workspace, reject_id, replay_id, at, by, state, source, id, code, pointer, message,
	kafka_partition, kafka_offset, fix
FROM replays FINAL
WHERE workspace = {workspace:String} AND reject_id IN {ids:Array(String)}
ORDER BY reject_id, at DESC, replay_id DESC`
	if err := db.Query(ctx, sql, map[string]any{"workspace": workspace, "ids": rejectIDs}, &rows); err != nil {
		return nil, fmt.Errorf("read replays: %w", err)
	}
	for _, r := range rows {
		out[r.RejectID] = append(out[r.RejectID], r)
	}
	return out, nil
}
