"""Arrow out by the C data interface, to pyarrow, polars and DuckDB."""

from __future__ import annotations

import datetime as dt
import gc
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rereferral import _core
from rereferral.arrow import export_array, export_stream
from rereferral.arrow_in import read_column
from rereferral.errors import DataError
from rereferral.tables import Category, Integers, open_table
from rereferral.text import Text

pa = pytest.importorskip("pyarrow")
pl = pytest.importorskip("polars")

NULL_DAY = np.iinfo(np.int64).min


class Stream:
    """Columns as a caller of `export_stream` hands them out."""

    def __init__(self, columns):
        self.columns = columns

    def __arrow_c_stream__(self, requested_schema=None):
        return export_stream(self.columns, requested_schema)


def key_values(key):
    if isinstance(key, Category):
        key = key.decode()
    if isinstance(key, Text):
        return list(key)
    numbers = key.values.view(np.uint64) if key.unsigned_high else key.values
    return [None if null else v for v, null in zip(numbers.tolist(), key.is_null(), strict=True)]


COLUMNS = {
    "event_row": np.array([3, -1, 0]),
    "gap_days": np.array([3, -1, 0], np.int32),
    "rate": np.array([0.5, np.nan, 1.0]),
    "followed": np.array([True, False, True]),
    "event_date": np.array(["2020-02-29", "NaT", "1969-12-31"], "M8[D]"),
    "stamp": np.array(["2020-02-29T12", "NaT", "1969-12-31T00"], "M8[s]"),
    "outcome": pd.Categorical.from_codes(np.array([1, 0, -1], np.int8), ["linked", "none"]),
    "level": pd.Categorical(["lo", "hi", None], ["lo", "hi"], ordered=True),
    "child": Text.from_any(["a", None, "é"]),
    "whole": pd.array([1, None, 3], dtype="Int64"),
    "key": Integers(np.array([1, 2, 3]), np.array([True, False, True])),
    "high": Integers(np.array([-1, 0, 0]), None, unsigned_high=True),
    "area": Category(np.array([0, -1, 1], np.int32), Text.from_any(["E1", "E2"])),
    "list": ["x", "y", "z"],
}
EXPECTED = {
    "event_row": [3, -1, 0],
    "gap_days": [3, -1, 0],
    "rate": [0.5, None, 1.0],
    "followed": [True, False, True],
    "event_date": [dt.date(2020, 2, 29), None, dt.date(1969, 12, 31)],
    "stamp": [dt.datetime(2020, 2, 29, 12), None, dt.datetime(1969, 12, 31)],
    "outcome": ["none", "linked", None],
    "level": ["lo", "hi", None],
    "child": ["a", None, "é"],
    "whole": [1, None, 3],
    "key": [1, None, 3],
    "high": [2**64 - 1, 0, 0],
    "area": ["E1", None, "E2"],
    "list": ["x", "y", "z"],
}


def python_values(column):
    return [None if value != value else value for value in column]


def test_pyarrow_reads_what_is_handed_out():
    table = pa.table(Stream(COLUMNS))
    table.validate(full=True)
    assert {name: python_values(table[name].to_pylist()) for name in table.column_names} == EXPECTED
    types = {field.name: str(field.type) for field in table.schema}
    assert types["event_row"] == "int64"
    assert types["gap_days"] == "int32"
    assert types["followed"] == "bool"
    assert types["event_date"] == "date32[day]"
    assert types["child"] == "large_string"
    assert types["outcome"] == "dictionary<values=large_string, indices=int8, ordered=0>"
    assert types["level"] == "dictionary<values=large_string, indices=int8, ordered=1>"


def test_polars_reads_what_is_handed_out():
    frame = pl.DataFrame(Stream(COLUMNS))
    assert {name: python_values(frame[name].to_list()) for name in frame.columns} == EXPECTED
    assert frame["event_date"].dtype == pl.Date


def test_duckdb_reads_what_is_handed_out():
    duckdb = pytest.importorskip("duckdb")
    handed = Stream(COLUMNS)
    rows = duckdb.sql("select event_row, event_date, outcome, child, level from handed").fetchall()
    names = ["event_row", "event_date", "outcome", "child", "level"]
    assert rows == list(zip(*(EXPECTED[name] for name in names), strict=True))
    assert handed is not None


