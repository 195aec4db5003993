"""Filters: which rows a condition keeps, against a condition told value by value."""

from __future__ import annotations

import datetime as dt
import operator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rereferral.errors import DataError
from rereferral.tables import open_table
from rereferral.text import Text


def column(values: object):
    """A table of one column, `x`."""
    return open_table({"x": values}, "events")


COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def expected_mask(values, condition):
    """A filter, told value by value."""
    if isinstance(condition, tuple):
        compare = COMPARE[condition[0]]
        return [value is not None and bool(compare(value, condition[1])) for value in values]
    among = condition if isinstance(condition, list) else [condition]
    return [value is not None and value in among for value in values]


def conditions(values):
    return st.one_of(
        values, st.lists(values, max_size=20), st.tuples(st.sampled_from(list(COMPARE)), values)
    )


some_numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([127, 128, 255, 256, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**30]),
    st.integers(-(2**65), 2**65),
    st.floats(-4, 4),
    st.floats(allow_nan=False),
    st.booleans(),
)


@settings(deadline=None)
@given(
    st.sampled_from(["i1", "u1", "i4", "i8", "u8", "?"]).flatmap(
        lambda dtype: st.tuples(
            st.just(dtype),
            st.lists(
                st.none() | (st.booleans() if dtype == "?" else st.integers(*bounds_of(dtype)))
            ),
        )
    ),
    conditions(some_numbers),
)
def test_masks_of_whole_numbers_are_exact(typed, condition):
    dtype, values = typed
    plain = np.array([0 if value is None else value for value in values], dtype)
    masked = np.ma.MaskedArray(plain, [value is None for value in values])
    assert column(masked).mask({"x": condition}).tolist() == expected_mask(values, condition)


def bounds_of(dtype):
    bounds = np.iinfo(dtype)
    return int(bounds.min), int(bounds.max)


@settings(deadline=None)
@given(
    st.lists(st.none() | st.floats(allow_nan=False) | st.sampled_from([2.0**53, 2.0**64])),
    conditions(some_numbers),
)
def test_masks_of_doubles(values, condition):
    doubles = np.array([np.nan if value is None else value for value in values], float)
    assert column(doubles).mask({"x": condition}).tolist() == expected_mask(values, condition)


@settings(deadline=None)
# Without NUL: to a categorical of pandas "" and "\0" are one value.
@given(
    st.lists(
        st.none()
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3)
    ),
    conditions(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3)
    ),
)
def test_masks_of_text_plain_and_in_categories(values, condition):
    expected = expected_mask(values, condition)
    assert column(values).mask({"x": condition}).tolist() == expected
    assert column(pd.Categorical(values)).mask({"x": condition}).tolist() == expected


@settings(deadline=None)
@given(st.lists(st.none() | st.dates()), conditions(st.dates()))
def test_masks_of_dates_given_as_dates_and_as_text(values, condition):
    expected = expected_mask(values, condition)
    table = column(np.array(values, "M8[D]").astype("M8[s]"))
    assert table.mask({"x": condition}).tolist() == expected
    if isinstance(condition, tuple):
        written = (condition[0], f"{condition[1]:%Y-%m-%d}".rjust(10, "0"))
    elif isinstance(condition, list):
        written = [np.datetime64(date) for date in condition]
    else:
        written = dt.datetime(condition.year, condition.month, condition.day)
    assert table.mask({"x": written}).tolist() == expected


def test_several_columns_must_all_hold_and_none_keeps_every_row():
    table = open_table({"a": [1, 2, 3], "b": ["x", "y", "y"]}, "index")
    assert table.mask({"a": ("<", 3), "b": "y"}).tolist() == [False, True, False]
    assert table.mask({}).tolist() == [True, True, True]
    assert table.mask({"b": []}).tolist() == [False, False, False]


def test_an_ordered_category_is_compared_in_its_own_order():
    values = pd.Categorical(["low", "high", None, "mid"], ["low", "mid", "high"], ordered=True)
    table = column(values)
    assert table.mask({"x": (">=", "mid")}).tolist() == [False, True, False, True]
    assert table.mask({"x": ("!=", "mid")}).tolist() == [True, True, False, False]
    with pytest.raises(DataError, match="'none' is none of the ordered categories"):
        table.mask({"x": ("<", "none")})


@pytest.mark.parametrize(
    "among",
    [
        ["a", "b"],
        {"a", "b"},
        frozenset(["a", "b"]),
        np.array(["a", "b"]),
        pd.Series(["a", "b"]),
        pd.Index(["a", "b"]),
        pd.array(["a", "b"]),
        Text.from_any(["a", "b"]),
    ],
)
def test_values_may_be_given_in_any_container(among):
    assert column(["a", "c", "b", None]).mask({"x": among}).tolist() == [True, False, True, False]


def test_many_whole_numbers_are_found():
    values = np.arange(-50, 50)
    assert column(values).mask({"x": range(-10, 10)}).sum() == 20
    assert column(values.astype("u8")).mask({"x": list(range(40))}).sum() == 40
    assert column(values).mask({"x": [*range(40), 0.5, 1e300]}).sum() == 40


def test_a_column_of_nulls_can_be_compared_with_anything():
    for condition in ("a", 1, dt.date(2020, 1, 1), ("<", 2), [1.5]):
        assert column([None, None]).mask({"x": condition}).tolist() == [False, False]


@pytest.mark.parametrize(
    ("values", "condition", "said"),
    [
        (["a"], 1, r"1 \(int\) cannot be compared with text"),
        (["a"], ["a", 1], "cannot be compared with text"),
        (["a"], ("<", 1), "cannot be compared with text"),
        ([1], "a", r"'a' \(str\) cannot be compared with whole numbers"),
        ([1.5], dt.date(2020, 1, 1), "cannot be compared with numbers"),
        ([True], "yes", "cannot be compared with truth values"),
        (pd.Categorical(["a"]), 1, "cannot be compared with text"),
        ([dt.date(2020, 1, 1)], 5, "cannot be compared with dates"),
        ([dt.date(2020, 1, 1)], "1 Jan 2020", "is not a date; write it as 2019-04-01"),
        ([dt.date(2020, 1, 1)], "2019-02-29", "no day of the calendar"),
        ([dt.date(2020, 1, 1)], ["2019-02-28", "20190301"], "is not a date"),
        ([dt.date(2020, 1, 1)], dt.datetime(2020, 1, 1, 8), "time of day"),
        ([dt.date(2020, 1, 1)], np.datetime64("2020-01-01T08"), "time of day"),
        (["a"], None, "null cannot be asked for"),
        (["a"], ["a", np.nan], "null cannot be asked for"),
        ([dt.date(2020, 1, 1)], np.datetime64("NaT"), "null cannot be asked for"),
        (["a"], ("<", pd.NA), "null cannot be asked for"),
        (["a"], ("~", "a"), "is not .operator, value."),
        (["a"], ("a", "b", "c"), "several values as a list"),
        (["a"], ("<", ["a"]), "compares with several values; give one"),
    ],
)
def test_filters_that_make_no_sense_are_refused(values, condition, said):
    with pytest.raises(DataError, match=f"events: column 'x': .*{said}"):
        column(values).mask({"x": condition})


def test_a_filter_is_a_mapping_of_known_columns():
    with pytest.raises(DataError, match="a filter of events must be a mapping"):
        column([1]).mask(["x"])
    with pytest.raises(DataError, match="events has no column 'y'"):
        column([1]).mask({"y": 1})
