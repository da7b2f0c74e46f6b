-- The databases of the three services, made when the container's data directory is: each service makes its tables.
CREATE DATABASE user_progress_db;
CREATE DATABASE performance_db;
CREATE DATABASE usage_analytics_db;
