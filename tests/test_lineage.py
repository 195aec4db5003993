"""Areas that changed their code: the crosswalk, and which codes are one key."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import rereferral as rr
from rereferral import published
from rereferral.keys import encode
from rereferral.lineage import area_notes, joined_areas
from rereferral.tables import open_table
from shared_data import shared

DORSET = ["E06000028", "E06000029", "E06000058", "E06000059", "E10000009"]
OTHERS = ["E09000007", "E06000057"]


def joined(values: object, ids: str, role: str = "index", scope=("area",)):
    return joined_areas(open_table({"area": values}, role), list(scope), ids)


def same(values: list, ids: str) -> list[list[str]]:
    """The values that became one key, as lists."""
    codes, _ = encode([(joined(values, ids).table, ["area"])])
    found: dict[int, list[str]] = {}
    for value, code in zip(values, codes[0].tolist(), strict=True):
        found.setdefault(code, []).append(value)
    return sorted(sorted(group) for group in found.values())


# ---------------------------------------------------------------- the table


def test_every_code_has_a_name_and_a_successor_starts_when_it_is_first_published():
    table = rr.crosswalk()
    assert not table.isna().any().any()
    first = published.later_authorities().set_index("authority")["first_year"].astype(int)
    years = table["successor"].map(first)
    assert (table["effective_date"].dt.year + 1 == years).all()
    assert (table["effective_date"].dt.strftime("%m-%d") == "04-01").all()
    assert set(table["predecessor"]) <= set(published.authorities()["authority"])
    assert set(first.index) == set(table["successor"])


def test_the_kind_follows_from_how_many_there_are_on_either_side():
    table = rr.crosswalk()
    into = table.groupby("predecessor")["successor"].transform("count") > 1
    out_of = table.groupby("successor")["predecessor"].transform("count") > 1
    kinds = {(False, False): "recode", (False, True): "merge", (True, False): "split"}
    expected = [kinds.get(pair, "part") for pair in zip(into, out_of, strict=True)]
    assert table["kind"].tolist() == expected


def test_codes_follow_one_another_and_a_recode_keeps_the_number_of_the_publisher():
    name = "c1_children_in_need_referrals_and_rereferrals_2013_to_2024.csv"
    rows = pd.read_csv(shared("dfe_cin_2024", name), dtype="string")
    rows = rows[rows["geographic_level"] == "Local authority"]
    years = rows.groupby("new_la_code")["time_period"].agg(["min", "max"]).astype(int)
    number = rows.drop_duplicates("new_la_code").set_index("new_la_code")["old_la_code"]
    for change in rr.crosswalk().itertuples():
        year = change.effective_date.year
        assert years.loc[change.predecessor, "max"] == year
        assert years.loc[change.successor, "min"] == year + 1
        kept = number[change.predecessor] == number[change.successor]
        assert kept == (change.kind == "recode")


def test_the_crosswalk_is_the_callers_own():
    table = rr.crosswalk()
    table["kind"] = "recode"
    assert (rr.crosswalk()["kind"] == "merge").sum() == 2


# ---------------------------------------------------------------- what is joined


def test_own_ids_join_only_what_is_a_recode():
    table = rr.crosswalk()
    codes = sorted({*table["predecessor"], *table["successor"], *OTHERS})
    recoded = table[table["kind"] == "recode"]
    pairs = [sorted(pair) for pair in recoded[["predecessor", "successor"]].to_numpy()]
    assert ["E06000065", "E10000023"] in pairs
    assert ["E06000066", "E10000027"] in pairs
    alone = [[c] for c in codes if not any(c in pair for pair in pairs)]
    assert same(codes, "own") == sorted(pairs + alone)


def test_ids_carried_over_join_all_that_is_connected():
    codes = [*DORSET, "E10000006", "E06000063", "E06000064", "E10000027", "E06000066", *OTHERS]
    assert same(codes, "carried over") == sorted(
        [
            DORSET,
            ["E06000063", "E06000064", "E10000006"],
            ["E06000066", "E10000027"],
            *([code] for code in OTHERS),
        ]
    )


@pytest.mark.parametrize(
    "kind", [list, pd.Categorical, lambda v: rr.Text.from_any(v), lambda v: np.array(v, "U9")]
)
def test_two_tables_meet_though_each_has_one_of_the_codes(kind):
    index = joined(kind(["E10000023", "E09000007"]), "own").table
    events = joined(kind(["E06000065", "E09000007", "E06000064"]), "own", "events").table
    (left, right), _ = encode([(index, ["area"]), (events, ["area"])])
    assert left.tolist() == right.tolist()[:2]
    assert right[2] not in left


def test_categories_that_become_one_stay_null_where_they_were_null():
    values = pd.Categorical.from_codes([0, -1, 1, 2], ["E10000023", "E06000065", " "])
    table = joined(values, "own").table
    assert table.key("area").is_null().tolist() == [False, True, False, True]
    assert table.n_blank("area") == 1
    (codes,), _ = encode([(table, ["area"])])
    assert codes[0] == codes[2]


def test_the_column_itself_stays_as_it_was_given():
    given = open_table({"area": ["E10000023", "E06000065"], "id": ["1", "1"]}, "index")
    before, _ = encode([(given, ["area", "id"])])
    table = joined_areas(given, ["area"], "own").table
    assert table.mask({"area": "E10000023"}).tolist() == [True, False]
    assert table.groups("area").n_groups == 2
    after, _ = encode([(table, ["area", "id"])])
    assert (len(set(before[0].tolist())), len(set(after[0].tolist()))) == (2, 1)
    again, _ = encode([(given, ["area", "id"])])
    assert again[0].tolist() == before[0].tolist()


def test_codes_worked_out_before_are_not_taken_for_those_of_joined_areas():
    from rereferral.keys import codes_of

    given = open_table({"area": ["E10000023", "E06000065"]}, "index")
    assert len(set(codes_of(given, ["area"])[0].tolist())) == 2
    table = joined_areas(given, ["area"], "own").table
    assert len(set(codes_of(table, ["area"])[0].tolist())) == 1


@pytest.mark.parametrize(
    ("values", "scope"),
    [
        ([815, 933], ["area"]),
        (pd.Categorical([815, 933]), ["area"]),
        (["North Yorkshire", "Somerset"], ["area"]),
        (["E10000023", "E06000065"], ["area", "area"]),
        (["E10000023", "E06000065"], None),
    ],
)
def test_other_scopes_stay_as_they_are(values, scope):
    table = open_table({"area": values}, "index")
    areas = joined_areas(table, scope, "own")
    assert areas.table is table
    assert area_notes("own", areas) == []


@pytest.mark.parametrize(
    ("scope", "values"), [(None, ["E10000023"]), (["area"] * 2, ["E10000023"]), (["area"], [815])]
)
def test_ids_carried_over_need_codes(scope, values):
    with pytest.raises(rr.RuleError, match="joins areas by their ONS codes; give a scope of one"):
        joined_areas(open_table({"area": values}, "index"), scope, "carried over")


def test_another_word_for_ids_is_refused():
    with pytest.raises(rr.RuleError, match="ids='kept' is not a choice"):
        joined(["E10000023"], "kept")


# ---------------------------------------------------------------- what is said


def test_a_recode_is_told_where_both_codes_occur_in_either_table():
    index, events = joined(["E10000023"], "own"), joined(["E06000065"], "own", "events")
    assert area_notes("own", index, events) == [
        "E06000065 and E10000023 are one area (recode of 2023-04-01)."
    ]
    assert area_notes("own", index, index) == []


def test_a_category_that_no_row_has_does_not_occur():
    values = pd.Categorical(["E10000023"], ["E10000023", "E06000065"])
    assert area_notes("own", joined(values, "own")) == []


def test_a_category_of_the_last_row_of_many_occurs():
    codes = np.zeros(200_000, np.int8)
    codes[-1] = 1
    values = pd.Categorical.from_codes(codes, ["E10000023", "E06000065"])
    (note,) = area_notes("own", joined(values, "own"))
    assert note.startswith("E06000065 and E10000023 are one area")


def test_what_was_not_joined_is_told_where_one_became_the_other():
    (note,) = area_notes("own", joined([*DORSET[:3], *OTHERS], "own"))
    assert note.startswith("E06000028, E06000029 and E06000058 are areas of their own")
    assert 'ids="carried over"' in note
    # Neighbours that only a third area connects have nothing to do with each other.
    assert area_notes("own", joined(["E06000028", "E06000029", "E06000059"], "own")) == []


def test_ids_that_may_collide_are_told():
    assert area_notes("carried over", joined(DORSET, "carried over")) == [
        "E06000028, E06000029, E06000058, E06000059 and E10000009 are one area (merge, part and "
        "split of 2019-04-01): an id that occurs in several is taken for one person."
    ]
    (note,) = area_notes("carried over", joined(OTHERS, "carried over"))
    assert "joins nothing" in note
