"""What the tests of a running service use: a PostgreSQL, a daemon, exchanges, raw sockets."""
