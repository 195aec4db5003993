"""The folder of a report: refused where it is not one, whole or as it was before."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

import report_by_hand as by_hand

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

from rereferral.errors import RuleError
from rereferral.folders import check_folder
from rereferral.report import saving


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def small():
    return by_hand.report(2, 2, 60)


@pytest.fixture(scope="module")
def written(small, tmp_path_factory):
    """A report on disk, for tests that do not change it."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "episodes.csv").write_bytes(b"authority,child_id\nE1,a\n")
    saving.save(small, folder / "report", inputs=[folder / "episodes.csv"])
    return folder


@pytest.fixture(scope="module")
def drawn(small):
    return saving.draw(small.tables, source="Source: by hand.", simulated=True)


@pytest.fixture
def quick(drawn, monkeypatch):
    """Figures that were drawn before, for tests of the folder alone."""
    monkeypatch.setattr(saving, "draw", lambda *_, **__: drawn)


@pytest.fixture
def earlier(written, tmp_path):
    """A report on disk that a test may spoil."""
    shutil.copytree(written / "report", tmp_path / "report")
    return tmp_path / "report"


# --------------------------------------------------------------------------- what is written


def test_page_figures_tables_and_manifest(small, written):
    names = set(contents(written / "report"))
    figures = {"chain", "rate_by_year", "authorities", "time_to_rereferral", "exclusions"}
    assert names == {
        "UNPROTECTED-index.html",
        "manifest.json",
        *(f"figures/UNPROTECTED-{name}.{form}" for name in figures for form in ("png", "svg")),
        *(f"tables/UNPROTECTED-{name}.csv" for name in small.tables),
    }


def test_manifest_lists_every_file_with_its_hash(written):
    files = contents(written / "report")
    manifest = json.loads(files.pop("manifest.json"))
    listed = {line["path"]: (line["bytes"], line["sha256"]) for line in manifest["files"]}
    assert listed == {
        name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()
    }


def test_manifest_says_what_it_was_made_from(small, written):
    manifest = json.loads((written / "report" / "manifest.json").read_bytes())
    data = (written / "episodes.csv").read_bytes()
    assert manifest["inputs"] == [
        {"name": "episodes.csv", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    ]
    assert manifest["options"] == small.options
    assert manifest["definition"] == small.definition.to_dict()
    assert manifest["simulation"] == {"calibration": "report"}
    assert {"rereferral", "python", "numpy", "pandas"} <= set(manifest["versions"])
    assert str(written) not in json.dumps(manifest)


def test_tables_keep_rates_at_full_precision(small, written):
    for name, table in small.tables.items():
        read = pd.read_csv(
            written / "report" / "tables" / f"UNPROTECTED-{name}.csv", keep_default_na=False
        )
        assert list(read.columns) == [*table.columns, "status"]
        assert len(read) == len(table)
    rates = pd.read_csv(written / "report" / "tables" / "UNPROTECTED-chain_by_year.csv")["rate"]
    assert rates.tolist() == small.tables["chain_by_year"]["rate"].tolist()


def test_the_same_report_gives_the_same_bytes(small, written, tmp_path):
    saving.save(small, tmp_path / "again", inputs=[written / "episodes.csv"])
    assert contents(tmp_path / "again") == contents(written / "report")


def test_the_simulation_beside_an_input_is_named(quick, small, tmp_path):
    (tmp_path / "episodes.csv").write_text("authority\n")
    (tmp_path / "manifest.json").write_text(
        json.dumps({"simulated": True, "calibration": "official", "seed": 7, "rows": {}})
    )
    saving.save(small, tmp_path / "report", inputs=[tmp_path / "episodes.csv"])
    manifest = json.loads((tmp_path / "report" / "manifest.json").read_text("utf-8"))
    assert manifest["simulation"] == {"calibration": "official", "seed": 7}
    assert "seed 7" in (tmp_path / "report" / "UNPROTECTED-index.html").read_text("utf-8")


# --------------------------------------------------------------------------- where it may go


def test_an_earlier_report_is_replaced_as_a_whole(quick, earlier, tmp_path):
    report = by_hand.report(1, 1, 9)
    del report.tables["arms"]
    (earlier / ".DS_Store").write_bytes(b"left by a desktop")
    saving.save(report, earlier)
    saving.save(report, tmp_path / "new")
    assert contents(earlier) == contents(tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "report"]


def test_an_empty_folder_and_one_that_is_not_there_yet_are_taken(quick, small, tmp_path):
    (tmp_path / "empty").mkdir()
    assert saving.save(small, tmp_path / "empty") == tmp_path / "empty" / "UNPROTECTED-index.html"
    assert saving.save(small, tmp_path / "a" / "b" / "report").is_file()


def test_a_link_to_a_folder_is_followed_and_stays(quick, small, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    saving.save(small, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "UNPROTECTED-index.html").is_file()


def spoil_with_a_file(folder):
    (folder / "thesis.docx").write_bytes(b"x")
    return "thesis.docx, which no report wrote"


def spoil_with_a_file_further_down(folder):
    (folder / "tables" / "mine").mkdir()
    (folder / "tables" / "mine" / "own.csv").write_bytes(b"x")
    return "tables/mine/own.csv, which no report wrote"


def spoil_with_an_empty_folder(folder):
    (folder / "plans").mkdir()
    return "plans, which no report wrote"


def spoil_a_table(folder):
    with open(folder / "tables" / "UNPROTECTED-chain.csv", "ab") as file:
        file.write(b"a note\n")
    return "tables/UNPROTECTED-chain.csv, which was changed"


def spoil_the_manifest(folder):
    (folder / "manifest.json").write_text('{"simulated": true}')
    return "no report was made there"


def spoil_by_a_link(folder):
    (folder / "UNPROTECTED-index.html").unlink()
    (folder / "UNPROTECTED-index.html").symlink_to("/etc/hostname")
    return "UNPROTECTED-index.html, which is not a plain file"


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_with_a_file,
        spoil_with_a_file_further_down,
        spoil_with_an_empty_folder,
        spoil_a_table,
        spoil_the_manifest,
        spoil_by_a_link,
    ],
)
def test_a_folder_with_anything_else_is_refused_before_any_work(spoil, small, earlier, monkeypatch):
    named = spoil(earlier)
    before = contents(earlier)
    monkeypatch.setattr(saving, "draw", lambda *_, **__: pytest.fail("work was done"))
    with pytest.raises(RuleError, match=named):
        saving.save(small, earlier)
    assert contents(earlier) == before


