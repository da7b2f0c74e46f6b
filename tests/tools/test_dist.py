"""tools/dist makes the same tarball of a commit wherever it is made, with all that a build needs."""

import hashlib
import os
import shutil
import subprocess
import tarfile

import pytest

from harness.postgres import ROOT

VERSION = (ROOT / "VERSION").read_text().strip()
TOP = f"virtual-labs-{VERSION}"
AUTHOR = "Ada Lovelace <ada@example.com>"
COMMITTED = 1_700_000_000
PINS = dict(reversed(line.split()) for line in (ROOT / "pages/packages.sha512").read_text().splitlines())


def git(directory, *arguments) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "GIT_AUTHOR_NAME": "Ada Lovelace",
            "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_COMMITTER_NAME": "Ada Lovelace",
            "GIT_COMMITTER_EMAIL": "ada@example.com",
            "GIT_AUTHOR_DATE": f"{COMMITTED} +0000",
            "GIT_COMMITTER_DATE": f"{COMMITTED} +0000",
        },
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def commit(tmp_path_factory):
    """The project's files as they stand here, in a repository of their own with one commit."""
    repository = tmp_path_factory.mktemp("commit")
    for name in filter(lambda name: (ROOT / name).is_file(), git(ROOT, "ls-files").splitlines()):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, repository / name)
    git(repository, "init", "-q")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "All of it")
    return repository


def clone(commit, directory):
    """A clone where the packages of the pages are there already."""
    git(commit, "clone", "-q", str(commit), str(directory))
    (directory / "build/pages").mkdir(parents=True)
    for name in PINS:
        shutil.copy(ROOT / "build/pages" / name, directory / "build/pages")
    return directory


def dist(directory, umask: int = 0o022, **environment: str):
    done = subprocess.run(
        ["tools/dist"],
        cwd=directory,
        env={**os.environ, "MAKE": "make", **environment},
        capture_output=True,
        text=True,
        umask=umask,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return directory / done.stdout.strip()


@pytest.fixture(scope="module")
def tarball(commit, tmp_path_factory):
    return dist(clone(commit, tmp_path_factory.mktemp("first") / "clone"))


def test_another_path_time_umask_locale_and_time_zone_give_the_same_bytes(commit, tarball, tmp_path):
    elsewhere = clone(commit, tmp_path / "a longer path" / "of another clone")
    for path in elsewhere.rglob("*"):
        if ".git" not in path.parts:
            os.utime(path, (1_234_567_890, 1_234_567_890))
    (elsewhere / "build/pages/swagger-ui-dist-0.0.1.tgz").write_text("a package that was pinned once")
    (elsewhere / "notes.txt").write_text("a file that git does not know")
    other = dist(elsewhere, umask=0o077, TZ="Pacific/Auckland", LC_ALL="C.UTF-8")
    assert hashlib.sha256(other.read_bytes()).digest() == hashlib.sha256(tarball.read_bytes()).digest()


def test_it_has_the_files_of_the_commit_and_the_pinned_pages(commit, tarball):
    with tarfile.open(tarball) as tar:
        files = {member.name for member in tar if member.isfile()}
    expected = {*git(commit, "ls-files").splitlines(), "RELEASE", *(f"build/pages/{name}" for name in PINS)}
    assert files == {f"{TOP}/{name}" for name in expected}


def test_its_files_have_no_owner_the_time_of_the_commit_and_plain_rights(tarball):
    with tarfile.open(tarball) as tar:
        members = tar.getmembers()
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in members} == {(0, 0, "", "", COMMITTED)}
    assert {oct(m.mode) for m in members} == {"0o755", "0o644"}


def test_it_says_of_which_commit_it_is(commit, tarball):
    with tarfile.open(tarball) as tar:
        text = tar.extractfile(f"{TOP}/RELEASE").read().decode()
    assert text == f"commit {git(commit, 'rev-parse', 'HEAD')}\ntime {COMMITTED}\nauthor {AUTHOR}\n"


def test_a_page_that_is_not_the_pinned_one_stops_it(commit, tmp_path):
    directory = clone(commit, tmp_path / "clone")
    dist(directory)
    name = next(iter(PINS))
    with (directory / "build/pages" / name).open("ab") as package:
        package.write(b"x")
    done = subprocess.run(["tools/dist"], cwd=directory, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and name in done.stderr + done.stdout


def test_its_tree_needs_neither_git_nor_npm_for_the_pages(tarball, tmp_path):
    with tarfile.open(tarball) as tar:
        tar.extractall(tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    for directory in os.environ["PATH"].split(os.pathsep):
        for program in os.listdir(directory) if os.path.isdir(directory) else ():
            if program not in ("git", "npm", "node") and not (programs / program).is_symlink():
                (programs / program).symlink_to(os.path.join(directory, program))
    done = subprocess.run(
        ["make", "build/pages/pages.S"],
        cwd=tmp_path / TOP,
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / TOP / "build/pages/pages.S").exists()
