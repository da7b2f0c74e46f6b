"""A commit that succeeds but is answered with an error, as by a pooler whose server disappears at that moment."""

import select
import socket
import struct
import tempfile
import threading
from contextlib import closing

from harness.load import Load
from harness.postgres import Server
from harness.wait import until

SYNC, READY, ERROR = b"S", b"Z", b"E"
LOST = b"SFATAL\0C08P01\0Mserver conn crashed?\0\0"


class Spoiler(Server):
    """Between a daemon and PostgreSQL. On command, the answer to a commit becomes an error and the connection ends.

    It spoils transactions that write alone: they are those with the statement that stamps a batch with its number.
    """

    def __init__(self, directory: str, server: Server):
        port = server.address["PGPORT"]
        super().__init__({**server.address, "PGHOST": directory})
        self.behind = f"{server.address['PGHOST']}/.s.PGSQL.{port}"
        self.wanted = threading.Semaphore(0)
        self.spoiled = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{directory}/.s.PGSQL.{port}")
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            client = self.listener.accept()[0]
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.behind)
            threading.Thread(target=self.relay, args=(client, server), daemon=True).start()

    def relay(self, client: socket.socket, server: socket.socket) -> None:
        begun = writes = False
        with client, server:
            while True:
                for source in select.select([client, server], [], [])[0]:
                    message = message_from(source, begun or source is server)
                    if not message:
                        return
                    if source is server:
                        client.sendall(message)
                        continue
                    begun = True
                    writes = writes or b"stamp_batch" in message
                    server.sendall(message)
                    if message[:1] == SYNC and writes and self.wanted.acquire(blocking=False):
                        while message_from(server)[:1] != READY:
                            pass
                        client.sendall(ERROR + struct.pack("!i", len(LOST) + 4) + LOST)
                        self.spoiled += 1
                        return
                    writes = writes and message[:1] != SYNC


def message_from(source: socket.socket, typed: bool = True) -> bytes:
    """The next message of the protocol; only the first one that a client sends has no type. Empty at the end."""
    head = exactly(source, 5 if typed else 4)
    return head and head + exactly(source, struct.unpack("!i", head[-4:])[0] - 4)


def exactly(source: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        try:
            some = source.recv(size - len(data))
        except ConnectionResetError:
            return b""
        if not some:
            return b""
        data += some
    return data


def test_a_commit_that_succeeds_but_is_answered_with_an_error_is_not_repeated(postgres, start_daemon):
    database = postgres.create_database()
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:  # short: it holds a socket
        spoiler = Spoiler(directory, postgres)
        daemon = start_daemon(DATABASE_URL=spoiler.url(database)).ready()
        with Load(lambda: daemon.url) as load:
            for n in range(10):
                load.wait_for_more(50)
                spoiler.wanted.release()
                until(lambda: spoiler.spoiled > n, "a commit to be spoiled")
            load.wait_for_more(50)
        with closing(postgres.connect(database)) as connection:
            load.check(connection)
        assert set(load.outcomes.statuses) == {200}
        daemon.stop()
