"""A report that may be published: what is hidden in one place is hidden in all."""

from __future__ import annotations

import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("scipy")

import rereferral as rr
from rereferral.report.pieces import pieces
from shared_data import shared

CAMDEN, CITY, HARTLEPOOL, LEEDS = "E09000007", "E09000001", "E06000001", "E08000035"
DAYS = ("referral_date", "assessment_date", "closure_date")

_child = itertools.count()


def closures(
    authority: str, year: int, kept: int, again: int = 0, helped: int = 0
) -> list[dict[str, str]]:
    """Closures below the threshold in a calendar year's summer; `again` of those kept come back."""
    rows = []
    for number in range(kept + helped):
        child = f"{next(_child)}"
        reason = "RC8" if number < kept else "RC9"
        rows.append(_episode(authority, child, f"{year}-05-01", f"{year}-06-01", reason))
        if number < again:
            rows.append(_episode(authority, child, f"{year}-09-01", f"{year}-09-20", "RC1"))
    return rows


def _episode(authority: str, child: str, referred: str, closed: str, reason: str) -> dict[str, str]:
    return {
        "authority": authority,
        "child_id": child,
        "referral_date": referred,
        "assessment_date": referred,
        "closure_date": closed,
        "reason_for_closure": reason,
    }


def report(rows: list[dict[str, str]], **more) -> rr.Report:
    table = pd.DataFrame(rows)
    for name in DAYS:
        table[name] = pd.to_datetime(table[name])
    options = {"years": range(2016, 2021), "observed_until": "2021-03-31"} | more
    return rr.missed_opportunities(table, **options)


@pytest.fixture(scope="module")
def three() -> rr.Report:
    """Two large authorities and one in which three closures were followed by a re-referral."""
    rows = []
    for year in range(2015, 2020):
        rows += closures(HARTLEPOOL, year, 60, 14, 8)
        rows += closures(LEEDS, year, 90, 25, 17)
    rows += closures(CAMDEN, 2016, 41, 3, 9)
    return report(rows, observed_from="2014-04-01", dfe=shared("dfe_cin_2024"))


def of(table: pd.DataFrame, authority: str) -> pd.Series:
    return table.set_index("authority").loc[authority]


# --------------------------------------------------------------------------- what is hidden


def test_a_small_count_goes_with_its_rate_and_its_limits(three):
    found = three.protect()
    exact, row = (of(one.tables["chain_by_authority"], CAMDEN) for one in (three, found))
    assert exact["rereferred"] == 3
    assert row["followed"] == 41  # of one authority, and not small: exact
    gone = ["rereferred", "rate", "lower_95", "upper_95", "lower_99_8", "upper_99_8"]
    assert row[gone].isna().all()
    shown = of(found.shown["chain_by_authority"], CAMDEN)
    assert (shown[gone] == "c").all()
    # The region has no other authority: its rate, of 41 as everybody knows, would name the count.
    london = found.shown["chain_by_region"].set_index("region").loc["London"]
    assert london["followed"] == 40
    assert london["rate"] == "c"


def test_the_same_measure_is_hidden_under_every_name(three):
    by_year = three.protect().shown["official_by_authority"]
    camden = by_year[by_year["authority"] == CAMDEN].iloc[0]
    # Three of the 53 referrals of the year are re-referrals: the same three.
    assert camden["re_referrals"] == "c"
    assert camden["re_referral_rate"] == camden["re_referral_rate_difference"] == "c"
    assert camden["referrals_difference"] == camden["referrals"] - camden["referrals_official"]


def test_totals_of_several_authorities_are_rounded_and_the_headline_is_made_from_them(three):
    found = three.protect()
    exact, total = three.tables["chain"].iloc[0], found.tables["chain"].iloc[0]
    counts = ["assessed", "below_threshold", "not_stepped_down", "followed", "rereferred"]
    for column in counts:
        assert total[column] == (exact[column] + 5) // 10 * 10
    ours = found.headline.set_index("figure")["ours"]
    assert ours["Closures without early help"] == total["not_stepped_down"]
    assert ours["Closures followed by a re-referral"] == total["rereferred"]
    # Rates are of the exact counts, rounded once.
    share = exact["rereferred"] / exact["followed"]
    assert ours["Re-referred within 12 months"] == pytest.approx(100 * share, abs=0.05)
    average = found.tables["chain"].iloc[1]
    assert average["rereferred"] == ours["Closures followed by a re-referral, a year"]
    assert average["rereferred"] % 10 == 0
    assert average["rate"] == total["rate"]


