"""Early help reach: against a slow count, by hand, and what is refused."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

import rereferral as rr
from rereferral import published
from rereferral.errors import DataError, RuleError
from rereferral.estimate import england


def frame(**changes: Any) -> pd.DataFrame:
    table = {
        "authority": ["A", "B", "C"],
        "financial_year": ["2019-20"] * 3,
        "children": [300, 1000, 500],
    }
    return pd.DataFrame(table | changes)


def returns(**changes: Any) -> pd.DataFrame:
    table = {
        "authority": ["A", "B"],
        "financial_year": ["2019-20"] * 2,
        "children_helped": [50, 20],
    }
    return pd.DataFrame(table | changes)


# ---------------------------------------------------------------- by hand


def test_returns_by_hand() -> None:
    found = rr.reach(returns(), frame())
    assert found.table["rate"].tolist() == [50 / 300, 20 / 1000]
    assert found.table["one_in"].tolist() == ["1 in 6", "1 in 50"]
    lower, upper = rr.wilson(50, 300, 0.998)
    assert found.table.loc[0, ["lower_99_8", "upper_99_8"]].tolist() == [lower, upper]
    assert found.missing.to_dict("records") == [
        {"authority": "C", "financial_year": "2019-20", "reason": "no return"}
    ]
    assert found.words() == [
        "2019-20: 70 of 1,300 (5.4 %, 1 in 19) children had early help in 2 of 3 authorities",
        "2019-20: the most in A, 16.7 % (1 in 6); the middle authority 9.3 % (1 in 11); "
        "the fewest in B, 2.0 % (1 in 50)",
    ]


def test_the_published_reach_of_england() -> None:
    # 517,000 children with early help (Too little, too late) are 4.4 % of England's, not 4.3 %.
    children = int(published.official_series().loc[2020, "children_aged_0_17"])
    one = returns(authority=["E", "F"], children_helped=[517_000, 0]).iloc[:1]
    found = rr.reach(one, frame(authority=["E", "F", "G"], children=[children, 1, 1]))
    assert f"517,000 of {children:,} (4.4 %, 1 in 23)" in found.words()[0]


@pytest.mark.parametrize(
    ("helped", "words"),
    [(0, "none"), (1, "1 in 300"), (120, "1 in 3"), (119, "1 in 3"), (201, "more than 2 in 3")],
)
def test_one_in_so_many_is_rounded_half_up(helped: int, words: str) -> None:
    # 300 / 120 is 2.5.
    found = rr.reach(returns(children_helped=[helped, 1]), frame())
    assert found.table["one_in"][0] == words


def test_symbols_are_missing_with_their_reason() -> None:
    given = {
        "authority": ["A", "B", "C"],
        "financial_year": ["2019-20"] * 3,
        "children_helped": ["c", "", "12"],
    }
    found = rr.reach(given, frame())
    assert found.table["authority"].tolist() == ["C"]
    assert found.missing["reason"].tolist() == [
        "children_helped is suppressed (c)",
        "children_helped is empty",
    ]
    assert len(found.words()) == 1


def test_years_are_apart_and_together() -> None:
    years = ["2018-19"] * 2 + ["2019-20"] * 3
    given = pd.DataFrame(
        {
            "authority": ["A", "B", "A", "B", "C"],
            "financial_year": years,
            "children_helped": [10, 20, 30, 40, 50],
        }
    )
    both = pd.concat([frame(financial_year=["2018-19"] * 3), frame()])
    found = rr.reach(given, both)
    assert found.by_year()["authorities"].tolist() == [2, 3]
    assert found.by_year()["n"].tolist() == [1300, 1800]
    assert found.by_year(same=True)["helped"].tolist() == [30, 70]
    assert "by_year(same=True)" in found.words()[-1]
    assert found.year("2018-19")["helped"].tolist() == [10, 20]
    one = rr.reach(given, both, years=[2019])
    assert one.table["financial_year"].unique().tolist() == ["2018-19"]
    with pytest.raises(RuleError, match="2017-18"):
        found.year("2017-18")
    with pytest.raises(RuleError, match="returns have nothing of 2016-17"):
        rr.reach(given, both, years=[2017, 2019])


def test_england_is_the_frame_where_none_is_given() -> None:
    whole = england([2020])
    given = whole[["authority", "financial_year"]].assign(children_helped=7)
    found = rr.reach(given)
    assert found.table["n"].sum() == pytest.approx(whole["children"].sum())
    assert {"authority_name", "region"} <= set(found.table.columns)


def test_what_compares_areas_and_years_takes_it() -> None:
    found = rr.reach(returns(), frame())
    year = found.year("2019-20")
    assert rr.funnel(year, by="authority", count="helped").table["rate"].tolist() == list(
        year["rate"]
    )
    assert rr.league(year, by="authority", count="helped").table["place"].tolist() == ["1", "2"]
    assert rr.trend(found.by_year(), count="helped")["rate"].tolist() == [70 / 1300]


# ---------------------------------------------------------------- a slow count


def slowly(rows: pd.DataFrame, years: list[int], ends: bool) -> dict[tuple[str, str], int]:
    """Sets of children, a day's comparison at a time."""
    found: dict[tuple[str, str], set[Any]] = {}
    for row in rows.to_dict("records"):
        if any(pd.isna(row[name]) for name in ("authority", "child_id", "start_date")):
            continue
        start = row["start_date"].date()
        end = start if not ends or pd.isna(row["end_date"]) else row["end_date"].date()
        if end < start:
            continue
        for year in years:
            first, last = datetime.date(year - 1, 4, 1), datetime.date(year, 3, 31)
            if start <= last and end >= first:
                label = f"{year - 1}-{year % 100:02d}"
                found.setdefault((row["authority"], label), set()).add(row["child_id"])
    return {cell: len(children) for cell, children in found.items()}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("ends", [False, True])
