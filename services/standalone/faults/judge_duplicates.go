package faults

import (
	"context"
	"fmt"
	"time"

	"plumbline/pkg/warehouse"
)

// duplicates are the occurrences of events that say what one before them says: each is noted, and nothing else. The time is
// left out: of a batch that Apache Kafka has given its own, the client of this suite reads that of the sender.
func (m *model) duplicates() map[place]warehouse.Duplicate {
	out := map[place]warehouse.Duplicate{}
	for at, e := range m.at {
		if m.winners[e.Identity].Receipt == at || m.refusals[at] != "" {
			continue
		}
		out[at] = warehouse.Duplicate{
			Workspace: e.Workspace, Source: e.Source,
			KafkaPartition: uint16(at.Partition), KafkaOffset: uint64(at.Offset),
		}
	}
	return out
}

// judgeDuplicates compares the duplicates that were noted with those in the log.
func (m *model) judgeDuplicates(ctx context.Context, db *warehouse.DB, rep *report) error {
	var rows []struct {
		warehouse.Duplicate
		N uint64 `ch:"n"`
	}
	const sql = `SELECT toString(workspace) AS workspace, toString(source) AS source, received_at, kafka_partition, kafka_offset, count() AS n
FROM duplicates FINAL GROUP BY workspace, source, received_at, kafka_partition, kafka_offset`
	if err := db.Query(ctx, sql, nil, &rows); err != nil {
		return fmt.Errorf("read duplicates: %w", err)
	}
	missing := m.duplicates()
	for _, row := range rows {
		noted := row.Duplicate
		noted.ReceivedAt = time.Time{}
		at := place{Partition: int(row.KafkaPartition), Offset: int64(row.KafkaOffset)}
		want, ok := missing[at]
		delete(missing, at)
		if !ok || row.N != 1 || noted != want {
			rep.duplicated = append(rep.duplicated, fmt.Sprintf("%s is noted as a duplicate %d times, from %s in %s; the log has %q in %q",
				at, row.N, row.Source, row.Workspace, want.Source, want.Workspace))
		}
	}
	for at, d := range missing {
		if m.both[at] {
			continue // the last loader to have the chunk has refused it
		}
		rep.lost = append(rep.lost, fmt.Sprintf("%s of %s says what an event before it says, and is not noted as a duplicate", at, d.Source))
	}
	return nil
}
