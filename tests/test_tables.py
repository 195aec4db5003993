"""Tables in: every kind of column a caller may hold, brought to days, keys, masks and groups."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rereferral import _core
from rereferral.errors import DataError
from rereferral.tables import Category, Integers, open_table
from rereferral.text import Text

NULL_DAY = np.iinfo(np.int64).min
EPOCH = dt.date(1970, 1, 1)


def column(values: object):
    """A table of one column, `x`."""
    return open_table({"x": values}, "events")


def values_of(key) -> list:
    """A key as a list of Python values."""
    if isinstance(key, Category):
        key = key.decode()
    if isinstance(key, Text):
        return list(key)
    numbers = key.values.view(np.uint64) if key.unsigned_high else key.values
    return [None if null else v for v, null in zip(numbers.tolist(), key.is_null(), strict=True)]


# ---------------------------------------------------------------- opening


def test_a_frame_keeps_its_names_rows_and_labels():
    frame = pd.DataFrame({"b": [1, 2], "a": ["x", "y"]}, index=["one", "two"])
    table = open_table(frame, "index")
    assert (table.names, table.n_rows, table.role) == (["b", "a"], 2, "index")
    assert table.has("a")
    assert not table.has("c")
    assert not table.has(["a"])
    assert list(table.labels) == ["one", "two"]
    assert open_table({"a": [1]}, "index").labels is None


def test_a_table_opened_again_shares_its_columns_under_the_new_role():
    frame = pd.DataFrame({"a": [1, 2]})
    index = open_table(frame, "index")
    events = open_table(index, "events")
    assert events.same(index)
    assert events.key("a") is index.key("a")
    with pytest.raises(DataError, match="events has no column 'b'"):
        events.key("b")
    assert not open_table(frame.copy(), "events").same(index)


@pytest.mark.parametrize("given_", [None, 1, "episodes.csv", [1, 2], np.zeros(3), pd.Series([1])])
def test_what_is_not_a_table_is_refused(given_):
    with pytest.raises(DataError, match=r"^index.*(must be|not a table)"):
        open_table(given_, "index")


def test_an_empty_table():
    table = open_table({}, "index")
    assert (table.n_rows, table.names) == (0, [])
    empty = open_table(pd.DataFrame({"d": pd.to_datetime([]), "t": []}), "index")
    assert empty.days("d").tolist() == []
    assert empty.mask({"d": "2020-01-01", "t": [1.5]}).tolist() == []
    assert empty.groups(["d", "t"]).n_groups == 0


def test_an_unknown_column_is_named_with_what_is_like_it():
    table = open_table(pd.DataFrame({"closure_date": [1], "referral_date": [2]}), "events")
    with pytest.raises(
        DataError, match="events has no column 'closur_date'; did you mean 'clo"
    ) as e:
        table.days("closur_date")
    assert e.value.column == "closur_date"
    with pytest.raises(DataError, match="it has 'closure_date', 'referral_date'"):
        table.key("zzz")


def test_columns_of_different_length_are_refused():
    with pytest.raises(DataError, match="index: the column 'b' has 3 rows, but 'a' has 2"):
        open_table({"a": [1, 2], "b": [1, 2, 3]}, "index")
    frame = pd.DataFrame({"a": [1, 2]})
    with pytest.raises(DataError, match="the column 'b' has 3 rows, but the table has 2"):
        open_table(frame, "index").with_columns({"b": [1, 2, 3]})


def test_a_name_that_appears_twice_is_refused():
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(DataError, match="index: the column 'a' appears twice"):
        open_table(frame, "index")


@pytest.mark.parametrize("values", [3, "abc", None, object()])
def test_what_is_not_a_column_is_refused(values):
    with pytest.raises(DataError, match="events: the column 'x' must be an array"):
        column(values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((2, 2)), "one dimension, not 2"),
        (pd.DataFrame({"a": [1], "b": [2]}), "column"),
        (np.zeros(2, complex), "dtype complex128"),
        (np.zeros(2, "m8[s]"), "dtype timedelta64"),
        (pd.Series(pd.to_timedelta([1])), "dtype timedelta64"),
        (pd.Series(pd.period_range("2020", periods=2, freq="M")), "periods"),
        (pd.Series(pd.interval_range(0, 2)), "interval"),
        ([1j], r"1j \(complex\) is neither"),
        ([None, decimal.Decimal(1)], r"Decimal\('1'\) \(Decimal\) is neither"),
        ([b"a"], r"b'a' \(bytes\) is neither"),
        ([np.timedelta64(1, "D")], r"\(timedelta64\) is neither"),
        ([[1], [2]], r"\[1\] \(list\) is neither"),
    ],
)
def test_columns_of_other_kinds_are_refused(values, said):
    table = column(values)
    for read in (table.key, table.days, table.groups, lambda name: table.mask({name: 1})):
        with pytest.raises(DataError, match=f"(?s)events: column 'x'.*{said}"):
            read("x")


def test_nothing_is_mutated_and_what_is_lent_cannot_be_written_to():
    frame = pd.DataFrame(
        {
            "i": np.array([3, 1, 2]),
            "u": np.array([3, 1, 2**63], np.uint64),
            "f": [1.0, np.nan, 2.0],
            "d": np.array(["2020-01-01", "NaT", "2020-01-03"], "M8[s]"),
            "t": np.array(["a", None, " "], object),
            "c": pd.Categorical(["a", None, "b"]),
        }
    )
    before = frame.copy(deep=True)
    table = open_table(frame, "index")
    for name in frame:
        table.key(name)
        table.groups(name)
    days = table.days("d")
    table.mask({"t": "a", "i": (">", 1), "d": ("<", "2020-01-03"), "c": "a", "f": [1]})
    pd.testing.assert_frame_equal(frame, before)
    for array in (days, table.days("i"), table.key("i").values, table.key("u").values):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_columns_are_borrowed_where_they_can_be():
    numbers = np.arange(5)
    dates = np.arange(5).astype("M8[D]")
    table = open_table({"n": numbers, "d": dates}, "index")
    assert np.shares_memory(table.key("n").values, numbers)
    assert np.shares_memory(table.days("n"), numbers)
    assert np.shares_memory(table.days("d"), dates)
    assert np.shares_memory(table.key("d").values, dates)


# ---------------------------------------------------------------- days

DATES = [dt.date(2020, 2, 29), None, dt.date(1969, 12, 31), dt.date(1, 1, 1), dt.date(9999, 12, 31)]
DAYS = [NULL_DAY if date is None else (date - EPOCH).days for date in DATES]
# Within the years that nanoseconds reach.
NEAR = [dt.date(2020, 2, 29), None, dt.date(1969, 12, 31)]


def numpy_dates(dates, unit):
    return np.array(dates, "M8[D]").astype(f"M8[{unit}]")


@pytest.mark.parametrize("unit", ["D", "h", "m", "s", "ms", "us", "ns", "2D", "12h", "5m", "500ms"])
def test_days_of_datetime64_of_every_unit(unit):
    dates, days = (NEAR, DAYS[:3]) if unit == "ns" else (DATES, DAYS)
    if unit == "2D":
        dates, days = [None, dt.date(1970, 1, 3)], [NULL_DAY, 2]
    array = numpy_dates(dates, unit)
    foreign = array.astype(array.dtype.newbyteorder())
    for values in (array, foreign, np.repeat(array, 2)[::2], np.flip(np.flip(array).copy())):
        assert column(values).days("x").tolist() == days
    locked = array.copy()
    locked.flags.writeable = False
    assert column(locked).days("x").tolist() == days


@pytest.mark.parametrize(
    ("values", "days"),
    [
        (np.array(["2020", "NaT", "1969"], "M8[Y]"), [18262, NULL_DAY, -365]),
        (np.array(["2020-02", "1969-12"], "M8[M]"), [18293, -31]),
        (np.array([1, -1, NULL_DAY]).view("M8[W]"), [7, -7, NULL_DAY]),
        (np.array([0, NULL_DAY]).view("M8[ps]"), [0, NULL_DAY]),
        (np.array([0, NULL_DAY]).view("M8[fs]"), [0, NULL_DAY]),
        (np.array([0, NULL_DAY]).view("M8[as]"), [0, NULL_DAY]),
        (np.array(["NaT"], "M8"), [NULL_DAY]),
        (np.ma.MaskedArray(np.array([1, 2], "M8[D]"), [True, False]), [NULL_DAY, 2]),
    ],
)
def test_days_of_coarse_and_fine_units(values, days):
    assert column(values).days("x").tolist() == days


def holders_of_dates():
    yield "list", DATES
    yield "objects", np.array(DATES, object)
    yield "series of objects", pd.Series(DATES, dtype=object)
    yield "NaT among objects", np.array([pd.NaT if d is None else d for d in DATES], object)
    yield "datetimes", [d and dt.datetime(d.year, d.month, d.day) for d in DATES]
    yield "datetime64 scalars", [np.datetime64("NaT" if d is None else d, "D") for d in DATES]
    for unit in ("s", "ms", "us"):
        yield f"series of {unit}", pd.Series(numpy_dates(DATES, unit))
    yield "categories", pd.Series(pd.Categorical(pd.Series(numpy_dates(DATES, "s"))))
    yield (
        "arrow dates",
        pd.Series(DATES, dtype=pd.ArrowDtype(pytest.importorskip("pyarrow").date32())),
    )
    yield "days", [None if d is None else (d - EPOCH).days for d in DATES]
    yield (
        "Int64",
        pd.Series([None if d is None else (d - EPOCH).days for d in DATES], dtype="Int64"),
    )
    yield "Index", pd.Index(numpy_dates(DATES, "s"))


@pytest.mark.parametrize("values", [pytest.param(v, id=k) for k, v in holders_of_dates()])
def test_days_of_every_container_of_dates(values):
    table = column(values)
    assert table.days("x").dtype == np.int64
    assert table.days("x").tolist() == DAYS
    assert values_of(table.key("x")) == [None if d == NULL_DAY else d for d in DAYS]


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i4", ">u8"])
def test_whole_numbers_are_days_since_1970(dtype):
    values = np.array([0, 1, 100], dtype)
    assert column(values).days("x").tolist() == [0, 1, 100]
    masked = np.ma.MaskedArray(values, [False, True, False])
    assert column(masked).days("x").tolist() == [0, NULL_DAY, 100]


@pytest.mark.parametrize(
    "values",
    [[None, None], [np.nan, np.nan], np.full(2, np.nan), [pd.NaT, None], pd.Series([None, None])],
)
def test_a_column_of_nulls_is_one_of_null_days(values):
    assert column(values).days("x").tolist() == [NULL_DAY, NULL_DAY]


LAST = 10_000_000


@pytest.mark.parametrize(
    ("values", "row", "value", "said"),
    [
        (
            np.array(["2020-01-01", "2020-01-02T13:30"], "M8[m]"),
            1,
            "2020-01-02T13:30",
            "time of day",
        ),
        (np.array([0, -1]).view("M8[ns]"), 1, "1969-12-31T23:59", "time of day"),
        (np.array([0, 1]).view("M8[as]"), 1, "1970-01-01T00:00:00.0", "time of day"),
        (pd.to_datetime(pd.Series(["2020-01-01 00:00:01"])), 0, "2020-01-01T00:00:01", "floor"),
        (
            [dt.date(2020, 1, 1), dt.datetime(2020, 1, 2, 1)],
            1,
            "2020-01-02 01:00:00",
            "time of day",
        ),
        ([pd.Timestamp(1)], 0, "1970-01-01 00:00:00.000000001", "time of day"),
        ([dt.datetime(2020, 1, 2, tzinfo=dt.UTC)], 0, "2020-01-02 00:00:00+00:00", "time zone"),
        (
            pd.Series(["2020-06-01"]).astype("M8[s]").dt.tz_localize("Europe/London"),
            0,
            "2020",
            "zone",
        ),
        ([LAST, LAST + 1], 1, str(LAST + 1), "out of range"),
        ([17_000, 20190131], 1, "20190131", "if it is yyyymmdd, use pandas.to_datetime"),
        (np.array([20190131], np.int32), 0, "20190131", "if it is yyyymmdd"),
        ([-LAST, -LAST - 1], 1, str(-LAST - 1), "out of range"),
        (np.array([0, 2**64 - 1], np.uint64), 1, str(2**64 - 1), "out of range"),
        (np.array([LAST, LAST + 1], "M8[D]"), 1, "29349-", "out of range"),
        (np.array([LAST // 7 + 1], "M8[W]"), 0, "29349-", "out of range"),
        (np.array([2**62], "M8[4s]"), 0, str(2**62), "out of range"),
        (np.array([2**62], "M8[Y]"), 0, str(2**62), "out of range"),
        (np.array([np.nan, 18262.0]), 1, "18262.0", "is not a date: the column holds numbers"),
        ([True], 0, "True", "is not a date: the column holds truth values"),
        (
            [None, "2020-01-01"],
            1,
            "2020-01-01",
            "'2020-01-01' is text, not a date; use pandas.to_d",
        ),
        (pd.Categorical(["2020-01-01"]), 0, "2020-01-01", "is text, not a date"),
        ([dt.date(2020, 1, 1), "2020-01-02"], 1, "2020-01-02", "is text, but row 0 holds a date"),
        ([dt.date(2020, 1, 1), 18262], 1, "18262", "is a whole number, but row 0 holds a date"),
    ],
)
def test_what_is_no_day_is_refused_with_column_row_and_value(values, row, value, said):
    with pytest.raises(DataError, match=rf"events: column 'x', row {row}: .*{said}") as caught:
        column(values).days("x")
    error = caught.value
    assert (error.row, error.column) == (row, "x")
    assert error.value.startswith(value)
    assert value in str(error)


def test_a_refused_category_names_the_row_that_holds_it():
    stamps = pd.Index(np.array(["2020-01-01T12", "2020-01-01T00"], "M8[s]"))
    values = pd.Categorical.from_codes([-1, 1, 0, 0], categories=stamps)
    with pytest.raises(DataError, match=r"row 2: .*time of day"):
        column(values).days("x")


@settings(deadline=None)
@given(st.lists(st.none() | st.dates()), st.sampled_from(["D", "h", "m", "s", "ms", "us"]))
def test_days_are_those_of_the_calendar(dates, unit):
    expected = [NULL_DAY if date is None else (date - EPOCH).days for date in dates]
    assert column(numpy_dates(dates, unit)).days("x").tolist() == expected
    assert column(dates).days("x").tolist() == expected


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize("code", "bBhHiIlLqQ")
@pytest.mark.parametrize("order", "<>")
def test_whole_numbers_of_every_width_are_integers(code, order):
    dtype = np.dtype(code).newbyteorder(order)
    bounds = np.iinfo(dtype)
    values = [bounds.min, 0, bounds.max]
    array = np.array(values, dtype)
    for holder in (
        array,
        np.repeat(array, 3)[::3],
        pd.Series(array),
        pd.array(array.astype(dtype.newbyteorder("="))),
    ):
        key = column(holder).key("x")
        assert isinstance(key, Integers)
        as_it_is = array.dtype.kind == "i" and array.dtype.itemsize == 4
        assert key.values.dtype == (np.int32 if as_it_is else np.int64)
        assert key.values.dtype.isnative
        assert key.values.flags.c_contiguous
        assert key.unsigned_high == (bounds.max > np.iinfo(np.int64).max)
        assert values_of(key) == values


@pytest.mark.parametrize(
    "values",
    [
        [1, None, 3],
        [1.0, None, 3],
        np.array([1, np.nan, 3]),
        np.array([1, np.nan, 3], "f4"),
        np.array([1, np.nan, 3], "f2"),
        np.array([1, np.nan, 3], np.longdouble),
        np.array([1, np.nan, 3], ">f8"),
        np.array([1, None, 3.0], object),
        np.array([np.int8(1), pd.NA, np.float32(3)], object),
        np.ma.MaskedArray([1, 99, 3], [False, True, False]),
        np.ma.MaskedArray([1.0, 0.5, 3], [False, True, False]),
        pd.Series([1, None, 3], dtype="Int8"),
        pd.Series([1, None, 3], dtype="UInt64"),
        pd.Series([1, None, 3], dtype="Float32"),
        pd.Series([1, None, 3], dtype="category"),
        pd.Series(pd.Categorical([1, None, 3], categories=[3, 2, 1])),
        pd.Series([1, None, 3], dtype="int64[pyarrow]"),
        pd.Series([1, None, 3], dtype="double[pyarrow]"),
        pd.Series([1, np.nan, 3], dtype=pd.SparseDtype("float64")),
    ],
)
def test_whole_numbers_with_a_null_in_every_container(values):
    table = column(values)
    assert values_of(table.key("x")) == [1, None, 3]
    assert table.key("x").is_null().tolist() == [False, True, False]
    assert table.mask({"x": (">", 1)}).tolist() == [False, False, True]
    groups = table.groups("x")
    assert groups.codes.tolist() == [0, 2, 1]
    assert [None if pd.isna(v) else v for v in groups.frame["x"]] == [1, 3, None]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([True, False], [1, 0]),
        (np.array([True, False]), [1, 0]),
        (pd.Series([True, None], dtype="boolean"), [1, None]),
        (pd.Series([True, None], dtype="bool[pyarrow]"), [1, None]),
        ([True, None], [1, None]),
        ([2**63, None], [2**63, None]),
        ([-(2**63), 2**63 - 1], [-(2**63), 2**63 - 1]),
        ([2.0**53, -(2.0**53)], [2**53, -(2**53)]),
        ([-0.0], [0]),
    ],
)
def test_other_whole_numbers(values, expected):
    assert values_of(column(values).key("x")) == expected


def test_a_large_value_under_a_null_is_not_a_large_value():
    values = np.ma.MaskedArray(np.array([1, 2**64 - 1], np.uint64), [False, True])
    assert not column(values).key("x").unsigned_high


@pytest.mark.parametrize(
    ("values", "row", "value", "said"),
    [
        ([1.0, np.nan, 1.5], 2, "1.5", "1.5 is not a whole number, so it is no key"),
        (np.array([1, 2.0**53 + 2]), 1, "9007199254740994.0", "too large to be a whole number"),
        (np.array([np.inf]), 0, "inf", "too large"),
        (np.array([2**24, 2**24 + 2], "f4"), 1, "16777218", r"beyond 2\*\*24, where float32"),
        (pd.array([None, -(2.0**25)], dtype="Float32"), 1, "-33554432", "float32 no longer"),
        (pd.Categorical([2.0, 0.5]), 1, "0.5", "not a whole number"),
        ([1, "1"], 1, "1", "'1' is text, but row 0 holds a whole number"),
        (["1", None, 2], 2, "2", "2 is a whole number, but row 0 holds text"),
        ([1, True], 1, "True", "is a truth value, but row 0 holds a whole number"),
        (pd.Categorical(["a", 1]), None, None, "make the column one kind"),
        ([2**64], 0, str(2**64), "beyond 64 bits"),
        ([-(2**63) - 1], 0, str(-(2**63) - 1), "beyond 64 bits"),
        ([-1, 2**63], 1, str(2**63), "too large for a column that also holds negative numbers"),
        ([2**53 + 1, 0.5], 0, str(2**53 + 1), "too large for a column that also holds fractions"),
        ([dt.datetime(2020, 1, 1, 8)], 0, "2020-01-01 08:00:00", "time of day"),
    ],
)
def test_what_is_no_key_is_refused_with_row_and_value(values, row, value, said):
    with pytest.raises(DataError, match=f"events: column 'x'.*{said}") as caught:
        column(values).key("x")
    if row is not None:
        assert caught.value.row == row
        assert caught.value.value == value


def test_text_keys_keep_their_text_and_lose_what_is_blank():
    table = column(["01", "1", "", " 1", "\t\u00a0", None])
    assert list(table.key("x")) == ["01", "1", None, " 1", None, None]
    assert table.n_blank("x") == 2
    assert column(["a", None]).n_blank("x") == 0
    assert column([1, None]).n_blank("x") == 0


def test_category_keys_are_codes_into_distinct_values_without_null():
    codes = np.array([0, 1, 2, 3, -1, 1], np.int8)
    labels = pd.Index(["b", " ", "a", "unused"])
    table = column(pd.Categorical.from_codes(codes, categories=labels))
    key = table.key("x")
    assert isinstance(key, Category)
    assert key.codes.dtype == np.int32
    assert list(key.categories) == ["b", "a", "unused"]
    assert key.codes.tolist() == [0, -1, 1, 2, -1, -1]
    assert table.n_blank("x") == 2
    assert list(key.decode()) == ["b", None, "a", "unused", None, None]


@pytest.mark.parametrize("values", [pd.Categorical([None, None]), pd.Categorical([])])
def test_a_category_without_categories(values):
    key = column(values).key("x")
    assert values_of(key) == [None] * len(values)
    assert column(values).groups("x").n_groups == (1 if len(values) else 0)


def test_numpy_text_is_text():
    for dtype in ("U3", "S3", object):
        assert list(column(np.array(["a", "bc"], dtype)).key("x")) == ["a", "bc"]


numbers = st.integers(-(2**63), 2**63 - 1)


@settings(deadline=None)
@given(st.lists(st.none() | numbers) | st.lists(st.none() | st.integers(0, 2**64 - 1)))
def test_integers_come_back_from_objects_and_nullable_columns(values):
    assert values_of(column(values).key("x")) == values
    assert values_of(column(np.array([*values, 0], object)[:-1]).key("x")) == values
    if all(v is None or v < 2**63 for v in values):
        assert values_of(column(pd.Series(values, dtype="Int64")).key("x")) == values
    assert values_of(column(pd.Series(values, dtype="category")).key("x")) == values


# ---------------------------------------------------------------- the core's own checks

TICKS = np.zeros(2, np.int64)


@pytest.mark.parametrize(
    "call",
    [
        lambda: _core.days_from_ticks(np.zeros(2, "i4"), 1, None),
        lambda: _core.days_from_ticks(np.zeros((2, 2), "i8"), 1, None),
        lambda: _core.days_from_ticks(np.zeros(4, "i8")[::2], 1, None),
        lambda: _core.days_from_ticks(TICKS.astype(">i8"), 1, None),
        lambda: _core.days_from_ticks(TICKS, 0, None),
        lambda: _core.days_from_ticks(TICKS, 1, np.zeros(3, "i8")),
        lambda: _core.whole_from_double(np.zeros(2, "f4"), TICKS, np.zeros(2, bool)),
        lambda: _core.whole_from_double(np.zeros(2), np.zeros(1, "i8"), np.zeros(2, bool)),
        lambda: _core.whole_from_double(np.zeros(2), TICKS, np.zeros(2, "u1")),
        lambda: _core.object_kinds(TICKS, dt.date, dt.datetime, pd.NA, pd.NaT, np.zeros(2, "u1")),
        lambda: _core.integers_from_objects(TICKS, np.zeros(2, bool), TICKS),
        lambda: _core.days_from_objects(TICKS, np.zeros(2, "u1"), TICKS),
        lambda: _core.integers_from_objects(np.array(["a"], object), np.ones(1, bool), TICKS[:1]),
        lambda: _core.days_from_objects(np.array(["a"], object), np.array([5], "u1"), TICKS[:1]),
    ],
)
def test_the_core_refuses_malformed_columns(call):
    with pytest.raises((TypeError, ValueError, AttributeError)):
        call()


# ---------------------------------------------------------------- a key in place of another


def test_another_key_changes_what_is_worked_out_from_it_and_nothing_else():
    table = column(["x", "y"])
    other = table.with_key("x", Integers(np.array([7, 7]), None), 0, "both")
    assert values_of(other.key("x")) == [7, 7]
    assert values_of(table.key("x")) == ["x", "y"]
    assert other.mask({"x": "y"}).tolist() == [False, True]
    for kept in (open_table(other, "index"), other.with_columns({"z": [1, 2]})):
        assert values_of(kept.key("x")) == [7, 7]
    assert values_of(other.renamed({"w": "x"}).key("w")) == [7, 7]


def test_what_was_worked_out_once_is_kept_for_each_key():
    table = column(["x", "y"])
    key = Integers(np.array([7, 7]), None)
    assert table.once("made", lambda: "from x") == "from x"
    other = table.with_key("x", key, 0, "both")
    assert other.once("made", lambda: "from 7") == "from 7"
    assert table.once("made", lambda: "again") == "from x"
    assert table.with_key("x", key, 0, "both").once("made", lambda: "again") == "from 7"
