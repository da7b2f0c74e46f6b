"""Long random histories of a table, as the daemon, the original and people at psql write it, while its sums are folded
now and then. After every step the reports are held against the raw rows, both as one transaction sees them."""

import itertools
import random
import threading
import time

import psycopg2
import psycopg2.errors

REFUSED = (psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected, psycopg2.errors.UniqueViolation)
FOLD_SECONDS = 300  # for the checks, and until the folds beside the writers have done something


def run(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


class History:
    """Random statements. `values` has what each column may be: SQL, or texts and numbers to be quoted."""

    def __init__(self, seed, table, values, fold, rebuild):
        self.chance = random.Random(seed)
        self.table, self.values, self.fold, self.rebuild = table, values, fold, rebuild

    def value(self, column):
        value = self.chance.choice(self.values[column])
        if value is None or column in ("timestamp", "errors_encountered"):
            return str(value or "NULL")
        return "'" + str(value).replace("'", "''") + "'"

    def early_id(self):
        return f"(SELECT coalesce(min(id), 0) - 1 FROM {self.table})"

    def insert(self):
        more = self.chance.choice([0, 0, 4, 20])
        ids = [self.chance.choice(["DEFAULT"] * 9 + [self.early_id()]), *["DEFAULT"] * more]
        rows = ", ".join("(" + ", ".join([number, *map(self.value, self.values)]) + ")" for number in ids)
        return f"INSERT INTO {self.table} (id, {', '.join(self.values)}) VALUES {rows}"

    def some(self):
        """A condition that a few rows meet."""
        one = f"id = (SELECT id FROM {self.table} ORDER BY {{}} LIMIT 1)"
        orders = ["random()", "id", "id DESC", "timestamp DESC NULLS LAST"]
        return self.chance.choice([*map(one.format, orders), "id % 7 = 3", f"user_id = {self.value('user_id')}"])

    def update(self):
        if self.chance.random() < 0.15:
            number = self.chance.choice([f"nextval('{self.table}_id_seq')", self.early_id()])
            return f"UPDATE {self.table} SET id = {number} WHERE id = (SELECT max(id) FROM {self.table})"
        changes = ", ".join(f"{c} = {self.value(c)}" for c in self.chance.sample(list(self.values), 2))
        return f"UPDATE {self.table} SET {changes} WHERE {self.some()}"

    def delete(self):
        return f"DELETE FROM {self.table} WHERE {self.some()}"

    def truncate(self):
        return f"TRUNCATE {self.table}" + self.chance.choice(["", " RESTART IDENTITY"])

    def write(self):
        kinds = [self.insert, self.update, self.delete, self.truncate]
        return self.chance.choices(kinds, [40, 20, 10, 2])[0]()

    def upkeep(self):
        if self.chance.random() < 0.05:
            return f"SELECT {self.rebuild}()"
        few, of_user, one_of = (self.chance.choice(of) for of in ([1, 1, 10], [1, 5], [1, 2]))
        return f"SELECT {self.fold}({few}, 1, {of_user}, {one_of})"


class Snapshots:
    """Calls a check with a connection whose transaction sees one state throughout."""

    def __init__(self, service, check):
        self.connection = service.connect(autocommit=False)
        self.connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        self.call = lambda: check(service, self.connection)

    def check(self, note):
        try:
            self.call()
        except AssertionError as error:
            raise AssertionError(f"after {note}: {error}") from error
        finally:
            self.connection.rollback()


def one_after_the_other(service, history, check, steps):
    snapshots, connection = Snapshots(service, check), service.connect()
    for _ in range(steps):
        sql = history.chance.choices([history.write, history.upkeep], [72, 28])[0]()
        run(connection, sql)
        snapshots.check(sql)


def overlapping(service, history, check, steps):
    """Three transactions are open at a time, and end now and then."""
    snapshots, folder = Snapshots(service, check), service.connect()
    writers = [service.connect(autocommit=False) for _ in range(3)]
    for writer in writers:
        run(writer, "SET lock_timeout = '100ms'")
        writer.commit()
    for _ in range(steps):
        writer = history.chance.choice(writers)
        chance = history.chance.random()
        sql = "COMMIT" if chance < 0.45 else "ROLLBACK" if chance < 0.5 else None
        try:
            if sql is None and chance < 0.65:
                sql = history.upkeep()
                run(folder, sql)
            else:
                sql = sql or history.write()
                run(writer, sql)
                if sql.startswith("TRUNCATE"):  # readers wait for its end
                    writer.commit()
        except REFUSED:
            writer.rollback()
        snapshots.check(sql)


def all_at_once(service, make_history, check, checks, fold, folded):
    """Connections write and fold as fast as they can, until so many checks are done and the SQL condition `folded` held:
    how much the folds get to do beside the writers is chance."""
    snapshots, ends, errors = Snapshots(service, check), threading.Event(), []
    watcher = service.connect().cursor()

    def is_folded():
        watcher.execute(f"SELECT {folded}")
        return watcher.fetchone()[0]

    def go_on(connection, statement):
        while not ends.is_set():
            try:
                run(connection, statement())
            except REFUSED:
                pass
            except psycopg2.Error as error:
                errors.append(error)
                return

    def writes(history):
        delete = f"DELETE FROM {history.table} WHERE id IN (SELECT id FROM {history.table} ORDER BY random() LIMIT 3)"
        return lambda: history.chance.choice([history.insert, history.update, history.update, lambda: delete])()

    works = [writes(make_history(seed)) for seed in range(3)] + [lambda: f"SELECT {fold}(1, 1, 5, 2)"]
    threads = [threading.Thread(target=go_on, args=(service.connect(), work)) for work in works]
    for thread in threads:
        thread.start()
    try:
        last = time.monotonic() + FOLD_SECONDS
        for number in itertools.count():
            snapshots.check(f"check {number}")
            if errors or number + 1 >= checks and is_folded():
                break
            assert time.monotonic() < last, f"never: {folded}"
    finally:
        ends.set()
        for thread in threads:
            thread.join()
    assert not errors
