-- rollup_accrual: charges on the days that they are for. A charge with a period stands in equal parts on each of its local
-- days, [start, end); one without on its day of cash. Both ends of a period are rounded to the nearest local midnight, so
-- that a month in UTC is a month in every zone, and a shorter period is the day in which it begins. Parts are differences
-- of running totals that are rounded half to even, so that they sum to the charge exactly.
-- n counts the charges of a day, month_n those of them of which it is the first day in its month: over a month, month_n
-- sums to the charges of the month. final_n counts the "nothing more will come" marks among n. measured says that the
-- charges have a quantity; where they have none, quantity is 0 and no volume.
-- ORDER BY vendor and category after the day: savings are asked for by the vendors that have a price.
CREATE TABLE IF NOT EXISTS rollup_accrual
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
    unit LowCardinality(String),
    measured Bool,
    n UInt64,
    month_n UInt64,
    final_n UInt64,
    billed Decimal(76, 18),
    quantity Decimal(76, 18)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, generation, vendor, category, team, workflow)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- rollup_links: deals that conversions of experiments name, on the day of the conversion. The money of such an experiment
-- is recognised when the deal closes.
CREATE TABLE IF NOT EXISTS rollup_links
(
    workspace LowCardinality(String),
    day Date32,
    generation UInt64,
    team LowCardinality(String),
    workflow LowCardinality(String),
    experiment LowCardinality(String),
    variant LowCardinality(String),
    metric LowCardinality(String),
    deal String,
    n UInt64,
    conversions UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (workspace, day, generation, experiment, deal)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;