def test_children_are_counted_once_a_year_and_authority(seed: int, ends: bool) -> None:
    rng = np.random.default_rng(seed)
    n = 400
    start = pd.Series(np.datetime64("2016-12-01") + rng.integers(0, 1400, n).astype("m8[D]"))
    # Often on the first and the last day of a year.
    edges = pd.to_datetime(["2018-03-31", "2018-04-01", "2019-03-31", "2019-04-01"])
    start[:80] = edges[rng.integers(0, 4, 80)]
    rows = pd.DataFrame(
        {
            "authority": rng.choice(["A", "B", "C"], n),
            "child_id": rng.integers(0, 60, n).astype(str),
            "start_date": start,
        }
    )
    if ends:
        rows["end_date"] = rows["start_date"] + pd.to_timedelta(rng.integers(-3, 500, n), unit="D")
    for name in rows.columns:
        rows.loc[rng.random(n) < 0.05, name] = None
    years = [2018, 2019, 2020]
    whole = pd.concat(
        [frame(financial_year=[f"{y - 1}-{y % 100:02d}"] * 3) for y in years], ignore_index=True
    )
    before = rows.copy()
    found = rr.reach(rows, whole, years=years)
    counted = {(row.authority, row.financial_year): row.helped for row in found.table.itertuples()}
    assert counted == slowly(rows, years, ends)
    pd.testing.assert_frame_equal(rows, before)
    ledger = found.ledger
    assert ledger["removed"].sum() + ledger["remaining"].iloc[-1] == n
    assert (ledger.set_index("reason")["removed"].filter(like="is missing") > 0).all()
    shuffled = rr.reach(rows.sample(frac=1, random_state=seed), whole, years=years)
    pd.testing.assert_frame_equal(shuffled.table, found.table)


def test_rows_under_other_names_and_ids_as_numbers() -> None:
    rows = {
        "la": np.array(["A", "A", "B"]),
        "ref": np.array([7, 7, 7]),
        "begun": np.array(["2019-04-01", "2020-03-31", "2020-04-01"], "M8[D]"),
    }
    columns = {"authority": "la", "child_id": "ref", "start_date": "begun"}
    found = rr.reach(rows, frame(), years=[2020], columns=columns)
    assert found.table[["authority", "helped"]].to_numpy().tolist() == [["A", 1]]
    assert found.missing["reason"].unique().tolist() == ["no row of early help in the year"]


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("given", "whole", "message"),
    [
        (returns(authority=["A", "Z"]), frame(), "not in the frame: Z in 2019-20"),
        (returns(), frame(children=[300, 0, 5]), "children of B in 2019-20 is 0"),
        (returns(), frame(children=[300, None, 5]), "children of B in 2019-20 is missing"),
        (returns(), frame(children=[300, -4, 5]), "children of B in 2019-20 is -4"),
        (returns(children_helped=[50, -1]), frame(), "returns: .* B in 2019-20 is -1"),
        (returns(children_helped=[50, 2.5]), frame(), "returns: .* of B is 2.5"),
        (returns(children_helped=[301, 2]), frame(), "A in 2019-20 are 301, above its 300"),
        (returns(children_helped=["50", "?"]), frame(), "B in 2019-20: '\\?' is neither"),
        (returns(authority=["A", "A"]), frame(), "A in 2019-20 stands there twice"),
        (returns(authority=["A", None]), frame(), '"authority" is empty in row 1'),
        (returns(financial_year=["2019-20", "2020"]), frame(), "row 1: '2020' is no financial"),
        (returns(children_helped=[None, None]), frame(), "no authority has a number"),
        (returns().drop(columns="authority"), frame(), 'returns has no column "authority"'),
        (returns(), frame().drop(columns="children"), 'frame has no column "children"'),
        (returns().drop(columns="children_helped"), frame(), "neither"),
        (returns(start_date=[None, None]), frame(), "both"),
        ([1, 2], frame(), "must be a DataFrame"),
    ],
)
def test_bad_tables_are_refused_by_name(given: Any, whole: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rr.reach(given, whole)


def test_more_children_helped_than_there_are_is_refused_of_rows_too() -> None:
    rows = pd.DataFrame(
        {
            "authority": "A",
            "child_id": range(301),
            "start_date": pd.Timestamp("2019-06-01"),
        }
    )
    with pytest.raises(DataError, match="A in 2019-20 are 301, above its 300"):
        rr.reach(rows, frame(), years=[2020])


def test_years_of_rows_are_never_taken_from_the_rows() -> None:
    rows = {
        "authority": ["A"],
        "child_id": ["1"],
        "start_date": np.array(["2019-06-01"], "M8[D]"),
    }
    with pytest.raises(RuleError, match="years is needed"):
        rr.reach(rows, frame())
    with pytest.raises(RuleError, match="must be years"):
        rr.reach(rows, frame(), years=["x"])  # type: ignore[list-item]
    with pytest.raises(RuleError, match=r"levels names 0\.95 twice"):
        rr.reach(rows, frame(), years=[2020], levels=[0.95, 0.95])
