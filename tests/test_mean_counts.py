"""`rr.mean_count`: worked by hand, as its definition reads, and what is refused."""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rereferral as rr
from rereferral.curves import curve_table
from rereferral.groups import Groups
from rereferral.mean_counts import mean_count_table
from stats_reference import jackknife, mean_counts

Z = NormalDist().inv_cdf(0.975)
COLUMNS = [
    *("day", "at_risk", "events", "terminal", "censored"),
    *("mean", "std_error", "lower", "upper"),
]

# (duration, ended, days of events of which those after the end do not count, cluster)
ROWS = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.booleans(),
        st.frozensets(st.integers(0, 9), max_size=3),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=10,
)


def histories(rows):
    return [
        (last, ended, frozenset(day for day in days if day <= last))
        for last, ended, days, _ in rows
    ]


def events_of(rows):
    """The row and the day of each event."""
    pairs = [(i, day) for i, (_, _, days) in enumerate(histories(rows)) for day in sorted(days)]
    return np.array(pairs, np.int64).reshape(-1, 2).T


def run(rows, **options):
    return rr.mean_count(
        [row[0] for row in rows], *events_of(rows), terminal=[row[1] for row in rows], **options
    )


# ---------------------------------------------------------------- by hand


def test_nelson_and_aalen_by_hand():
    found = rr.mean_count([10, 6, 3], [1, 0, 0], [5, 5, 2])
    assert list(found.columns) == COLUMNS
    assert found.day.tolist() == [0, 2, 3, 5, 6, 10]
    assert found.at_risk.tolist() == [3, 3, 3, 2, 2, 1]
    assert found.events.tolist() == [0, 1, 0, 2, 0, 0]
    assert found.terminal.tolist() == [0] * 6
    assert found.censored.tolist() == [0, 0, 1, 0, 1, 1]
    mean = [0, 1 / 3, 1 / 3, 4 / 3, 4 / 3, 4 / 3]
    assert found["mean"].tolist() == pytest.approx(mean, abs=1e-15)
    # Lawless and Nadeau: row 0 gives (1 - 1/3)/3 on day 2 and (1 - 1)/2 on day 5, row 1
    # -1/3/3 and (1 - 1)/2, row 2 -1/3/3; the squares add up to 6/81 on both days.
    error = math.sqrt(6) / 9
    assert found.std_error.tolist() == pytest.approx([0, *[error] * 5], abs=1e-15)
    assert found.upper.tolist()[:2] == pytest.approx([0, math.exp(Z * error * 3) / 3])
    assert found.lower.tolist()[:2] == pytest.approx([0, math.exp(-Z * error * 3) / 3])


def test_ghosh_and_lin_by_hand():
    """Four rows; one dies on day 3 and one is lost on day 4 before the second event of another."""
    found = rr.mean_count([9, 3, 4, 9], [0, 1, 0, 3], [1, 2, 6, 6], terminal=[0, 1, 0, 0])
    found = found.set_index("day")
    assert found["mean"].to_dict() == pytest.approx(
        {0: 0, 1: 1 / 4, 2: 1 / 2, 3: 1 / 2, 4: 1 / 2, 6: 1 / 2 + 3 / 4 * 1, 9: 5 / 4}
    )
    assert found.terminal.to_dict() == {0: 0, 1: 0, 2: 0, 3: 1, 4: 0, 6: 0, 9: 0}
    assert found.at_risk.to_dict() == {0: 4, 1: 4, 2: 4, 3: 4, 4: 3, 6: 2, 9: 2}
    # On day 6 each event adds S / Y = 3/8. By row the influences are: of the events, on days 1 and
    # 2, -1/16 each and 1/4 for one's own; on day 6, where both at risk have one, 3/8 * (1 - 1) = 0;
    # of the death, which moves the 3/4 of day 6: +3/4 / 12 for those who lived, -3/4 / 4 for row 1.
    deaths = [3 / 48, -3 / 16, 3 / 48, 3 / 48]
    events = [1 / 4 - 2 / 16, 1 / 4 - 2 / 16, -2 / 16, -2 / 16]
    error = math.sqrt(sum((a + b) ** 2 for a, b in zip(deaths, events, strict=True)))
    assert found.std_error[6] == pytest.approx(error, rel=1e-14)


# ---------------------------------------------------------------- the definition


@settings(max_examples=200, deadline=None)
@given(ROWS, st.booleans())
def test_the_definition(rows, by_cluster):
    clusters = [row[3] for row in rows] if by_cluster else range(len(rows))
    found = run(rows, cluster=list(clusters) if by_cluster else None)
    plain = histories(rows)
    expected = mean_counts(plain, [1] * len(rows))
    errors = jackknife(lambda weights: mean_counts(plain, weights), clusters)
    assert found.day.tolist() == sorted(expected)
    for line in found.itertuples():
        assert line.at_risk == sum(last >= line.day for last, _, _ in plain)
        assert line.events == sum(line.day in days for _, _, days in plain)
        assert line.terminal == sum(ended and last == line.day for last, ended, _ in plain)
        assert line.censored == sum(not ended and last == line.day for last, ended, _ in plain)
        mean = float(expected[line.day])
        assert line.mean == pytest.approx(mean, abs=1e-13)
        if len(set(clusters)) == 1:
            assert math.isnan(line.std_error)
        else:
            variance = errors[line.day] ** 2
            assert line.std_error**2 == pytest.approx(variance, rel=1e-10, abs=1e-14)
        if mean == 0:
            assert (line.lower, line.upper) == (0, 0)
        elif len(set(clusters)) > 1:
            assert line.upper / line.mean == pytest.approx(math.exp(Z * line.std_error / mean))
            assert line.mean / line.lower == pytest.approx(math.exp(Z * line.std_error / mean))


