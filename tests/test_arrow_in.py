"""Arrow in by the C data interface, from pyarrow, polars and DuckDB."""

from __future__ import annotations

import datetime as dt
import decimal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rereferral.errors import DataError
from rereferral.tables import Category, open_table
from rereferral.text import Text

pa = pytest.importorskip("pyarrow")
pl = pytest.importorskip("polars")

NULL_DAY = np.iinfo(np.int64).min


class Once:
    """A stream that was read already."""

    def __init__(self, table):
        self.capsule = table.__arrow_c_stream__()

    def __arrow_c_stream__(self, requested_schema=None):
        return self.capsule


class ArrayOnly:
    """A table that speaks only the protocol of single arrays."""

    def __init__(self, array):
        self.__arrow_c_array__ = array.__arrow_c_array__


def key_values(key):
    if isinstance(key, Category):
        key = key.decode()
    if isinstance(key, Text):
        return list(key)
    numbers = key.values.view(np.uint64) if key.unsigned_high else key.values
    return [None if null else v for v, null in zip(numbers.tolist(), key.is_null(), strict=True)]


def holders(array):
    """The same column of a table in every form that Arrow memory comes in."""
    padded = pa.concat_arrays([array[:1], array[1:], array])
    sliced = padded.slice(len(array))
    n = len(array)
    table = pa.table({"x": array})
    yield "table", table
    yield "sliced", pa.table({"x": sliced})
    yield (
        "chunks",
        pa.table({"x": pa.chunked_array([array[:1], array[1:2], array[2:2], array[2:]])}),
    )
    yield (
        "sliced chunks",
        pa.table({"x": pa.chunked_array([padded.slice(n, 2), padded.slice(2, n - 2)])}),
    )
    yield "sliced table", pa.table({"x": padded}).slice(n)
    yield "batch", table.to_batches()[0]
    yield "reader", table.to_reader(max_chunksize=2)
    yield "struct array", ArrayOnly(pa.StructArray.from_arrays([padded], ["x"]).slice(n))
    yield "in a dict", {"x": array}
    yield "chunks in a dict", {"x": table["x"]}
    yield "pandas", pd.DataFrame({"x": pd.Series(pd.arrays.ArrowExtensionArray(array))})


# ---------------------------------------------------------------- types in

WHOLE = [1, None, 0, 127, 1]
WORDS = ["a", None, "", "a longer piece of text, beyond twelve bytes", "é"]
DATES = [
    dt.date(2020, 2, 29),
    None,
    dt.date(1969, 12, 31),
    dt.date(2262, 1, 1),
    dt.date(1970, 1, 1),
]
DAYS = [NULL_DAY if date is None else (date - dt.date(1970, 1, 1)).days for date in DATES]


WHOLES = [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
WIDTHS = [*WHOLES, "float16", "float32", "float64", "decimal"]


@pytest.mark.parametrize("width", WIDTHS)
def test_whole_numbers_of_every_type(width):
    if width == "float16":
        array = pa.array([None if v is None else np.float16(v) for v in WHOLE], pa.float16())
    else:
        kind = pa.decimal128(38, 0) if width == "decimal" else getattr(pa, width)()
        array = pa.array(WHOLE, kind)
    for name, holder in holders(array):
        table = open_table(holder, "events")
        assert table.n_rows == 5, name
        assert key_values(table.key("x")) == WHOLE, name
        assert table.mask({"x": (">=", 1)}).tolist() == [True, False, False, True, True], name
        if not width.startswith("float"):
            days = [NULL_DAY if value is None else value for value in WHOLE]
            assert table.days("x").tolist() == days, name


TEXTS = [
    pa.string(),
    pa.large_string(),
    *([pa.string_view()] if hasattr(pa, "string_view") else []),
    pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.uint32(), pa.large_string()),
]


@pytest.mark.parametrize("kind", TEXTS, ids=str)
def test_text_of_every_type(kind):
    for name, holder in holders(pa.array(WORDS).cast(kind)):
        table = open_table(holder, "events")
        assert key_values(table.key("x")) == ["a", None, None, *WORDS[3:]], name
        assert table.n_blank("x") == 1, name
        assert table.mask({"x": ["a", ""]}).tolist() == [True, False, True, False, False], name
        assert table.groups("x").codes.tolist() == [1, 4, 0, 2, 3], name
        assert list(Text.from_any(table.column("x"))) == WORDS, name


