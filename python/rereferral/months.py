"""Which months of an area are full: the first and the last that its data can be trusted in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rereferral import _core

__all__ = ["FullMonths", "full_months"]

Months = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FullMonths:
    """The full months of each group; months since January 1970.

    Attributes
    ----------
    first, last : ndarray of int64, shape (n_groups,)
        The first and the last full month; of no meaning where `rows` is 0.
    rows : ndarray of int64, shape (n_groups,)
        Rows counted.
    later : ndarray of float64, shape (n_groups,)
        Median rows of the months after the first full one, those without any among them; NaN
        where there is none.
    """

    first: Months
    last: Months
    rows: npt.NDArray[np.int64]
    later: npt.NDArray[np.float64]


def full_months(
    month: Months,
    group: npt.NDArray[np.int32] | None = None,
    n_groups: int = 1,
    use: npt.NDArray[np.bool_] | None = None,
) -> FullMonths:
    """Find the first and the last full month of each group.

    The first full month is the first with at least half as many rows as the median of the group's
    later months, up to its last; the last is found in the same way from the other end. Returns
    carry old open cases, so the smallest date says nothing; and where their thin trail has more
    months than the data itself, nor does the median. So a full month also has at least a quarter of
    the rows of the month in which the middle one of the later rows lies, which asks for more only
    where that is above twice the median.

    Parameters
    ----------
    month : ndarray of int64
        Months since January 1970, by row.
    group : ndarray of int32, optional
        The group of each row, in [0, n_groups); None: one group.
    n_groups : int
        Groups.
    use : ndarray of bool, optional
        Rows that count; the others are not looked at.

    Returns
    -------
    FullMonths

    Examples
    --------
    >>> import numpy as np
    >>> from rereferral.months import full_months
    >>> months = np.repeat([540, 541, 550, 551, 552], [1, 2, 90, 110, 100])
    >>> int(full_months(months).first[0])
    550
    """
    nothing = np.zeros(n_groups, np.int64)
    found = FullMonths(nothing, nothing.copy(), nothing.copy(), np.full(n_groups, np.nan))
    counted = month if use is None or use.all() else month[use]
    if len(counted) == 0:
        return found
    start, end = int(counted.min()), int(counted.max())
    place = np.empty(len(month), np.int32)
    np.subtract(month, start, out=place, casting="unsafe")
    room = _core.tally_days_room(len(month), n_groups, end - start)
    of, at = np.empty((2, room), np.int32)
    none, rows = np.empty((2, room), np.int64)
    never = np.zeros(len(month), np.int8)
    n_cells = _core.tally_days(
        place, never, 1, group, use, n_groups, end - start, of, at, none, rows
    )
    # The tally has a cell for the first month of every group, also where it is empty.
    some = np.flatnonzero(rows[:n_cells])
    of, at, rows = of[some], at[some], rows[some]
    edges = np.searchsorted(of, np.arange(n_groups + 1))
    for g in np.flatnonzero(np.diff(edges)):
        part = slice(edges[g], edges[g + 1])
        months, n = at[part].astype(np.int64), rows[part]
        first = _first_full(months, n)
        found.first[g] = start + months[first]
        found.last[g] = start + months[::-1][_first_full(-months[::-1], n[::-1])]
        found.rows[g] = n.sum()
        if first + 1 < len(months):
            found.later[g] = _middle(np.sort(n[first + 1 :]), int(months[-1] - months[first])) / 2
    return found


def _first_full(months: Months, n: npt.NDArray[np.int64]) -> int:
    """Position of the first full month among the months that have rows, in rising order."""
    for i in range(len(n) - 1):
        later = np.sort(n[i + 1 :])
        upto = np.cumsum(later)
        middle_row = later[np.searchsorted(2 * upto, upto[-1])]
        median = _middle(later, int(months[-1] - months[i]))
        if 4 * n[i] >= median and 4 * n[i] >= middle_row:
            return i
    return len(n) - 1


def _middle(ordered: npt.NDArray[np.int64], n_months: int) -> int:
    """Twice the median of `n_months` counts: those given, in order, and zeros before them."""
    zeros = n_months - len(ordered)

    def at(position: int) -> int:
        return 0 if position < zeros else int(ordered[position - zeros])

    return at((n_months - 1) // 2) + at(n_months // 2)