def test_what_is_handed_out_comes_back_in():
    table = open_table(Stream(COLUMNS), "events")
    assert table.names == list(COLUMNS)
    assert key_values(table.key("area")) == EXPECTED["area"]
    assert key_values(table.key("high")) == EXPECTED["high"]
    assert list(table.key("child")) == EXPECTED["child"]
    assert table.days("event_date").tolist() == [18321, NULL_DAY, -1]
    assert table.mask({"followed": True, "level": ("<", "hi")}).tolist() == [True, False, False]


def test_a_column_outlives_its_table_and_its_arrays():
    columns = {"a": np.arange(1000), "t": Text.from_any([str(i) for i in range(1000)])}
    table = pa.table(Stream(columns))
    numbers, text = table["a"], table["t"]
    del table, columns
    gc.collect()
    assert numbers.to_pylist() == list(range(1000))
    assert text.to_pylist() == [str(i) for i in range(1000)]


def test_whole_columns_are_handed_out_without_a_copy():
    rows = np.arange(100)
    text = Text.from_any(["a"] * 100)
    table = pa.table(Stream({"rows": rows, "text": text}))
    assert table["rows"].chunk(0).buffers()[1].address == rows.ctypes.data
    assert table["text"].chunk(0).buffers()[2].address == text.data.ctypes.data
    assert pa.array(text).buffers()[2].address == text.data.ctypes.data


def test_a_slice_of_text_is_handed_out():
    text = Text.from_any(["a", None, "ccc", "dd"])[1:3]
    array = pa.array(text)
    array.validate(full=True)
    assert array.to_pylist() == [None, "ccc"]


def test_tables_without_rows_or_columns():
    assert pa.table(Stream({})).num_columns == 0
    kinds = np.ndarray | Text | pd.Categorical
    some = {name: values[:0] for name, values in COLUMNS.items() if isinstance(values, kinds)}
    empty = pa.table(Stream(some))
    empty.validate(full=True)
    assert empty.num_rows == 0
    assert read_column(pa.array([], pa.string())).to_numpy().tolist() == []


def test_a_stream_may_be_asked_for_its_schema_more_than_once():
    reader = pa.RecordBatchReader.from_stream(Stream({"a": np.arange(3)}))
    assert reader.schema.names == ["a"]
    assert reader.read_all().num_rows == 3


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"a": np.zeros(2), "b": np.zeros(3)}, "the column 'b' has 3 rows, but 'a' has 2"),
        ({"a": np.zeros((2, 2))}, "column 'a': .*one dimension"),
        ({"a": np.zeros(2, complex)}, "column 'a': .*complex"),
        ({"a": ["x", 1]}, "column 'a': .*one kind"),
        ({"a": np.array(["2020"], "M8[Y]")}, r"column 'a': dates of dtype datetime64\[Y\]"),
        ({"a": np.array([2**40], "M8[D]")}, "column 'a': a day does not fit the 32 bits"),
        (
            {"a": Category(np.array([2], np.int32), Text.from_any(["x"]))},
            "outside the 1 categories",
        ),
        (
            {"a": Category(np.array([-2], np.int32), Text.from_any(["x"]))},
            "outside the 1 categories",
        ),
    ],
)
def test_what_has_no_arrow_type_is_refused(columns, said):
    with pytest.raises(DataError, match=said):
        export_stream(columns)


