-- What readiness writes to see whether writing works.

-- probes takes a row now and then, and keeps it for an hour: nobody reads it. It stands beside the other tables, on their
-- disk and under their rights, so that what stops them stops it too.
-- ORDER BY at alone: rows are only ever deleted by age.
CREATE TABLE IF NOT EXISTS probes
(
    at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY at
TTL toDateTime(at) + INTERVAL 1 HOUR
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;
