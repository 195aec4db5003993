"""Published figures beside ours: change what ours is made from, and the verdict changes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import report_by_hand as by_hand
import rereferral as rr
from rereferral import published
from rereferral.estimate import england
from rereferral.formats import dfe
from rereferral.verdicts import official, too_little
from rereferral.verdicts.open_data import Count, OpenData, Table
from rereferral.verdicts.ranges import (
    AGREES,
    CONSISTENT,
    NOT_BORNE_OUT,
    UNTESTED,
    exact,
    exactly,
)
from rereferral.verdicts.rates import Counted, rate_lines, share_lines
from rereferral.verdicts.spending import Councils, Outturn, claim_lines, outturn_lines
from rereferral.verdicts.too_little import Official, chain_lines
from shared_data import shared

REPORT = too_little.REPORT
C1 = "c1_children_in_need_referrals_and_rereferrals_2013_to_2024.csv"
FIVE = range(2016, 2021)


def find(lines, figure, when=None):
    """The one line of a figure."""
    found = [
        line for line in lines if line.figure.startswith(figure) and (when in (None, line.when))
    ]
    assert len(found) == 1, [line.figure for line in found]
    return found[0]


# ---------------------------------------------------------------- England from a tidy table

HEADER = (
    "time_period,geographic_level,region_name,new_la_code,la_name,Referrals,Re_referrals,"
    "No_Further_Action,Not_in_Need\n"
)


def tidy(tmp_path: Path, rows: str) -> Table:
    path = tmp_path / "c1.csv"
    path.write_text(HEADER + rows)
    return Table(dfe.read(path))


def test_england_is_the_sum_of_its_authorities(tmp_path):
    table = tidy(
        tmp_path,
        "2020,Local authority,A,E1,One,100,20,5,30\n"
        "2020,Local authority,A,E2,Two,50,c,0,c\n"
        "2020,Regional,A,,,150,20,10,30\n",
    )
    assert table.england(2020, "Referrals").range == exactly(150)
    found = table.england(2020, "Re_referrals")
    assert (found.value, found.range.low, found.range.high) == (23, 21, 25)
    assert "1 suppressed" in found.how
    assert table.england(2019, "Referrals") is None


def test_regions_stand_in_for_an_authority_that_is_not_published(tmp_path):
    table = tidy(
        tmp_path,
        "2020,Local authority,A,E1,One,100,20,5,30\n"
        "2020,Local authority,B,E2,Two,x,7,0,c\n"
        "2020,Regional,A,,,100,20,0,30\n"
        "2020,Regional,B,,,60,10,0,0\n"
        "2020,Regional,Inner London,,,60,10,0,0\n",
    )
    found = table.england(2020, "Referrals")
    # A from its authority, exactly; B as it was printed, rounded to 10.
    assert (found.value, found.range.low, found.range.high) == (160, 155, 165)
    assert "where one is not published (Two)" in found.how
    assert table.england(2020, "Re_referrals").range == exactly(27)
    region = table.region(2020, "B", "Referrals")
    assert (region.range.low, region.range.high) == (55, 65)


def test_nothing_stands_in_where_the_region_is_missing_too(tmp_path):
    half = "2020,Local authority,A,E1,One,x,20,5,30\n2020,Local authority,B,E2,Two,9,7,0,c\n"
    assert (
        tidy(tmp_path, f"{half}2020,Regional,A,,,100,20,0,30\n").england(2020, "Referrals") is None
    )
    table = tidy(
        tmp_path,
        "2020,Local authority,A,E1,One,x,20,5,30\n2020,Regional,A,,,x,20,10,30\n",
    )
    assert table.england(2020, "Referrals") is None
    assert table.region(2020, "A", "Referrals") is None


def test_a_table_without_authorities_tests_nothing(tmp_path):
    (tmp_path / "c1.csv").write_text(HEADER + "2020,National,,,,100,20,5,30\n")
    data = OpenData.read(tmp_path)
    lines = [*official.series(data), *official.regions(data), *official.authorities(data)]
    assert {line.verdict for line in lines if line.kind != "arithmetic"} == {UNTESTED}


def test_london_is_its_two_parts(tmp_path):
    table = tidy(
        tmp_path,
        "2020,Local authority,Inner London,E1,One,100,20,5,30\n"
        "2020,Local authority,Outer London,E2,Two,60,9,5,30\n",
    )
    assert table.region(2020, "London", "Referrals").range == exactly(160)


# ---------------------------------------------------------------- the Department's own files


@pytest.fixture(scope="module")
def data():
    return OpenData.read(shared("dfe_cin_2024"))


def changed(tmp_path: Path, change) -> OpenData:
    """The Department's referrals with some cells changed."""
    table = pd.read_csv(shared("dfe_cin_2024", C1), dtype=str, keep_default_na=False)
    change(table)
    table.to_csv(tmp_path / C1, index=False)
    return OpenData.read(tmp_path)


