-- Rollups: what the scorecard reads. They hold quantities that add up (minutes, counts, amounts by currency, states of
-- deals) and never a price, a rate or an assumption: those are applied when they are read, so that a new rate re-rolls
-- nothing. day is the workspace's local day. A day is always written whole, under a new generation, and becomes visible
-- through one row of rollup_pointer; rows of older generations stay at least ten minutes for queries that still run.
--
-- ORDER BY (workspace, day, generation, ...), the same in every rollup: workspace, since every query names one; day, since
-- every query names a period; generation third, since of a day only the rows of one generation are wanted, and the
-- rest of them is skipped by the index. The dimensions that follow are ordered as queries group by them, from the few to
-- the many values, which compresses best.
--
-- Sums of money and of products are 76 digits wide: a sum of 38 digits that overflows wraps around without a word.
--
-- Partitioned by month: superseded generations are deleted part by part.

-- rollup_pointer says which generation of a day is the valid one: the highest not above the reader's snapshot. It keeps
-- the history that running queries need. Without partitions, one insert is one part: all days of a roll become visible at once.
-- ORDER BY workspace and day, by which readers group; generation last, of which they take the maximum.
CREATE TABLE IF NOT EXISTS rollup_pointer
(
    workspace LowCardinality(String),
    day Date32,
    generation UInt64,
    rolled_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (workspace, day, generation)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- rollup_hours: minutes spent and units done. Parts that an event does not have add nothing. given_* sum the events that carry
-- a baseline of their own. The squares and the product are sums over events of u*u, m*m and m*u, for variances.
CREATE TABLE IF NOT EXISTS rollup_hours
(
    workspace LowCardinality(String),
    day Date32,
    generation UInt64,
    team LowCardinality(String),
    workflow LowCardinality(String),
    person LowCardinality(String),
    evidence LowCardinality(String),
    assisted Bool,
    trial LowCardinality(String),
    n UInt64,
    units Decimal(38, 6),
    doing_minutes Decimal(38, 6),
    prompting_minutes Decimal(38, 6),
    review_minutes Decimal(38, 6),
    rework_minutes Decimal(38, 6),
    correction_minutes Decimal(38, 6),
    minutes Decimal(38, 6),
    given_n UInt64,
    given_units Decimal(38, 6),
    given_baseline Decimal(76, 12),
    given_minutes Decimal(38, 6),
    units_sq Decimal(76, 12),
    minutes_sq Decimal(76, 12),
    minutes_units Decimal(76, 12)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, generation, team, workflow, person)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- rollup_trials: one row per task of a randomised time trial; a part that was not recorded stays NULL.
CREATE TABLE IF NOT EXISTS rollup_trials
(
    workspace LowCardinality(String),
    day Date32,
    generation UInt64,
    trial LowCardinality(String),
    identity FixedString(16),
    team LowCardinality(String),
    workflow LowCardinality(String),
    person LowCardinality(String),
    assisted Bool,
    units Decimal(18, 6),
    doing_minutes Nullable(Decimal(18, 6)),
    prompting_minutes Nullable(Decimal(18, 6)),
    review_minutes Nullable(Decimal(18, 6)),
    rework_minutes Nullable(Decimal(18, 6)),
    correction_minutes Nullable(Decimal(18, 6)),
    estimate_unassisted_minutes Nullable(Decimal(18, 6)),
    estimate_assisted_minutes Nullable(Decimal(18, 6))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, generation, trial, identity)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- rollup_spend: charges on their day of cash, the invoice date, or the local day of the event where there is none.
-- effective sums the effective_n charges that have an effective cost; final_n counts the "nothing more will come" marks.
CREATE TABLE IF NOT EXISTS rollup_spend
(
    workspace LowCardinality(String),
    day Date32,
    generation UInt64,
    team LowCardinality(String),
    workflow LowCardinality(String),
    vendor LowCardinality(String),
    category LowCardinality(String),
    currency LowCardinality(String),
    charge_category LowCardinality(String),
    n UInt64,
    billed Decimal(76, 18),
    effective Decimal(76, 18),
    effective_n UInt64,
    final_n UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, generation, category, team, workflow, vendor)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- rollup_conversions: increments of experiments. deal_n counts the increments that name a deal.
CREATE TABLE IF NOT EXISTS rollup_conversions
(
    workspace LowCardinality(String),
    day Date32,
    generation UInt64,
    team LowCardinality(String),
    workflow LowCardinality(String),
    experiment LowCardinality(String),
    variant LowCardinality(String),
    metric LowCardinality(String),
    currency LowCardinality(String),
    n UInt64,
    exposures UInt64,
    conversions UInt64,
    value Decimal(76, 18),
    value_squares Decimal(76, 18),
    deal_n UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, generation, experiment, metric, variant)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- rollup_deals: one row per deal, on its cohort day: the local day on which it was created. The state is that of the
-- latest change by (time, sequence, source, id); fields that it leaves out are those of the latest change that has them.
CREATE TABLE IF NOT EXISTS rollup_deals
(
    workspace LowCardinality(String),
    day Date32,
    generation UInt64,
    deal String,
    team LowCardinality(String),
    workflow LowCardinality(String),
    stage LowCardinality(String),
    status LowCardinality(String),
    amount Nullable(Decimal(38, 18)),
    currency LowCardinality(String),
    created_at DateTime64(3, 'UTC'),
    decided_at Nullable(DateTime64(3, 'UTC')),
    decided_day Nullable(Date32),
    assisted Nullable(Bool),
    margin Nullable(Decimal(18, 6)),
    experiment LowCardinality(String),
    touches String,
    changes UInt64,
    last_change DateTime64(3, 'UTC'),
    identity FixedString(16)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, generation, deal)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;
