-- Raw rows: every loaded event as it came, one table per kind, columns as in the Go struct of the kind (held equal by a
-- test). Rows are never changed: corrections and voids are rows of their own and are joined when rows are read.
--
-- ReplacingMergeTree(version), version = maxUInt64 - offset in the log: should one event be written twice (a crash before
-- the commit, a loader that lost its partition but not its connection), both rows say the same, and the lowest offset
-- stays. Readers use FINAL. Parts are partitioned by UTC month, so that retention drops whole parts.
--
-- ORDER BY (workspace, day, identity), the same in every table:
--   workspace first: every query names one workspace, so that it reads one stretch of each part;
--   day second: rollups read whole UTC days, and a day that is not asked for is never touched;
--   identity last: it makes the key unique, which is what FINAL and merges collapse on. time cannot stand before it, since
--   two copies of an event must meet whatever else they say.
--
-- The settings make an acknowledged insert survive a power cut: they are off by default. old_parts_lifetime keeps merged
-- parts until the merged one is surely on disk.

CREATE TABLE IF NOT EXISTS hours_saved
(
    workspace LowCardinality(String),
    day Date32,
    identity FixedString(16),
    version UInt64,
    time DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    source LowCardinality(String),
    id String,
    subject String,
    dataschema String,
    extensions Map(String, String),
    kafka_partition UInt16,
    kafka_offset UInt64,
    payload FixedString(16),
    workflow LowCardinality(String),
    team LowCardinality(String),
    person LowCardinality(String),
    tool LowCardinality(String),
    evidence LowCardinality(String),
    url String,
    units Decimal(18, 6),
    assisted Bool,
    task String,
    asset String,
    doing_minutes Nullable(Decimal(18, 6)),
    prompting_minutes Nullable(Decimal(18, 6)),
    review_minutes Nullable(Decimal(18, 6)),
    rework_minutes Nullable(Decimal(18, 6)),
    correction_minutes Nullable(Decimal(18, 6)),
    baseline_minutes Nullable(Decimal(18, 6)),
    estimate_unassisted_minutes Nullable(Decimal(18, 6)),
    estimate_assisted_minutes Nullable(Decimal(18, 6)),
    trial LowCardinality(String),
    quality Nullable(UInt8)
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, identity)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS vendor_spend
(
    workspace LowCardinality(String),
    day Date32,
    identity FixedString(16),
    version UInt64,
    time DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    source LowCardinality(String),
    id String,
    subject String,
    dataschema String,
    extensions Map(String, String),
    kafka_partition UInt16,
    kafka_offset UInt64,
    payload FixedString(16),
    workflow LowCardinality(String),
    team LowCardinality(String),
    person LowCardinality(String),
    tool LowCardinality(String),
    evidence LowCardinality(String),
    url String,
    vendor LowCardinality(String),
    category LowCardinality(String),
    billed_cost Decimal(38, 18),
    effective_cost Nullable(Decimal(38, 18)),
    currency LowCardinality(String),
    quantity Nullable(Decimal(38, 18)),
    unit LowCardinality(String),
    invoice_date Nullable(Date32),
    charge_period_start Nullable(DateTime64(3, 'UTC')),
    charge_period_end Nullable(DateTime64(3, 'UTC')),
    charge_category LowCardinality(String),
    charge_class LowCardinality(String),
    invoice_id String,
    final Bool
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, identity)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS conversion
(
    workspace LowCardinality(String),
    day Date32,
    identity FixedString(16),
    version UInt64,
    time DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    source LowCardinality(String),
    id String,
    subject String,
    dataschema String,
    extensions Map(String, String),
    kafka_partition UInt16,
    kafka_offset UInt64,
    payload FixedString(16),
    workflow LowCardinality(String),
    team LowCardinality(String),
    person LowCardinality(String),
    tool LowCardinality(String),
    evidence LowCardinality(String),
    url String,
    experiment LowCardinality(String),
    variant LowCardinality(String),
    metric LowCardinality(String),
    exposures Nullable(UInt64),
    conversions Nullable(UInt64),
    value Nullable(Decimal(38, 18)),
    value_squares Nullable(Decimal(38, 18)),
    currency LowCardinality(String),
    deal String
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, identity)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS pipeline
(
    workspace LowCardinality(String),
    day Date32,
    identity FixedString(16),
    version UInt64,
    time DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    source LowCardinality(String),
    id String,
    subject String,
    dataschema String,
    extensions Map(String, String),
    kafka_partition UInt16,
    kafka_offset UInt64,
    payload FixedString(16),
    workflow LowCardinality(String),
    team LowCardinality(String),
    person LowCardinality(String),
    tool LowCardinality(String),
    evidence LowCardinality(String),
    url String,
    deal String,
    stage LowCardinality(String),
    status LowCardinality(String),
    amount Nullable(Decimal(38, 18)),
    currency LowCardinality(String),
    created_at Nullable(DateTime64(3, 'UTC')),
    closed_at Nullable(DateTime64(3, 'UTC')),
    assisted Nullable(Bool),
    touches String,
    experiment LowCardinality(String),
    margin Nullable(Decimal(18, 6)),
    sequence UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, identity)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS review
