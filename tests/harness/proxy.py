"""Debian's HAProxy with the configuration of deploy/proxy, on addresses of the test."""

import socket
import subprocess
import tempfile
from pathlib import Path

from harness.names import Names
from harness.postgres import ROOT

PROGRAM = "/usr/sbin/haproxy"
CONFIGURATION = ROOT / "deploy" / "proxy" / "haproxy.cfg"
SERVICE_PORTS = ("8004", "8005", "8006")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as some:
        return some.getsockname()[1]


class Proxy:
    """Runs in a `with`. What differs from the deployment: its own ports, the services' port, the name server."""

    def __init__(self, names: Names, service_port: int):
        text = CONFIGURATION.read_text()
        self.ports = {port: str(free_port()) for port in SERVICE_PORTS}
        changes = {":8000": f":{service_port}", "parse-resolv-conf": f"nameserver test 127.0.0.1:{names.port}"}
        for old, new in changes.items() | {(f":{port}", f":{own}") for port, own in self.ports.items()}:
            assert old in text
            text = text.replace(old, new)
        self.directory = tempfile.TemporaryDirectory()
        self.configuration = Path(self.directory.name) / "haproxy.cfg"
        self.configuration.write_text(text)

    def url(self, port: str) -> str:
        return f"http://127.0.0.1:{self.ports[port]}"

    def __enter__(self) -> "Proxy":
        with (self.configuration.parent / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "-db", "-f", self.configuration],
                env={"BIND": "127.0.0.1", "INSTANCES": "4"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()
        self.directory.cleanup()
