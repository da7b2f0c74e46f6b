-- name: find_users_and_labs
-- A row for each user and then for each lab type of the request, in order. Details are included if $3 is true; after $4
-- bytes of them they are left out, and too_large is true in the last row.
SELECT there,
       key,
       name,
       CASE WHEN size <= $4 THEN description END AS description,
       CASE WHEN size <= $4 THEN difficulty END AS difficulty,
       size > $4 AS too_large
  FROM (
       SELECT 1 AS part,
              n,
              u.id IS NOT NULL AS there,
              u.id AS key,
              u.username AS name,
              NULL AS description,
              NULL AS difficulty,
              0::bigint AS size
         FROM unnest($1::text[]) WITH ORDINALITY AS a (id, n)
         LEFT JOIN users u ON u.id = a.id
        UNION ALL
       SELECT 2,
              n,
              l.id IS NOT NULL,
              a.lab_type,
              l.name,
              l.description,
              l.difficulty,
              sum(coalesce(octet_length(l.description), 0) + coalesce(octet_length(l.difficulty), 0))
                  OVER (ORDER BY n)
         FROM unnest($2::text[]) WITH ORDINALITY AS a (lab_type, n)
         LEFT JOIN LATERAL (
              SELECT id,
                     name,
                     CASE WHEN $3 THEN description END AS description,
                     CASE WHEN $3 THEN difficulty END AS difficulty
                FROM labs
               WHERE lab_type = a.lab_type
               ORDER BY created_at, id
               LIMIT 1
         ) AS l ON true
  ) AS found
 ORDER BY part, n;
