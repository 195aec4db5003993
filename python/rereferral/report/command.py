"""`rereferral report`: from a CSV file of episodes to the page."""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from rereferral.arguments import add_rule, rule_of, year_range
from rereferral.errors import DataError, RuleError
from rereferral.folders import check_folder, hash_input
from rereferral.interrupts import Interrupts

if TYPE_CHECKING:
    import pandas as pd

    from rereferral.report.drawing import Drawn

__all__ = ["add_arguments", "run"]

# Standard names and the types they are read with; those that may be missing come last.
_EPISODES = {
    "authority": "category",
    "child_id": "text",
    "referral_date": "date",
    "assessment_date": "date",
    "closure_date": "date",
    "reason_for_closure": "category",
    "referral_nfa": "bool",
    "date_of_birth": "date",
}
_OPTIONAL = frozenset({"referral_nfa", "date_of_birth"})
_EARLY_HELP = {"authority": "category", "child_id": "text", "start_date": "date"}
# Bytes of input from which on a process that draws pays: it needs a second to get ready.
_LARGE = 50_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the subcommand its arguments."""
    parser.add_argument(
        "episodes",
        help="CSV file with a header, one row per referral: authority, child_id, referral_date, "
        "assessment_date, closure_date, reason_for_closure (RC1 to RC9) and, where known, "
        "referral_nfa and date_of_birth",
    )
    parser.add_argument(
        "--early-help",
        metavar="FILE",
        help="CSV file of early help starts: authority, child_id, start_date",
    )
    parser.add_argument(
        "--years",
        type=year_range,
        metavar="FIRST-LAST",
        help="financial years of closure, by the year they end in, such as 2016-2020 "
        "(default: those that the data covers with twelve months to follow)",
    )
    parser.add_argument(
        "--observed-until",
        required=True,
        metavar="DATE",
        help="last day that is in the data, such as 2021-03-31",
    )
    parser.add_argument(
        "--observed-from",
        metavar="DATE",
        help="first day that is in the data; needed for the official look-back rate "
        "(default: what the manifest of a simulation beside the file says)",
    )
    parser.add_argument(
        "--early-help-within",
        nargs=2,
        metavar=("FROM", "TO"),
        help="days up to the closure in which a start of early help is a step down "
        '(default "-30 days" "0 days")',
    )
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="NAME=NAME",
        help="a column that is called otherwise in the file: child_id=PersonRef; may be repeated",
    )
    parser.add_argument(
        "--date-format",
        default="ISO",
        metavar="FORMAT",
        help='"ISO" (default) or a pattern such as "%%d/%%m/%%Y"',
    )
    parser.add_argument(
        "--encoding",
        default="utf-8",
        metavar="NAME",
        help="utf-8 (default), latin-1 or cp1252",
    )
    parser.add_argument(
        "--dfe",
        metavar="FOLDER",
        help="a folder with the Department for Education's table C1 of children in need, as "
        "downloaded: official figures by authority and year then stand beside those counted",
    )
    add_rule(parser, "how small counts are hidden")
    parser.add_argument(
        "--out",
        required=True,
        metavar="FOLDER",
        help="a new or empty folder, or that of an earlier report, which is replaced",
    )


def run(arguments: argparse.Namespace) -> int:
    """Read, count, write and say where the page is.

    Returns
    -------
    int
        0.

    Raises
    ------
    RereferralError, OSError
        With one sentence on what is wrong; nothing was written then.
    """
    interrupts = Interrupts()
    with interrupts.heard():
        return _run(arguments, interrupts)


def _run(arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    from rereferral.disclosure.system import solver
    from rereferral.report.beside import FiguresBeside
    from rereferral.report.page import load as load_page
    from rereferral.report.report import missed_opportunities
    from rereferral.report.saving import RESULT, save, simulation_beside
    from rereferral.report.style import load as load_figures

    if arguments.early_help_within is not None and arguments.early_help is None:
        raise RuleError("--early-help-within needs --early-help")
    rule = rule_of(arguments)
    names = _column_names(arguments.column)
    check_folder(arguments.out, RESULT)
    with interrupts.later():
        load_page()
        load_figures()
        if rule is not None:
            solver()
    wanted = {arguments.episodes: _chosen(arguments, arguments.episodes, _EPISODES, names)}
    if arguments.early_help is not None:
        if os.path.samefile(arguments.episodes, arguments.early_help):
            raise RuleError("episodes and early help are the same file")
        wanted[arguments.early_help] = _chosen(arguments, arguments.early_help, _EARLY_HELP, names)
    before = [_state(file) for file in wanted]
    simulation = simulation_beside(arguments.episodes)
    observed_from = arguments.observed_from
    if observed_from is None and simulation is not None:
        observed_from = simulation.get("observed_from")
    stop = threading.Event()

    def draw(tables: Mapping[str, pd.DataFrame], **how: Any) -> dict[str, Drawn]:
        with interrupts.later():
            return figures.draw(tables, **how)

    with ExitStack() as stack:
        # Hashing leaves Python to the reader: both take a core each.
        pool = stack.enter_context(ThreadPoolExecutor(1))
        stack.callback(stop.set)
        inputs = [pool.submit(hash_input, file, stop) for file in wanted]
        tables = [_read(arguments, file, columns) for file, columns in wanted.items()]
        interrupts.check()
        figures = FiguresBeside(sum(state[2] for state in before) >= _LARGE)
        stack.enter_context(figures)
        report = missed_opportunities(
            *tables,
            years=arguments.years,
            observed_until=arguments.observed_until,
            observed_from=observed_from,
            early_help_within=tuple(arguments.early_help_within or ("-30 days", "0 days")),
            dfe=arguments.dfe,
        )
        hashed = [future.result() for future in inputs]
        for file, state in zip(wanted, before, strict=True):
            if _state(file) != state:
                raise DataError(f"{file} changed while it was read; run the report again")
        report.options["columns"] = names
        if not report.simulated:
            simulation = None  # the manifest beside the file tells of others
        if simulation is not None:
            report.calibration = simulation.get("calibration")
        if rule is not None:
            report = report.protect(rule)
        page = save(report, arguments.out, inputs=hashed, simulation=simulation, drawing=draw)
    print(in_short(report, page))
    return 0


def _column_names(given: Sequence[str]) -> dict[str, str]:
    """Standard names to the file's, from ``child_id=PersonRef``."""
    names: dict[str, str] = {}
    for text in given:
        standard, equals, theirs = text.partition("=")
        if not equals or not standard or not theirs:
            raise RuleError(f"--column {text!r} is not of the form child_id=PersonRef")
        if standard not in _EPISODES and standard not in _EARLY_HELP:
            known = ", ".join(dict.fromkeys([*_EPISODES, *_EARLY_HELP]))
            raise RuleError(f"--column {text!r}: the report knows no {standard!r}, but {known}")
        if standard in names:
            raise RuleError(f"--column names {standard!r} twice")
        names[standard] = theirs
    return names


