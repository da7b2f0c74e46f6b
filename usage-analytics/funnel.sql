-- name: started_sessions
-- By lab type, those with most starts first, after the row of all together. Starts without a lab type count only there.
SELECT of_lab,
       lab_type,
       started,
       completed,
       late,
       open,
       users_started,
       users_completed,
       p50,
       p90,
       p95,
       average
  FROM usage_funnel($1, $2::timestamptz, $3::timestamptz, $4::timestamptz, $5 * 1000000)
 WHERE NOT of_lab OR lab_type IS NOT NULL
 ORDER BY of_lab, started DESC, lab_type COLLATE "C";
