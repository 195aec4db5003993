"""Outturn files as they are: what is read all the same, and what is refused by name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import rereferral as rr
from rereferral import spending

# ---------------------------------------------------------------- tidy Section 251

HEADER = (
    "time_period,geographic_level,country_code,country_name,new_la_code,la_name,"
    "description_of_expenditure,net_current_expenditure\n"
)
TOTALS = {
    "3.0.5 Total Sure Start childrens centres and other spend on children under 5": "1",
    "3.1.11 Total Children Looked After": "2",
    "3.3.4 Total Safeguarding Children and Young Peoples Services": "3",
    "3.4.6 Total Family Support Services": "4",
    "3.5.3 Total Services for young people": "5",
    "3.6.1 Youth justice": "6",
}
OTHERS = {
    "3.1.1 Residential care": "1.5",
    "3.1.2 Total Fostering services": "0.5",
    "3.1.2a Fostering services (fees)": "x",
    "8a.2 Teenage pregnancy services (included in 3.5.1 and 3.5.2 above)": "x",
    "5.0.2 Total Children and Young Peoples Services Expenditure (excluding CERA)": "21",
}


def tidy(tmp_path: Path, lines: dict[str, str], year: str = "201920") -> Path:
    path = tmp_path / "s251.csv"
    rows = [f"{year},National,E92000001,England,,,{text},{net}\n" for text, net in lines.items()]
    path.write_text(HEADER + "".join(rows))
    return path


def counted(*lines: tuple[str, str, str]) -> pd.DataFrame:
    """A mapping of one's own for Section 251."""
    table = pd.DataFrame(lines, columns=["line", "description", "side"])
    return table.assign(source="s251", first_year="2015-16", last_year="2021-22")


def test_sub_lines_and_memo_lines_do_not_count(tmp_path: Path) -> None:
    lines = spending.read_s251(tidy(tmp_path, TOTALS | OTHERS))
    found = spending.early_and_late(lines)
    assert found.table[["early", "late"]].to_numpy().tolist() == [[10, 11]]
    assert lines.missing["meaning"].tolist() == ["not available", "not available"]
    assert found.missing.empty


def test_a_misspelt_line_is_read_and_told(tmp_path: Path) -> None:
    lines = {
        key.replace("Support Services", "support servcies"): net for key, net in TOTALS.items()
    }
    found = spending.early_and_late(spending.read_s251(tidy(tmp_path, lines)))
    assert found.table["early"].tolist() == [10]
    assert found.notes == (
        's251.csv, 2019-20: "Total Family support servcies" is read as '
        '"Total Family Support Services"',
    )


@pytest.mark.parametrize("line", TOTALS)
def test_a_line_that_the_file_lacks(tmp_path: Path, line: str) -> None:
    lines = {key: net for key, net in TOTALS.items() if key != line}
    with pytest.raises(rr.DataError, match="no line") as error:
        spending.early_and_late(spending.read_s251(tidy(tmp_path, lines)))
    assert f's251.csv, 2019-20: no line "{line}"' in str(error.value)


def test_a_number_with_another_line_behind_it(tmp_path: Path) -> None:
    lines = {
        key.replace("3.6.1 Youth justice", "3.6.1 Adoption"): net for key, net in TOTALS.items()
    }
    with pytest.raises(
        rr.DataError, match=r'line 3\.6\.1 is "Adoption", not "3\.6\.1 Youth justice"'
    ):
        spending.early_and_late(spending.read_s251(tidy(tmp_path, lines)))


