"""tools/examples runs what a document shows, and notices an answer that is not the documented one."""

import subprocess
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "tools/examples"


def run(tmp_path, text, **environment):
    document = tmp_path / "README.md"
    document.write_text(text)
    return subprocess.run(
        [EXAMPLES, document], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **environment}
    )


def example(answer, documented):
    return (
        "<!-- examples -->\n"
        f"```bash\necho '{answer}'\n```\n\n```json\n{documented}\n```\n"
        "<!-- end of examples -->\n"
    )


@pytest.mark.parametrize(
    "answer, documented",
    [
        ('{"a":1,"b":[true,null]}', '{ "a": 1, "b": [true, null] }'),
        ('{"id":7}', '{"id": 2}'),
        ('{"id":"7be06c80-fbc6-4280-aed1-16f8749df77b"}', '{"id": "e92c5db5-8d10-4bf7-b824-60a760481db9"}'),
        ('{"at":"2026-01-02T03:04:05"}', '{"at": "2025-04-19T08:30:38.538812"}'),
    ],
)
def test_the_documented_answer_passes(tmp_path, answer, documented):
    done = run(tmp_path, example(answer, documented))
    assert done.returncode == 0, done.stdout
    assert "1 of 1" in done.stdout


@pytest.mark.parametrize(
    "answer, documented",
    [
        ('{"a":1}', '{"a": 2}'),
        ('{"a":1}', '{"a": 1.0}'),
        ('{"a":1}', '{"a": true}'),
        ('{"a":1}', '{"a": "1"}'),
        ('{"a":1,"b":2}', '{"b": 2, "a": 1}'),
        ('{"a":1}', '{"a": 1, "b": null}'),
        ('{"a":[1,2]}', '{"a": [1]}'),
        ('{"id":"x"}', '{"id": "e92c5db5-8d10-4bf7-b824-60a760481db9"}'),
        ('{"at":"yesterday"}', '{"at": "2025-04-19T08:30:38.538812"}'),
        ("curl: connection refused", "{}"),
        ("", "{}"),
    ],
)
def test_any_other_answer_fails(tmp_path, answer, documented):
    done = run(tmp_path, example(answer, documented))
    assert done.returncode == 1
    assert "FAILED" in done.stdout and "0 of 1" in done.stdout


def test_a_document_without_examples_fails(tmp_path):
    assert run(tmp_path, "```bash\necho 1\n```\n").returncode == 1


def test_examples_share_a_shell_and_use_the_addresses_given(tmp_path):
    done = run(
        tmp_path,
        "<!-- examples -->\n```bash\nURL=http://localhost:8004/x\n```\n```bash\necho \"[\\\"$URL\\\"]\"\n```\n"
        '```json\n["http://127.0.0.1:1/x"]\n```\n<!-- end of examples -->\n',
        USER_PROGRESS_URL="http://127.0.0.1:1",
    )
    assert done.returncode == 0, done.stdout
