"""Arguments of the command line that several subcommands take."""

from __future__ import annotations

import argparse

from rereferral.rules import BY_NAME, DFE, Rule

__all__ = ["add_rule", "rule_of", "year_range"]

_RULES: dict[str, Rule | None] = {**BY_NAME, "none": None}


def add_rule(parser: argparse.ArgumentParser, asks: str) -> None:
    """Give a subcommand ``--rule``; `asks` begins the help: what the rule decides."""
    parser.add_argument(
        "--rule",
        default=DFE.name.casefold(),
        type=str.casefold,
        choices=list(_RULES),
        help=f"{asks}: by the rule of the Department for Education (dfe, default), of opensafely "
        "or of ccwip; none: not at all, and the name of every file but manifest.json says so",
    )


def rule_of(arguments: argparse.Namespace) -> Rule | None:
    """The rule that was asked for; None: none."""
    return _RULES[arguments.rule]


def year_range(text: str) -> range:
    """Financial years as they are typed: `2016-2020` or `2020`."""
    first, dash, last = text.partition("-")
    try:
        years = range(int(first), int(last if dash else first) + 1)
    except ValueError:
        years = range(0)
    if not years:
        raise argparse.ArgumentTypeError(f"{text!r} is not a year or a range such as 2016-2020")
    return years