@settings(deadline=None)
@given(ROWS.filter(lambda rows: len(rows) > 1))
def test_without_censoring_it_is_the_mean_of_the_counts(rows):
    n = len(rows)
    rows = [(last if ended else 9, ended, days, row) for last, ended, days, row in rows]
    for line in run(rows).itertuples():
        counts = [sum(day <= line.day for day in days) for _, _, days in histories(rows)]
        assert line.mean == sum(counts) / n
        spread = sum((count - Fraction(sum(counts), n)) ** 2 for count in counts)
        assert line.std_error**2 == pytest.approx(float(spread / n**2), rel=1e-10, abs=1e-15)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=2, max_size=40))
def test_where_the_first_event_ends_a_row_it_is_aalen_johansen(rows):
    day, cause = np.array(rows).T
    once = rr.mean_count(day, np.flatnonzero(cause == 1), day[cause == 1], terminal=cause > 0)
    risk = curve_table(None, day, cause.astype(np.int8), cause_names=["event", "exit"])
    risk = risk[risk.cause == "event"].reset_index(drop=True)
    assert once.day.tolist() == risk.day.tolist()
    assert once.events.tolist() == risk.events.tolist()
    known = risk.std_error.notna()
    np.testing.assert_allclose(once["mean"], risk.risk, rtol=0, atol=1e-14)
    np.testing.assert_allclose(
        once.std_error[known] ** 2, risk.std_error[known] ** 2, rtol=1e-10, atol=1e-15
    )


@settings(deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_events_changes_no_bit(rows, random):
    shuffled = random.sample(rows, len(rows))
    row, day = events_of(shuffled)
    order = random.sample(range(len(row)), len(row))
    found = rr.mean_count(
        [row[0] for row in shuffled],
        row[order],
        day[order],
        terminal=[row[1] for row in shuffled],
        cluster=[row[3] for row in shuffled],
    )
    pd.testing.assert_frame_equal(found, run(rows, cluster=[r[3] for r in rows]), check_exact=True)


def test_groups_and_unused_rows():
    groups = Groups(np.array([2, 0, 2, 0], np.int32), pd.DataFrame({"area": ["a", "b", "c"]}))
    found = mean_count_table(
        groups,
        np.array([9, 5, 7, -3]),
        np.array([False, True, False, True]),
        np.array([0, 2, 2, 3, 4]),
        np.array([1, 1, 7, 99]),
        np.array([True, True, True, False]),
    )
    assert found.area.tolist() == ["a", "a", "b", "c", "c", "c", "c"]
    assert found.day.tolist() == [0, 5, 0, 0, 1, 7, 9]
    assert found.events.tolist() == [0, 0, 0, 0, 1, 1, 0]  # two on day 1 of one row are one
    assert found["mean"].tolist()[3:] == [0, 0.5, 1, 1]
    assert found["mean"].isna().tolist() == [False, False, True, *[False] * 4]
    assert found.terminal.sum() == 1


# ---------------------------------------------------------------- what is taken, what is refused


def test_nobody_and_nothing():
    assert rr.mean_count([], [], [])[["day", "at_risk", "events"]].values.tolist() == [[0, 0, 0]]
    found = rr.mean_count([3, 4], [], [], by=["x", "y"])
    assert found.by.tolist() == ["x", "x", "y", "y"]
    assert found["mean"].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("row", "day", "column", "place", "said"),
    [
        ([0, 2], [1, 1], "row", 1, "row 1: there is no row 2"),
        ([0, -1], [1, 1], "row", 1, "row 1: -1 is negative"),
        ([0, 1], [1, 9], "day", 1, "row 1: 9 is after the end of row 1"),
        ([0, 1], [-1, 2], "day", 0, "row 0: -1 is negative"),
        ([0, None], [1, 1], "row", 1, "row 1: the value is missing"),
        ([0, 0.5], [1, 1], "row", 1, "row 1: 0.5 is not a whole number of rows"),
        ([0, 1], [1.5, 1], "day", 0, "row 0: 1.5 is not a whole number of days"),
    ],
)
def test_events_that_are_refused(row, day, column, place, said):
    with pytest.raises(rr.DataError) as caught:
        rr.mean_count([5, 5], row, day)
    assert said in str(caught.value)
    assert (caught.value.column, caught.value.row) == (column, place)


def test_days_that_fall_are_refused():
    none = np.zeros(1, np.bool_)
    with pytest.raises(rr.DataError, match="the days of a row must not fall"):
        mean_count_table(None, np.array([9]), none, np.array([0, 2]), np.array([3, 2]))
    with pytest.raises(rr.DataError, match="an event comes after the end of its row"):
        mean_count_table(None, np.array([9]), none, np.array([0, 1]), np.array([10]))


def test_a_name_that_is_a_column_is_refused():
    with pytest.raises(rr.RuleError, match="a key is named 'terminal'"):
        rr.mean_count([1], [0], [1], by={"terminal": ["x"]})