def test_a_report_that_lost_a_file_is_still_a_report(small, earlier):
    (earlier / "tables" / "UNPROTECTED-chain.csv").unlink()
    check_folder(earlier, "report")


def test_a_file_and_the_current_folder_are_refused(small, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    with pytest.raises(RuleError, match="is a file"):
        check_folder(tmp_path / "file", "report")
    with pytest.raises(RuleError, match="cannot be made: file is a file"):
        check_folder(tmp_path / "file" / "report", "report")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(RuleError, match="is the current folder"):
        check_folder(".", "report")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(RuleError, match="no permission"):
        check_folder(tmp_path / "report", "report")


# --------------------------------------------------------------------------- when it fails


class Broken(Exception):
    """What the failing parts below raise."""


def failing(real, at, error):
    """A function that does as `real` until its call number `at`, which raises."""
    calls = []

    def call(*arguments, **rules):
        calls.append(arguments)
        if len(calls) == at:
            raise error
        return real(*arguments, **rules)

    return call


@pytest.mark.parametrize("error", [Broken(), KeyboardInterrupt(), OSError(28, "No space left")])
@pytest.mark.parametrize(
    ("module", "name", "at"),
    [
        (saving, "draw", 1),
        (saving, "render", 1),
        (Path, "write_bytes", 1),
        (Path, "write_bytes", 9),
        (os, "rename", 1),
        (os, "rename", 2),
    ],
)
def test_a_failed_run_leaves_the_earlier_report(
    module, name, at, error, quick, small, earlier, monkeypatch
):
    before = contents(earlier)
    monkeypatch.setattr(module, name, failing(getattr(module, name), at, error))
    with pytest.raises(type(error)):
        saving.save(small, earlier)
    monkeypatch.undo()
    assert contents(earlier) == before
    assert [path.name for path in earlier.parent.iterdir()] == ["report"]


def test_a_failed_run_leaves_no_folder_behind(quick, small, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "rename", failing(os.rename, 1, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        saving.save(small, tmp_path / "a" / "b" / "report")
    assert not list(tmp_path.iterdir())


def test_work_that_appears_meanwhile_is_not_lost(quick, small, earlier, monkeypatch):
    real = saving.render

    def render(*arguments):
        (earlier / "thesis.docx").write_bytes(b"x")
        return real(*arguments)

    monkeypatch.setattr(saving, "render", render)
    with pytest.raises(RuleError, match=r"thesis\.docx"):
        saving.save(small, earlier)
    assert (earlier / "thesis.docx").read_bytes() == b"x"
    assert [path.name for path in earlier.parent.iterdir()] == ["report"]
