"""A name server for tests: the few names that a test gives it, each with its addresses."""

import itertools
import os
import socket
import struct
import subprocess
import threading
from pathlib import Path

TYPE_A, CLASS_IN = 1, 1
NO_ERROR, NO_SUCH_NAME = 0, 3
ANSWERS = 0x8180  # a response, recursion desired and available (RFC 1035, section 4.1.1)
TTL = 1  # seconds
DNS_PORT = 53

# Runs a command that finds the file $0 where the system keeps the addresses of its name servers.
WITH_OWN_SERVERS = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


def can_be_the_systems() -> bool:
    """Whether this process may give others name servers of their own."""
    mounted = subprocess.run(
        ["unshare", "-m", "sh", "-c", WITH_OWN_SERVERS, "/etc/hosts", "true"], capture_output=True
    )
    return os.geteuid() == 0 and mounted.returncode == 0


def free_loopback() -> str:
    """An address of this machine whose port 53 nobody else of these tests uses."""
    for n in itertools.count(os.getpid()):
        address = f"127.53.{n // 250 % 250}.{n % 250 + 1}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as some:
            try:
                some.bind((address, DNS_PORT))
                return address
            except OSError:
                continue


class Names:
    """Runs in a `with`; `addresses` may be changed meanwhile, and while it is `silent` it answers nobody."""

    def __init__(self, addresses: dict[str, list[str]], address: str = "127.0.0.1", port: int = 0):
        self.addresses = addresses
        self.silent = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        self.host, self.port = self.socket.getsockname()
        self.thread = threading.Thread(target=self.serve)

    def __enter__(self) -> "Names":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.socket.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()

    def inside(self, directory: Path) -> tuple[str, ...]:
        """A command that runs another one with this as its only name server."""
        servers = directory / "resolv.conf"
        servers.write_text(f"nameserver {self.host}\n")
        return ("unshare", "-m", "sh", "-c", WITH_OWN_SERVERS, str(servers))

    def serve(self) -> None:
        while True:
            question, client = self.socket.recvfrom(4096)
            if not question:
                return
            if not self.silent:
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
