"""Another major version of PostgreSQL, and volumes that are copied: `make test-upgrade`."""

import pytest

from harness import backup
from harness.container import Container, why_none
from harness.daemon import Daemons
from harness.tokens import Issuer
from harness.trio import Trio


@pytest.fixture(scope="module", autouse=True)
def with_containers():
    if why := why_none():
        pytest.skip(why)


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture
def new_container():
    """new_container(): a server that is removed with its volume after the test."""
    made = []

    def make() -> Container:
        made.append(Container())
        return made[-1]

    yield make
    for server in made:
        server.remove()


@pytest.fixture(scope="module")
def saved(tmp_path_factory, issuer):
    """Dumps of the version that the machine has."""
    return backup.save_under_load(tmp_path_factory, issuer)


def test_dumps_of_the_machine_s_version_are_restored_into_another_one_and_volumes_are_copied(
    saved, issuer, new_container, tmp_path
):
    first = new_container().start()
    backup.restore_as_it_was(first, saved.files, saved.roles, (*first.programs, "pg_restore"))
    with Daemons(tmp_path) as daemons:
        trio = Trio(daemons, first, issuer, saved.databases).start_all()
        saved.course.check_written(trio, saved.before, saved.after)
        saved.course.check(trio)
        with backup.Writers(trio, saved.course.users[1], saved.course.lab) as writers:
            writers.wait_for_more()
            before = writers.so_far()
            first.base_backup(tmp_path / "running.tar")
            after = writers.so_far()
            writers.wait_for_more()
        assert not writers.faults, writers.faults
    stopped = writers.so_far()
    first.stop()
    first.pack(tmp_path / "stopped.tar")
    for archive, (had, has) in {"running": (before, after), "stopped": (stopped, stopped)}.items():
        (tmp_path / f"of-{archive}").mkdir()
        second = new_container().fill(tmp_path / f"{archive}.tar").start()
        with Daemons(tmp_path / f"of-{archive}") as daemons:
            trio = Trio(daemons, second, issuer, saved.databases).start_all()
            saved.course.check_written(trio, had, has)
            saved.course.check(trio)
            saved.course.check_goes_on(trio)
        second.remove()
