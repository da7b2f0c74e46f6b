-- name: active_users
-- The figures of the last 1, 7 and 30 times 24 hours are in every row.
SELECT active,
       new,
       active_7_days,
       active_30_days,
       active_1,
       active_7,
       active_30,
       new_30
  FROM usage_active($1, $2::timestamptz[], $3::integer);
