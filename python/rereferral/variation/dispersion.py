"""How much more areas differ than chance alone lets them: multiplicative and additive.

D. J. Spiegelhalter, Funnel plots for comparing institutional performance, Statistics in Medicine
24 (2005), 1185-1202, appendix A; and Handling over-dispersion of performance indicators, Quality
and Safety in Health Care 14 (2005), 347-351. The spread between areas is DerSimonian and Laird's
(Controlled Clinical Trials 7, 1986, 177-188).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from rereferral.errors import RuleError

__all__ = ["SCALES", "Scale", "Spread", "measure", "winsorised"]

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """A scale on which the deviation of a rate by chance hangs on its size alone.

    `there` gives a rate's place on it, `back` the rate of a place, and `chance` the standard
    deviation by chance of a rate of n about a reference rate.
    """

    name: str

    def there(self, rate: Floats, n: Floats) -> Floats:
        """A rate's place; 0 and 1 of n are moved in by half an event."""
        if self.name == "arcsine":
            return np.arcsin(np.sqrt(rate))
        inside = np.clip(rate, 0.5 / (n + 1), 1 - 0.5 / (n + 1))
        return np.log(inside / (1 - inside))

    def middle(self, reference: float) -> float:
        """The place of a reference rate, between 0 and 1."""
        return float(self.there(np.array([reference]), np.array([np.inf]))[0])

    def back(self, place: Floats) -> Floats:
        """The rate of a place."""
        if self.name == "arcsine":
            return np.sin(np.clip(place, 0, np.pi / 2)) ** 2
        return 1 / (1 + np.exp(-place))

    def chance(self, reference: float, n: Floats) -> Floats:
        """The standard deviation, by the delta method."""
        if self.name == "arcsine":
            return 1 / np.sqrt(4 * n)
        return 1 / np.sqrt(n * reference * (1 - reference))


SCALES = {name: Scale(name) for name in ("logit", "arcsine")}


@dataclass(frozen=True)
class Spread:
    """How far areas lie apart.

    Attributes
    ----------
    phi : float
        The mean square of the areas' winsorised distances from the reference, in standard
        deviations of chance: about 1 where chance alone is at work.
    tau : float
        The standard deviation of the areas' own rates, on the scale; 0 where chance explains all.
    """

    phi: float
    tau: float


def winsorised(z: Floats, share: float) -> Floats:
    """Values beyond the quantiles at `share` and 1 - `share` moved to them."""
    if not 0 <= share < 0.5:
        raise RuleError(f"winsorise={share!r} is not from 0 to below 0.5")
    low, high = np.quantile(z, [share, 1 - share])
    return np.clip(z, low, high)


def measure(rate: Floats, n: Floats, reference: float, scale: Scale, share: float) -> Spread:
    """The spread of areas about a reference rate.

    Parameters
    ----------
    rate, n : ndarray of float64, shape (areas,)
        Rates from 0 to 1, of so many.
    reference : float
        Between 0 and 1.
    scale : Scale
        On which tau is measured; phi is measured on rates themselves.
    share : float
        How many areas at either end are winsorised.
    """
    plain = winsorised((rate - reference) / np.sqrt(reference * (1 - reference) / n), share)
    chance = scale.chance(reference, n)
    z = winsorised((scale.there(rate, n) - scale.middle(reference)) / chance, share)
    weight, areas = 1 / chance**2, len(z)
    room = weight.sum() - (weight**2).sum() / weight.sum()
    more = float((z**2).sum()) - (areas - 1)
    return Spread(float((plain**2).mean()), float(np.sqrt(max(more, 0.0) / room)) if room else 0.0)
