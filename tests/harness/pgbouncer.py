"""Debian's PgBouncer in front of a server of the tests, configured by deploy/pgbouncer/pgbouncer.ini."""

import configparser
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import psycopg2

from harness.postgres import ROOT, Server
from harness.wait import until

PROGRAM = "/usr/sbin/pgbouncer"
CONFIGURATION = ROOT / "deploy" / "pgbouncer" / "pgbouncer.ini"
PORT = "6432"  # names the socket; nothing listens on TCP


class PgBouncer(Server):
    """Runs in a `with`; every database of the server is reached through it. It does not run as root."""

    def __init__(self, server: Server):
        self.server = server
        self.process: subprocess.Popen | None = None
        self.directory = Path(tempfile.mkdtemp(prefix="pgbouncer-", dir="/tmp"))  # short: it holds a socket
        super().__init__({"PGHOST": str(self.directory), "PGPORT": PORT, "PGUSER": server.address["PGUSER"]})

    def __enter__(self) -> "PgBouncer":
        self.write()
        self.directory.chmod(0o755)
        command = [PROGRAM, "pgbouncer.ini"]
        if os.getuid() == 0:
            shutil.chown(self.directory, "postgres")
            command[1:1] = ["-u", "postgres"]
        with (self.directory / "log").open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until(self.accepts, "PgBouncer to accept")
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory)

    def write(self) -> None:
        """What the tests have otherwise than the deployment: where the server is, a socket, and no passwords."""
        address = self.server.address
        user = address["PGUSER"]
        (self.directory / "users").write_text(f'"{user}" ""\n')
        settings = configparser.ConfigParser(interpolation=None)
        settings.read(CONFIGURATION)
        settings["databases"] = {"*": f"host={address['PGHOST']} port={address['PGPORT']} user={user}"}
        settings["pgbouncer"].update({
            "listen_addr": "",
            "listen_port": PORT,
            "unix_socket_dir": str(self.directory),
            "auth_type": "trust",
            "auth_file": "users",
            "admin_users": user,
        })
        with (self.directory / "pgbouncer.ini").open("w") as file:
            settings.write(file)

    def lead_to(self, server: Server) -> None:
        """Has it connect to another server from now on."""
        self.server = server
        self.write()
        self.process.send_signal(signal.SIGHUP)

    def reconnect(self) -> None:
        """Makes it forget what its server said when it connected: that it is a standby."""
        with closing(self.connect("pgbouncer")) as connection, connection.cursor() as cursor:
            cursor.execute("RECONNECT")

    def accepts(self) -> bool:
        assert self.process.poll() is None, (self.directory / "log").read_text()
        try:
            self.connect("pgbouncer").close()
            return True
        except psycopg2.OperationalError:
            return False
