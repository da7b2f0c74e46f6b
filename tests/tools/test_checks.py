"""Each check of tools/check-… passes on the project and fails on what it is there to find."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

DAEMON = """#!/usr/bin/env bash
# A daemon that knows nothing but its tables.
case $1 in
--openapi) echo '{"openapi":"3.1.0"}' ;;
--settings) echo '{"setting":"PORT","flag":"--port","type":"text","default":"8004","secret":false,"help":"TCP port"}' ;;
esac
"""


@pytest.fixture
def project(tmp_path):
    """The project's files in a repository of their own, with a stand-in for the built daemons."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(lambda name: (ROOT / name).is_file(), names.splitlines()):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    for line in (tmp_path / "tools/services").read_text().splitlines():
        if not line.startswith("#"):
            daemon = tmp_path / "build/release/bin" / line.split()[0]
            daemon.parent.mkdir(parents=True, exist_ok=True)
            daemon.write_text(DAEMON)
            daemon.chmod(0o755)
            service = tmp_path / line.split()[0]
            service.mkdir(exist_ok=True)
            (service / "openapi.json").write_text('{\n  "openapi": "3.1.0"\n}\n')
    (tmp_path / "README.md").write_text(run(tmp_path, "tools/settings", "readme").stdout)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    add(tmp_path)
    return tmp_path


def add(project):
    subprocess.run(["git", "add", "-A"], cwd=project, check=True)


def run(project, *command):
    return subprocess.run(command, cwd=project, capture_output=True, text=True)


def append(project, name, text):
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((path.read_text() if path.exists() else "/* A file. */\n") + text)
    add(project)


@pytest.mark.parametrize(
    "check",
    ["headers", "rooms", "paths", "length", "banned", "comments", "shell", "sql", "schemas", "openapi", "settings", "version"],
)
def test_a_check_passes_on_the_project(project, check):
    done = run(project, f"tools/check-{check}")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "check, name, text",
    [
        ("headers", "common/table/router.c", "#include <libpq-fe.h>\n"),
        ("headers", "user-progress/users.c", "#  include <cjson/cJSON.h>\n"),
        ("headers", "common/http/server.h", '#include "microhttpd.h"\n'),
        ("schemas", "common/pg/schema.sql", "CREATE TABLE more ();\n"),
        ("schemas", "user-progress/schema/5_steps.sql", "DROP TABLE IF EXISTS more;\n"),
        ("schemas", "tools/check-schemas.known", "performance-reporting 999 0\n"),
        ("rooms", "common/base/text.c", '#include "common/http/server.h"\n'),
        ("rooms", "common/email/email.h", '#include "common/shape/shape.h"\n'),
        ("rooms", "common/table/router.c", '#include "directory/lookup.h"\n'),
        ("rooms", "usage-analytics/api.c", '#include "user-progress/users.h"\n'),
        ("rooms", "common/stranger.c", "int x;\n"),
        ("banned", "common/base/text.c", "    strcpy(a, b);\n"),
        ("banned", "common/base/text.c", "    int n = atoi (b);\n"),
        ("banned", "user-progress/users.c", "    sscanf(a, b);\n"),
        ("shell", "tools/stack", "echo $1\n"),
        ("sql", "user-progress/users.c", 'static const char *const all = "SELECT id FROM users";\n'),
        ("sql", "user-progress/users.sql", "\n-- name: forgotten\nSELECT 1;\n"),
        ("openapi", "user-progress/openapi.json", "\n"),
        ("version", "CHANGELOG.md", "## 9.9.9\n"),
        ("version", "deploy/kubernetes/kustomization.yaml", "    newTag: 9.9.9\n"),
        ("version", "docker-compose.yml", "# ${VERSION:-9.9.9}\n"),
        ("version", "Dockerfile", 'LABEL org.opencontainers.image.version="9.9.9"\n'),
        ("paths", "docs/http.md", "`common/http/gone.c`\n"),
        ("paths", "docs/http.md", "[gone](../gone.md#there)\n"),
    ],
)
def test_a_check_finds_what_it_is_there_for(project, check, name, text):
    append(project, name, text)
    done = run(project, f"tools/check-{check}")
    assert done.returncode != 0
    assert name in done.stdout + done.stderr


@pytest.mark.parametrize(
    "name", ["common/base/text.c", "tests/api/test_users.py", "user-progress/schema/5_steps.sql", "tools/stack"]
)
def test_a_file_of_more_than_420_lines_is_found(project, name):
    text = (project / name).read_text()
    append(project, name, "\n" * (420 - text.count("\n")))
    assert run(project, "tools/check-length").returncode == 0
    append(project, name, "\n")
    assert f"{name} has 421 lines" in run(project, "tools/check-length").stdout


def test_files_that_include_one_another_are_found(project):
    append(project, "common/email/idna.h", '#include "common/email/characters.h"\n')
    assert run(project, "tools/check-rooms").returncode == 0
    append(project, "common/email/characters.c", '#include "common/email/idna.h"\n')
    done = run(project, "tools/check-rooms")
    assert done.returncode != 0
    circle = "common/email/characters -> common/email/idna -> common/email/characters"
    assert f"a circle of includes: {circle}" in done.stdout


def test_a_room_without_a_readme_is_found(project):
    for room in ("common/base", "directory", "docs", "tests"):
        (project / room / "README.md").unlink(missing_ok=True)
        assert f"{room} has no README.md" in run(project, "tools/check-readmes").stdout


@pytest.mark.parametrize("text", ["/* strcpy() has no bound */", "fgets(a, 1, f);", "snprintf(a, 1, b);", "s->gets(1);"])
def test_the_check_for_banned_functions_lets_the_others_pass(project, text):
    append(project, "common/base/text.c", f"    {text}\n")
    assert run(project, "tools/check-banned").returncode == 0


def test_a_file_without_a_comment_about_its_purpose_is_found(project):
    (project / "common/silent.c").write_text("int x;\n")
    (project / "tools/silent").write_text("#!/usr/bin/env bash\nset -e\n")
    add(project)
    done = run(project, "tools/check-comments")
    assert done.returncode != 0
    assert "common/silent.c" in done.stdout and "tools/silent" in done.stdout


def test_a_table_of_settings_that_is_out_of_date_is_found(project):
    readme = (project / "README.md").read_text()
    (project / "README.md").write_text(readme.replace("| `PORT` | `8004` |", "| `PORT` | `8000` |"))
    assert run(project, "tools/check-settings").returncode != 0


def test_a_readme_without_a_place_for_the_settings_is_found(project):
    readme = (project / "README.md").read_text()
    (project / "README.md").write_text(readme.replace("<!-- end of settings -->", ""))
    assert run(project, "tools/check-settings").returncode != 0
