-- replays says what became of rejects that were sent again: one row for each attempt at each of them. It is the record of
-- who brought what into the numbers after all, and is kept; the fix may hold personal data, as the reject does, and goes
-- after the same 30 days.
-- ORDER BY workspace (every reader names one), then reject_id (the question is what became of these rejects), then
-- replay_id, which makes the key unique: an attempt that is copied twice collapses.
CREATE TABLE IF NOT EXISTS replays
(
    workspace LowCardinality(String),
    reject_id String,
    replay_id String,
    at DateTime64(3, 'UTC'),
    by String,
    state LowCardinality(String),
    source String,
    id String,
    code LowCardinality(String),
    pointer String,
    message String,
    kafka_partition UInt16,
    kafka_offset UInt64,
    fix String TTL toDateTime(at) + INTERVAL 30 DAY
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, reject_id, replay_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;
