-- holds says which rollups have rows of a generation of a day, so that readers do not ask the others: one bit for each, in
-- the order hours, trials, spend, conversions, deals, reviews, training, barriers, answers, changes, accrual, links. Days that were
-- rolled before there was the column may have rows in all of them.
ALTER TABLE rollup_pointer ADD COLUMN IF NOT EXISTS holds UInt32 DEFAULT 4294967295;
