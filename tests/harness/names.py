"""A name server for tests: the few names that a test gives it, each with its addresses."""

import socket
import struct
import threading

TYPE_A, CLASS_IN = 1, 1
NO_ERROR, NO_SUCH_NAME = 0, 3
ANSWERS = 0x8180  # a response, recursion desired and available (RFC 1035, section 4.1.1)
TTL = 1  # seconds


class Names:
    """Runs in a `with`; `addresses` may be changed meanwhile."""

    def __init__(self, addresses: dict[str, list[str]]):
        self.addresses = addresses
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)

    def __enter__(self) -> "Names":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.socket.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()

    def serve(self) -> None:
        while True:
            question, client = self.socket.recvfrom(4096)
            if not question:
                return
            self.socket.sendto(self.answer(question), client)

    def answer(self, query: bytes) -> bytes:
        labels, at = [], 12  # behind the header
        while size := query[at]:
            labels.append(query[at + 1 : at + 1 + size].decode())
            at += 1 + size
        asked = query[12 : at + 5]
        name, kind = ".".join(labels), struct.unpack("!H", query[at + 1 : at + 3])[0]
        known = self.addresses.get(name)
        found = known if known and kind == TYPE_A else []
        flags = ANSWERS | (NO_SUCH_NAME if known is None else NO_ERROR)
        header = query[:2] + struct.pack("!5H", flags, 1, len(found), 0, 0)
        records = (
            struct.pack("!HHHIH", 0xC00C, TYPE_A, CLASS_IN, TTL, 4) + socket.inet_aton(a) for a in found
        )
        return header + asked + b"".join(records)
