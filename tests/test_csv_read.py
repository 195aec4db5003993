"""Typed columns out of a file, as numpy arrays and as a DataFrame."""

from __future__ import annotations

import datetime
import locale
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rereferral as rr
from rereferral.writing import write_csv

EPISODES = """\
authority,child_id,referral_date,referral_source,referral_nfa,assessment_date,closure_date,\
reason_for_closure,date_of_birth,note
E06000001,0007,2018-04-01,1A,0,2018-04-20,2018-05-01,RC8,2010-02-28,first
E06000002,,2018-04-02,6,1,,,,,"second, with a comma"
E06000001,0008,2018-04-03,1A,false,2018-04-20,2018-05-01T00:00:00,RC9,0001-01-01,
"""


@pytest.fixture
def episodes(tmp_path: Path) -> Path:
    path = tmp_path / "episodes.csv"
    path.write_text(EPISODES, encoding="utf-8")
    return path


def write(tmp_path: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_episodes_as_arrays(episodes: Path) -> None:
    read = rr.read_columns(episodes)
    assert list(read) == EPISODES.split("\n")[0].split(",")
    assert read.rows == 3
    assert list(read["child_id"]) == ["0007", None, "0008"]
    assert list(read["authority"]) == ["E06000001", "E06000002", "E06000001"]
    assert list(read["authority"].categories) == ["E06000001", "E06000002"]
    assert read["reason_for_closure"].codes.tolist() == [0, -1, 1]
    assert read["referral_nfa"].tolist() == [False, True, False]
    assert read["referral_nfa"].dtype == np.bool_
    assert read["closure_date"].dtype == np.dtype("datetime64[D]")
    closed = ["2018-05-01", "NaT", "2018-05-01"]
    np.testing.assert_array_equal(read["closure_date"], np.array(closed, "datetime64[D]"))
    assert list(read["note"]) == ["first", "second, with a comma", None]


def test_episodes_as_a_frame(episodes: Path) -> None:
    table = rr.read_csv(episodes)
    assert table["authority"].dtype == "category"
    assert table["child_id"].dtype == pd.StringDtype("pyarrow")
    assert table["closure_date"].dtype == "datetime64[s]"
    assert table["closure_date"].isna().tolist() == [False, True, False]
    assert table["date_of_birth"][2] == pd.Timestamp("0001-01-01")
    assert table["referral_nfa"].dtype == np.bool_
    assert table["note"].isna().tolist() == [False, False, True]
    assert table.attrs["rereferral"] == {
        "file": str(episodes),
        "rows": 3,
        "blank_lines": 0,
        "bad_rows": 0,
    }


def test_what_is_read_can_be_linked(episodes: Path) -> None:
    data = {
        "person": "child_id",
        "scope": "authority",
        "index_date": "closure_date",
        "event_date": "referral_date",
        "observed_until": "2021-03-31",
    }
    table, read = rr.read_csv(episodes), rr.read_columns(episodes)
    from_frame, from_arrays = rr.link(table, table, **data), rr.link(read, read, **data)
    np.testing.assert_array_equal(from_frame.event_row, from_arrays.event_row)
    assert from_frame.followed.tolist() == [True, False, True]
    assert from_arrays.followed.tolist() == [True, False, True]


def test_without_pyarrow_text_is_held_by_python(episodes: Path) -> None:
    script = f"""
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "pyarrow":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Without())
import rereferral as rr
table = rr.read_csv({str(episodes)!r})
assert table["child_id"].dtype.storage == "python", table["child_id"].dtype
assert table["child_id"].fillna("none").tolist() == ["0007", "none", "0008"]
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_numbers_and_nulls(tmp_path: Path) -> None:
    text = "whole,real,truth,none\n-1,.5,TRUE,\n,,,\n+007,1E-3,0,\n"
    types = {"whole": "int64", "real": "float64", "truth": "bool", "none": "int64"}
    path = write(tmp_path, text)
    read = rr.read_columns(path, types=types)
    assert read["whole"].tolist() == [-1, None, 7]
    assert read["truth"].tolist() == [True, None, False]
    np.testing.assert_array_equal(read["real"], [0.5, np.nan, 0.001])
    assert read["none"].mask.all()
    table = rr.read_csv(path, types=types)
    assert [str(dtype) for dtype in table.dtypes] == ["Int64", "float64", "boolean", "Int64"]
    assert table["whole"].tolist() == [-1, pd.NA, 7]
    full = rr.read_csv(write(tmp_path, "whole\n12\n"), types={"whole": "int64"})
    assert full["whole"].dtype == np.int64


def test_columns_are_selected_in_the_order_of_the_list(episodes: Path) -> None:
    table = rr.read_csv(episodes, columns=["note", "child_id"])
    assert list(table) == ["note", "child_id"]


def test_columns_are_renamed_and_take_the_type_of_their_new_name(tmp_path: Path) -> None:
    path = write(tmp_path, "PersonRef,Closed,other\n1,2019-04-01,x\n")
    read = rr.read_columns(path, columns={"child_id": "PersonRef", "closure_date": "Closed"})
    assert list(read) == ["child_id", "closure_date", "other"]
    assert read["closure_date"][0] == np.datetime64("2019-04-01")


@pytest.mark.parametrize(
    ("date_format", "field"),
    [
        ("ISO", "2019-04-01"),
        ("ISO", "2019-04-01 00:00"),
        ("ISO", "2019-04-01T00:00:00.000"),
        ("%d/%m/%Y", "01/04/2019"),
        ("%d/%m/%Y", "1/4/2019 00:00:00"),
        ("%m-%d-%Y", "4-1-2019"),
        ("%Y%m%d", "20190401"),
        ("%d. %m. %Y", "1. 4. 2019"),
    ],
)
def test_dates(tmp_path: Path, date_format: str, field: str) -> None:
    path = write(tmp_path, f"closure_date\n{field}\n")
    read = rr.read_columns(path, date_format=date_format)
    assert read["closure_date"].tolist() == [datetime.date(2019, 4, 1)]


@settings(deadline=None, max_examples=50)
@given(days=st.lists(st.dates(), min_size=1, max_size=50))
def test_every_day_of_the_calendar(
    tmp_path_factory: pytest.TempPathFactory, days: list[datetime.date]
) -> None:
    path = tmp_path_factory.getbasetemp() / "days.csv"
    path.write_text("closure_date\n" + "".join(f"{day.isoformat()}\n" for day in days))
    assert rr.read_columns(path)["closure_date"].tolist() == days
    frame = rr.read_csv(path)
    assert [moment.date() for moment in frame["closure_date"]] == days


@settings(deadline=None, max_examples=100)
@given(number=st.floats(allow_nan=False, allow_infinity=False), style=st.sampled_from("reg"))
def test_floats_are_those_of_python(
    tmp_path_factory: pytest.TempPathFactory, number: float, style: str
) -> None:
    field = repr(number) if style == "r" else f"{number:.20{style}}"
    path = tmp_path_factory.getbasetemp() / "floats.csv"
    path.write_text(f"x\n{field}\n")
    assert rr.read_columns(path, types={"x": "float64"})["x"][0] == float(field)


def test_a_decimal_comma_in_the_locale_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = shutil.which("localedef")
    german = str(tmp_path / "de_DE.UTF-8")
    if make is None or subprocess.call([make, "-i", "de_DE", "-f", "UTF-8", german]) != 0:
        pytest.skip("no locale with a decimal comma can be made here")
    monkeypatch.setenv("LOCPATH", str(tmp_path))
    before = locale.setlocale(locale.LC_NUMERIC)
    try:
        locale.setlocale(locale.LC_NUMERIC, "de_DE.UTF-8")
        assert locale.localeconv()["decimal_point"] == ","
        read = rr.read_columns(write(tmp_path, "x\n0.5\n"), types={"x": "float64"})
        write_csv(tmp_path / "out.csv", {"x": np.array([0.25])})
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)
    assert read["x"][0] == 0.5
    assert (tmp_path / "out.csv").read_text() == "x\n0.25\n"


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    text = "näme,referral_source\nJosé,zoë\n£,ÿ\n"
    path = write(tmp_path, text.encode(encoding))
    read = rr.read_columns(path, encoding=encoding)
    assert list(read["näme"]) == ["José", "£"]
    assert list(read["referral_source"]) == ["zoë", "ÿ"]


def test_every_byte_of_cp1252_and_latin_1(tmp_path: Path) -> None:
    for encoding in ("cp1252", "latin-1"):
        characters = []
        for byte in range(0x80, 0x100):
            try:
                characters.append(bytes([byte]).decode(encoding))
            except UnicodeDecodeError:
                path = write(tmp_path, b"a\n" + bytes([byte]) + b"\n")
                with pytest.raises(rr.DataError, match=f"0x{byte:02X}, which cp1252 does not"):
                    rr.read_columns(path, encoding=encoding)
        path = write(tmp_path, ("a\n" + "\n".join(characters) + "\n").encode(encoding))
        assert list(rr.read_columns(path, encoding=encoding)["a"]) == characters


def test_a_mark_crlf_and_blank_lines(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeff\r\nchild_id,note\r\n\r\n1, x \r\n\n\r\n2,\r\n\r\n")
    table = rr.read_csv(path)
    assert list(table) == ["child_id", "note"]
    assert table["note"][0] == " x "
    assert len(table) == 2
    assert table.attrs["rereferral"]["blank_lines"] == 5


def test_a_blank_line_in_one_column_is_null(tmp_path: Path) -> None:
    read = rr.read_columns(write(tmp_path, "child_id\n1\n\n3\n\n"))
    assert list(read["child_id"]) == ["1", None, "3", None]
    assert read.blank_lines == 0


def test_a_header_without_rows(tmp_path: Path) -> None:
    table = rr.read_csv(write(tmp_path, "child_id,closure_date,authority,n"), types={"n": "int64"})
    assert len(table) == 0
    assert [str(dtype) for dtype in table.dtypes] == [
        "string",
        "datetime64[s]",
        "category",
        "int64",
    ]


def test_a_file_that_loses_its_name_is_still_read(episodes: Path) -> None:
    def remove(done: int, total: int) -> None:
        episodes.unlink(missing_ok=True)

    assert rr.read_columns(episodes, progress=remove).rows == 3


def test_progress_is_told_in_bytes(episodes: Path) -> None:
    told: list[tuple[int, int]] = []
    rr.read_csv(episodes, progress=lambda done, total: told.append((done, total)))
    size = episodes.stat().st_size
    assert told[0] == (0, size)
    assert told[-1] == (size, size)


def test_an_error_in_progress_comes_out(episodes: Path) -> None:
    def fail(done: int, total: int) -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        rr.read_csv(episodes, progress=fail)


def test_the_arrays_of_a_column_outlive_the_rest(episodes: Path) -> None:
    dates = rr.read_columns(episodes)["closure_date"]
    rr.read_columns(episodes)
    assert dates[0] == np.datetime64("2018-05-01")


def test_memory_stays_flat(tmp_path: Path) -> None:
    """Reading the same file again and again keeps nothing; one leaked column would show."""
    path = write(tmp_path, "child_id,closure_date\n" + "0123456789,2019-04-01\n" * 50_000)
    script = f"""
import resource, rereferral as rr
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in range(5):
    rr.read_columns({str(path)!r})
before = peak()
for _ in range(40):
    rr.read_columns({str(path)!r})
    try:
        rr.read_columns({str(path)!r}, types={{"child_id": "text"}}, date_format="%d/%m/%Y")
    except rr.DataError:
        pass
print(peak() - before)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 8 * 1024  # KiB; one read is 1.4 MiB, 40 of them 56


def test_a_mapping_that_is_the_wrong_way_round_is_told(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("LA,day\nE06000001,2019-01-01\n")
    with pytest.raises(rr.DataError, match=r'no column "authority".*write \{"authority": "LA"\}'):
        rr.read_csv(path, columns={"LA": "authority"})


def test_semicolons_are_told(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("authority;child_id\nE06000001;1\n")
    with pytest.raises(rr.DataError, match="parted by commas, not semicolons"):
        rr.read_columns(path, columns=["authority"])


def test_memory_of_a_table_that_is_gone_is_used_again(tmp_path):
    numbers = np.arange(1_000_000, 2_500_000)  # rows as long as one another
    path = tmp_path / "numbers.csv"
    pd.DataFrame({"n": numbers}).to_csv(path, index=False)
    addresses: set[int] = set()
    for _ in range(3):
        first, second = (rr.read_columns(path, types={"n": "int64"})["n"] for _ in range(2))
        assert not np.shares_memory(first, second)
        part = second[7:9]
        addresses |= {array.__array_interface__["data"][0] for array in (first, second)}
        del first, second
        third = rr.read_columns(path, types={"n": "int64"})["n"]
        if sys.platform == "linux":
            assert third.__array_interface__["data"][0] in addresses
        assert (third == numbers).all()
        assert part.tolist() == [1_000_007, 1_000_008]
