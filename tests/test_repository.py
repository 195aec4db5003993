"""The repository keeps the rules that it sets itself."""

from __future__ import annotations

import doctest
import importlib
import inspect
import itertools
import os
import pkgutil
import re
import shlex
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

import rereferral
from rereferral import _core

ROOT = Path(__file__).resolve().parents[1]
CORE = sorted((ROOT / "csrc" / "core").glob("*.c"))
# Data and what programs write; the rest was written to be read.
NOT_PROSE = {".csv", ".json", ".ipynb", ".svg", ".png", ".parquet"}


def run(*command: str | Path, **options) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def files() -> dict[str, str]:
    """Text of every file that is in the repository or about to be, by its path."""
    # The clone may belong to another user than the one that runs the tests.
    listed = run("git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", cwd=ROOT)
    texts = {}
    for name in listed.splitlines():
        if not (ROOT / name).is_file():  # removed, not yet committed
            continue
        data = (ROOT / name).read_bytes()
        if b"\0" not in data:
            texts[name] = data.decode(errors="replace")
    assert "pyproject.toml" in texts
    return texts


def includes(path: Path) -> set[str]:
    """Names of the headers that a file includes, and those of its folder that they include."""
    names = set(re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)', path.read_text(), re.MULTILINE))
    beside = [path.parent / name for name in names if (path.parent / name).is_file()]
    return names.union(*map(includes, beside))


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


# ---------------------------------------------------------------- layers


@pytest.mark.parametrize("path", sorted((ROOT / "csrc" / "core").iterdir()), ids=lambda p: p.name)
def test_the_core_knows_no_python(path):
    assert not {name for name in includes(path) if re.match("Python|numpy|binding", name)}


@pytest.mark.parametrize("path", CORE, ids=lambda p: p.name)
def test_a_file_of_the_core_sees_its_own_declarations(path):
    assert includes(path) & {"internal.h", "rereferral.h", "csv_internal.h"}


@pytest.mark.parametrize("path", sorted((ROOT / "csrc" / "py").iterdir()), ids=lambda p: p.name)
def test_the_binding_uses_only_the_public_face_of_the_core(path):
    assert not includes(path) & {"internal.h", "csv.h", "math.h"}


def test_every_status_must_be_looked_at():
    header = (ROOT / "csrc" / "core" / "rereferral.h").read_text()
    prototypes = re.findall(r"^rr_status\s+(rr_\w+)\(([^;]*);", header, re.MULTILINE)
    careless = [name for name, rest in prototypes if "RR_MUST_CHECK" not in rest]
    assert not careless


def compile_c(*arguments: str | Path, **options) -> None:
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC"))
    run(*compiler, *arguments, **options)


def test_the_core_has_no_state_and_one_prefix(tmp_path):
    compile_c("-std=c11", "-c", *CORE, cwd=tmp_path)
    objects = sorted(tmp_path.glob("*.o"))
    assert len(objects) == len(CORE)
    symbols = [line.split()[-2:] for line in run("nm", *objects).splitlines() if " " in line]
    assert not [name for kind, name in symbols if kind in "bBdDC"], "variables at file scope"
    assert not [name for kind, name in symbols if kind in "TR" and not name.startswith("rr_")]
    assert not [name for _, name in symbols if re.match("_?Py", name)]


# ---------------------------------------------------------------- what is built


def test_the_extension_exports_nothing_but_its_entry():
    defined = run("nm", "-D", "--defined-only", _core.__file__).splitlines()
    assert [line.split()[-1] for line in defined] == ["PyInit__core"]


def test_the_extension_is_linked_to_libcsv():
    needed = run("readelf", "-d", _core.__file__)
    assert re.search(r"NEEDED.*\[libcsv\.so\.3\]", needed)


COUNT_CALLS = """
#define _GNU_SOURCE
#include <csv.h>
#include <dlfcn.h>
#include <stdio.h>

typedef void field(void *, size_t, void *);
typedef void record(int, void *);

size_t csv_parse(struct csv_parser *p, const void *s, size_t n, field *f, record *r, void *data)
{
    size_t (*real)(struct csv_parser *, const void *, size_t, field *, record *, void *);

    *(void **)&real = dlsym(RTLD_NEXT, "csv_parse");
    fprintf(stderr, "csv_parse %zu\\n", n);
    return real(p, s, n, f, r, data);
}
"""


