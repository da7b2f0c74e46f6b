-- What the owner of a schema asks before it grants anything. $1 is the role of the service.

-- name: look_at_role
-- `n`: null if there is no such role; 1 if it is the one that asks; otherwise 0.
SELECT (SELECT (rolname = current_user)::integer FROM pg_roles WHERE rolname = $1) AS n;

-- name: list_withdrawals
-- Statements that leave the role nothing of what the owner has, except the way in.
SELECT format('REVOKE ALL ON %s %s FROM PUBLIC, %I', kind, name, $1::text) AS statement
  FROM (
       SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, oid::regclass::text AS name
         FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace
          AND relkind IN ('r', 'p', 'v', 'm', 'S')
          AND relowner = current_user::regrole
        UNION ALL
       SELECT 'ROUTINE', oid::regprocedure::text
         FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace
          AND prosecdef
          AND proowner = current_user::regrole
        UNION ALL
       SELECT 'SCHEMA', quote_ident(nspname)
         FROM pg_namespace
        WHERE nspname = current_schema()
          AND pg_has_role(nspowner, 'USAGE')
        UNION ALL
       SELECT 'DATABASE', quote_ident(datname)
         FROM pg_database
        WHERE datname = current_database()
          AND pg_has_role(datdba, 'USAGE')
  ) AS owned
 UNION ALL
SELECT format('GRANT USAGE ON SCHEMA %I TO %I', nspname, $1::text)
  FROM pg_namespace
 WHERE nspname = current_schema()
   AND pg_has_role(nspowner, 'USAGE')
 UNION ALL
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', datname, $1::text)
  FROM pg_database
 WHERE datname = current_database()
   AND pg_has_role(datdba, 'USAGE');

-- name: list_excess
-- What the role may do beyond that, because of others than the owner.
SELECT format('more than it needs: the role %s %s', rolname, what) AS line
  FROM pg_roles,
       LATERAL (
       VALUES (rolsuper, 'is a superuser'),
              (rolcreaterole OR rolcreatedb, 'may create roles or databases'),
              (NOT rolsuper AND pg_has_role(oid, current_user::regrole, 'MEMBER'), 'is a member of the owner''s role'),
              (NOT rolsuper AND has_database_privilege(oid, current_database(), 'CREATE, TEMPORARY'),
               'may create schemas or temporary tables in the database'),
              (NOT rolsuper AND has_schema_privilege(oid, current_schema(), 'CREATE'),
               'may create tables in the schema')
  ) AS excess (has, what)
 WHERE rolname = $1
   AND has;
