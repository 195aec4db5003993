"""From when an area's data is complete, and who looks back beyond it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rereferral as rr
from rereferral.completeness import lookback_of
from rereferral.days import NULL_DAY
from rereferral.months import full_months
from rereferral.tables import open_table

PLACES = ["Bournemouth", "Poole", "Dorset", "Camden"]
DFE = rr.definitions.DFE


def days_of(months: dict[str, int]) -> np.ndarray:
    """So many days in each month, as datetime64."""
    return np.concatenate(
        [np.datetime64(m, "D") + np.arange(n) % 28 for m, n in months.items()]
    ).astype("M8[D]")


def by_month(first: str, counts: list[int]) -> dict[str, int]:
    start = np.datetime64(first, "M")
    return {str(start + i): n for i, n in enumerate(counts)}


def months_of(counts: list[int]) -> np.ndarray:
    return np.repeat(np.arange(len(counts)), counts)


# ---------------------------------------------------------------- which months are full


def by_the_text(counts: list[int]) -> int:
    """The first month with at least half of the median of the later months, to the last."""
    last = max(i for i, n in enumerate(counts) if n)
    for i, n in enumerate(counts[:last]):
        if n and 2 * n >= np.median(counts[i + 1 : last + 1]):
            return i
    return last


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(20, 39), min_size=1, max_size=12), st.lists(st.integers(0, 25)))
def test_the_first_full_month_is_that_of_the_rule(full, start):
    # No later month has more than twice the rows of another, so the median alone decides.
    counts = start[:4] + full * 3
    found = full_months(months_of(counts))
    assert found.first[0] == by_the_text(counts)
    assert found.last[0] == len(counts) - 1
    assert found.rows[0] == sum(counts)


def test_old_cases_are_not_the_beginning_though_they_have_more_months_than_the_data():
    counts = [1, 0, 2, 1, 1, 2] * 20 + [90, 110, 100] * 12
    assert by_the_text(counts) == 0
    assert full_months(months_of(counts)).first[0] == 120


def test_months_without_a_row_count_for_the_median():
    # Of the five later months three are empty; without them the median would be 40.
    assert full_months(months_of([10, 0, 40, 0, 0, 40])).first[0] == 0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=30).filter(any))
def test_the_last_full_month_is_the_first_one_backwards(counts):
    forward = full_months(months_of(counts))
    backward = full_months(-months_of(counts))
    assert forward.last[0] == -backward.first[0]
    assert forward.first[0] <= forward.last[0] or counts[forward.first[0]] > 0


def test_groups_are_looked_at_one_by_one_and_unused_rows_not_at_all():
    one, two = [5, 50, 60, 50], [40, 50, 45, 2]
    month = np.concatenate([months_of(one), months_of(two), [-(2**40)]])
    group = np.repeat(np.array([2, 0, 1], np.int32), [sum(one), sum(two), 1])
    found = full_months(month, group, 3, np.arange(len(month)) < len(month) - 1)
    assert found.first[[2, 0]].tolist() == [1, 0]
    assert found.last[[2, 0]].tolist() == [3, 2]
    assert found.rows.tolist() == [sum(two), 0, sum(one)]
    assert found.later[2] == 55
    assert np.isnan(found.later[1])


# ---------------------------------------------------------------- the table


def test_a_row_for_each_area_with_what_lies_outside():
    late = days_of({"2014-05": 1, "2016-01": 3, **by_month("2017-03", [40, 44, 42, 41])})
    whole = days_of(by_month("2016-01", [30] * 18))
    table = pd.DataFrame(
        {
            "area": ["late"] * len(late) + ["whole"] * len(whole) + [None, "whole"],
            "on": [*late, *whole, np.datetime64("2001-01-01"), np.datetime64("NaT")],
        }
    )
    found = rr.completeness(table, scope="area", date="on").set_index("area")
    assert found["n"].to_dict() == {"late": len(late), "whole": len(whole)}
    assert found["proposed_from"].astype(str).to_dict() == {
        "late": "2017-03-01",
        "whole": "2016-01-01",
    }
    assert found["first"].astype(str).to_dict() == {"late": "2014-05-01", "whole": "2016-01-01"}
    assert found["proposed_until"].astype(str).to_dict() == {
        "late": "2017-06-30",
        "whole": "2017-06-30",
    }
    assert found["n_before"].to_dict() == {"late": 4, "whole": 0}
    assert found["n_after"].to_dict() == {"late": 0, "whole": 0}
    assert found["later_median"].to_dict() == {"late": 42, "whole": 30}


def test_the_proposals_can_be_given_to_link():
    england = rr.simulate(years=[2019], authorities=PLACES, seed=2).episodes
    found = rr.completeness(england, scope="authority", date="referral_date")
    proposed = dict(zip(found["authority"], found["proposed_from"], strict=True))
    links = rr.link(
        england,
        england,
        person="child_id",
        scope="authority",
        index_date="referral_date",
        event_date="referral_date",
        definition=DFE,
        observed_from=proposed,
    )
    early = england["referral_date"] < england["authority"].astype(str).map(proposed)
    assert 0 < early.sum() == found["n_before"].sum()
    assert not links.followed[early.to_numpy()].any()


def test_a_scope_of_several_columns_and_none_at_all():
    days = days_of(by_month("2016-01", [30] * 6))
    table = {"a": ["x", "y"] * 90, "b": [1, 1, 2] * 60, "on": days}
    found = rr.completeness(table, scope=["a", "b"], date="on")
    assert list(found.columns[:3]) == ["a", "b", "first"]
    assert found["n"].tolist() == [60, 30, 60, 30]
    assert rr.completeness(table, date="on")["n"].tolist() == [180]


def test_nothing_is_found_in_nothing():
    nothing = {"area": np.array([], "U9"), "on": np.array([], "M8[D]")}
    assert len(rr.completeness(nothing, scope="area", date="on")) == 0
    assert len(rr.completeness(nothing, date="on")) == 0


def test_codes_that_are_one_area_have_one_history():
    area = ["E10000023"] * 360 + ["E06000065"] * 360 + ["E10000006"] * 360 + ["E06000063"] * 360
    days = days_of(by_month("2022-04", [30] * 24))
    table = {"area": area, "on": np.concatenate([days, days])}
    own = rr.completeness(table, scope="area", date="on").set_index("area")
    assert own["proposed_from"].astype(str).to_dict() == {
        "E10000023": "2022-04-01",
        "E06000065": "2022-04-01",
        "E10000006": "2022-04-01",
        "E06000063": "2023-04-01",
    }
    assert own["first"].astype(str)["E06000065"] == "2023-04-01"
    carried = rr.completeness(table, scope="area", date="on", ids="carried over")
    assert (carried["proposed_from"] == pd.Timestamp("2022-04-01")).all()
    assert (carried["proposed_until"] == pd.Timestamp("2024-03-31")).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"date": "on", "ids": "kept"}, "ids='kept' is not a choice"),
        ({"date": 3}, "date=3 is not the name of a column"),
        ({"date": "on", "ids": "carried over"}, "joins areas by their ONS codes"),
        ({"date": "off"}, "table has no column 'off'"),
        ({"date": "on", "scope": 4}, "scope=4 is not a key"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(rr.RereferralError, match=message):
        rr.completeness({"on": days_of({"2016-01": 3})}, **arguments)


# ---------------------------------------------------------------- who looks back too far


def looked_back(episodes: pd.DataFrame, observed_from: str, ids: str):
    """Twelve months back from every referral that has them after `observed_from`."""
    table, scope = open_table(episodes, "index"), ["authority"]
    days = table.days("referral_date")
    # The first day that each looks back to, by the rule that a window is added to the earlier date.
    begins = (episodes["referral_date"] - pd.DateOffset(months=12)).to_numpy("M8[D]")
    begins = begins.astype(np.int64)
    first = np.datetime64(observed_from).astype(np.int64)
    counted = begins >= first
    return lookback_of(table, scope, begins, counted, table, scope, days, days >= first, ids)


@pytest.fixture(scope="module")
def merged():
    return rr.simulate(years=range(2018, 2021), authorities=PLACES, seed=1, mergers=True)


def test_a_merger_without_its_predecessors_data_is_told(merged):
    back = looked_back(merged.episodes, merged.observed_from, "own")
    table = back.table.set_index("authority")
    for code in ("E06000058", "E06000059"):
        first_year = merged.episodes["authority"].eq(code) & merged.episodes[
            "referral_date"
        ].between("2019-04-01", "2020-03-31")
        assert table.loc[code, "too_short"] == first_year.sum() > 3000
        assert str(table.loc[code, "proposed_from"].date()) == "2019-04-01"
        assert any(f" of {code} look back beyond 2019-04-01" in line for line in back.warnings)
    assert len(back.warnings) == 2
    assert (table["too_short"].drop(["E06000058", "E06000059"]) == 0).all()


def test_with_its_predecessors_data_a_merger_looks_back_far_enough(merged):
    back = looked_back(merged.episodes, merged.observed_from, "carried over")
    assert back.warnings == []
    assert (back.table["too_short"] == 0).all()


def test_a_history_that_was_lost_is_told_of_that_area_alone(merged):
    rows = merged.episodes
    lost = rows["authority"].eq("E09000007") & (rows["referral_date"] < "2016-10-01")
    (line,) = looked_back(rows[~lost], merged.observed_from, "carried over").warnings
    assert " of E09000007 look back beyond 2016-10-01" in line
    # From the day that the line names on, nobody is counted whose look-back is cut.
    told = looked_back(rows[~lost & (rows["authority"] == "E09000007")], "2016-10-01", "own")
    assert told.warnings == []
    assert told.table["too_short"].tolist() == [0]
    assert told.table["n"].sum() > 1000


def plain_lookback(begins: list[str], counted: list[bool], days: np.ndarray, **more):
    index = open_table({"area": more.get("areas", ["a"] * len(begins))}, "index")
    past = open_table({"area": ["a"] * len(days)}, "events")
    first = np.array(begins, "M8[D]").astype(np.int64)
    day = days.astype("M8[D]").astype(np.int64)
    used = np.ones(len(days), np.bool_)
    return lookback_of(index, ["area"], first, np.array(counted), past, ["area"], day, used)


def test_only_counted_index_events_and_only_those_that_look_further():
    days = days_of(by_month("2017-01", [30] * 6))
    begins = ["2016-12-31", "2017-01-01", "2016-06-01", "2015-01-01"]
    found = plain_lookback(begins, [True, True, True, False], days).table
    assert found[["n", "too_short"]].to_numpy().tolist() == [[3, 2]]


def test_two_quiet_months_are_no_warning_but_are_counted():
    days = days_of(by_month("2017-03", [30] * 6))
    found = plain_lookback(["2017-01-01"], [True], days)
    assert found.warnings == []
    assert found.table["too_short"].tolist() == [1]
    assert len(plain_lookback(["2016-12-01"], [True], days).warnings) == 1


def test_an_area_without_any_history_is_told():
    days = days_of(by_month("2017-01", [30] * 6))
    found = plain_lookback(["2017-02-01"] * 10, [True] * 10, days, areas=["a", "b"] * 5)
    (line,) = found.warnings
    assert line == "No history at all of b: nothing is found for its index events (5)."
    assert pd.isna(found.table.set_index("area").loc["b", "proposed_from"])


def test_no_more_than_a_few_areas_are_named():
    days = days_of(by_month("2017-01", [30] * 6))
    areas = [f"area {i}" for i in range(9)]
    found = plain_lookback(["2017-02-01"] * 45, [True] * 45, days, areas=areas * 5)
    assert len(found.warnings) == 6
    assert found.warnings[-1] == "So it is in 4 more areas."


@pytest.mark.parametrize(("rows", "told"), [(4, False), (5, True)])
def test_an_area_of_a_few_rows_a_month_is_not_spoken_of(rows, told):
    days = days_of(by_month("2017-06", [rows] * 12))
    found = plain_lookback(["2017-02-01"], [True], days)
    assert found.table["too_short"].tolist() == [1]
    assert bool(found.warnings) is told


def test_missing_days_are_no_history():
    days = days_of(by_month("2017-01", [30] * 3))
    day = np.append(days.astype(np.int64), NULL_DAY)
    table = open_table({"x": day}, "index")
    begins = np.full(len(day), np.datetime64("2017-01-01").astype(np.int64))
    counted = np.arange(len(day)) < 5
    found = lookback_of(table, None, begins, counted, table, None, day, np.ones(91, np.bool_))
    assert found.table[["n", "too_short"]].to_numpy().tolist() == [[5, 0]]
