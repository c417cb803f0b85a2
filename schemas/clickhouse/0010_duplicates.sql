-- What was sent again: recognised, counted here, and stored nowhere else.

-- duplicates has one row for each message of the log that says what an event before it says: its source, when the log took
-- it, and its place. A row and not a count, since a chunk is read again after a crash and cut otherwise then: rows of one
-- place collapse, counts would add up. They go after the same 30 days as rejects, whose page they are for.
-- ORDER BY workspace (every reader names one), then received_at (the question is always what arrived in some days), then
-- the place, which makes the key unique; the time stands before it, since a topic that was made anew counts from 0.
CREATE TABLE IF NOT EXISTS duplicates
(
    workspace LowCardinality(String),
    source LowCardinality(String),
    received_at DateTime64(3, 'UTC'),
    kafka_partition UInt16,
    kafka_offset UInt64
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (workspace, received_at, kafka_partition, kafka_offset)
TTL toDateTime(received_at) + INTERVAL 30 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;
