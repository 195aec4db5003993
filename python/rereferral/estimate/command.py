"""`rereferral estimate`: from returns of some authorities to England."""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path

import pandas as pd

from rereferral.arguments import add_rule, rule_of, year_range
from rereferral.errors import DataError, RuleError
from rereferral.estimate.england import SIZES, england
from rereferral.estimate.estimate import estimate_total
from rereferral.estimate.limits import METHODS
from rereferral.reading import read_header, read_records
from rereferral.small_tables import column_of
from rereferral.years import year_labels, year_of

__all__ = ["add_arguments", "run"]

YEAR = "financial_year"
PUBLISHED = ("re_referrals", "referrals")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the subcommand its arguments."""
    parser.add_argument(
        "returns",
        nargs="?",
        help="CSV file of answers with a header: authority (ONS code), financial_year (2019-20), "
        "and counts; an empty field or one of c, x, z, u, low is no answer",
    )
    parser.add_argument(
        "--template",
        metavar="FILE",
        help="write the return that authorities are asked for, with an explanation beside it, "
        "and end",
    )
    parser.add_argument(
        "--count",
        default="not_stepped_down",
        metavar="COLUMN",
        help="what is totalled (default not_stepped_down)",
    )
    parser.add_argument(
        "--of", metavar="COLUMN", help="what it is a part of: its rate is estimated too"
    )
    parser.add_argument(
        "--scale",
        action="append",
        metavar="COLUMN",
        help="what authorities are scaled by; the first is the main one (default assessments, "
        "referrals, children, as published)",
    )
    parser.add_argument(
        "--within",
        action="append",
        metavar="COLUMN",
        help="groups that are also estimated each for itself (default region and size)",
    )
    parser.add_argument(
        "--frame",
        metavar="FILE",
        help="CSV file of all authorities with their sizes (default: England as published)",
    )
    parser.add_argument(
        "--years",
        type=year_range,
        metavar="FIRST-LAST",
        help="financial years by the year they end in (default: those of the returns)",
    )
    parser.add_argument(
        "--encoding",
        default="utf-8",
        metavar="NAME",
        help="of the files: utf-8 (default), latin-1 or cp1252",
    )
    parser.add_argument(
        "--limits", choices=METHODS, default="jackknife", help="(default jackknife)"
    )
    parser.add_argument(
        "--fpc", action="store_true", help="finite population correction, for a random sample"
    )
    parser.add_argument(
        "--against", type=float, metavar="NUMBER", help="another figure, for the tipping point"
    )
    add_rule(parser, "with --out, which answers are too small to write what is made of them")
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        help="write every table there, as CSV: a new folder, or that of an earlier estimate",
    )


def run(arguments: argparse.Namespace) -> int:
    """Estimate, print, and write what is asked for."""
    if arguments.template is not None:
        _write_template(Path(arguments.template))
        return 0
    if arguments.returns is None:
        raise RuleError("give a file of returns, or --template FILE")
    returns = _read(arguments.returns, arguments.encoding)
    labels = sorted(set(column_of(returns, YEAR, arguments.returns)))
    if arguments.years is not None:
        labels = year_labels(arguments.years)
        returns = _of_years(returns, labels, arguments.returns)
    if arguments.frame is None:
        frame = england(_years_of(labels, arguments.returns))
    else:
        frame = _read(arguments.frame, arguments.encoding)
        if YEAR in frame.columns:
            frame = _of_years(frame, labels, arguments.frame)
    within = arguments.within or [name for name in ("region",) if name in frame.columns] + ["size"]
    found = estimate_total(
        returns,
        frame,
        count=arguments.count,
        of=arguments.of,
        scale=arguments.scale or [SIZES[1], SIZES[0], SIZES[2]],
        within=within,
        year=YEAR,
        limits=arguments.limits,
        fpc=arguments.fpc,
        published=PUBLISHED if set(PUBLISHED) <= set(frame.columns) else None,
        against=arguments.against,
    )
    print(found.in_words())
    if arguments.out is not None:
        folder = found.save(arguments.out, [arguments.returns], rule=rule_of(arguments))
        print(f"\n{folder}: {', '.join(found.tables())}")
    return 0


def _read(path: str, encoding: str) -> pd.DataFrame:
    """A file as text, none of it null; DataError if there is nothing below its header."""
    header = read_header(path, encoding)
    records = read_records(path, header=header, encoding=encoding)
    if not records:
        raise DataError(f"{path} has no rows below its header")
    return pd.DataFrame(records, columns=header, dtype=str)


def _of_years(table: pd.DataFrame, labels: list[str], path: str) -> pd.DataFrame:
    years = column_of(table, YEAR, path)
    chosen = table[years.isin(labels)]
    if chosen.empty:
        raise DataError(
            f"{path} has no row of {' or '.join(labels)}; its {YEAR} is "
            f"{', '.join(sorted(set(years))[:5])}"
        )
    return chosen


def _years_of(labels: list[str], path: str) -> list[int]:
    years = []
    for label in labels:
        year = year_of(label)
        if year is None:
            raise DataError(f"{path}: {YEAR} {label!r} is not a year such as 2019-20")
        years.append(year)
    return years


def _write_template(path: Path) -> None:
    data = files("rereferral") / "data"
    if path.exists():
        raise RuleError(f"{path} is there already")
    path.write_bytes((data / "foi_return.csv").read_bytes())
    beside = path.with_suffix(".txt")
    beside.write_bytes((data / "foi_return.txt").read_bytes())
    print(f"{path}, and what its columns mean in {beside}")
