-- The stamp by which a batch is known to be there or not.

-- name: stamp_batch
-- Answers a row when this batch was not there before; waits for an older transaction of the slot to end.
INSERT INTO write_slots (slot, batch)
VALUES ($1::uuid, $2)
    ON CONFLICT (slot) DO UPDATE
   SET batch = excluded.batch,
       at = now()
 WHERE write_slots.batch <> excluded.batch
RETURNING batch AS number;
