"""What a machine of its own would be: a directory, and every process that works in it.

PostgreSQL refuses root, so what root starts here runs as the user `postgres`.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from harness.wait import until

END_SECONDS = 30  # until processes that were told to end are gone
LOG_TAIL = 3000  # bytes of the log that a failed test shows


class Machine:
    def __init__(self, directory: Path):
        self.directory = directory
        directory.mkdir(mode=0o700)
        self.owner = {}
        if os.getuid() == 0:
            shutil.chown(directory, "postgres", "postgres")
            self.owner = {"user": "postgres", "group": "postgres", "extra_groups": []}

    def write(self, name: str, text: str) -> Path:
        """A file that the processes can read and nobody else."""
        file = self.directory / name
        file.touch(mode=0o600)
        file.write_text(text)
        if self.owner:
            shutil.chown(file, "postgres", "postgres")
        return file

    def run(self, *command) -> subprocess.Popen:
        """Starts a program in the directory; what it and its children print goes to `log` there."""
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.directory,
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(self.directory)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self.owner,
            )

    def log_tail(self) -> str:
        return (self.directory / "log").read_bytes()[-LOG_TAIL:].decode(errors="replace")

    def processes(self) -> dict[int, str]:
        """The processes that work in the directory, each with its state as proc(5) names it; zombies are gone."""
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "cwd").readlink().is_relative_to(self.directory):
                    found[int(entry.name)] = (entry / "stat").read_text().rpartition(") ")[2][0]
            except OSError:
                continue  # ended meanwhile, or another user's
        return found

    def signal_until(self, how: signal.Signals, done: str, what: str) -> None:
        """Signals all of them until each is in the state `done`: some may be starting others meanwhile."""

        def signalled() -> bool:
            others = [pid for pid, state in self.processes().items() if state != done]
            for pid in others:
                try:
                    os.kill(pid, how)
                except ProcessLookupError:
                    continue
            return not others

        until(signalled, f"{self.directory.name} to {what}", END_SECONDS)

    def kill(self) -> None:
        """The power fails: nothing gets to run any more. What was written to files stays."""
        self.signal_until(signal.SIGKILL, "", "be gone")

    def freeze(self) -> None:
        self.signal_until(signal.SIGSTOP, "T", "stand still")

    def thaw(self) -> None:
        for pid in self.processes():
            os.kill(pid, signal.SIGCONT)
