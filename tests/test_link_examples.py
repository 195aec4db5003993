"""Linkages worked by hand: the reference and `rr.link` both have to give these answers."""

from __future__ import annotations

import pandas as pd
import pytest

import rereferral as rr
from by_hand import answer, frame, rows
from clothes import Case, day
from comparing import run_reference
from reference import RefusedError, open_elsewhere, rates_reference


@pytest.mark.parametrize(
    ("start", "last"),
    [
        ("2019-03-01", "2020-03-01"),
        ("2016-02-29", "2017-02-28"),
        ("2015-02-28", "2016-02-28"),
        ("2019-02-28", "2020-02-28"),
        ("2018-12-31", "2019-12-31"),
        ("1968-02-29", "1969-02-28"),
    ],
)
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_twelve_months_end_on_the_same_day_or_the_months_last(engine, start, last, direction):
    early = rows("closed", ("a", start), ("b", start))
    late = rows("seen", ("a", last), ("b", str((pd.Timestamp(last) + pd.Timedelta(days=1)).date())))
    if direction == "backward":
        early, late = late, early
        dates = {"index_date": "seen", "event_date": "closed"}
    else:
        dates = {}
    found = answer(engine, early, late, direction=direction, followup="ignored", **dates)
    assert found["outcome"] == ["linked", "none"]


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_28_february_2019_and_29_february_2020_are_in_neither_window(engine, direction):
    pair = [rows("closed", ("a", "2019-02-28")), rows("closed", ("a", "2020-02-29"))]
    if direction == "backward":
        pair.reverse()
    events = [{"child": "a", "seen": row["closed"]} for row in pair[1]]
    found = answer(engine, pair[0], events, direction=direction, followup="ignored")
    assert found["outcome"] == ["none"]


def test_the_exclusive_end_leaves_out_the_last_day(engine):
    index = rows("closed", ("a", "2019-01-01"), ("b", "2019-01-01"))
    events = rows("seen", ("a", "2019-01-30"), ("b", "2019-01-31"))
    rules = {"window": "30 days", "followup": "ignored"}
    assert answer(engine, index, events, **rules)["gap_days"] == [29, 30]
    assert answer(engine, index, events, window_end="exclusive", **rules)["gap_days"] == [29, -1]


def test_same_day_events_count_when_included(engine):
    index = rows("closed", ("a", "2019-01-01"))
    events = rows("seen", ("a", "2019-01-01"), ("a", "2019-01-05"), ("a", "2019-01-05"))
    excluded = answer(engine, index, events, followup="ignored")
    assert (excluded["event_row"], excluded["gap_days"], excluded["count"]) == ([1], [4], [1])
    included = answer(engine, index, events, followup="ignored", same_day="include")
    assert (included["event_row"], included["gap_days"], included["count"]) == ([0], [0], [2])


def test_a_row_never_matches_itself(engine):
    table = rows("seen", ("a", "2019-01-01"), ("a", "2019-01-01"), ("b", "2019-01-01"))
    found = answer(
        engine, table, table, index_date="seen", same_day="include", window=0, followup="ignored"
    )
    assert found["event_row"] == [1, 0, -1]
    copy = [dict(row, ref=i) for i, row in enumerate(table)]
    other = [{"child": r["child"], "when": r["seen"], "ref": r["ref"]} for r in reversed(copy)]
    if engine == "rr.link":
        links = rr.link(
            frame(copy),
            frame(other),
            **{"person": "child", "index_date": "seen", "event_date": "when", "row_id": "ref"},
            **{"same_day": "include", "window": 0, "followup": "ignored"},
        )
        assert links.event_row.tolist() == [1, 2, -1]


def test_a_closure_before_its_own_referral_does_not_find_that_referral(engine):
    table = [{"child": "a", "closed": day("2019-01-01"), "seen": day("2019-02-01")}]
    found = answer(engine, table, table, followup="ignored")
    assert found["outcome"] == ["none"]


def test_ties_name_the_first_or_the_last_row_of_the_nearest_day(engine):
    index = rows("closed", ("a", "2019-01-10"))
    events = rows(
        "seen",
        *[("a", "2019-02-01"), ("a", "2019-01-20"), ("b", "2019-01-11"), ("a", "2019-01-20")],
        *[("a", "2019-01-05"), ("a", "2019-01-01"), ("a", "2019-01-05")],
    )
    rules = {"followup": "ignored"}
    first = answer(engine, index, events, **rules)
    assert (first["event_row"], first["gap_days"], first["count"]) == ([1], [10], [2])
    assert answer(engine, index, events, ties="last row", **rules)["event_row"] == [3]
    rules["direction"] = "backward"
    back = answer(engine, index, events, **rules)
    assert (back["event_row"], back["gap_days"], back["count"]) == ([4], [5], [2])
    assert answer(engine, index, events, ties="last row", **rules)["event_row"] == [6]