def test_one_authority_is_no_total():
    rows = [row for year in range(2015, 2020) for row in closures(LEEDS, year, 33, 12, 11)]
    exact = report(rows)
    found = exact.protect()
    assert found.tables["chain"]["followed"].iloc[0] == 165
    assert found.tables["chain_by_year"]["rereferred"].tolist() == [12] * 5


def test_a_small_year_takes_another_year_along():
    """Of one authority the total is exact, so a single hidden year would follow from it."""
    rows = [row for year in (2015, 2016, 2017) for row in closures(LEEDS, year, 40, 12, 9)]
    rows += closures(LEEDS, 2018, 35, 2, 9)
    found = report(rows, years=range(2016, 2020)).protect()
    years = found.shown["chain_by_year"].set_index("financial_year")["rereferred"]
    assert years["2018-19"] == "c"
    assert (years == "c").sum() == 2
    assert found.tables["chain"]["rereferred"].iloc[0] == 38
    children = found.shown["children"].set_index("financial_year")
    hidden = set(years.index[years == "c"])
    assert set(children.index[children["rereferred_closures"] == "c"]) == hidden
    assert set(children.index[children["rereferrals"] == "c"]) >= {"2018-19"}
    # The curves of two years would leave those of the others by quarter.
    assert found.tables["curve"]["financial_year"].unique().tolist() == ["all years"]
    log = found.tables["disclosure_log"].set_index(["table", "column", "row"])["done"]
    assert log["chain_by_year", "rereferred", "2018-19"] == "small"
    (other,) = hidden - {"2018-19"}
    assert log["chain_by_year", "rereferred", other] == "beside"


def test_a_ledger_is_a_chain_of_differences():
    """What a step removed is what remained before less what remains; hiding one hides others."""
    rows = [row for year in range(2015, 2020) for row in closures(LEEDS, year, 33, 12, 11)]
    rows += [row | {"assessment_date": "2019-06-10"} for row in closures(LEEDS, 2019, 3)]
    rows += [row | {"assessment_date": None} for row in closures(LEEDS, 2019, 8)]
    found = report(rows).protect()
    ledger = found.shown["ledger"]
    removed = ledger.set_index("reason")["removed"]
    assert removed["assessment_date is after closure_date"] == "c"
    numbers = found.tables["ledger"][["removed", "remaining"]].astype(float)
    told = numbers["remaining"].shift(1) - numbers["remaining"]
    assert not (told == 3).any()
    assert found.release.attack().passed


def test_curves_come_at_points_with_enough_events(three):
    curve = three.protect().tables["curve"]
    in_all = curve[curve["financial_year"] == "all years"]
    assert len(in_all) > 1
    assert (in_all["events"].eq(0) | in_all["events"].ge(6)).all()
    assert len(in_all) < (three.tables["curve"]["financial_year"] == "all years").sum()


def test_by_opensafely_there_is_no_curve_and_no_small_number(three):
    found = three.protect(rr.rules.OPENSAFELY)
    assert len(found.tables["curve"]) == 0
    for name, table in found.tables.items():
        for column in table.columns.difference(["official", "ours"]):
            if table[column].dtype == "Int64" and not column.endswith(("_official", "_difference")):
                shown = table[column].dropna()
                assert (shown % 5 == 0).all(), (name, column)
                assert not shown.between(1, 7).any(), (name, column)


# --------------------------------------------------------------------------- nothing slips


def test_every_count_and_rate_is_looked_after(three):
    """No number of a report is in none of the pieces that are made safe."""
    known = {
        ("official_by_authority", f"{name}_{what}")
        for name in ("referrals", "re_referral_rate", "not_in_need")
        for what in ("official", "difference")
    }
    known |= {("reconciliation", "official"), ("reconciliation", "ratio")}
    made_of_others = {"headline", "claims", "curve"}
    looked_after = {
        (piece.table, row, column)
        for piece in pieces(three.tables)
        for places in piece.cells.values()
        for row, column in places
    }
    for name, table in three.tables.items():
        if name in made_of_others:
            continue
        for column in table.columns:
            if not pd.api.types.is_numeric_dtype(table[column].dtype) or (name, column) in known:
                continue
            for row in range(len(table)):
                average = name == "chain" and row == 1
                computed = name != "three_rates" or table["method"].iloc[row] != "none"
                if computed and not average:
                    assert (name, row, column) in looked_after


def test_what_is_known_to_be_one_measure_agrees_in_all_tables(three):
    """Where it does not, the tables would be made safe each by itself."""
    found = three.protect().release._released.relations
    assert {key[:3] for key in found.apart} <= set(found.nested)


