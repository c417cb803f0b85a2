-- Who is stored, who was refused, what the registry says, and how far the loader is.

-- identities says which event ids are stored, and where from: the loader asks it before every insert.
-- Partitioned by the log's partition, since all occurrences of an event stand in one and a loader asks for one at a time.
-- ORDER BY identity alone: the question is always "which of these hashes are here", never a range, and nothing that
-- stood before the hash would narrow it further.
CREATE TABLE IF NOT EXISTS identities
(
    kafka_partition UInt16,
    identity FixedString(16),
    version UInt64,
    kafka_offset UInt64,
    payload FixedString(16),
    workspace LowCardinality(String),
    kind LowCardinality(String),
    time DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY kafka_partition
ORDER BY identity
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- rejects keeps what was not taken, with its bytes, for 30 days: raw bytes may hold personal data.
-- ORDER BY workspace (every reader names one), then the day (people browse the latest), then reject_id, which makes
-- the key unique: a reject that is written twice has one id and collapses.
CREATE TABLE IF NOT EXISTS rejects
(
    workspace LowCardinality(String),
    reject_id String,
    at DateTime64(3, 'UTC'),
    stage LowCardinality(String),
    source String,
    id String,
    type LowCardinality(String),
    code LowCardinality(String),
    pointer String,
    message String,
    content_type LowCardinality(String),
    raw String,
    kafka_partition UInt16,
    kafka_offset UInt64,
    schema_version LowCardinality(String)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (workspace, toDate(at), reject_id)
TTL toDateTime(at) + INTERVAL 30 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- registry keeps every version of every entry: valid_from says from when it holds, recorded_at when we were told.
-- ORDER BY workspace, kind and key: a reader takes all of one workspace, or one kind of it, or one entry; then the two
-- times, in which "what held then, as known then" is the last row; entry_id last, so that two changes of one
-- millisecond both stay, and one change that is consumed twice stays once.
CREATE TABLE IF NOT EXISTS registry
(
    workspace LowCardinality(String),
    kind LowCardinality(String),
    key String,
    valid_from DateTime64(3, 'UTC'),
    recorded_at DateTime64(3, 'UTC'),
    entry_id String,
    value String,
    deleted Bool,
    author String
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, kind, key, valid_from, recorded_at, entry_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- progress says, about once a second and log partition, up to which append time everything is processed.
-- ORDER BY stream and partition, which every reader groups by, then recorded_at, by which it picks: rows are written in
-- that order and read as "not later than". partitions is how many partitions the topic has, so that a reader sees when
-- one is missing. Seven days are far more than the marks ever lag.
CREATE TABLE IF NOT EXISTS progress
(
    stream LowCardinality(String),
    kafka_partition UInt16,
    partitions UInt16,
    next_offset UInt64,
    through DateTime64(3, 'UTC'),
    recorded_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (stream, kafka_partition, recorded_at)
TTL toDateTime(recorded_at) + INTERVAL 7 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;
