"""What cannot be read: an error that says where, or rows left out and listed."""

from __future__ import annotations

import bz2
import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rereferral as rr

HEADER = "child_id,closure_date,reason_for_closure\n"


def write(tmp_path: Path, content: str | bytes, name: str = "episodes.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(
    path: Path, error: type[rr.RereferralError], message: str, **arguments: Any
) -> rr.RereferralError:
    """The error that both readers raise; its message begins with the path."""
    with pytest.raises(error, match=re.escape(str(path)) + message):
        rr.read_columns(path, **arguments)
    with pytest.raises(error) as caught:
        rr.read_csv(path, **arguments)
    return caught.value


ROWS = "1,2019-01-01,RC8\n2,2019-01-02,RC9\n"

# content after the header, type, what follows the path, line, column, value
BAD_ROWS = {
    "impossible date": (
        ROWS + "3,2019-02-29,RC8\n",
        rr.DataError,
        r', line 4, column closure_date: "2019-02-29" is not a date',
        (4, 2, "closure_date", "2019-02-29"),
    ),
    "another format": (
        ROWS + "3,29/03/2019,RC8\n",
        rr.DataError,
        r', line 4, column closure_date: "29/03/2019" is not a date \(want YYYY-MM-DD\)',
        (4, 2, "closure_date", "29/03/2019"),
    ),
    "a time of day": (
        "3,2019-03-29 13:45,RC8\n",
        rr.DataError,
        r', line 2, column closure_date: "2019-03-29 13:45" has a time of day; floor it',
        (2, 0, "closure_date", "2019-03-29 13:45"),
    ),
    "blanks around a date": (
        "3, 2019-03-29,RC8\n",
        rr.DataError,
        r', line 2, column closure_date: " 2019-03-29" is not a date',
        (2, 0, "closure_date", " 2019-03-29"),
    ),
    "a line in a field before": (
        '"3\n4",x,RC8\n',
        rr.DataError,
        r', line 3, column closure_date: "x" is not a date',
        (3, 0, "closure_date", "x"),
    ),
    "too few fields": (
        ROWS + "3,2019-01-01\n",
        rr.CSVError,
        r", line 4: the row has 2 fields where 3 are expected",
        (4, 2, None, None),
    ),
    "too many fields": (
        ROWS + "3,2019-01-01,RC8,\n",
        rr.CSVError,
        r", line 4: the row has 4 fields where 3 are expected",
        (4, 2, None, None),
    ),
    "too few fields, and one is wrong": (
        "3,RC8\n",
        rr.CSVError,
        r", line 2: the row has 2 fields",
        (2, 0, None, None),
    ),
    "a quote that is never closed": (
        ROWS + '3,2019-01-01,"RC8\n4,2019-01-01,RC8\n',
        rr.CSVError,
        r', line 4, column reason_for_closure: "RC8.* begins with a quote that is never closed',
        (4, 2, "reason_for_closure", "RC8?4,2019-01-01,RC8?"),
    ),
    "a quote closed by the next": (
        ROWS + '3,2019-01-01,"RC8\n4,2019-01-01,"RC8"\n',
        rr.CSVError,
        r", line 4, column reason_for_closure: .* an earlier quote is not closed",
        (4, 2, "reason_for_closure", 'RC8?4,2019-01-01,"'),
    ),
    "a quote in an unquoted field": (
        ROWS + '3"4,2019-01-01,RC8\n',
        rr.CSVError,
        r', line 4, column child_id: "3" holds a quote but is not quoted',
        (4, 2, "child_id", "3"),
    ),
    "a NUL byte": (
        ROWS + "3\0,2019-01-01,RC8\n",
        rr.CSVError,
        r', line 4, column child_id: "3\?" holds a NUL byte',
        (4, 2, "child_id", "3?"),
    ),
    "Latin-1 in a text": (
        (ROWS + "3é,2019-01-01,RC8\n").encode("latin-1"),
        rr.DataError,
        r', line 4, column child_id: "3�" is not UTF-8 \(byte 0xE9\); try encoding="cp1252"',
        (4, 2, "child_id", "3�"),
    ),
    "Latin-1 in a category": (
        (ROWS + "3,2019-01-01,RÇ8\n").encode("latin-1"),
        rr.DataError,
        r', line 4, column reason_for_closure: "R�8" is not UTF-8 \(byte 0xC7\)',
        (4, 2, "reason_for_closure", "R�8"),
    ),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_named(tmp_path: Path, name: str) -> None:
    content, error, message, (line, row, column, value) = BAD_ROWS[name]
    body = content.encode() if isinstance(content, str) else content
    path = write(tmp_path, HEADER.encode() + body)
    found = refused(path, error, message)
    assert (found.line, found.row, found.column, found.value) == (line, row, column, value)


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_collected(tmp_path: Path, name: str) -> None:
    content, _, _, (line, row, column, _) = BAD_ROWS[name]
    body = content.encode() if isinstance(content, str) else content
    path = write(tmp_path, HEADER.encode() + body + b"\n9,2020-02-29,RC1\n")
    table, bad = rr.read_csv(path, on_error="collect")
    before = body.count(b"\n", 0, len(ROWS)) if body.startswith(ROWS.encode()) else 0
    assert table["child_id"].tolist()[:before] == ["1", "2"][:before]
    assert table["child_id"].iloc[-1] == "9"
    assert table["closure_date"].iloc[-1] == np.datetime64("2020-02-29")
    assert "RC1" in table["reason_for_closure"].cat.categories
    assert (bad["line"][0], bad["row"][0]) == (line, row)
    assert (bad["column"][0] if column else None) == column
    assert bad["column"].isna()[0] == (column is None)
    assert bad["reason"].notna().all()
    assert table.attrs["rereferral"]["bad_rows"] == bad["row"].nunique()
    assert list(bad) == ["line", "row", "column", "value", "reason"]


def test_the_rows_after_an_open_quote_are_not_lost(tmp_path: Path) -> None:
    rows = ['1,2019-01-01,"RC8'] + [f"{i},2019-01-01,RC8" for i in range(2, 10)]
    path = write(tmp_path, HEADER + "\n".join(rows) + "\n")
    read, bad = rr.read_columns(path, on_error="collect")
    assert list(read["child_id"]) == [str(i) for i in range(2, 10)]
    assert bad["line"].tolist() == [2]
    assert read.bad_rows == 1


def test_quotes_out_of_step_do_not_make_one_row_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, 'a,b\n"x","y\n' + 'x","y\n' * 2000 + "1,2\n")
    table, bad = rr.read_csv(path, on_error="collect")
    assert table["a"].tolist() == ["1"]
    assert bad["line"].tolist() == list(range(2, 2003))


