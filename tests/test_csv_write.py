"""Columns to a file and back: what was written is read, and a failure leaves nothing behind."""

from __future__ import annotations

import csv
import datetime
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rereferral as rr
from rereferral.text import Text
from rereferral.writing import write_csv

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6)
NASTY = st.sampled_from([",", '"', "\n", "\r", " ", '""', "a,b", "\ufeff", "007"])
INT64 = st.integers(-(2**63), 2**63 - 1)
ROW = st.tuples(
    st.none() | st.dates(),
    st.none() | INT64,
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.booleans(),
    st.none() | WORDS | NASTY,
    st.none() | st.sampled_from(["RC8", "RC9", 'a"b']),
)
NAMES = ["day", "whole", "real", "truth", "text, quoted", "category"]
TYPES = dict(zip(NAMES, ["date", "int64", "float64", "bool", "text", "category"], strict=True))


def masked(values: list[Any], dtype: type, fill: Any) -> np.ma.MaskedArray[Any, Any]:
    data = np.array([fill if value is None else value for value in values], dtype)
    return np.ma.MaskedArray(data, mask=[value is None for value in values])


def columns_of(rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    day, whole, real, truth, text, category = map(list, zip(*rows, strict=True))
    return dict(
        zip(
            NAMES,
            [
                np.array([value or "NaT" for value in day], "datetime64[D]"),
                masked(whole, np.int64, 0),
                np.array([np.nan if value is None else value for value in real]),
                masked(truth, np.bool_, False),
                Text.from_any(text),
                pd.Categorical(category),
            ],
            strict=True,
        )
    )


@settings(deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=20))
def test_there_and_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "back.csv"
    write_csv(path, columns_of(rows))
    read = rr.read_columns(path, types=TYPES)
    day, whole, real, truth, text, category = zip(*rows, strict=True)
    assert read["day"].tolist() == list(day)
    assert read["whole"].tolist() == list(whole)
    assert [None if np.isnan(value) else value for value in read["real"]] == list(real)
    assert read["truth"].tolist() == list(truth)
    assert list(read["text, quoted"]) == list(text)
    assert [None if pd.isna(value) else value for value in read["category"]] == list(category)


@settings(deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=10))
def test_the_csv_module_reads_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "module.csv"
    write_csv(path, columns_of(rows))
    with path.open(newline="", encoding="utf-8") as file:
        records = list(csv.reader(file, strict=True))
    assert records[0] == NAMES
    assert [record[4] for record in records[1:]] == [row[4] or "" for row in rows]
    days = [row[0].isoformat() if row[0] else "" for row in rows]
    assert [record[0] for record in records[1:]] == days


def test_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write_csv(
        path,
        {
            "day": np.array(["0001-01-01", "9999-12-31", "NaT"], "datetime64[D]"),
            "n": np.array([0, -5, 10], np.int32),
            "x": np.array([0.1, 1e300, np.nan]),
            "b": np.array([True, False, True]),
            "t": Text.from_any(['say "hi"', "a,b", None]),
            "c": (np.array([1, -1, 0]), ["RC9", "RC,8"]),
        },
    )
    assert path.read_bytes() == (
        b"day,n,x,b,t,c\n"
        b'0001-01-01,0,0.1,1,"say ""hi""","RC,8"\n'
        b'9999-12-31,-5,1e+300,0,"a,b",\n'
        b",10,,1,,RC9\n"
    )


def test_more_than_a_block(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    long = "long " * 100_000  # longer than the buffer
    text = Text.from_any([long, 'q"' * 200_000, "end"])
    write_csv(path, {"t": text, "n": np.arange(3)})
    assert list(rr.read_columns(path)["t"]) == list(text)


def test_a_column_of_nulls_alone(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write_csv(path, {"t": Text.nulls(3)})
    assert list(rr.read_columns(path)["t"]) == [None, None, None]


def test_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write_csv(path, {"a": np.array([], np.int64), "b": Text.nulls(0)})
    assert path.read_text() == "a,b\n"


DAYS = np.array(["2019-04-01", "2019-04-02"], "datetime64[D]")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "at least one column"),
        ({"a": DAYS, "b": DAYS[:1]}, 'column "b" has 1 rows, column "a" 2'),
        (
            {"a": DAYS.astype("datetime64[ns]")},
            r'column "a" cannot be written: dtype datetime64\[ns\]',
        ),
        ({"a": [1, 2]}, 'column "a" cannot be written: list'),
        ({"a": np.array(["x", "y"])}, 'column "a" cannot be written: dtype <U1'),
        ({"a": np.array([1, 2**63], np.uint64)}, 'column "a" cannot be written: dtype uint64'),
        ({"a": np.array([1.0, np.inf])}, 'column "a", row 1: an infinite number'),
        ({"a": DAYS - 800_000}, 'column "a", row 0: a day outside the years 1 to 9999'),
        ({"a": Text.from_any(["x", "y\0"])}, r'column "a", row 1: "y\?" holds a NUL byte'),
        ({"a\0": DAYS}, "holds a NUL byte"),
        ({"a": ([0, 2], ["x", "y"])}, "a code is outside its categories"),
        ({"a": (np.zeros(2, np.int32), [1])}, 'column "a" has the category 1, which is no text'),
    ],
)
def test_what_cannot_be_written(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    with pytest.raises(rr.DataError, match=message):
        write_csv(path, columns)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_ctrl_c_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    rows = 200_000
    told: list[int] = []

    def interrupt(done: int, total: int) -> None:
        told.append(done)
        if len(told) == 3:
            signal.raise_signal(signal.SIGINT)

    # A shell that starts the tests in the background has Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            write_csv(path, {"a": np.arange(rows)}, progress=interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert told[-1] < rows
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_csv(tmp_path / "none" / "out.csv", {"a": DAYS})


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.csv"
    opened = os.open
    monkeypatch.setattr(os, "open", lambda *arguments: opened("/dev/full", os.O_WRONLY))
    monkeypatch.setattr(os, "unlink", lambda name: None)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_csv(path, {"a": np.arange(300_000)})
    assert caught.value.filename == str(path)
    assert not path.exists()


def test_the_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    plain, written = tmp_path / "plain", tmp_path / "written"
    plain.touch()
    write_csv(written, {"a": DAYS})
    assert written.stat().st_mode == plain.stat().st_mode


def test_days_as_dates(tmp_path: Path) -> None:
    """Every day of 1,000 years has its own name, in order."""
    path = tmp_path / "days.csv"
    days = np.arange("1600-01-01", "2600-01-01", dtype="datetime64[D]")
    write_csv(path, {"d": days})
    first = datetime.date(1600, 1, 1).toordinal()
    names = [datetime.date.fromordinal(first + i).isoformat() for i in range(len(days))]
    assert path.read_text().split("\n")[1:-1] == names
