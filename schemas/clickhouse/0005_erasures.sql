-- Who was erased, how far the erasing is, and which days are sealed.

-- erasures says which persons were erased, and under which pseudonym their rows live on. person is a digest of the keyed
-- hash (event.PersonDigest): the hash itself stands in no table. id_bytes is the length of the id, with which it is found
-- in the raw bytes of rejects; 0: not known. seal_check is the keyed hash of a constant, by which a loader sees that
-- its secret is the one that the hash was made with.
-- ORDER BY workspace and person: readers take all, of one workspace or of all; then the request, since a person may be
-- erased again and each request has its own passes.
CREATE TABLE IF NOT EXISTS erasures
(
    workspace LowCardinality(String),
    person FixedString(16),
    erasure_id String,
    pseudonym String,
    id_bytes UInt16,
    requested_at DateTime64(3, 'UTC'),
    requested_by String,
    reason String,
    seal_check String
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, person, erasure_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- erasure_passes are the rounds of erasing that are finished: the first at once, the second after every loader that was
-- at work then has stopped writing, later ones only where something had to be done again. The counts are what the pass has found.
-- ORDER BY the request, by which readers group; then the pass and its end, since two loaders may do the same pass.
CREATE TABLE IF NOT EXISTS erasure_passes
(
    workspace LowCardinality(String),
    erasure_id String,
    pass UInt8,
    started_at DateTime64(3, 'UTC'),
    finished_at DateTime64(3, 'UTC'),
    events UInt64,
    corrections UInt64,
    rejects UInt64,
    entries UInt64,
    days UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, erasure_id, pass, finished_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- seals says which days are sealed: those before the greatest sealed_before. A seal never goes back, since raw rows of
-- sealed days may be gone. dropped_before: raw rows of earlier days are gone.
-- ORDER BY both days, of which readers take the greatest. There are about as many rows as days.
CREATE TABLE IF NOT EXISTS seals
(
    sealed_before Date32,
    dropped_before Date32,
    sealed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (sealed_before, dropped_before)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 480;
