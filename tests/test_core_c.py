"""The core alone, in C, under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = sorted((ROOT / "tests" / "c").glob("test_*.c"))
FLAGS = [
    *(
        "-std=c11",
        "-g",
        "-O1",
        "-pthread",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fno-omit-frame-pointer",
    ),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    *("-Wl,--wrap=malloc", "-Wl,--wrap=calloc", "-Wl,--wrap=realloc"),
]


def compiler() -> str:
    """The C compiler that also builds the extension."""
    return os.environ.get("CC") or shutil.which("cc") or "gcc"


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The core's objects, compiled once."""
    folder = tmp_path_factory.mktemp("core")
    sources = sorted(map(str, (ROOT / "csrc" / "core").glob("*.c")))
    subprocess.run([compiler(), *FLAGS, "-c", *sources], cwd=folder, check=True)
    return sorted(map(str, folder.glob("*.o")))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_program(program: Path, core: list[str], tmp_path: Path) -> None:
    built = tmp_path / program.stem
    subprocess.run(
        [
            *(compiler(), *FLAGS, f"-I{ROOT / 'csrc' / 'core'}", str(program), *core),
            *("-lcsv", "-lm", "-o", str(built)),
        ],
        check=True,
    )
    run = subprocess.run([built], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
