"""The tables of the original as dictionaries: what its three services keep, without a database."""

from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import count


class ColumnError(Exception):
    """What PostgreSQL would refuse: the original answers it with a 500."""


def naive_now() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)


def fit_integer(value: int) -> int:
    """A value for an `integer` column."""
    if not -(2**31) <= value < 2**31:
        raise ColumnError("integer out of range")
    return value


def fit_text(value: str | None) -> str | None:
    """A value for a `varchar` column: encodable and without NUL."""
    if value is not None:
        if "\0" in value:
            raise ColumnError("a string literal cannot contain NUL")
        value.encode()
    return value


@dataclass
class Table:
    """Rows by key in the order of their insertion; unique columns as the database would hold them."""

    unique: tuple[str, ...] = ()
    rows: dict = field(default_factory=dict)
    serial: count = field(default_factory=lambda: count(1))

    def check(self, row: dict, key) -> None:
        for column in self.unique:
            if any(other[column] == row[column] for k, other in self.rows.items() if k != key):
                raise ColumnError(f"duplicate key value: {column}")
        for value in row.values():
            if isinstance(value, str):
                fit_text(value)

    def insert(self, row: dict, key=None) -> dict:
        key = next(self.serial) if key is None else key
        if key in self.rows:
            raise ColumnError("duplicate key value: id")
        row = {**row, "id": key}
        self.check(row, key)
        self.rows[key] = row
        return row

    def update(self, key, values: dict) -> dict:
        row = {**self.rows[key], **values}
        self.check(row, key)
        self.rows[key] = row
        return row

    def find(self, **equal) -> list[dict]:
        return [r for r in self.rows.values() if all(r[c] == v for c, v in equal.items())]


@dataclass
class Store:
    users: Table = field(default_factory=lambda: Table(unique=("username", "email")))
    labs: Table = field(default_factory=lambda: Table(unique=("name",)))
    attempts: Table = field(default_factory=Table)
    records: Table = field(default_factory=Table)
    statistics: Table = field(default_factory=Table)
    events: Table = field(default_factory=Table)
