"""`rr.wilson`: published limits, the equation that they solve, and what is refused."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rereferral as rr
from shared_data import exact_csv, shared
from stats_reference import wilson_root

DIGITS = 1e-13  # relative: the published limits are given to 15 digits


def published(file: str) -> pd.DataFrame:
    return exact_csv(shared("statistics", file))


def test_limits_of_the_byars_wilson_file():
    table = published("testdata_Byars_Wilson__testdata_B_W.csv")
    table = table[table.method == "Wilson"]
    assert len(table) == 6
    for row in table.itertuples():
        level = {"95%": 0.95, "99.8%": 0.998}[row.confidence]
        assert rr.wilson(row.x, row.n, level) == pytest.approx(
            (row.lowercl, row.uppercl), rel=DIGITS, abs=0
        )


@pytest.mark.parametrize(
    ("file", "level", "lower", "upper"),
    [
        ("testdata_Proportion__testdata_Prop.csv", 0.95, "lower95_0cl", "upper95_0cl"),
        ("testdata_Proportion__testdata_Prop.csv", 0.998, "lower99_8cl", "upper99_8cl"),
        ("testdata_Proportion__testdata_Prop_g.csv", 0.95, "lowercl", "uppercl"),
    ],
)
def test_limits_of_the_proportion_files(file, level, lower, upper):
    table = published(file).dropna(subset=["value"])
    assert len(table) >= 8
    found = rr.wilson(table.Numerator, table.Denominator, level)
    np.testing.assert_allclose(found[0] * table.multiplier, table[lower], rtol=DIGITS, atol=0)
    np.testing.assert_allclose(found[1] * table.multiplier, table[upper], rtol=DIGITS, atol=0)


@settings(deadline=None)
@given(
    n=st.floats(0.5, 1e7),
    share=st.floats(0, 1),
    level=st.sampled_from([0.5, 0.8, 0.95, 0.998]),
)
def test_limits_are_where_the_score_test_begins_to_reject(n, share, level):
    x = min(n, n * share)
    z = NormalDist().inv_cdf((1 + level) / 2)
    lower, upper = rr.wilson(x, n, level)
    assert 0 <= lower <= upper <= 1
    assert lower == pytest.approx(wilson_root(x, n, z, above=False), abs=1e-12)
    assert upper == pytest.approx(wilson_root(x, n, z, above=True), abs=1e-12)


@settings(deadline=None)
@given(n=st.integers(1, 10**9))
def test_nobody_and_everybody_have_an_exact_end(n):
    assert rr.wilson(0, n)[0] == 0
    assert rr.wilson(n, n)[1] == 1


def test_n_zero_is_null_and_no_warning():
    lower, upper = rr.wilson([0, 3], [0, 10])
    assert np.isnan([lower[0], upper[0]]).all()
    assert not np.isnan([lower[1], upper[1]]).any()
    assert math.isnan(rr.wilson(0, 0)[0])


def test_shapes():
    lower, upper = rr.wilson(3, 10)
    assert type(lower) is float
    assert type(upper) is float
    lower, _ = rr.wilson(np.array([[1], [2]]), np.array([10, 20, 30]))
    assert lower.shape == (2, 3)
    assert lower[1, 2] == rr.wilson(2, 30)[0]
    assert rr.wilson(pd.Series([1, 2]), 10)[1].shape == (2,)
    assert rr.wilson([], [])[0].shape == (0,)


@pytest.mark.parametrize(
    ("x", "n", "said"),
    [
        ([1, 11], [10, 10], "x, row 1: 11 is above n"),
        ([1, -1], [10, 10], "x, row 1: -1 is negative"),
        (0, -2, "n: -2 is negative"),
        ([math.nan], [10], "x, row 0: nan is not a finite number"),
        ([1], [math.inf], "n, row 0: inf is not a finite number"),
        (["one"], [10], "x must hold numbers"),
        (pd.array([1, None], dtype="Int64"), [10, 10], "x, row 1: nan is not a finite number"),
    ],
)
def test_counts_that_are_refused(x, n, said):
    with pytest.raises(rr.DataError) as caught:
        rr.wilson(x, n)
    assert str(caught.value) == said


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, math.nan, "high", None])
def test_levels_that_are_refused(level):
    with pytest.raises(rr.RuleError, match="a confidence level lies between 0 and 1"):
        rr.wilson(1, 10, level)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(rr.RuleError, match=r"x has shape \(2,\) and n has shape \(3,\)"):
        rr.wilson([1, 2], [3, 4, 5])
