"""Memory that runs out on any call: each allocation fails in turn, in the daemon and in all of its libraries.

The call is answered as it is documented, or 503, or its connection is closed; nothing crashes, and the next one works.
It takes long, so a campaign runs it (tools/campaign): `EXHAUSTED_EACH` says which share of the allocations fails, every
so manieth, 1 for all of them; `EXHAUSTED_CALLS` is a part of the names of the calls.
"""

import mmap
import os
import struct
import subprocess
from http.client import HTTPException
from pathlib import Path
from random import Random

import pytest

from harness.daemon import SERVICES, VARIANT, WRAPPER, Daemons
from harness.postgres import ROOT
from harness.trio import SERVICE_TOKEN, Trio
from harness.wait import until
from harness.walk import PATIENT, Call, Walk, token_of

EACH = int(os.environ.get("EXHAUSTED_EACH", "0"))
ONLY = os.environ.get("EXHAUSTED_CALLS", "")
SEED = int(os.environ.get("EXHAUSTED_SEED", "1"))
NONE = 0  # of the allocations fails
TIMES = {name: "5000" for name in PATIENT}  # a call that lost its memory may end only then
MOST = 20_000  # allocations of one call
FILLED = 150  # good requests before, so that calls find something
BELONGS = struct.Struct("qq")  # as exhausted.c has it

pytestmark = pytest.mark.skipif(
    not EACH or VARIANT != "release" or bool(WRAPPER),
    reason="it is part of a campaign; sanitizers and valgrind have allocators of their own",
)


class Allocations:
    """Those of one daemon."""

    def __init__(self, file: Path):
        file.write_bytes(bytes(BELONGS.size))
        with file.open("r+b") as opened:
            self.map = mmap.mmap(opened.fileno(), BELONGS.size)

    def fail(self, at: int) -> None:
        BELONGS.pack_into(self.map, 0, at, 0)

    @property
    def left(self) -> int:
        return BELONGS.unpack_from(self.map)[0]

    @property
    def failed(self) -> int:
        return BELONGS.unpack_from(self.map)[1]


class Exhausting(Walk):
    """Makes good calls, and the same ones while an allocation fails."""

    def good(self, call: Call) -> tuple:
        target = self.target_of(call, "")
        headers, body = self.body_of(call, "")
        if call.operation.get("security"):
            subject = self.rng.choice(self.known.get("user_id") or ["someone"])
            headers["Authorization"] = f"Bearer {self.token(subject)}"
        return target, headers, body

    def works(self, call: Call) -> None:
        status, got = self.send(call, call.method, *self.good(call))
        if status < 300 and got is not None:
            self.learn(call, got)

    def fails(self, call: Call) -> None:
        """The call may fail, on a new connection, with an answer that is documented."""
        target, headers, body = self.good(call)
        self.hang_up(call.service)
        try:
            status, kind, answer = self.exchange(call.service, call.method, target, headers, body)
        except (HTTPException, OSError):
            self.statuses["closed"] += 1
            return
        self.statuses[status] += 1
        fault = self.documents[call.service].fault(call.method, target, status, kind, answer)
        assert fault is None or status == 503, f"{fault}\nfor {call.name} {target}"
        assert status < 500 or status == 503, f"{status} {answer[:300]!r} for {call.name} {target}"


@pytest.fixture(scope="module")
def exhausts(tmp_path_factory):
    library = tmp_path_factory.mktemp("library") / "exhausted.so"
    source = ROOT / "tests" / "harness" / "exhausted.c"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", library, source], check=True)
    return str(library)


def test_each_allocation_of_each_call_may_fail(postgres, issuer, exhausts, tmp_path):
    files = {service: Allocations(tmp_path / f"memory.{service}") for service in SERVICES}
    rng = Random(SEED)
    with Daemons(tmp_path) as daemons:
        trio = Trio(
            daemons, postgres, issuer, LD_PRELOAD=exhausts, EXHAUSTED_FILE=str(tmp_path / "memory"), **TIMES
        ).start_all()
        urls = {service: trio.daemons[service].url for service in SERVICES}
        walk = Exhausting(urls, lambda sub: token_of(issuer, sub), SERVICE_TOKEN, SEED)
        for _ in range(FILLED):
            walk.works(walk.rng.choices(walk.calls, walk.weights)[0])
        failed = 0
        for call in (call for call in walk.calls if ONLY in call.name):
            failed += exhaust(walk, call, trio.daemons[call.service], files[call.service], rng.randrange(1, EACH + 1))
        walk.close()
        trio.close()
    print(failed, "allocations failed:", dict(walk.statuses))
    assert failed


def exhaust(walk: Exhausting, call: Call, daemon, allocations: Allocations, first: int) -> int:
    """Has the allocations of a call fail, each in a call of its own; how many did."""
    failed = 0
    for at in range(first, MOST, EACH):
        allocations.fail(at)
        walk.fails(call)
        reached = allocations.failed
        allocations.fail(NONE)
        assert daemon.process.poll() is None, f"{daemon.service} ended at allocation {at} of {call.name}"
        until(lambda: served(walk, call), f"{call.name} to work after allocation {at} of {daemon.service}")
        if not reached:
            return failed
        failed += 1
    raise AssertionError(f"{call.name} never ends to allocate")


def served(walk: Exhausting, call: Call) -> bool:
    try:
        walk.works(call)
    except AssertionError as fault:
        if "503" in str(fault):
            return False
        raise
    return True
