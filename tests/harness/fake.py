"""A User Progress that misbehaves: plain sockets, so that the test controls every byte and every pause."""

import json
import socket
import socketserver
import struct
import threading
from dataclasses import dataclass
from typing import Callable


@dataclass
class Asked:
    method: str
    path: str
    headers: dict  # names in lower case
    body: bytes

    def json(self):
        return json.loads(self.body)


class Line:
    """The connection that a request came on; `Fake.behave` answers on it as it likes."""

    def __init__(self, connection: socket.socket, closing: threading.Event):
        self.connection = connection
        self.file = connection.makefile("rb")
        self.closing = closing

    def read(self) -> Asked | None:
        """The next request; None at the end of the connection."""
        words = self.file.readline().decode("latin-1").split()
        if len(words) != 3:
            return None
        headers = {}
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        return Asked(words[0], words[1], headers, self.file.read(int(headers.get("content-length", 0))))

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def answer(self, status: int, body: bytes | dict | list, content_type: str = "application/json") -> None:
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"HTTP/1.1 {status} Any\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.send(head.encode() + body)

    def reset(self) -> None:
        """Ends the connection with a reset instead of a goodbye."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.hang_up()

    def hang_up(self) -> None:
        self.file.close()
        self.connection.close()

    def stay_silent(self) -> None:
        """Until the fake ends, which hangs up: a daemon that waited for the answer can end as well."""
        self.closing.wait()

    def drip(self, data: bytes, seconds: float) -> None:
        """A byte each so many seconds."""
        for byte in data:
            self.send(bytes([byte]))
            if self.closing.wait(seconds):
                return


class Fake:
    """Runs in a `with`. Each request is kept in `asked` and handed to `behave`, on a thread a connection."""

    def __init__(self, behave: Callable[[Line, Asked], None], address: str = "127.0.0.1", port: int = 0):
        self.behave = behave
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        fake = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                fake.serve(Line(self.request, fake.closing))

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 128

        self.server = Server((address, port), Handler)
        self.url = f"http://{address}:{self.server.server_address[1]}"

    def __enter__(self) -> "Fake":
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def serve(self, line: Line) -> None:
        try:
            while not self.closing.is_set() and (asked := line.read()):
                self.asked.append(asked)
                self.behave(line, asked)
        except (OSError, ValueError):
            pass  # the daemon has hung up, or `behave` has

    def calls(self, method: str, path: str) -> list[Asked]:
        return [asked for asked in self.asked if (asked.method, asked.path) == (method, path)]


def directory(users: dict, labs: list[dict]) -> Callable[[Asked], dict]:
    """What User Progress answers to POST /lookup: users by id, and the first lab of a type."""

    def answer(asked: Asked) -> dict:
        question = asked.json()
        by_type = {lab["lab_type"]: lab for lab in reversed(labs)}
        return {
            "users": [users.get(user_id) for user_id in question["user_ids"]],
            "labs": [by_type.get(lab_type) for lab_type in question["lab_types"]],
        }

    return answer
