"""Rates and their limits, by group: proportions, and risks where follow-up was cut short."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.area_limits import area_limits
from rereferral.curves import (
    cells_of,
    clustered,
    core_causes,
    core_codes,
    core_days,
    loglog_limits,
    risks,
)
from rereferral.errors import DataError, RuleError
from rereferral.groups import Groups, beside
from rereferral.text import data_error

__all__ = ["level_quantiles", "rate_table", "ratio_table", "risk_table", "wilson"]

Floats: TypeAlias = npt.NDArray[np.float64]


def wilson(x: Any, n: Any, level: float = 0.95) -> tuple[Any, Any]:
    """Wilson score limits of a proportion.

    The limits are the two values of p that a score test of `x` out of `n` just does not reject,
    the roots of ``(x/n - p)**2 = z**2 * p * (1 - p) / n``. They lie between 0 and 1, and are 0 (1)
    exactly where `x` is 0 (`n`).

    Parameters
    ----------
    x : float or array of float
        Number with the event, from 0 to `n`. Whole numbers are usual; an effective number need
        not be one.
    n : float or array of float
        Number in all, of a shape that broadcasts with `x`.
    level : float, default 0.95
        Confidence level, between 0 and 1.

    Returns
    -------
    lower, upper : float, or ndarray of float64
        Floats where `x` and `n` are; otherwise arrays of their common shape. NaN where `n` is 0.

    Raises
    ------
    RuleError
        `level` is not between 0 and 1, or the shapes do not fit.
    DataError
        `x` or `n` is missing, negative, infinite or not a number, or `x` is above `n`.

    References
    ----------
    E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal of
    the American Statistical Association 22 (1927), 209-212.

    Examples
    --------
    >>> lower, upper = wilson(65, 100)
    >>> round(lower, 6), round(upper, 6)
    (0.552544, 0.736358)
    >>> wilson([0, 10], 10, level=0.998)[0].round(4)
    array([0.    , 0.5115])
    """
    z = _quantile(level)
    hits, total = _numbers("x", x), _numbers("n", n)
    try:
        hits, total = np.broadcast_arrays(hits, total)
    except ValueError:
        raise RuleError(f"x has shape {hits.shape} and n has shape {total.shape}") from None
    _refuse("x", hits, hits > total, "is above n")
    lower, upper = _wilson(hits, total, z)
    return (lower, upper) if hits.ndim else (float(lower), float(upper))


def rate_table(
    groups: Groups | None,
    hit: npt.NDArray[np.bool_],
    followed: npt.NDArray[np.bool_] | None,
    cluster: npt.NDArray[np.uint32] | None = None,
    scope: npt.NDArray[np.uint32] | None = None,
    levels: Sequence[float] = (0.95, 0.998),
    cluster_name: str = "person",
) -> pd.DataFrame:
    """Proportion linked of the index events followed, by group, with Wilson limits.

    Wilson limits take index events as independent. Where the clusters (persons) of a group repeat,
    the limits are Wilson's on ``n / deff``: deff is the linearised variance of the ratio estimator
    with clusters, ``m / (m - 1) * sum((x_c - p * n_c)**2) / n**2`` over m clusters, divided by the
    binomial ``p * (1 - p) / n``.

    * A deff below 1 is shown, but the limits are never narrower than plain Wilson.
    * Where no cluster repeats, deff is 1.
    * Where the rate is 0 or 1, or there is a single cluster, the data cannot show how alike the
      events of a cluster are. Then deff is the largest it could be, ``sum(n_c**2) / n``, as if the
      events of a cluster were all one event.

    Where a group spans ten areas or more, a second pair of limits takes the areas as clusters:
    the rate plus and minus Student's t with m - 1 degrees of freedom times the linearised standard
    error, clipped to 0 and 1. It is null in groups with fewer areas, and where the rate is 0 or 1.

    Parameters
    ----------
    groups : Groups or None
        The group of each row; None is one group.
    hit : ndarray of bool, shape (n_rows,)
        The index event is linked.
    followed : ndarray of bool, shape (n_rows,), or None
        The index event is in the denominator; None: all are.
    cluster, scope : ndarray of uint32, shape (n_rows,), or None
        Codes of the cluster (person) and the area of each row; not the null key where followed.
    levels : sequence of float
        Confidence levels; 0.998 makes the columns ``lower_99_8`` and ``upper_99_8``.
    cluster_name : str
        What a cluster is, for `method`.

    Returns
    -------
    DataFrame, a row for each group
        The group columns, ``n``, ``linked`` (int64), ``rate``, a lower and an upper limit for each
        level, ``lower_scope_95`` and ``upper_scope_95`` if any group spans ten areas, ``deff``
        (null without `cluster`), ``method``. A group in which nobody was followed stays, with null
        rate.

    References
    ----------
    L. Kish, Survey Sampling (1965), sections 6.4 and 8.2, for the ratio estimator and deff; E. L.
    Korn and B. I. Graubard, Survey Methodology 24 (1998), 193-201, for intervals on n / deff.
    """
    quantiles = level_quantiles(levels)
    # Counts alone need no group of a row; so codes are made first only where sums need them too.
    codes = None if cluster is None and scope is None else core_codes(groups)[0]
    n, linked = _tally(groups, followed, hit)
    n_groups = len(n)
    rate = _divide(linked, n)
    deff = np.full(n_groups, np.nan)
    effective = n.astype(np.float64)
    method = np.full(n_groups, "Wilson", dtype=object)
    if cluster is not None:
        sums = _ClusterSums(codes, n_groups, followed, hit, cluster)
        repeats = sums.n_squared > n
        hidden = (linked == 0) | (linked == n) | (sums.clusters == 1)
        binomial = _divide(linked * (n - linked), n.astype(np.float64) ** 3)
        seen = _divide(sums.variance(n, linked), binomial)
        deff = np.where(hidden, _divide(sums.n_squared, n), seen)
        deff = np.where(repeats | (n == 0), deff, 1.0)
        effective = n / np.fmax(deff, 1.0)
        widened = f"Wilson, n/deff, {cluster_name} clusters"
        method[repeats] = widened
        method[repeats & hidden] = f"{widened}, largest deff"
        method[repeats & (deff < 1)] = f"Wilson, deff of {cluster_name} clusters below 1 not used"
    method[n == 0] = "none: n is 0"
    columns: dict[str, Any] = {"n": n, "linked": linked, "rate": rate}
    for name, z in quantiles.items():
        lower, upper = _wilson(np.where(n > 0, rate * effective, 0.0), effective, z)
        columns[f"lower_{name}"], columns[f"upper_{name}"] = lower, upper
    if scope is not None:
        columns |= _scope_limits(codes, n_groups, followed, hit, scope, n, linked, rate)
    return beside(groups, pd.DataFrame(columns | {"deff": deff, "method": method}))


def risk_table(
    groups: Groups | None,
    duration: npt.NDArray[np.integer[Any]],
    event_or_cause: npt.NDArray[np.bool_] | npt.NDArray[np.int8],
    followed_full: npt.NDArray[np.bool_],
    use: npt.NDArray[np.bool_] | None = None,
    cluster: npt.NDArray[np.uint32] | None = None,
    scope: npt.NDArray[np.uint32] | None = None,
    levels: Sequence[float] = (0.95, 0.998),
    cause_names: Sequence[Any] | None = None,
    cluster_name: str = "person",
) -> pd.DataFrame:
    """Risk at the window's end by group, where some were not followed that long or left before.

    The risk is Kaplan-Meier's, or Aalen-Johansen's where other ends compete with the event.
    Someone who was followed to the end of the window and did not leave stays at risk to the last
    day of the table: a window of twelve months has 365 or 366 days, and ends once. So where
    everybody was followed to the end, the risk is the plain proportion, whether those who left
    otherwise compete or stay.

    Parameters
    ----------
    groups : Groups or None
        The group of each row; None is one group.
    duration : ndarray of int32 or int64, shape (n_rows,)
        Days from the index event to what ended it, or to the end of the window or of the data.
    event_or_cause : ndarray of bool or int8, shape (n_rows,)
        The event was seen on that day; or what was seen: 0 nothing, 1 the event, 2, 3, ... an end
        that competes with it.
    followed_full : ndarray of bool, shape (n_rows,)
        The data reach the end of this row's window, with or without an event or a competing end
        before.
    use : ndarray of bool, shape (n_rows,), or None
        The row is in the cohort; None: all are.
    cluster, scope : ndarray of uint32, shape (n_rows,), or None
        Codes of the cluster (person) and the area of each row; not the null key where used.
    levels : sequence of float
        Confidence levels.
    cause_names : sequence, or None
        Names of the causes 1, 2, ...; the risk is Aalen-Johansen's if there are several, whether or
        not they occur. None: as many as occur.
    cluster_name : str
        What a cluster is, for `method`.

    Returns
    -------
    DataFrame, a row for each group
        The columns of `rate_table`. ``n`` counts the cohort, ``linked`` the events seen, ``rate``
        is the risk of the event. It is null for a group in which nobody was followed to the end, by
        dates alone: if events could make it known, a short follow-up would show only groups in
        which everybody had one. The limits are log-log, 0 and 0 where the risk is 0 and null where
        it is 1.

        ``deff`` is the square of the standard error with clusters over that without. It is 1 where
        no cluster repeats, the number of rows where all are one cluster, null where the risk is 0
        or 1. A deff below 1 is shown, but the limits are never narrower than without clusters. The
        limits with areas as clusters are those of `rate_table`, with the standard error of
        `curve_table`.
    """
    quantiles = level_quantiles(levels)
    codes, n_groups = core_codes(groups)
    days, cause = core_days(duration), core_causes(event_or_cause)
    n_causes = max(1, int(cause.max(initial=0)) if cause_names is None else len(cause_names))
    n, linked = _tally(groups, use, cause == 1)
    _, full = _tally(groups, use, followed_full)
    clock = np.where(followed_full & (cause == 0), np.int32(_core.longest(days, use)), days)
    cells = cells_of(codes, n_groups, clock, cause, n_causes, use)
    last = np.searchsorted(cells.group, np.arange(n_groups), side="right") - 1
    found = risks(cells)
    known = full > 0
    risk = np.where(known, found.risk[last, 0], np.nan)
    std_error = np.where(known, found.std_error[last, 0], np.nan)

    def with_clusters(of: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.int64], Floats]:
        clusters, errors = clustered(cells, codes, n_groups, clock, cause, use, of)
        return clusters, np.where(known, errors[last, 0], np.nan)

    estimator = "Kaplan-Meier" if n_causes == 1 else "Aalen-Johansen"
    method = np.full(n_groups, f"{estimator}, log-log", dtype=object)
    deff = np.full(n_groups, np.nan)
    if cluster is None:
        method[:] = f"{estimator}, log-log, index events taken as independent"
    else:
        clusters, robust = with_clusters(cluster)
        repeats = clusters < n
        seen = _divide(robust**2, std_error**2)
        seen = np.where((clusters == 1) & (std_error > 0), n, seen)
        deff = np.where(repeats | ~known, seen, 1.0)
        std_error = std_error * np.sqrt(np.fmax(deff, 1.0))
        widened = f"{estimator}, log-log, {cluster_name} clusters"
        method[repeats] = widened
        method[repeats & (clusters == 1)] = f"{widened}, largest deff"
        method[repeats & (deff < 1)] = (
            f"{estimator}, log-log, deff of {cluster_name} clusters below 1 not used"
        )
    method[~known] = "none: nobody was followed to the window's end"
    method[n == 0] = "none: n is 0"
    columns: dict[str, Any] = {"n": n, "linked": linked, "rate": risk}
    for name, z in quantiles.items():
        lower, upper = loglog_limits(risk, std_error, z)
        columns[f"lower_{name}"], columns[f"upper_{name}"] = lower, upper
    if scope is not None:
        areas, errors = with_clusters(scope)
        columns |= area_limits(risk, errors * np.sqrt(_divide(areas, areas - 1)), areas)
    return beside(groups, pd.DataFrame(columns | {"deff": deff, "method": method}))


def ratio_table(
    groups: Groups | None,
    followed: npt.NDArray[np.bool_],
    event_groups: Groups | None,
    event_row: npt.NDArray[np.int64],
    levels: Sequence[float] = (0.95, 0.998),
) -> pd.DataFrame:
    """Outcome events by their own group over index events by theirs.

    A ratio of two counts, and no proportion: it may exceed 1, and has no limits.

    Parameters
    ----------
    groups, event_groups : Groups or None
        The group of each row of the index, and of each row of the events; None is one group.
    followed : ndarray of bool, shape (n_index,)
        The index event is in the denominator.
    event_row : ndarray of int64
        The event of each index event that has one and is counted.
    levels : sequence of float
        Confidence levels, of columns that are null.

    Returns
    -------
    DataFrame, a row for each group of either table
        The columns of `rate_table`.
    """
    n, _ = _tally(groups, followed, followed)
    if groups is None or event_groups is None:
        counts = pd.DataFrame({"n": n, "linked": [len(event_row)]})
    else:
        linked = np.bincount(event_groups.codes[event_row], minlength=event_groups.n_groups)
        names = list(groups.frame.columns)
        both = pd.concat(
            [
                groups.frame.assign(n=n, linked=0),
                event_groups.frame.set_axis(names, axis=1).assign(n=0, linked=linked)[linked > 0],
            ],
            ignore_index=True,
        )
        counts = both.groupby(names, dropna=False, observed=True, sort=True).sum().reset_index()
    limits = {
        f"{end}_{name}": np.nan for name in level_quantiles(levels) for end in ("lower", "upper")
    }
    rate = _divide(counts["linked"].to_numpy(), counts["n"].to_numpy())
    method = np.where(counts["n"] > 0, "ratio of outcome events to index events", "none: n is 0")
    return counts.assign(rate=rate, **limits, deff=np.nan, method=method)


class _ClusterSums:
    """Sums over the clusters of each group, and the variance of its rate."""

    def __init__(
        self,
        codes: npt.NDArray[np.int32] | None,
        n_groups: int,
        use: npt.NDArray[np.bool_] | None,
        hit: npt.NDArray[np.bool_],
        cluster: npt.NDArray[np.uint32],
    ) -> None:
        self.clusters = np.empty(n_groups, np.int64)
        self.n_squared = np.empty(n_groups, np.int64)
        self.n_linked = np.empty(n_groups, np.int64)
        self.linked_squared = np.empty(n_groups, np.int64)
        _core.tally_clusters(
            cluster,
            codes,
            use,
            hit,
            self.clusters,
            self.n_squared,
            self.n_linked,
            self.linked_squared,
        )

    def variance(self, n: npt.NDArray[np.int64], linked: npt.NDArray[np.int64]) -> Floats:
        """Linearised: m / (m - 1) * sum((x_c - p * n_c)**2) / n**2; NaN where m is 1 or n is 0."""
        # Events and non-events have the same variance; the rarer of them cancels less.
        swap = linked > n // 2
        p = _divide(np.where(swap, n - linked, linked), n)
        cross = np.where(swap, self.n_squared - self.n_linked, self.n_linked)
        squared = np.where(
            swap, self.n_squared - 2 * self.n_linked + self.linked_squared, self.linked_squared
        )
        total = np.maximum(squared - 2 * p * cross + p * p * self.n_squared, 0.0)
        clusters = self.clusters.astype(np.float64)
        return _divide(clusters, clusters - 1) * _divide(total, n.astype(np.float64) ** 2)


def _scope_limits(
    codes: npt.NDArray[np.int32] | None,
    n_groups: int,
    use: npt.NDArray[np.bool_] | None,
    hit: npt.NDArray[np.bool_],
    scope: npt.NDArray[np.uint32],
    n: npt.NDArray[np.int64],
    linked: npt.NDArray[np.int64],
    rate: Floats,
) -> dict[str, Floats]:
    """Limits with areas as clusters; no columns where no group spans enough of them."""
    sums = _ClusterSums(codes, n_groups, use, hit, scope)
    return area_limits(rate, np.sqrt(sums.variance(n, linked)), sums.clusters)


def _wilson(x: Floats, n: Floats, z: float) -> tuple[Floats, Floats]:
    """Wilson limits; each root from the form that has no difference of near numbers."""
    rest = n - x
    spread = z * np.sqrt(_divide(x * rest, n) + z * z / 4)
    lower = _divide(_divide(x * x, n), x + z * z / 2 + spread)
    upper = 1 - _divide(_divide(rest * rest, n), rest + z * z / 2 + spread)
    return lower, upper


def _tally(
    groups: Groups | None, use: npt.NDArray[np.bool_] | None, hit: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """`Groups.tally`; of None, which is one group."""
    if groups is not None:
        return groups.tally(use, hit)
    n, hits = np.empty(1, np.int64), np.empty(1, np.int64)
    _core.tally(None, use, hit, n, hits)
    return n, hits


def _divide(a: Any, b: Any) -> Floats:
    """The quotient, NaN where b is 0."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    quotient = np.full(np.broadcast(a, b).shape, np.nan)
    np.divide(a, b, out=quotient, where=b != 0)
    return quotient


