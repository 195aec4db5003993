"""Which rows meet a condition on their number: a day, a code, or a mark that says yes or no."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rereferral import _core

__all__ = ["MOST_INTERVALS", "Mask", "Within", "marked", "mask_of", "not_negative", "unmarked"]

Mask = npt.NDArray[np.bool_]

MOST_INTERVALS = 8


class Within(NamedTuple):
    """The rows whose number is one of some.

    Parameters
    ----------
    numbers : ndarray of bool or of signed integers, contiguous
        By row.
    among : tuple of (int, int), or ndarray of bool
        Up to `MOST_INTERVALS` intervals, both ends inclusive; or, by number from 0 on, whether it
        is one of them.
    """

    numbers: npt.NDArray[Any]
    among: tuple[tuple[int, int], ...] | Mask


def marked(rows: Mask) -> Within:
    """The rows that are marked."""
    return Within(rows, ((1, 1),))


def unmarked(rows: Mask) -> Within:
    """The rows that are not marked."""
    return Within(rows, ((0, 0),))


def not_negative(numbers: npt.NDArray[Any]) -> Within:
    """The rows whose number is 0 or more."""
    return Within(numbers, ((0, np.iinfo(np.int64).max),))


def mask_of(*rows: Within, before: Mask | None = None) -> Mask:
    """The rows that meet every condition, as an array; only those that `before` marks, if given."""
    n = len(rows[0].numbers)
    found: Mask = _core.empty(n, 8)
    _core.rows_left(rows, n, before, (*[None] * (len(rows) - 1), found))
    return found
