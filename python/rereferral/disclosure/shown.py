"""A table as it is published: what is hidden, what is rounded, and the log of both."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from rereferral.disclosure.counts import LOW, Counts, Place, State, rounded
from rereferral.disclosure.derived import is_share, limit_of, share_in_units
from rereferral.disclosure.sheets import METHOD, Sheet, is_proportion, row_label
from rereferral.rates import wilson

__all__ = ["WHY", "Shown", "shares_from_counts"]

WHY = {
    "small": "a count that nobody may find",
    "beside": "a small count could be found from it",
    "with its counts": "it follows from counts that are hidden",
    "zeroed": "the rule shows small counts as it shows 0",
    "rounded": "the rule rounds these counts",
    "ends alone": "windows beside it would tell what lies between them and its points",
    "left out": "it could not be made safe with the other tables",
}
"""What the log says of each thing that is done."""

_HIDDEN = (State.SMALL, State.BESIDE)
_DONE = {State.SMALL: "small", State.BESIDE: "beside"}
_DEFF_DECIMALS = 2
_NEAR = 1e-9


def shares_from_counts(counts: Counts, sheet: Sheet) -> dict[str, dict[int, int]]:
    """Columns that are one count over another: by row, in units of the last decimal.

    A rate that is not its counts' quotient, as a Kaplan-Meier risk, is none of them.
    """
    found: dict[str, dict[int, int]] = {}
    for column, sources in sheet.derived.items():
        if not is_share(column, sources):
            continue
        cells = {}
        for row, given in enumerate(sheet.frame[column].tolist()):
            part, whole = (
                counts.value[counts.number[place]] if place in counts.number else None
                for place in (Place(sheet.name, row, name) for name in sources)
            )
            if part is None or not whole or pd.isna(given):
                continue
            if abs(float(given) - part / whole) > _NEAR:
                continue
            if counts.rule.zeroed:
                base = counts.rule.base(sheet.total)
                whole = rounded(whole, base)
                part = min(0 if counts.rule.is_small(part) else rounded(part, base), whole)
                if whole == 0:
                    continue
            cells[row] = share_in_units(part, whole, counts.rule.decimals + 2)
        if cells:
            found[column] = cells
    return found


class Shown:
    """A table with what is hidden hidden.

    Attributes
    ----------
    table : DataFrame
        Numbers, null where something is hidden.
    published : DataFrame
        Text, with symbols.
    log : list of (str, str, str, str)
        Table, row, column and what was done.
    """

    def __init__(
        self, counts: Counts, sheet: Sheet, shares: Mapping[str, Mapping[int, int]]
    ) -> None:
        self._counts, self._sheet, self._shares = counts, sheet, shares
        self._rule = counts.rule
        self.log: list[tuple[str, str, str, str]] = []
        table, published = sheet.frame.copy(), sheet.frame.copy()
        rows = range(len(sheet.frame))
        for column in sheet.frame.columns:
            if column in sheet.counts:
                cells = [self._count(row, column) for row in rows]
                values: Any = pd.array([value for value, _ in cells], "Int64")
            elif column in sheet.derived:
                cells = [self._derived(row, column) for row in rows]
                numbers = [math.nan if value is None else value for value, _ in cells]
                values = np.array(numbers, np.float64)
            elif column == METHOD:
                cells = [self._method(row) for row in rows]
                values = pd.Series([text for text, _ in cells], dtype=object)
            else:
                continue
            table[column] = values
            published[column] = pd.Series([text for _, text in cells], dtype=object)
        self.table, self.published = table, published

    def _note(self, row: int, column: str, done: str) -> None:
        self.log.append((self._sheet.name, row_label(self._sheet, row), column, done))

    def _state(self, row: int, column: str) -> int | None:
        number = self._counts.number.get(Place(self._sheet.name, row, column))
        return None if number is None else self._counts.state[number]

    def _value(self, row: int, column: str) -> int | None:
        number = self._counts.number.get(Place(self._sheet.name, row, column))
        return None if number is None else self._counts.value[number]

    def _count(self, row: int, column: str) -> tuple[Any, str]:
        state, value = self._state(row, column), self._value(row, column)
        if state is None or value is None:
            return pd.NA, ""
        if state in _HIDDEN:
            self._note(row, column, _DONE[state])
            return pd.NA, self._rule.symbol
        shown = self._rounded(value)
        # The log may not tell a 0 from a small count, nor which counts needed no rounding.
        if self._rule.zeroed and shown == 0:
            self._note(row, column, "zeroed")
        elif self._rule.base(self._sheet.total) > 1:
            self._note(row, column, "rounded")
        if shown == 0 < value and not self._rule.zeroed:
            return shown, LOW
        return shown, str(shown)

    def _rounded(self, value: int) -> int:
        if self._rule.zeroed and self._rule.is_small(value):
            return 0
        return rounded(value, self._rule.base(self._sheet.total))

    def _derived(self, row: int, column: str) -> tuple[float | None, str]:
        sources = self._sheet.derived[column]
        given = self._sheet.frame[column].iloc[row]
        if pd.isna(given) and not self._rule.zeroed:
            return None, ""
        if self._is_lost(row, sources):
            self._note(row, column, "with its counts")
            return None, self._rule.symbol
        if pd.isna(given):
            return None, ""
        decimals = self._rule.decimals + 2
        if row in self._shares.get(column, {}):
            value = self._shares[column][row] / 10**decimals
        elif is_proportion(column):
            value = _half_up(self._limit(row, column, float(given)), decimals)
        elif column == "deff":
            decimals = _DEFF_DECIMALS
            value = _half_up(float(given), decimals)
        else:
            return float(given), f"{float(given):g}"
        return value, f"{value:.{decimals}f}"

    def _is_lost(self, row: int, sources: Iterable[str]) -> bool:
        """Whether what is made of some counts would tell one that is hidden."""
        if any(self._state(row, name) in _HIDDEN for name in sources):
            return True
        # What is made of a count that is shown as 0, or that there is nothing, would say which.
        values = [self._value(row, name) for name in sources]
        return self._rule.zeroed and any(v is not None and self._rounded(v) == 0 for v in values)

    def _method(self, row: int) -> tuple[Any, Any]:
        """How limits were made: that depends on how many there are, so it goes with the counts."""
        if self._is_lost(row, self._sheet.counts):
            return None, self._rule.symbol
        given = self._sheet.frame[METHOD].iloc[row]
        return given, given

    def _limit(self, row: int, column: str, given: float) -> float:
        """A limit: in rows of rounded counts from what is shown, so that it tells no more."""
        limit, sources = limit_of(column), self._sheet.derived[column]
        rates = [name for name in self._shares if self._sheet.derived[name] == sources]
        rounds = self._rule.base(self._sheet.total) > 1
        if limit is None or not rounds or not rates or row not in self._shares[rates[0]]:
            return given
        frame = self._sheet.frame
        if "method" in frame and not str(frame["method"].iloc[row]).startswith("Wilson"):
            return given
        rate = self._shares[rates[0]][row] / 10 ** (self._rule.decimals + 2)
        deff = float(frame["deff"].iloc[row]) if "deff" in frame else 1.0
        deff = max(1.0, _half_up(deff, _DEFF_DECIMALS)) if math.isfinite(deff) else 1.0
        whole = self._rounded(self._value(row, sources[1]) or 0) / deff
        if whole == 0:
            return math.nan
        lower, upper = wilson(rate * whole, whole, limit[1])
        return float(lower if limit[0] == "lower" else upper)


def _half_up(value: float, decimals: int) -> float:
    if not math.isfinite(value):
        return value
    return float(math.floor(value * 10**decimals + 0.5) / 10**decimals)
