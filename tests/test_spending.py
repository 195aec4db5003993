"""Early and late intervention: the figures that were published, and what is made of lines."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import rereferral as rr
from legible import assert_legible
from rereferral import plots, spending
from rereferral.estimate import england as england_sizes
from rereferral.spending.money import as_million, share_of
from shared_data import shared

S251 = "s251_childrens_young_peoples_services_national3_2021-22.csv"
DEFLATOR = {"2010-11": 0.8446, "2019-20": 1}


@pytest.fixture(autouse=True)
def close() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def england() -> spending.Spending:
    return spending.early_and_late(spending.published(), spending.read_s251(shared("s251", S251)))


@pytest.fixture(scope="module")
def ro3() -> tuple[spending.Lines, spending.Lines]:
    return tuple(
        spending.read_ro3(shared("ro3", name)) for name in ("ro3_2015-16.xlsx", "ro3_2019-20.ods")
    )


@pytest.fixture(scope="module")
def councils(ro3: Any) -> spending.Spending:
    return spending.early_and_late(*ro3)


# ---------------------------------------------------------------- England, to the digit


def test_both_rows_for_every_year(england: spending.Spending) -> None:
    table = england.table.set_index("financial_year")
    assert {
        year: (as_million(row["early"]), as_million(row["late"])) for year, row in table.iterrows()
    } == {
        "2010-11": ("3,040.5", "4,736.3"),
        "2015-16": ("2,133.1", "6,068.9"),
        "2016-17": ("2,024.9", "6,316.5"),
        "2017-18": ("1,890.3", "6,714.9"),
        "2018-19": ("1,863.5", "7,153.2"),
        "2019-20": ("1,845.8", "7,623.8"),
        "2020-21": ("1,883.9", "8,182.7"),
        "2021-22": ("2,024.6", "8,777.2"),
    }


@pytest.mark.parametrize(
    ("year", "one", "none"),
    [("2010-11", "39.1 %", "39 %"), ("2015-16", "26.0 %", "26 %"), ("2019-20", "19.5 %", "19 %")],
)
def test_the_share_of_early(england: spending.Spending, year: str, one: str, none: str) -> None:
    row = england.table.set_index("financial_year").loc[year]
    assert share_of(row["early"], row["late"]) == one
    assert share_of(row["early"], row["late"], decimals=0) == none


def test_one_deflator_explains_both_billions(england: spending.Spending) -> None:
    real = england.of_years(*DEFLATOR).in_prices_of("2019-20", DEFLATOR)
    assert [
        [as_million(value / 1000) for value in row]
        for row in real.table[["early", "late"]].to_numpy()
    ] == [
        ["3.6", "5.6"],
        ["1.8", "7.6"],
    ]
    assert real.unit == "£ million, 2019-20 prices"
    assert england.unit == "£ million, cash"


def test_years_that_count_other_lines_are_told(england: spending.Spending) -> None:
    said = "2010-11 and 2015-16 to 2021-22 do not count the same lines"
    assert f"{said}: see parts" in england.words()
    assert said in texts(plots.spending(england))
    assert england.of_years("2015-16", "2021-22").unlike() == ""
    assert england.of_years("2015-16").parts["line"].tolist() == [
        "3.0.5", "3.4.6", "3.5.3", "3.1.11", "3.3.4", "3.6.1",
    ]  # fmt: skip


def test_published_late_intervention_is_its_parts() -> None:
    net = spending.published().table.set_index("description")["net"]
    parts = net.iloc[4:]
    assert len(parts) == 4
    assert parts.sum() == pytest.approx(net["Late intervention"], abs=0.2)  # each rounded to 0.1


def test_outturn_before_there_were_tidy_files() -> None:
    lines = [
        spending.read_outturn(shared("s251", f"outturn_{name}.csv"), year)
        for name, year in (("0809", "2008-09"), ("0910", "2009-10"))
    ]
    published = [(150, 2_453_068_036), (152, 2_887_952_230)]
    for one, (areas, pounds) in zip(lines, published, strict=True):
        looked_after = one.table[one.table["description"] == "Total Children Looked After"]
        assert len(looked_after) == areas
        assert round(looked_after["net"].sum() * 1e6) == pounds
    found = spending.early_and_late(*lines)
    assert found.table["early"].isna().all()
    assert found.table["late"].notna().all()
    assert found.missing["reason"].unique().tolist() == [
        "not in the file: Sure Start, Services for young people"
    ]
    assert np.isnan(found.together().table["early"]).all()


# ---------------------------------------------------------------- councils, to the digit


def by_hand(path: Path) -> dict[str, list[Fraction]]:
    """Early and late of each authority, £ thousand, cell by cell from the workbook."""
    import openpyxl

    sheet = openpyxl.load_workbook(path, data_only=True)["RO3 LA Data 2015-16"]
    rows = list(sheet.iter_rows(values_only=True))
    early, late, found = (10, 22, 27), (13, 25, 23), {}
    for row in rows:
        if row[4] in ("UA", "MD", "L", "SC") and row[0]:
            sums = [Fraction(0), Fraction(0)]
            for column in range(5, len(row)):
                if rows[3][column] == 7:  # the block's last column
                    for side, numbers in enumerate((early, late)):
                        if rows[2][column] in numbers:
                            sums[side] += Fraction(row[column])
            found[row[1]] = sums
    return found


def test_every_authority_as_a_walk_over_the_cells_has_it(councils: spending.Spending) -> None:
    slow = by_hand(shared("ro3", "ro3_2015-16.xlsx"))
    table = councils.table.query("financial_year == '2015-16'").set_index("area_published")
    assert set(table.index) == set(slow)
    assert len(slow) == 152
    for code, (early, late) in slow.items():
        assert table.at[code, "early"] == pytest.approx(float(early) / 1000, abs=1e-9)
        assert table.at[code, "late"] == pytest.approx(float(late) / 1000, abs=1e-9)


def test_the_lines_of_all_authorities(councils: spending.Spending) -> None:
    sums = councils.parts.groupby(["line", "financial_year"])["net"].sum().map(as_million)
    assert sums.unstack().loc[["10", "22", "27"]].to_numpy().tolist() == [
        ["544.9", "391.9"],
        ["1,012.4", "1,128.0"],
        ["447.8", "330.8"],
    ]
    assert councils.together().table["late"].map(as_million).tolist() == ["5,929.8", "7,605.0"]


@pytest.mark.parametrize(
    ("deflator", "cut", "said"),
    [(None, 83, "cash"), (1.08, 104, "2019-20"), (1.09, 104, "2019-20")],
)
def test_who_cut(councils: spending.Spending, deflator: Any, cut: int, said: str) -> None:
    found = spending.changes(councils, "2015-16", "2019-20", deflator=deflator, areas="same code")
    assert (found.cut, len(found.table), found.prices) == (cut, 148, said)
    assert found.cut_by_more_than(0.7)["area_name"].tolist() == ["Sandwell"]
    assert found.words()[0].startswith(f"{cut} of 148 authorities cut early intervention")
    assert set(found.left_out["area_name"]) == {
        "Bournemouth UA", "Poole UA", "Dorset", "Dorset UA", "North Yorkshire",
        "Bournemouth, Christchurch and Poole UA",
    }  # fmt: skip
    # What was said of these three is not what their outturn says.
    named = found.table.set_index("area").loc[["E06000035", "E10000021", "E08000024"]]
    assert (named["change_percent"] > -40).all()


def test_like_is_held_against_like(councils: spending.Spending) -> None:
    found = spending.changes(councils, "2015-16", "2019-20")
    assert (found.cut, len(found.table)) == (85, 150)
    assert found.left_out.empty
    dorset = found.table.set_index("area").loc["E06000059+E06000058"]
    old = councils.table.query("financial_year == '2015-16'").set_index("area")["early"]
    new = councils.table.query("financial_year == '2019-20'").set_index("area")["early"]
    assert dorset["before"] == pytest.approx(old[["E06000028", "E06000029", "E10000009"]].sum())
    assert dorset["after"] == pytest.approx(new[["E06000058", "E06000059"]].sum())
    assert any("E10000022" in note and "North Yorkshire" in note for note in councils.notes)


def test_a_deflator_moves_money_and_not_order(councils: spending.Spending) -> None:
    later = spending.changes(councils, "2015-16", "2019-20", deflator=1.08)
    earlier = spending.changes(councils, "2015-16", "2019-20", deflator=1.08, prices="2015-16")
    index = spending.changes(
        councils, "2015-16", "2019-20", deflator=pd.Series({"2015-16": 100, "2019-20": 108})
    )
    assert later.exact == earlier.exact == index.exact
    assert np.allclose(later.table["before"], 1.08 * earlier.table["before"])
    assert (later.prices, earlier.prices) == ("2019-20", "2015-16")
    real = councils.in_prices_of("2019-20", {"2015-16": 100, "2019-20": 108})
    assert spending.changes(real, "2015-16", "2019-20").cut == later.cut
    with pytest.raises(rr.RuleError, match="in 2019-20 prices already; give no deflator"):
        spending.changes(real, "2015-16", "2019-20", deflator=1.08)


def test_districts_are_left_out_and_told(councils: spending.Spending) -> None:
    ledger = councils.ledger
    for _, rows in ledger.groupby("financial_year"):
        assert rows["remaining"].iloc[0] - rows["removed"].sum() == rows["remaining"].iloc[-1]
        assert rows["remaining"].iloc[-1] in (152, 151)
    assert any("class SD" in line and "£0.6 million" in line for line in councils.words())


def test_per_child(councils: spending.Spending) -> None:
    sizes = england_sizes([2016, 2020])
    found = councils.per_child(sizes)
    row = found.table.query("area_name == 'Leeds' and financial_year == '2019-20'").iloc[0]
    leeds = sizes.query("authority_name == 'Leeds' and financial_year == '2019-20'").iloc[0]
    assert row["early_per_child"] == pytest.approx(row["early"] * 1e6 / leeds["children"])
    moved = spending.changes(found, "2015-16", "2019-20")
    assert moved.unit == "£ a child, cash"
    dorset = moved.table.set_index("area").loc["E06000059+E06000058"]
    joined = found.table[found.table["area"].isin(["E06000058", "E06000059"])]
    assert dorset["after"] == pytest.approx(joined["early"].sum() * 1e6 / joined["children"].sum())
    assert any("not published, but filled: " in note and "Dorset" in note for note in found.notes)
    with pytest.raises(rr.DataError, match=r"Leeds \(E08000035\) has no row .* in 2015-16"):
        councils.per_child(sizes.query("authority_name != 'Leeds'"))
    with pytest.raises(rr.DataError, match="Leeds has 0 children in"):
        councils.per_child(
            sizes.assign(children=0)
            .query("authority_name == 'Leeds'")
            .pipe(lambda leeds: pd.concat([sizes.query("authority_name != 'Leeds'"), leeds]))
        )
    with pytest.raises(rr.DataError, match="stands in the table of children twice"):
        councils.per_child(pd.concat([sizes, sizes.head(1)]))


def test_england_per_child(england: spending.Spending) -> None:
    found = england.of_years("2019-20").per_child(england_sizes([2020]))
    assert found.table["children"].tolist() == [11_790_492]
    assert found.table["early_per_child"].round(2).tolist() == [156.55]


# ---------------------------------------------------------------- by hand


def made(net: dict[str, list[float]], **options: Any) -> spending.Spending:
    """Authorities with early and late of two years, 2015-16 and 2019-20, or of the first alone."""
    cells = [(year, line) for year in ("2015-16", "2019-20") for line in ("Help", "Care")]
    rows = [
        (year, name, name, description, amount)
        for name, amounts in net.items()
        for (year, description), amount in zip(cells, amounts, strict=False)
    ]
    columns = ["financial_year", "area", "area_name", "description", "net"]
    table = pd.DataFrame(rows, columns=columns)
    lines = spending.as_lines(table, source="own", unit="£ million")
    return spending.early_and_late(lines, mapping=OWN, **options)


OWN = pd.DataFrame(
    {
        "source": "own",
        "first_year": "2015-16",
        "last_year": "2019-20",
        "line": "",
        "description": ["Help", "Care"],
        "side": ["early", "late"],
    }
)


def test_a_base_of_nothing_has_no_percentage() -> None:
    found = made({"A": [0, 1, 5, 1], "B": [-2, 1, -3, 1], "C": [4, 1, 3, 1], "D": [0, 1, 0, 1]})
    moved = spending.changes(found, "2015-16", "2019-20")
    table = moved.table.set_index("area")
    assert table["moved"].to_dict() == {"C": "cut", "A": "rise", "B": "cut", "D": "same"}
    assert table["change_percent"].isna().to_dict() == {"C": False, "A": True, "B": True, "D": True}
    assert table.loc[["A", "B", "D"], "note"].tolist() == [
        "0 in 2015-16", "below 0 in 2015-16", "0 in 2015-16",
    ]  # fmt: skip
    assert moved.cut == 2
    assert moved.cut_by_more_than(0)["area"].tolist() == ["C"]
    assert "3 have no percentage: A (0 in 2015-16)" in "\n".join(moved.words())
    assert table["place"].isna().sum() == 3
    assert found.table.loc[found.table["early"] < 0, "early_share"].isna().all()


def test_percentages_are_rounded_once_half_up() -> None:
    # 13.4 of 16 is 83.75 % on the point, 2.6 of 16 is 16.25 %.
    found = made({"A": [16, 1, 2.6, 1], "B": [16, 1, 18.6, 1], "C": [3, 1, 0.9, 1]})
    moved = spending.changes(found, "2015-16", "2019-20")
    assert moved.table["change_percent"].tolist() == [-83.8, -70.0, 16.3]
    assert moved.cut_by_more_than(0.7)["area"].tolist() == ["A"]  # exactly 70 % is not more


def test_all_areas_together_change_as_their_sums() -> None:
    found = made({"A": [4, 1, 2, 1], "B": [8, 1, 7, 1]}).together()
    moved = spending.changes(found, "2015-16", "2019-20", deflator=1.25)
    assert moved.table[["before", "after", "change_percent"]].to_numpy().tolist() == [[15, 9, -40]]


def test_areas_with_the_same_change_share_a_place() -> None:
    found = made({"A": [4, 1, 2, 1], "B": [8, 1, 4, 1], "C": [8, 1, 6, 1]})
    assert spending.changes(found, "2015-16", "2019-20").table["place"].tolist() == [1, 1, 3]


def test_a_missing_amount_is_no_nought() -> None:
    found = made({"A": [4, 1, "low", 1], "B": [8, 1, 4, 1]})
    assert found.missing.to_dict("records") == [
        {"financial_year": "2019-20", "area": "A", "area_name": "A", "column": "early",
         "reason": "Help: rounds to zero"},
    ]  # fmt: skip
    moved = spending.changes(found, "2015-16", "2019-20")
    assert moved.table["area"].tolist() == ["B"]
    assert moved.left_out[["area", "reason"]].to_numpy().tolist() == [["A", "early is missing"]]
    whole = found.together()
    assert np.isnan(whole.table["early"].iloc[1])
    assert "1 of 2 areas lack it (Help: rounds to zero)" in whole.missing["reason"].tolist()


def crosswalk(*changes: tuple[str, str, str]) -> pd.DataFrame:
    table = pd.DataFrame(changes, columns=["predecessor", "successor", "effective_date"])
    return table.assign(kind="merge")


def test_authorities_that_changed_in_between() -> None:
    found = made({"A": [4, 1], "B": [6, 1], "C": [5, 1, 5, 1], "E": [None, None, 5, 1]})
    table = found.table.dropna(subset="early").reset_index(drop=True)
    found = spending.Spending(table, found.parts, found.missing, found.ledger)
    chain = crosswalk(("A", "D", "2016-04-01"), ("D", "E", "2018-04-01"), ("B", "E", "2018-04-01"))
    moved = spending.changes(found, "2015-16", "2019-20", crosswalk=chain)
    assert moved.table.set_index("area")["before"].to_dict() == {"E": 10, "C": 5}
    assert moved.cut == 1
    # Too early, too late: no change between the two years.
    for day in ("2015-04-01", "2019-04-02"):
        other = crosswalk(("A", "E", day), ("B", "E", day))
        moved = spending.changes(found, "2015-16", "2019-20", crosswalk=other)
        assert set(moved.left_out["reason"]) == {"in 2015-16 only", "in 2019-20 only"}
    # One predecessor is not in the file, so nothing can be said of its successor.
    more = pd.concat([chain, crosswalk(("F", "E", "2018-04-01"))])
    moved = spending.changes(found, "2015-16", "2019-20", crosswalk=more)
    assert moved.table["area"].tolist() == ["C"]
    assert moved.left_out["area"].tolist() == ["A", "B", "E"]
    assert moved.left_out["reason"].str.contains("F is not in both years' files").all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"of": "lines"}, "of='lines' is none of early, late, total"),
        ({"areas": "all"}, "areas='all' is neither 'joined' nor 'same code'"),
        ({"prices": "2019-20"}, "needs a deflator"),
        ({"deflator": 0.93}, 'otherwise write {"2015-16": 0.93, "2019-20": 1}'),
        ({"deflator": {"2015-16": 1}}, "no level of prices of 2019-20"),
        ({"deflator": {"2015-16": 1, "2019-20": 0}}, "the level of 2019-20 is 0"),
        ({"deflator": {2016: 1, 2020: 1}}, "2016 is no financial year"),
        ({"deflator": "much"}, "deflator is 'much', not a number"),
        ({"deflator": 1.08, "prices": "2010-11"}, "no level of prices of 2010-11"),
    ],
)
def test_what_changes_refuses(arguments: dict[str, Any], message: str) -> None:
    found = made({"A": [4, 1, 2, 1]})
    with pytest.raises(rr.RuleError) as error:
        spending.changes(found, "2015-16", "2019-20", **arguments)
    assert message in str(error.value)


def test_a_year_that_is_not_there() -> None:
    found = made({"A": [4, 1, 2, 1]})
    with pytest.raises(rr.DataError, match="no spending of 2010-11; there is of 2015-16, 2019-20"):
        spending.changes(found, "2010-11", "2019-20")
    with pytest.raises(rr.DataError, match="no spending of 2010-11"):
        found.of_years("2010-11")
    with pytest.raises(rr.RuleError, match="no level of prices of 2015-16"):
        found.in_prices_of("2019-20", {"2019-20": 1})
    with pytest.raises(rr.RuleError, match=r"share=7 is not from 0 to 1"):
        spending.changes(found, "2015-16", "2019-20").cut_by_more_than(7)


# ---------------------------------------------------------------- pictures


def texts(ax: Any) -> str:
    found = ax.get_figure().findobj(match=lambda part: hasattr(part, "get_text"))
    return " ".join(text.get_text() for text in found).replace("\N{NO-BREAK SPACE}", " ")


def test_a_picture_over_years() -> None:
    found = made({"A": [4, 10, 2, 12]})
    ax = plots.spending(found, source="Source: somewhere.", simulated=True)
    drawn = [line.get_ydata().tolist() for line in ax.lines if line.get_marker() == "o"]
    assert drawn == [[4, 2], [10, 12]]
    assert [line.get_linestyle() for line in ax.lines if line.get_marker() != "o"] == ["--", "--"]
    shown = texts(ax)
    for part in ("£ million, cash", "Source: somewhere.", "SIMULATED", "2019-20\n14.3 %"):
        assert part in shown
    several = made({"A": [4, 10, 2, 12], "B": [4, 10, 2, 12]})
    with pytest.raises(rr.RuleError, match="several areas"):
        plots.spending(several)
    with pytest.raises(rr.DataError, match="no spending of the area 'X'"):
        plots.spending(several, area="X")
    assert plots.spending(several, area="B").get_title() == ""


@pytest.mark.parametrize("width", [7.5, 5.0, 3.5])
@pytest.mark.parametrize("number", [1, 2, 8, 14])
def test_a_picture_over_many_years_is_legible(number: int, width: float) -> None:
    years = [f"{year}-{(year + 1) % 100:02d}" for year in range(2010, 2010 + number)]
    rows = [
        (year, "A", "A", description, amount)
        for place, year in enumerate(years)
        for description, amount in (("Help", 4000 - 200 * place), ("Care", 2000 + 190 * place))
    ]
    columns = ["financial_year", "area", "area_name", "description", "net"]
    lines = spending.as_lines(pd.DataFrame(rows, columns=columns), source="own", unit="£ million")
    mapping = OWN.assign(first_year=years[0], last_year=years[-1])
    found = spending.early_and_late(lines, mapping=mapping)
    ax = plots.spending(found, width=width, source="Source: somewhere.")
    assert_legible(ax)
    shown = texts(ax)
    for part in ("4,000", "2,000", f"{4000 - 200 * (number - 1):,}", "66.7 %", *years):
        assert part in shown


def test_a_picture_of_changes() -> None:
    found = made({"A": [4, 1, 1, 1], "B": [4, 1, 16, 1], "C": [4, 1, 3, 1], "D": [0, 1, 3, 1]})
    moved = spending.changes(found, "2015-16", "2019-20", deflator=1.25)
    ax = plots.changes(moved, names=["C"])
    assert [bar.get_height() for bar in ax.patches] == [-80, -40, 150]
    shown = texts(ax)
    for part in ("2 of 4 cut", "2019-20 prices", "1 rose by more than 150 %", "B +220.0 %",
                 "C -40.0 %", "1 without a percentage"):  # fmt: skip
        assert part in shown
    with pytest.raises(rr.DataError, match="no change of the area 'X'"):
        plots.changes(moved, names=["X"])