def cell(table, year, place):
    return (table["time_period"] == str(year)) & (table["la_name"] == place)


def test_the_series_comes_out(data):
    lines = official.series(data)
    assert len(lines) == 13 * 7 + 1
    for line in lines:
        if line.published == "–" or line.figure.startswith("Children"):
            assert line.verdict == UNTESTED
        elif line.when == "2025":
            assert line.verdict == (AGREES if "%" in line.figure else UNTESTED)
        else:
            assert line.verdict in (AGREES, CONSISTENT), line
            assert abs(line.ours_value - line.published_value) < 15
    # Where every authority is published the sum gives the printed figure to its last digit.
    whole = {"2019": "Referrals", "2020": "Assessed not in need", "2018": "Assessments completed"}
    for year, figure in whole.items():
        assert [line.verdict for line in lines if (line.figure, line.when) == (figure, year)] == [
            AGREES
        ]


@pytest.mark.parametrize(
    ("more", "verdict"), [(0, AGREES), (28, NOT_BORNE_OUT), (None, CONSISTENT)]
)
def test_a_count_of_one_authority_decides(tmp_path, more, verdict):
    """28 referrals more in Birmingham; or no count, and the regions stand in."""

    def change(table):
        at = cell(table, 2020, "Birmingham")
        count = int(table.loc[at, "Referrals"].item())
        table.loc[at, "Referrals"] = "x" if more is None else str(count + more)

    found = find(official.series(changed(tmp_path, change)), "Referrals", "2020")
    assert found.verdict == verdict


def test_without_its_region_a_missing_authority_cannot_be_made_up_for(tmp_path):
    def change(table):
        table.loc[cell(table, 2020, "Birmingham"), "Referrals"] = "x"
        table.loc[table["geographic_level"] == "Regional", "Referrals"] = "x"

    found = find(official.series(changed(tmp_path, change)), "Referrals", "2020")
    assert found.verdict == UNTESTED
    assert found.reason.startswith("Needs the count of every authority or of every region")


def test_regions_and_authorities_come_out(data):
    regions = official.regions(data)
    assert [line.verdict for line in regions] == [AGREES] * 9
    areas = official.authorities(data)
    names = ("Lowest", "Median", "Highest")
    rates = [find(areas, f"{name} re-referral rate") for name in names]
    assert [line.ours for line in rates] == ["8.7 %", "20.85 %", "35.4 %"]
    assert [line.verdict for line in rates] == [AGREES] * 3
    codes = [line for line in areas if " to E" in line.figure]
    assert [line.verdict for line in codes] == [AGREES] * 7
    assert [line.verdict for line in areas if line.figure == "Number of authorities"] == [
        AGREES
    ] * 4
    short = {line.when: line.verdict for line in areas if line.figure.endswith("a short look-back")}
    assert short.pop("Cumberland, 2025") == UNTESTED
    assert short.pop("Westmorland and Furness, 2025") == UNTESTED
    assert set(short) >= {"Cumbria, 2023", "Hackney, 2023", "Cumberland, 2024"}
    assert set(short.values()) == {AGREES}
    assert find(areas, "Re-referral rate of the successors").verdict == AGREES


def test_a_lowest_rate_of_another_authority_is_not_borne_out(tmp_path):
    def change(table):
        table.loc[cell(table, 2020, "Leeds"), "Re_referrals"] = "6"

    found = find(official.authorities(changed(tmp_path, change)), "Lowest re-referral rate")
    assert found.verdict == NOT_BORNE_OUT
    assert found.reason == "It is the rate of Leeds, not of Camden."


