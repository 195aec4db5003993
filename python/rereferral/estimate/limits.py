"""How sure an estimate is, if the areas that answered were drawn at random: four methods.

What varies is the sum over areas of their pulls (totals.py), so areas are the units, however many
years each answered: W. G. Cochran, Sampling Techniques, 3rd edition, 1977, sections 6.4 and 11.8;
K. M. Wolter, Introduction to Variance Estimation, 2nd edition, 2007, chapters 3, 4 and 6. Groups of
a post-stratified estimate count as strata of the size they happen to have (D. Holt and T. M. F.
Smith, Post stratification, Journal of the Royal Statistical Society A 142, 1979, 33-46).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from rereferral.area_limits import t_quantile

__all__ = ["METHODS", "Limits", "Statistic", "limits_of"]

Floats: TypeAlias = npt.NDArray[np.float64]

#: The estimate and the pull of each area on it, for rows of weights: (rows,), (rows, areas).
Statistic: TypeAlias = Callable[[Floats], tuple[Floats, Floats]]

METHODS = ("linearised", "jackknife", "bootstrap", "bootstrap-t")

#: Fewer answers than this in a group say nothing of how their own spread varies (bootstrap-t).
SPREAD_MIN = 8


class Limits(NamedTuple):
    """An estimate with its limits. `df`: degrees of freedom of t; -1 where t is not Student's."""

    estimate: float
    std_error: float
    lower: float
    upper: float
    df: int


class _Units(NamedTuple):
    """The areas that answered, group by group, and the share of each group that did not."""

    groups: list[npt.NDArray[np.int64]]
    left: list[float]
    n_areas: int


def limits_of(
    statistic: Statistic,
    answered: npt.NDArray[np.bool_],
    group: npt.NDArray[np.int64],
    method: str,
    *,
    level: float,
    fpc: bool,
    replicates: int,
    seed: int,
) -> Limits:
    """Limits of a statistic; null where a group has but one answer (bootstrap-t: fewer than eight).

    Parameters
    ----------
    statistic : callable
        What is estimated.
    answered : ndarray of bool, shape (areas,)
        The areas that answered.
    group : ndarray of int64, shape (areas,)
        Groups of a post-stratified estimate, from 0.
    method : {"linearised", "jackknife", "bootstrap", "bootstrap-t"}
        ``linearised``: the variance of the pulls. ``jackknife``: each area left out in turn, around
        the estimate. ``bootstrap``: the variance of replicates with one area fewer than answered
        (Rao and Wu). These three with Student's t. ``bootstrap-t``: the quantiles of each
        replicate's distance over its own linearised standard error, in place of Student's.
    level : float
        Confidence level.
    fpc : bool
        Whether the variance is that of a sample without replacement: less by the share that
        answered.
    replicates, seed : int
        Of the bootstraps.
    """
    units = _units(answered, group, fpc)
    everybody = np.ones((1, units.n_areas))
    estimate, pull = statistic(everybody)
    value = float(estimate[0])
    df = sum(len(areas) - 1 for areas in units.groups)
    if not np.isfinite(value) or min(len(areas) for areas in units.groups) < 2:
        return Limits(value, np.nan, np.nan, np.nan, max(df, 0))
    if method == "bootstrap-t" and min(len(areas) for areas in units.groups) < SPREAD_MIN:
        return Limits(value, np.nan, np.nan, np.nan, -1)
    if method == "bootstrap-t":
        return _studentised(statistic, units, value, pull, level, replicates, seed)
    if method == "linearised":
        variance = float(_linearised(pull, everybody, units)[0])
    elif method == "jackknife":
        variance = _jackknife(statistic, units, value)
    else:
        variance = _bootstrap(statistic, units, replicates, seed)
    error = float(np.sqrt(variance))
    half = t_quantile(df, level) * error
    return Limits(value, error, value - half, value + half, df)


def _units(answered: npt.NDArray[np.bool_], group: npt.NDArray[np.int64], fpc: bool) -> _Units:
    groups, left = [], []
    for number in range(int(group.max()) + 1):
        of_group = group == number
        areas = np.flatnonzero(answered & of_group)
        groups.append(areas)
        left.append(1.0 - len(areas) / of_group.sum() if fpc else 1.0)
    return _Units(groups, left, len(group))


def _linearised(pull: Floats, weights: Floats, units: _Units) -> Floats:
    """The variance of each row: squares of pulls about their mean in each group."""
    variance = np.zeros(len(weights))
    for areas, left in zip(units.groups, units.left, strict=True):
        taken, pulls = weights[:, areas], pull[:, areas]
        n = taken.sum(1)
        mean = (taken * pulls).sum(1) / n
        squares = (taken * (pulls - mean[:, None]) ** 2).sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            variance += left * squares * n / (n - 1)
    return variance


def _jackknife(statistic: Statistic, units: _Units, value: float) -> float:
    variance = 0.0
    for areas, left in zip(units.groups, units.left, strict=True):
        weights = np.ones((len(areas), units.n_areas))
        weights[np.arange(len(areas)), areas] = 0.0
        without, _ = statistic(weights)
        n = len(areas)
        variance += left * (n - 1) / n * float(((without - value) ** 2).sum())
    return variance


def _resamples(units: _Units, replicates: int, seed: int) -> Floats:
    """How often each replicate takes each area: in each group one area fewer than answered."""
    random = np.random.default_rng(seed)
    taken = np.ones((replicates, units.n_areas))
    for areas in units.groups:
        n = len(areas)
        taken[:, areas] = random.multinomial(n - 1, np.full(n, 1 / n), replicates)
    return taken


def _bootstrap(statistic: Statistic, units: _Units, replicates: int, seed: int) -> float:
    weights = _resamples(units, replicates, seed)
    for areas, left in zip(units.groups, units.left, strict=True):
        # Rao and Wu's rescaling: 1 on average, and as far from it as the group's share allows.
        n, near = len(areas), np.sqrt(left)
        weights[:, areas] = 1 - near + near * n / (n - 1) * weights[:, areas]
    estimates, _ = statistic(weights)
    return float(estimates[np.isfinite(estimates)].var(ddof=1))


def _studentised(
    statistic: Statistic,
    units: _Units,
    value: float,
    pull: Floats,
    level: float,
    replicates: int,
    seed: int,
) -> Limits:
    everybody = np.ones((1, units.n_areas))
    error = float(np.sqrt(_linearised(pull, everybody, units)[0]))
    weights = _resamples(units, replicates, seed)
    estimates, pulls = statistic(weights)
    plain = units._replace(left=[1.0] * len(units.groups))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (estimates - value) / np.sqrt(_linearised(pulls, weights, plain))
    t = t[np.isfinite(t)]
    low, high = np.quantile(t, [(1 - level) / 2, (1 + level) / 2])
    return Limits(value, error, value - float(high) * error, value - float(low) * error, -1)
