"""TLS on the loopback address: a certificate, and a terminator before PostgreSQL."""

import socket
import ssl
import subprocess
import threading
from pathlib import Path

RECORD = 16384  # the most bytes of a record (RFC 8446, section 5.1)
SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"  # libpq's question whether the server speaks TLS


def certificate(directory: Path) -> ssl.SSLContext:
    """A server's context with a certificate of its own authority, which is `ca.pem` in the directory."""
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
        + ["-addext", names, "-keyout", directory / "key.pem", "-out", directory / "ca.pem"],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "ca.pem", directory / "key.pem")
    return context


class Terminator:
    """
    Speaks TLS to clients of a PostgreSQL and nothing else to the server, as poolers and balancers do, with records as
    large as they may be. Runs in a `with`.
    """

    def __init__(self, context: ssl.SSLContext, address: dict):
        self.context = context
        self.server = f"{address['PGHOST']}/.s.PGSQL.{address['PGPORT']}"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open: list[socket.socket] = []

    def __enter__(self) -> "Terminator":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        for one in (self.listener, *self.open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # its other end was faster
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self.open.append(client)
        try:
            assert client.recv(len(SSL_REQUEST), socket.MSG_WAITALL) == SSL_REQUEST
            client.sendall(b"S")
            client = self.context.wrap_socket(client, server_side=True)
            with socket.socket(socket.AF_UNIX) as server:
                server.connect(self.server)
                self.open += [client, server]
                _Pump(client, server).run()
        except (OSError, AssertionError):
            pass  # the client has left
        finally:
            client.close()


class _Pump:
    """Moves bytes both ways. One thread only touches the TLS socket: OpenSSL allows no two at a time."""

    def __init__(self, client: ssl.SSLSocket, server: socket.socket):
        self.client, self.server = client, server
        client.settimeout(0.01)
        server.settimeout(0.01)

    def run(self) -> None:
        while self._take(self.client, self.server.sendall) and self._take(self.server, self._send_as_one):
            pass

    def _send_as_one(self, data: bytes) -> None:
        """What the server says until it pauses, in records that are full."""
        while len(data) < 64 * RECORD:
            try:
                more = self.server.recv(RECORD)
            except TimeoutError:
                break
            if not more:
                break
            data += more
        self.client.settimeout(30)
        self.client.sendall(data)
        self.client.settimeout(0.01)

    @staticmethod
    def _take(source, give) -> bool:
        try:
            data = source.recv(RECORD)
        except TimeoutError:
            return True
        if data:
            give(data)
        return bool(data)
