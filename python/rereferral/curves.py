"""Time to the event, by group: Kaplan-Meier from one pass over the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.errors import DataError, RuleError
from rereferral.groups import Groups, beside
from rereferral.kinds import Numbers
from rereferral.tables import Table, open_table
from rereferral.text import Text

__all__ = ["curve", "curve_table"]

Floats: TypeAlias = npt.NDArray[np.float64]

LEVEL = 0.95


def curve(duration: Any, event: Any, by: Any = None) -> pd.DataFrame:
    """Kaplan-Meier curves: the share that has had the event by each day.

    Parameters
    ----------
    duration : array of n_rows whole numbers, days >= 0
        Days from the start to the event, or to the day on which observation ended without it.
    event : array of n_rows bool (or 0 and 1)
        Whether it was the event. On one day events come before censorings.
    by : None, array, Series, list or dict of arrays, or DataFrame
        Keys of n_rows values; a curve for each combination that occurs. Missing values are a group
        of their own.

    Returns
    -------
    DataFrame
        For each group day 0 and every day with an event or a censoring: the group columns, then

        ``day``, ``at_risk``, ``events``, ``censored``
            int64; `at_risk` counts those who have not left before the day.
        ``risk``
            float64, 1 - S: the estimated share with the event by the end of the day.
        ``std_error``
            float64, Greenwood's; null where the risk is 1.
        ``lower``, ``upper``
            float64, 95 % limits on the scale log(-log S); 0 and 0 where the risk is 0, null where
            it is 1.

    Raises
    ------
    DataError
        A duration is missing, negative, or not a whole number of days, an event is missing or
        neither 0 nor 1: the message names the row. The arguments differ in length.
    RuleError
        A key is the name of a column, or has the name of a column of the result.

    References
    ----------
    E. L. Kaplan and P. Meier, Journal of the American Statistical Association 53 (1958), 457-481.
    J. D. Kalbfleisch and R. L. Prentice, The Statistical Analysis of Failure Time Data (1980),
    section 1.3, for the limits.

    Examples
    --------
    >>> table = curve([5, 8, 8, 10], [True, True, False, False])
    >>> table[["day", "at_risk", "events", "censored", "risk"]]
       day  at_risk  events  censored  risk
    0    0        4       0         0  0.00
    1    5        4       1         0  0.25
    2    8        3       1         1  0.50
    3   10        1       0         1  0.50
    """
    if getattr(getattr(duration, "dtype", None), "kind", "") == "m":
        raise DataError("duration is a timedelta: give days, as in `.dt.days`")
    table = open_table({"duration": duration, "event": event}, "curve")
    days, flags = _whole_days(table), _flags(table)
    groups = None if by is None else table.groups(_keys(by))
    return curve_table(groups, days, flags)


def curve_table(
    groups: Groups | None,
    duration: npt.NDArray[np.integer[Any]],
    event_or_cause: npt.NDArray[np.bool_] | npt.NDArray[np.int8],
    use: npt.NDArray[np.bool_] | None = None,
    cause_names: Sequence[Any] | None = None,
) -> pd.DataFrame:
    """`curve` on arrays that are already in the core's types.

    Parameters
    ----------
    groups : Groups or None
        The group of each row; None is one group. A group of which no row is used has one line for
        each cause, day 0, with nobody at risk and a null risk.
    duration : ndarray of int32 or int64, shape (n_rows,)
        Days, not negative where used.
    event_or_cause : ndarray of bool or int8, shape (n_rows,)
        Whether it was the event; or 0 (censored), 1 (the event), 2, 3, ... (ends that compete).
    use : ndarray of bool, shape (n_rows,), or None
        Rows that count; None: all.
    cause_names : sequence, or None
        Names of the causes 1, 2, ...; with them there is a column `cause`. None: of several causes
        the numbers are the names.

    Returns
    -------
    DataFrame
        As `curve`.
    """
    cause = core_causes(event_or_cause)
    if cause_names is None and len(cause) and cause.max() > 1:
        cause_names = range(1, int(cause.max()) + 1)
    n_causes = 1 if cause_names is None else len(cause_names)
    codes, n_groups = core_codes(groups)
    cells = cells_of(codes, n_groups, core_days(duration), cause, n_causes, use)
    found = risks(cells)
    order = _Order(cells)
    risk, std_error = order.spread(found.risk), order.spread(found.std_error)
    lower, upper = loglog_limits(risk, std_error, NormalDist().inv_cdf((1 + LEVEL) / 2))
    columns: dict[str, Any] = {}
    if cause_names is not None:
        columns["cause"] = pd.Categorical.from_codes(order.cause, categories=list(cause_names))
    columns |= {
        "day": order.repeat(cells.day).astype(np.int64),
        "at_risk": order.repeat(found.at_risk),
        "events": order.spread(cells.events),
        "censored": order.repeat(cells.censored),
        "risk": risk,
        "std_error": std_error,
        "lower": lower,
        "upper": upper,
    }
    return beside(groups, pd.DataFrame(columns), order.repeat(cells.group))


class Cells(NamedTuple):
    """The group x day tally: who left on which day, and how; in the order of group and day."""

    group: npt.NDArray[np.int32]
    day: npt.NDArray[np.int32]
    events: npt.NDArray[np.int64]  # (n_cells, n_causes)
    censored: npt.NDArray[np.int64]


class Risks(NamedTuple):
    """Kaplan-Meier or Aalen-Johansen over the cells."""

    at_risk: npt.NDArray[np.int64]
    risk: Floats  # (n_cells, n_causes), as is the next
    std_error: Floats


def cells_of(
    codes: npt.NDArray[np.int32] | None,
    n_groups: int,
    duration: npt.NDArray[np.int32],
    cause: npt.NDArray[np.int8],
    n_causes: int,
    use: npt.NDArray[np.bool_] | None,
) -> Cells:
    """Tally the rows by group, day and cause; every group has a cell for day 0."""
    longest = _core.longest(duration, use)
    room = _core.tally_days_room(len(duration), n_groups, longest)
    group, day = np.empty(room, np.int32), np.empty(room, np.int32)
    events, censored = np.empty(room * n_causes, np.int64), np.empty(room, np.int64)
    n = _core.tally_days(
        duration, cause, n_causes, codes, use, n_groups, longest, group, day, events, censored
    )
    return Cells(
        group[:n], day[:n], events[: n * n_causes].reshape(n, n_causes), censored[:n]
    )


def risks(cells: Cells) -> Risks:
    """At risk, risk and standard error, by cell: Kaplan-Meier, or Aalen-Johansen of several."""
    shape = cells.events.shape
    found = Risks(np.empty(shape[0], np.int64), np.empty(shape), np.empty(shape))
    _core.curve(
        cells.group,
        shape[1],
        cells.events.ravel(),
        cells.censored,
        found.at_risk,
        found.risk.ravel(),
        found.std_error.ravel(),
    )
    return found


class _Order:
    """From the order of cells, with causes beside one another, to that of group, cause, day."""

    def __init__(self, cells: Cells) -> None:
        n, n_causes = cells.events.shape
        self.cause: npt.NDArray[np.int64] = np.arange(n * n_causes) % n_causes
        self._position: Any = slice(None)
        self._cell: Any = slice(None)
        if n_causes > 1:
            key = cells.group.astype(np.int64).repeat(n_causes) * n_causes + self.cause
            self._position = np.argsort(key, kind="stable")
            self._cell = self._position // n_causes
            self.cause = self.cause[self._position]

    def spread(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """What is by cell and cause, in one column."""
        return values.ravel()[self._position]

    def repeat(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """What is by cell, for each cause."""
        return values[self._cell]


def loglog_limits(risk: Floats, std_error: Floats, z: float) -> tuple[Floats, Floats]:
    """Limits of risks on the scale log(-log S), z standard errors to each side."""
    lower, upper = np.empty(len(risk)), np.empty(len(risk))
    _core.loglog_limits(risk, std_error, z, lower, upper)
    return lower, upper


def core_causes(
    event_or_cause: npt.NDArray[np.bool_] | npt.NDArray[np.int8],
) -> npt.NDArray[np.int8]:
    """Events, or causes, as the core takes them; flags without a copy."""
    return np.ascontiguousarray(event_or_cause).view(np.int8)


def core_codes(groups: Groups | None) -> tuple[npt.NDArray[np.int32] | None, int]:
    """Group codes as the core takes them, and the number of groups."""
    if groups is None:
        return None, 1
    return _narrow("a group code", groups.codes), groups.n_groups


def core_days(duration: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int32]:
    """Durations as the core takes them."""
    return _narrow("a duration", duration)


def _narrow(what: str, values: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int32]:
    """As int32. A number that does not fit would come out of the cast as another."""
    wide = values.dtype != np.int32 and values.size > 0
    limits = np.iinfo(np.int32)
    if wide and (int(values.max()) > limits.max or int(values.min()) < limits.min):
        raise DataError(f"{what} does not fit 32 bits: {values.min()} to {values.max()}")
    return np.ascontiguousarray(values, np.int32)


def _keys(by: Any) -> Any:
    """`by` as `Table.groups` takes it, but no text in it names a column."""
    if isinstance(by, str):
        raise RuleError(f"by={by!r} names a column; give its values")
    if isinstance(by, Mapping):
        return by
    if isinstance(by, pd.DataFrame):
        return [by.iloc[:, position] for position in range(by.shape[1])]
    if not isinstance(by, list | tuple):
        return [by]
    columns = [hasattr(item, "__len__") and not isinstance(item, str | bytes) for item in by]
    if all(columns):
        return list(by)
    if any(columns):
        raise RuleError("by mixes arrays and single values; give a list of arrays")
    return [pd.Series(by, dtype=object)]


def _whole_days(table: Table) -> npt.NDArray[np.int32]:
    """The durations; what is not a whole number of days is refused."""
    values = _present(table, "duration", "iuf", "whole days")
    if values.dtype.kind == "f":
        _refuse(
            table, "duration", values, values != np.floor(values), "is not a whole number of days"
        )
    _refuse(table, "duration", values, values < 0, "is negative")
    _refuse(table, "duration", values, values > np.iinfo(np.int32).max, "is too long")
    return np.ascontiguousarray(values, np.int32)


def _flags(table: Table) -> npt.NDArray[np.bool_]:
    """The events; what is neither true nor false, 1 nor 0, is refused."""
    values = _present(table, "event", "biuf", "true or false, or 1 or 0")
    if values.dtype.kind != "b":
        _refuse(table, "event", values, (values != 0) & (values != 1), "is neither 0 nor 1")
    return np.ascontiguousarray(values, np.bool_)


def _present(table: Table, name: str, kinds: str, what: str) -> npt.NDArray[Any]:
    """The numbers of a column, none of them missing."""
    column = table.column(name)
    if isinstance(column, Text) and not column.data.size:  # what a list of None, or of nothing, is
        if len(column):
            raise table.fail(name, "the value is missing", 0)
        return np.empty(0, np.int32)
    if not isinstance(column, Numbers) or column.values.dtype.kind not in kinds:
        found = "text" if isinstance(column, Text) else column.what
        raise table.fail(name, f"it must hold {what}, not {found}")
    values = column.values
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(0, np.bool_)
    if column.valid is not None:
        missing = ~column.valid | (missing if missing.size else False)
    if missing.any():
        raise table.fail(name, "the value is missing", int(missing.argmax()))
    return values


def _refuse(
    table: Table, name: str, values: npt.NDArray[Any], bad: npt.NDArray[np.bool_], why: str
) -> None:
    if bad.any():
        row = int(bad.argmax())
        raise table.fail(name, f"{values[row]} {why}", row, values[row])
