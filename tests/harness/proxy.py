"""Debian's proxies with the configurations of deploy/proxy, on addresses of the test."""

import getpass
import socket
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from harness.names import Names
from harness.ports import free_port
from harness.postgres import ROOT
from harness.wait import until

PROGRAM = "/usr/sbin/haproxy"
CONFIGURATION = ROOT / "deploy" / "proxy" / "haproxy.cfg"
SERVICE_PORTS = ("8004", "8005", "8006")


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


PREFIXES = {"user-progress": "/progress", "performance-reporting": "/perf", "usage-analytics": "/usage"}


class Prefixed:
    """One address with a prefix for each service, in a `with`: nginx, HAProxy or Caddy as it is deployed."""

    KINDS = {"nginx": "nginx.conf", "haproxy": "prefix.cfg", "caddy": "Caddyfile"}

    def __init__(self, kind: str, services: dict[str, str]):
        self.kind = kind
        self.port = free_port()
        self.directory = tempfile.TemporaryDirectory()
        text = (CONFIGURATION.parent / self.KINDS[kind]).read_text()
        for port, service in zip(SERVICE_PORTS, PREFIXES):
            assert f"127.0.0.1:{port}" in text
            text = text.replace(f"127.0.0.1:{port}", urlsplit(services[service]).netloc)
        assert "8080" in text
        text = text.replace("8080", f"127.0.0.1:{self.port}" if kind == "nginx" else str(self.port))
        self.configuration = Path(self.directory.name) / self.KINDS[kind]
        self.configuration.write_text(self.surrounded(text))

    def surrounded(self, text: str) -> str:
        """nginx' file is a part of its whole configuration."""
        if self.kind != "nginx":
            return text
        here = self.directory.name
        paths = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{name}_temp_path {here}/{name};" for name in paths)
        return (
            f"user {getpass.getuser()}; daemon off; pid {here}/pid; error_log {here}/error.log; events {{}}\n"
            f"http {{ access_log off; {temporary}\n{text}}}\n"
        )

    def command(self) -> list:
        return {
            "nginx": ["/usr/sbin/nginx", "-e", f"{self.directory.name}/error.log", "-c", self.configuration],
            "haproxy": [PROGRAM, "-db", "-f", self.configuration],
            "caddy": ["/usr/bin/caddy", "run", "--adapter", "caddyfile", "--config", self.configuration],
        }[self.kind]

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.port}{PREFIXES[service]}"

    def __enter__(self) -> "Prefixed":
        with (self.configuration.parent / "log").open("wb") as log:
            self.process = subprocess.Popen(
                self.command(),
                env={"BIND": "127.0.0.1", "HOME": self.directory.name},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(self.answers, f"{self.kind} to listen")
        return self

    def answers(self) -> bool:
        assert self.process.poll() is None, (self.configuration.parent / "log").read_text()
        with socket.socket() as some:
            return some.connect_ex(("127.0.0.1", self.port)) == 0

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()
