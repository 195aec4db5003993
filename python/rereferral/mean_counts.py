"""Events that may come again: how many there are, on average, by each day."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.curves import (
    LEVEL,
    Cells,
    Floats,
    cells_of,
    cluster_codes,
    clustered,
    core_codes,
    core_days,
    flags_of,
    group_keys,
    whole_days,
)
from rereferral.groups import Groups, beside
from rereferral.tables import open_table

__all__ = ["mean_count", "mean_count_swept", "mean_count_table"]


def mean_count(
    duration: Any,
    row: Any,
    day: Any,
    terminal: Any = None,
    by: Any = None,
    cluster: Any = None,
) -> pd.DataFrame:
    """Mean cumulative count: how many events a row has had, on average, by each day.

    Parameters
    ----------
    duration : array of n_rows whole numbers, days >= 0
        Days from the start of each row to the end of its observation, or to its terminal exit.
    row, day : arrays of n_events whole numbers
        The events, in any order: the position (from 0) of the row that each belongs to, and the
        days from the start of that row; not after its `duration`. Events of a row on one day are
        one.
    terminal : None, or array of n_rows bool (or 0 and 1)
        Whether a row ended in an exit, such as death, after which there can be no event. None: no
        row did. On one day events come before exits, and exits before ends of observation.
    by : None, array, Series, list or dict of arrays, or DataFrame
        Keys of n_rows values; a curve for each combination that occurs.
    cluster : None, array, list of arrays, or DataFrame
        Keys of n_rows values: rows with one key, such as a person, are not independent. None: each
        row is a cluster.

    Returns
    -------
    DataFrame
        For each group day 0 and every day on which something happens: the group columns, then

        ``day``, ``at_risk``, ``events``, ``terminal``, ``censored``
            int64; `at_risk` counts the rows that have not left before the day.
        ``mean``
            float64, events by the end of the day, for each row at the start.
        ``std_error``
            float64, of the infinitesimal jackknife over clusters; null in a group of one.
        ``lower``, ``upper``
            float64, 95 % limits on the scale log(mean); 0 and 0 where the mean is 0.

    Raises
    ------
    DataError
        A duration, a day or a row is missing, negative or not whole; an event belongs to no row or
        comes after the end of its row: the message names the place.
    RuleError
        A key is the name of a column, or has the name of a column of the result.

    Notes
    -----
    With Y at risk before a day and d events on it, the mean rises by ``S * d / Y``, S being
    Kaplan-Meier's share without a terminal exit before the day. Without such exits that is the
    estimator of Nelson and Aalen, and the standard error is the robust one of Lawless and Nadeau.
    With them it is that of Ghosh and Lin; where exits share a day, the derivative of the product
    stands in the place of that of the exponential, as in Greenwood's formula.

    References
    ----------
    J. F. Lawless and C. Nadeau, Technometrics 37 (1995), 158-168.
    D. Ghosh and D. Y. Lin, Nonparametric analysis of recurrent events and death, Biometrics 56
    (2000), 554-562.

    Examples
    --------
    Three rows, of which the first has two events and the second dies after 30 days.

    >>> table = mean_count([60, 30, 60], [0, 0, 2], [10, 40, 40], terminal=[0, 1, 0])
    >>> table[["day", "at_risk", "events", "terminal", "mean"]].round(3)
       day  at_risk  events  terminal   mean
    0    0        3       0         0  0.000
    1   10        3       1         0  0.333
    2   30        3       0         1  0.333
    3   40        2       2         0  1.000
    4   60        2       0         0  1.000
    """
    columns = {"duration": duration}
    if terminal is not None:
        columns["terminal"] = terminal
    table = open_table(columns, "mean_count")
    events = open_table({"row": row, "day": day}, "mean_count")
    durations = whole_days(table, "duration")
    ends = np.zeros(len(durations), np.bool_) if terminal is None else flags_of(table, "terminal")
    rows, days = whole_days(events, "row", "rows"), whole_days(events, "day")
    beyond = rows >= len(durations)
    if beyond.any():
        place = int(beyond.argmax())
        raise events.fail("row", f"there is no row {rows[place]}", place, rows[place])
    late = days > durations[rows]
    if late.any():
        place = int(late.argmax())
        raise events.fail(
            "day", f"{days[place]} is after the end of row {rows[place]}", place, days[place]
        )
    order = np.lexsort((days, rows))
    offsets = np.concatenate([[0], np.bincount(rows, minlength=len(durations)).cumsum()])
    return mean_count_table(
        None if by is None else table.groups(group_keys(by)),
        durations,
        ends,
        offsets.astype(np.int64),
        days[order],
        cluster=cluster_codes(table, "cluster", cluster),
    )


def mean_count_table(
    groups: Groups | None,
    duration: npt.NDArray[np.integer[Any]],
    terminal: npt.NDArray[np.bool_],
    offsets: npt.NDArray[np.int64],
    days: npt.NDArray[np.integer[Any]],
    use: npt.NDArray[np.bool_] | None = None,
    cluster: npt.NDArray[np.uint32] | None = None,
) -> pd.DataFrame:
    """`mean_count` on arrays that are already in the core's types.

    Parameters
    ----------
    groups : Groups or None
        The group of each row; None is one group.
    duration : ndarray of int32 or int64, shape (n_rows,)
        Days, not negative where used.
    terminal : ndarray of bool, shape (n_rows,)
        Whether the row ended in a terminal exit.
    offsets : ndarray of int64, shape (n_rows + 1,)
        The events of row i are ``days[offsets[i]:offsets[i + 1]]``.
    days : ndarray of int32 or int64, shape (n_events,)
        Days from the start of the row, from 0 to its duration, within a row not falling.
    use : ndarray of bool, shape (n_rows,), or None
        Rows that count, with their events; None: all.
    cluster : ndarray of uint32, shape (n_rows,), or None
        Codes of the clusters, not the null key where used; None: each row is a cluster.

    Returns
    -------
    DataFrame
        As `mean_count`.

    Raises
    ------
    DataError
        A duration is negative, or a day is out of its range or falls; the row is named.
    """
    codes, n_groups = core_codes(groups)
    lasting, when = core_days(duration), core_days(days)
    room = len(lasting) + len(when)
    group, day = np.empty(room, np.int32), np.empty(room, np.int32)
    cause, key = np.empty(room, np.int8), np.empty(room, np.uint32)
    n = _core.event_items(
        lasting, terminal, offsets, when, cluster, codes, use, n_groups, group, day, cause, key
    )
    group, day, cause, key = group[:n], day[:n], cause[:n], key[:n]
    cells = cells_of(group, n_groups, day, cause, 2, None)
    _, errors = clustered(cells, group, n_groups, day, cause, None, key, repeats=True)
    return _table(groups, cells, errors[:, 0])


def mean_count_swept(
    groups: Groups | None,
    duration: npt.NDArray[np.integer[Any]],
    terminal: npt.NDArray[np.bool_],
    sweep: tuple[object, tuple[Any, ...], int],
    n_days: int,
    use: npt.NDArray[np.bool_] | None = None,
    cluster: npt.NDArray[np.uint32] | None = None,
) -> pd.DataFrame:
    """`mean_count` of a linkage, whose pairs are met one by one and not kept.

    Parameters
    ----------
    groups, duration, terminal, use, cluster
        As of `mean_count_table`. Rows of one cluster have one key in the linkage.
    sweep : tuple
        Both sides in order, the rule, and the length of the events table: `Again.sweep`.
    n_days : int
        How many days with an event the rows have together.

    Returns
    -------
    DataFrame
        As `mean_count`.
    """
    codes, n_groups = core_codes(groups)
    lasting = core_days(duration)
    longest = _core.longest(lasting, use)
    rows = (*sweep, n_groups, longest, lasting, terminal, codes, use, cluster)
    room = _core.tally_days_room(len(lasting) + n_days, n_groups, longest)
    group, day = np.empty(room, np.int32), np.empty(room, np.int32)
    events, censored = np.empty((room, 2), np.int64), np.empty(room, np.int64)
    n = _core.mean_cells(rows, group, day, events.ravel(), censored)
    cells = Cells(group[:n], day[:n], events[:n], censored[:n])
    clusters, std_error = np.empty(n_groups, np.int64), np.empty(n)
    _core.mean_clusters(
        rows, cells.group, cells.day, cells.events.ravel(), cells.censored, clusters, std_error
    )
    return _table(groups, cells, std_error)


def _table(groups: Groups | None, cells: Cells, std_error: Floats) -> pd.DataFrame:
    """The table of `mean_count`, from cells with two causes."""
    at_risk, mean = _means(cells)
    lower, upper = np.empty(len(mean)), np.empty(len(mean))
    _core.log_limits(mean, std_error, NormalDist().inv_cdf((1 + LEVEL) / 2), lower, upper)
    table = pd.DataFrame(
        {
            "day": cells.day.astype(np.int64),
            "at_risk": at_risk,
            "events": cells.events[:, 1],
            "terminal": cells.events[:, 0],
            "censored": cells.censored,
            "mean": mean,
            "std_error": std_error,
            "lower": lower,
            "upper": upper,
        }
    )
    return beside(groups, table, cells.group)


def _means(cells: Cells) -> tuple[npt.NDArray[np.int64], Floats]:
    at_risk, mean = np.empty(len(cells.day), np.int64), np.empty(len(cells.day))
    _core.mean_count(cells.group, cells.events.ravel(), cells.censored, at_risk, mean)
    return at_risk, mean
