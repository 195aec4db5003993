"""Percentages: DfE's own, and exact fractions rounded half up."""

from __future__ import annotations

import csv
from decimal import ROUND_HALF_UP, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rereferral as rr
from rereferral.rounding import percent, percents
from shared_data import shared

C1 = "c1_children_in_need_referrals_and_rereferrals_2013_to_2024.csv"


@pytest.mark.parametrize(
    ("part", "published"),
    [
        ("Re_referrals", "Re_referrals_percent"),
        ("No_Further_Action", "No_Further_Action_percent"),
        ("Not_in_Need", "Not_in_Need_percent"),
    ],
)
def test_every_percentage_of_an_authority(part, published):
    with open(shared("dfe_cin_2024", C1), encoding="utf-8-sig", newline="") as file:
        table = [
            row for row in csv.DictReader(file) if row["geographic_level"] == "Local authority"
        ]
    numbers = [
        (int(row[part]), int(row["Referrals"]), Decimal(row[published]))
        for row in table
        if row[part].isdigit() and row["Referrals"].isdigit() and row[published][:1].isdigit()
    ]
    assert len(numbers) > 1700
    assert [percent(x, n) for x, n, _ in numbers] == [value for _, _, value in numbers]
    found = percents([x for x, _, _ in numbers], [n for _, n, _ in numbers])
    assert found.tolist() == [float(value) for _, _, value in numbers]


@settings(deadline=None)
@given(
    x=st.integers(0, 10**6) | st.integers(0, 2**62),
    n=st.integers(1, 10**6) | st.integers(1, 2**63 - 1),
    decimals=st.integers(0, 6),
)
def test_half_up_from_the_exact_fraction(x, n, decimals):
    with localcontext() as context:
        context.prec = 80
        # 80 digits decide: a quotient of 63-bit numbers is either a half or farther from it.
        exact = (Decimal(100 * x) / Decimal(n)).quantize(
            Decimal(1).scaleb(-decimals), ROUND_HALF_UP
        )
        found = percent(x, n, decimals)
    assert found == exact
    assert -found.as_tuple().exponent == decimals
    if exact < 10**9:
        assert percents([x], [n], decimals)[0] == float(exact)


def test_halves_go_up_and_only_once():
    assert str(percent(453, 2000)) == "22.7"  # 22.65: binary floating point prints 22.6
    assert str(percent(22649, 100000)) == "22.6"  # 22.649: by way of 22.65 it would be 22.7
    assert str(percent(1, 200, decimals=0)) == "1"
    assert str(percent(0, 5)) == "0.0"


def test_nothing_of_nothing_is_null():
    assert percent(0, 0).is_nan()
    np.testing.assert_array_equal(percents([1, 0], [4, 0]), [25.0, np.nan])


def test_arrays_broadcast_and_come_in_every_integer_type():
    assert percents(np.array([1, 2], np.uint8), np.int16(3)).tolist() == [33.3, 66.7]
    assert percents([], []).shape == (0,)


@pytest.mark.parametrize(
    "call",
    [
        lambda: percent(-1, 5),
        lambda: percent(1, -5),
        lambda: percent(1.0, 5),
        lambda: percents([1, -1], [5, 5]),
        lambda: percents([0.5], [5]),
        lambda: percents(np.array([2**63], np.uint64), [5]),
    ],
)
def test_what_is_no_count_is_refused(call):
    with pytest.raises(rr.DataError):
        call()


@pytest.mark.parametrize("decimals", [-1, 7, 1.5, "1"])
def test_decimals_that_are_refused(decimals):
    with pytest.raises(rr.RuleError, match="decimals must be a whole number from 0 to 6"):
        percent(1, 5, decimals)
