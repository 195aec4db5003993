"""Percentages from counts, rounded once, half up, in whole numbers."""

from __future__ import annotations

import operator
from decimal import Decimal
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from rereferral.errors import DataError, RuleError

__all__ = ["percent", "percents"]


def percent(x: SupportsIndex, n: SupportsIndex, decimals: int = 1) -> Decimal:
    """``100 * x / n``, rounded half up from the counts themselves.

    A quotient that passes through binary floating point, or is rounded twice, prints 22.6 where
    22.65 should print 22.7. Here the only rounding is the last one.

    Parameters
    ----------
    x, n : int
        Counts, not negative.
    decimals : int, default 1
        Digits after the point, from 0 to 6.

    Returns
    -------
    Decimal
        With exactly `decimals` digits; ``Decimal("NaN")`` where `n` is 0.

    Raises
    ------
    RuleError
        `decimals` is out of range.
    DataError
        A count is negative or no whole number.

    Examples
    --------
    >>> str(percent(143_770, 640_430))
    '22.4'
    >>> str(percent(1, 2000)), str(percent(1, 8, decimals=2))
    ('0.1', '12.50')
    """
    scale = _scale(decimals)
    try:
        a, b = operator.index(x), operator.index(n)
    except TypeError:
        raise DataError(f"a percentage needs whole counts, not {x!r} of {n!r}") from None
    if a < 0 or b < 0:
        raise DataError(f"a percentage needs counts that are not negative, not {a} of {b}")
    if b == 0:
        return Decimal("NaN")
    return Decimal((2 * scale * a + b) // (2 * b)).scaleb(-decimals)


def percents(x: Any, n: Any, decimals: int = 1) -> npt.NDArray[np.float64]:
    """`percent` for arrays of counts.

    Parameters
    ----------
    x, n : array of int
        Counts, not negative, of shapes that broadcast.
    decimals : int, default 1
        Digits after the point, from 0 to 6.

    Returns
    -------
    ndarray of float64
        For percentages below 10**9 the number nearest to the rounded one, which prints as that; NaN
        where `n` is 0.

    Raises
    ------
    RuleError
        `decimals` is out of range.
    DataError
        A count is negative or no whole number; the message names the first.

    Examples
    --------
    >>> percents([143_770, 1, 0], [640_430, 2000, 0])
    array([22.4,  0.1,  nan])
    """
    scale = _scale(decimals)
    a, b = np.broadcast_arrays(_counts("x", x), _counts("n", n))
    most = np.iinfo(np.int64).max
    if a.size and (int(a.max()) > (most - int(b.max())) // (2 * scale) or int(b.max()) > most // 2):
        a, b = a.astype(object), b.astype(object)
    defined = b != 0
    tenths = (2 * scale * a + b) // np.where(defined, 2 * b, 1)
    return np.where(defined, tenths.astype(np.float64) / 10.0**decimals, np.nan)


def _scale(decimals: int) -> int:
    if not isinstance(decimals, int) or not 0 <= decimals <= 6:
        raise RuleError(f"decimals must be a whole number from 0 to 6, not {decimals!r}")
    return int(10 ** (decimals + 2))


def _counts(name: str, values: Any) -> npt.NDArray[np.int64]:
    array = np.asarray(values)
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise DataError(f"{name} must hold whole counts, not {array.dtype}")
    if array.dtype == np.uint64 and int(array.max()) > np.iinfo(np.int64).max:
        raise DataError(f"{name} holds a count above 2**63 - 1")
    if int(array.min()) < 0:
        raise DataError(f"{name} holds {int(array.min())}: a count is not negative")
    return array.astype(np.int64)
