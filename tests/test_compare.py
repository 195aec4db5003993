"""`rr.compare` on a table whose every row was worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import rereferral as rr

DFE = rr.definitions.DFE
AFC = rr.definitions.ACTION_FOR_CHILDREN

ASKED = {
    "person": "child_id",
    "scope": "authority",
    "observed_from": "2016-01-01",
    "observed_until": "2021-12-31",
}


def episodes() -> pd.DataFrame:
    """Child 1: 366 days from referral to referral, over a leap day. Child 2: closed in need, back
    after two months. Child 3: closed below the threshold, back after 300 days; and again, never.
    """
    rows = [
        ("a", 1, "2019-06-01", "2019-07-01", "RC8"),
        ("a", 1, "2020-06-01", "2020-07-01", "RC8"),
        ("a", 2, "2018-01-01", "2018-12-31", "RC7"),
        ("a", 2, "2019-03-01", "2019-04-01", "RC8"),
        ("b", 3, "2018-01-01", "2018-03-01", "RC8"),
        ("b", 3, "2018-12-26", "2019-01-31", "RC8"),
    ]
    names = ["authority", "child_id", "referral_date", "closure_date", "reason_for_closure"]
    table = pd.DataFrame(rows, columns=names, index=list("uvwxyz"))
    for name in ("referral_date", "closure_date"):
        table[name] = pd.to_datetime(table[name])
    return table


@pytest.fixture
def compared() -> rr.Comparison:
    return rr.compare([DFE, DFE.replace(window="365 days"), AFC], episodes(), **ASKED)


DAYS = "DfE re-referral (window 365 days)"


def test_one_table_of_counts(compared):
    table = compared.table.set_index("definition")
    assert list(table.index) == [DFE.name, DAYS, AFC.name]
    # Back: all six; v after u, z after y; x comes 14 months after w. Forward: RC8 only; u and y.
    assert table["n"].tolist() == [6, 6, 5]
    assert table["linked"].tolist() == [2, 1, 2]
    assert table["rate"].tolist() == [2 / 6, 1 / 6, 2 / 5]
    assert table["looks"].tolist() == ["back", "back", "forward"]
    assert table["index_date"].tolist() == ["referral_date", "referral_date", "closure_date"]
    assert table["index_filter"].tolist() == ["", "", "reason_for_closure is RC8"]
    limits = rr.link(
        episodes(), episodes(), index_date="referral_date", event_date="referral_date",
        definition=DFE, **ASKED,
    ).rates()  # fmt: skip
    assert table.loc[DFE.name, "lower_95"] == limits["lower_95"].iloc[0]


def test_who_changes_side(compared):
    # 12 months against 365 days: v. Back against forward: of the five, u and y are linked forward
    # only, v and z back only.
    assert compared.changes.to_numpy().tolist() == [[0, 1, 4], [1, 0, 3], [4, 3, 0]]
    assert list(compared.changes.columns) == compared.names == list(compared.links)


def test_overlaps_add_up(compared):
    overlaps = compared.overlaps.set_index(["first", "second"])
    assert overlaps.loc[(DFE.name, AFC.name)].to_dict() == {
        "counted_by_both": 5,
        "linked_by_both": 0,
        "linked_by_first": 2,
        "linked_by_second": 2,
        "linked_by_neither": 1,
        "counted_by_first": 1,
        "counted_by_second": 0,
    }
    assert len(overlaps) == 3
    for (first, second), line in overlaps.iterrows():
        parts = [line[f"linked_by_{who}"] for who in ("both", "first", "second", "neither")]
        assert sum(parts) == line["counted_by_both"]
        changed = line["linked_by_first"] + line["linked_by_second"]
        assert changed == compared.changes.loc[first, second]


def test_the_rows_that_change_side_can_be_looked_at(compared):
    found = compared.between(DFE.name, DAYS)
    assert found.index.tolist() == ["v"]
    row = found.iloc[0]
    assert row["row"] == 1
    assert row["differs"] == f"linked by {DFE.name}"
    assert (row["outcome_first"], row["outcome_second"]) == ("linked", "none")
    assert (row["gap_days_first"], row["event_row_first"]) == (366, 0)
    assert row["event_date_first"] == pd.Timestamp("2019-06-01")
    assert pd.isna(row["gap_days_second"])
    assert pd.isna(row["event_date_second"])
    assert episodes().join(found, how="right")["child_id"].tolist() == [1]


def test_rows_that_only_one_counts_are_there_if_asked_for(compared):
    found = compared.between(DFE.name, AFC.name, uncounted=True)
    assert found.index.tolist() == list("uvwyz")
    assert found.loc["w", "differs"] == f"counted by {DFE.name}"
    with pytest.raises(rr.RuleError, match="there is no 'DFE' here; there are DfE"):
        compared.between("DFE", AFC.name)


def test_each_reads_the_table_as_it_is_told(compared):
    every = rr.compare([(AFC, {"index_filter": None}), AFC], episodes(), **ASKED)
    assert every.table["n"].tolist() == [6, 5]
    assert every.names == [AFC.name, f"{AFC.name} (index_filter reason_for_closure is RC8)"]
    assert every.table["linked"].tolist() == [3, 2]
    closures = rr.compare([AFC], episodes(), index_date="referral_date", **ASKED)
    assert closures.table["index_date"].tolist() == ["referral_date"]
    # From referral to referral within 12 months, of closures RC8: u and y.
    assert closures.table[["n", "linked"]].to_numpy().tolist() == [[5, 2]]


def test_a_definition_has_a_row_for_each_of_its_windows():
    several = AFC.replace(window=["60 days", "12 months"], name="two")
    found = rr.compare([several, AFC], episodes(), **ASKED)
    assert found.names == ["two, 60 days", "two, 12 months", AFC.name]
    assert found.table["window"].tolist() == ["60 days", "12 months", "12 months"]
    assert found.table["linked"].tolist() == [0, 2, 2]
    assert found.changes.loc["two, 60 days", AFC.name] == 2


def test_a_window_without_end_is_read_at_the_horizon():
    endless = rr.Definition(name="endless", window=None, followup="observed")
    reading = {"index_date": "closure_date", "event_date": "referral_date"}
    found = rr.compare([(endless, reading)], episodes(), **ASKED)
    assert found.table["window"].tolist() == ["any time, read at 12 months"]
    assert found.table["rate"].tolist() == [3 / 6]
    assert "Kaplan-Meier" in found.table["method"].iloc[0]
    soon = rr.compare([(endless, reading)], episodes(), horizon="60 days", **ASKED)
    assert soon.table["rate"].tolist() == pytest.approx([1 / 6], abs=1e-15)
    assert str(soon.definitions["endless"].window) == "60 days"


def test_groups_stand_below_one_another(compared):
    found = rr.compare([DFE, AFC], episodes(), by="authority", **ASKED)
    assert found.table[["definition", "authority", "n", "linked"]].to_numpy().tolist() == [
        [DFE.name, "a", 4, 1],
        [DFE.name, "b", 2, 1],
        [AFC.name, "a", 3, 1],
        [AFC.name, "b", 2, 1],
    ]
    assert "authority" in repr(found)
    assert "authority" in found._repr_html_()


def test_names_are_unique():
    # The rules in which they differ from the first; a number where there is nothing to say.
    definitions = [DFE, DFE.replace(window="365 days", same_day="include"), DFE, DFE]
    assert rr.compare(definitions, episodes(), **ASKED).names == [
        DFE.name,
        f"{DFE.name} (window 365 days, same_day include)",
        f"{DFE.name} (again)",
        f"{DFE.name} (again) [4]",
    ]


def test_two_tables_are_compared_as_one_is():
    events = pd.DataFrame(
        {"authority": ["a"], "child_id": [1], "referral_date": pd.to_datetime(["2019-08-01"])}
    )
    found = rr.compare([AFC, AFC.replace(window="1 month")], episodes(), events, **ASKED)
    assert found.table["linked"].tolist() == [1, 1]
    # Closed on 1 July, referred on 1 August: a month to the day, and the last day counts.
    assert found.changes.to_numpy().sum() == 0


def test_what_is_shown_is_rounded_from_the_counts(compared):
    assert "33.3 %" in repr(compared)
    page = compared._repr_html_()
    assert "16.7&nbsp;%" in page
    assert "within 365 days before it" in page
    odd = rr.compare([AFC.replace(name="<b>")], episodes(), **ASKED)._repr_html_()
    assert "<b>" not in odd


def test_tables_are_copies(compared):
    table = compared.table
    table["n"] = 0
    assert compared.to_pandas().loc[0, "n"] == 6


@pytest.mark.parametrize(
    ("definitions", "message"),
    [
        ([], "there is no definition"),
        (DFE, "must be a list"),
        (["DFE"], "definition 1 is 'DFE'"),
        ([(DFE, {"window": "365 days"})], "'window' is not one of index_date"),
        ([rr.Definition()], "definition 1 does not say its index_date"),
        ([rr.definitions.HEDIS_PCR], "HEDIS all-cause readmission: index has no column"),
    ],
)
def test_what_cannot_be_compared_is_refused(definitions, message):
    with pytest.raises(rr.RereferralError, match=message):
        rr.compare(definitions, episodes(), **ASKED)


def test_an_endless_horizon_is_refused():
    with pytest.raises(rr.RuleError, match="horizon must have an end"):
        rr.compare([DFE], episodes(), horizon=None, **ASKED)


def test_nothing_given_is_changed():
    table = episodes()
    before = table.copy()
    reading = {"index_filter": {"reason_for_closure": "RC8"}}
    rr.compare([(DFE, reading), AFC], table, **ASKED)
    pd.testing.assert_frame_equal(table, before)
    assert reading == {"index_filter": {"reason_for_closure": "RC8"}}


def test_a_dict_of_arrays_has_no_labels():
    table = {name: episodes()[name].to_numpy() for name in episodes()}
    for name in ("authority", "reason_for_closure"):
        table[name] = table[name].astype(str)
    found = rr.compare([DFE, AFC], table, **ASKED).between(DFE.name, AFC.name)
    assert found["row"].tolist() == np.flatnonzero([1, 1, 0, 0, 1, 1]).tolist()
