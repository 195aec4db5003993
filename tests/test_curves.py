"""`rr.curve`: R's answers, Kaplan-Meier as its definition reads, and what is refused."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rereferral as rr
from rereferral.curves import curve_table
from rereferral.groups import Groups
from shared_data import exact_csv, shared
from stats_reference import kaplan_meier, loglog

Z = NormalDist().inv_cdf(0.975)
COLUMNS = ["day", "at_risk", "events", "censored", "risk", "std_error", "lower", "upper"]
TOLERANCE = 1e-10


def statistics(file: str) -> pd.DataFrame:
    return exact_csv(shared("statistics", file))


def compare_with_r(found: pd.DataFrame, r: pd.DataFrame) -> None:
    assert found.day.tolist() == r.time.tolist()
    assert found.at_risk.tolist() == r.n_risk.tolist()
    assert found.events.tolist() == r.n_event.tolist()
    assert found.censored.tolist() == r.n_censor.tolist()
    np.testing.assert_allclose(found.risk, 1 - r.surv, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(found.std_error, r.std_err, rtol=0, atol=TOLERANCE)


# ---------------------------------------------------------------- R survival


@pytest.mark.parametrize("kind", ["loglog", "log", "plain"])
def test_rossi(kind):
    rossi = statistics("rossi.csv")
    r = statistics(f"km_rossi_{kind}.csv")
    found = rr.curve(rossi.week, rossi.arrest)
    assert list(found.columns) == COLUMNS
    assert found.iloc[0].tolist() == [0, 432, 0, 0, 0, 0, 0, 0]
    compare_with_r(found.iloc[1:], r)
    if kind == "loglog":
        np.testing.assert_allclose(found.lower[1:], 1 - r.upper, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(found.upper[1:], 1 - r.lower, rtol=0, atol=TOLERANCE)
    last = found.iloc[-1]
    assert round(1 - last.risk, 6) == 0.736111
    assert round(last.std_error, 7) == 0.0212051


def test_rossi_by_group():
    rossi = statistics("rossi.csv")
    r = statistics("km_rossi_by_fin.csv")
    found = rr.curve(rossi.week, rossi.arrest, by=rossi.fin)
    assert list(found.columns) == ["fin", *COLUMNS]
    assert found.fin.unique().tolist() == ["no", "yes"]
    for fin, table in found.groupby("fin"):
        assert table.day.iloc[0] == 0
        compare_with_r(table.iloc[1:], r[r.strata == f"fin={fin}"])


# ---------------------------------------------------------------- the definition

ROWS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2, 3, 5, 8, 365, 366, 40_000]), st.booleans(), st.integers(0, 3)
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(ROWS)
def test_the_definition(rows):
    found = rr.curve(
        np.array([day for day, _, _ in rows], np.int64),
        np.array([event for _, event, _ in rows], np.bool_),
        by=np.array([group for _, _, group in rows], np.int64),
    )
    at = 0
    for group in sorted({group for _, _, group in rows}):
        mine = [(day, event) for day, event, other in rows if other == group]
        for day, at_risk, events, censored, risk, greenwood in kaplan_meier(mine):
            line = found.iloc[at]
            at += 1
            assert line.tolist()[:5] == [group, day, at_risk, events, censored]
            assert line.risk == pytest.approx(float(risk), abs=1e-14)
            error = math.nan if greenwood is None else float(1 - risk) * math.sqrt(greenwood)
            assert line.std_error == pytest.approx(error, abs=1e-14, nan_ok=True)
            lower, upper = loglog(risk, greenwood, Z)
            assert line.lower == pytest.approx(lower, abs=1e-12, nan_ok=True)
            assert line.upper == pytest.approx(upper, abs=1e-12, nan_ok=True)
    assert at == len(found)


@settings(deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_bit(rows, random):
    def run(given):
        day, event, group = zip(*given, strict=True) if given else ([], [], [])
        table = rr.curve(
            np.array(day, np.int64), np.array(event, np.bool_), by=np.array(group, int)
        )
        return [table[name].to_numpy().tobytes() for name in table.columns]

    shuffled = random.sample(rows, len(rows))
    assert run(rows) == run(shuffled)


@settings(deadline=None)
@given(ROWS)
def test_groups_add_up_to_the_whole(rows):
    day, event, group = np.array([*rows, (7, False, 0)], np.int64).T
    parts = rr.curve(day, event, by=group).groupby("day")[["events", "censored"]].sum()
    whole = rr.curve(day, event).set_index("day")[["events", "censored"]]
    pd.testing.assert_frame_equal(parts, whole)


@settings(deadline=None)
@given(days=st.lists(st.integers(0, 400), min_size=1, max_size=80), end=st.integers(400, 500))
def test_without_censoring_before_the_end_the_risk_is_the_quotient_itself(days, end):
    n = len(days) + 7
    found = rr.curve([*days, *[end + 1] * 7], [1] * len(days) + [0] * 7)
    for line in found.itertuples():
        assert line.risk == sum(day <= line.day for day in days) / n


def test_unused_rows_and_groups_without_rows():
    groups = Groups(np.array([0, 2, 2, 0], np.int32), pd.DataFrame({"area": ["a", "b", "c"]}))
    found = curve_table(
        groups,
        np.array([4, 5, -1, 6]),
        np.array([True, False, True, True]),
        np.array([1, 1, 0, 1]) == 1,
    )
    assert found.area.tolist() == ["a", "a", "a", "b", "c", "c"]
    assert found.day.tolist() == [0, 4, 6, 0, 0, 5]
    assert found.at_risk.tolist() == [2, 2, 1, 0, 1, 1]
    assert found.risk.tolist()[:3] == [0, 0.5, 1]
    assert found.iloc[2][["std_error", "lower", "upper"]].isna().all()
    assert found.iloc[3][["risk", "std_error", "lower", "upper"]].isna().all()
    assert found.iloc[5][["risk", "lower", "upper"]].tolist() == [0, 0, 0]


# ---------------------------------------------------------------- groups


@pytest.mark.parametrize(
    ("by", "names", "groups"),
    [
        (["b", None, "a"], ["by"], [["a"], ["b"], [None]]),
        (np.array([2.0, np.nan, 1.0]), ["by"], [[1.0], [2.0], [None]]),
        ([["b", None, "a"], [1, 1, 1]], ["by", "by_2"], [["a", 1], ["b", 1], [None, 1]]),
        ({"x": [1, 2, 1], "y": ["p", "p", "q"]}, ["x", "y"], [[1, "p"], [1, "q"], [2, "p"]]),
        (pd.DataFrame({"x": [1, 2, 1]}, index=[7, 8, 9]), ["x"], [[1], [2]]),
        (pd.Series([1, 2, 1], name="area", index=[7, 8, 9]), ["area"], [[1], [2]]),
        (
            pd.Series(pd.to_datetime(["2020-01-02", None, "2019-01-02"]), name="start"),
            ["start"],
            [[pd.Timestamp("2019-01-02")], [pd.Timestamp("2020-01-02")], [None]],
        ),
    ],
)
def test_keys(by, names, groups):
    found = rr.curve([1, 2, 3], [True, True, True], by=by)
    assert list(found.columns) == names + COLUMNS
    keys = found.loc[found.day == 0, names]
    rows = [
        [None if pd.isna(value) else value for value in row] for row in keys.to_numpy().tolist()
    ]
    assert rows == groups
    assert found.at_risk[found.day == 0].sum() == 3


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("area", "by='area' names a column; give its values"),
        ([1, 2], "2 values"),
        ({"day": [1, 2, 3]}, "a key is named 'day'"),
        ([], "by names no column"),
        ({}, "by names no column"),
        ([np.array([1, 2, 3]), "event"], "by mixes arrays and single values"),
        (pd.DataFrame([[1, 2], [1, 2], [1, 2]], columns=["x", "x"]), "'x' is given twice"),
        ([1, "a", 2], "row 1: 'a' is text"),
    ],
)
def test_keys_that_are_refused(by, said):
    with pytest.raises(rr.RereferralError, match=said):
        rr.curve([1, 2, 3], [True, True, True], by=by)


# ---------------------------------------------------------------- what is taken, what is refused


@pytest.mark.parametrize(
    "duration",
    [
        [5, 8, 8],
        np.array([5, 8, 8], np.uint8),
        np.array([5, 8, 8], ">i8"),
        np.array([5.0, 8.0, 8.0], np.float32),
        np.array([5, 0, 8, 0, 8, 0])[::2],
        pd.Series([5, 8, 8], dtype="Int16"),
        pd.Series([5, 8, 8], dtype="Float64"),
        pd.Series([5, 8, 8], index=["x", "y", "z"]),
    ],
)
@pytest.mark.parametrize(
    "event",
    [
        [True, False, True],
        [1, 0, 1],
        np.array([1.0, 0.0, 1.0]),
        pd.Series([True, False, True], dtype="boolean"),
    ],
)
def test_kinds(duration, event):
    found = rr.curve(duration, event)
    assert found.day.tolist() == [0, 5, 8]
    assert found.events.tolist() == [0, 1, 1]
    assert found.censored.tolist() == [0, 0, 1]
    assert [str(kind) for kind in found.dtypes] == ["int64"] * 4 + ["float64"] * 4


@pytest.mark.parametrize(
    ("duration", "event", "column", "row", "said"),
    [
        ([1, -2], [1, 0], "duration", 1, "row 1: -2 is negative"),
        ([1, math.nan], [1, 0], "duration", 1, "row 1: the value is missing"),
        ([1, None], [1, 0], "duration", 1, "row 1: the value is missing"),
        (pd.array([1, None], dtype="Int64"), [1, 0], "duration", 1, "row 1: the value is missing"),
        ([None, None], [1, 0], "duration", 0, "row 0: the value is missing"),
        ([1.5, 2], [1, 0], "duration", 0, "row 0: 1.5 is not a whole number of days"),
        ([1, math.inf], [1, 0], "duration", 1, "row 1: inf is too long"),
        ([1, 2**31], [1, 0], "duration", 1, "row 1: 2147483648 is too long"),
        (["1", "2"], [1, 0], "duration", None, "must hold whole days, not text"),
        ([True, False], [1, 0], "duration", None, "must hold whole days, not truth values"),
        ([1, 2], [1, 2], "event", 1, "row 1: 2 is neither 0 nor 1"),
        ([1, 2], [True, None], "event", 1, "row 1: the value is missing"),
        ([1, 2], [math.nan, 1], "event", 0, "row 0: the value is missing"),
        ([1, 2], ["y", "n"], "event", None, "must hold true or false, or 1 or 0, not text"),
    ],
)
def test_values_that_are_refused(duration, event, column, row, said):
    with pytest.raises(rr.DataError) as caught:
        rr.curve(duration, event)
    assert said in str(caught.value)
    assert repr(column) in str(caught.value)
    assert (caught.value.column, caught.value.row) == (column, row)


def test_a_timedelta_says_what_to_do():
    with pytest.raises(rr.DataError, match=r"give days, as in `\.dt\.days`"):
        rr.curve(pd.to_timedelta([1, 2], unit="D"), [1, 0])


def test_lengths_that_differ_are_refused():
    with pytest.raises(rr.DataError, match="'event' has 2 rows, but 'duration' has 3"):
        rr.curve([1, 2, 3], [1, 0])


def test_nobody():
    found = rr.curve([], [])
    assert found[["day", "at_risk", "events", "censored"]].to_numpy().tolist() == [[0, 0, 0, 0]]
    assert found[["risk", "std_error", "lower", "upper"]].isna().all(axis=None)
    assert rr.curve([], [], by=np.zeros(0)).empty


def test_what_is_given_is_read_only_and_stays():
    duration, event, by = np.array([3, 4]), np.array([True, False]), np.array([1, 0])
    for array in (duration, event, by):
        array.flags.writeable = False
    rr.curve(duration, event, by=by)
    assert duration.tolist() == [3, 4]