(
    workspace LowCardinality(String),
    day Date32,
    identity FixedString(16),
    version UInt64,
    time DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    source LowCardinality(String),
    id String,
    subject String,
    dataschema String,
    extensions Map(String, String),
    kafka_partition UInt16,
    kafka_offset UInt64,
    payload FixedString(16),
    workflow LowCardinality(String),
    team LowCardinality(String),
    person LowCardinality(String),
    tool LowCardinality(String),
    evidence LowCardinality(String),
    url String,
    asset String,
    reviewer LowCardinality(String),
    submitted_at DateTime64(3, 'UTC'),
    decided_at Nullable(DateTime64(3, 'UTC')),
    decision LowCardinality(String),
    round UInt16,
    touch_minutes Nullable(Decimal(18, 6))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, identity)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS pulse
(
    workspace LowCardinality(String),
    day Date32,
    identity FixedString(16),
    version UInt64,
    time DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    source LowCardinality(String),
    id String,
    subject String,
    dataschema String,
    extensions Map(String, String),
    kafka_partition UInt16,
    kafka_offset UInt64,
    payload FixedString(16),
    workflow LowCardinality(String),
    team LowCardinality(String),
    person LowCardinality(String),
    tool LowCardinality(String),
    evidence LowCardinality(String),
    url String,
    wave LowCardinality(String),
    role LowCardinality(String),
    roi_provable LowCardinality(String),
    satisfaction Nullable(UInt8),
    confidence Nullable(UInt8),
    time_went_to LowCardinality(String),
    comment String
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, identity)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS training
(
    workspace LowCardinality(String),
    day Date32,
    identity FixedString(16),
    version UInt64,
    time DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    source LowCardinality(String),
    id String,
    subject String,
    dataschema String,
    extensions Map(String, String),
    kafka_partition UInt16,
    kafka_offset UInt64,
    payload FixedString(16),
    workflow LowCardinality(String),
    team LowCardinality(String),
    person LowCardinality(String),
    tool LowCardinality(String),
    evidence LowCardinality(String),
    url String,
    course LowCardinality(String),
    hours Nullable(Decimal(18, 6)),
    completed Bool,
    purpose LowCardinality(String)
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, identity)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS barrier
(
    workspace LowCardinality(String),
    day Date32,
    identity FixedString(16),
    version UInt64,
    time DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    source LowCardinality(String),
    id String,
    subject String,
    dataschema String,
    extensions Map(String, String),
    kafka_partition UInt16,
    kafka_offset UInt64,
    payload FixedString(16),
    workflow LowCardinality(String),
    team LowCardinality(String),
    person LowCardinality(String),
    tool LowCardinality(String),
    evidence LowCardinality(String),
    url String,
    barrier LowCardinality(String),
    category LowCardinality(String),
    minutes_lost Nullable(Decimal(18, 6)),
    note String,
    action LowCardinality(String),
    owner LowCardinality(String)
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, identity)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS void
(
    workspace LowCardinality(String),
    day Date32,
    identity FixedString(16),
    version UInt64,
    time DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    source LowCardinality(String),
    id String,
    subject String,
    dataschema String,
    extensions Map(String, String),
    kafka_partition UInt16,
    kafka_offset UInt64,
    payload FixedString(16),
    target FixedString(16),
    workflow LowCardinality(String),
    team LowCardinality(String),
    person LowCardinality(String),
    tool LowCardinality(String),
    evidence LowCardinality(String),
    url String,
    target_source String,
    target_id String,
    reason String
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, identity)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS correct
(
    workspace LowCardinality(String),
    day Date32,
    identity FixedString(16),
    version UInt64,
    time DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    source LowCardinality(String),
    id String,
    subject String,
    dataschema String,
    extensions Map(String, String),
    kafka_partition UInt16,
    kafka_offset UInt64,
    payload FixedString(16),
    target FixedString(16),
    workflow LowCardinality(String),
    team LowCardinality(String),
    person LowCardinality(String),
    tool LowCardinality(String),
    evidence LowCardinality(String),
    url String,
    target_source String,
    target_id String,
    target_kind LowCardinality(String),
    data String
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, identity)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;
