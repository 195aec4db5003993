"""The statistics as their definitions read, in fractions: slow, and sharing nothing with C."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from fractions import Fraction
from typing import Any


def cluster_deff(rows: Sequence[tuple[Hashable, bool]]) -> Fraction | None:
    """Variance of a rate with clusters over the binomial one; None where it cannot be seen.

    `rows` are (cluster, hit).
    """
    n = len(rows)
    x = sum(hit for _, hit in rows)
    clusters: dict[Hashable, list[bool]] = defaultdict(list)
    for cluster, hit in rows:
        clusters[cluster].append(hit)
    m = len(clusters)
    if x in (0, n) or m == 1:
        return None
    p = Fraction(x, n)
    spread = sum((sum(hits) - p * len(hits)) ** 2 for hits in clusters.values())
    return Fraction(m, m - 1) * spread / n**2 / (p * (1 - p) / n)


def largest_deff(clusters: Iterable[Hashable]) -> Fraction:
    """The design effect if the rows of a cluster were all alike."""
    sizes: dict[Hashable, int] = defaultdict(int)
    for cluster in clusters:
        sizes[cluster] += 1
    return Fraction(sum(size * size for size in sizes.values()), sum(sizes.values()))


def wilson_root(x: float, n: float, z: float, *, above: bool) -> float:
    """The p above (below) x/n at which a score test of x out of n just rejects, by bisection."""
    centre = x / n
    low, high = (centre, 1.0) if above else (0.0, centre)
    for _ in range(200):
        middle = (low + high) / 2
        rejects = (centre - middle) ** 2 > z * z * middle * (1 - middle) / n
        if rejects == above:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def kaplan_meier(
    rows: Sequence[tuple[int, bool]],
) -> list[tuple[int, int, int, int, Fraction, Fraction | None]]:
    """(day, at risk, events, censored, risk, Greenwood's sum) for day 0 and each day of `rows`."""
    survival, greenwood = Fraction(1), Fraction(0)
    table = []
    for day in sorted({0, *(day for day, _ in rows)}):
        at_risk = sum(other >= day for other, _ in rows)
        events = sum(event for other, event in rows if other == day)
        censored = sum(not event for other, event in rows if other == day)
        survival *= Fraction(at_risk - events, at_risk)
        if survival == 0:
            table.append((day, at_risk, events, censored, Fraction(1), None))
        else:
            greenwood += Fraction(events, at_risk * (at_risk - events))
            table.append((day, at_risk, events, censored, 1 - survival, greenwood))
    return table


Weights = Sequence[Fraction | int]
Risks = dict[tuple[int, int], Fraction]


def competing_risks(rows: Sequence[tuple[int, int]], weights: Weights, causes: int) -> Risks:
    """Aalen-Johansen with weights: the risk by (day, cause), for day 0 and each day of `rows`.

    `rows` are (day, cause), cause 0 being a censoring.
    """
    survival, risk = Fraction(1), dict.fromkeys(range(1, causes + 1), Fraction(0))
    found = {}
    for day in sorted({0, *(day for day, _ in rows)}):
        at_risk = sum(
            weight for (other, _), weight in zip(rows, weights, strict=True) if other >= day
        )
        left = Fraction(0)
        for cause in risk:
            events = sum(
                weight for row, weight in zip(rows, weights, strict=True) if row == (day, cause)
            )
            risk[cause] += survival * events / at_risk
            left += Fraction(events, at_risk)
            found[day, cause] = risk[cause]
        survival *= 1 - left
    return found


def mean_counts(
    rows: Sequence[tuple[int, bool, frozenset[int]]], weights: Weights
) -> dict[int, Fraction]:
    """Ghosh and Lin's mean with weights, by day; `rows` are (duration, ended, days of events)."""
    survival, mean = Fraction(1), Fraction(0)
    found = {}
    for day in sorted({0, *(row[0] for row in rows), *(day for row in rows for day in row[2])}):
        present = [(row, w) for row, w in zip(rows, weights, strict=True) if row[0] >= day]
        at_risk = sum(weight for _, weight in present)
        events = sum(weight for row, weight in present if day in row[2])
        exits = sum(weight for row, weight in present if row[1] and row[0] == day)
        mean += survival * events / at_risk
        survival *= 1 - Fraction(exits, at_risk)
        found[day] = mean
    return found


def jackknife(
    estimate: Callable[[Weights], dict[Any, Fraction]], clusters: Sequence[Hashable]
) -> dict[Any, float]:
    """Standard errors of the infinitesimal jackknife, taken at its word.

    Each cluster's weight is moved a little up and down, and the estimate done again; the quotient
    of the differences is its influence. In fractions, so that no digit is lost to the small step.
    """
    step = Fraction(1, 10**12)
    variance: dict[Any, Fraction] = defaultdict(Fraction)
    for cluster in set(clusters):
        up, down = (
            estimate([1 + sign * step if other == cluster else 1 for other in clusters])
            for sign in (1, -1)
        )
        for key in up:
            variance[key] += ((up[key] - down[key]) / (2 * step)) ** 2
    return {key: math.sqrt(value) for key, value in variance.items()}


def binomial_error(x: int, n: int) -> float:
    """Standard error of the proportion x / n."""
    return math.sqrt(Fraction(x * (n - x), n**3))


def loglog(risk: Fraction, greenwood: Fraction | None, z: float) -> tuple[float, float]:
    """Limits of a risk on the scale log(-log S)."""
    if greenwood is None:
        return math.nan, math.nan
    if risk == 0:
        return 0.0, 0.0
    return loglog_of(float(1 - risk), math.sqrt(greenwood), z)


def loglog_of(survival: float, relative: float, z: float) -> tuple[float, float]:
    """The same from a survival between 0 and 1 and its standard error over itself."""
    error = relative / abs(math.log(survival))
    centre = math.log(-math.log(survival))
    return (
        1 - math.exp(-math.exp(centre - z * error)),
        1 - math.exp(-math.exp(centre + z * error)),
    )


def t_inside(t: float, df: int) -> float:
    """Probability that Student's t lies in [-t, t]: Simpson's rule on the density."""
    constant = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(df * math.pi)
    steps = 2_000
    total = 0.0
    for i in range(steps + 1):
        weight = 1 if i in (0, steps) else 4 if i % 2 else 2
        total += weight * (1 + (t * i / steps) ** 2 / df) ** (-(df + 1) / 2)
    return 2 * constant * total * t / steps / 3