def test_a_code_that_came_later_is_not_borne_out(tmp_path):
    def change(table):
        table.loc[cell(table, 2020, "Dorset"), "geographic_level"] = "None"

    lines = official.authorities(changed(tmp_path, change))
    found = find(lines, "E10000009 to E06000059")
    assert (found.ours, found.verdict) == ("2021", NOT_BORNE_OUT)
    assert find(lines, "Number of authorities", "2020 to 2021").verdict == NOT_BORNE_OUT


def test_successors_that_do_not_rise_are_not_like_cumbria(tmp_path):
    def change(table):
        table.loc[cell(table, 2023, "North Northamptonshire"), "Re_referrals"] = "700"

    lines = official.authorities(changed(tmp_path, change))
    assert find(lines, "Re-referral rate of the successors").verdict == NOT_BORNE_OUT


def test_the_most_referrals_may_be_of_a_year_that_is_not_at_hand(data):
    found = find(official.authorities(data), "Most referrals")
    assert (found.ours, found.verdict) == ("30,502", UNTESTED)
    assert "2024 and 2025 are not at hand" in found.reason


def test_early_help_is_a_share_of_all_children(data):
    lines = too_little.help_lines(data)
    name = "Children receiving targeted early help, % of all"
    assert find(lines, name, "2015-16").verdict == AGREES
    assert (find(lines, name, "2019-20").ours, find(lines, name, "2019-20").verdict) == (
        "4.4 %",
        NOT_BORNE_OUT,
    )
    more = OpenData(children={2019: 12_000_000})
    assert find(too_little.help_lines(more), name, "2019-20").verdict == AGREES


def test_folders_that_hold_no_tables(tmp_path):
    with pytest.raises(rr.DataError, match="is not a folder"):
        OpenData.read(tmp_path / "none")
    with pytest.raises(rr.DataError, match="holds none of the Department"):
        OpenData.read(tmp_path)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(HEADER)
    with pytest.raises(rr.DataError, match=r"two tables of referrals: a\.csv and b\.csv"):
        OpenData.read(tmp_path)


# ---------------------------------------------------------------- the report's counts


def official_of(not_in_need: int, no_further_action: int = 282_540) -> Official:
    counts = (Count(exact(n), exactly(n), "by hand") for n in (not_in_need, no_further_action))
    return Official(*counts)


@pytest.mark.parametrize(
    ("not_in_need", "closures", "re_referrals"),
    [
        (908_130, NOT_BORNE_OUT, NOT_BORNE_OUT),
        (1_482_000, CONSISTENT, CONSISTENT),  # 0.85 of it may round to 1.26 million, or not
        (1_800_000, NOT_BORNE_OUT, AGREES),  # at least 320,000: more is no contradiction
    ],
)
def test_the_counts_stand_or_fall_with_the_official_ones(not_in_need, closures, re_referrals):
    lines = chain_lines(official_of(not_in_need))
    kept = [line for line in lines if line.figure == too_little.KEPT]
    assert [line.verdict for line in kept] == [closures]
    again = find(lines, "Re-referrals within 12 months, on official counts")
    assert again.verdict == re_referrals


def test_what_follows_from_what_was_printed():
    lines = {line.figure: line for line in chain_lines(Official.printed())}
    assert lines["Closures below the threshold, not printed"].ours == "1,482,353"
    assert lines["Published to official closures"].verdict == AGREES
    again = lines[too_little.RE_REFERRED]
    assert (again.ours, again.verdict) == ("315,000", CONSISTENT)
    assert "25.3 % or more" in again.reason
    assert lines[too_little.KEPT].ours == "771,911"
    assert lines["Re-referrals within 12 months, on official counts"].ours == "192,978"
    every = lines["Closures without early help, held against every closure"]
    assert (every.ours, every.verdict) == ("1,190,670", NOT_BORNE_OUT)


