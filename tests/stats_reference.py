"""The statistics as their definitions read, in fractions: slow, and sharing nothing with C."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from fractions import Fraction


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


def loglog(risk: Fraction, greenwood: Fraction | None, z: float) -> tuple[float, float]:
    """Limits of a risk on the scale log(-log S)."""
    if greenwood is None:
        return math.nan, math.nan
    if risk == 0:
        return 0.0, 0.0
    survival = float(1 - risk)
    error = math.sqrt(greenwood) / abs(math.log(survival))
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