def _quantile(level: float) -> float:
    """Standard normal quantile of a two-sided level."""
    try:
        number = float(level)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number < 1:
        raise RuleError(f"a confidence level lies between 0 and 1, not {level!r}")
    return NormalDist().inv_cdf((1 + number) / 2)


def level_quantiles(levels: Sequence[float]) -> dict[str, float]:
    """Quantiles by the suffix of their columns: 0.998 is 99_8."""
    quantiles = {}
    for level in levels:
        z = _quantile(level)
        name = f"{(Decimal(str(level)) * 100).normalize():f}".replace(".", "_")
        if name in quantiles:
            raise RuleError(f"levels names {level!r} twice")
        quantiles[name] = z
    return quantiles


def _numbers(name: str, values: Any) -> Floats:
    try:
        if isinstance(values, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
            values = values.to_numpy(np.float64, na_value=np.nan)  # pandas 2.1 refuses NA otherwise
        numbers = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name} must hold numbers") from None
    _refuse(name, numbers, ~np.isfinite(numbers), "is not a finite number")
    _refuse(name, numbers, numbers < 0, "is negative")
    return numbers


def _refuse(name: str, numbers: Floats, bad: npt.NDArray[np.bool_], why: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        value = f"{numbers.flat[row]:g}"
        place = f"{name}, row {row}" if numbers.ndim else name
        raise data_error(f"{place}: {value} {why}", row if numbers.ndim else None, value)