def test_codes_of_one_area_are_one_area_to_the_official_table():
    """Buckinghamshire under two codes: its sum stands in one table, its parts in another."""
    rows = []
    for year in range(2015, 2020):
        rows += closures(LEEDS, year, 60, 14, 8)
        rows += closures("E10000002" if year < 2019 else "E06000060", year, 30, 9, 7)
    found = report(rows, observed_from="2014-04-01", dfe=shared("dfe_cin_2024")).protect()
    # Of the area alone no other table is the sum; and referrals were made in other years too.
    relations = found.release._released.relations
    apart = {key[:3] for key in relations.apart} - set(relations.nested)
    assert all(name.startswith("areas of several codes") for _, name, _ in apart)
    reached = {place.table for place in found.release._released.secrets}
    assert "areas of several codes" not in reached
    areas = found.shown["official_by_authority"]
    assert set(areas["authority"]) == {LEEDS, "E10000002"}  # the code that was published
    assert sorted(areas["not_in_need"]) == [37] * 5 + [68] * 5


def test_what_cannot_be_made_safe_is_left_out_whole():
    """Five rows, of which each step leaves one out: the ledger could only go 5, 4, 3, 2, 1."""
    one, two, three, four, five = closures(LEEDS, 2016, 5)
    rows = [
        one,
        two | {"reason_for_closure": "RC1"},
        three | {"assessment_date": None},
        four | {"closure_date": "2015-03-01", "referral_date": "2015-02-01"},
        five | {"closure_date": None},
    ]
    exact = report(rows, years=[2017])
    assert exact.tables["ledger"]["removed"].sum() == 4
    found = exact.protect()
    left_out = found.tables["disclosure_log"].query("done == 'left out'")["table"].tolist()
    assert left_out == ["ledger"]
    assert found.tables["ledger"][["removed", "remaining"]].isna().all(axis=None)
    assert (found.shown["ledger"][["removed", "remaining"]] == "c").all(axis=None)
    assert any(note.endswith("safe with the others: ledger.") for note in found.notes)
    assert found.release.attack().passed


def test_notes_tell_no_small_number():
    rows = closures(LEEDS, 2016, 40, 12, 9) + [
        row | {"reason_for_closure": "other"} for row in closures(LEEDS, 2016, 2)
    ]
    exact = report(rows, years=[2017])
    assert any("'other' (2)" in note for note in exact.notes)
    told = [note for note in exact.protect().notes if "'other'" in note]
    assert told == [
        "Some reasons for closure are no code of RC1 to RC9 and count as above the threshold: "
        "'other'."
    ]


@pytest.mark.parametrize("rule", [rr.rules.DFE, rr.rules.OPENSAFELY, rr.rules.CCWIP], ids=str)
@pytest.mark.parametrize("seed", range(6))
def test_random_reports_withstand_the_attack(rule, seed):
    """Small tables of one to three authorities; `protect` attacks what it made."""
    random = np.random.default_rng(seed)
    rows = []
    for authority in [LEEDS, CAMDEN, HARTLEPOOL][: random.integers(1, 4)]:
        for year in range(2015, 2020):
            kept = int(random.integers(0, 40))
            again = int(random.integers(0, kept + 1) * random.integers(0, 2))
            rows += closures(authority, year, kept, again, int(random.integers(0, 9)))
    made = report(rows, observed_from="2014-04-01").protect(rule)
    assert made.release.attack().passed
    low, high = rule.small
    exact = report(rows, observed_from="2014-04-01")
    of_areas = made.tables["chain_by_authority"].set_index("authority")
    true = exact.tables["chain_by_authority"].set_index("authority")
    for column in ("assessed", "below_threshold", "stepped_down", "rereferred"):
        small = true[column].between(low, high)
        assert not of_areas.loc[small[small].index, column].between(low, high).any()


# --------------------------------------------------------------------------- earlier reports


def test_a_later_report_does_not_undo_an_earlier_one():
    """All years before and with one more: that one is their difference, and is small."""
    rows = [row for year in range(2015, 2019) for row in closures(LEEDS, year, 40, 12, 9)]
    later = rows + closures(LEEDS, 2019, 22, 2, 7)
    first = report(rows, years=range(2016, 2020)).protect()
    second = report(later, years=range(2016, 2021))
    assert first.tables["chain"]["rereferred"].iloc[0] == 48
    alone, after = second.protect(), second.protect(earlier=first)
    assert after.release.attack().passed
    last = after.shown["chain_by_year"].set_index("financial_year").loc["2019-20"]
    assert last["rereferred"] == "c"
    # The years of both reports are the same counts, so here it is the new total that goes.
    assert alone.tables["chain"]["rereferred"].iloc[0] == 50
    assert pd.isna(after.tables["chain"]["rereferred"].iloc[0])
    ours = after.headline.set_index("figure")["ours"]
    assert pd.isna(ours["Closures followed by a re-referral"])
    assert repr(after).count("NaN") >= 1


