"""What is computed from counts: how it is shown, and what it tells of counts that are not."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.disclosure.counts import MOST, Counts, Place, State
from rereferral.disclosure.sheets import Sheet, is_median
from rereferral.disclosure.system import System
from rereferral.rates import wilson

__all__ = [
    "add_limits",
    "add_medians",
    "add_shares",
    "decimals_of",
    "is_share",
    "limit_of",
    "share_in_units",
    "shares_of",
]

_SHARES = re.compile(r"(rate|share)(_.*)?")
_LIMITS = re.compile(r"(lower|upper)_(\d+(?:_\d+)?)")
_TOO_MANY = 200_000  # pairs of counts that are tried, and
_CHOICES = 4_000  # pairs that are told one by one; beyond these a limit tells less than a rate


def is_share(column: str, sources: Sequence[str]) -> bool:
    """Whether a column is one count over another."""
    return len(sources) == 2 and _SHARES.fullmatch(column) is not None


def limit_of(column: str) -> tuple[str, float] | None:
    """Which side and level a column of limits has, ``lower_99_8``; None: it has none."""
    match = _LIMITS.fullmatch(column)
    return None if match is None else (match[1], float(match[2].replace("_", ".")) / 100)


def share_in_units(part: int, whole: int, decimals: int) -> int:
    """A share in units of its last decimal, rounded half up from the counts."""
    scale: int = 2 * 10**decimals
    return (scale * part + whole) // (2 * whole)


def units(cell: Any, decimals: int) -> int | None:
    """A published number in units of its last decimal; None where no number stands there."""
    try:
        number = Decimal(str(cell).strip())
    except ArithmeticError:
        return None
    return int(number.scaleb(decimals).to_integral_value()) if number.is_finite() else None


def decimals_of(column: pd.Series) -> int:
    """How many decimals a published column has: the most of any of its numbers."""
    most = 0
    for cell in column:
        try:
            exponent = Decimal(str(cell).strip()).as_tuple().exponent
        except ArithmeticError:
            continue
        if isinstance(exponent, int):
            most = max(most, -exponent)
    return most


def add_shares(
    counts: Counts, sheet: Sheet, shown: Mapping[str, Mapping[int, int]], decimals: int
) -> None:
    """Add what published shares tell: from which to which a part lies, of its whole.

    Parameters
    ----------
    counts : Counts
        Of the release; whatever narrows them is added.
    sheet : Sheet
        A table of it.
    shown : mapping
        By column, and row, the share in units of its last decimal.
    decimals : int
        Of the shares.
    """
    scale = 2 * 10**decimals
    for column, cells in shown.items():
        part_name, whole_name = sheet.derived[column]
        for row, share in cells.items():
            part = counts.number.get(Place(sheet.name, row, part_name))
            whole = counts.number.get(Place(sheet.name, row, whole_name))
            if part is None or whole is None:
                continue
            if all(counts.low[number] == counts.high[number] for number in (part, whole)):
                continue
            # share is (scale * part + whole) // (2 * whole): twice the share, less and more 1.
            why = f"{column} of {sheet.name}"
            for name, factor, sign, constant in (
                (f"{column}, from", 2 * share - 1, 1, 0),
                (f"{column}, to", 2 * share + 1, -1, 1),
            ):
                terms = [(part, sign * scale), (whole, -sign * factor)]
                values = [counts.value[number] for number, _ in terms]
                slack = None
                if None not in values:
                    slack = -constant + sum(
                        f * (v or 0) for (_, f), v in zip(terms, values, strict=True)
                    )
                rest = counts.add(Place(sheet.name, row, name), State.SLACK, slack)
                counts.renew([rest])
                told_with_counts = counts.value[part] is not None
                counts.equate([*terms, (rest, -1)], constant, why, told_with_counts)


def add_limits(counts: Counts, sheet: Sheet) -> None:
    """Add what published limits of a share tell where neither its counts nor it are published.

    Beside the share itself a limit tells next to nothing of its own.
    """
    columns = {
        str(column): limit
        for column in sheet.derived
        if (limit := limit_of(str(column))) and len(sheet.derived[column]) == 2
    }
    if not columns:
        return
    system = System(counts)
    rates = [name for name, sources in sheet.derived.items() if is_share(str(name), sources)]
    for column, (side, level) in columns.items():
        decimals = decimals_of(sheet.frame[column])
        part_name, whole_name = sheet.derived[column]
        for row, cell in enumerate(sheet.frame[column].tolist()):
            share = units(cell, decimals)
            if any(units(sheet.frame[name].iloc[row], decimals) is not None for name in rates):
                continue
            part = counts.number.get(Place(sheet.name, row, part_name))
            whole = counts.number.get(Place(sheet.name, row, whole_name))
            if share is None or part is None or whole is None:
                continue
            pairs = _pairs(system, part, whole)
            if pairs is None:
                continue
            x, n = pairs
            lower, upper = wilson(x.astype(np.float64), n.astype(np.float64), level)
            limit = np.asarray(lower if side == "lower" else upper) * 10**decimals
            near = np.abs(limit - share) <= 0.5 + 1e-9
            _choose(counts, (part, whole), (x[near], n[near]), Place(sheet.name, row, column))


def _pairs(
    system: System, part: int, whole: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None:
    """All pairs of two counts, as far as is known of each; None where they are too many."""
    spans = [(int(system.low[number]), int(system.high[number])) for number in (part, whole)]
    size = [high - low + 1 for low, high in spans]
    if spans[0] == spans[1] == (0, MOST) or size[0] * size[1] > _TOO_MANY or size == [1, 1]:
        return None
    x, n = np.meshgrid(*(np.arange(low, high + 1) for low, high in spans))
    possible = (x <= n) & (n > 0)
    return x[possible], n[possible]


def _choose(
    counts: Counts,
    numbers: tuple[int, int],
    pairs: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    place: Place,
) -> None:
    """Add that two counts are one of some pairs: an unknown of 0 or 1 for each."""
    if len(pairs[0]) > _CHOICES:
        return
    chosen = [
        counts.add(place._replace(column=f"{place.column}, pair {k}"), State.SLACK, None, (0, 1))
        for k in range(len(pairs[0]))
    ]
    why = f"{place.column} of {place.table}"
    counts.equate([(number, 1) for number in chosen], 1, why)
    for number, values in zip(numbers, pairs, strict=True):
        terms = [(one, -int(value)) for one, value in zip(chosen, values, strict=True) if value]
        counts.equate([(number, 1), *terms], 0, why)


def add_medians(counts: Counts, sheet: Sheet) -> None:
    """Add what a published median of whole numbers tells: somebody has it, and a half needs two."""
    part = next((name for name in ("linked", "rereferred") if name in sheet.counts), None)
    columns = [str(column) for column in sheet.derived if is_median(str(column))]
    for column, row in itertools.product(columns, range(len(sheet.frame))):
        tenths = units(sheet.frame[column].iloc[row], 1)
        number = None if part is None else counts.number.get(Place(sheet.name, row, part))
        if tenths is None or number is None:
            continue
        counts.low[number] = max(counts.low[number], 1)
        if tenths % 10 == 5:
            place = Place(sheet.name, row, f"half of {part}, by {column}")
            half = counts.add(place, State.SLACK, None)
            counts.equate([(number, 1), (half, -2)], 0, f"{column} of {sheet.name}")


def shares_of(sheet: Sheet, rows: Iterable[int], decimals: int) -> dict[str, dict[int, int]]:
    """The published shares of a table in units of the last decimal, where they are numbers."""
    found: dict[str, dict[int, int]] = {}
    for column, sources in sheet.derived.items():
        if not is_share(str(column), sources):
            continue
        cells = {row: units(sheet.frame[column].iloc[row], decimals) for row in rows}
        found[str(column)] = {row: value for row, value in cells.items() if value is not None}
    return found
