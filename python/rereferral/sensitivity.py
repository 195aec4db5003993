"""`rereferral.landmarks`: the arms of a mediator at several landmarks, and how they differ."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.errors import RuleError
from rereferral.linking import link
from rereferral.mediation import ARMS
from rereferral.rule_values import Mediator
from rereferral.spans import Span
from rereferral.tables import open_table

__all__ = ["landmarks"]

Floats = npt.NDArray[np.float64]


def landmarks(
    index: Any,
    events: Any,
    *,
    mediator: Mediator,
    days: Sequence[int] = (0, 14, 30, 90),
    cluster: str | None = "person",
    levels: Sequence[float] = (0.95, 0.998),
    **arguments: Any,
) -> pd.DataFrame:
    """Compare the arms of a mediator at several landmarks.

    Does the answer depend on the choice? Each landmark is a linkage of its own with the mediator's
    `within` ending there: a start counts up to the landmark, who returned or left before it is an
    arm apart, and the risk runs from it.

    Parameters
    ----------
    index, events : DataFrame, Arrow table, dict of arrays, or Table
        As of :func:`rereferral.link`.
    mediator : Mediator
        What stands between index event and outcome. The end of its `within` is replaced by each of
        `days`.
    days : sequence of int, days after the index event
        The landmarks.
    cluster, levels
        As of :meth:`rereferral.Links.rates`.
    **arguments
        Whatever else :func:`rereferral.link` takes.

    Returns
    -------
    pandas.DataFrame, three rows for each landmark
        ``landmark`` (days), ``window`` where there are several, ``arm``, ``n``, ``linked``,
        ``rate``, limits, ``deff``, ``method``, as :meth:`rereferral.Links.arms` has them; and, in
        the row of the mediated, ``difference``: their rate less that of the not mediated, with
        ``difference_lower_95`` and so on, and ``difference_method``. Negative: the mediated return
        less often.

    Raises
    ------
    RuleError
        If a landmark is no number of days or lies before the mediator's first day, or the mediator
        has another guard than landmarks.
    DataError
        As :func:`rereferral.link`.

    Notes
    -----
    The limits of the difference are Newcombe's hybrid of those of the two rates (his method 10
    where these are plain Wilson limits): the distances from rate to limit, squared, summed, and
    rooted, those that pull the same way together. The arms are taken as independent of one another.

    A difference is no effect: who is helped differs from who is not in more than the help. What
    the landmark takes away is only the bias of those who had no time to be helped.

    References
    ----------
    R. G. Newcombe, Interval estimation for the difference between independent proportions,
    Statistics in Medicine 17 (1998), 873-890. G. Y. Zou and A. Donner, Construction of confidence
    limits about effect measures, Statistics in Medicine 27 (2008), 1693-1702, for the same with
    other limits.

    Examples
    --------
    >>> import numpy as np, rereferral as rr
    >>> def table(name, *days):
    ...     return {"child": list(range(len(days))), name: np.array(days, "datetime64[D]")}
    >>> closed = table("closed", "2019-01-01", "2019-01-01", "2019-01-01", "2019-01-01")
    >>> helped = table("start", "2019-01-01", "2019-02-01", "2019-01-11")
    >>> referred = table("on", "2019-06-01", "2019-03-01", "2019-01-10")
    >>> rr.landmarks(closed, referred, mediator=rr.Mediator(helped, "start"), days=[0, 14],
    ...              person="child", index_date="closed", event_date="on",
    ...              observed_until="2021-03-31")[["landmark", "arm", "n", "linked", "difference"]]
       landmark              arm  n  linked  difference
    0         0         mediated  1       1    0.333333
    1         0     not mediated  3       2         NaN
    2         0  before landmark  0       0         NaN
    3        14         mediated  1       1    0.500000
    4        14     not mediated  2       1         NaN
    5        14  before landmark  1       1         NaN
    """
    if not isinstance(mediator, Mediator):
        raise RuleError(f"mediator={mediator!r} must be an rr.Mediator(...)")
    if mediator.guard != "landmark":
        raise RuleError(f'guard={mediator.guard!r} has no landmark; write guard="landmark"')
    # Opened once: a stream can be read only once, and columns need to be understood only once.
    index_table = open_table(index, "index")
    event_table = index_table if events is index else open_table(events, "events")
    if mediator.table is not None:
        starts = open_table(mediator.table, "mediator")
        mediator = dataclasses.replace(mediator, table=starts)
    tables = []
    first = mediator.within[0]
    for landmark in _days_of(days):
        if first.days_at_most > landmark:
            raise RuleError(
                f"a start counts from {first} after the index event on, which is later than the "
                f"landmark of {landmark} days; take that one out of days"
            )
        one = dataclasses.replace(mediator, within=(first, Span("days", landmark)))
        links = link(index_table, event_table, mediator=one, **arguments)
        arms = links.arms(cluster=cluster, levels=levels)
        arms.insert(0, "landmark", landmark)
        tables.append(arms)
    return _with_differences(pd.concat(tables, ignore_index=True))


def _days_of(given: Iterable[int]) -> list[int]:
    """Landmarks as whole days, each once."""
    days: list[int] = []
    for day in [given] if isinstance(given, (int, str)) else given:
        try:
            whole = operator.index(day)
        except TypeError:
            whole = -1
        if whole < 0 or isinstance(day, bool):
            raise RuleError(f"days: {day!r} is not a whole number of days from 0 on")
        if whole in days:
            raise RuleError(f"days names {day!r} twice")
        days.append(whole)
    if not days:
        raise RuleError("days names no landmark")
    return days


def _with_differences(table: pd.DataFrame) -> pd.DataFrame:
    """Beside each table of arms, how the mediated differ from the not mediated."""
    mediated = np.arange(0, len(table), len(ARMS))
    columns = list(table.columns)

    def rows(name: str) -> tuple[Floats, Floats]:
        values = table[name].to_numpy(np.float64)
        return values[mediated], values[mediated + 1]

    def beside(values: Floats) -> Floats:
        full = np.full(len(table), np.nan)
        full[mediated] = values
        return full

    rate, other = rows("rate")
    table["difference"] = beside(rate - other)
    for name in columns:
        if not name.startswith("lower_") or name.startswith("lower_scope"):
            continue
        level = name.removeprefix("lower_")
        lower, other_lower = rows(name)
        upper, other_upper = rows(f"upper_{level}")
        below = np.hypot(rate - lower, other_upper - other)
        above = np.hypot(upper - rate, other - other_lower)
        table[f"difference_lower_{level}"] = beside(rate - other - below)
        table[f"difference_upper_{level}"] = beside(rate - other + above)
    known = ~np.isnan(table["difference"].to_numpy())
    method = np.where(known, "Newcombe, hybrid of the arms' limits", "none")
    table["difference_method"] = method
    return table