def test_an_event_within_the_minimum_gap_is_skipped(engine):
    index = rows("closed", ("a", "2019-01-31"), ("b", "2019-01-31"))
    events = rows("seen", ("a", "2019-02-27"), ("a", "2019-02-28"), ("b", "2019-02-27"))
    found = answer(engine, index, events, min_gap="1 month", followup="ignored")
    assert (found["event_row"], found["gap_days"]) == ([1, -1], [28, -1])
    days = answer(engine, index, events, min_gap=28, followup="ignored")
    assert days["gap_days"] == [28, -1]
    swapped = {"index_date": "seen", "event_date": "closed", "direction": "backward"}
    back = answer(engine, events, index, min_gap="1 month", followup="ignored", **swapped)
    assert back["gap_days"] == [-1, 28, -1]


def test_complete_follow_up_is_decided_by_dates_alone(engine):
    index = rows("closed", ("a", "2020-03-31"), ("b", "2020-04-01"), ("c", "2020-03-31"))
    events = rows("seen", ("a", "2021-03-31"), ("b", "2020-05-01"))
    found = answer(engine, index, events, observed_until="2021-03-31")
    assert found["outcome"] == ["linked", "not followed", "none"]
    assert found["followed"] == [True, False, True]
    assert found["event_row"] == [0, -1, -1]
    assert found["event_date"] == [day("2021-03-31"), None, None]
    assert found["count"] == [1, 0, 0]


def test_complete_look_back_needs_the_whole_window(engine):
    index = rows("closed", ("a", "2013-03-31"), ("a", "2013-04-01"), ("a", "2013-04-02"))
    events = rows("seen", ("a", "2012-03-31"), ("a", "2012-04-01"), ("a", "2012-04-02"))
    rules = {"direction": "backward", "observed_from": "2012-04-01"}
    found = answer(engine, index, events, **rules)
    assert found["outcome"] == ["not followed", "linked", "linked"]
    assert found["event_row"] == [-1, 2, 2]
    assert found["count"] == [0, 2, 1]
    exclusive = answer(engine, index, events, window_end="exclusive", **rules)
    assert exclusive["outcome"] == ["linked", "linked", "none"]


def test_data_outside_the_observed_days_are_not_used(engine):
    index = rows("closed", ("a", "2019-12-31"), ("a", "2020-01-01"), ("a", "2020-12-30"))
    events = rows("seen", ("a", "2019-12-31"), ("a", "2020-12-31"), ("a", "2021-01-01"))
    edges = {"observed_from": "2020-01-01", "observed_until": "2020-12-31"}
    ahead = answer(engine, index, events, followup="ignored", window="2 years", **edges)
    assert ahead["outcome"] == ["excluded", "linked", "linked"]
    assert ahead["count"] == [0, 1, 1]
    table = rows("closed", ("a", "2020-12-31"), ("a", "2021-01-01"), ("a", "2020-01-01"))
    back = answer(
        engine, table, events, followup="ignored", direction="backward", window="2 years", **edges
    )
    assert back["outcome"] == ["none", "excluded", "none"]


def test_a_rows_observation_may_end_before_its_window(engine):
    index = rows(
        "closed",
        *[("a", "2020-01-01"), ("b", "2020-12-22"), ("c", "2020-12-22"), ("d", "2020-12-01")],
    )
    events = rows("seen", ("b", "2020-12-27"), ("d", "2020-12-21"))
    found = answer(
        engine, index, events, window="30 days", followup="observed", observed_until="2020-12-31"
    )
    assert found["outcome"] == ["none", "linked", "censored", "linked"]
    assert all(found["followed"])


def test_the_rate_of_observed_follow_up_is_a_kaplan_meier_risk():
    # Day 5: one of four; day 9: c is censored; day 20: one of the two left. 1 - 3/4 * 1/2 = 5/8.
    index = rows(
        "closed",
        *[("a", "2020-01-01"), ("b", "2020-12-22"), ("c", "2020-12-22"), ("d", "2020-12-01")],
    )
    events = rows("seen", ("b", "2020-12-27"), ("d", "2020-12-21"))
    case = Case(
        index,
        events,
        ({}, {}),
        {"person": "child", "index_date": "closed", "event_date": "seen"}
        | {"observed_until": day("2020-12-31")},
        {"window": "30 days", "followup": "observed"},
    )
    n, hits, rate = rates_reference(run_reference(case))["all"]
    assert (n, hits, float(rate)) == (4, 2, 0.625)
    links = rr.link(
        frame(index),
        frame(events),
        **{"person": "child", "index_date": "closed", "event_date": "seen"},
        **{"window": "30 days", "followup": "observed", "observed_until": "2020-12-31"},
    )
    line = links.rates().iloc[0]
    assert (line["n"], line["linked"]) == (4, 2)
    assert line["rate"] == pytest.approx(0.625)