def test_every_complaint_about_a_row_is_listed(tmp_path: Path) -> None:
    path = write(tmp_path, "closure_date,n,referral_nfa\nx,1.5,2\n2019-01-01,1,1\n")
    table, bad = rr.read_csv(path, types={"n": "int64"}, on_error="collect")
    assert len(table) == 1
    assert bad["value"].tolist() == ["x", "1.5", "2"]
    assert bad["column"].tolist() == ["closure_date", "n", "referral_nfa"]
    assert bad["row"].tolist() == [0, 0, 0]
    assert table.attrs["rereferral"]["bad_rows"] == 1


def test_a_category_that_only_a_bad_row_has_is_none(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "1,2019-01-01,RC8\n2,x,RC5\n3,2019-01-01,RC9\n")
    table, _ = rr.read_csv(path, on_error="collect")
    assert list(table["reason_for_closure"].cat.categories) == ["RC8", "RC9"]


def test_a_category_of_a_bad_row_may_come_again(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "1,x,RC5\n2,2019-01-01,RC5\n3,2019-01-01,RC8\n")
    table, _ = rr.read_csv(path, on_error="collect")
    assert table["reason_for_closure"].tolist() == ["RC5", "RC8"]


def test_collecting_nothing(tmp_path: Path) -> None:
    table, bad = rr.read_csv(write(tmp_path, HEADER + ROWS), on_error="collect")
    assert len(table) == 2
    assert len(bad) == 0


