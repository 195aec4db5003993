"""Every way of reading a file gives the columns that libcsv alone gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rereferral as rr
from rereferral import _core

LIBCSV, PORTABLE, AVX2, AVX512 = 1, 2, 3, 4  # the numbers of rr_csv_path
KINDS = np.array([6, 5, 1, 2, 4, 3], np.int32)
HEADER = "area,child,day,number,flag,rate\n"


@pytest.fixture(params=[1, 2, 7])
def threads(request: pytest.FixtureRequest) -> Any:
    before = rr.get_num_threads()
    rr.set_num_threads(request.param)
    yield request.param
    rr.set_num_threads(before)


def rows(quote: str, eol: str, every: int, irregular: str) -> str:
    """40,000 rows, of which one in so many is irregular."""
    lines = []
    for i in range(40_000):
        fields = [f"E{i % 150:08d}", f"C{i * 7919 % 10**9}", f"20{i % 20:02d}-0{1 + i % 9}-17"]
        fields += [str(i * i), str(i % 2), f"{i / 8}"]
        line = ",".join(f"{quote}{field}{quote}" for field in fields)
        lines.append(irregular if every and i % every == every // 2 else line)
    return HEADER.replace("\n", eol) + eol.join(lines) + eol


SHAPES = {
    "plain": rows("", "\n", 0, ""),
    "plain, CRLF": rows("", "\r\n", 0, ""),
    "quoted": rows('"', "\n", 0, ""),
    "one in 4,000 quoted": rows("", "\n", 4000, 'E1,"two\nlines, one field",2019-01-01,1,0,1'),
    "lines in quotes, then doubled": rows('"', "\n", 7, 'E1,"a\nb",2019-01-01,1,0,"1"')
    + ('E1,"e\nf ""g""",2019-01-01,1,0,1\nE1,x,2019-02-29,1,0,1\n' * 300),
    "one in 400 doubled": rows("", "\n", 400, 'E1,"a ""quoted"" id",2019-01-01,1,0,1'),
    "one in 400 ragged": rows('"', "\r\n", 400, "E1,1"),
    "one in 400 wrong": rows("", "\n", 400, "E1,1,2019-02-29,1,0,1"),
}


def read(path: Path, way: int, block_size: int = 0) -> Any:
    with path.open("rb", buffering=0) as file:
        return _core.csv_read(file, KINDS, "ISO", 0, True, True, block_size, None, way)