def test_look_back_is_censored_where_observation_begins(engine):
    index = rows("closed", ("a", "2020-01-11"), ("b", "2020-01-11"), ("c", "2020-02-11"))
    events = rows("seen", ("a", "2020-01-02"), ("a", "2019-12-31"))
    rules = {"direction": "backward", "window": "30 days", "followup": "observed"}
    found = answer(engine, index, events, observed_from="2020-01-01", **rules)
    assert found["outcome"] == ["linked", "censored", "none"]
    assert found["count"] == [1, 0, 0]


def test_an_open_window_is_never_fully_observed(engine):
    index = rows("closed", ("a", "2000-01-01"), ("b", "2000-01-01"))
    events = rows("seen", ("a", "2019-01-01"))
    found = answer(
        engine, index, events, window=None, followup="observed", observed_until="2020-12-31"
    )
    assert found["outcome"] == ["linked", "censored"]


def test_an_event_filter_looks_at_the_whole_day(engine):
    index = rows("closed", ("a", "2019-01-01"))
    events = rows(
        "seen",
        *[("a", "2019-01-02", {"kind": "y"}), ("a", "2019-01-03", {"kind": "y"})],
        *[("a", "2019-01-03", {"kind": "x"}), ("a", "2019-01-04", {"kind": None})],
    )
    found = answer(engine, index, events, event_filter={"kind": "x"}, followup="ignored")
    assert (found["event_row"], found["gap_days"], found["count"]) == ([2], [2], [1])


def test_an_index_filter_excludes(engine):
    index = rows("closed", ("a", "2019-01-01", {"kind": "x"}), ("a", "2019-01-01", {"kind": None}))
    events = rows("seen", ("a", "2019-01-02"))
    found = answer(engine, index, events, index_filter={"kind": ["x"]}, followup="ignored")
    assert found["outcome"] == ["linked", "excluded"]
    assert found["followed"] == [True, False]


def test_scope_keeps_areas_apart_and_none_links_across(engine):
    index = rows("closed", ("a", "2019-01-01", {"area": "E1"}), ("a", "2019-01-01", {"area": "E2"}))
    events = rows("seen", ("a", "2019-01-02", {"area": "E2"}))
    assert answer(engine, index, events, followup="ignored")["event_row"] == [0, 0]
    scoped = answer(engine, index, events, followup="ignored", scope="area")
    assert scoped["event_row"] == [-1, 0]


def test_each_scope_has_its_own_end_and_all_together_the_earliest(engine):
    index = rows("closed", ("a", "2019-06-30", {"area": "E1"}), ("b", "2019-06-30", {"area": "E2"}))
    events = rows("seen", ("c", "2019-07-01", {"area": "E1"}))
    until = {"E1": "2020-06-29", "E2": "2020-06-30"}
    apart = answer(engine, index, events, scope="area", observed_until=until)
    assert apart["outcome"] == ["not followed", "none"]
    together = answer(engine, index, events, observed_until=until)
    assert together["outcome"] == ["not followed", "not followed"]


def test_an_area_without_a_date_is_refused_by_name():
    index = frame(rows("closed", ("a", "2019-06-30", {"area": "E3"})))
    events = frame(rows("seen", ("a", "2019-07-01", {"area": "E3"})))
    with pytest.raises(rr.RereferralError, match="E3"):
        rr.link(
            index,
            events,
            **{"person": "child", "scope": "area", "index_date": "closed", "event_date": "seen"},
            observed_until={"E1": "2020-12-31"},
        )


def test_missing_keys_and_days_are_left_out(engine):
    index = rows("closed", (None, "2019-01-01"), ("a", None), ("a", "2019-01-01"))
    events = rows("seen", (None, "2019-01-02"), ("a", None), ("a", "2019-01-09"))
    found = answer(engine, index, events, followup="ignored")
    assert found["outcome"] == ["excluded", "excluded", "linked"]
    assert found["gap_days"] == [-1, -1, 8]


