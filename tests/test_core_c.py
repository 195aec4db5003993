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
    *("-std=c11", "-g", "-O1", "-pthread", "-fno-omit-frame-pointer"),
    *("-Wall", "-Wextra", "-Werror"),
    *("-Wl,--wrap=malloc", "-Wl,--wrap=calloc", "-Wl,--wrap=realloc"),
]


def compiler() -> str:
    """The C compiler that also builds the extension."""
    return os.environ.get("CC") or shutil.which("cc") or "gcc"


MEMORY = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
THREADS = ["-fsanitize=thread"]


def compiled(folder: Path, flags: list[str]) -> list[str]:
    """The core's objects."""
    sources = sorted(map(str, (ROOT / "csrc" / "core").glob("*.c")))
    subprocess.run([compiler(), *FLAGS, *flags, "-c", *sources], cwd=folder, check=True)
    return sorted(map(str, folder.glob("*.o")))


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The core under the sanitizers of memory, compiled once."""
    return compiled(tmp_path_factory.mktemp("core"), MEMORY)


@pytest.fixture(scope="module")
def threaded_core(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The core under the sanitizer of threads, compiled once."""
    return compiled(tmp_path_factory.mktemp("threads"), THREADS)


def run(program: Path, flags: list[str], objects: list[str], folder: Path, *arguments: str) -> str:
    """Build a program against the core, run it, and return what it complained of."""
    built = folder / program.stem
    subprocess.run(
        [
            *(compiler(), *FLAGS, *flags, f"-I{ROOT / 'csrc' / 'core'}", str(program), *objects),
            *("-lcsv", "-lm", "-o", str(built)),
        ],
        check=True,
    )
    done = subprocess.run([built, *arguments], capture_output=True, text=True, timeout=300)
    return "" if done.returncode == 0 else done.stderr or f"status {done.returncode}"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_program(program: Path, core: list[str], tmp_path: Path) -> None:
    assert not run(program, MEMORY, core, tmp_path)


def test_loops_without_vector_code(tmp_path: Path) -> None:
    """The loops that are compiled for newer processors too, as the others have them."""
    flags = [*MEMORY, "-DRR_X86_64=0"]
    objects = compiled(tmp_path, flags)
    for name in ("test_nearest", "test_marks", "test_pairs"):
        program = ROOT / "tests" / "c" / f"{name}.c"
        assert not run(program, flags, objects, tmp_path, "5")


def test_many_days_of_a_key_are_told_apart_as_few_are(core: list[str], tmp_path: Path) -> None:
    """The ways of a key with hundreds of days, on the small tables of the test of the sweep."""
    sources = [
        path for path in (ROOT / "csrc" / "core").glob("*.c") if "sweep.h" in path.read_text()
    ]
    assert "sweep.c" in {path.name for path in sources}
    flags = [*FLAGS, *MEMORY, "-DRR_MANY_DAYS=2", "-c"]
    subprocess.run([compiler(), *flags, *map(str, sources)], cwd=tmp_path, check=True)
    others = [path for path in core if not (tmp_path / Path(path).name).exists()]
    low = [*others, *map(str, tmp_path.glob("*.o"))]
    assert not run(ROOT / "tests" / "c" / "test_sweep.c", MEMORY, low, tmp_path)


@pytest.mark.parametrize("name", ["test_threads", "test_nearest", "test_pairs"])
def test_no_two_threads_race(name: str, threaded_core: list[str], tmp_path: Path) -> None:
    program = ROOT / "tests" / "c" / f"{name}.c"
    complaint = run(program, THREADS, threaded_core, tmp_path, "2")
    if "unexpected memory mapping" in complaint:
        pytest.skip("the thread sanitizer cannot run on this kernel")
    assert not complaint