@pytest.mark.parametrize(
    "kind",
    [pa.date32(), pa.date64(), *(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns"))],
    ids=str,
)
def test_dates_of_every_type(kind):
    for name, holder in holders(pa.array(DATES).cast(kind)):
        table = open_table(holder, "events")
        assert table.days("x").tolist() == DAYS, name
        assert table.mask({"x": ("<", "1970-01-01")}).tolist() == [
            False,
            False,
            True,
            False,
            False,
        ], name


def test_truth_values_and_nulls():
    values = [True, None, False, True, None, None, True, False, False, True]
    for name, holder in holders(pa.array(values)):
        table = open_table(holder, "events")
        assert key_values(table.key("x")) == values, name
        assert table.mask({"x": False}).tolist() == [value is False for value in values], name
    for name, holder in holders(pa.nulls(5)):
        table = open_table(holder, "events")
        assert key_values(table.key("x")) == [None] * 5, name
        assert table.days("x").tolist() == [NULL_DAY] * 5, name


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_time_zone_is_refused_and_says_how_to_mend(unit):
    stamps = pa.array([dt.datetime(2020, 2, 29)], pa.timestamp(unit, "Europe/London"))
    with pytest.raises(DataError, match=r"row 0: 2020-02-29.*time zone \(Europe/London\).*tz_conv"):
        open_table(pa.table({"x": stamps}), "events").days("x")
    nulls = pa.nulls(2, pa.timestamp(unit, "Europe/London"))
    assert open_table(pa.table({"x": nulls}), "events").days("x").tolist() == [NULL_DAY] * 2


def test_a_time_of_day_is_refused():
    for kind in (pa.timestamp("ms"), pa.date64()):
        stamps = pa.array([0, 86_400_000, 86_400_001], pa.int64()).view(kind)
        with pytest.raises(DataError, match=r"events: column 'x', row 2: 1970-01-02T00:00:00.001"):
            open_table(pa.table({"x": stamps}), "events").days("x")


def test_decimals():
    big = [2**63, None, 2**64 - 1]
    table = open_table(pa.table({"x": pa.array(big, pa.decimal128(38, 0))}), "events")
    assert key_values(table.key("x")) == big
    for values, row in (([-1, 2**63], 1), ([0, 2**64], 1), ([-(2**64)], 0)):
        table = open_table(pa.table({"x": pa.array(values, pa.decimal128(38, 0))}), "events")
        with pytest.raises(DataError, match=rf"row {row}: {values[row]} does not fit 64 bits"):
            table.key("x")
    money = pa.array([decimal.Decimal("1.50")], pa.decimal128(10, 2))
    with pytest.raises(DataError, match=r"decimals with a fraction .precision 10, scale 2."):
        open_table(pa.table({"x": money}), "events").key("x")


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (pa.array([b"a"]), "binary"),
        (pa.array([b"abc"], pa.binary(3)), "binary"),
        (pa.array([[1]]), "lists"),
        (pa.array([{"a": 1}]), "structs"),
        (pa.array([dt.time(1)]), "times of day"),
        (pa.array([dt.timedelta(1)]), "durations"),
        (pa.array([[(1, 2)]], pa.map_(pa.int8(), pa.int8())), "maps"),
        (pa.array([1]).dictionary_encode().cast(pa.dictionary(pa.int32(), pa.int64())), ""),
    ],
)
def test_other_types_are_refused_only_when_they_are_read(array, said):
    table = open_table(pa.table({"id": [1], "x": array}), "events")
    assert key_values(table.key("id")) == [1]
    if said:
        with pytest.raises(DataError, match=f"events: column 'x': Arrow {said}"):
            table.key("x")
    else:
        assert key_values(table.key("x")) == [1]


def test_run_ends_are_refused():
    runs = pa.RunEndEncodedArray.from_arrays([2, 3], ["a", "b"])
    with pytest.raises(DataError, match="run-end encoded values; decode them first"):
        open_table(pa.table({"x": runs}), "events").key("x")


def test_dictionaries_that_differ_between_chunks():
    chunks = [
        pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.int8()), ["a", "b"]),
        pa.DictionaryArray.from_arrays(pa.array([1, 0], pa.int8()), ["a", "c"]),
        pa.DictionaryArray.from_arrays(pa.array([1, 0, 2], pa.int8()), ["a", None, "a"]),
    ]
    table = open_table(pa.table({"x": pa.chunked_array(chunks)}), "events")
    values = ["a", "b", None, "c", "a", None, "a", "a"]
    key = table.key("x")
    assert key_values(key) == values
    assert list(key.categories) == ["a", "b", "c"]
    assert table.mask({"x": "a"}).tolist() == [value == "a" for value in values]
    groups = table.groups("x")
    assert groups.codes.tolist() == [{"a": 0, "b": 1, "c": 2, None: 3}[value] for value in values]


