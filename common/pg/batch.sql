-- The stamp that shows after a lost connection whether a batch was committed.

-- name: stamp_batch
-- Returns a row if this batch was not committed before; waits for an older transaction of the slot to end.
INSERT INTO write_slots (slot, batch)
VALUES ($1::uuid, $2)
    ON CONFLICT (slot) DO UPDATE
   SET batch = excluded.batch,
       at = now()
 WHERE write_slots.batch <> excluded.batch
RETURNING batch AS number;
