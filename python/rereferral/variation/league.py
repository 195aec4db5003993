"""`rereferral.league`: places of areas, as far as they can be told apart."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rereferral.errors import DataError, RuleError
from rereferral.rates import wilson
from rereferral.variation.rows import read_rows

__all__ = ["League", "league"]


@dataclass(frozen=True, eq=False)
class League:
    """Areas from the highest rate to the lowest, each with all the places that may be its own.

    Attributes
    ----------
    table : DataFrame
        A row for each area: its name, the two counts, ``rate``; ``lower`` and ``upper``, limits
        that hold all areas' true rates at once; ``place``, such as ``"3 to 41"``; ``first`` and
        ``last``, the same as numbers. 1 is the highest rate.
    missing : DataFrame
        Areas without a rate, and why.
    level : float
        How sure all places are together.
    """

    table: pd.DataFrame
    missing: pd.DataFrame
    level: float

    def words(self) -> list[str]:
        """What can be said of the places."""
        areas = len(self.table)
        width = self.table["last"] - self.table["first"] + 1
        certain = int((width == 1).sum())
        wide = int((width > areas / 2).sum())
        found = [
            f"{areas:,} areas; all places together hold with {self.level * 100:g} %",
            f"{certain} have a place of their own; {wide} may be anywhere over more than half of "
            "the table",
        ]
        if len(self.missing):
            found.append(f"{len(self.missing):,} areas have no rate")
        return found

    def __repr__(self) -> str:
        return "\n".join([*self.words(), "", self._shown().to_string(index=False)])

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{html.escape(line)}</p>" for line in self.words())
        return words + str(self._shown().to_html(index=False))

    def _shown(self) -> pd.DataFrame:
        shown = self.table.drop(columns=["first", "last"])
        for name in ("rate", "lower", "upper"):
            shown[name] = [f"{value * 100:.1f} %" for value in shown[name]]
        return shown


def league(
    table: Any,
    *,
    by: str | Sequence[str],
    count: str = "linked",
    of: str = "n",
    level: float = 0.95,
) -> League:
    """Put areas in order by their rates, without a place where they cannot be told apart.

    An area is surely above another only if their limits do not touch. So each has not one place but
    a range of them: below all that are surely above it, and above all that are surely below.

    Parameters
    ----------
    table : DataFrame or other small table
        A row for each area: what ``links.rates(by="authority")`` gives, or counts of one's own.
    by : str or sequence of str
        The columns that name the areas.
    count, of : str
        The columns of the two counts.
    level : float, default 0.95
        How sure all places are together: each area's Wilson limits are at ``level ** (1 / areas)``,
        so that all of them hold at once where areas are independent.

    Returns
    -------
    League

    Raises
    ------
    DataError
        A column is not there, a name stands there twice, a count is negative or above what it is a
        part of or no whole number, or a cell holds no number and no known symbol.

    References
    ----------
    M. Klein, T. Wright and J. Wieczorek, A joint confidence region for an overall ranking of
    populations, Journal of the Royal Statistical Society C 69 (2020), 589-606.

    Examples
    --------
    >>> import rereferral as rr
    >>> table = {"authority": ["A", "B", "C"], "n": [400, 900, 1600], "linked": [60, 225, 480]}
    >>> rr.league(table, by="authority").table[["authority", "place"]]
      authority   place
    0         C  1 to 2
    1         B  1 to 2
    2         A       3
    """
    if not 0 < level < 1:
        raise RuleError(f"level={level!r} is not between 0 and 1")
    rows = read_rows(table, count, of, by)
    for values, name in ((rows.count, count), (rows.of, of)):
        for row in np.flatnonzero(values != np.floor(values)).tolist():
            raise DataError(
                f"{name} of {rows.labels()[row]} is {values[row]:g}, no whole number; "
                "give counts, not rates"
            )
    areas = len(rows.of)
    lower, upper = wilson(rows.count, rows.of, level ** (1 / areas))
    first = 1 + (lower[None, :] > upper[:, None]).sum(1)
    last = areas - (upper[None, :] < lower[:, None]).sum(1)
    found = rows.names.assign(
        **{count: rows.count, of: rows.of},
        rate=rows.rate,
        lower=lower,
        upper=upper,
        place=[f"{a}" if a == b else f"{a} to {b}" for a, b in zip(first, last, strict=True)],
        first=first,
        last=last,
    )
    order = np.argsort(-rows.rate, kind="stable")
    return League(found.iloc[order].reset_index(drop=True), rows.missing, level)
