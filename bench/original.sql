-- The tables of the original's other two services, without anything that the daemons add to them.
CREATE TABLE user_performance (
    id serial PRIMARY KEY, user_id varchar, lab_type varchar, completion_time integer, success boolean,
    errors json, resources_used json, timestamp timestamptz
);
CREATE INDEX ix_user_performance_user_id ON user_performance (user_id);
CREATE INDEX ix_user_performance_lab_type ON user_performance (lab_type);

CREATE TABLE usage_events (
    id serial PRIMARY KEY, user_id varchar, lab_type varchar, event_type varchar, event_data json,
    timestamp timestamptz
);
CREATE INDEX ix_usage_events_user_id ON usage_events (user_id);
CREATE INDEX ix_usage_events_lab_type ON usage_events (lab_type);
