"""What a rounded figure may have been, and the verdicts that follow."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rereferral.errors import DataError
from rereferral.verdicts.lines import number_line, printed
from rereferral.verdicts.ranges import (
    AGREES,
    CONSISTENT,
    NOT_BORNE_OUT,
    UNTESTED,
    Range,
    at_least,
    exactly,
    judge,
    judge_limits,
    round_half_up,
    rounded,
)


@pytest.mark.parametrize(
    ("published", "ours", "verdict"),
    [
        (rounded(25, 1), exactly(24.5), AGREES),  # half up: 24.5 is 25
        (rounded(25, 1), exactly(25.5), NOT_BORNE_OUT),  # and 25.5 is 26
        (rounded(0.85, 0.01), exactly(0.845), AGREES),  # no binary fraction comes in between
        (rounded(0.85, 0.01), exactly(0.855), NOT_BORNE_OUT),
        (rounded(646_120, 10), Range(Fraction(646_113), Fraction(646_117)), CONSISTENT),
        (rounded(646_120, 10), Range(Fraction(646_115), Fraction(646_124)), AGREES),
        (rounded(646_120, 10), Range(Fraction(646_110), Fraction(646_114)), NOT_BORNE_OUT),
        (exactly(152), exactly(152), AGREES),
        (exactly(152), exactly(151), NOT_BORNE_OUT),
        (at_least(320), Range(Fraction(321), None), AGREES),
        (at_least(320), Range(Fraction(300), Fraction(320)), CONSISTENT),
        (at_least(320), Range(Fraction(300), Fraction(320), high_open=True), NOT_BORNE_OUT),
    ],
)
def test_a_verdict(published, ours, verdict):
    assert judge(published, ours) == verdict


def test_what_is_rounded_ends_below_the_next():
    """25 rounds from 24.5 up to what is below 25.5, so the ranges of 25 and 26 do not meet."""
    assert not rounded(25, 1).meets(rounded(26, 1))
    assert rounded(25, 1).within(rounded(25, 1))


def test_ends_that_are_open_stay_open_in_arithmetic():
    part, whole = rounded(3, 1), rounded(10, 1)
    product, quotient, total = part * whole, part / whole, part + whole
    assert (product.low, product.high, product.high_open) == (
        Fraction(5, 2) * Fraction(19, 2),
        Fraction(7, 2) * Fraction(21, 2),
        True,
    )
    # The lowest quotient takes the open end below the line, the highest the closed one.
    assert (quotient.low, quotient.low_open) == (Fraction(5, 2) / Fraction(21, 2), True)
    assert (quotient.high, quotient.high_open) == (Fraction(7, 2) / Fraction(19, 2), True)
    assert (total.low, total.high) == (12, 14)
    assert (exactly(3) / whole).low_open
    assert not (exactly(3) / whole).high_open


def test_division_by_what_may_be_nothing():
    with pytest.raises(DataError, match="may be 0"):
        exactly(1) / rounded(0, 1)
    with pytest.raises(DataError, match="may be 0"):
        exactly(1) / at_least(1)


@pytest.mark.parametrize(
    ("number", "place", "expected"),
    [(16.25, 0.1, 16.3), (621_465, 10, 621_470), (0.5, 1, 1), (-0.5, 1, 0), (2.4999, 1, 2)],
)
def test_half_up(number, place, expected):
    assert float(round_half_up(number, place)) == expected


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(25.4, 26, AGREES), (25.5, 26, NOT_BORNE_OUT), (20, 24.5, AGREES), (20, 24.4, NOT_BORNE_OUT)],
)
def test_limits_reach_a_published_rate_or_not(low, high, verdict):
    assert judge_limits(rounded(25, 1), low, high) == verdict


@pytest.mark.parametrize(
    ("number", "unit", "place", "text"),
    [
        (24.85, "percent", 0.1, "24.9 %"),
        (1_845.75, "£m", 0.1, "£1,845.8m"),
        (3.6, "£bn", Fraction(1, 100), "£3.60bn"),
        (2020, "year", 1, "2020"),
        (908_134.5, "count", 1, "908,135"),
    ],
)
def test_numbers_as_they_are_printed(number, unit, place, text):
    assert printed(number, unit, place) == text


def line(ours, **more):
    return number_line("s", "f", "w", (25, 1), "percent", ours, "found", "Why.", **more)


def test_a_line():
    fits = line((Fraction("24.6"), exactly("24.6")), place=Fraction(1, 10))
    assert (fits.ours, fits.difference, fits.verdict) == ("24.6 %", "-0.4", AGREES)
    other = line((exactly(26).low, exactly(26)), otherwise="so look elsewhere.")
    assert other.verdict == NOT_BORNE_OUT
    assert other.reason == "Why: so look elsewhere."
    nothing = line(None)
    assert (nothing.ours, nothing.difference, nothing.verdict) == ("", "", UNTESTED)
    assert nothing.published_value == 25
    assert nothing.ours_value is None
