-- The databases of the three services, made when the container's data directory is: each service makes its tables.
-- UTF8 whatever the cluster's own encoding is: the services take no other.
CREATE DATABASE user_progress_db ENCODING 'UTF8' TEMPLATE template0;
CREATE DATABASE performance_db ENCODING 'UTF8' TEMPLATE template0;
CREATE DATABASE usage_analytics_db ENCODING 'UTF8' TEMPLATE template0;
