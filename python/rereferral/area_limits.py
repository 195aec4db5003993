"""Limits with areas as clusters: few and large, so Student's t."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["AREAS_MIN", "area_limits", "t_quantile"]

Floats: TypeAlias = npt.NDArray[np.float64]

#: A group that spans as many areas or more gets limits with the areas as clusters.
AREAS_MIN = 10
AREAS_LEVEL = 0.95


def area_limits(rate: Floats, std_error: Floats, areas: npt.NDArray[np.int64]) -> dict[str, Floats]:
    """The rate plus and minus Student's t times its standard error, clipped to 0 and 1.

    Parameters
    ----------
    rate, std_error : ndarray of float64
        The rate, and its standard error with areas as clusters.
    areas : ndarray of int64
        How many areas the rate rests on; t has one degree of freedom less.

    Returns
    -------
    dict
        ``lower_scope_95`` and ``upper_scope_95``, null where there are fewer than ten areas, and
        where the rate is 0 or 1; empty where no rate rests on ten areas.
    """
    wide = areas >= AREAS_MIN
    if not wide.any():
        return {}
    counts, place = np.unique(areas[wide], return_inverse=True)
    t = np.full(len(rate), np.nan)
    t[wide] = np.array([t_quantile(int(m) - 1, AREAS_LEVEL) for m in counts])[place]
    half = t * std_error
    shown = wide & (rate > 0) & (rate < 1)
    return {
        "lower_scope_95": np.where(shown, np.clip(rate - half, 0.0, 1.0), np.nan),
        "upper_scope_95": np.where(shown, np.clip(rate + half, 0.0, 1.0), np.nan),
    }


@lru_cache(maxsize=4096)
def t_quantile(df: int, level: float) -> float:
    """The t that holds Student's distribution with `df` degrees of freedom in [-t, t] at `level`.

    The distribution has a finite closed form in ``atan(t / sqrt(df))`` for whole degrees of
    freedom (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4), which
    is bisected to the last bit.

    Examples
    --------
    >>> round(t_quantile(9, 0.95), 6)
    2.262157
    """
    low, high = 0.0, math.pi / 2
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return math.sqrt(df) * math.tan(middle)
        if _t_inside(middle, df) < level:
            low = middle
        else:
            high = middle


def _t_inside(angle: float, df: int) -> float:
    """Probability of [-t, t], t being ``sqrt(df) * tan(angle)``."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = df % 2
    term = cosine if odd else 1.0
    total = term if df > 1 else 0.0
    for k in range(2 + odd, df, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    return (angle + sine * total) * 2 / math.pi if odd else sine * total
