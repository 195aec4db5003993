"""Like with like: authorities of two years, where some became others between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rereferral.errors import DataError, RuleError
from rereferral.lineage import crosswalk
from rereferral.small_tables import column_of, small_table
from rereferral.years import year_of

__all__ = ["AREAS", "Pair", "paired"]

AREAS = ("joined", "same code")
"""How areas of two years are held against each other."""


@dataclass(frozen=True)
class Pair:
    """What is held against each other: the codes of the one year, and those of the other."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    note: str = ""


def paired(
    before: Iterable[str],
    after: Iterable[str],
    years: tuple[str, str],
    areas: str,
    changes: Any = None,
) -> tuple[list[Pair], dict[str, str]]:
    """The areas of two years that can be compared, and why others cannot.

    Parameters
    ----------
    before, after : iterable of str
        The codes of each year.
    years : (str, str)
        The financial years; a change counts that took effect after the first had begun, up to the
        first day of the second.
    areas : {"joined", "same code"}
        Whether areas that became others are compared with these, all of them together, or left
        out.
    changes : DataFrame, optional
        ``predecessor``, ``successor``, ``effective_date`` and ``kind``, as `rereferral.crosswalk`
        has it, which is the default.

    Returns
    -------
    pairs : list of Pair
        In the order of `before`.
    left_out : dict
        By code, why.
    """
    if areas not in AREAS:
        raise RuleError(f"areas={areas!r} is neither {' nor '.join(map(repr, AREAS))}")
    table = _between(crosswalk() if changes is None else changes, years)
    old, new = list(before), list(after)
    group = _groups(table)
    pairs, left_out = [], {}
    for code in old:
        if code not in group and code in new:
            pairs.append(Pair((code,), (code,)))
        elif code not in group:
            left_out[code] = f"in {years[0]} only"
    left_out |= {
        code: f"in {years[1]} only" for code in new if code not in group and code not in old
    }
    for codes in dict.fromkeys(group.values()):
        rows = table[table["predecessor"].isin(codes)]
        gone, come = set(rows["predecessor"]), set(rows["successor"])
        met = [tuple(c for c in side if c in codes) for side in (old, new)]
        if not met[0] and not met[1]:
            continue
        kinds = _listed(rows["kind"])
        days = _listed(day.strftime("%Y-%m-%d") for day in rows["effective_date"])
        what = f"{kinds} of {days}"
        # Who came and went again between the two years stands in neither file.
        lacking = sorted((gone - come - set(met[0])) | (come - gone - set(met[1])))
        if areas == "same code":
            for code in (*met[0], *met[1]):
                left_out[code] = f"became another, or came of one: {what}"
        elif lacking:
            for code in (*met[0], *met[1]):
                left_out[code] = f"{what}, and {', '.join(lacking)} is not in both years' files"
        else:
            pairs.append(Pair(met[0], met[1], what))
    return pairs, left_out


def _between(given: Any, years: tuple[str, str]) -> pd.DataFrame:
    """The changes that took effect between two years."""
    table = small_table(given, "the crosswalk")
    for name in ("predecessor", "successor", "effective_date", "kind"):
        column_of(table, name, "the crosswalk")
    try:
        days = pd.to_datetime(table["effective_date"])
    except (ValueError, TypeError) as error:
        raise DataError(f'the crosswalk: "effective_date" holds no dates: {error}') from None
    first, last = (pd.Timestamp(_start(year), 4, 1) for year in years)
    chosen = table.assign(effective_date=days)[(days > first) & (days <= last)]
    return chosen.astype({"predecessor": str, "successor": str, "kind": str})


def _start(label: str) -> int:
    year = year_of(label)
    if year is None:
        raise RuleError(f'{label!r} is no financial year such as "2019-20"')
    return year - 1


def _groups(table: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Of each code that changed, all that are connected with it."""
    group: dict[str, frozenset[str]] = {}
    for one, other in zip(table["predecessor"], table["successor"], strict=True):
        whole = group.get(one, frozenset([one])) | group.get(other, frozenset([other]))
        group |= dict.fromkeys(whole, whole)
    return group


def _listed(words: Iterable[str]) -> str:
    *first, last = dict.fromkeys(words)
    return f"{', '.join(first)} and {last}" if first else last
