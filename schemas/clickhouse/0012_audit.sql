-- Who has read evidence, and who has changed what.

-- audit has one row for each act. A change is told of twice, when it is about to be made and when it has ended, with one entry_id and
-- one time: version keeps the row of the end, whichever came first, and a message that is read again changes nothing. Rows are never
-- deleted and have no end of life; only the erasure of a person puts a marker in the place of their pseudonym (actor, target).
-- from_text and to_text are the period that was asked for, as days or instants; '' where there was none.
-- ORDER BY workspace (every reader names one), then at (the latest come first, and every filter has a period), then
-- entry_id, which makes the key unique. PARTITION BY month, so that a period reads the months that it has.
CREATE TABLE IF NOT EXISTS audit
(
    workspace LowCardinality(String),
    at DateTime64(3, 'UTC'),
    entry_id String,
    actor String,
    actor_kind LowCardinality(String),
    role LowCardinality(String),
    action LowCardinality(String),
    outcome LowCardinality(String),
    target_kind LowCardinality(String),
    target String,
    measure LowCardinality(String),
    scope String,
    from_text String,
    to_text String,
    request_id String,
    version UInt8 MATERIALIZED outcome != 'begun'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(at)
ORDER BY (workspace, at, entry_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;