def test_ordered_dictionaries_keep_their_order():
    codes = pa.array([0, 2, None, 1], pa.int8())
    array = pa.DictionaryArray.from_arrays(codes, ["low", "mid", "high"], ordered=True)
    table = open_table(pa.table({"x": array}), "events")
    assert table.mask({"x": (">", "low")}).tolist() == [False, True, False, True]
    assert table.groups("x").frame["x"].tolist()[:3] == ["low", "mid", "high"]


def test_a_code_without_a_value_is_refused():
    codes = pa.array([0, 1, 7], pa.int8())
    array = pa.DictionaryArray.from_arrays(codes, ["a", "b"], safe=False)
    with pytest.raises(DataError, match=r"column 'x'.* 7, without a value"):
        open_table({"x": array}, "events").key("x")


def test_text_that_is_not_utf8_is_refused():
    bad = pa.array([b"ok", b"\xff"]).view(pa.string())
    with pytest.raises(DataError, match="row 1: not well-formed UTF-8"):
        open_table(pa.table({"x": bad}), "events").key("x")


def test_rows_that_are_null_as_a_whole_are_null_in_every_column():
    rows = pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "z"}])
    table = open_table(ArrayOnly(rows), "events")
    assert key_values(table.key("a")) == [1, None, None]
    assert key_values(table.key("b")) == ["x", None, "z"]


def test_one_piece_is_borrowed():
    numbers = pa.array(np.arange(10))
    table = open_table(pa.table({"x": numbers.slice(2)}), "events")
    assert table.key("x").values.ctypes.data == numbers.buffers()[1].address + 16
    text = pa.array(["a", "b"], pa.large_string())
    key = open_table(pa.table({"x": text}), "events").key("x")
    assert key.data.ctypes.data == text.buffers()[2].address


arrays = st.one_of(
    st.lists(st.none() | st.integers(-128, 127)).map(lambda v: pa.array(v, pa.int8())),
    st.lists(st.none() | st.booleans()).map(lambda v: pa.array(v, pa.bool_())),
    st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))).map(
        lambda v: pa.array(v, pa.string())
    ),
    st.lists(st.none() | st.sampled_from(["aa", "b" * 20])).map(
        lambda v: pa.array(v, pa.string()).dictionary_encode()
    ),
)


@settings(deadline=None)
@given(arrays, st.data())
def test_any_chunks_of_any_slices_are_the_column(array, data):
    parts = []
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(array)))
        parts.append(array.slice(start, data.draw(st.integers(0, len(array) - start))))
    column = pa.chunked_array(parts, array.type)
    values = [None if isinstance(v, str) and not v.strip() else v for v in column.to_pylist()]
    assert key_values(open_table(pa.table({"x": column}), "events").key("x")) == values


# ---------------------------------------------------------------- other producers


def test_polars_in_every_type():
    frame = pl.DataFrame(
        {
            "i": WHOLE,
            "t": WORDS,
            "d": DATES,
            "c": pl.Series(WORDS, dtype=pl.Categorical),
            "e": pl.Series(["b", None, "a", "b", "b"], dtype=pl.Enum(["b", "a"])),
            "b": [True, None, False, True, None],
            "s": pl.Series(DATES).cast(pl.Datetime("us")),
            "n": [None] * 5,
        }
    )
    pieces = pl.concat([frame[:2], frame[2:]], rechunk=False)
    for given_ in (frame, pieces):
        table = open_table(given_, "events")
        assert key_values(table.key("i")) == WHOLE
        assert list(Text.from_any(table.column("t"))) == WORDS
        assert list(Text.from_any(table.column("c"))) == WORDS
        assert key_values(table.key("e")) == ["b", None, "a", "b", "b"]
        assert key_values(table.key("b")) == [True, None, False, True, None]
        assert table.days("d").tolist() == DAYS
        assert table.days("s").tolist() == DAYS
        assert table.key("n").is_null().all()


def test_polars_columns_in_a_dict():
    # Of dates and categories a Series of older polars hands out the numbers beneath, and fails.
    table = open_table(
        {"i": pl.Series(WHOLE), "b": pl.Series([True, None] * 2 + [False])}, "events"
    )
    assert key_values(table.key("i")) == WHOLE
    assert key_values(table.key("b")) == [True, None, True, None, False]


