-- Changes of deals that name only what is new, such as one property, and deals that were deleted where they came from.

-- partial says that a change leaves status, stage and the currency of an amount as they were where it does not have them; NULL is false.
-- cleared is the field that the change has emptied, '' where there is none. withdrawn is true where the deal was deleted and false where
-- it was restored; NULL leaves it as it was in a partial change, and means that it is there in another.
ALTER TABLE pipeline
    ADD COLUMN IF NOT EXISTS partial Nullable(Bool) AFTER sequence,
    ADD COLUMN IF NOT EXISTS cleared LowCardinality(String) AFTER partial,
    ADD COLUMN IF NOT EXISTS withdrawn Nullable(Bool) AFTER cleared;
