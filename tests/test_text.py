"""The compact text column against lists of str."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rereferral as rr
from rereferral import _core
from rereferral.errors import DataError
from rereferral.text import Text

# UTF-8 has no half surrogate pairs; NUL at the end is padding to numpy.
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
short = st.one_of(words, st.sampled_from(["", " ", "a", "b", "ab", "é", "\u3000", "𝄞"]))
columns = st.lists(st.none() | short, max_size=30)


@pytest.fixture
def setting():
    before = rr.get_num_threads()
    yield
    rr.set_num_threads(before)


def filled(n: int, item: object) -> np.ndarray:
    array = np.empty(n, object)
    array[:] = [item] * n
    return array


# ---------------------------------------------------------------- in and out


@settings(deadline=None)
@given(columns)
def test_values_come_back(values):
    text = Text.from_any(values)
    assert len(text) == len(values)
    assert list(text) == values
    assert text.to_numpy().tolist() == values
    assert [text[i] for i in range(len(values))] == values
    assert np.asarray(text).tolist() == values
    assert text.is_null().tolist() == [value is None for value in values]
    back = text.to_pandas()
    assert isinstance(back.dtype, pd.StringDtype)
    assert [None if value is pd.NA else value for value in back] == values


@settings(deadline=None)
@given(st.lists(words.filter(lambda word: not word.endswith("\0")), max_size=20))
def test_numpy_text_of_a_fixed_width_comes_back(values):
    fixed = np.array(values, dtype="U")
    assert list(Text.from_any(fixed)) == values
    assert list(Text.from_any(fixed.astype(fixed.dtype.newbyteorder()))) == values
    assert list(Text.from_any(np.repeat(fixed, 2)[::2])) == values
    assert Text.from_any(values).to_numpy(fixed.dtype).tolist() == values
    encoded = np.array([value.encode() for value in values], dtype="S")
    assert list(Text.from_any(encoded)) == values


def test_every_container_of_text_gives_the_same_column():
    values = ["Leeds", None, "", "Ynys Môn"]
    objects = np.array(values, object)
    holders = [
        values,
        tuple(values),
        objects,
        np.array(["Leeds", np.nan, "", "Ynys Môn"], object),
        pd.Series(values, dtype=object),
        pd.Series(values, dtype="string[python]"),
        pd.Series(values, dtype="string[pyarrow]"),
        pd.Series(values, dtype="category"),
        pd.Index(values),
        np.ma.MaskedArray(["Leeds", "x", "", "Ynys Môn"], [False, True, False, False]),
        Text.from_any(values),
    ]
    if hasattr(np.dtypes, "StringDType"):
        for null in (None, np.nan, pd.NA):
            given = [null if value is None else value for value in values]
            holders.append(np.array(given, np.dtypes.StringDType(na_object=null)))
    for holder in holders:
        assert list(Text.from_any(holder)) == values


@pytest.mark.parametrize(
    ("values", "row", "said"),
    [
        (["a", 1], 1, "1 is a whole number"),
        ([None, "a", 2.5], 2, "2.5 is a number"),
        (["a", b"b"], 1, "b'b' is something else"),
        (["a", "\ud800"], 1, "surrogate"),
        (np.array([b"a", b"\xff"]), 1, "UTF-8"),
        ([1, 2], None, "whole numbers, not text"),
        (np.array([1.5]), None, "numbers, not text"),
        (np.array([["a"]]), None, "one dimension"),
        ("abc", None, "not str"),
        (7, None, "not int"),
    ],
)
def test_what_is_not_text_is_refused_with_its_row(values, row, said):
    with pytest.raises(DataError, match=said) as caught:
        Text.from_any(values)
    assert caught.value.row == row


def test_a_null_has_no_fixed_width():
    with pytest.raises(DataError, match="row 1 is null"):
        Text.from_any(["a", None]).to_numpy("U")


def test_an_array_is_a_copy_and_says_so():
    with pytest.raises(ValueError, match="copying"):
        Text.from_any(["a"]).__array__(copy=False)


def test_to_pandas_looks_at_the_same_bytes():
    text = Text.from_any(["Leeds", "York"])
    array = text.to_pandas().array.__arrow_array__().chunk(0)
    if str(array.type) != "large_string":
        pytest.skip("this pandas holds short offsets only")
    assert array.buffers()[2].address == text.data.ctypes.data


def test_to_pandas_without_pyarrow(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    series = Text.from_any(["a", None]).to_pandas()
    assert series.dtype == pd.StringDtype("python")
    assert series.isna().tolist() == [False, True]


def test_pickle_and_repr():
    text = Text.from_any(["a", None, "c"])
    assert list(pickle.loads(pickle.dumps(text))) == ["a", None, "c"]
    assert repr(text) == "Text(['a', None, 'c'])"
    longer = Text.from_any([str(i) for i in range(11)])
    assert repr(longer) == "Text(['0', '1', '2', ..., '8', '9', '10'], n=11)"


# ---------------------------------------------------------------- rows


@settings(deadline=None)
@given(columns, st.data())
def test_rows_as_a_list_has_them(values, data):
    text = Text.from_any(values)
    part = data.draw(st.slices(len(values)))
    assert list(text[part]) == values[part]
    assert list(text[part][1:]) == values[part][1:]
    mask = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    kept = [value for value, keep in zip(values, mask, strict=True) if keep]
    assert list(text[np.array(mask, bool)]) == kept
    if values:
        rows = data.draw(st.lists(st.integers(-len(values), len(values) - 1)))
        assert list(text[np.array(rows, np.int64)]) == [values[row] for row in rows]
        assert text[np.int32(-1)] == values[-1]


@pytest.mark.parametrize("row", [3, -4, np.int64(3), [0, 3], [-4], np.array([3], np.uint8)])
def test_a_row_that_is_not_there(row):
    with pytest.raises(IndexError, match="of a column of 3"):
        Text.from_any(["a", "b", "c"])[row]


@pytest.mark.parametrize("row", [[True, False], np.array([0.0]), np.array(["a"])])
def test_what_is_not_a_row(row):
    with pytest.raises(IndexError):
        Text.from_any(["a", "b", "c"])[row]


# ---------------------------------------------------------------- values


@settings(deadline=None)
@given(columns, columns)
def test_isin_is_that_of_python(values, among):
    wanted = {value for value in among if value is not None}
    found = Text.from_any(values).isin(among)
    assert found.dtype == np.bool_
    assert found.tolist() == [value in wanted for value in values]


@settings(deadline=None)
@given(columns, short)
def test_comparison_is_that_of_python(values, pivot):
    expected = [2 if v is None else (v > pivot) - (v < pivot) for v in values]
    assert Text.from_any(values).compare(pivot).tolist() == expected


@settings(deadline=None)
@given(columns | st.lists(st.text("ab\0", max_size=12)))
def test_sorting_is_that_of_python(values):
    expected = sorted(range(len(values)), key=lambda row: (values[row] is None, values[row] or ""))
    assert Text.from_any(values).order().tolist() == expected


@settings(deadline=None)
@given(st.lists(st.tuples(st.none() | short, st.none() | short)))
def test_equality_is_by_value_and_null_equals_nothing(pairs):
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    both = [a is not None and b is not None for a, b in pairs]
    same = Text.from_any(left) == Text.from_any(right)
    assert same.tolist() == [k and a == b for k, (a, b) in zip(both, pairs, strict=True)]
    different = Text.from_any(left) != right
    assert different.tolist() == [k and a != b for k, (a, b) in zip(both, pairs, strict=True)]


def test_equality_with_one_value_and_with_another_length():
    text = Text.from_any(["a", None, "b"])
    assert (text == "a").tolist() == [True, False, False]
    assert (text != "a").tolist() == [False, False, True]
    with pytest.raises(DataError, match="a column of 3 cannot be compared with one of 1"):
        _ = text == ["a"]


@settings(deadline=None)
@given(columns)
def test_codes_are_by_first_appearance(values):
    codes, distinct = Text.from_any(values).codes()
    seen = list(dict.fromkeys(value for value in values if value is not None))
    assert list(distinct) == seen
    assert codes.tolist() == [-1 if value is None else seen.index(value) for value in values]


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("distinct", [300, 30_000])
def test_codes_on_threads_are_by_first_appearance(distinct, threads, setting):
    rr.set_num_threads(threads)
    random = np.random.default_rng(distinct)
    # Values that differ behind the sixteenth byte, or only there, and that are met late.
    places = np.sort(random.integers(0, distinct, 200_000)) ^ random.integers(0, 2, 200_000)
    values = [f"an area by the name of {place}" if place % 3 else f"E{place}" for place in places]
    values[1000] = None
    wide = Text.from_any(values)
    for text in (wide, Text(wide.offsets.astype(np.int32), wide.data, wide.valid)):
        codes, found = text.codes()
        expected: dict[str, int] = {}
        assert codes.tolist() == [
            -1 if value is None else expected.setdefault(value, len(expected)) for value in values
        ]
        assert list(found) == list(expected)


def test_codes_of_many_values():
    # Through every growth of the table of distinct values, and through equal hashes at its start.
    values = [f"{i % 20_011}" for i in range(50_000)]
    codes, distinct = Text.from_any(values).codes()
    assert list(distinct) == [str(i) for i in range(20_011)]
    assert np.array_equal(codes, np.arange(50_000) % 20_011)


@settings(deadline=None)
@given(columns)
def test_blank_is_what_python_calls_space(values):
    text, blank = Text.from_any(values).present()
    is_blank = [value is not None and value.strip() == "" for value in values]
    assert blank == sum(is_blank)
    assert list(text) == [None if b else v for v, b in zip(values, is_blank, strict=True)]


def test_every_space_of_unicode_is_blank_and_nothing_else():
    characters = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    text, blank = Text.from_any(characters).present()
    assert blank == sum(c.isspace() for c in characters)
    assert text.is_null().tolist() == [c.isspace() for c in characters]


# ---------------------------------------------------------------- what cannot be done


def test_a_column_cannot_be_changed():
    text = Text.from_any(["a", None])
    with pytest.raises(AttributeError):
        text.data = np.zeros(1, np.uint8)
    with pytest.raises(AttributeError):
        del text.offsets
    for array in (text.offsets, text.data, text.valid):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(TypeError, match="unhashable"):
        hash(text)


def test_arrays_given_are_kept_and_stay_writeable():
    offsets, data = np.array([0, 1], np.int64), np.frombuffer(b"a", np.uint8).copy()
    text = Text(offsets, data)
    assert text.nbytes == 17
    assert np.shares_memory(text.data, data)
    assert data.flags.writeable


@pytest.mark.parametrize(
    ("offsets", "data", "valid", "error", "said"),
    [
        ([0, 1], b"a", None, None, ""),
        ([], b"", None, ValueError, "one element more"),
        ([0, 2], b"a", None, ValueError, "leave its data"),
        ([-1, 1], b"a", None, ValueError, "leave its data"),
        ([0, 1, 0], b"a", None, ValueError, "must not fall"),
        ([0, 1], b"\xff", None, DataError, "UTF-8"),
        ([0, 1], b"\xff", [False], None, ""),
        ([0, 1], b"a", [True, True], ValueError, "valid must have 1 elements, not 2"),
        ([0, 1, 2], "é".encode(), None, DataError, "UTF-8"),
    ],
)
def test_malformed_columns_are_refused(offsets, data, valid, error, said):
    arrays = (
        np.array(offsets, np.int64),
        np.frombuffer(data, np.uint8),
        None if valid is None else np.array(valid, bool),
    )
    if error is None:
        assert len(Text(*arrays)) == 1
        return
    with pytest.raises(error, match=said):
        Text(*arrays)


GOOD = {
    "offsets": np.array([0, 1, 3], np.int64),
    "data": np.frombuffer(b"abc", np.uint8),
    "valid": np.array([True, False]),
}


def calls(offsets, data, valid):
    """Every function of the core that reads a text column."""
    n = 2
    column = (offsets, data, valid)
    none = (np.zeros(1, np.int64), np.empty(0, np.uint8), None)
    rows, taken = np.array([0], np.int64), np.empty(2, np.int64)
    yield lambda: _core.text_check(*column)
    yield lambda: _core.text_present(*column, np.empty(n, bool))
    yield lambda: _core.text_isin(*column, *none, np.empty(n, bool))
    yield lambda: _core.text_isin(*none, *column, np.empty(0, bool))
    yield lambda: _core.text_equal(*column, *column, np.empty(n, bool))
    yield lambda: _core.text_compare(*column, "a", np.empty(n, np.int8))
    yield lambda: _core.text_codes(*column, np.empty(n, np.int32))
    yield lambda: _core.text_order(*column, np.empty(n, np.int64))
    yield lambda: _core.text_take(*column, rows, taken, np.empty(1, bool))
    yield lambda: _core.text_to_objects(*column, np.empty(n, object))


def malformed():
    for name, array in GOOD.items():
        yield name, [*array], TypeError
        yield name, array.astype(np.int16), TypeError
        yield name, np.stack([array, array]), ValueError
        yield name, np.repeat(array, 2)[::2], ValueError
        if array.itemsize > 1:
            yield name, array.astype(array.dtype.newbyteorder()), ValueError
            shifted = np.frombuffer(b"\0" + array.tobytes(), np.uint8)[1:]
            yield name, shifted.view(array.dtype), ValueError
    yield "offsets", np.array([0, 3, 1], np.int64), ValueError
    yield "offsets", np.array([0, 1, 4], np.int64), ValueError
    yield "offsets", np.array([-1, 1, 3], np.int64), ValueError
    yield "offsets", np.empty(0, np.int64), ValueError
    yield "valid", np.array([True]), ValueError


@pytest.mark.parametrize(("name", "array", "error"), list(malformed()))
def test_the_core_refuses_malformed_arrays(name, array, error):
    for call in calls(**{**GOOD, name: array}):
        with pytest.raises(error):
            call()


def test_the_core_takes_the_arrays_that_these_tests_deform():
    for call in calls(**GOOD):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: _core.text_take(*GOOD.values(), np.array([2]), np.empty(2, np.int64), None),
        lambda: _core.text_take(*GOOD.values(), np.array([-1]), np.empty(2, np.int64), None),
        lambda: _core.text_take(*GOOD.values(), np.array([0]), np.empty(3, np.int64), None),
        lambda: _core.text_isin(*GOOD.values(), *GOOD.values(), np.empty(3, bool)),
        lambda: _core.text_compare(*GOOD.values(), "a", np.empty(1, np.int8)),
        lambda: _core.text_codes(*GOOD.values(), np.empty(1, np.int32)),
        lambda: _core.first_rows(np.array([0, 0], np.int32), np.empty(2, np.int64)),
        lambda: _core.text_from_ucs4(np.zeros(3, np.uint32), 2, np.empty(3, np.int64)),
        lambda: _core.text_from_ucs4(np.zeros(3, np.uint32), -1, np.empty(2, np.int64)),
        lambda: _core.text_from_ucs4(np.array([0xD800], np.uint32), 1, np.empty(2, np.int64)),
        lambda: _core.text_from_ucs4(np.array([0x110000], np.uint32), 1, np.empty(2, np.int64)),
        lambda: _core.text_from_bytes(np.zeros(1, np.uint8), 2**62, np.empty(4, np.int64)),
        lambda: _core.text_from_bytes(np.zeros(1, np.uint8), 1, np.empty(0, np.int64)),
        lambda: _core.text_from_objects(filled(2, "a"), np.ones(1, bool), np.empty(3, np.int64)),
        lambda: _core.text_from_objects(filled(1, 1), np.ones(1, bool), np.empty(2, np.int64)),
        lambda: _core.text_to_objects(*GOOD.values(), np.empty(3, object)),
    ],
)
def test_the_core_refuses_wrong_lengths_and_values(call):
    with pytest.raises(ValueError, match=r"must|not "):
        call()


def view(length: int, *rest: int) -> bytes:
    return b"".join(n.to_bytes(4, "little", signed=True) for n in (length, *rest))


@pytest.mark.parametrize(
    ("views", "fits"),
    [
        (view(13, 0, 0, 0), True),
        (view(13, 0, 0, 1), False),
        (view(13, 0, 0, -1), False),
        (view(13, 0, 1, 0), False),
        (view(13, 0, -1, 0), False),
        (view(-1, 0, 0, 0), False),
        (view(2**31 - 1, 0, 0, 2**31 - 1), False),
        (b"", False),
    ],
)
def test_string_views_stay_inside_their_buffers(views, fits):
    arguments = (np.frombuffer(views, np.uint8), None, [np.full(13, 97, np.uint8)])
    offsets = np.empty(2, np.int64)
    if fits:
        assert _core.text_from_views(*arguments, offsets).tobytes() == b"a" * 13
    else:
        with pytest.raises(ValueError, match=r"views?"):
            _core.text_from_views(*arguments, offsets)
