-- name: claim_retention
-- Returns a row if no daemon has taken its turn in the last second. A time in the future is of a clock that was set
-- back.
INSERT INTO upkeep_turns AS t (name, at)
VALUES ('retention', clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET at = clock_timestamp()
 WHERE clock_timestamp() NOT BETWEEN t.at AND t.at + interval '1 second'
RETURNING true AS any;