Chosen: TypeAlias = dict[str, tuple[str, str]]
"""Standard names to the file's name and the type of a column."""


def _chosen(
    arguments: argparse.Namespace, file: str, types: dict[str, str], names: dict[str, str]
) -> Chosen:
    """Which columns of a file are read: the others are not, however many there are."""
    from rereferral.reading import read_header

    header = read_header(file, arguments.encoding)
    chosen: Chosen = {}
    for standard, kind in types.items():
        theirs = names.get(standard, standard)
        # Early help may keep the standard names beside episodes that do not.
        if theirs not in header and types is _EARLY_HELP and standard in header:
            theirs = standard
        if theirs in header or standard not in _OPTIONAL or standard in names:
            chosen[standard] = theirs, kind
    read = [theirs for theirs, _ in chosen.values()]
    for theirs in read:
        if read.count(theirs) > 1:
            raise RuleError(f'--column: "{theirs}" of {file} is to be two columns')
    return chosen


def _read(arguments: argparse.Namespace, file: str, chosen: Chosen) -> dict[str, Any]:
    """The columns that the report needs, under their standard names."""
    from rereferral.reading import read_columns

    read = read_columns(
        file,
        columns=[theirs for theirs, _ in chosen.values()],
        types=dict(chosen.values()),
        date_format=arguments.date_format,
        encoding=arguments.encoding,
        progress=True,
    )
    return {standard: read[theirs] for standard, (theirs, _) in chosen.items()}


def _state(file: str) -> tuple[int, ...]:
    """What changes when a file is written or another put in its place."""
    found = os.stat(file)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def in_short(report: Any, page: Path) -> str:
    """Where the page is, the headline beside the published figures, and what to keep in mind."""
    from rereferral.report.page import headline_value

    table: pd.DataFrame = report.headline
    lines = [("", "published", "here")]
    lines += [
        (str(row.figure), str(row.published), headline_value(row.ours, str(row.unit)))
        for row in table.itertuples()
    ]
    widths = [max(len(line[place]) for line in lines) for place in range(3)]
    text = [f"{page}", ""]
    text += [
        f"{name:<{widths[0]}}  {published:>{widths[1]}}  {ours:>{widths[2]}}".rstrip()
        for name, published, ours in lines
    ]
    years = list(report.tables["chain_by_year"]["financial_year"].astype(str))
    n_areas = len(report.tables["chain_by_authority"])
    areas = "1 authority" if n_areas == 1 else f"{n_areas} authorities"
    span = "no year" if not years else years[0] if len(years) == 1 else f"{years[0]} to {years[-1]}"
    text += ["", f"Closures of {span} in {areas}."]
    text += report.notes
    return "\n".join(text).replace("\N{NO-BREAK SPACE}", " ")
