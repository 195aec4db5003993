"""`rereferral.funnel`: which areas differ by more than chance, and by more than areas do."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.errors import RuleError
from rereferral.rates import level_quantiles
from rereferral.variation.dispersion import SCALES, Scale, Spread, measure
from rereferral.variation.rows import Rows, read_rows

__all__ = ["Funnel", "Lines", "binomial_limits", "funnel"]

Floats: TypeAlias = npt.NDArray[np.float64]

#: Above this phi, limits of chance times its root mislead.
PHI_MOST = 10.0

#: The end of the names of limits that also hold what areas ordinarily differ by.
SPREAD = "_spread"

#: What limits allow for, and the end of their columns' names.
ALLOWED = {"chance alone": "", "chance and ordinary differences": SPREAD}


@dataclass(frozen=True)
class Lines:
    """The limits of a funnel, for areas of any size.

    Attributes
    ----------
    reference : float
        The rate in the middle, from 0 to 1.
    spread : Spread
        How far areas lie apart.
    kind : str
        Of the limits of chance alone: exact or wilson.
    dispersion : str
        What areas ordinarily differ by: additive, multiplicative or none.
    scale : Scale
        On which the spread was measured.
    levels : dict
        Level and quantile of the normal distribution, by the end of the columns' names.
    """

    reference: float
    spread: Spread
    kind: str
    dispersion: str
    scale: Scale
    levels: dict[str, tuple[float, float]]

    def chance(self, n: Floats) -> dict[str, Floats]:
        """The columns ``lower_95`` and so on, of chance alone, for areas of n."""
        p = self.reference
        found: dict[str, Floats] = {}
        for name, (level, z) in self.levels.items():
            if self.kind == "exact":
                low, high = binomial_limits(p, n, level)
            else:
                half = z * np.sqrt(p * (1 - p) / n)
                low, high = p - half, p + half
            found[f"lower_{name}"] = np.clip(low, 0, 1)
            found[f"upper_{name}"] = np.clip(high, 0, 1)
        return found

    def spread_out(self, n: Floats) -> dict[str, Floats]:
        """The columns ``lower_95_spread`` and so on, with what areas ordinarily differ by."""
        p, found = self.reference, {}
        middle = self.scale.middle(p)
        for name, (_, z) in self.levels.items():
            if self.dispersion == "multiplicative":
                half = z * np.sqrt(max(self.spread.phi, 1.0) * p * (1 - p) / n)
                low, high = np.clip(p - half, 0, 1), np.clip(p + half, 0, 1)
            else:
                half = z * np.sqrt(self.scale.chance(p, n) ** 2 + self.spread.tau**2)
                low, high = self.scale.back(middle - half), self.scale.back(middle + half)
            found[f"lower_{name}{SPREAD}"], found[f"upper_{name}{SPREAD}"] = low, high
        return found

    def at(self, n: Any) -> pd.DataFrame:
        """``n`` and every limit of areas of such sizes: what a picture draws.

        Parameters
        ----------
        n : array of float
            Sizes, above 0.
        """
        sizes = np.asarray(n, np.float64)
        wide = {} if self.dispersion == "none" else self.spread_out(sizes)
        return pd.DataFrame({"n": sizes, **self.chance(sizes), **wide})


@dataclass(frozen=True, eq=False)
class Funnel:
    """Rates of areas about a reference, with the limits that areas of their size have.

    Attributes
    ----------
    table : DataFrame
        A row for each area: its name, the two counts, ``rate``; for each level ``lower_95`` and
        ``upper_95`` of chance alone and, unless `dispersion` is none, ``lower_95_spread`` and
        ``upper_95_spread``, of chance and what areas ordinarily differ by; ``z``, the distance from
        the reference in standard deviations of chance; ``outside`` and ``outside_spread``, in
        words: beyond which of the limits the area lies, or ``""``.
    lines : Lines
        The limits for any size, the reference and the spread.
    missing : DataFrame
        Areas without a rate, and why.
    count, of : str
        The columns of the two counts.
    """

    table: pd.DataFrame
    lines: Lines
    missing: pd.DataFrame
    count: str
    of: str

    def counts(self) -> pd.DataFrame:
        """How many areas lie outside each pair of limits.

        Returns
        -------
        DataFrame
            ``limits``, what they allow for; ``level``; ``areas``, ``below``, ``above``; and
            ``expected``, how many would be outside if nothing else were at work.
        """
        rows, rate = [], self.table["rate"]
        for limits, end in ALLOWED.items():
            for name, (level, _) in self.lines.levels.items():
                if f"lower_{name}{end}" not in self.table.columns:
                    continue
                below = int((rate < self.table[f"lower_{name}{end}"]).sum())
                above = int((rate > self.table[f"upper_{name}{end}"]).sum())
                expected = len(rate) * (1 - level)
                rows.append((limits, level, len(rate), below, above, expected))
        names = ["limits", "level", "areas", "below", "above", "expected"]
        return pd.DataFrame(rows, columns=names)

    def words(self) -> list[str]:
        """What the funnel shows, in sentences."""
        spread, middle = self.lines.spread, self.lines.reference * 100
        found = [f"{self.count} of {self.of}: {middle:.1f} % over {len(self.table):,} areas"]
        found += [
            f"{row.below + row.above} of {row.areas} areas lie outside the {row.level * 100:g} % "
            f"limits of {row.limits}, {row.below} below and {row.above} above, where "
            f"{row.expected:.1f} would if nothing else were at work"
            for row in self.counts().itertuples()
        ]
        if spread.phi > 1:
            found.append(
                f"areas vary {spread.phi:,.1f} times as much as chance would have them (phi); "
                f"their own rates have a standard deviation of {spread.tau:.2f} on the "
                f"{self.lines.scale.name} scale (tau)"
            )
        if len(self.missing):
            found.append(f"{len(self.missing):,} areas have no rate")
        return found

    def __repr__(self) -> str:
        return "\n".join(self.words())

    def _repr_html_(self) -> str:
        return "".join(f"<p>{html.escape(line)}</p>" for line in self.words())


def funnel(
    table: Any,
    *,
    by: str | Sequence[str],
    count: str = "linked",
    of: str = "n",
    limits: str = "exact",
    dispersion: str = "additive",
    scale: str = "logit",
    winsorise: float = 0.1,
    levels: Sequence[float] = (0.95, 0.998),
    reference: float | None = None,
) -> Funnel:
    """Hold the rates of areas against the limits that areas of their size have by chance.

    Large areas fall outside limits of chance alone for the smallest of differences. So a second
    pair of limits also holds what areas ordinarily differ by; who is outside those is unusual among
    areas, not only unlike the average.

    Parameters
    ----------
    table : DataFrame or other small table
        A row for each area: what ``links.rates(by="authority")`` gives, or counts of one's own.
    by : str or sequence of str
        The columns that name the areas.
    count, of : str
        The columns of the two counts.
    limits : {"exact", "wilson"}
        Of chance alone. ``"exact"``: quantiles of the binomial, interpolated between whole numbers
        (needs scipy). ``"wilson"``: where Wilson's limits of the area just hold the reference.
    dispersion : {"additive", "multiplicative", "none"}
        What areas ordinarily differ by. ``"additive"``: a standard deviation tau between areas on
        `scale`. ``"multiplicative"``: limits of chance times sqrt(phi), refused where phi is above
        10, because they would then still shrink with size where differences do not.
    scale : {"logit", "arcsine"}
        The scale on which spread is measured.
    winsorise : float, default 0.1
        The share of areas at either end that count as no farther out than the next, so that who
        is unusual does not widen its own limits.
    levels : sequence of float
        Confidence levels.
    reference : float, optional
        The rate in the middle, between 0 and 1; by default that of all areas together.

    Returns
    -------
    Funnel

    Raises
    ------
    DataError
        As `rereferral.variation.rows.read_rows` says.
    RuleError
        An argument is unknown or out of range, or phi is too large for multiplicative limits.

    References
    ----------
    D. J. Spiegelhalter, Funnel plots for comparing institutional performance, Statistics in
    Medicine 24 (2005), 1185-1202. E. B. Wilson (1927), as in `rereferral.wilson`.

    Examples
    --------
    >>> import rereferral as rr
    >>> table = {"authority": ["A", "B", "C"], "n": [400, 900, 1600], "linked": [80, 225, 480]}
    >>> found = rr.funnel(table, by="authority", limits="wilson")
    >>> found.table[["authority", "rate", "lower_95", "upper_95", "outside"]].round(3)
    ... # doctest: +NORMALIZE_WHITESPACE
      authority  rate  lower_95  upper_95                  outside
    0         A  0.20     0.227     0.314  below the 99.8 % limits
    1         B  0.25     0.242     0.300
    2         C  0.30     0.249     0.292    above the 95 % limits
    """
    if limits not in ("exact", "wilson"):
        raise RuleError(f"limits={limits!r} is none of exact, wilson")
    if dispersion not in ("additive", "multiplicative", "none"):
        raise RuleError(f"dispersion={dispersion!r} is none of additive, multiplicative, none")
    if scale not in SCALES:
        raise RuleError(f"scale={scale!r} is none of {', '.join(SCALES)}")
    quantiles = level_quantiles(levels)
    rows = read_rows(table, count, of, by)
    if limits == "exact" and (rows.count != np.floor(rows.count)).any():
        raise RuleError('exact limits are those of whole counts; use limits="wilson"')
    middle = float(rows.count.sum() / rows.of.sum()) if reference is None else float(reference)
    if not 0 < middle < 1:
        raise RuleError(f"a reference of {middle:g} has no limits; it must lie between 0 and 1")
    spread = measure(rows.rate, rows.of, middle, SCALES[scale], winsorise)
    if dispersion == "multiplicative" and spread.phi > PHI_MOST:
        raise RuleError(
            f"phi is {spread.phi:.1f}: above {PHI_MOST:g}, limits of chance times sqrt(phi) still "
            'shrink with size where differences do not; use dispersion="additive"'
        )
    by_name = {
        name: (float(level), z) for level, (name, z) in zip(levels, quantiles.items(), strict=True)
    }
    lines = Lines(middle, spread, limits, dispersion, SCALES[scale], by_name)
    return Funnel(_table(lines, rows, count, of), lines, rows.missing, count, of)


def _table(lines: Lines, rows: Rows, count: str, of: str) -> pd.DataFrame:
    found = rows.names.assign(**{count: rows.count, of: rows.of}, rate=rows.rate)
    for name in (count, of):
        if (found[name] == np.floor(found[name])).all():
            found[name] = found[name].astype(np.int64)
    limits = lines.at(rows.of).drop(columns="n")
    p = lines.reference
    found = found.assign(
        **{name: column.to_numpy() for name, column in limits.items()},
        z=(rows.rate - p) / np.sqrt(p * (1 - p) / rows.of),
        outside=_outside(rows.rate, limits, lines, ""),
    )
    if lines.dispersion != "none":
        found["outside_spread"] = _outside(rows.rate, limits, lines, SPREAD)
    return found


def _outside(rate: Floats, limits: pd.DataFrame, lines: Lines, end: str) -> list[str]:
    """Beyond which limits each rate lies: the widest of them."""
    found = np.full(len(rate), "", object)
    for name, (level, _) in sorted(lines.levels.items(), key=lambda one: one[1]):
        text = f"the {level * 100:g} % limits"
        found[rate < limits[f"lower_{name}{end}"]] = f"below {text}"
        found[rate > limits[f"upper_{name}{end}"]] = f"above {text}"
    return list(found)


def binomial_limits(p: float, n: Floats, level: float) -> tuple[Floats, Floats]:
    """The exact limits of the rate of n about p: quantiles of the binomial, interpolated.

    A quantile of whole numbers jumps; its place between two of them is that of the probability
    (Spiegelhalter 2005, appendix A.1.1).

    Parameters
    ----------
    p : float
        The rate, between 0 and 1.
    n : ndarray of float64
        Sizes, of 1 or more; they are rounded to whole numbers.
    level : float
        Confidence level.
    """
    try:
        from scipy.stats import binom
    except ImportError:
        raise RuleError(
            'exact limits need scipy (pip install "rereferral[stats]"); or use limits="wilson"'
        ) from None
    found, n = [], np.maximum(np.round(n), 1.0)
    for tail in ((1 - level) / 2, (1 + level) / 2):
        count = binom.ppf(tail, n, p)
        above, below = binom.cdf(count, n, p), binom.cdf(count - 1, n, p)
        found.append((count - (above - tail) / (above - below)) / n)
    # Of so few that one event is too many, the reference itself is the limit.
    return np.clip(found[0], 0, p), np.clip(found[1], p, 1)
