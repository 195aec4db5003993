"""A release on disk: in a folder of its own, whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import rereferral as rr
from rereferral.disclosure import release as module
from rereferral.disclosure.release import Release

RATES = pd.DataFrame({"authority": list("ABC"), "n": [40, 38, 55], "linked": [12, 3, 21]})


@pytest.fixture(autouse=True)
def _needs_scipy() -> None:
    pytest.importorskip("scipy")


def release(*names: Any) -> Release:
    return rr.protect(dict.fromkeys(names, RATES))


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_into_a_new_folder_below_new_ones_or_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "a" / "b", tmp_path / "empty"):
        assert release("t").save(folder) == folder
        assert files(folder) == {"t.csv", "log.csv", "rule.json"}


def test_a_folder_that_is_not_empty_stays(tmp_path: Path) -> None:
    release("t").save(tmp_path / "out")
    with pytest.raises(rr.RuleError, match="out is not an empty folder; give the release its own"):
        release("u").save(tmp_path / "out")
    assert files(tmp_path / "out") == {"t.csv", "log.csv", "rule.json"}


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(rr.RuleError, match="file is a file; the release needs a folder"):
        release("t").save(tmp_path / "file")
    with pytest.raises(rr.RuleError, match="cannot be made: file is a file"):
        release("t").save(tmp_path / "file" / "below")


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(rr.RuleError, match="out cannot be written: no permission in the folder"):
        release("t").save(tmp_path / "out")


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(table: pd.DataFrame) -> str:
        if "done" in table.columns:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return "a\n"

    monkeypatch.setattr(module, "to_csv", full)
    with pytest.raises(OSError, match="No space left"):
        release("t").save(tmp_path / "a" / "out")
    assert files(tmp_path) == set()


@pytest.mark.parametrize("name", ["log", "LOG", "rule", "Rule"])
def test_a_table_does_not_take_the_place_of_the_log_or_the_rule(tmp_path: Path, name: str) -> None:
    with pytest.raises(rr.RuleError, match=f'a table cannot be saved as "{name}"'):
        release("t", name).save(tmp_path / "out")
    assert files(tmp_path) == set()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b", ("a", 1), 1.5], ids=repr)
def test_names_that_no_file_could_have(tmp_path: Path, name: Any) -> None:
    with pytest.raises(rr.RuleError, match="has no name that a file could have"):
        release(name).save(tmp_path / "out")
    assert files(tmp_path) == set()


def test_tables_by_year(tmp_path: Path) -> None:
    found = release(2019, 2020)
    assert files(found.save(tmp_path / "out")) == {"2019.csv", "2020.csv", "log.csv", "rule.json"}
    assert repr(found).startswith("Release of 2019, 2020\n")
    assert "<strong>2020</strong>" in found._repr_html_()


def test_two_tables_of_one_file(tmp_path: Path) -> None:
    with pytest.raises(rr.RuleError, match=r"the tables 'a' and 'A' would be one file"):
        release("a", "A").save(tmp_path / "out")
    assert files(tmp_path) == set()
