"""A database as the original left it: its statements, and what its tables look like."""

from contextlib import closing


def run(postgres, database: str, sql: str) -> None:
    """Runs statements that each end a line with a semicolon."""
    with closing(postgres.connect(database)) as connection, connection.cursor() as cursor:
        for statement in filter(str.strip, sql.split(";\n")):
            cursor.execute(statement)


def described(postgres, database: str, *tables: str) -> tuple[set, set]:
    """Columns and indexes of the tables."""
    with closing(postgres.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type, is_nullable, character_maximum_length, column_default"
            " FROM information_schema.columns WHERE table_schema = 'public' AND table_name = ANY (%s)",
            [list(tables)],
        )
        columns = set(cursor.fetchall())
        cursor.execute(
            "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE tablename = ANY (%s)", [list(tables)]
        )
        return columns, set(cursor.fetchall())