def test_what_cannot_be_earlier_is_refused(three):
    with pytest.raises(rr.RuleError, match="an earlier report is not protected"):
        three.protect(earlier=three)
    with pytest.raises(rr.RuleError, match="this report is protected already"):
        three.protect().protect()


# --------------------------------------------------------------------------- what is saved


@pytest.fixture(scope="module")
def saved(three, tmp_path_factory):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    folder = tmp_path_factory.mktemp("saved")
    three.save(folder / "safe")
    three.save(folder / "exact", rule=None)
    return folder


def test_reports_are_saved_protected(three, saved):
    folder = saved / "safe"
    tables = three.protect().shown
    assert {path.stem for path in (folder / "tables").iterdir()} == set(tables)
    for name, table in tables.items():
        read = pd.read_csv(folder / "tables" / f"{name}.csv", dtype=str, keep_default_na=False)
        assert read.columns.tolist() == table.columns.tolist()
        text = [["" if pd.isna(cell) else str(cell) for cell in row] for row in table.to_numpy()]
        assert read.to_numpy().tolist() == text
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["disclosure"]["rule"]["name"] == "DfE"
    assert not any("UNPROTECTED" in line["path"] for line in manifest["files"])


def test_the_page_shows_symbols_and_says_what_is_hidden(saved):
    text = (saved / "safe" / "index.html").read_text("utf-8")
    row = re.search(r'<th scope="row">Camden</th>(.*?)</tr>', text).group(1)
    assert re.findall(r"<td>(.*?)</td>", row)[6:10] == ["c"] * 4
    assert "Small counts are hidden." in text
    assert "hidden: small" in text
    assert "UNPROTECTED" not in text


def test_no_file_of_the_folder_tells_what_a_table_does_not(saved):
    """The text of figures too: Camden has no rate anywhere."""
    text = (saved / "safe" / "index.html").read_text("utf-8")
    pictures = re.findall(r'alt="([^"]*)"', text)
    assert not any(re.search(r"Camden [\d(]", alt) for alt in pictures)
    assert any("All but 2 not shown, together" in alt for alt in pictures)
    svg = (saved / "safe" / "figures" / "authorities.svg").read_text("utf-8")
    assert "not shown" in re.sub(r"<[^>]*>", "", svg) or "not shown" in svg


def test_unprotected_reports_say_so_in_the_name_of_every_file(three, saved):
    names = {path.name for path in (saved / "exact").rglob("*") if path.is_file()}
    assert {name for name in names if not name.startswith("UNPROTECTED-")} == {"manifest.json"}
    text = (saved / "exact" / "UNPROTECTED-index.html").read_text("utf-8")
    assert "It is not for publication." in text
    path = saved / "exact" / "tables" / "UNPROTECTED-chain_by_authority.csv"
    read = pd.read_csv(path, dtype={"rate": str})  # older pandas misread a last digit
    assert of(read, CAMDEN)["rereferred"] == 3
    rates = three.tables["chain_by_authority"]["rate"]
    assert read["rate"].astype(float).tolist() == rates.tolist()


def test_a_protected_report_is_saved_as_it_is(three, tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    page = three.protect(rr.rules.CCWIP).save(tmp_path / "ours")
    assert page.name == "index.html"
    rule = json.loads((tmp_path / "ours" / "manifest.json").read_text("utf-8"))["disclosure"]
    assert rule["rule"]["name"] == "CCWIP"


def test_no_cell_runs_as_a_formula(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    rows = closures("=HYPERLINK(1)", 2016, 40, 12, 9) + closures(LEEDS, 2016, 40, 12, 9)
    for place, rule in (("safe", rr.rules.DFE), ("exact", None)):
        report(rows, years=[2017]).save(tmp_path / place, rule=rule)
        for path in (tmp_path / place / "tables").glob("*.csv"):
            assert not re.search(r'(^|,|")=HYPERLINK', path.read_text("utf-8"), re.M)
        name = "chain_by_authority.csv" if rule else "UNPROTECTED-chain_by_authority.csv"
        assert "'=HYPERLINK(1)" in (tmp_path / place / "tables" / name).read_text("utf-8")


def test_published_figures_read_both_kinds_of_folder(saved):
    safe, exact = (
        rr.published_figures(report=saved / name).table.set_index("figure")["ours"]
        for name in ("safe", "exact")
    )
    assert safe.index.equals(exact.index)


def test_without_scipy_it_is_said_in_one_sentence(three, monkeypatch, tmp_path):
    import sys

    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(rr.RereferralError, match="needs scipy: pip install"):
        three.save(tmp_path / "page")
    assert not (tmp_path / "page").exists()
