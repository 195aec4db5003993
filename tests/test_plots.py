"""Pictures show what the tables hold, and say what they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import report_by_hand as by_hand
import rereferral as rr
from legible import assert_legible
from plot_cases import durations, protected, several, texts
from rereferral import plots, published
from rereferral.errors import DataError, RuleError
from rereferral.estimate import england
from rereferral.report.style import BLUE, ORANGE, to_png


@pytest.fixture(autouse=True)
def close() -> Iterator[None]:
    yield
    plt.close("all")


FRAME = england([2020])
ASK = {"by": "authority_name", "count": "re_referrals", "of": "referrals"}


def points(ax: Any) -> dict[str, np.ndarray]:
    """By colour, where a picture has its points."""
    found: dict[str, np.ndarray] = {}
    for one in ax.collections:
        if len(one.get_offsets()) and len(one.get_facecolors()):
            colour = to_hex(one.get_facecolors()[0])
            found[colour] = np.asarray(one.get_offsets())
    return found


@pytest.mark.parametrize("dispersion", ["additive", "none"])
def test_a_funnel(dispersion: str) -> None:
    found = rr.funnel(FRAME, dispersion=dispersion, **ASK)
    ax = plots.funnel(found, source="Source: somewhere.", simulated=True)
    drawn = points(ax)
    assert sum(map(len, drawn.values())) == len(found.table)
    counts = found.counts().iloc[-1]
    assert len(drawn[ORANGE.lower()]) == counts["below"] + counts["above"]
    lines = [line for line in ax.lines if len(line.get_xdata()) > 10]
    assert len(lines) == (8 if dispersion == "additive" else 4)
    for line in lines:
        assert np.isfinite(line.get_ydata()).all()
    assert {"SIMULATED", "Source: somewhere."} <= set(texts(ax))
    widest = found.table.loc[found.table["referrals"].idxmax()]
    last = [line.get_ydata()[-1] for line in lines]
    assert min(last) == pytest.approx(
        widest["lower_99_8_spread" if dispersion == "additive" else "lower_99_8"], abs=1e-3
    )


def test_a_league_table() -> None:
    found = rr.league(FRAME[FRAME["region"] == "London"], **ASK)
    ax = plots.league(found)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(
        found.table["authority_name"]
    )
    assert points(ax)[BLUE.lower()][:, 0].tolist() == found.table["rate"].tolist()
    assert set(found.table["place"]) <= set(texts(ax))


def test_a_trend() -> None:
    table = published.official_series().loc[2016:2022].reset_index()
    table["financial_year"] = [f"{year - 1}-{year % 100:02d}" for year in table["year"]]
    found = rr.trend(table, count="re_referrals", of="referrals")
    ax = plots.trend(found, title="Re-referrals")
    hollow = [line for line in ax.lines if to_hex(line.get_markerfacecolor()) == "#ffffff"]
    assert [line.get_xdata().tolist() for line in hollow] == [[5]]
    assert "22.7 %" in texts(ax)
    assert any("Covid-19" in text for text in texts(ax))


def years(first: int, number: int) -> list[str]:
    return [f"{year}-{(year + 1) % 100:02d}" for year in range(first, first + number)]


def small_trend(n: list[Any], linked: list[Any], names: list[str] | None = None) -> pd.DataFrame:
    table = {"financial_year": names or years(2014, len(n)), "n": n, "linked": linked}
    return rr.trend(table)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("width", [7.5, 3.75])
@pytest.mark.parametrize(
    ("n", "linked"),
    [
        ([104, 125, 362], [25, 37, 87]),
        ([400], [100]),
        ([40, 50], [0, 0]),
        ([40, 50], [40, 50]),
        (list(range(400, 422)), list(range(80, 102))),
        ([100_000] * 3, [300, 320, 310]),
    ],
)
def test_a_trend_has_room_for_all_its_limits_and_rates(
    n: list[int], linked: list[int], width: float
) -> None:
    found = small_trend(n, linked)
    ax = plots.trend(found, width=width, source="Source: somewhere.")
    assert_legible(ax)
    assert ax.get_ylim()[0] == 0
    assert ax.get_ylim()[1] > found["upper_99_8"].max()
    if len(n) < 9:
        assert {f"{100 * rate:.1f} %" for rate in found["rate"]} <= set(texts(ax))
    assert max(ax.get_yticks()) <= 1
    assert len(ax.get_yticks()) > 2


def test_a_trend_tells_which_years_are_not_drawn_and_why() -> None:
    names = years(2015, 6)
    found = small_trend([400, 0, 400, 400, 400, 400], [100, 0, None, "c", 90, 80], names)
    told = " ".join(texts(plots.trend(found)))
    assert "Hollow: Covid-19." in told
    assert "Not shown: 2016-17 (n is 0); 2017-18 (linked is empty); 2018-19 (linked is" in told


def test_the_line_of_a_trend_is_broken_where_a_year_is_missing() -> None:
    names = ["2015-16", "2016-17", "2018-19", "2019-20"]
    found = small_trend([400] * 4, [90, 91, 92, 93], names)
    ax = plots.trend(found)
    assert [line.get_xdata().tolist() for line in ax.lines if len(line.get_xdata()) == 2] == [
        [0, 1],
        [2, 3],
    ]
    told = " ".join(texts(ax))
    assert "Line broken: 2017-18 is missing." in told
    assert "Hollow" not in told


def test_a_table_that_is_no_trend_is_refused() -> None:
    for data, message in (
        (FRAME, 'trend draws what rereferral.trend gives; this table has no column "rate"'),
        ("x", "trend draws what rereferral.trend gives, not a str"),
    ):
        with pytest.raises(RuleError, match=message):
            plots.trend(data)
    with pytest.raises(DataError, match="no rate in any year"):
        plots.trend(small_trend([400, 0], [90, 0]).iloc[1:])


def test_estimates() -> None:
    some = FRAME.iloc[::3].dropna(subset=["not_in_need"])
    found = rr.estimate_total(
        some, FRAME, count="not_in_need", scale=["referrals", "children"], within="size"
    )
    ax = plots.estimates(found, published=194_190)
    table = found.sensitivity()
    assert len(ax.get_yticks()) == len(table)
    assert ax.lines[-1].get_xdata()[0] == 194_190
    assert ax.lines[0].get_xdata().tolist() == table["estimate"].tolist()
    assert any("if the answering authorities were a random sample" in text for text in texts(ax))


AREAS = pd.DataFrame({"authority": list("abcdef"), "children": [30, 20, 50, 40, 10, 60]})


def small_estimate(areas: str, closed: list[int], **more: Any) -> Any:
    sample = pd.DataFrame({"authority": list(areas), "closed": closed, "opened": 50})
    return rr.estimate_total(sample, AREAS, count="closed", scale="children", **more)


def test_an_estimate_without_limits_is_a_point_alone() -> None:
    ax = plots.estimates(small_estimate("a", [6]))
    assert_legible(ax)
    assert ax.lines[0].get_xdata().tolist() == [42, 36]
    assert sum(len(one.get_segments()) for one in ax.collections) == 0
    told = " ".join(texts(ax))
    assert "Without limits: too few answers for limits." in told
    assert "Bars" not in told


def test_limits_below_0_are_drawn() -> None:
    found = small_estimate("ab", [1, 9])
    lowest = found.table["lower"].min()
    assert lowest < 0
    assert plots.estimates(found).get_xlim()[0] < lowest


def test_an_estimate_that_is_not_there_is_refused() -> None:
    found = small_estimate("abc", [6, 5, 9], of="opened")
    with pytest.raises(RuleError, match="quantity='x' is none of closed, opened, closed / opened"):
        plots.estimates(found, quantity="x")
    sample = pd.DataFrame({"authority": list("abc"), "closed": [6, 5, 9], "year": 2016})
    frame = pd.concat([AREAS.assign(year=year) for year in (2016, 2017)])
    found = rr.estimate_total(sample, frame, count="closed", scale="children", year="year")
    with pytest.raises(DataError, match="no estimate of closed: nobody answered for 2017"):
        plots.estimates(found)


@pytest.mark.parametrize(
    ("picture", "maker"),
    [
        (plots.funnel, "funnel"),
        (plots.league, "league"),
        (plots.estimates, "estimate_total"),
        (plots.spending, "spending.early_and_late"),
        (plots.changes, "spending.changes"),
    ],
)
def test_what_a_picture_does_not_draw_is_refused(picture: Any, maker: str) -> None:
    with pytest.raises(RuleError) as refused:
        picture(FRAME)
    name = picture.__name__
    assert str(refused.value) == f"{name} draws what rereferral.{maker} gives, not a DataFrame"


def test_the_refusal_names_another_result() -> None:
    with pytest.raises(RuleError, match=r"league draws what .* gives, not an Estimate$"):
        plots.league(small_estimate("abc", [6, 5, 9]))


def test_pictures_are_drawn_where_they_are_asked_for() -> None:
    figure = Figure(figsize=(8, 8))
    some = FRAME[FRAME["region"] == "North East"]
    upper, lower = figure.subplots(2)
    assert plots.funnel(rr.funnel(some, **ASK), ax=upper) is upper
    assert plots.league(rr.league(some, **ASK), ax=lower) is lower
    assert to_png(figure, "a", "b") == to_png(figure, "a", "b")


def test_a_picture_of_its_own_is_one_that_notebooks_show() -> None:
    before = plt.rcParams.copy()
    ax = plots.funnel(rr.funnel(FRAME, **ASK))
    assert plt.get_fignums() == [ax.figure.number]
    assert plt.rcParams == before


# ---------------------------------------------------------------- who was left out


def ledger(*lines: tuple[str, str, Any, Any]) -> pd.DataFrame:
    table = pd.DataFrame(lines, columns=["table", "reason", "removed", "remaining"])
    return table.assign(step="a step")


LEDGER = ledger(
    ("index", "rows given", 0, 1_234_567),
    ("index", "the date is missing", 4_567, 1_230_000),
    ("index", "reason_for_closure is not RC8 or RC9, whatever else may stand there", 0, 1_230_000),
    ("index", "the window ends after 2021-03-31", 230_000, 1_000_000),
    ("events", "rows given", 0, 99),
)


@pytest.mark.parametrize("width", [7.5, 3.75])
def test_the_flow_of_a_ledger_shows_what_was_left_out_and_nothing_else(width: float) -> None:
    ax = plots.flow(LEDGER, width=width, source="Source: somewhere.", simulated=True)
    assert_legible(ax)
    found = texts(ax)
    assert {"1,234,567", "4,567", "230,000", "1,000,000", "99", "SIMULATED"} <= set(found)
    assert "Source: somewhere." in found
    assert not any("whatever else" in text for text in found)
    assert "1,230,000" not in found


def test_a_flow_of_links_and_of_a_report() -> None:
    days = np.array(["2019-01-31", "2019-06-30", "2020-12-31"], "M8[D]")
    table = {"child": [1, 1, 2], "on": days}
    links = rr.link(
        table,
        table,
        person="child",
        index_date="on",
        event_date="on",
        observed_until="2021-03-31",
    )
    assert "2" in texts(plots.flow(links))  # two of three are followed
    report = by_hand.report(3, 2, 30)
    assert "SIMULATED" in texts(plots.flow(report))
    counted = report.tables["ledger"]["remaining"].iloc[-1]
    assert f"{counted:,}" in texts(plots.flow(report))


@pytest.mark.parametrize("rule", [rr.rules.DFE, rr.rules.OPENSAFELY, rr.rules.CCWIP])
def test_the_flow_of_a_protected_report_is_drawn_though_it_is_rounded(rule: rr.rules.Rule) -> None:
    report = protected(several(), rule)
    counted = report.tables["ledger"]["remaining"].iloc[-1]
    assert f"{counted:,}" in texts(plots.flow(report))


def test_a_ledger_of_a_protected_report_differs_by_rounding_and_no_more() -> None:
    report = protected(several(), rr.rules.DFE)
    table = report.tables["ledger"]
    place = table.index[table["removed"] > 0][-2]
    before = int(table.loc[place - 1, "remaining"])
    assert plots.flow(report) is not None
    table.loc[place, "removed"] = before + 20 - int(table.loc[place, "remaining"])
    with pytest.raises(DataError, match="does not add up"):
        plots.flow(report)
    table.loc[place, "removed"] -= 10
    assert plots.flow(report) is not None
    with pytest.raises(DataError, match="does not add up"):
        plots.flow(table)  # nobody says that it is rounded


def test_small_counts_that_stand_as_0_are_up_to_as_many() -> None:
    pytest.importorskip("scipy")
    places = ["Hartlepool"]
    report = rr.missed_opportunities(
        rr.simulate(authorities=places, seed=1).episodes,
        years=range(2016, 2021),
        observed_until="2021-03-31",
    ).protect(rr.rules.OPENSAFELY)
    table = report.tables["ledger"]
    before = int(table["remaining"].iloc[-1])
    table.loc[len(table)] = table.iloc[-1]
    for fall, fine in ((10, True), (15, False)):
        table.loc[len(table) - 1, ["removed", "remaining"]] = 0, before - fall
        if fine:
            assert plots.flow(report) is not None
        else:
            with pytest.raises(DataError, match="does not add up"):
                plots.flow(report)


def test_numbers_that_are_not_shown_are_dashes() -> None:
    table = ledger(("index", "rows given", 0, 10), ("index", "x", None, None))
    assert texts(plots.flow(table)).count("–") == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ledger(("a", "given", 0, 9), ("a", "no date", 2, 8)), "a does not add up at 'no date'"),
        (LEDGER.drop(columns="removed"), 'no column "removed"'),
        (LEDGER.iloc[:0], "no lines"),
        (17, "not a table"),
    ],
)
def test_what_is_no_ledger_is_refused(data: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        plots.flow(data)


def test_a_chain_of_a_report_and_of_its_table() -> None:
    report = by_hand.report(3, 2, 30)
    row = report.tables["chain"].iloc[0]
    for ax in (plots.chain(report), plots.chain(report.tables["chain"], simulated=True)):
        assert_legible(ax)
        assert {f"{int(row['rereferred']):,}", "SIMULATED"} <= set(texts(ax))
    assert plt.get_fignums() == [1, 2]
    with pytest.raises(DataError, match='no column "followed"'):
        plots.chain(report.tables["chain"].drop(columns="followed"))
    with pytest.raises(DataError, match="no followed in its first row"):
        plots.chain(report.tables["chain"].assign(followed=None))


# ---------------------------------------------------------------- regions


RATES = FRAME.assign(rate=FRAME["re_referrals"] / FRAME["referrals"])


@pytest.mark.parametrize("width", [7.5, 3.75])
def test_a_panel_for_each_region(width: float) -> None:
    panels = plots.regions(RATES, width=width, simulated=True, source="Source: somewhere.")
    assert_legible(panels[0])
    regions = ["North East", "North West", "Yorkshire and The Humber", "East Midlands"]
    regions += ["West Midlands", "East of England", "London", "South East", "South West"]
    assert len(panels) == len(regions)
    for panel, region in zip(panels, regions, strict=True):
        mine = RATES.loc[(RATES["region"] == region) & RATES["rate"].notna(), "rate"]
        dots = next(one for one in panel.collections if len(one.get_offsets()) == len(mine))
        assert np.sort(dots.get_offsets()[:, 0]).tolist() == sorted(mine)
        ticks, middle = panel.lines
        assert middle.get_xdata()[0] == mine.median()
        assert sorted(set(ticks.get_xdata()[::3])) == sorted(set(RATES["rate"].dropna()))
        assert panel.get_xlim() == panels[0].get_xlim()
    found = texts(panels[0])
    assert {"SIMULATED", "Source: somewhere."} <= set(found)
    assert "Not shown: 3 of 151 rates." in " ".join(found)


def test_a_line_for_each_authority_over_the_years() -> None:
    table = england(range(2018, 2021)).assign(
        rate=lambda data: data["re_referrals"] / data["referrals"]
    )
    panels = plots.regions(table, year="financial_year")
    assert_legible(panels[0])
    for panel, region in zip(panels[:2], ["North East", "North West"], strict=True):
        mine = table[table["region"] == region]
        assert len(panel.lines) == mine["authority_name"].nunique() + 1
        middle = mine.groupby("financial_year")["rate"].median()
        assert panel.lines[-1].get_ydata().tolist() == middle.tolist()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (RATES.drop(columns="region"), 'no column "region"'),
        (RATES.assign(rate=1.5), "rate of Hartlepool is 1.5"),
        (RATES.assign(rate="?"), "Hartlepool: '\\?' is neither a number"),
        (pd.concat([RATES, RATES.iloc[:1]]), "Hartlepool stands in the table twice"),
        (RATES[RATES["region"] == "London"], "fewer than two regions"),
    ],
)
def test_bad_tables_of_regions_are_refused(data: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        plots.regions(data)


# ---------------------------------------------------------------- the map of tiles


def places() -> pd.DataFrame:
    return pd.concat([published.authorities(), published.later_authorities()]).set_index(
        "authority"
    )


def cells(tiles: pd.DataFrame) -> dict[tuple[int, int], str]:
    found: dict[tuple[int, int], str] = {}
    for row in tiles.itertuples():
        for k in range(row.width):
            assert (row.row, row.column + k) not in found, row.authority
            found[row.row, row.column + k] = row.authority
    return found


TILES = published.authority_tiles()


def test_every_code_has_a_tile() -> None:
    assert sorted(TILES["authority"]) == sorted(places().index)


@pytest.mark.parametrize("year", range(2013, 2025))
def test_no_two_authorities_of_a_year_share_a_tile(year: int) -> None:
    series = published.authority_series()
    mine = TILES[TILES["authority"].isin(series.loc[series["year"] == year, "authority"])]
    assert len(mine) > 150
    at = cells(mine)
    assert mine["short"].is_unique
    # The map is whole in every year, and every region is in one piece.
    assert set(at) == {
        (row.row, row.column + k) for row in TILES.itertuples() for k in range(row.width)
    }
    region = places()["region"]
    for name in region.unique():
        left = {cell for cell, code in at.items() if region[code] == name}
        reached = [left.pop()]
        for row, column in reached:
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            reached += near
        assert not left, name


def test_the_map_lies_as_england_does() -> None:
    known = places().join(TILES.set_index("authority"))
    at = known.set_index("authority_name")[["row", "column"]]
    for west, east in [
        ("Liverpool", "Leeds"),
        ("Hillingdon", "Camden"),
        ("Camden", "Hackney"),
        ("Hackney", "Havering"),
        ("Cornwall", "Kent"),
        ("Herefordshire, County of", "Norfolk"),
    ]:
        assert at.loc[west, "column"] < at.loc[east, "column"]
    for north, south in [
        ("Northumberland", "Leeds"),
        ("Leeds", "Derby"),
        ("Derby", "Milton Keynes"),
        ("Barnet", "Westminster"),
        ("Islington", "City of London"),
        ("Westminster", "Lambeth"),
        ("Lambeth", "Croydon"),
        ("Croydon", "Brighton and Hove"),
    ]:
        assert at.loc[north, "row"] < at.loc[south, "row"]
    london = known[known["region"] == "London"]
    box = (london["row"].max() - london["row"].min() + 1) * (
        london["column"].max() - london["column"].min() + 1
    )
    assert len(london) == 33
    assert box <= 40  # together, and not in a line


def filled(ax: Any) -> dict[tuple[float, float], str]:
    """By the middle of a tile its colour."""
    return {
        (one.get_x() + one.get_width() / 2, one.get_y() + one.get_height() / 2): to_hex(
            one.get_facecolor()
        )
        for one in ax.patches
        if one.get_width() > 0.5
    }


@pytest.mark.parametrize("width", [7.5, 5.0])
def test_a_tile_map(width: float) -> None:
    some = RATES.copy()
    some.loc[some["authority"] == "E06000001", "rate"] = np.nan
    some = some[some["authority"] != "E06000002"]
    ax = plots.tile_map(some, width=width, simulated=True, source="Source: somewhere.")
    assert_legible(ax)
    colours = filled(ax)
    assert len(colours) == 151
    tiles = TILES.set_index("authority")
    shades: dict[str, list[float]] = {}
    for row in RATES.itertuples():
        tile = tiles.loc[row.authority]
        colour = colours[tile["column"] + tile["width"] / 2, tile["row"] + 0.5]
        gone = row.authority in ("E06000001", "E06000002") or np.isnan(row.rate)
        assert (colour == "#ffffff") == gone
        if not gone:
            shades.setdefault(colour, []).append(row.rate)
    # Darker is more, and no class reaches into the next.
    order = sorted(shades, key=lambda colour: -int(colour[1:3], 16))
    ends = [end for colour in order for end in (min(shades[colour]), max(shades[colour]))]
    assert ends == sorted(ends)
    found = texts(ax)
    assert {"SIMULATED", "Source: somewhere.", "not shown (4)", "not in the table (1)"} <= set(
        found
    )
    assert found.count("Htp") == 1
    assert "35" in found  # Isle of Wight


def test_percentages_on_tiles_are_rounded_half_up() -> None:
    ax = plots.tile_map({"authority": ["E06000001", "E06000002"], "rate": [0.225, 0.565]})
    assert {"23", "57"} <= set(texts(ax))
    ax = plots.tile_map({"authority": ["E06000001", "E06000002"], "rate": [0.1625, 0.17]})
    assert {"16.3", "17.0"} <= set(texts(ax))


def test_a_rate_of_0_is_a_rate_and_a_symbol_is_not() -> None:
    some = RATES.assign(rate=["0", "c", *["0.2"] * 149])
    ax = plots.tile_map(some)
    assert filled(ax)[10.5, 3.5] != "#ffffff"  # Hartlepool
    assert filled(ax)[10.5, 4.5] == "#ffffff"  # Middlesbrough
    assert {"not shown (1)"} <= set(texts(ax))


@pytest.mark.parametrize(
    ("codes", "rates", "message"),
    [
        (["E06000001", "E99999999"], [0.1, 0.2], "row 1 is 'E99999999', which has no tile"),
        (["E06000001", None], [0.1, 0.2], "row 1 is missing"),
        (["E06000001"] * 2, [0.1, 0.2], "E06000001 stands in the table twice"),
        (["E10000006", "E06000063"], [0.1, 0.2], "E10000006 and E06000063 are of different years"),
        (["E06000001", "E06000002"], [0.1, 22.6], "rate of E06000002 is 22.6"),
        (["E06000001", "E06000002"], [0.1, -0.1], "rate of E06000002 is -0.1"),
        (["E06000001", "E06000002"], ["c", "x"], "no authority has a rate to show"),
    ],
)
def test_bad_tables_of_tiles_are_refused(codes: list[Any], rates: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        plots.tile_map({"authority": codes, "rate": rates})


def test_new_pictures_are_drawn_where_they_are_asked_for() -> None:
    figure = Figure(figsize=(10, 40))
    duration, event, _ = durations()
    given = [figure.add_axes((0.2, 0.05 + 0.19 * k, 0.7, 0.12)) for k in range(5)]
    assert plots.flow(LEDGER, ax=given[0]) is given[0]
    assert plots.chain(by_hand.report(3, 2, 30), ax=given[1]) is given[1]
    assert plots.curve(rr.curve(duration, event), ax=given[2]) is given[2]
    assert plots.tile_map(RATES, ax=given[3]) is given[3]
    assert plots.regions(RATES, ax=given[4])[0].figure is figure
    assert not plt.get_fignums()
    assert to_png(figure, "a", "b") == to_png(figure, "a", "b")