def test_what_is_irregular_in_a_file_goes_through_libcsv(tmp_path):
    (tmp_path / "calls.c").write_text(COUNT_CALLS)
    compile_c(
        "-shared", "-fPIC", "calls.c", "-o", "calls.so", "-Wl,--no-as-needed", "-lcsv", cwd=tmp_path
    )
    header, irregular = "id,name\n", 'x,"a ""quoted"", name"\n'
    text = header + "".join(irregular if row % 1000 == 0 else f"{row},y\n" for row in range(9_000))
    (tmp_path / "table.csv").write_text(text)
    read = "import rereferral as rr; print(len(rr.read_csv('table.csv')))"
    done = subprocess.run(
        [sys.executable, "-c", read],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "LD_PRELOAD": str(tmp_path / "calls.so")},
    )
    assert done.stdout == "9000\n"
    parsed = [int(size) for size in re.findall(r"^csv_parse (\d+)$", done.stderr, re.MULTILINE)]
    assert parsed.count(len(header)) == 2  # the names, then the same line before the rows
    assert parsed.count(len(irregular)) == 9
    assert sum(parsed) < len(text) / 10


def test_import_brings_no_library_that_only_reports_need():
    loaded = run(sys.executable, "-c", "import sys, rereferral; print(*sys.modules)").split()
    heavy = {"matplotlib", "jinja2", "scipy", "polars", "duckdb", "openpyxl", "odf"}
    assert not heavy & set(loaded)


# ---------------------------------------------------------------- what is written


def test_no_file_is_beyond_reason():
    long = {
        name: text.count("\n")
        for name, text in files().items()
        if text.count("\n") > 700 and Path(name).suffix not in NOT_PROSE
    }
    assert not long


def test_no_file_names_a_place_of_one_machine():
    folders = "home|root|work|tmp|opt|usr|Users|mnt"
    place = re.compile(rf"(?<![\w.)}}*~$/-])/(?:{folders})/\w")
    registry = re.compile(r"(?i)\bpypi\.\w|python[h]osted|(?:deb|snapshot)\.debian|anaconda\.\w")
    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in files().items()
        for number, line in enumerate(text.splitlines(), 1)
        if (place.search(line) and not line.startswith("#!")) or registry.search(line)
    ]
    assert not found


def test_versions_agree():
    version = project()["version"]
    assert rereferral.__version__ == version
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## {re.escape(version)}\b", changes, re.MULTILINE)


def test_the_pinned_versions_satisfy_the_declared_ones():
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / ".ci/pinned.txt").read_text(), re.M))
    pinned = {name.lower(): version for name, version in pinned.items()}
    declared = [project()["dependencies"], *project()["optional-dependencies"].values()]
    for requirement in itertools.chain(*declared):
        name, relation, bound = re.fullmatch(
            r"([\w.-]+)(?:\[[\w,]+\])?(?:(>=|==)([\d.]+))?(?:; .*)?", requirement
        ).groups()
        if name == project()["name"]:
            continue
        version = [int(part) for part in pinned[name.lower()].split(".")]
        wanted = [int(part) for part in bound.split(".")]
        assert version == wanted if relation == "==" else version >= wanted, requirement


# ---------------------------------------------------------------- what users read


def public() -> dict[str, object]:
    """Every name that users meet: those of the package, and the members of its classes."""
    found = {}
    for name in rereferral.__all__:
        thing = getattr(rereferral, name)
        found[name] = thing
        if inspect.isclass(thing) and thing.__module__.startswith("rereferral"):
            for member, value in vars(thing).items():
                if not member.startswith("_") and (callable(value) or isinstance(value, property)):
                    found[f"{name}.{member}"] = value
    return found


@pytest.mark.parametrize("thing", public().values(), ids=public())
def test_a_public_name_says_what_it_is(thing):
    text = inspect.getdoc(thing)
    assert text
    if inspect.isfunction(thing):
        undescribed = [
            parameter
            for parameter in inspect.signature(thing).parameters
            if parameter not in {"self", "cls"} and not re.search(rf"\b{parameter}\b", text)
        ]
        assert not undescribed


def examples() -> list[doctest.DocTest]:
    found = []
    for entry in pkgutil.walk_packages(rereferral.__path__, "rereferral."):
        if not entry.name.rpartition(".")[2].startswith("__"):
            module = importlib.import_module(entry.name)
            found += [test for test in doctest.DocTestFinder().find(module) if test.examples]
    return found


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_an_example_in_a_docstring_runs(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.DocTestRunner(optionflags=flags).run(example)
    assert result.failed == 0


def test_completion_offers_what_is_public():
    offered = dir(rereferral)
    assert set(rereferral.__all__) <= set(offered)
    modules = [name for name in offered if inspect.ismodule(getattr(rereferral, name))]
    assert modules == ["definitions", "dfe", "plots", "rules", "spending"]