def test_no_sample_of_59_explains_the_gap():
    lines = too_little.sample_lines()
    assert [line.verdict for line in lines] == [NOT_BORNE_OUT] * 4
    ours = {line.when.removeprefix("scaled by "): line.ours_value for line in lines}
    frame = england(FIVE)
    merged = {"E06000028": "E06000058", "E06000029": "E06000058", "E10000009": "E06000059"}
    frame["authority"] = frame["authority"].replace(merged)
    unknown = set(frame.loc[frame["not_in_need"].isna(), "authority"])
    known = frame[~frame["authority"].isin(unknown)]
    for size in ("referrals", "assessments", "children"):
        sums = known.groupby("authority")[["not_in_need", size]].sum()
        highest = (sums["not_in_need"] / sums[size]).nlargest(59).index
        rate = sums.loc[highest].sum()
        # All years at once, where the estimator takes each by itself.
        estimate = rate["not_in_need"] / rate[size] * frame[size].sum()
        assert ours[size] == pytest.approx(estimate / 908_130, abs=0.002)


# ---------------------------------------------------------------- spending

RIGHT = Outturn(*(published.figures()["spending"][side] for side in ("early", "late")))
NAMED = {"Medway": -1.0, "Northamptonshire": -37.0, "Sunderland": -39.0}
FOUND = Councils(148, 83, (104, 104), (1.08, 1.09), ("Sandwell",), NAMED)


def test_spending_as_published():
    lines = outturn_lines(RIGHT, FOUND)
    late = find(lines, "Late intervention", "2010-11")
    assert (late.ours, late.verdict) == ("£4,736.4m", CONSISTENT)  # its parts are rounded
    assert {line.verdict for line in lines if line is not late} == {AGREES}
    claims = {line.figure: line for line in claim_lines(RIGHT, FOUND)}
    assert claims["Authorities that cut early intervention"].verdict == NOT_BORNE_OUT
    assert claims["Authorities that cut early intervention"].ours == "70 %"
    assert claims["Authorities that cut early intervention by more than 70 %"].ours == "Sandwell"
    rest = [line for line in claims.values() if not line.figure.startswith("Authorities")]
    assert {line.verdict for line in rest} == {AGREES}


@pytest.mark.parametrize(
    ("early", "verdict"),
    [(1_845.84, AGREES), (1_845.85, NOT_BORNE_OUT), (1_845.75, AGREES), (1_845.7, NOT_BORNE_OUT)],
)
def test_an_amount_decides(early, verdict):
    outturn = dataclasses.replace(RIGHT, early={**RIGHT.early, "2019-20": early})
    assert find(outturn_lines(outturn, None), "Early intervention", "2019-20").verdict == verdict


def test_a_year_without_an_outturn():
    outturn = dataclasses.replace(RIGHT, late={"2015-16": 6_068.9})
    lines = outturn_lines(outturn, None)
    assert find(lines, "Late intervention", "2015-16").verdict == AGREES
    missing = find(lines, "Late intervention", "2019-20")
    assert (missing.verdict, missing.reason) == (UNTESTED, "Needs the outturn of 2019-20.")
    assert find(lines, "Early share of the two").verdict == UNTESTED


@pytest.mark.parametrize(
    ("cut", "named", "verdicts"),
    [
        ((104, 104), ("Sandwell",), (NOT_BORNE_OUT, NOT_BORNE_OUT)),
        ((134, 134), ("Medway", "Sunderland", "Northamptonshire"), (AGREES, AGREES)),
        ((125, 130), ("Medway", "Sunderland"), (CONSISTENT, NOT_BORNE_OUT)),  # 84.5 or 87.8 %
    ],
)
def test_the_councils_decide(cut, named, verdicts):
    councils = dataclasses.replace(FOUND, cut_in_real_terms=cut, cut_most=named)
    lines = claim_lines(None, councils)
    assert tuple(line.verdict for line in lines[:2]) == verdicts


def test_spending_from_the_files():
    pytest.importorskip("openpyxl")
    pytest.importorskip("odf")
    from rereferral.verdicts.files import read_councils, read_outturn

    outturn = read_outturn(shared("s251"))
    councils = read_councils(shared("ro3"))
    assert set(councils.change_percent) == set(NAMED)
    for name, change in councils.change_percent.items():
        assert change == pytest.approx(NAMED[name], abs=0.6)
    assert dataclasses.replace(councils, change_percent=NAMED) == FOUND
    lines = [*outturn_lines(outturn, councils), *claim_lines(outturn, councils)]
    assert not [line for line in lines if line.verdict == UNTESTED]
    share = find(lines, "Early share of early and late spending", "2019-20")
    assert (share.published, share.ours, share.verdict) == ("19 %", "19.49 %", AGREES)


