"""All published figures together: a line and a reason for each, printed, written, and asked for."""

from __future__ import annotations

import pandas as pd
import pytest

import rereferral as rr
from rereferral.cli import main
from rereferral.verdicts.lines import COLUMNS, KINDS, as_table
from rereferral.verdicts.open_data import OpenData
from rereferral.verdicts.ranges import UNTESTED, VERDICTS
from rereferral.verdicts.rates import Counted, rate_lines, share_lines
from shared_data import shared

FIVE = range(2016, 2021)


@pytest.fixture(scope="module")
def part():
    simulated = rr.simulate(authorities=["Camden", "Rutland"], seed=1)
    report = rr.missed_opportunities(
        simulated.episodes,
        years=FIVE,
        observed_until=simulated.observed_until,
        observed_from=simulated.observed_from,
    )
    return simulated, report


def test_every_figure_has_a_line_and_a_reason(part):
    found = rr.published_figures(report=part[1])
    table = found.table
    assert list(table.columns) == list(COLUMNS)
    assert set(table["kind"]) <= set(KINDS)
    assert set(table["verdict"]) <= set(VERDICTS)
    assert (table["reason"].str.len() > 10).all()
    assert table["reason"].str.endswith(".").all()
    assert not table.duplicated(["section", "figure", "when"]).any()
    assert found.verdicts.sum() == len(table)
    # Nothing is copied: a figure without anything beside it is never said to agree.
    alone = table["ours"] == ""
    assert (table.loc[alone, "verdict"] == UNTESTED).all()
    assert (table.loc[table["kind"] == "restated", "ours"] == "").all()
    needs = table[
        (table["verdict"] == UNTESTED) & table["section"].isin(["Regions", "Authorities"])
    ]
    assert needs["reason"].str.startswith("Needs").all()


def test_a_folder_of_tables_adds_no_line_and_tests_more(part):
    without = rr.published_figures(report=part[1])
    given = rr.published_figures(report=part[1], dfe=shared("dfe_cin_2024"))
    keys = ["section", "figure", "when", "published"]
    pd.testing.assert_frame_equal(without.table[keys], given.table[keys])
    assert given.verdicts[UNTESTED] < without.verdicts[UNTESTED] - 90


def test_a_report_that_was_saved_gives_the_same_lines(part, tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    part[1].save(tmp_path / "report")
    saved = Counted.read(tmp_path / "report")
    at_hand = Counted.of(part[1])
    assert saved.simulated
    for lines in (share_lines, lambda counted: rate_lines(counted, OpenData())):
        assert as_table(lines(saved)).equals(as_table(lines(at_hand)))


def test_figures_of_real_children_are_marked_unless_small_counts_are_hidden(part, tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    table = part[0].episodes.assign(child_id=lambda rows: rows["child_id"].str.removeprefix("SIM"))
    exact = rr.missed_opportunities(table, years=FIVE, observed_until="2021-03-31")
    assert not exact.simulated
    exact.save(tmp_path / "exact", rule=None)
    exact.save(tmp_path / "safe")
    for name, report, protected in (
        ("put in", part[1], True),
        ("at hand", exact, False),
        ("protected", exact.protect(), True),
        ("saved exact", tmp_path / "exact", False),
        ("saved", tmp_path / "safe", True),
    ):
        found = rr.published_figures(report=report)
        assert found.protected == protected, name
        path = found.to_csv(tmp_path / f"{name}.csv")
        assert path.name == f"{'' if protected else 'UNPROTECTED-'}{name}.csv"
        assert path.is_file()


def test_it_reads_in_120_columns_and_ends_with_the_count(part):
    found = rr.published_figures(report=part[1])
    text = str(found)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 120
    assert lines[0].startswith("SIMULATED: ")
    assert lines[-1] == repr(found).removeprefix("PublishedFigures: ")
    for name in dict.fromkeys(found.table["section"]):
        assert len([line for line in lines if line.startswith(f"{name}  ")]) == 1
    for reason in found.table["reason"]:
        assert reason.split(" ")[0] in text
    assert "<table" in found._repr_html_()
    with pytest.raises(rr.RuleError, match="there is no section 'Nothing', but Too little"):
        found.section("Nothing")


def test_a_report_of_something_else_is_refused(tmp_path):
    with pytest.raises(rr.RuleError, match="neither a Report nor the folder of one"):
        rr.published_figures(report=3)
    with pytest.raises(rr.DataError, match="holds no report"):
        rr.published_figures(report=tmp_path)


# ---------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def episodes(part, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    part[0].save(folder)
    return folder / "episodes.csv"


def test_the_command_prints_and_writes(episodes, part, tmp_path, capsys):
    out = tmp_path / "figures.csv"
    arguments = ["--report", str(episodes), "--observed-until", "2021-03-31", "--out", str(out)]
    assert main(["figures", *arguments]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    found = rr.published_figures(report=part[1])
    assert repr(found).removeprefix("PublishedFigures: ") in said.out
    written = pd.read_csv(out, keep_default_na=False)
    assert list(written["published"]) == list(found.table["published"])
    assert list(written["verdict"]) == list(found.table["verdict"])
    texts = written[["section", "figure", "when", "published", "ours", "reason"]]
    assert not texts.map(lambda cell: str(cell).startswith(("=", "+", "-", "@"))).any(axis=None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dfe", "nowhere"], "nowhere is not a folder"),
        (["--report", "nowhere"], "nowhere holds no report"),
        (["--report", "EPISODES"], "needs --observed-until"),
        (["--report", "nowhere", "--seed", "3"], "--seed is of the simulated England"),
        (["--observed-from", "2015-04-01"], "are of a file of episodes"),
    ],
)
def test_what_the_command_refuses(arguments, message, episodes, capsys):
    given = [str(episodes) if text == "EPISODES" else text for text in arguments]
    assert main(["figures", *given]) == 2
    assert message in capsys.readouterr().err