WITHOUT = """
import sys
sys.modules["pyarrow"] = None  # an import of it fails
import polars as pl
from rereferral.arrow import export_stream
from rereferral.tables import open_table

class Stream:
    def __arrow_c_stream__(self, requested_schema=None):
        return export_stream({"t": ["a", None, "b"]})

frame = pl.DataFrame({"i": [1, None], "t": ["a", "a longer piece of text"], "d": [0, 1]})
frame = frame.with_columns(pl.col("d").cast(pl.Date), pl.col("t").cast(pl.Categorical).alias("c"))
table = open_table(frame, "events")
assert table.days("d").tolist() == [0, 1]
assert table.mask({"t": "a", "c": "a", "i": 1}).tolist() == [True, False]
assert pl.DataFrame(Stream())["t"].to_list() == ["a", None, "b"]
assert list(open_table(Stream(), "events").key("t")) == ["a", None, "b"]
"""


def test_arrow_goes_in_and_out_without_pyarrow():
    subprocess.run([sys.executable, "-c", WITHOUT], check=True, timeout=60)


def test_duckdb_in_every_type():
    duckdb = pytest.importorskip("duckdb")
    relation = duckdb.sql(
        "select i::hugeint as h, i, 'c' || i as t, date '2020-02-29' + i as d,"
        " case when i % 2 = 0 then null else 'odd' end as n,"
        " (case when i % 2 = 0 then 'b' else 'a' end)::enum('b', 'a') as e,"
        " i % 2 = 0 as b, timestamp '2020-02-29' as s from (select unnest(range(5000))::int as i)"
        " order by i"
    )
    table = open_table(relation, "events")
    assert table.n_rows == 5000
    assert key_values(table.key("h")) == list(range(5000))
    assert list(table.key("t")) == [f"c{i}" for i in range(5000)]
    assert (table.days("d") == 18321 + np.arange(5000)).all()
    assert (table.days("s") == 18321).all()
    assert table.mask({"n": "odd", "b": False}).sum() == 2500
    assert table.groups("e").frame["e"].tolist() == ["a", "b"]


def test_pandas_columns_in_arrow_memory():
    frame = pd.DataFrame(
        {
            "i": pd.Series(WHOLE, dtype="int64[pyarrow]"),
            "t": pd.Series(WORDS, dtype="string[pyarrow]"),
            "a": pd.Series(WORDS, dtype=pd.ArrowDtype(pa.string())),
            "d": pd.Series(DATES, dtype=pd.ArrowDtype(pa.date32())),
            "c": pd.Series(WORDS, dtype="string[pyarrow]").astype("category"),
        }
    )
    table = open_table(frame, "events")
    assert key_values(table.key("i")) == WHOLE
    for name in "tac":
        assert list(Text.from_any(table.column(name))) == WORDS
    assert table.days("d").tolist() == DAYS


# ---------------------------------------------------------------- streams that fail


def test_a_stream_is_read_once():
    stream = Once(pa.table({"x": [1]}))
    assert open_table(stream, "events").n_rows == 1
    with pytest.raises(DataError, match="events: the Arrow stream was read before"):
        open_table(stream, "events")


def test_the_error_of_a_producer_is_passed_on():
    def batches():
        yield pa.RecordBatch.from_pydict({"x": [1]})
        raise RuntimeError("the disk is gone")

    reader = pa.RecordBatchReader.from_batches(pa.schema({"x": pa.int64()}), batches())
    with pytest.raises(DataError, match=r"events: the Arrow stream failed: .*the disk is gone"):
        open_table(reader, "events")


@pytest.mark.parametrize("given_", [pa.array([1]), pa.chunked_array([[1]]), pl.Series([1])])
def test_one_column_is_not_a_table(given_):
    with pytest.raises(DataError, match=r"index: .* is one Arrow column, not a table"):
        open_table(given_, "index")


def test_a_table_is_not_one_column():
    with pytest.raises(DataError, match=r"column 'x'.*is an Arrow table, not one column"):
        open_table({"x": pl.DataFrame({"a": [1]})}, "index").key("x")


def test_a_name_that_appears_twice_is_refused():
    with pytest.raises(DataError, match="index: the column 'a' appears twice"):
        open_table(pa.table([[1], [2]], ["a", "a"]), "index")