# Without NUL: to a categorical of pandas "" and "\0" are one value.
@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
            st.none() | st.dates(),
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.booleans(),
        )
    )
)
def test_columns_survive_the_way_out_and_in(rows):
    text, dates, numbers, flags = (
        (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 4
    )
    columns = {
        "text": Text.from_any(text),
        "dates": np.array(dates, "M8[D]"),
        "numbers": pd.array(numbers, dtype="Int64"),
        "flags": pd.array(flags, dtype="boolean"),
        "codes": pd.Categorical(text),
    }
    table = pa.table(Stream(columns))
    table.validate(full=True)
    back = [table[name].to_pylist() for name in columns]
    assert back == [text, dates, numbers, flags, text]


# ---------------------------------------------------------------- the core's own checks

FIELD = ("l", "x", 2, 2, 0, (None, np.zeros(2, np.int64)), (), None)
TEXT = ("U", "t", 2, 2, 0, (None, np.array([0, 1, 2]), np.zeros(2, np.uint8)), (), None)


def changed(field, **changes):
    names = ("format", "name", "flags", "length", "null_count", "buffers", "children", "dictionary")
    return tuple(changes.get(name, value) for name, value in zip(names, field, strict=True))


@pytest.mark.parametrize(
    "field",
    [
        None,
        FIELD[:-1],
        [*FIELD],
        changed(FIELD, format="x"),
        changed(FIELD, format="u"),
        changed(FIELD, format="vu"),
        changed(FIELD, format=1),
        changed(FIELD, length=3),
        changed(FIELD, length=-1),
        changed(FIELD, length=2**61),
        changed(FIELD, buffers=(None,)),
        changed(FIELD, buffers=(None, None)),
        changed(FIELD, buffers=(None, [0, 0])),
        changed(FIELD, buffers=(None, np.zeros(4, np.int64)[::2])),
        changed(FIELD, buffers=(None, np.zeros(2, ">i8"))),
        changed(FIELD, buffers=(np.zeros(0, np.uint8), np.zeros(2, np.int64))),
        changed(FIELD, children=(None,)),
        changed(FIELD, dictionary=FIELD[:-1]),
        changed(TEXT, length=3),
        changed(TEXT, buffers=(None, np.array([0, 1, 3]), np.zeros(2, np.uint8))),
        changed(TEXT, buffers=(None, np.array([0, 1, -1]), np.zeros(2, np.uint8))),
        ("+s", "", 0, 3, 0, (None,), (FIELD,), None),
    ],
)
def test_the_core_refuses_malformed_fields(field):
    for export in (_core.arrow_export_array, _core.arrow_export_stream):
        with pytest.raises((TypeError, ValueError)):
            export(field)


def test_the_core_takes_the_fields_that_these_tests_deform():
    for field in (FIELD, TEXT):
        _core.arrow_export_array(field)
        _core.arrow_export_stream(("+s", "", 0, 2, 0, (None,), (field, field), None))


def test_the_core_refuses_other_capsules():
    schema, array = export_array(np.arange(3))
    for wrong in (schema, array, None, 1):
        with pytest.raises((TypeError, ValueError)):
            _core.arrow_import_stream(wrong)
    with pytest.raises(ValueError, match="PyCapsule"):
        _core.arrow_import_array(array, schema)
    _core.arrow_import_array(schema, array)
    with pytest.raises(DataError, match="taken before"):
        _core.arrow_import_array(schema, array)


# ---------------------------------------------------------------- memory

LOOP = """
import gc, resource, sys
import numpy as np, pandas as pd, polars as pl, pyarrow as pa
from rereferral.arrow import export_stream
from rereferral.tables import open_table
from rereferral.text import Text

class Stream:
    def __init__(self, columns): self.columns = columns
    def __arrow_c_stream__(self, requested_schema=None): return export_stream(self.columns)

def once():
    n = 50_000
    columns = {"a": np.arange(n), "b": np.zeros(n, bool), "d": np.zeros(n, "M8[D]"),
               "t": Text.from_any(np.full(n, "abcdefgh")),
               "c": pd.Categorical.from_codes(np.zeros(n, np.int8), ["x"])}
    stream = Stream(columns)
    export_stream(columns)                       # never read
    stream.__arrow_c_stream__()
    columns["t"].__arrow_c_array__()             # never taken
    table = pa.table(stream)
    frame = pl.DataFrame(stream)
    for given in (table, frame, stream, table.to_batches()[0]):
        opened = open_table(given, "events")
        for name in opened.names:
            opened.key(name)
    try:
        export_stream({"a": np.arange(n), "b": np.zeros(n, complex)})
    except ValueError:
        pass

for _ in range(20):
    once()
gc.collect()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
held = len(gc.get_objects()), pa.total_allocated_bytes()
for _ in range(120):
    once()
gc.collect()
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
objects, arrow = len(gc.get_objects()) - held[0], pa.total_allocated_bytes() - held[1]
print((after - before) // 1024, objects, arrow)
"""


def test_nothing_leaks():
    # One round is 6 MB; 120 rounds that each lost a column would be far above the bound.
    done = subprocess.run(
        [sys.executable, "-c", LOOP], capture_output=True, text=True, check=True, timeout=120
    )
    grown, objects, arrow = map(int, re.findall(r"-?\d+", done.stdout))
    assert grown < 24, done.stdout
    assert objects < 500, done.stdout
    assert arrow <= 0, done.stdout
