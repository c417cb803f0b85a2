package warehouse

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Reject is something that was not taken, with its bytes. As JSON it is the message on the topic of rejects, where
// Raw is base64.
type Reject struct {
	Workspace string `json:"workspace" ch:"workspace"`
	// RejectID makes a reject that is written twice one: the loader derives it from the place in the log.
	RejectID string    `json:"reject_id" ch:"reject_id"`
	At       time.Time `json:"at" ch:"at"`
	// Stage is who refused it: collector or loader.
	Stage string `json:"stage" ch:"stage"`
	// Source, ID and Type are those of the event, as far as they could be read.
	Source string `json:"source" ch:"source"`
	ID     string `json:"id" ch:"id"`
	Type   string `json:"type" ch:"type"`
	// Code, Pointer and Message are the [event.Problem].
	Code        string `json:"code" ch:"code"`
	Pointer     string `json:"pointer" ch:"pointer"`
	Message     string `json:"message" ch:"message"`
	ContentType string `json:"content_type" ch:"content_type"`
	Raw         []byte `json:"raw" ch:"raw"`
	// KafkaPartition and KafkaOffset are the place on the topic of events, for rejects of the loader.
	KafkaPartition uint16 `json:"kafka_partition" ch:"kafka_partition"`
	KafkaOffset    uint64 `json:"kafka_offset" ch:"kafka_offset"`
	SchemaVersion  string `json:"schema_version" ch:"schema_version"`
}

// RejectID names a reject after its place in a topic; with the time, since a topic that was made anew counts from 0.
func RejectID(topic string, partition int, offset int64, at time.Time) string {
	return fmt.Sprintf("%s-%d-%d-%d", topic, partition, offset, at.UnixMilli())
}

// The stages that refuse.
const (
	StageCollector = "collector"
	StageLoader    = "loader"
	// StageGate is the part of the collector that reads the inbox.
	StageGate = "gate"
)

// The streams whose progress is recorded.
const (
	StreamEvents   = "events"
	StreamMarks    = "marks"
	StreamRegistry = "registry"
	StreamRejected = "rejected"
	StreamAudit    = "audit"
)

// Progress says how far one partition of one topic is processed, with everything that follows from it.
type Progress struct {
	Stream    string `ch:"stream"`
	Partition uint16 `ch:"kafka_partition"`
	// Partitions is how many the topic has: a reader must hear from all of them.
	Partitions uint16 `ch:"partitions"`
	// NextOffset is the first message that is not processed yet.
	NextOffset uint64 `ch:"next_offset"`
	// Through says: every message that the broker appended before this time is processed.
	Through time.Time `ch:"through"`
	// RecordedAt is the loader's clock, after the processing.
	RecordedAt time.Time `ch:"recorded_at"`
}

// InsertRejects stores rejects; storing one twice changes nothing.
func (db *DB) InsertRejects(ctx context.Context, rows []Reject) error {
	return insertStructs(ctx, db, "rejects", []string{
		"workspace", "reject_id", "at", "stage", "source", "id", "type", "code", "pointer", "message",
		"content_type", "raw", "kafka_partition", "kafka_offset", "schema_version",
	}, rows)
}

// InsertProgress records progress, all rows in one insert.
func (db *DB) InsertProgress(ctx context.Context, rows []Progress) error {
	return insertStructs(ctx, db, "progress", []string{
		"stream", "kafka_partition", "partitions", "next_offset", "through", "recorded_at",
	}, rows)
}

// NextOffset is the first message of a partition that is not processed yet, as was recorded last; 0 where nothing was.
func (db *DB) NextOffset(ctx context.Context, stream string, partition int) (int64, error) {
	var rows []struct {
		Next uint64 `ch:"next"`
	}
	// The latest, not the greatest: a topic that was made anew counts from 0.
	const sql = `SELECT argMax(next_offset, recorded_at) AS next FROM progress
WHERE stream = {stream:String} AND kafka_partition = {partition:UInt16}`
	if err := db.Query(ctx, sql, map[string]any{"stream": stream, "partition": partition}, &rows); err != nil {
		return 0, fmt.Errorf("read progress: %w", err)
	}
	return int64(rows[0].Next), nil
}

func insertStructs[R any](ctx context.Context, db *DB, table string, columns []string, rows []R) error {
	if len(rows) == 0 {
		return nil
	}
	return db.send(ctx, table, columns, func(b driver.Batch) error {
		for i := range rows {
			if err := b.AppendStruct(&rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
}
