"""`rereferral figures`: every published figure beside ours."""

from __future__ import annotations

import argparse
from pathlib import Path

from rereferral.arguments import year_range
from rereferral.errors import RuleError
from rereferral.report.report import Report, missed_opportunities
from rereferral.verdicts.beside import published_figures

__all__ = ["add_arguments", "run"]

_YEARS = range(2016, 2021)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the subcommand its arguments."""
    parser.add_argument(
        "--dfe",
        metavar="FOLDER",
        help="the Department for Education's tables of children in need, as downloaded: C1, C2 and "
        "the population estimates",
    )
    parser.add_argument(
        "--s251",
        metavar="FOLDER",
        help="Section 251 outturn of England by line, a tidy CSV file as downloaded",
    )
    parser.add_argument(
        "--ro3",
        metavar="FOLDER",
        help="workbooks of revenue outturn RO3 of 2015-16 and 2019-20, as published",
    )
    parser.add_argument(
        "--report",
        metavar="PATH",
        help="the folder of a report that `rereferral report` wrote, or a CSV file of episodes "
        "(default: a simulated England)",
    )
    parser.add_argument(
        "--observed-until",
        metavar="DATE",
        help="last day that is in the file of episodes",
    )
    parser.add_argument(
        "--observed-from",
        metavar="DATE",
        help="first day that is in the file of episodes (default: what the manifest of a "
        "simulation beside it says)",
    )
    parser.add_argument(
        "--years",
        type=year_range,
        metavar="FIRST-LAST",
        help="financial years of closure in the file of episodes (default 2016-2020)",
    )
    parser.add_argument(
        "--seed", type=int, metavar="NUMBER", help="of the simulated England (default 0)"
    )
    parser.add_argument("--out", metavar="FILE", help="write every line with its numbers, as CSV")


def run(arguments: argparse.Namespace) -> int:
    """Count, print, and write what is asked for."""
    path = None if arguments.report is None else Path(arguments.report)
    if path is not None and arguments.seed is not None:
        raise RuleError("--seed is of the simulated England, and --report takes its place")
    report: Report | Path | None = path
    if path is not None and path.is_file():
        report = _counted(arguments, path)
    elif arguments.observed_until or arguments.observed_from or arguments.years:
        raise RuleError(
            "--observed-until, --observed-from and --years are of a file of episodes: "
            "--report FILE.csv"
        )
    found = published_figures(
        dfe=arguments.dfe,
        s251=arguments.s251,
        ro3=arguments.ro3,
        report=report,
        seed=arguments.seed or 0,
        progress=True,
    )
    print(found)
    if arguments.out is not None:
        print(f"\n{found.to_csv(arguments.out)}: every line with its numbers")
    return 0


def _counted(arguments: argparse.Namespace, path: Path) -> Report:
    from rereferral.reading import read_csv
    from rereferral.report.saving import simulation_beside

    if arguments.observed_until is None:
        raise RuleError(f"{path} needs --observed-until, the last day that is in it")
    since = arguments.observed_from
    if since is None:
        since = (simulation_beside(path) or {}).get("observed_from")
    counted = missed_opportunities(
        read_csv(path, progress=True),
        years=arguments.years or _YEARS,
        observed_until=arguments.observed_until,
        observed_from=since,
    )
    return counted.protect()
