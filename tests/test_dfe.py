"""`rr.dfe.read` on the Department for Education's own files, and on files that are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import rereferral as rr
from rereferral.rounding import percent
from shared_data import shared

HEADER = "time_period,geographic_level,la_name,Referrals,Percent\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "data.csv"
    path.write_bytes(text.encode())
    return path


# ---------------------------------------------------------------- as published


def test_referrals_of_england() -> None:
    name = "c1_children_in_need_referrals_and_rereferrals_2013_to_2024.csv"
    found = rr.dfe.read(shared("dfe_cin_2024", name))
    england = found.level("national").set_index("financial_year")
    assert england.loc["2022-23", "Referrals"] == 640_430
    five = england.loc[["2015-16", "2016-17", "2017-18", "2018-19", "2019-20"]]
    assert five["Referrals"].sum() == 3_217_130
    assert five["Not_in_Need"].sum() == 908_130
    assert len(found.level("regional")) == 12 * 9
    assert len(found.level("regional", london_parts=True)) == 12 * 11


def test_every_percentage_is_the_count_rounded_half_up() -> None:
    name = "c1_children_in_need_referrals_and_rereferrals_2013_to_2024.csv"
    rows = rr.dfe.read(shared("dfe_cin_2024", name)).level("authority")
    rows = rows.dropna(subset=["Referrals", "Re_referrals", "Re_referrals_percent"])
    assert len(rows) > 1_500
    ours = [
        float(percent(int(part), int(whole)))
        for part, whole in zip(rows["Re_referrals"], rows["Referrals"], strict=True)
    ]
    assert ours == rows["Re_referrals_percent"].tolist()


@pytest.mark.parametrize("part", ["dfe_cin_2024", "s251"])
def test_every_open_data_file_is_read_whole(part: str) -> None:
    paths = [path for path in sorted(shared(part).glob("*.csv")) if "outturn_0" not in path.name]
    assert paths
    for path in paths:
        plain = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        found = rr.dfe.read(path)
        assert list(found.table.columns) == [*plain.columns, "financial_year"]
        gone = found.symbols.set_index(["row", "column"])["symbol"].to_dict()
        for column in plain.columns:
            theirs, ours = plain[column], found.table[column]
            if ours.dtype == np.float64:
                for row in np.flatnonzero(ours.isna()):
                    assert gone[row, column] == theirs[row]
                known = ours.notna()
                assert (theirs[known].str.replace(",", "").astype(float) == ours[known]).all()
            else:
                assert (ours.fillna("") == theirs).all()
        assert found.table["financial_year"].str.fullmatch("20[0-9]{2}-[0-9]{2}").all()


def test_financial_years() -> None:
    spending = next(shared("s251").glob("s251*.csv"))
    years = rr.dfe.read(spending).table["financial_year"].unique().tolist()
    assert years == [f"{year}-{year - 1999}" for year in range(2015, 2022)]


# ---------------------------------------------------------------- symbols and bad input


def test_symbols_are_kept_with_their_reasons(tmp_path: Path) -> None:
    text = (
        HEADER + "2020,National,,low,z\n2020,Local authority,A,c,u\n2020,Local authority,B,,[x]\n"
    )
    found = rr.dfe.read(written(tmp_path, text))
    assert found.table[["Referrals", "Percent"]].isna().all().all()
    assert found.symbols.sort_values(["row", "column"])["meaning"].tolist() == [
        *("not applicable", "rounds to zero"),
        *("of low reliability", "suppressed"),
        *("not available", "empty"),
    ]
    assert found.table["la_name"].tolist() == [None, "A", "B"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", 'has no column "time_period", as open data has'),
        (HEADER + "2020,National,,12,3\n2020,National,,~,3\n", "line 3: '~' is neither a number"),
        (HEADER + "2019/20,National,,12,3\n", 'line 2: time_period "2019/20" is not a year'),
        (HEADER + "201921,National,,12,3\n", 'time_period "201921" is not a year'),
        (HEADER + "2020,National,,12,3,4,5\n2020,National,,1,2,3,4,5,6\n", "Expected 7 fields"),
    ],
)
def test_what_is_no_open_data(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(rr.DataError, match=message):
        rr.dfe.read(written(tmp_path, text))


def test_bytes_that_are_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(HEADER.encode() + b"2020,National,\xe9,1,2\n")
    with pytest.raises(rr.DataError, match="is not UTF-8"):
        rr.dfe.read(path)


def test_a_level_that_is_not_there(tmp_path: Path) -> None:
    found = rr.dfe.read(written(tmp_path, HEADER + "2020,National,,12,3\n"))
    with pytest.raises(rr.DataError, match="level='ward' is none of national, regional"):
        found.level("ward")