def flat(answer: Any) -> list[Any]:
    columns, bad, *counts = answer
    return [*counts, *(array for column in [*columns, *bad] for array in column)]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_answer_of_libcsv(shape: str, threads: int, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(SHAPES[shape].encode())
    judge = flat(read(path, LIBCSV))
    for way in (0, PORTABLE, AVX2, AVX512):
        for block_size in (0, 5_000):
            try:
                answer = flat(read(path, way, block_size))
            except rr.RereferralError as error:
                if way in (AVX2, AVX512) and "this machine" in str(error):
                    continue
                raise
            assert len(answer) == len(judge)
            for one, other in zip(answer, judge, strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("values", [126, 127, 300, 32_766, 32_767, 40_000])
def test_codes_widen_when_values_are_many(values: int, threads: int, tmp_path: Path) -> None:
    # The first blocks have a few values, the last ones all.
    codes = np.concatenate([np.arange(50_000) % 7, np.arange(values), np.arange(50_000) % 100])
    path = tmp_path / "areas.csv"
    path.write_text("area,n\n" + "".join(f"E{code},{code}\n" if code else ",0\n" for code in codes))
    found = rr.read_columns(path, types={"area": "category", "n": "int64"})
    assert (found["n"] == codes).all()
    area = found["area"]
    assert area.categories.tolist() == [f"E{code}" for code in range(1, values)]
    assert (area.codes == codes - 1).all()
    assert area.codes.itemsize == (1 if values - 1 < 127 else 2 if values - 1 < 32_767 else 4)


@pytest.mark.parametrize("null", [0, 90_000, 119_999])
def test_a_mask_from_the_first_null_on(null: int, threads: int, tmp_path: Path) -> None:
    path = tmp_path / "masks.csv"
    lines = [f"C{i},{i},{i % 2},{i}\n" for i in range(120_000)]
    lines[null] = f",,,{null}\n"
    path.write_text("text,number,flag,full\n" + "".join(lines))
    kinds = {"text": "text", "number": "int64", "flag": "bool", "full": "int64"}
    found = rr.read_columns(path, types=kinds)
    expected = np.arange(120_000) == null
    assert (~found["text"].valid == expected).all()
    assert found["text"][120_000 - 1] == (None if null == 119_999 else "C119999")
    for name in ("number", "flag"):
        assert (found[name].mask == expected).all()
    assert type(found["full"]) is np.ndarray


def test_every_day_there_is(tmp_path: Path) -> None:
    days = np.arange(np.datetime64("0001-01-01"), np.datetime64("10000-01-01"))
    path = tmp_path / "days.csv"
    # The last column of a record, and one that is not; beside each day a field that is empty.
    text = "\n".join(
        f"{a},,{b}" for a, b in zip(days.astype(str), days[::-1].astype(str), strict=True)
    )
    path.write_text("first,none,last\n" + text + "\n")
    for way in (PORTABLE, 0):
        for in_seconds, unit in ((False, "D"), (True, "s")):
            with path.open("rb", buffering=0) as file:
                kinds = np.array([1, 1, 1], np.int32)
                columns = _core.csv_read(
                    file, kinds, "ISO", 0, True, False, 0, None, way, in_seconds
                )[0]
            first, none, last = (values.view(f"M8[{unit}]") for values, *_ in columns)
            assert (first == days).all()
            assert (last == days[::-1]).all()
            assert np.isnat(none).all()


GOOD = ["2019-02-28", "1999-12-31", "2024-02-29", "", "", "2019-02-28T00:00:00"]
ODD = [
    "2019-02-29",
    "2019-2-028",
    "2019-02-28x",
    "2019-02-2",
    "019-02-28",
    "2019-13-01",
    "0000-01-01",
    "2019/02-28",
    "2019-02/28",
    "2019,02-28",
    " 2019-02-28",
    "2019-02-28 ",
    "2019-02-28\n",
    "2019-02-28,x",
    '""',
    '"',
    ",",
]


@pytest.mark.parametrize("quoting", ["never", "always", "sometimes", "columns", "but empty"])
@pytest.mark.parametrize("eol", ["\n", "\r\n"])
@pytest.mark.parametrize("in_seconds", [False, True])
def test_dates_and_what_is_nearly_one(
    quoting: str, eol: str, in_seconds: bool, tmp_path: Path
) -> None:
    dice = np.random.default_rng([len(quoting), len(eol), in_seconds])
    lines = []
    for _ in range(4_000):
        good = dice.random() < 0.98
        record = []
        for column in range(3):
            field = str(dice.choice(GOOD if good or column != dice.integers(3) else ODD))
            within = {
                "never": any(sign in field for sign in '",\n'),
                "always": True,
                "sometimes": dice.random() < 0.5,
                "columns": column != 1,
                "but empty": field != "",
            }
            doubled = field.replace('"', '""')
            record.append(f'"{doubled}"' if within[quoting] else field)
        lines.append(",".join(record))
    text = eol.join(["first,middle,last", *lines]) + eol
    path = tmp_path / "days.csv"
    path.write_bytes(text.encode())
    answers = []
    for way in (LIBCSV, 0, PORTABLE):
        with path.open("rb", buffering=0) as file:
            kinds = np.array([1, 1, 1], np.int32)
            given = file, kinds, "ISO", 0, True, True, 0, None, way, in_seconds
            answers.append(flat(_core.csv_read(*given)))
    judge = answers[0]
    assert 3_000 < judge[0] < 4_000
    for answer in answers[1:]:
        for one, other in zip(answer, judge, strict=True):
            np.testing.assert_array_equal(one, other)
