"""HTTP/1.1 byte by byte, for what no well-behaved client sends."""

import socket
from urllib.parse import urlsplit

from harness.exchange import Answer

LIMIT = 16 << 20  # bytes that one line or body of an answer may have


class Wire:
    """One connection. Answers are read one after the other; `None` stands for the end of the connection."""

    def __init__(self, url: str, timeout: float = 30):
        address = urlsplit(url)
        self.host = f"{address.hostname}:{address.port}"
        self.socket = socket.create_connection((address.hostname, address.port), timeout)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def send(self, data: bytes) -> bool:
        """Sends; false when the other side has hung up."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def request(
        self, method: str, target: str, *headers: str, body: bytes = b"", version: str = "HTTP/1.1"
    ) -> None:
        """A request with a Host and the header lines given."""
        lines = [f"{method} {target} {version}", f"Host: {self.host}", *headers, "", ""]
        self.send("\r\n".join(lines).encode("latin-1") + body)

    def answer(self, method: str = "GET") -> Answer | None:
        """The next answer, interim ones (1xx) included."""
        try:
            line = self.file.readline(LIMIT)
            if not line:
                return None
            status = int(line.split(None, 2)[1])
            headers = self.read_headers()
            return Answer(status, headers, self.read_body(status, headers, method))
        except ConnectionResetError:
            return None

    def read_headers(self) -> dict:
        headers = {}
        while (line := self.file.readline(LIMIT)) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        return headers

    def read_body(self, status: int, headers: dict, method: str) -> bytes:
        if method == "HEAD" or status < 200 or status in (204, 304):
            return b""
        if headers.get("transfer-encoding") == "chunked":
            return self.read_chunks()
        if "content-length" in headers:
            return self.file.read(int(headers["content-length"]))
        return self.file.read(LIMIT)

    def read_chunks(self) -> bytes:
        body = b""
        while size := int(self.file.readline(LIMIT).split(b";")[0], 16):
            body += self.file.read(size)
            self.file.readline(LIMIT)
        self.read_headers()
        return body

    def rest(self) -> bytes:
        """Everything until the connection ends."""
        data = b""
        try:
            while len(data) < LIMIT and (more := self.file.read1(65536)):
                data += more
        except ConnectionResetError:
            pass
        return data

    def closed(self) -> bool:
        """Waits for the next bytes; true when there are none because the connection has ended."""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True
