-- A day of many events is rolled in parts: each event counts in the segment that the time falls into at which the collector took
-- it, and a roll makes only the segments anew in which something has changed. The rows of each segment have a generation of
-- their own, and so do those of the deals, which are always made of all of their changes.
--
-- segments has the generations of the segments in the order of time, begins where each begins (milliseconds since 1970; the first has
-- everything before the second), sizes about how many events each has, and held which rollups have rows of it, as holds says. A
-- segment ends where the next one begins, the last one does not end. deals is the generation of the deals, 0 where they are none,
-- or where they stand in the segments, as in days that were rolled before there was the column. basis is what the days were cut by.
ALTER TABLE rollup_pointer
    ADD COLUMN IF NOT EXISTS segments Array(UInt64) DEFAULT [generation],
    ADD COLUMN IF NOT EXISTS begins Array(Int64) DEFAULT [0],
    ADD COLUMN IF NOT EXISTS sizes Array(UInt64) DEFAULT [0],
    ADD COLUMN IF NOT EXISTS held Array(UInt32) DEFAULT [holds],
    ADD COLUMN IF NOT EXISTS deals UInt64 DEFAULT 0,
    ADD COLUMN IF NOT EXISTS basis LowCardinality(String) DEFAULT '',
    -- What a reader adds up: the rows of the day with one of these generations, and of no other.
    ADD COLUMN IF NOT EXISTS generations Array(UInt64) ALIAS if(deals = 0, segments, arrayPushBack(segments, deals));

-- A roll asks which deals have had a change since a time.
ALTER TABLE pipeline ADD INDEX IF NOT EXISTS received received_at TYPE minmax GRANULARITY 1;
