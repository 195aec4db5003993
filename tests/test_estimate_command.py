"""`rereferral estimate`, the frame of England, the template, and numbers with symbols."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import rereferral as rr
from rereferral import published
from rereferral.cli import main
from rereferral.estimate import england
from rereferral.small_tables import small_table
from rereferral.symbols import SYMBOLS, numbers

FIVE = range(2016, 2021)


def returns(years: range = FIVE, every: int = 3) -> pd.DataFrame:
    """Every third authority answers what it published as not in need."""
    frame = england(years)
    asked = sorted(set(frame["authority"]))[::every]
    some = frame[frame["authority"].isin(asked)]
    table = some[["authority", "financial_year"]].copy()
    table["not_stepped_down"] = ["c" if np.isnan(n) else f"{n:.0f}" for n in some["not_in_need"]]
    return table


def written(tmp_path: Path, table: pd.DataFrame) -> str:
    path = tmp_path / "returns.csv"
    table.to_csv(path, index=False)
    return str(path)


# ---------------------------------------------------------------- the frame


def test_the_frame_adds_up_to_england() -> None:
    frame = england(range(2014, 2025))
    official = published.official_series()
    sums = frame.groupby("financial_year")[["children", "referrals", "assessments"]].sum()
    for label, row in sums.iterrows():
        year = int(str(label)[:4]) + 1
        assert row["children"] == pytest.approx(official.loc[year, "children_aged_0_17"])
        # England's are rounded to 10, and do without those whose figures are missing.
        assert row["referrals"] == pytest.approx(official.loc[year, "referrals"], rel=0.02)
    assert frame.loc[frame["financial_year"] == "2019-20", "filled"].eq("").all()
    assert not frame[["children", "referrals", "assessments"]].isna().any().any()
    assert frame.duplicated(["authority", "financial_year"]).sum() == 0
    assert frame["region"].nunique() == 9


def test_what_the_frame_fills() -> None:
    frame = england(FIVE)
    filled = frame[frame["filled"] != ""].groupby("filled")
    assert {name: set(rows["authority_name"]) for name, rows in filled} == {
        "children": {"Bournemouth", "Dorset", "Poole"},
        "referrals": {"Isles of Scilly"},
        "assessments": {"Isles of Scilly"},
    }
    scilly = frame[(frame["authority_name"] == "Isles of Scilly")].set_index("financial_year")
    assert scilly.loc["2016-17", "referrals"] == (44 + 12) / 2


@pytest.mark.parametrize("years", [[], [2013], [2020, 2025]])
def test_years_without_sizes(years: list[int]) -> None:
    with pytest.raises(rr.RuleError, match="held from 2014 to 2024"):
        england(years)


# ---------------------------------------------------------------- the command


def test_england_from_every_third_authority(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = written(tmp_path, returns()), tmp_path / "out"
    assert main(["estimate", path, "--against", "908130", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "if the answering authorities were a random sample" in said.splitlines()[0]
    table = pd.read_csv(out / "estimates.csv")
    assert set(table["scaled_by"]) == {"assessments", "referrals", "children", "authorities"}
    assert set(table["within"].fillna("")) == {"", "region", "size"}
    official = published.official_series().loc[2016:2020, "not_in_need"].sum()
    assert (table["lower"] < official).all()
    assert (official < table["upper"]).all()
    by_year = pd.read_csv(out / "by_year.csv")
    assert by_year["estimate"].sum() == pytest.approx(table["estimate"].iloc[0])
    assert by_year["year"].tolist() == ["2015-16", "2016-17", "2017-18", "2018-19", "2019-20"]
    assert pd.read_csv(out / "tipping.csv")["if_it_were"].iloc[-1] == "908,130"
    beside = pd.read_csv(out / "responders.csv").set_index("who")
    both = england(FIVE).dropna(subset=["re_referrals", "referrals"])
    share = both["re_referrals"].sum() / both["referrals"].sum()
    assert beside.loc["all", "rate"] == pytest.approx(share, rel=1e-12)
    assert share == pytest.approx(717_930 / 3_217_130, rel=5e-3)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["condition"] == "if the answering authorities were a random sample"


def test_chosen_years_a_frame_and_a_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = returns()
    table["re_referred"] = [
        "x" if not n.isdigit() else str(int(n) // 4) for n in table["not_stepped_down"]
    ]
    path, frame = written(tmp_path, table), tmp_path / "frame.csv"
    england(FIVE)[["authority", "financial_year", "children"]].to_csv(frame, index=False)
    arguments = ["--count", "re_referred", "--of", "not_stepped_down", "--years", "2019-2020"]
    arguments += ["--frame", str(frame), "--scale", "children", "--limits", "linearised", "--fpc"]
    assert main(["estimate", path, *arguments]) == 0
    said = capsys.readouterr().out.splitlines()
    some = table[table["financial_year"].isin(["2018-19", "2019-20"])].replace(["c", "x"], 0)
    sums = some[["re_referred", "not_stepped_down"]].astype(int).sum()
    share = sums["re_referred"] / sums["not_stepped_down"]
    assert said[2].startswith(f"re_referred / not_stepped_down: {share * 100:.1f} %, 95 % limits")
    assert "scaled by children" in said[0]


def test_the_template_is_a_return(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "return.csv"
    assert main(["estimate", "--template", str(path)]) == 0
    table = pd.read_csv(path)
    words = path.with_suffix(".txt").read_text()
    assert all(f"\n{column} " in words for column in table.columns)
    filled = table.iloc[:1].assign(not_stepped_down=120)
    other = filled.assign(authority="E06000002", not_stepped_down=260)
    assert main(["estimate", written(tmp_path, pd.concat([filled, other]))]) == 0
    assert main(["estimate", "--template", str(path)]) == 2
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"authority": "E99999999"}, "not in the frame: E99999999 in 2019-20"),
        ({"financial_year": "2020"}, "financial_year '2020' is not a year such as 2019-20"),
        ({"financial_year": "2019-21"}, "financial_year '2019-21' is not a year"),
        ({"not_stepped_down": "about 40"}, "'about 40' is neither a number nor one of the symbols"),
        ({"not_stepped_down": "-4"}, "is -4"),
    ],
)
def test_returns_that_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, str], message: str
) -> None:
    table = returns(range(2020, 2021)).reset_index(drop=True)
    for column, value in change.items():
        table.loc[1, column] = value
    assert main(["estimate", written(tmp_path, table)]) == 2
    assert message in capsys.readouterr().err


def test_returns_without_a_year_or_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", written(tmp_path, returns().drop(columns="financial_year"))]) == 2
    assert 'has no column "financial_year"' in capsys.readouterr().err
    assert main(["estimate"]) == 2
    assert "give a file of returns" in capsys.readouterr().err


# ---------------------------------------------------------------- files that cannot be used

HEADER = "authority,financial_year,not_stepped_down,children,name\n"
UNUSABLE = {
    "cp1252": (
        f"{HEADER}W06000001,2019-20,40,9,Ynys Môn\n".encode("cp1252"),
        'file.csv, line 2, column 5: "Ynys M\ufffdn" is not UTF-8 (byte 0xF4); '
        'try encoding="cp1252"',
    ),
    "workbook": (b"PK\x03\x04" + bytes(range(256)), "file.csv: the file is a zip archive or a wo"),
    "empty": (b"", "file.csv: the file is empty; a header is expected"),
    "ragged": (
        f"{HEADER}E06000001,2019-20,40,9,Hartlepool\nE06000002,2019-20\n".encode(),
        "file.csv, line 3: the row has 2 fields where 5 are expected",
    ),
    "header": (HEADER.encode(), "file.csv has no rows below its header"),
    "twice": (
        b"financial_year,authority,financial_year\n2019-20,E06000001,2019-20\n",
        'file.csv has the column "financial_year" 2 times',
    ),
    "other years": (
        f"{HEADER}E06000001,2001-02,40,9,Hartlepool\n".encode(),
        "file.csv has no row of 2019-20; its financial_year is 2001-02",
    ),
}


@pytest.mark.parametrize("place", ["returns", "frame"])
@pytest.mark.parametrize(("content", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_files_that_cannot_be_used(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: bytes,
    message: str,
    place: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file.csv").write_bytes(content)
    arguments = ["file.csv"]
    if place == "frame":
        arguments = [written(tmp_path, returns(range(2020, 2021))), "--frame", "file.csv"]
    assert main(["estimate", *arguments, "--years", "2020"]) == 2
    assert capsys.readouterr().err.startswith(f"rereferral: {message}")


def test_files_in_another_encoding(tmp_path: Path) -> None:
    table = returns(range(2020, 2021)).assign(name="Ynys Môn")
    table.to_csv(tmp_path / "returns.csv", index=False, encoding="cp1252")
    assert main(["estimate", str(tmp_path / "returns.csv"), "--encoding", "cp1252"]) == 0


# ---------------------------------------------------------------- numbers with symbols


def test_numbers_as_people_write_them() -> None:
    column = pd.Series(["1,204", " 17 ", "12.5", *SYMBOLS, *(f"[{s}]" for s in SYMBOLS), None, ""])
    values, reasons = numbers(column, "n")
    assert values[:3].tolist() == [1204, 17, 12.5]
    assert np.isnan(values[3:]).all()
    assert list(reasons.values()) == [*SYMBOLS, *SYMBOLS, "", ""]


@pytest.mark.parametrize("cell", ["1 204", "12,34", "1,2345", "<5", "nan", "n/a", "C", "[*]", True])
def test_what_is_no_number(cell: object) -> None:
    with pytest.raises(rr.DataError, match="neither a number nor one of the symbols c, x, z, u"):
        numbers(pd.Series([1, cell], dtype=object), "n")


def test_columns_of_numbers() -> None:
    values, reasons = numbers(pd.Series([1, None, 3], dtype="Int64"), "n")
    assert values.tolist()[::2] == [1, 3]
    assert reasons == {1: ""}
    with pytest.raises(rr.DataError, match="truth values"):
        numbers(pd.Series([True, False]), "n")


def test_small_tables() -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=[5, 6])
    for table in (frame, {"a": [1, 2]}):
        assert small_table(table, "t")["a"].tolist() == [1, 2]
        assert list(small_table(table, "t").index) == [0, 1]
    with pytest.raises(rr.DataError, match="frame is a list, not a table"):
        small_table([1, 2], "frame")