def test_a_year_without_a_mapping(tmp_path: Path) -> None:
    lines = spending.read_s251(tidy(tmp_path, TOTALS, "202223"))
    with pytest.raises(rr.RuleError, match='the mapping has no lines of "s251" in 2022-23'):
        spending.early_and_late(lines)
    later = spending.mapping().assign(last_year="2022-23")
    assert spending.early_and_late(lines, mapping=later).table["early"].tolist() == [10]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([("3.1.11", "", "late"), ("3.1.2", "", "late")],
         '"3.1.2 Total Fostering services" in 2019-20 twice: it is a part of "3.1.11 Total'),
        ([("3.1.2", "", "late"), ("3.1.2a", "", "late")],
         '"3.1.2a Fostering services (fees)" in 2019-20 twice: it is a part of "3.1.2 Total'),
        ([("5.0.2", "", "late"), ("3.6.1", "", "late")], "a part of \"5.0.2 Total Children"),
        ([("8a.2", "", "early")], "a memo line, included in others"),
        ([("3.6.1", "", "late"), ("", "Youth justice", "early")],
         '"3.6.1 Youth justice" twice in 2019-20'),
        ([("3.6.1", "", "middle")], "side 'middle' is not early or late"),
        ([("", "", "late")], "row 0: names no line"),
    ],
)  # fmt: skip
def test_what_is_counted_twice(
    tmp_path: Path, lines: list[tuple[str, str, str]], message: str
) -> None:
    given = spending.read_s251(tidy(tmp_path, TOTALS | OTHERS))
    with pytest.raises(rr.RuleError) as error:
        spending.early_and_late(given, mapping=counted(*lines))
    assert message in str(error.value)