@pytest.mark.parametrize(
    ("kind", "field", "reason"),
    [
        ("int64", "1.0", "is not a whole number"),
        ("int64", "1 ", "is not a whole number"),
        ("int64", "-", "is not a whole number"),
        ("int64", "9223372036854775808", "does not fit into 64 bits"),
        ("int64", "-9223372036854775809", "does not fit into 64 bits"),
        ("int64", "99999999999999999999x", "is not a whole number"),
        ("float64", "1,5", "is not a number"),
        ("float64", "nan", "is not a number"),
        ("float64", "0x10", "is not a number"),
        ("float64", "1e", "is not a number"),
        ("float64", ".", "is not a number"),
        ("float64", "1e999", "is too large for a number"),
        ("bool", "yes", "is none of 0, 1, true, false"),
        ("bool", "01", "is none of 0, 1, true, false"),
        ("date", "2019-13-01", "there is no such day"),
        ("date", "0000-01-01", "there is no such day"),
        ("date", "1900-02-29", "there is no such day"),
        ("date", "2019-00-10", "there is no such day"),
        ("date", "2019-4-1", r"is not a date \(want YYYY-MM-DD\)"),
        ("date", "2019-04-01Z", r"is not a date \(want YYYY-MM-DD\)"),
        ("date", "2019-04-01 25:00", r"is not a date \(want YYYY-MM-DD\)"),
        ("date", "2019-04-01T24:00:00", "has a time of day"),
        ("date", "43556", r"is not a date \(want YYYY-MM-DD\)"),
    ],
)
def test_values(tmp_path: Path, kind: str, field: str, reason: str) -> None:
    path = write(tmp_path, f'x,y\n"{field}",1\n')
    message = f', line 2, column x: "{re.escape(field)}" .*{reason}'
    refused(path, rr.DataError, message, types={"x": kind})


@pytest.mark.parametrize("field", ["29/02/2019", "2019/04/01", "1/4/19", "32/01/2019", "1.4.2019"])
def test_dates_in_another_format(tmp_path: Path, field: str) -> None:
    path = write(tmp_path, f"closure_date\n{field}\n")
    refused(path, rr.DataError, f', line 2, .*"{field}" is not a date', date_format="%d/%m/%Y")


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", ": the file is empty; a header is expected"),
        ("\ufeff", ": the file is empty; a header is expected"),
        ("\n\n", ", line 1: the header is empty"),
        ("\nchild_id\n1\n", ", line 1: the header is empty"),
        ('child_id,"note\n1,2\n', ', line 1, column 2: "note.*is never closed'),
        ("child_id,no\0te\n1,2\n", ", line 1, column 2: .*NUL"),
        (b"\xff\xfea\0,\0b\0\n\0", ": the file is UTF-16"),
        (bz2.compress(b"a,b\n1,2\n"), ": the file is compressed; decompress it first"),
        (b"PK\x03\x04....", ": the file is a zip archive or a workbook"),
    ],
)
def test_no_header(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = write(tmp_path, content)
    refused(path, rr.CSVError, message)
    with pytest.raises(rr.CSVError):
        rr.read_csv(path, on_error="collect")


def test_names_in_another_encoding(tmp_path: Path) -> None:
    path = write(tmp_path, "näme,b\n1,2\n".encode("cp1252"))
    refused(path, rr.DataError, r', line 1, column 1: "n�me" is not UTF-8; try encoding="cp1252"')
    path = write(tmp_path, "\ufeffname\n1\n")
    refused(path, rr.CSVError, ": the file says that it is UTF-8", encoding="cp1252")


def test_no_such_file(tmp_path: Path) -> None:
    for read in (rr.read_csv, rr.read_columns):
        with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "none.csv"))):
            read(tmp_path / "none.csv")
        with pytest.raises(IsADirectoryError, match=re.escape(str(tmp_path))):
            read(tmp_path)


def test_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    refused(path, rr.CSVError, ": a pipe cannot be read; save what it carries to a file first")


def test_a_file_that_shrinks_or_grows(tmp_path: Path) -> None:
    path = tmp_path / "episodes.csv"
    content = HEADER + "1,2019-01-01,RC8\n" * 40_000  # more than one block

    def shrink(done: int, total: int) -> None:
        if done > 0:
            os.truncate(path, 300_000)

    def grow(done: int, total: int) -> None:
        if 0 < done < total:
            with path.open("a") as file:
                file.write("2,2019")

    for change, message in (
        (shrink, f": the file shrank from {len(content)} to 300000 bytes while it was read"),
        (grow, f": the file grew from {len(content)} to"),
    ):
        for on_error in ("raise", "collect"):
            write(tmp_path, content)
            refused_once(path, message, progress=change, on_error=on_error)


def refused_once(path: Path, message: str, **arguments: Any) -> None:
    with pytest.raises(rr.CSVError, match=re.escape(str(path) + message)):
        rr.read_columns(path, **arguments)


