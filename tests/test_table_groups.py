"""Groups of rows, against groups told row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rereferral.days import financial_year
from rereferral.errors import DataError
from rereferral.grouping import levels_by_day
from rereferral.tables import open_table
from rereferral.text import Text


def column(values: object):
    """A table of one column, `x`."""
    return open_table({"x": values}, "events")


def expected_groups(columns):
    """Codes and distinct rows in order, null last, told row by row."""
    rows = list(zip(*columns, strict=True))
    distinct = sorted(set(rows), key=lambda row: [(value is None, value or 0) for value in row])
    return [distinct.index(row) for row in rows], distinct


def plain(frame):
    return [tuple(None if pd.isna(v) else v for v in row) for row in frame.itertuples(index=False)]


SIZE = 12
group_columns = st.lists(
    st.one_of(
        *(
            st.lists(st.none() | values, min_size=SIZE, max_size=SIZE)
            for values in (
                st.sampled_from("aé\u3000") | st.text("ab", min_size=1, max_size=2),
                st.integers(-2, 2) | st.sampled_from([2**62, -(2**62)]),
            )
        )
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None)
@given(group_columns, st.booleans())
def test_groups_are_the_distinct_rows_in_order(columns, as_categories):
    codes, distinct = expected_groups(columns)
    holders = [pd.Categorical(values) if as_categories else values for values in columns]
    table = open_table({f"c{i}": holder for i, holder in enumerate(holders)}, "index")
    groups = table.groups(table.names)
    assert groups.codes.dtype == np.int32
    assert groups.codes.tolist() == codes
    assert plain(groups.frame) == distinct
    assert list(groups.frame.columns) == table.names
    assert list(groups.frame.index) == list(range(groups.n_groups))


def test_group_columns_keep_their_kind():
    table = open_table(
        {
            "i": [2, 1, 2],
            "n": [2, None, 2],
            "f": [0.5, np.nan, 0.5],
            "b": np.array([True, False, True]),
            "t": ["b", None, "b"],
            "d": np.array(["2020-01-01", "NaT", "2020-01-01"], "M8[D]"),
            "o": pd.Categorical(["lo", "hi", "lo"], ["lo", "mid", "hi"], ordered=True),
        },
        "index",
    )
    frames = {name: table.groups(name).frame[name] for name in table.names}
    kinds = {name: str(series.dtype) for name, series in frames.items()}
    assert kinds == {
        "i": "int64",
        "n": "Int64",
        "f": "Float64",
        "b": "bool",
        "t": "string",
        "d": "datetime64[s]",
        "o": "category",
    }
    assert frames["o"].tolist() == ["lo", "hi"]
    assert frames["o"].cat.ordered
    assert frames["d"].isna().tolist() == [False, True]


def test_an_ordered_category_sorts_in_its_own_order_and_another_by_value():
    labels = ["z", "a"]
    values = ["a", "z", None]
    ordered = column(pd.Categorical(values, labels, ordered=True)).groups("x")
    assert plain(ordered.frame) == [("z",), ("a",), (None,)]
    unordered = column(pd.Categorical(values, labels)).groups("x")
    assert plain(unordered.frame) == [("a",), ("z",), (None,)]
    assert unordered.codes.tolist() == [0, 1, 2]


def test_groups_by_arrays_and_their_names():
    table = column([1, 2])
    assert list(table.groups(np.array([1, 2])).frame) == ["by"]
    assert list(table.groups(pd.Series([1, 2], name="year")).frame) == ["year"]
    assert list(table.groups(["x", np.array([1, 2]), Text.from_any(["a", "b"])]).frame) == [
        "x",
        "by_2",
        "by_3",
    ]
    assert list(table.groups({"a": [1, 2], "b": ["u", "v"]}).frame) == ["a", "b"]
    assert plain(table.groups([5, 4]).frame) == [(4,), (5,)]


@settings(deadline=None)
@given(group_columns, st.lists(st.booleans(), min_size=SIZE, max_size=SIZE))
def test_only_groups_of_rows_in_use(columns, flags):
    use = np.array(flags)
    table = open_table({f"c{i}": values for i, values in enumerate(columns)}, "index")
    every, some = table.groups(table.names), table.groups(table.names, use=use)
    kept = sorted(set(every.codes[use].tolist()))
    assert plain(some.frame) == [plain(every.frame)[code] for code in kept]
    assert some.codes[use].tolist() == [kept.index(code) for code in every.codes[use]]
    assert not len(kept) or (some.codes.min() >= 0 and some.codes.max() < len(kept))


@settings(deadline=None)
@given(group_columns, *[st.lists(st.booleans(), min_size=SIZE, max_size=SIZE) for _ in range(3)])
def test_counts_are_those_of_the_codes_whether_or_not_they_were_made(columns, used, counts, hits):
    use, hit = np.array(used), np.array(hits)
    count = np.array(counts) & use
    table = open_table({f"c{i}": values for i, values in enumerate(columns)}, "index")
    groups, with_codes = (table.groups(table.names, use=use) for _ in range(2))
    codes = with_codes.codes
    expected = [
        np.bincount(codes[rows], minlength=with_codes.n_groups).tolist()
        for rows in (count, count & hit)
    ]
    assert [n.tolist() for n in groups.tally(count, hit)] == expected
    assert [n.tolist() for n in with_codes.tally(count, hit)] == expected
    assert plain(groups.frame) == plain(with_codes.frame)
    assert groups.codes[use].tolist() == codes[use].tolist()


@pytest.mark.parametrize("n_values", [3, 300, 100_000])
def test_counts_of_many_rows_and_groups_are_those_of_pandas(n_values):
    """Few groups are counted while columns are joined; many, and wide numbers, by their codes."""
    random = np.random.default_rng(2)
    columns = {name: random.integers(0, n_values, 200_000) for name in ("a", "b")}
    dates = (columns["a"] % 30_000).astype("M8[D]")  # of less than a century
    use, hit = random.random((2, 200_000)) < 0.5
    table = open_table({**columns, "hit": hit, "day": dates}, "index")
    by_day = levels_by_day(table.day_column("day"), financial_year)
    groups = table.groups(["year", "b", "a"], derived={"year": by_day}, use=use)
    frame = pd.DataFrame({"year": financial_year(dates.view("i8")), **columns, "hit": hit})[use]
    expected = frame.groupby(["year", "b", "a"], observed=True)["hit"].agg(["size", "sum"])
    n, linked = groups.tally(use, hit)
    assert (n == expected["size"]).all()
    assert (linked == expected["sum"]).all()
    assert list(groups.frame.itertuples(index=False, name=None)) == list(expected.index)


def test_a_derived_column_is_used_where_the_table_has_none_of_the_name():
    derived = {"x": [7, 7], "year": [8, 9]}
    table = column([1, 2])
    groups = table.groups(["x", "year"], derived=derived)
    assert plain(groups.frame) == [(1, 8), (2, 9)]


@pytest.mark.parametrize("dtype", ["i1", "u1", "i8", "u8", ">i2", "f4", "?"])
def test_groups_of_the_whole_range_of_a_type(dtype):
    kind = np.dtype(dtype)
    ends = [True, False] if kind.kind == "b" else [-1.5, 2.5]
    if kind.kind in "iu":
        ends = [np.iinfo(kind).min, np.iinfo(kind).max, np.iinfo(kind).max - 1]
    array = np.array([*ends, ends[0]], kind)
    hidden = np.ma.MaskedArray(array, [False] * len(ends) + [True])
    for values, nulls in ((array, 0), (hidden, 1)):
        groups = column(values).groups("x")
        assert groups.codes.tolist() == [
            *(sorted(ends).index(end) for end in ends),
            len(ends) if nulls else sorted(ends).index(ends[0]),
        ]
        assert plain(groups.frame) == [(end,) for end in sorted(ends)] + [(None,)] * nulls


def test_many_columns_do_not_overflow():
    n = 300
    rng = np.random.default_rng(1)
    columns = {f"c{i}": rng.permutation(n) for i in range(12)}
    groups = open_table(columns, "index").groups(list(columns))
    assert groups.n_groups == n
    assert (groups.frame["c0"].to_numpy()[groups.codes] == columns["c0"]).all()
    assert (groups.frame["c11"].to_numpy()[groups.codes] == columns["c11"]).all()
    use = columns["c5"] % 2 == 0
    some = open_table(columns, "index").groups(list(columns), use=use)
    assert (some.frame["c5"] % 2 == 0).all()
    assert (some.frame["c11"].to_numpy()[some.codes] == columns["c11"])[use].all()


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("y", "events has no column 'y'"),
        (["x", "x"], "the group column 'x' is given twice"),
        ([], "by names no column"),
        ({}, "by names no column"),
        (np.arange(3), "the group column 'by' has 3 values, but events has 2 rows"),
        (["x", np.zeros((2, 2))], "one dimension"),
        ([["a", 1]], "make the column one kind"),
    ],
)
def test_groups_that_make_no_sense_are_refused(by, said):
    with pytest.raises(DataError, match=said):
        column([1, 2]).groups(by)


@pytest.mark.parametrize("ordered", [False, True])
def test_an_empty_column_may_have_categories(ordered):
    categories = pd.Categorical([], categories=["x", "y"], ordered=ordered)
    empty = pd.DataFrame({"a": categories, "n": np.empty(0, int)})
    groups = open_table(empty, "index").groups(["a", "n"])
    assert groups.n_groups == 0
    assert list(groups.frame.columns) == ["a", "n"]