def test_fostering_alone_may_be_counted_by_its_parts(tmp_path: Path) -> None:
    given = spending.read_s251(tidy(tmp_path, TOTALS | OTHERS))
    own = counted(("3.4.6", "", "early"), ("3.1.1", "", "late"), ("3.1.2", "", "late"))
    found = spending.early_and_late(given, mapping=own)
    assert found.table[["early", "late"]].to_numpy().tolist() == [[4, 2]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"side": None}, 'the mapping has no column "side"'),
        ({"first_year": "2015"}, "'2015' is no financial year"),
        ({"in_file": "perhaps"}, "in_file 'perhaps' is not yes or no"),
    ],
)
def test_a_mapping_that_is_none(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    own = counted(("3.6.1", "", "late"))
    for name, value in change.items():
        own = own.drop(columns=name) if value is None else own.assign(**{name: value})
    with pytest.raises(rr.RereferralError, match=message):
        spending.early_and_late(spending.read_s251(tidy(tmp_path, TOTALS)), mapping=own)


def test_authorities_need_a_unit(tmp_path: Path) -> None:
    path = tmp_path / "s251.csv"
    rows = [f"201920,Local authority,,,E08000035,Leeds,{text},{net}000000\n"
            for text, net in TOTALS.items()]  # fmt: skip
    path.write_text(HEADER + "".join(rows))
    with pytest.raises(rr.RuleError, match="give unit=, one of £ million"):
        spending.read_s251(path, level="authority")
    lines = spending.read_s251(path, level="authority", unit="£")
    assert spending.early_and_late(lines).table["early"].tolist() == [10]
    with pytest.raises(rr.DataError, match="no rows of the level national"):
        spending.read_s251(path)
    with pytest.raises(rr.RuleError, match="level='ward'"):
        spending.read_s251(path, level="ward")
    with pytest.raises(rr.RuleError, match="unit='€'"):
        spending.read_s251(path, unit="€")


def test_england_beside_its_authorities(tmp_path: Path) -> None:
    england = spending.read_s251(tidy(tmp_path, TOTALS))
    rows = england.table.assign(area="E08000035", area_name="Leeds")
    leeds = spending.as_lines(rows, source="s251", unit="£ million")
    with pytest.raises(rr.DataError, match="England stands beside its authorities in 2019-20"):
        spending.early_and_late(england, leeds)
    with pytest.raises(rr.DataError, match=r"Leeds \(E08000035\) is given twice for 2019-20"):
        spending.early_and_late(leeds, leeds)


def test_the_same_line_twice(tmp_path: Path) -> None:
    path = tidy(tmp_path, TOTALS)
    path.write_text(
        path.read_text() + "201920,National,E92000001,England,,,3.6.1 Youth justice,6\n"
    )
    with pytest.raises(rr.DataError, match=r'line "3\.6\.1 Youth justice" twice for England'):
        spending.read_s251(path)


# ---------------------------------------------------------------- outturn before 2010

BEFORE = "LEA Number:,LA Name:,S52 Line Reference:,NET Current Expenditure (m)\r\n"
LINES = {
    "14 Total Children Looked After": "2",
    "19 Total Children and Young Peoples Safety": "3",
    "28 Total Family Support Services": "1",
    "43 Total Childrens Services Strategy": '"-1,000,000.50"',
}


def outturn(tmp_path: Path, lines: dict[str, str], name: str = "Camden  ") -> Path:
    path = tmp_path / "outturn.csv"
    rows = [f"202,{name},{text},{net}\r\n" for text, net in lines.items()]
    path.write_bytes((BEFORE + "".join(rows)).encode("cp1252"))
    return path


def test_outturn_as_it_is(tmp_path: Path) -> None:
    path = outturn(tmp_path, LINES | {"9 Childrens centres – other": "NULL"}, "Côte ")
    lines = spending.read_outturn(path, "2008-09")
    assert lines.table["area_name"].unique().tolist() == ["Côte"]
    assert "read as Windows-1252: it is not UTF-8" in lines.words()
    assert lines.missing["meaning"].tolist() == ["no value (NULL)"]
    assert lines.table["net"].tolist()[3] == -1.0000005
    found = spending.early_and_late(lines).table
    assert np.isnan(found["early"]).all()  # Sure Start and young people are not in the file
    assert found["late"].tolist() == pytest.approx([5e-6 - 1.0000005])


def test_null_in_a_line_that_counts(tmp_path: Path) -> None:
    lines = LINES | {"14 Total Children Looked After": "NULL"}
    found = spending.early_and_late(spending.read_outturn(outturn(tmp_path, lines), "2008-09"))
    assert np.isnan(found.table["late"]).all()
    assert "Total Children Looked After: no value (NULL)" in found.missing["reason"].tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BEFORE + "202,Camden,4 Total Youth Justice,n/k\r\n", "line 2: 'n/k' is neither a number"),
        (
            BEFORE + "202,Camden,4 Total Youth Justice\r\n",
            "line 2: 3 fields, not 4 as the header has",
        ),
        (BEFORE + "202,A,4 B,1\r\n202,A,4 B,1\r\n", 'line "4 B" twice for A in 2008-09'),
        (BEFORE + "202,,4 B,1\r\n", '2008-09: "4 B" stands there without a name of its area'),
        (BEFORE, "holds no lines of expenditure"),
        ("a,b\r\n1,2\r\n", "has no column of the area; it has a, b"),
        ("", "outturn.csv is empty"),
    ],
)
def test_what_is_no_outturn(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "outturn.csv"
    path.write_text(text)
    with pytest.raises(rr.DataError) as error:
        spending.read_outturn(path, "2008-09")
    assert message in str(error.value)


def test_the_year_of_outturn_is_said(tmp_path: Path) -> None:
    with pytest.raises(rr.RuleError, match='2009 is no label such as "2008-09"'):
        spending.read_outturn(outturn(tmp_path, LINES), 2009)


# ---------------------------------------------------------------- RO3

BLOCKS = {
    10: "Children's social care: Sure start children’s centres/flying start and early years",
    22: "Children's social care - Family Support Services",
    27: "Children's social care: Services for young people",
    13: "Children's social care - Children Looked After",
    25: "Children's social care: Safeguarding children and young people's services",
    23: "Children's social care - Youth Justice",
    30: "TOTAL CHILDREN SOCIAL CARE",
}
AREAS = [
    ("E4704", "E08000035", "Leeds", None, "MD"),
    ("E6803", None, "Lee Valley Regional Park Authority", None, "O"),
]


def cells(nets: dict[str, list[Any]], england: list[Any] | None = None) -> list[list[Any]]:
    """The rows of a sheet of RO3: blocks of three columns, the last net."""
    wide = 3 * len(BLOCKS)
    rows: list[list[Any]] = [
        ["Revenue Outturn (RO) 2019-20: Social Care (RO3) data"],
        ["Net current expenditure (£ thousand)"],
        [None] * 4 + ["Row_no"] + [number for number in BLOCKS for _ in range(3)],
        [None] * 5 + [part for text in BLOCKS.values() for part in (text, None, None)],
        ["E-code", "ONS Code", "Local authority", None, "Class"]
        + ["Employees", "Total Income", "Net Current Expenditure\n (C7 = C3 - C6)"] * len(BLOCKS),
    ]
    for area in AREAS:
        if area[2] in nets:
            net = nets[area[2]]
            rows.append([*area, *(cell for value in net for cell in (9, 9, value))])
    if england is not None:
        rows.append([None] * 5 + [0] * wide)
        rows[-1][2] = "ENGLAND"
        for block, value in enumerate(england):
            rows[-1][5 + 3 * block + 2] = value
        rows.append([None, None, "METROPOLITAN DISTRICTS", None, "MD"] + [1] * wide)
        rows.append(["Notes"])
    return rows


def workbook(tmp_path: Path, rows: list[list[Any]], ending: str = "xlsx") -> Path:
    path = tmp_path / f"ro3.{ending}"
    wide = max(map(len, rows))
    engine = {"xlsx": "openpyxl", "ods": "odf"}[ending]
    with pd.ExcelWriter(path, engine=engine) as book:
        front = pd.DataFrame([["RO3 of 2018-19 is elsewhere"]])
        front.to_excel(book, sheet_name="Front", header=False, index=False)
        table = pd.DataFrame([[*row, *[None] * (wide - len(row))] for row in rows])
        table.to_excel(book, sheet_name="RO3 LA Data", header=False, index=False)
    return path


LEEDS = [1, 2, 3, 4.5, 5, 6, 21.5]


@pytest.mark.parametrize("ending", ["xlsx", "ods"])
def test_a_workbook(tmp_path: Path, ending: str) -> None:
    nets = {"Leeds": LEEDS, "Lee Valley Regional Park Authority": [0] * 7}
    lines = spending.read_ro3(workbook(tmp_path, cells(nets, LEEDS), ending))
    assert lines.table["area"].unique().tolist() == ["E08000035", "E6803"]
    assert lines.notes == ()
    found = spending.early_and_late(lines)
    assert found.table[["financial_year", "area_name", "early", "late"]].to_numpy().tolist() == [
        ["2019-20", "Leeds", 0.006, 0.0155]
    ]
    assert found.ledger["removed"].tolist() == [0, 1]


def test_authorities_that_do_not_add_up(tmp_path: Path) -> None:
    lines = spending.read_ro3(workbook(tmp_path, cells({"Leeds": LEEDS}, [101, *LEEDS[1:]])))
    assert len(lines.notes) == 1
    assert "authorities are 100 £ thousand below England's own row" in lines.notes[0]
    assert any("100 £ thousand below" in note for note in spending.early_and_late(lines).notes)


def test_a_missing_cell_is_kept_and_told(tmp_path: Path) -> None:
    lines = spending.read_ro3(workbook(tmp_path, cells({"Leeds": ["…", None, *LEEDS[2:]]})))
    assert lines.missing["meaning"].tolist() == ["not available (…)", "empty"]
    found = spending.early_and_late(lines)
    assert np.isnan(found.table["early"]).all()
    assert found.table["late"].tolist() == [0.0155]


def change(rows: list[list[Any]], row: int, column: int, cell: Any) -> list[list[Any]]:
    rows[row][column] = cell
    return rows


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (change(cells({"Leeds": LEEDS}), 5, 7, "about 3"), "Leeds (row 6): 'about 3' is neither"),
        (change(cells({"Leeds": LEEDS}), 0, 0, "RO3"), "no financial year stands above"),
        (change(cells({"Leeds": LEEDS}), 1, 0, "Net"), "no unit (£ thousand) stands above"),
        (change(cells({"Leeds": LEEDS}), 3, 8, None), "column 11: no line's heading"),
        (
            change(change(cells({"Leeds": LEEDS}), 5, 0, None), 5, 1, None),
            "row 6: Leeds has no code",
        ),
        (cells({"Leeds": LEEDS}) + cells({"Leeds": LEEDS})[5:], "Leeds or its code stands there"),
        (cells({}), "has no rows of authorities"),
        (change(cells({"Leeds": LEEDS}), 4, 4, "Sort"), "has no sheet with the columns"),
        (
            change(cells({"Leeds": LEEDS}), 3, 11, BLOCKS[10]),
            "line 27 is \"Children's social care: S",
        ),
    ],
)
def test_what_is_no_ro3(tmp_path: Path, rows: list[list[Any]], message: str) -> None:
    with pytest.raises(rr.DataError) as error:
        spending.early_and_late(spending.read_ro3(workbook(tmp_path, rows)))
    assert message in str(error.value)


