"""Arguments of the command line that several subcommands take."""

from __future__ import annotations

import argparse

__all__ = ["year_range"]


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