def test_a_repeated_row_id_keeps_its_first_row(engine):
    index = rows(
        "closed", *[("a", "2019-01-01", {"ref": ref}) for ref in (1, 1)], ("a", None, {"ref": 2})
    )
    events = rows(
        "seen",
        *[("a", "2019-01-09", {"ref": 7}), ("a", "2019-01-02", {"ref": 7})],
        *[("a", "2019-01-03", {"ref": 1})],
    )
    found = answer(engine, index, events, row_id="ref", followup="ignored")
    assert found["outcome"] == ["linked", "excluded", "excluded"]
    assert found["gap_days"] == [8, -1, -1]
    without = answer(engine, index, events, followup="ignored")
    assert without["gap_days"] == [1, 1, -1]
    assert without["count"] == [3, 3, 0]


def test_closed_while_another_episode_is_open():
    episodes = [
        {"child": "a", "seen": 0, "closed": 10},
        {"child": "a", "seen": 10, "closed": 12},
        {"child": "a", "seen": 12, "closed": None},
        {"child": "a", "seen": 3, "closed": 10},
        {"child": "b", "seen": 0, "closed": 10},
        {"child": None, "seen": 0, "closed": 10},
        {"child": "c", "seen": 0, "closed": 5},
        {"child": "c", "seen": 0, "closed": 5},
        {"child": "d", "seen": 0, "closed": 5},
        {"child": "d", "seen": None, "closed": None},
        {"child": "d", "seen": 6, "closed": 7},
    ]
    found = open_elsewhere(episodes, "child", "seen", "closed")
    assert found == [True, True, False, True, *[False] * 7]


def test_a_row_id_says_which_row_is_the_same_in_one_table_too(engine):
    # Of the rows with this id the first has the closure and the second the referral.
    table = [
        {"child": "a", "ref": 6, "closed": day("2019-01-01"), "seen": None},
        {"child": "a", "ref": 6, "closed": None, "seen": day("2019-01-05")},
    ]
    found = answer(engine, table, table, row_id="ref", followup="ignored")
    assert found["outcome"] == ["none", "excluded"]
    copy = [dict(row) for row in table]
    assert answer(engine, table, copy, row_id="ref", followup="ignored") == found


def test_a_missing_area_is_left_out_where_areas_have_their_own_dates(engine):
    index = rows("closed", *[("a", "2019-06-30", {"area": area}) for area in ("E1", None)])
    events = rows("seen", ("a", "2019-07-01", {"area": "E1"}))
    found = answer(
        engine,
        index,
        events,
        scope="area",
        observed_until={"E1": "2020-12-31"},
        observed_from="2019-01-01",
    )
    assert found["outcome"] == ["linked", "excluded"]


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize(
    "rules",
    [
        {"window": 0},
        {"window": 0, "same_day": "include", "window_end": "exclusive"},
        {"window": 1, "window_end": "exclusive"},
        {"window": 30, "min_gap": 31},
        {"window": 30, "min_gap": 30, "window_end": "exclusive"},
        {"window": "1 month", "min_gap": 32},
        {"window": "1 month", "min_gap": 31, "window_end": "exclusive"},
        {"window": 27, "min_gap": "1 month"},
        {"window": 28, "min_gap": "1 month", "window_end": "exclusive"},
    ],
)
def test_a_window_that_can_hold_no_day_is_refused(engine, rules, direction):
    index, events = rows("closed", ("a", "2019-01-01")), rows("seen", ("a", "2019-01-02"))
    with pytest.raises(rr.RuleError if engine == "rr.link" else RefusedError):
        answer(engine, index, events, followup="ignored", direction=direction, **rules)


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize(
    "rules",
    [
        {"window": 0, "same_day": "include"},
        {"window": 1},
        {"window": 1, "same_day": "include", "window_end": "exclusive"},
        {"window": 2, "window_end": "exclusive"},
        {"window": "1 month", "min_gap": 31},
        {"window": "1 month", "min_gap": 30, "window_end": "exclusive"},
        {"window": 28, "min_gap": "1 month"},
        {"window": None, "min_gap": "10 years"},
    ],
)
def test_a_window_that_can_hold_a_day_is_not_refused(engine, rules, direction):
    index, events = rows("closed", ("a", "2019-01-01")), rows("seen", ("b", "2019-01-02"))
    found = answer(engine, index, events, followup="ignored", direction=direction, **rules)
    assert found["outcome"] == ["none"]


def test_two_tables_with_one_event_date_column_and_no_row_id_warn():
    table = rows("seen", ("a", "2019-01-01"))
    names = {"person": "child", "index_date": "seen", "event_date": "seen", "followup": "ignored"}
    with pytest.warns(UserWarning, match="row_id"):
        rr.link(frame(table), frame(table), same_day="include", **names)
    rr.link(frame(table), frame(table), same_day="exclude", **names)