def test_folders_without_spending(tmp_path):
    from rereferral.verdicts.files import read_councils, read_outturn

    for read in (read_outturn, read_councils):
        with pytest.raises(rr.DataError, match="is not a folder"):
            read(tmp_path / "none")
    with pytest.raises(rr.DataError, match="one tidy file of Section 251 outturn"):
        read_outturn(tmp_path)
    with pytest.raises(rr.DataError, match="no workbook of RO3 of 2015-16"):
        read_councils(tmp_path)


# ---------------------------------------------------------------- rates of one table


def counted(areas: int = 152, *, simulated: bool = True, limits=(0.24, 0.26)) -> Counted:
    """Tables by hand under the codes of real authorities."""
    tables = by_hand.report(areas, 5, 400).tables
    tables["chain_by_authority"]["authority"] = list(published.authorities()["authority"][:areas])
    chain = tables["chain"]
    chain.loc[0, ["below_threshold", "not_stepped_down"]] = [1_000_000, 850_000]
    chain.loc[0, ["followed", "rereferred"]] = [850_000, 212_500]
    chain["lower_scope_95"], chain["upper_scope_95"] = limits
    tables["three_rates"] = pd.DataFrame(
        {
            "name": [
                "DfE re-referral",
                "Goldacre and others 2025, 12 months",
                "Goldacre and others 2025, 6 years",
                "Action for Children 2022",
            ],
            "n": 1_000,
            "rate": [0.2226, 0.319, 0.579, 0.248],
            "lower_95": [0.221, 0.317, 0.577, 0.243],
            "upper_95": [0.224, 0.321, 0.581, 0.253],
        }
    )
    return Counted(tables, simulated, "tables by hand", exact=True)


def test_the_rates_of_a_table():
    lines = [*share_lines(counted()), *rate_lines(counted(), OpenData())]
    ours = [line for line in lines if "official" not in line.figure]
    assert {line.verdict for line in ours} == {AGREES}
    assert {line.kind for line in ours} == {"put in"}
    found = share_lines(counted(simulated=False))
    assert {line.kind for line in found} == {"found"}
    assert not [line for line in found if "SIMULATED" in line.reason]


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [((0.20, 0.2449), NOT_BORNE_OUT), ((0.20, 0.245), AGREES), ((0.255, 0.30), NOT_BORNE_OUT)],
)
def test_limits_decide_on_a_rate(limits, verdict):
    assert share_lines(counted(limits=limits))[1].verdict == verdict


def test_a_part_of_england_is_not_held_against_it():
    lines = [*share_lines(counted(149)), *rate_lines(counted(149), OpenData())]
    percents = [line for line in lines if line.unit == "percent" and "official" not in line.figure]
    assert {line.verdict for line in percents} == {UNTESTED}
    assert {line.reason for line in percents} == {
        "The published figure is of England; the table is of a part of it."
    }


def test_the_lowest_rate_is_told_from_the_three():
    other = counted()
    other.tables["three_rates"].loc[0, "rate"] = 0.26
    last = rate_lines(other, OpenData())[-1]
    assert (last.ours, last.verdict) == ("after a closure without early help", NOT_BORNE_OUT)


def test_other_years_are_said_and_not_held_against_the_pooled_rate():
    other = counted()
    other.tables["chain_by_year"] = other.tables["chain_by_year"].iloc[:3]
    assert "(closures of 2015-16 to 2017-18)" in share_lines(other)[0].reason
    assert find(rate_lines(other, OpenData()), "Looking back from every referral, one").verdict == (
        UNTESTED
    )


def test_suppressed_counts_give_no_rate():
    other = counted()
    other.tables["chain"]["rereferred"] = np.nan
    other.tables["chain"]["not_stepped_down"] = np.nan
    assert [line.verdict for line in share_lines(other)] == [UNTESTED] * 2
