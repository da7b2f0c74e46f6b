"""tools/check-hardening passes on a program that is built as the daemons are, and fails without each part of it."""

import platform
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
#include <stdio.h>
#include <string.h>
#ifdef WRITABLE_CODE
__asm__(".section both, \\"awx\\"\\n.byte 0\\n.previous");
#endif
int main(int argc, char **argv)
{
    char room[64];
    memcpy(room, argv[0], (size_t)argc);
    return printf("%.8s", room);
}
"""

BRANCHES = "-mbranch-protection=standard" if platform.machine() == "aarch64" else "-fcf-protection=branch"
FLAGS = [
    "-g",
    "-O2",
    "-fPIE",
    "-fstack-protector-strong",
    "-fstack-clash-protection",
    "-ftrivial-auto-var-init=zero",
    BRANCHES,
    "-U_FORTIFY_SOURCE",
    "-D_FORTIFY_SOURCE=3",
    "-pie",
    "-Wl,-z,relro",
    "-Wl,-z,now",
    "-Wl,-z,noexecstack",
]


@pytest.fixture
def faults(tmp_path):
    """What the check finds in a program that is built with these flags."""

    def check(flags: list[str]) -> list[str]:
        program, source = tmp_path / "program", tmp_path / "program.c"
        source.write_text(PROGRAM)
        subprocess.run(["cc", *flags, "-w", "-o", program, source], check=True)
        done = subprocess.run([ROOT / "tools/check-hardening", program], capture_output=True, text=True)
        assert (done.returncode == 0) == (done.stdout == ""), done.stderr
        return [line.removeprefix(f"{program}: ") for line in done.stdout.splitlines()]

    return check


def test_a_program_with_all_of_it_passes(faults):
    assert faults(FLAGS) == []


@pytest.mark.parametrize(
    "instead, fault",
    [
        ({"-fstack-protector-strong": "-fno-stack-protector"}, "never looks whether its stack was overwritten"),
        ({"-fstack-protector-strong": "-fstack-protector"}, "compiled without -fstack-protector-strong"),
        ({"-fstack-clash-protection": "-fno-stack-clash-protection"}, "without -fstack-clash-protection"),
        ({"-ftrivial-auto-var-init=zero": "-O2"}, "without -ftrivial-auto-var-init=zero"),
        ({BRANCHES: "-O2"}, f"without {BRANCHES}"),
        ({"-D_FORTIFY_SOURCE=3": "-O2"}, "no checked string functions"),
        ({"-g": "-g0"}, "tells of no flags"),
        ({"-fPIE": "-fno-PIE", "-pie": "-no-pie"}, "is not position-independent"),
        ({"-Wl,-z,relro": "-Wl,-z,norelro"}, "relocations that stay writable"),
        ({"-Wl,-z,now": "-Wl,-z,lazy"}, "binds its symbols late"),
        ({"-Wl,-z,noexecstack": "-Wl,-z,execstack"}, "an executable stack"),
        ({"-g": "-gdwarf-5 -DWRITABLE_CODE"}, "both writable and executable"),
        ({"-Wl,-z,now": "-Wl,-z,now,-rpath,/tmp"}, "libraries in directories of its own"),
        ({"-Wl,-z,now": "-Wl,-z,now,--export-dynamic"}, "offers functions"),
        pytest.param(
            {"-Wl,-z,now": "-Wl,-z,now,-z,shstk"},
            "fits shadow stacks",
            marks=pytest.mark.skipif(platform.machine() != "x86_64", reason="only x86-64 has them"),
        ),
    ],
)
def test_a_program_without_one_of_them_fails(faults, instead, fault):
    found = faults([part for flag in FLAGS for part in instead.get(flag, flag).split()])
    assert any(fault in line for line in found), found
