-- Rollups of the pillars: reviews, training, barriers, answers to the survey, and changes of deals. As in 0003 they hold
-- quantities and states, never a price or an assumption, a day is written whole under a generation, and ORDER BY begins
-- with (workspace, day, generation) for the reasons given there.
--
-- What has to be folded over all of its events (a review over its rounds, a barrier over its reports, a wave over the last
-- answer of each person) is kept by event, as the tasks of trials are: these kinds are few, a thousandth of the hours. All
-- stand on the local day of their event, so that no correction moves them.

-- rollup_reviews: one row per round of a review. submitted_day and decided_day are the local days of the two instants.
-- ORDER BY asset and reviewer after the first three: they name the review that rounds are grouped into.
CREATE TABLE IF NOT EXISTS rollup_reviews
(
    workspace LowCardinality(String),
    day Date32,
    generation UInt64,
    identity FixedString(16),
    at DateTime64(3, 'UTC'),
    team LowCardinality(String),
    workflow LowCardinality(String),
    person LowCardinality(String),
    asset String,
    reviewer LowCardinality(String),
    round UInt16,
    submitted_at DateTime64(3, 'UTC'),
    submitted_day Date32,
    decided_at Nullable(DateTime64(3, 'UTC')),
    decided_day Nullable(Date32),
    decision LowCardinality(String),
    touch_minutes Nullable(Decimal(18, 6))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, generation, asset, reviewer, identity)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- rollup_training: hours sums the hours of the hours_n events that state more than 0; completed_n counts the finished ones.
CREATE TABLE IF NOT EXISTS rollup_training
(
    workspace LowCardinality(String),
    day Date32,
    generation UInt64,
    team LowCardinality(String),
    workflow LowCardinality(String),
    person LowCardinality(String),
    course LowCardinality(String),
    purpose LowCardinality(String),
    n UInt64,
    hours Decimal(38, 6),
    hours_n UInt64,
    completed_n UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, generation, team, workflow, person)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- rollup_barriers: one row per report, support or resolution; minutes_lost is NULL where none were stated.
-- ORDER BY barrier after the first three: reports are grouped by it.
CREATE TABLE IF NOT EXISTS rollup_barriers
(
    workspace LowCardinality(String),
    day Date32,
    generation UInt64,
    identity FixedString(16),
    at DateTime64(3, 'UTC'),
    barrier LowCardinality(String),
    category LowCardinality(String),
    action LowCardinality(String),
    team LowCardinality(String),
    workflow LowCardinality(String),
    person LowCardinality(String),
    owner LowCardinality(String),
    minutes_lost Nullable(Decimal(18, 6))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, generation, barrier, identity)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- rollup_answers: one row per answer to the survey. person is the hash within the wave, which ties it to nobody.
-- ORDER BY wave after the first three: an answer counts within its wave.
CREATE TABLE IF NOT EXISTS rollup_answers
(
    workspace LowCardinality(String),
    day Date32,
    generation UInt64,
    identity FixedString(16),
    at DateTime64(3, 'UTC'),
    wave LowCardinality(String),
    role LowCardinality(String),
    person LowCardinality(String),
    team LowCardinality(String),
    workflow LowCardinality(String),
    roi_provable LowCardinality(String),
    satisfaction Nullable(UInt8),
    confidence Nullable(UInt8),
    time_went_to LowCardinality(String)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, generation, wave, identity)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- rollup_changes: how many changes of deals were recorded on a day. A deal stands on the day of its creation in
-- rollup_deals, which does not say when a team last recorded one.
CREATE TABLE IF NOT EXISTS rollup_changes
(
    workspace LowCardinality(String),
    day Date32,
    generation UInt64,
    team LowCardinality(String),
    workflow LowCardinality(String),
    n UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, generation, team, workflow)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- rollup_shapes says which set of rollups all rolled days have. Days that were rolled before a rollup was added have no
-- rows in it: a loader that finds an older shape than its own has every day rolled anew, and then writes its own.
-- ORDER BY shape alone: readers take the maximum.
CREATE TABLE IF NOT EXISTS rollup_shapes
(
    shape UInt32,
    at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY shape
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;
