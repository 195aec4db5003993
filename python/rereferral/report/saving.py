"""A report on disk: page, figures, tables and manifest, all of them or none."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rereferral.disclosure.spreadsheet import to_csv
from rereferral.folders import (
    MANIFEST,
    UNPROTECTED,
    Input,
    PathLike,
    check_folder,
    hash_input,
    replace_folder,
)
from rereferral.report.drawing import Drawn, draw, drawable
from rereferral.report.notes import EXACT
from rereferral.report.page import Printable, render

__all__ = ["RESULT", "save", "simulation_beside", "source_line", "told_of_simulation"]

RESULT = "report"
"""What it is called where a folder is asked for."""

PAGE = "index.html"
_SIMULATED = (
    "SIMULATED: no row behind this report is a real child or a real case; rates that the "
    "calibration fits were put in, not found."
)


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
        See `rereferral.folders.check_folder`. An earlier report is replaced as a whole; if anything
        fails, or Ctrl-C is pressed, it stays as it was.
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
    check_folder(folder, RESULT)
    hashed = []
    for found in inputs:
        if not isinstance(found, Input):
            simulation = simulation or simulation_beside(found)
            found = hash_input(found)
        hashed.append(found)
    simulation = told_of_simulation(report.simulated, simulation, report.calibration)
    facts: dict[str, Any] = {
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
    page = f"{UNPROTECTED if report.release is None else ''}{PAGE}"
    return replace_folder(folder, RESULT, facts, files) / page