@pytest.mark.parametrize("ending", ["xlsx", "ods"])
def test_a_damaged_workbook(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"ro3.{ending}"
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(rr.DataError, match=f"cannot be read as .{ending}"):
        spending.read_ro3(path)
    with pytest.raises(OSError, match="ro4"):
        spending.read_ro3(tmp_path / f"ro4.{ending}")


def test_a_file_that_is_no_workbook(tmp_path: Path) -> None:
    with pytest.raises(rr.DataError, match=r"ends in neither \.xlsx nor \.ods"):
        spending.read_ro3(tmp_path / "ro3.csv")


@pytest.mark.parametrize(("ending", "module"), [("xlsx", "openpyxl"), ("ods", "odf")])
def test_a_library_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, module: str
) -> None:
    path = workbook(tmp_path, cells({"Leeds": LEEDS}), ending)
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(rr.RereferralError, match=r'pip install "rereferral\[formats\]"'):
        spending.read_ro3(path)


# ---------------------------------------------------------------- tables of one's own


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"financial_year": 2020}, "row 0: 2020 is no financial year"),
        ({"net": "£5"}, "column \"net\", row 0: '£5' is neither a number"),
        ({"area": None}, "row 0: area is missing"),
    ],
)
def test_what_is_no_table_of_lines(change: dict[str, Any], message: str) -> None:
    row = {"financial_year": "2019-20", "area": "A", "area_name": "A", "description": "B", "net": 1}
    with pytest.raises(rr.DataError) as error:
        spending.as_lines(pd.DataFrame([row | change]), source="own", unit="£")
    assert message in str(error.value)
    with pytest.raises(rr.RuleError, match="unit='pence'"):
        spending.as_lines(pd.DataFrame([row]), source="own", unit="pence")


def test_nothing_given_is_changed(tmp_path: Path) -> None:
    lines = spending.read_s251(tidy(tmp_path, TOTALS))
    table, own = lines.table.copy(), spending.mapping()
    given = own.copy()
    found = spending.early_and_late(lines, mapping=given)
    kept = found.table.copy()
    found.in_prices_of("2019-20", {"2019-20": 2})
    pd.testing.assert_frame_equal(lines.table, table)
    pd.testing.assert_frame_equal(given, own)
    pd.testing.assert_frame_equal(found.table, kept)


def test_what_is_no_lines(tmp_path: Path) -> None:
    with pytest.raises(rr.DataError, match="a DataFrame is no lines of expenditure"):
        spending.early_and_late(pd.DataFrame())
    with pytest.raises(rr.RuleError, match="needs lines"):
        spending.early_and_late()
