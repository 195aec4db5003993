"""What a rounded figure may have been before it was rounded, and what two of them say together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from rereferral.errors import DataError

__all__ = [
    "AGREES",
    "CONSISTENT",
    "NOT_BORNE_OUT",
    "UNTESTED",
    "VERDICTS",
    "Number",
    "Range",
    "at_least",
    "exact",
    "exactly",
    "judge",
    "judge_limits",
    "round_half_up",
    "rounded",
]

AGREES = "agrees"
CONSISTENT = "consistent within rounding"
NOT_BORNE_OUT = "not borne out"
UNTESTED = "cannot be tested"
VERDICTS = (AGREES, CONSISTENT, NOT_BORNE_OUT, UNTESTED)

Number: TypeAlias = "int | float | Fraction"


def exact(number: Number) -> Fraction:
    """A number as it is written: 0.85 is 85/100, not the binary fraction next to it."""
    return number if isinstance(number, Fraction) else Fraction(str(number))


@dataclass(frozen=True)
class Range:
    """The numbers that a figure may be, 0 or more: from `low` to `high`, without an end if open.

    Ranges are added, multiplied and divided as the figures are: the result holds every answer that
    figures out of them can give.
    """

    low: Fraction
    high: Fraction | None
    low_open: bool = False
    high_open: bool = False

    def __add__(self, other: Range) -> Range:
        high = None if self.high is None or other.high is None else self.high + other.high
        return Range(
            self.low + other.low,
            high,
            self.low_open or other.low_open,
            self.high_open or other.high_open,
        )

    def __mul__(self, other: Range) -> Range:
        high = None if self.high is None or other.high is None else self.high * other.high
        return Range(
            self.low * other.low,
            high,
            self.low_open or other.low_open,
            self.high_open or other.high_open,
        )

    def __truediv__(self, other: Range) -> Range:
        if other.low <= 0 or other.high is None:
            raise DataError("a figure is divided by one that may be 0 or has no upper end")
        return Range(
            self.low / other.high,
            None if self.high is None else self.high / other.low,
            self.low_open or other.high_open,
            self.high_open or other.low_open,
        )

    def meets(self, other: Range) -> bool:
        """Whether some number lies in both."""
        return _reaches(self, other) and _reaches(other, self)

    def within(self, other: Range) -> bool:
        """Whether every number of this one lies in the other."""
        from_low = self.low > other.low or (
            self.low == other.low and (self.low_open or not other.low_open)
        )
        if other.high is None:
            return from_low
        if self.high is None:
            return False
        to_high = self.high < other.high or (
            self.high == other.high and (self.high_open or not other.high_open)
        )
        return from_low and to_high


def _reaches(one: Range, other: Range) -> bool:
    """Whether `one` begins before `other` ends."""
    if other.high is None:
        return True
    return one.low < other.high or (
        one.low == other.high and not one.low_open and not other.high_open
    )


def exactly(number: Number) -> Range:
    """A figure that is not rounded."""
    return Range(exact(number), exact(number))


def rounded(number: Number, place: Number) -> Range:
    """What rounds half up to a figure: 25 at a place of 1 is from 24.5 to below 25.5.

    Examples
    --------
    >>> found = rounded(0.25, 0.01)
    >>> str(found.low), str(found.high), found.high_open
    ('49/200', '51/200', True)
    """
    half = exact(place) / 2
    return Range(exact(number) - half, exact(number) + half, high_open=True)


def at_least(number: Number) -> Range:
    """A figure that was published as a lower bound."""
    return Range(exact(number), None)


def round_half_up(number: Number, place: Number) -> Fraction:
    """A number rounded half up to a place.

    Examples
    --------
    >>> int(round_half_up(621_465, 10)), float(round_half_up(16.25, 0.1))
    (621470, 16.3)
    """
    unit = exact(place)
    return math.floor(exact(number) / unit + Fraction(1, 2)) * unit


def judge(published: Range, ours: Range) -> str:
    """The verdict on a published figure, from what it and ours may have been before rounding.

    It agrees where all that ours may be rounds to the published figure, is consistent within
    rounding where some of it does, and is not borne out where none does.

    Examples
    --------
    >>> judge(rounded(22.6, 0.1), exactly(22.64)), judge(rounded(22.6, 0.1), exactly(22.65))
    ('agrees', 'not borne out')
    >>> judge(rounded(320, 10), rounded(0.25, 0.01) * rounded(1260, 10))
    'consistent within rounding'
    """
    if ours.within(published):
        return AGREES
    return CONSISTENT if ours.meets(published) else NOT_BORNE_OUT


def judge_limits(published: Range, low: Number, high: Number) -> str:
    """The verdict on a published rate, from the limits of ours: they reach it, or they do not.

    Limits and the published figure are in one unit, here per cent.

    Examples
    --------
    >>> judge_limits(rounded(25, 1), 25.4, 27.0), judge_limits(rounded(25, 1), 25.5, 27.0)
    ('agrees', 'not borne out')
    """
    return AGREES if Range(exact(low), exact(high)).meets(published) else NOT_BORNE_OUT
