"""What the tests of a running service stand on: a PostgreSQL, a daemon, exchanges, raw sockets."""
