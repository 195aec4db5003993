"""`rr.merge_spells`: by example, against the slow reference, and what it refuses."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rereferral as rr
from spell_cases import spell_cases, spell_faults

KEY = {"person": "child", "scope": "area"}


def days(*texts: str | None) -> np.ndarray:
    return np.array(["NaT" if text is None else text for text in texts], "datetime64[s]")


def stays(*rows: tuple[str, str | None], **columns: Any) -> pd.DataFrame:
    """Stays of one child."""
    starts, ends = zip(*rows, strict=True)
    return pd.DataFrame(
        {"child": 1, "in": days(*starts), "out": days(*ends), **columns}, index=range(len(rows))
    )


def merge(table: Any, **arguments: Any) -> rr.Spells:
    return rr.merge_spells(table, **{"person": "child", "start": "in", "end": "out"} | arguments)


# ---------------------------------------------------------------- by example


def test_spells_that_touch_or_lie_a_day_apart_are_one():
    table = stays(("2019-01-01", "2019-01-10"), ("2019-01-11", "2019-01-20"))
    assert merge(table).spell_of_row.tolist() == [0, 0]
    assert merge(table, gap="0 days").spell_of_row.tolist() == [0, 1]
    touching = stays(("2019-01-01", "2019-01-10"), ("2019-01-10", "2019-01-20"))
    assert merge(touching, gap=0).spell_of_row.tolist() == [0, 0]


def test_stays_fewer_than_two_days_apart_are_one_and_others_are_not():
    table = stays(("2019-01-01", "2019-01-10"), ("2019-01-11", "2019-01-20"))
    table = pd.concat([table, stays(("2019-01-22", "2019-01-30"))], ignore_index=True)
    assert merge(table).spell_of_row.tolist() == [0, 0, 1]


def test_a_long_spell_holds_the_short_ones_in_it():
    table = stays(
        ("2019-01-01", "2019-12-31"), ("2019-02-01", "2019-02-02"), ("2019-12-30", "2020-01-05")
    )
    spells = merge(table)
    assert spells.spell_of_row.tolist() == [0, 0, 0]
    assert spells.table["in"].tolist() == [pd.Timestamp("2019-01-01")]
    assert spells.table["out"].tolist() == [pd.Timestamp("2020-01-05")]
    assert spells.table["parts"].tolist() == [3]


@pytest.mark.parametrize(
    ("ended", "next_start", "one"),
    [
        ("2019-01-31", "2019-02-28", True),
        ("2019-01-31", "2019-03-01", False),
        ("2020-01-31", "2020-02-29", True),
        ("2019-02-28", "2019-03-28", True),
        ("2019-02-28", "2019-03-29", False),
    ],
)
def test_a_month_is_a_month_of_the_calendar(ended, next_start, one):
    table = stays(("2018-12-01", ended), (next_start, next_start))
    assert merge(table, gap="1 month").spell_of_row.tolist() == [0, 0 if one else 1]


def test_an_open_spell_takes_everything_later_and_stays_open():
    table = stays(
        ("2019-01-01", "2019-01-05"),
        ("2019-03-01", None),
        ("2020-05-01", "2020-06-01"),
        ("2024-01-01", "2024-02-01"),
    )
    spells = merge(table)
    assert spells.spell_of_row.tolist() == [0, 1, 1, 1]
    assert spells.table["out"].isna().tolist() == [False, True]
    assert "still open: 1" in repr(spells)


def test_berkeley_referrals_within_a_day_of_one_another_keep_the_most_serious():
    referrals = pd.DataFrame(
        {
            "child": [1, 1, 1, 2, 2],
            "on": days("2019-05-01", "2019-05-02", "2019-05-04", "2019-05-01", "2019-05-01"),
            "disposition": ["unfounded", "substantiated", "unfounded", "inconclusive", None],
        }
    )
    order = {"disposition": ["substantiated", "inconclusive", "unfounded"]}
    for end in (None, "on"):
        spells = rr.merge_spells(
            referrals, person="child", start="on", end=end, representative=order
        )
        assert spells.table.columns.tolist() == ["child", "on", "last_on", "disposition", "parts"]
        assert (
            spells.table["on"].to_numpy().tolist() == referrals["on"].to_numpy()[[0, 2, 3]].tolist()
        )
        assert spells.table["last_on"].to_numpy()[0] == np.datetime64("2019-05-02")
        kept = ["substantiated", "unfounded", "inconclusive"]
        assert spells.table["disposition"].tolist() == kept
        assert spells.representative_row.tolist() == [1, 2, 3]


def test_the_representative_is_the_first_the_last_or_the_most_important():
    table = stays(
        ("2019-01-03", "2019-01-04"),
        ("2019-01-01", "2019-01-04"),
        ("2019-01-03", "2019-01-09"),
        level=["low", "medium", "low"],
        urgent=[False, False, True],
    )

    def row(representative: Any) -> list[int]:
        return merge(table, representative=representative).representative_row.tolist()

    assert row("first") == [1]
    assert row("last") == [2]
    assert row({"level": ["low", "medium"]}) == [0]
    assert row({"level": ["low", "medium"], "urgent": [True]}) == [2]
    assert row({"level": ["high"]}) == [1]
    assert row({"in": [(">", "2019-01-02")]}) == [0]


def test_values_out_of_the_order_are_told():
    table = stays(("2019-01-01", "2019-01-04"), ("2019-01-02", "2019-01-03"), level=["lo", None])
    spells = merge(table, representative={"level": ["high", "lo"]})
    assert "No row has level 'high' (representative)." in repr(spells)
    assert "level is missing or not in the list in 1 of 2 rows" in repr(spells)
    assert "No row has" not in repr(merge(table, representative={"level": ["lo"]}))


def test_what_was_left_out_is_in_the_ledger_which_adds_up_to_the_spells():
    table = pd.DataFrame(
        {
            "child": ["a", "a", None, "a", "b", " ", "a"],
            "area": ["E1", "E1", "E1", None, "E1", "E1", "E1"],
            "in": days(
                *("2019-01-01", "2019-01-02", "2019-01-01", "2019-01-01"),
                *(None, "2019-01-01", "2019-01-01"),
            ),
            "out": days(
                *("2019-01-01", "2019-01-01", None, None, "2019-01-01", None, "2019-01-02")
            ),
        }
    )
    spells = merge(table, scope="area")
    ledger = spells.ledger
    assert ledger["removed"].tolist() == [0, 2, 1, 1, 1, 1]
    assert ledger["reason"].tolist()[1:5] == [
        "child is missing (person)",
        "area is missing (scope)",
        "in is missing",
        "out is before in",
    ]
    assert ledger["remaining"].iloc[-1] == len(spells) == len(spells.table) == 1
    assert spells.spell_of_row.tolist() == [0, -1, -1, -1, -1, -1, 0]
    assert "rows left out: 5" in repr(spells)
    assert "out is before in" in spells._repr_html_()


def test_the_rows_that_a_spell_was_made_of_are_found_again():
    table = stays(
        ("2019-06-01", "2019-06-02"), ("2019-01-02", "2019-01-04"), ("2019-01-01", "2019-01-02")
    )
    spells = merge(table)
    assert [spells.rows_of(i).tolist() for i in range(len(spells))] == [[0], [1, 2]]
    for nowhere in (2, -1):
        with pytest.raises(IndexError, match=f"no spell {nowhere}"):
            spells.rows_of(nowhere)


def test_without_a_scope_spells_are_merged_across_areas():
    table = stays(("2019-01-01", "2019-01-04"), ("2019-01-04", "2019-01-08"), area=["E1", "E2"])
    assert merge(table, scope="area").spell_of_row.tolist() == [0, 1]
    assert merge(table).spell_of_row.tolist() == [0, 0]


# ---------------------------------------------------------------- in and out


def test_nothing_given_is_changed_and_columns_keep_their_kinds():
    table = stays(
        ("2019-01-01", "2019-01-04"),
        ("2019-01-03", None),
        level=pd.Categorical(["low", "high"], categories=["low", "high"], ordered=True),
        note=pd.array([None, "b"], dtype="string[python]"),
        size=pd.array([None, 3], dtype="Int16"),
        seen=pd.to_datetime(["2019-01-01 10:00", "2019-01-01 11:00"]).tz_localize("Europe/London"),
        anything=[{"a": 1}, [2]],
    )
    table.index = [7, 7]
    before = copy.deepcopy(table)
    spells = merge(table, representative="last")
    pd.testing.assert_frame_equal(table, before)
    assert spells.table.dtypes.drop("parts").to_dict() == table.dtypes.to_dict()
    assert spells.table.index.tolist() == [0]
    assert spells.table.loc[0, "anything"] == [2]
    copied = spells.to_pandas()
    copied.loc[0, "child"] = 99
    assert spells.table.loc[0, "child"] == 1
    for array in (spells.spell_of_row, spells.representative_row, spells.rows_of(0)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5


def test_other_tables_come_out_as_pandas_would_hold_them():
    columns = {
        "child": np.array([1, 1]),
        "in": days("2019-01-01", "2019-01-02").astype("M8[D]"),
        "out": days("2019-01-03", None).astype("M8[D]"),
        "month": np.array(["2019-01", "NaT"], "datetime64[M]"),
        "kind": pd.Categorical(["x", None]),
        "weight": np.ma.MaskedArray([1.5, 2.5], [False, True]),
        "count": np.ma.MaskedArray([1, 2], [False, True]),
        "well": [True, None],
        "name": ["a", None],
    }
    table = merge(columns, representative="last").table
    assert table["out"].isna().tolist() == [True]
    assert table["in"].tolist() == [pd.Timestamp("2019-01-01")]
    assert table[["month", "kind", "weight", "count", "well", "name"]].isna().all(axis=None)
    first = merge(columns).table
    assert first.loc[0, ["kind", "weight", "count", "well", "name"]].tolist() == [
        "x",
        1.5,
        1,
        True,
        "a",
    ]
    assert first["month"].tolist() == [pd.Timestamp("2019-01-01")]


def test_arrow_tables_go_in_and_out():
    columns = {
        "child": pa.array([1, 1, 2]),
        "in": pa.array(days("2019-01-01", "2019-01-02", "2019-01-02")).cast(pa.date32()),
        "out": pa.array(days("2019-01-03", "2019-01-09", None)).cast(pa.date32()),
        "zoned": pa.array([0, 1, 2], pa.timestamp("us", "Europe/London")),
        "kind": pa.array(["x", None, "x"]).dictionary_encode(),
        "odd": pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array(["a", None, "a"])),
    }
    spells = merge(pa.table(columns))
    back = pl.DataFrame(spells)
    assert back["parts"].to_list() == [2, 1]
    assert back["kind"].to_list() == ["x", "x"]
    assert back["odd"].to_list() == ["a", "a"]
    assert back["out"].is_null().to_list() == [False, True]
    assert str(spells.table["zoned"].dt.tz) == "Europe/London"
    assert merge(pl.from_arrow(pa.table(columns))).spell_of_row.tolist() == [0, 0, 1]


def test_an_empty_table_has_no_spells():
    empty = stays(("2019-01-01", "2019-01-02")).iloc[:0]
    spells = merge(empty)
    assert len(spells) == 0
    assert spells.table.columns.tolist() == ["child", "in", "out", "parts"]
    with pytest.raises(IndexError):
        spells.rows_of(0)


def test_the_merged_spells_go_straight_into_a_linkage():
    table = stays(
        ("2019-01-01", "2019-01-04"),
        ("2019-01-05", "2019-01-09"),  # a transfer
        ("2019-02-01", "2019-02-09"),
        ("2020-06-01", None),
    )
    rules = {"person": "child", "index_date": "out", "event_date": "in", "window": "30 days"}
    plain = rr.link(table, table, observed_until="2020-12-31", **rules)
    assert (plain.gap_days >= 0).tolist() == [True, True, False, False]
    spells = merge(table)
    for each in (spells, spells.table):
        links = rr.link(each, each, observed_until="2020-12-31", **rules)
        assert links.gap_days.tolist() == [23, -1, -1]


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"person": 3}, rr.RuleError, "person=3 is not a key"),
        ({"person": ("child", "area")}, rr.RuleError, "a key of two tables"),
        ({"person": "chidl"}, rr.DataError, "table has no column 'chidl'; did you mean 'child'"),
        ({"scope": "place"}, rr.DataError, "table has no column 'place'"),
        ({"start": ["in"]}, rr.RuleError, r"start=\['in'\] is not the name of a column"),
        ({"start": None}, rr.RuleError, "start=None is not the name of a column"),
        ({"end": 5}, rr.RuleError, "end=5 is not the name of a column"),
        ({"end": "level"}, rr.DataError, "column 'level'"),
        ({"gap": None}, rr.RuleError, 'write "0 days"'),
        ({"gap": "soon"}, rr.RuleError, "gap='soon' is not a span"),
        ({"gap": -1}, rr.RuleError, "gap=-1 must be from 0"),
        ({"representative": "worst"}, rr.RuleError, "representative='worst' is not a choice"),
        ({"representative": None}, rr.RuleError, "representative=None is not a choice"),
        ({"representative": {}}, rr.RuleError, "representative={} is not a choice"),
        ({"representative": {"level": "high"}}, rr.RuleError, "'level' must be a list"),
        ({"representative": {"level": []}}, rr.RuleError, "'level' must be a list"),
        ({"representative": {"levle": ["high"]}}, rr.DataError, "no column 'levle'"),
        ({"representative": {"in": ["high"]}}, rr.DataError, "column 'in'.*high"),
        (
            {"representative": {"level": ["a"] * 50_000, "child": [1] * 50_000}},
            rr.RuleError,
            "more than 2",
        ),
    ],
)
def test_arguments_are_refused_in_one_sentence(changed, error, said):
    table = stays(("2019-01-01", "2019-01-04"), area="E1", level="high")
    with pytest.raises(error, match=said):
        merge(table, **changed)


@pytest.mark.parametrize(("name", "end"), [("parts", "out"), ("parts", None), ("last_in", None)])
def test_a_column_that_is_to_be_added_must_not_be_there(name, end):
    table = stays(("2019-01-01", "2019-01-04"), **{name: 1})
    with pytest.raises(rr.DataError, match=f"column '{name}': the merged spells have a column"):
        merge(table, end=end)


def test_a_time_of_day_is_named_by_column_row_and_value():
    table = stays(("2019-01-01", "2019-01-04"), ("2019-01-01", "2019-01-04"))
    table.loc[1, "out"] = pd.Timestamp("2019-01-04 12:00")
    with pytest.raises(rr.DataError, match=r"table: column 'out', row 1: .*12:00"):
        merge(table)


# ---------------------------------------------------------------- against the reference

THOROUGH = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


@THOROUGH
@given(spell_cases())
def test_the_reference_agrees(case):
    assert spell_faults(case) == []


@settings(THOROUGH, max_examples=60)
@given(spell_cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_only_which_of_equal_rows_represents(case, random):
    _, rows, arguments = case
    order = list(range(len(rows)))
    random.shuffle(order)
    table = pd.DataFrame(rows, columns=["child", "area", "in", "out", "kind", "score"])
    table["child"] = [None if row["child"] is None else str(row["child"]) for row in rows]
    for name in ("in", "out"):
        table[name] = pd.array([row[name] for row in rows], dtype="Int64")
    shuffled = table.iloc[order]

    def found(given: pd.DataFrame, places: list[int]) -> dict[Any, Any]:
        spells = rr.merge_spells(given, **arguments)
        merged = {}
        for i, row in enumerate(spells.representative_row):
            parts = frozenset(places[place] for place in spells.rows_of(i))
            chosen = rows[places[row]]
            merged[parts] = (chosen["in"], *ranks(chosen, arguments["representative"]))
        return merged

    assert found(table, list(range(len(rows)))) == found(shuffled, order)


def ranks(row: dict[str, Any], representative: Any) -> list[int]:
    order = {} if isinstance(representative, str) else representative
    return [
        values.index(row[name]) if row[name] in values else len(values)
        for name, values in order.items()
    ]


@settings(THOROUGH, max_examples=60)
@given(spell_cases())
def test_spells_that_were_merged_stay_as_they_are(case):
    table, _, arguments = case
    once = rr.merge_spells(table, **arguments).table
    end = "last_in" if arguments["end"] is None else "out"
    again = rr.merge_spells(once.rename(columns={"parts": "n"}), **arguments | {"end": end})
    assert again.spell_of_row.tolist() == list(range(len(once)))
