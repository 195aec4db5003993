"""Time to the event, by group: Kaplan-Meier and Aalen-Johansen from one pass over the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.area_limits import area_limits
from rereferral.errors import DataError, RuleError
from rereferral.groups import Groups, beside
from rereferral.keys import codes_of
from rereferral.kinds import Numbers
from rereferral.tables import Table, open_table
from rereferral.text import Text

__all__ = ["curve", "curve_table"]

Floats: TypeAlias = npt.NDArray[np.float64]

LEVEL = 0.95
CAUSES_MAX = 127  # what a cause code of one byte can name


def curve(
    duration: Any,
    event: Any,
    by: Any = None,
    cause: Any = None,
    cluster: Any = None,
    scope: Any = None,
) -> pd.DataFrame:
    """Time to the event, by group: the share that has had it by each day.

    Kaplan-Meier; or, where several causes compete, Aalen-Johansen for each of them: the share that
    has left by this cause, in a world where the others are at work too.

    Parameters
    ----------
    duration : array of n_rows whole numbers, days >= 0
        Days from the start to the event, or to the day on which observation ended without it.
    event : array of n_rows bool (or 0 and 1)
        Whether it was the event. On one day events come before censorings.
    by : None, array, Series, list or dict of arrays, or DataFrame
        Keys of n_rows values; a curve for each combination that occurs. Missing values are a group
        of their own.
    cause : None, or array of n_rows names or codes
        What the event was: given exactly where `event` is true, missing elsewhere.
    cluster : None, array, list of arrays, or DataFrame
        Keys of n_rows values: rows with one key, such as a person, are not independent. The
        standard errors and limits then let them be as alike as they are.
    scope : None, array, list of arrays, or DataFrame
        Keys of n_rows values: the area of each row. Where a group spans ten areas or more, limits
        with the areas as clusters stand beside the others. Where keys of persons hold within an
        area only, give `cluster` both: ``cluster=[person, area]``.

    Returns
    -------
    DataFrame
        For each group, and each cause, day 0 and every day with an event of any cause or a
        censoring: the group columns, ``cause`` (category) if causes were given, then

        ``day``, ``at_risk``, ``events``, ``censored``
            int64; `at_risk` counts those who have not left before the day, `events` are those of
            the cause. If nothing has a cause, there is one curve, with a missing cause.
        ``risk``
            float64: the estimated share with the event, of this cause, by the end of the day.
        ``std_error``
            float64. Without `cluster` Greenwood's, or its extension to several causes; with it the
            infinitesimal jackknife's, null in a group of one cluster. Null where the risk is 1.
        ``lower``, ``upper``
            float64, 95 % limits on the scale log(-log(1 - risk)); 0 and 0 where the risk is 0, null
            where it is 1.
        ``lower_scope_95``, ``upper_scope_95``
            float64, if a group spans ten areas or more: the risk plus and minus Student's t with
            m - 1 degrees of freedom times the infinitesimal jackknife's standard error over m
            areas, times the root of m / (m - 1); clipped to 0 and 1. Null in groups with fewer
            areas, and where the risk is 0 or 1.

    Raises
    ------
    DataError
        A duration is missing, negative, or not a whole number of days; an event is missing or
        neither 0 nor 1; a cause is missing where there was an event, or given where there was none;
        a cluster or an area is missing: the message names the row. There are more than 127 causes.
        The arguments differ in length.
    RuleError
        A key is the name of a column, or has the name of a column of the result.

    Notes
    -----
    With n at risk before a day, d of them leaving on it, d_k by cause k, and S the share that has
    not left before: the risk of k rises by ``S * d_k / n``, and S falls by ``S * d / n``. The
    standard error comes from the multinomial variance of each day. It is that of the infinitesimal
    jackknife in which each row is a cluster, Greenwood's where there is one cause, and the binomial
    one where nobody is censored. With clusters, the variance is the sum of the squares of their
    influences, which are those of their rows added up; R's package survival takes the standard
    errors of several causes and of clusters from the infinitesimal jackknife too.

    References
    ----------
    E. L. Kaplan and P. Meier, Journal of the American Statistical Association 53 (1958), 457-481.
    O. O. Aalen and S. Johansen, Scandinavian Journal of Statistics 5 (1978), 141-150.
    E. Marubini and M. G. Valsecchi, Analysing Survival Data from Clinical Trials and Observational
    Studies (1995), chapter 10, for the standard error of several causes.
    L. A. Jaeckel, The infinitesimal jackknife, Bell Laboratories memorandum MM 72-1215-11 (1972).
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

    >>> cause = ["re-referral", "death", None, None]
    >>> table = curve([5, 8, 8, 10], [True, True, False, False], cause=cause)
    >>> table.loc[table.day == 10, ["cause", "at_risk", "events", "risk"]]
             cause  at_risk  events  risk
    3        death        1       0  0.25
    7  re-referral        1       0  0.25
    """
    if getattr(getattr(duration, "dtype", None), "kind", "") == "m":
        raise DataError("duration is a timedelta: give days, as in `.dt.days`")
    columns = {"duration": duration, "event": event}
    if cause is not None:
        columns["cause"] = cause
    table = open_table(columns, "curve")
    days, flags = whole_days(table, "duration"), flags_of(table, "event")
    causes, names = (flags, None) if cause is None else _causes(table, flags)
    groups = None if by is None else table.groups(group_keys(by))
    return curve_table(
        groups,
        days,
        causes,
        cause_names=names,
        cluster=cluster_codes(table, "cluster", cluster),
        scope=cluster_codes(table, "scope", scope),
    )


def curve_table(
    groups: Groups | None,
    duration: npt.NDArray[np.integer[Any]],
    event_or_cause: npt.NDArray[np.bool_] | npt.NDArray[np.int8],
    use: npt.NDArray[np.bool_] | None = None,
    cause_names: Sequence[Any] | None = None,
    cluster: npt.NDArray[np.uint32] | None = None,
    scope: npt.NDArray[np.uint32] | None = None,
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
    cluster, scope : ndarray of uint32, shape (n_rows,), or None
        Codes of the cluster (person) and the area of each row; not the null key where used.

    Returns
    -------
    DataFrame
        As `curve`.
    """
    cause = core_causes(event_or_cause)
    if cause_names is None and cause.max(initial=0) > 1:
        cause_names = range(1, int(cause.max()) + 1)
    n_causes = 1 if cause_names is None else max(1, len(cause_names))
    codes, n_groups = core_codes(groups)
    days = core_days(duration)
    cells = cells_of(codes, n_groups, days, cause, n_causes, use)
    found = risks(cells)
    order = _Order(cells)
    risk, std_error = order.spread(found.risk), order.spread(found.std_error)
    if cluster is not None:
        _, robust = clustered(cells, codes, n_groups, days, cause, use, cluster)
        std_error = np.where(np.isnan(std_error), np.nan, order.spread(robust))
    lower, upper = loglog_limits(risk, std_error, NormalDist().inv_cdf((1 + LEVEL) / 2))
    columns: dict[str, Any] = {}
    if cause_names is not None:
        known = np.where(order.cause < len(cause_names), order.cause, -1)
        columns["cause"] = pd.Categorical.from_codes(known, categories=list(cause_names))
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
    group = order.repeat(cells.group)
    if scope is not None:
        areas, errors = clustered(cells, codes, n_groups, days, cause, use, scope)
        areas = areas[group]
        correction = np.sqrt(areas / np.maximum(areas - 1, 1))
        columns |= area_limits(risk, order.spread(errors) * correction, areas)
    return beside(groups, pd.DataFrame(columns, copy=False), group)


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
    if 2 * n < room:  # what there was room for is not kept
        group, day, censored = group[:n].copy(), day[:n].copy(), censored[:n].copy()
        events = events[: n * n_causes].copy()
    return Cells(group[:n], day[:n], events[: n * n_causes].reshape(n, n_causes), censored[:n])


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