# ---------------------------------------------------------------- arguments


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    path = write(tmp_path, "Child_ID,closure_date\n1,2019-01-01\n")
    message = (
        r': no column "child_id" \(did you mean "Child_ID"\?\); the file has Child_ID, closure'
    )
    assert refused(path, rr.DataError, message, columns=["child_id"]).column == "child_id"
    refused(path, rr.DataError, ': no column "Ref"; the file', columns={"child_id": "Ref"})
    refused(path, rr.DataError, ': types names column "n"', types={"n": "int64"})
    refused(
        path,
        rr.DataError,
        ': a column is to be called "closure_date"',
        columns={"closure_date": "Child_ID"},
    )


def test_columns_that_are_there_twice(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,a\n1,2,3\n")
    assert refused(path, rr.DataError, ': the header has column "a" 2 times').column == "a"
    assert rr.read_csv(path, columns=["b"])["b"].tolist() == ["2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": "child_id"}, "columns must be a list of names"),
        ({"columns": []}, "columns names no column"),
        ({"columns": ["child_id", "child_id"]}, 'columns names "child_id" 2 times'),
        ({"columns": [1]}, "the name of a column must be a str, not 1"),
        ({"types": {"note": "number"}}, "the type of 'note' must be one of date, int64"),
        (
            {"types": {"child_id": "int64"}},
            "child_id is always read as text; to read the column as",
        ),
        (
            {"encoding": "utf-16"},
            "encoding 'utf-16' is not read; it must be utf-8, latin-1 or cp1252",
        ),
        ({"encoding": "klingon"}, "encoding 'klingon' is not read"),
        ({"on_error": "skip"}, 'on_error must be "raise" or "collect"'),
        ({"date_format": "%d/%m"}, "needs each of %Y, %m and %d"),
        ({"date_format": "%d/%m/%y"}, "made of %Y, %m, %d and separators"),
        ({"date_format": "dd/mm/yyyy"}, "needs each of %Y, %m and %d"),
        ({"progress": "yes"}, "progress must be"),
    ],
)
def test_arguments(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    path = write(tmp_path, HEADER + ROWS)
    for read in (rr.read_csv, rr.read_columns):
        with pytest.raises(rr.RuleError, match=message):
            read(path, **arguments)


def test_what_is_no_path() -> None:
    with pytest.raises(rr.RuleError, match="path must be a str or a path, not BytesIO"):
        rr.read_csv(io.BytesIO(b"a\n"))  # type: ignore[call-overload]


# ---------------------------------------------------------------- Ctrl-C


def test_ctrl_c_stops_a_long_read(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    block = ("1,2019-01-01,RC8\n" * 60_000).encode()
    with path.open("wb") as file:
        file.write(HEADER.encode())
        for _ in range(400):
            file.write(block)
    script = f"""
import time, rereferral as rr
def tell(done, total):
    global last, whole
    last, whole = done, total
    if done == 0:
        print("reading", flush=True)
try:
    rr.read_columns({str(path)!r}, progress=tell)
except KeyboardInterrupt:
    print(time.monotonic(), last < whole)
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "reading\n"
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        stopped, early = child.stdout.read().split()
    assert early == "True"
    assert float(stopped) - sent < 0.5
    assert [entry.name for entry in tmp_path.iterdir()] == ["long.csv"]
    path.unlink()


@pytest.mark.parametrize(
    ("value", "given", "asked"),
    [
        ("29/03/2019", "ISO", "%d/%m/%Y"),
        ("03/29/2019", "ISO", "%m/%d/%Y"),
        ("29.03.2019", "ISO", "%d.%m.%Y"),
        ("20190329", "ISO", "%Y%m%d"),
        ("2019-03-29", "%d/%m/%Y", "ISO"),
    ],
)
def test_a_date_in_another_form_names_the_format_that_reads_it(tmp_path, value, given, asked):
    path = write(tmp_path, f"closure_date\n{value}\n")
    refused(path, rr.DataError, f'.*; date_format="{asked}" may read it', date_format=given)
    assert str(rr.read_columns(path, date_format=asked)["closure_date"][0]) == "2019-03-29"


def test_a_date_in_no_known_form_names_date_format(tmp_path):
    path = write(tmp_path, "closure_date\n29 March\n")
    refused(path, rr.DataError, ".*; date_format says how dates are written")


def test_a_day_that_does_not_exist_is_no_matter_of_format(tmp_path):
    path = write(tmp_path, "closure_date\n2019-02-29\n")
    error = refused(path, rr.DataError, ", line 2")
    assert "date_format" not in str(error)
