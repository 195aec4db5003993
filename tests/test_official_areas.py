"""Official figures beside computed ones, by authority and year."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import rereferral as rr
from rereferral.cli import main
from shared_data import shared

HEADER = (
    "time_period,geographic_level,region_name,new_la_code,la_name,Referrals,Re_referrals,"
    "No_Further_Action,Not_in_Need\n"
)
ROWS = (
    "2020,Local authority,London,E09000007,Camden,10,4,0,2\n"
    "2020,Local authority,South East,E06000060,Buckinghamshire,20,5,0,c\n"
    "2019,Local authority,South East,E10000002,Buckinghamshire,x,5,0,3\n"
    "2019,Local authority,London,E09000007,Camden,7,0,0,0\n"
)
DATES = ("referral_date", "assessment_date", "closure_date")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dfe").mkdir()
    (tmp_path / "dfe" / "referrals.csv").write_text(HEADER + ROWS)
    return tmp_path / "dfe"


def episode(authority: str, child: str, referral: str, closure: str) -> dict[str, str]:
    return {
        "authority": authority,
        "child_id": child,
        "referral_date": referral,
        "assessment_date": referral,
        "closure_date": closure,
        "reason_for_closure": "RC8",
    }


def report(folder: Path, rows: list[dict[str, str]], **more: str) -> rr.Report:
    table = pd.DataFrame(rows)
    for name in DATES:
        table[name] = pd.to_datetime(table[name])
    return rr.missed_opportunities(
        table, years=[2019, 2020], observed_until="2021-03-31", dfe=folder, **more
    )


EPISODES = [
    episode("E09000007", "a", "2019-05-01", "2019-06-01"),
    episode("E09000007", "a", "2019-09-01", "2019-10-01"),  # within 12 months of the first
    episode("E09000007", "b", "2019-09-01", "2020-05-01"),  # closed in another year
    episode("E09000007", "b", "2019-09-01", "2020-06-01"),  # the same episode, a year later
    episode("E10000002", "c", "2018-09-01", "2018-09-20"),
    episode("E06000060", "c", "2019-08-01", "2019-09-20"),  # the same area under its later code
    episode("E99999999", "d", "2019-09-01", "2019-10-01"),
]


def test_by_hand(folder):
    found = report(folder, EPISODES, observed_from="2017-04-01").tables["official_by_authority"]
    lines = found.set_index(["authority_name", "financial_year"])
    camden = lines.loc[("Camden", "2019-20")]
    # Two episodes of a, one of b that comes twice; one of the three is a re-referral.
    assert camden["referrals"] == 3
    assert camden["referrals_official"] == 10
    assert camden["referrals_difference"] == -7
    assert camden["re_referral_rate"] == pytest.approx(1 / 3)
    assert camden["re_referral_rate_official"] == 0.4
    assert camden["not_in_need"] == 2
    assert camden["official_missing"] == ""
    # A code that alone changed is one area, under the code of the year.
    later = lines.loc[("Buckinghamshire", "2019-20")]
    assert (later["authority"], later["referrals"], later["re_referral_rate"]) == (
        *("E06000060", 1),
        1.0,
    )
    assert pd.isna(later["not_in_need_official"])
    assert later["official_missing"] == "not in need suppressed"
    earlier = lines.loc[("Buckinghamshire", "2018-19")]
    assert (earlier["authority"], earlier["official_missing"]) == (
        *("E10000002",),
        "referrals not available",
    )
    assert pd.isna(earlier["re_referral_rate_official"])
    unknown = lines.loc[("E99999999", "2019-20")]
    assert unknown["official_missing"] == "not in the table of 2019-20"
    assert ("Camden", "2018-19") not in lines.index


def test_without_a_first_day_there_is_no_rate(folder):
    found = report(folder, EPISODES).tables["official_by_authority"]
    assert found["re_referral_rate"].isna().all()
    assert found["referrals"].sum() == 6


def test_without_the_folder_there_is_no_such_table(folder):
    table = pd.DataFrame(EPISODES)
    for name in DATES:
        table[name] = pd.to_datetime(table[name])
    without = rr.missed_opportunities(table, years=[2019, 2020], observed_until="2021-03-31")
    assert "official_by_authority" not in without.tables
    assert "dfe" not in without.options


def test_a_folder_without_the_table_is_refused(folder):
    (folder / "referrals.csv").unlink()
    columns = "time_period,geographic_level,region_name,new_la_code,la_name,Assessments_completed\n"
    (folder / "c2.csv").write_text(columns)
    with pytest.raises(rr.DataError, match="does not hold table C1 of children in need"):
        report(folder, EPISODES)


def test_the_page_has_it_with_the_definitions(folder, tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    made = report(folder, EPISODES, observed_from="2017-04-01")
    text = made.save(tmp_path / "page", rule=None).read_text("utf-8")
    assert "Official figures and those of this report, by authority and year" in text
    assert "referrals that were assessed and found not in need" in text
    section = text[text.index('id="t-official-areas"') :]
    row = section[section.index("Camden") :]
    cells = row[row.index("<td") : row.index("</tr>", row.index("<td"))]
    for shown in ("10", "3", "-7", "40.0\N{NO-BREAK SPACE}%", "33.3\N{NO-BREAK SPACE}%", "-6.7"):
        assert f">{shown}<" in cells
    assert (tmp_path / "page" / "tables" / "UNPROTECTED-official_by_authority.csv").is_file()
    file = json.loads((tmp_path / "page" / "manifest.json").read_text())["options"]["dfe"]
    assert file["name"] == "referrals.csv"


def test_the_command_takes_the_folder(folder, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    pd.DataFrame(EPISODES).to_csv(tmp_path / "episodes.csv", index=False)
    arguments = [str(tmp_path / "episodes.csv"), "--years", "2019-2020"]
    arguments += ["--observed-until", "2021-03-31", "--out", str(tmp_path / "page")]
    assert main(["report", *arguments, "--dfe", str(folder)]) == 0
    assert (tmp_path / "page" / "tables" / "official_by_authority.csv").is_file()
    assert main(["report", *arguments, "--dfe", str(tmp_path / "none")]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_it_adds_up_to_the_series_of_the_report():
    simulated = rr.simulate(authorities=["Camden", "Rutland", "Leeds"], seed=1)
    made = rr.missed_opportunities(
        simulated.episodes,
        years=range(2016, 2021),
        observed_until=simulated.observed_until,
        observed_from=simulated.observed_from,
        dfe=shared("dfe_cin_2024"),
    )
    found = made.tables["official_by_authority"]
    assert len(found) == 3 * 5
    series = made.tables["reconciliation"].set_index(["measure", "financial_year"])
    sums = found.groupby("financial_year")[["referrals", "referrals_official"]].sum()
    assert sums["referrals"].tolist() == series.loc["referrals", "ours"].tolist()
    assert sums["referrals_official"].tolist() == series.loc["referrals", "official"].tolist()
    below = found.groupby("financial_year")["not_in_need"].sum()
    assert below.tolist() == made.tables["chain_by_year"]["below_threshold"].tolist()
