"""`rereferral report`: from a file to the page, or one sentence on why not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

import report_by_hand
import rereferral as rr
from rereferral.cli import main
from rereferral.report import beside, command, drawing

UNTIL = ["--observed-until", "2021-03-31"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    rr.simulate("report", years=[2019, 2020], authorities=["Camden", "Rutland"], seed=3).save(
        folder
    )
    return folder


def run(*arguments):
    return main(["report", *map(str, arguments)])


def test_the_page_and_the_headline(data, tmp_path, capsys):
    out = tmp_path / "report"
    status = run(data / "episodes.csv", "--years", "2019-2020", *UNTIL, "--out", out)
    said = capsys.readouterr()
    assert status == 0
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[0] == str(out / "index.html")
    head = pd.read_csv(out / "tables" / "headline.csv")
    for row in head.itertuples():
        line = next(line for line in lines if line.startswith(row.figure + " "))
        assert row.published in line
        value = f"{row.ours:.1f} %" if row.unit == "percent" else f"{int(row.ours):,}"
        assert line.endswith(value)
    assert "SIMULATED" in said.out
    assert "Protected by the rule DfE: counts from 1 to 5 are hidden as c" in said.out
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert manifest["simulation"]["seed"] == 3
    assert manifest["simulation"]["calibration"] == "report"
    assert [found["name"] for found in manifest["inputs"]] == ["episodes.csv"]
    assert manifest["options"]["years"] == [2019, 2020]


def test_the_command_counts_as_the_function_does(data, tmp_path, capsys):
    arguments = ["--years", "2020", *UNTIL, "--observed-from", "2016-04-01"]
    help_file = ["--early-help", data / "early_help.csv"]
    exact = ["--rule", "none", "--out", tmp_path / "exact"]
    assert run(data / "episodes.csv", *arguments, *help_file, *exact) == 0
    assert "Not for publication: every count is exact" in capsys.readouterr().out
    assert run(data / "episodes.csv", *arguments, *help_file, "--out", tmp_path / "safe") == 0
    report = rr.missed_opportunities(
        rr.read_csv(data / "episodes.csv"),
        rr.read_csv(data / "early_help.csv", types={"start_date": "date"}),
        years=[2020],
        observed_until="2021-03-31",
        observed_from="2016-04-01",
    )
    for name, table in report.tables.items():
        written = tmp_path / "exact" / "tables" / f"UNPROTECTED-{name}.csv"
        assert written.read_text("utf-8") == table.assign(status="SIMULATED").to_csv(index=False)
    for name, table in report.protect().shown.items():
        written = tmp_path / "safe" / "tables" / f"{name}.csv"
        assert written.read_text("utf-8") == table.assign(status="SIMULATED").to_csv(index=False)


def drawn_here(*_, names, **__):
    return dict.fromkeys(names, "drawn here")


def files(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_process_beside_draws_the_same_bytes(data, tmp_path, monkeypatch):
    arguments = [data / "episodes.csv", "--years", "2020", *UNTIL, "--out"]
    run(*arguments, tmp_path / "here")
    monkeypatch.setattr(command, "_LARGE", 0)
    run(*arguments, tmp_path / "beside")
    assert files(tmp_path / "here") == files(tmp_path / "beside")


@pytest.mark.parametrize(
    ("program", "here"),
    [
        (sys.executable, False),
        ("/nowhere/python", True),  # it does not start
        ("/bin/false", True),  # it ends at once
    ],
)
def test_the_other_process_draws_its_figures_if_it_can(program, here, monkeypatch):
    tables = report_by_hand.report(3, 2, 400).tables
    monkeypatch.setattr(beside.sys, "executable", program)
    monkeypatch.setattr(beside, "draw", drawn_here)
    with beside.FiguresBeside() as figures:
        drawn = figures.draw(tables, source="Source: a.csv.", simulated=True)
    assert list(drawn) == [name for name in drawing.FIGURES if name in drawn]
    assert drawn["rate_by_year"] == "drawn here"
    assert (drawn["authorities"] == "drawn here") is here


def test_other_names_of_columns_and_other_columns(data, tmp_path):
    table = pd.read_csv(data / "episodes.csv", dtype=str)
    other = table.rename(columns={"child_id": "PersonRef", "authority": "LA"}).assign(note="?")
    other["remarks"] = "not a date, and not read"
    (tmp_path / "other").mkdir()
    other.to_csv(tmp_path / "other" / "mine.csv", index=False)
    names = ["--column", "child_id=PersonRef", "--column", "authority=LA"]
    common = ["--years", "2020", "--observed-from", "2018-04-01", *UNTIL]
    assert run(tmp_path / "other" / "mine.csv", *common, *names, "--out", tmp_path / "a") == 0
    assert run(data / "episodes.csv", *common, "--out", tmp_path / "b") == 0
    for path in (tmp_path / "a" / "tables").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / "tables" / path.name).read_bytes()
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text("utf-8"))
    assert manifest["options"]["columns"] == {"child_id": "PersonRef", "authority": "LA"}
    assert manifest["simulated"] is True  # the children's ids say so, wherever the file lies


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--column", "child_id"], "is not of the form child_id=PersonRef"),
        (["--column", "kid=PersonRef"], "the report knows no 'kid'"),
        (["--column", "child_id=a", "--column", "child_id=b"], "names 'child_id' twice"),
        (["--column", "child_id=authority"], '"authority" of .* is to be two columns'),
        (["--column", "child_id=Person"], 'no column "Person"'),
        (["--encoding", "utf-7"], "encoding 'utf-7' is not read"),
        (["--date-format", "%d/%m/%Y"], "line 2, column referral_date"),
        (["--observed-until", "someday"], "observed_until"),
        (["--early-help-within", "-30 days", "10 days"], "may not end after the closure"),
        (["--early-help", "missing.csv"], "missing.csv"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(data, tmp_path, capsys, arguments, sentence):
    early_help = ["--early-help", data / "early_help.csv"]
    out = ["--out", tmp_path / "report"]
    assert run(data / "episodes.csv", *UNTIL, *early_help, *arguments, *out) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("rereferral: ")
    assert said.err.count("\n") == 1
    assert pd.Series([said.err]).str.contains(sentence)[0], said.err
    assert not list(tmp_path.iterdir())


def test_the_folder_is_refused_before_the_file_is_opened(tmp_path, capsys):
    (tmp_path / "thesis.docx").write_text("x")
    assert run(tmp_path / "missing.csv", *UNTIL, "--out", tmp_path) == 2
    assert "thesis.docx" in capsys.readouterr().err


def test_a_file_that_changes_while_it_is_read_is_refused(data, tmp_path, capsys, monkeypatch):
    (tmp_path / "mine.csv").write_bytes((data / "episodes.csv").read_bytes())
    real = command._read

    def read(*arguments):
        read_columns = real(*arguments)
        os.utime(tmp_path / "mine.csv", ns=(1, 1))
        return read_columns

    monkeypatch.setattr(command, "_read", read)
    assert run(tmp_path / "mine.csv", *UNTIL, "--out", tmp_path / "report") == 2
    assert "changed while it was read" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_interrupted_it_leaves_nothing_behind(data, tmp_path):
    code = (
        "import sys, matplotlib.figure; from rereferral.cli import main;"
        "print('ready', flush=True); sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["report", data / "episodes.csv", *UNTIL, "--out", tmp_path / "report"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.3)  # reading, counting and drawing take longer than that
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == b"rereferral: interrupted\n"
    assert not list(tmp_path.iterdir())
