"""A column of days in the memory that holds it: checked once, turned into days when asked for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rereferral import _core
from rereferral.days import NULL_DAY, Days
from rereferral.marks import Mask, Within, mask_of

__all__ = ["DayColumn"]


class DayColumn:
    """Days as a table holds them.

    Whether any is missing, and between which days they lie, is found with the check; so nobody need
    look at the rows for what no row can have.

    Parameters
    ----------
    ticks : ndarray of int64 or int32, contiguous
        Since 1970-01-01T00:00; the lowest number of the type is a missing day. Held, not copied.
    per_day : int
        Ticks in a day; of int32 it is 1.

    Attributes
    ----------
    ticks, per_day
        As given; the ticks cannot be written to.
    n_null : int
        How many days are missing.
    first, last : int
        The smallest and the largest day; without any, `last` lies before `first`.

    Raises
    ------
    DataError
        A tick is not midnight, or too far from 1970. ``row`` says which.
    """

    def __init__(self, ticks: npt.NDArray[Any], per_day: int) -> None:
        self.n_null, self.first, self.last = _core.days_range(ticks, per_day)
        self.ticks: npt.NDArray[Any] = ticks.view()
        self.ticks.flags.writeable = False
        self.per_day = per_day

    def __len__(self) -> int:
        return len(self.ticks)

    @property
    def for_core(self) -> tuple[object, ...]:
        """The column as the core takes it: it reads days off the ticks."""
        return self.ticks, self.per_day, self.first, self.last

    @cached_property
    def days(self) -> Days:
        """Days since 1970-01-01, NaT where missing; the ticks themselves where they are that."""
        if self.ticks.dtype == np.int64 and self.per_day == 1:
            return self.ticks
        days = np.empty(len(self), np.int64)
        if self.ticks.dtype == np.int64:
            _core.days_from_ticks(self.ticks, self.per_day, days)
        else:
            days[:] = self.ticks
            if self.n_null:
                days[self.ticks == np.iinfo(self.ticks.dtype).min] = NULL_DAY
        days.flags.writeable = False
        return days

    def null(self) -> Mask | None:
        """Where the day is missing; None: nowhere."""
        if self.n_null == 0:
            return None
        lowest = int(np.iinfo(self.ticks.dtype).min)
        return mask_of(Within(self.ticks, ((lowest, lowest),)))

    def within(self, first: int | None = None, last: int | None = None) -> Within | None:
        """The rows with a day, from `first` to `last` where these are given; None: every row."""
        low = self.first if first is None else max(first, self.first)
        high = self.last if last is None else min(last, self.last)
        if low > high:
            return Within(self.ticks, ())
        if self.n_null == 0 and (low, high) == (self.first, self.last):
            return None
        return Within(self.ticks, ((low * self.per_day, high * self.per_day),))

    def first_day(self, holds: Callable[[int], Any]) -> int:
        """The first day of the range for which something holds that then holds for all later days.

        The day after the last where it holds for none.
        """
        return self.first + bisect_left(range(self.first, self.last + 1), True, key=holds)