def clustered(
    cells: Cells,
    codes: npt.NDArray[np.int32] | None,
    n_groups: int,
    duration: npt.NDArray[np.int32],
    cause: npt.NDArray[np.int8],
    use: npt.NDArray[np.bool_] | None,
    cluster: npt.NDArray[np.uint32],
    repeats: bool = False,
) -> tuple[npt.NDArray[np.int64], Floats]:
    """How many clusters a group has, and standard errors by cell and cause that allow for them."""
    shape = (len(cells.day), 1) if repeats else cells.events.shape
    clusters, std_error = np.empty(n_groups, np.int64), np.empty(shape)
    _core.curve_clusters(
        duration,
        cause,
        cells.events.shape[1],
        repeats,
        cluster,
        codes,
        use,
        cells.group,
        cells.day,
        cells.events.ravel(),
        cells.censored,
        clusters,
        std_error.ravel(),
    )
    return clusters, std_error


class _Order:
    """From the order of cells, with causes beside one another, to that of group, cause, day."""

    def __init__(self, cells: Cells) -> None:
        n, n_causes = cells.events.shape
        self.cause: npt.NDArray[np.int8] = np.zeros(n, np.int8)
        self._position: Any = slice(None)
        self._cell: Any = slice(None)
        if n_causes > 1:
            lengths = np.bincount(cells.group)
            first = (lengths.cumsum() - lengths).repeat(lengths)
            length = lengths.repeat(lengths)
            place = np.arange(n) + first * (n_causes - 1)  # of the cell in the first cause's curve
            self._cell = np.empty(n * n_causes, np.int64)
            self.cause = np.empty(n * n_causes, np.int8)
            for cause in range(n_causes):
                self._cell[place] = np.arange(n)
                self.cause[place] = cause
                place += length
            self._position = self._cell * n_causes + self.cause

    def spread(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """What is by cell and cause, in one column."""
        column: npt.NDArray[Any] = values.ravel()[self._position]
        return column

    def repeat(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """What is by cell, for each cause."""
        column: npt.NDArray[Any] = values[self._cell]
        return column


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


def cluster_codes(table: Table, name: str, keys: Any) -> npt.NDArray[np.uint32] | None:
    """The codes of clusters that a caller gave: an array, a list of them, or a DataFrame."""
    if keys is None:
        return None
    given = group_keys(keys, name)
    parts = list(given.values()) if isinstance(given, Mapping) else given
    names = [name, *(f"{name}_{position}" for position in range(2, len(parts) + 1))]
    if not parts:
        raise RuleError(f"{name} names no column")
    table = table.with_columns(dict(zip(names, parts, strict=False)))
    for column in names:
        missing = table.key(column).is_null()
        if missing.any():
            raise table.fail(column, "the value is missing", int(missing.argmax()))
    return codes_of(table, names)[0]


def _causes(
    table: Table, flags: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int8], Sequence[Any]]:
    """The causes as small numbers, and their names in order."""
    groups = table.groups(["cause"])
    names = groups.frame["cause"]
    present = names.notna().to_numpy()[groups.codes] if len(names) else flags
    for wrong, why in (
        (flags & ~present, "the value is missing, but there was an event"),
        (present & ~flags, "there was no event, so it must be missing"),
    ):
        if wrong.any():
            raise table.fail("cause", why, int(wrong.argmax()))
    names = names.dropna()
    if len(names) > CAUSES_MAX:
        raise table.fail("cause", f"it has {len(names)} values; at most {CAUSES_MAX} are taken")
    return np.where(present, groups.codes + 1, 0).astype(np.int8), list(names)


def group_keys(by: Any, name: str = "by") -> Any:
    """`by` as `Table.groups` takes it, but no text in it names a column."""
    if isinstance(by, str):
        raise RuleError(f"{name}={by!r} names a column; give its values")
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
        raise RuleError(f"{name} mixes arrays and single values; give a list of arrays")
    return [pd.Series(by, dtype=object)]


def whole_days(table: Table, name: str, what: str = "days") -> npt.NDArray[np.int32]:
    """A column of days; what is not a whole number of them, or negative, is refused."""
    values = _present(table, name, "iuf", f"whole {what}")
    if values.dtype.kind == "f":
        _refuse(table, name, values, values != np.floor(values), f"is not a whole number of {what}")
    _refuse(table, name, values, values < 0, "is negative")
    _refuse(table, name, values, values > np.iinfo(np.int32).max, "is too large")
    return np.ascontiguousarray(values, np.int32)


def flags_of(table: Table, name: str) -> npt.NDArray[np.bool_]:
    """A column of flags; what is neither true nor false, 1 nor 0, is refused."""
    values = _present(table, name, "biuf", "true or false, or 1 or 0")
    if values.dtype.kind != "b":
        _refuse(table, name, values, (values != 0) & (values != 1), "is neither 0 nor 1")
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
