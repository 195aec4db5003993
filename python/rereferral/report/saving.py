"""A report on disk: page, figures, tables and manifest, all of them or none."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import secrets
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from rereferral.disclosure.spreadsheet import to_csv
from rereferral.errors import RuleError
from rereferral.report.drawing import Drawn, draw, drawable
from rereferral.report.notes import EXACT
from rereferral.report.page import Printable, render

__all__ = [
    "KIND",
    "UNPROTECTED",
    "Input",
    "check_folder",
    "hash_input",
    "save",
    "simulation_beside",
    "source_line",
    "told_of_simulation",
]

PathLike: TypeAlias = str | os.PathLike[str]

KIND = "rereferral report"
"""What the manifest of a report calls it; a folder is known by it."""

UNPROTECTED = "UNPROTECTED-"
"""The beginning of the name of every file of a report in which no count is hidden."""

MANIFEST = "manifest.json"
PAGE = "index.html"
_BLOCK = 1 << 20

# Files that a desktop leaves in any folder it shows; they are nobody's work.
_DESKTOP = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_SIMULATED = (
    "SIMULATED: no row behind this report is a real child or a real case; rates that the "
    "calibration fits were put in, not found."
)


@dataclass(frozen=True)
class Input:
    """A file that a report was made from.

    Attributes
    ----------
    name : str
        Its name without the folder, so that no report tells where someone keeps their data.
    bytes : int
        Its length.
    sha256 : str
        Its SHA-256 in hexadecimal digits.
    """

    name: str
    bytes: int
    sha256: str


def hash_input(path: PathLike, stop: threading.Event | None = None) -> Input:
    """Hash a file that a report is made from.

    Parameters
    ----------
    path : str or path
        A file on disk.
    stop : threading.Event, optional
        Give up soon after it is set.

    Returns
    -------
    Input

    Raises
    ------
    OSError
        The file cannot be read.
    """
    digest, length = hashlib.sha256(), 0
    with open(path, "rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            length += len(block)
            if stop is not None and stop.is_set():
                raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR), os.fspath(path))
    return Input(Path(path).name, length, digest.hexdigest())


def simulation_beside(path: PathLike) -> dict[str, Any] | None:
    """What the manifest of a simulation beside a file says of it; None where there is none.

    Parameters
    ----------
    path : str or path
        A file that `Simulation.save` may have written.

    Returns
    -------
    dict or None
        ``calibration``, ``seed``, and what else is known of how it was made.
    """
    try:
        found = json.loads((Path(path).parent / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or found.get("simulated") is not True or "kind" in found:
        return None
    known = ("calibration", "seed", "step_down", "years", "observed_from", "versions")
    return {name: found[name] for name in known if name in found}


# --------------------------------------------------------------------------- the folder


def check_folder(folder: PathLike) -> Path:
    """Refuse a folder that a report must not replace, before any work is done.

    Parameters
    ----------
    folder : str or path
        Where a report is to be: a folder that does not exist, that is empty, or that holds an
        earlier report as it was written and nothing else.

    Returns
    -------
    pathlib.Path
        The folder, with links followed.

    Raises
    ------
    RuleError
        It is something else; the message names what stands in the way.
    """
    shown = os.fspath(folder)
    target = Path(folder).resolve()
    if target.exists() and not target.is_dir():
        raise RuleError(f"{shown} is a file; the report needs a folder")
    above = target.parent
    while not above.exists():
        above = above.parent
    if not above.is_dir():
        raise RuleError(f"{shown} cannot be made: {above.name} is a file")
    if not os.access(above, os.W_OK | os.X_OK):
        raise RuleError(f"{shown} cannot be written: no permission in the folder above it")
    if not target.exists():
        return target
    if Path.cwd().is_relative_to(target):
        raise RuleError(
            f"{shown} is the current folder or one above it; give the report one of its own"
        )
    if os.path.ismount(target):
        raise RuleError(f"{shown} is where a disk is mounted; give the report a folder inside it")
    foreign = _foreign(target)
    if foreign is not None:
        raise RuleError(
            f"{shown} holds {foreign}; the report replaces its whole folder, so give it one of "
            "its own"
        )
    return target


def _foreign(target: Path) -> str | None:
    """What in a folder is not of an earlier report, in words; None where nothing is."""
    present = sorted(_files_in(target))
    if not present:
        return None
    try:
        manifest = json.loads((target / MANIFEST).read_text("utf-8"))
        ours = manifest["kind"] == KIND
        files = {line["path"]: (line["bytes"], line["sha256"]) for line in manifest["files"]}
    except (OSError, ValueError, LookupError, TypeError):
        ours, files = False, {}
    if not ours:
        return f"{present[0]}, and no report was made there"
    for name in present:
        if name == MANIFEST:
            continue
        if name not in files:
            return f"{name}, which no report wrote"
        path = target / name
        if path.is_symlink() or not path.is_file():
            return f"{name}, which is not a plain file"
        found = hash_input(path)
        if (found.bytes, found.sha256) != files[name]:
            return f"{name}, which was changed after the report was made"
    return None


def _files_in(target: Path) -> Iterator[str]:
    """Everything below a folder but folders with something in them, by path from it."""
    for folder, folders, files in os.walk(target):
        here = Path(folder).relative_to(target)
        for name in files:
            if name not in _DESKTOP:
                yield (here / name).as_posix()
        for name in folders:
            path = Path(folder) / name
            if path.is_symlink() or not any(path.iterdir()):
                yield (here / name).as_posix()


@contextmanager
def _replacing(target: Path, shown: str) -> Iterator[Path]:
    """Yield a new folder beside `target`, which takes its place if all goes well.

    Whatever fails, Ctrl-C too, `target` is as it was and nothing is left beside it.
    """
    made = [folder for folder in (target.parent, *target.parent.parents) if not folder.exists()]
    mark = secrets.token_hex(4)
    new = target.with_name(f".{target.name}.new-{mark}")
    old = target.with_name(f".{target.name}.old-{mark}")
    done = False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        new.mkdir()
        yield new
        if target.exists():
            check_folder(shown)
            os.rename(target, old)
        os.rename(new, target)
        done = True
    finally:
        if not done and old.exists() and not target.exists():
            os.rename(old, target)
        for left in (new, old):
            if left.exists():
                shutil.rmtree(left)
        if not done and not target.exists():
            for folder in made:
                if folder.exists():
                    folder.rmdir()


# --------------------------------------------------------------------------- what is in it


def _versions() -> dict[str, str]:
    import rereferral

    return {
        "rereferral": rereferral.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "matplotlib": version("matplotlib"),
        "Jinja2": version("jinja2"),
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it; a date, or whatever else JSON lacks, as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, range, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def source_line(names: Iterable[str], simulation: Mapping[str, Any] | None) -> str:
    """The line below every figure: from which files, by what."""
    import rereferral

    files = ", ".join(names) or "a table in memory"
    text = f"Source: {files}; own calculation with rereferral {rereferral.__version__}."
    if simulation is None:
        return text
    details = [
        f"{name} {simulation[name]}"
        for name in ("calibration", "seed")
        if simulation.get(name) is not None
    ]
    return f"{text} SIMULATED data{', ' if details else ''}{', '.join(details)}."


def told_of_simulation(
    simulated: bool, known: Mapping[str, Any] | None, calibration: str | None = None
) -> Mapping[str, Any] | None:
    """What a report tells of the simulation behind it; None where the children are real."""
    if not simulated:
        return None
    return {"calibration": calibration} if known is None else known


def _table(table: pd.DataFrame, simulated: bool) -> bytes:
    if simulated:
        table = table.assign(status="SIMULATED")
    return to_csv(table).encode("utf-8")


def _files(report: Printable, facts: dict[str, Any], drawn: dict[str, Drawn]) -> dict[str, bytes]:
    """Everything but the manifest, by path."""
    mark = UNPROTECTED if report.release is None else ""
    files = {f"{mark}{PAGE}": render(report, drawn, facts).encode("utf-8")}
    for name, figure in drawn.items():
        files[f"figures/{mark}{name}.png"] = figure.png
        files[f"figures/{mark}{name}.svg"] = figure.svg
    for name, table in report.shown.items():
        files[f"tables/{mark}{name}.csv"] = _table(table, report.simulated)
    return files


def save(
    report: Printable,
    folder: PathLike,
    inputs: Iterable[PathLike | Input] = (),
    simulation: Mapping[str, Any] | None = None,
    drawing: Callable[..., dict[str, Drawn]] | None = None,
) -> Path:
    """Write a report: ``index.html``, ``figures/``, ``tables/`` and ``manifest.json``.

    Parameters
    ----------
    report : Report
        Of `rereferral.missed_opportunities`.
    folder : str or path
        See `check_folder`. An earlier report is replaced as a whole; if anything fails, or Ctrl-C
        is pressed, it stays as it was.
    inputs : iterable of str, path or Input
        The files that the report was made from; a path is hashed.
    simulation : mapping, optional
        What is known of the simulation that made the inputs; by default what its manifest beside
        them says, or the report's calibration.
    drawing : callable, optional
        Draws instead of `drawing.draw`, with the same arguments.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    RuleError
        The folder may not be replaced.
    RereferralError
        matplotlib or Jinja2 is missing.
    OSError
        A file cannot be read or written.

    Notes
    -----
    Nothing that is written tells the time, so the same inputs, options and versions give the same
    bytes. Tables hold rates from 0 to 1; where the data are simulated each has a last column
    ``status`` that says so. Of a report that is not protected every name but that of the manifest
    begins with UNPROTECTED. Text that a spreadsheet would run as a formula begins with an
    apostrophe.
    """
    target = check_folder(folder)
    hashed = []
    for found in inputs:
        if not isinstance(found, Input):
            simulation = simulation or simulation_beside(found)
            found = hash_input(found)
        hashed.append(found)
    simulation = told_of_simulation(report.simulated, simulation, report.calibration)
    facts: dict[str, Any] = {
        "kind": KIND,
        "status": _SIMULATED if report.simulated else "",
        "simulated": report.simulated,
        "simulation": None if simulation is None else _plain(simulation),
        "inputs": [asdict(found) for found in hashed],
        "options": _plain(report.options),
        "definition": _plain(report.definition.to_dict()),
        "definition_in_words": str(report.definition),
        "disclosure": {
            "rule": None if report.release is None else asdict(report.release.rule),
            "notes": report.protected or [EXACT],
        },
        "versions": _versions(),
    }
    drawn = (drawing or draw)(
        drawable(report.tables, report.shown),
        source=source_line([found.name for found in hashed], facts["simulation"]),
        simulated=report.simulated,
    )
    files = _files(report, facts, drawn)
    facts["files"] = [
        {"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in sorted(files.items())
    ]
    files[MANIFEST] = (json.dumps(facts, ensure_ascii=False, indent=2) + "\n").encode("utf-8")
    with _replacing(target, os.fspath(folder)) as new:
        for name, data in files.items():
            path = new / PurePosixPath(name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
    return Path(folder) / f"{UNPROTECTED if report.release is None else ''}{PAGE}"
