-- name: user_timeline
-- A row for each interval in which something happened, by lab type, and of all together in the rows before those. Events
-- without a lab type count only there.
SELECT of_lab,
       lab_type,
       bucket,
       events,
       sessions,
       first_seen,
       last_seen
  FROM usage_of_user($1, $2::timestamptz[])
 WHERE NOT of_lab OR lab_type IS NOT NULL
 ORDER BY of_lab, lab_type COLLATE "C", bucket;
