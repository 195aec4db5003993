"""Text that the CSV reader made is not checked again; what anybody else has made of it is."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import rereferral as rr
from rereferral import _core, frames
from rereferral.columns import column_of
from rereferral.text import Text

pa = pytest.importorskip("pyarrow")

IDS = ["007", "", "x y", "Zoë", "", "11"]


def frame(tmp_path: Path, ids: list[str]) -> pd.DataFrame:
    path = tmp_path / "ids.csv"
    path.write_text("child_id,row\n" + "".join(f"{name},{i}\n" for i, name in enumerate(ids)))
    return rr.read_csv(path)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the columns that are checked."""
    lengths: list[int] = []
    check = _core.text_check

    def counted(offsets: Any, data: Any, valid: Any) -> int:
        lengths.append(len(offsets) - 1)
        return check(offsets, data, valid)

    monkeypatch.setattr(_core, "text_check", counted)
    return lengths


def present(series: pd.Series) -> tuple[list[str | None], int]:
    column = column_of(series)
    assert isinstance(column, Text)
    kept, blank = column.present()
    return list(kept), blank


def test_what_was_read_is_not_checked_again(tmp_path: Path, checks: list[int]) -> None:
    table = frame(tmp_path, ["007", "", "11"])
    assert present(table["child_id"]) == (["007", None, "11"], 0)
    assert present(table["child_id"].iloc[1:]) == ([None, "11"], 0)
    # Pandas 2.1 copies text to offsets of 32 bits, which is memory of another.
    as_read = pa.types.is_large_string(pa.array(table["child_id"].array).type)
    assert checks == ([] if as_read else [3, 2])


def test_columns_too(tmp_path: Path, checks: list[int]) -> None:
    path = tmp_path / "ids.csv"
    path.write_text("child_id\n007\n\n11\n")
    column = rr.read_columns(path)["child_id"]
    assert (list(column.present()[0]), column.present()[1]) == (["007", None, "11"], 0)
    assert checks == []


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u3000", "\x1c"])
@pytest.mark.parametrize("row", [0, 9_999])
def test_blank_values_are_counted(tmp_path: Path, blank: str, row: int) -> None:
    ids = [f"C{i}" for i in range(10_000)]
    ids[row] = blank
    values, n = present(frame(tmp_path, ids)["child_id"])
    assert n == 1
    assert values[row] is None
    assert values.count(None) == 1


@pytest.mark.parametrize("ids", [IDS, ["a", "", "b", "c"], ["a"], ["", ""], []])
def test_slices_and_changes_are_read_as_they_are(tmp_path: Path, ids: list[str]) -> None:
    names = frame(tmp_path, ids)["child_id"]
    expected = [name or None for name in ids]
    n = len(ids)
    for start in range(n + 1):
        for stop in range(start, n + 1):
            assert present(names.iloc[start:stop]) == (expected[start:stop], 0)
    again = pd.concat([names, names.iloc[1:]], ignore_index=True)
    assert present(again) == (expected + expected[1:], 0)
    if n:
        changed = names.copy()
        changed.iloc[0] = " "
        assert present(changed) == ([None, *expected[1:]], 1)
        names.iloc[-1] = None
        assert present(names) == ([*expected[:-1], None], 0)


def test_nulls_that_became_values_are_blank(tmp_path: Path) -> None:
    array = frame(tmp_path, ["a", "", "b"])["child_id"].array.__arrow_array__()
    chunk = array.chunks[0] if isinstance(array, pa.ChunkedArray) else array
    _, offsets, data = chunk.buffers()
    bare = pa.Array.from_buffers(chunk.type, 3, [None, offsets, data])
    column = column_of(bare)
    assert isinstance(column, Text)
    assert list(column) == ["a", "", "b"]
    assert column.present()[1] == 1


def test_memory_of_another_is_checked(tmp_path: Path, checks: list[int]) -> None:
    offsets, data = np.array([0, 1, 3]), np.frombuffer(b"abc", np.uint8)
    given = pd.Series(Text(offsets, data).to_pandas())
    checks.clear()
    present(given)
    assert checks == [2]


def test_text_that_was_read_cannot_be_written_to(tmp_path: Path) -> None:
    path = tmp_path / "ids.csv"
    path.write_text("child_id,n\n007,1\n,2\n")
    column = rr.read_columns(path)["child_id"]
    for array in (column.given_offsets, column.data, column.valid):
        while isinstance(array, np.ndarray):
            with pytest.raises(ValueError, match="WRITEABLE"):
                array.flags.writeable = True
            array = array.base


def test_nothing_is_remembered_of_columns_that_are_gone(tmp_path: Path) -> None:
    gc.collect()
    before = len(frames._LENT)
    table = frame(tmp_path, IDS)
    names = table["child_id"].iloc[2:4]
    assert len(frames._LENT) == before + 2
    del table
    gc.collect()
    assert len(frames._LENT) == before + 1
    assert present(names) == (["x y", "Zoë"], 0)
    del names
    gc.collect()
    assert len(frames._LENT) == before
