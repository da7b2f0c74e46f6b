-- Users, labs and lab attempts: the tables of the original, which is taken as it is and only added to.

CREATE TABLE IF NOT EXISTS users (
    id varchar PRIMARY KEY,
    username varchar,
    full_name varchar,
    email varchar,
    created_at timestamp,
    last_active timestamp
);
CREATE UNIQUE INDEX IF NOT EXISTS ix_users_username ON users (username);
CREATE UNIQUE INDEX IF NOT EXISTS ix_users_email ON users (email);
CREATE INDEX IF NOT EXISTS ix_users_created_at_id ON users (created_at, id);

CREATE TABLE IF NOT EXISTS labs (
    id varchar PRIMARY KEY,
    name varchar,
    description text,
    lab_type varchar,
    difficulty varchar,
    created_at timestamp,
    updated_at timestamp
);
CREATE UNIQUE INDEX IF NOT EXISTS ix_labs_name ON labs (name);
CREATE INDEX IF NOT EXISTS ix_labs_lab_type ON labs (lab_type);
CREATE INDEX IF NOT EXISTS ix_labs_created_at_id ON labs (created_at, id);
-- The lab that is shown for a type is the oldest one.
CREATE INDEX IF NOT EXISTS ix_labs_lab_type_created_at_id ON labs (lab_type, created_at, id);

CREATE TABLE IF NOT EXISTS lab_attempts (
    id serial PRIMARY KEY,
    user_id varchar,
    lab_type varchar,
    completion_status boolean,
    time_spent integer,
    errors_encountered varchar[],
    timestamp timestamp
);
CREATE INDEX IF NOT EXISTS ix_lab_attempts_user_id ON lab_attempts (user_id);
