"""Rules of the window and the cohort, worked by hand for the reference and for `rr.link`."""

from __future__ import annotations

import pytest

import rereferral as rr
from by_hand import answer, pairs, rows
from reference import Eligible, RefusedError


def at(*seen, child="a"):
    """Events of one child on these days."""
    return rows("seen", *[(child, when) for when in seen])


def closed(*days, child="a"):
    return rows("closed", *[(child, when) for when in days])


# ---------------------------------------------------------------- window


def test_several_windows_each_look_in_their_own_span(engine):
    index = closed("2019-01-31", "2019-03-31")
    events = at("2019-02-28", "2019-03-02", "2019-07-31", "2019-08-01")
    short, middle, long = answer(
        engine, index, events, window=["1 month", 30, "6 months"], followup="ignored"
    )
    # 31 January + 1 month is 28 February, + 30 days is 2 March, + 6 months is 31 July;
    # 31 March + 6 months is 30 September.
    assert short["count"] == [1, 0]
    assert middle["count"] == [2, 0]
    assert long["count"] == [3, 2]
    assert long["gap_days"] == [28, 122]


def test_several_windows_share_the_cohort_of_the_longest(engine):
    index = closed("2020-03-31", "2020-04-01", "2021-03-01")
    events = at("2020-04-10", "2021-03-05")
    given = {"window": [30, "12 months"], "observed_until": "2021-03-31"}
    short, long = answer(engine, index, events, **given)
    assert short["followed"] == long["followed"] == [True, False, False]
    assert short["outcome"] == ["linked", "not followed", "not followed"]
    own, long = answer(engine, index, events, cohort="each", **given)
    assert own["followed"] == [True, True, True]
    assert own["outcome"] == ["linked", "linked", "linked"]
    assert long["followed"] == [True, False, False]


def test_the_longest_window_is_the_longest_of_each_row(engine):
    # 365 days end on 28 February 2021 or, from 1 March 2019, on 29 February 2020; 12 months end on
    # 28 February 2021 as well, and on 1 March 2020.
    index = rows("closed", ("a", "2020-02-29"), ("b", "2019-03-01"), ("c", "2020-02-28"))
    given = {"window": ["365 days", "12 months"]}
    for until, followed in (
        ("2020-02-29", [False, False, False]),
        ("2020-03-01", [False, True, False]),
        ("2021-02-27", [False, True, False]),
        ("2021-02-28", [True, True, True]),
    ):
        both = answer(engine, index, at(until), observed_until=until, **given)
        assert [found["followed"] for found in both] == [followed, followed]


def test_a_window_from_a_column(engine):
    index = rows(
        "closed",
        *[("a", 100, {"reach": 9}), ("a", 100, {"reach": 10}), ("a", 100, {"reach": None})],
        *[("a", 110, {"reach": 0}), ("a", 100, {"reach": 30})],
    )
    events = at(110, 130)
    found = answer(engine, index, events, window="reach", observed_until=110)
    assert found["outcome"] == ["none", "linked", "excluded", "none", "not followed"]
    assert found["removed"] == {"null": 1, "follow-up": 1}
    included = answer(engine, index, events, window="reach", same_day="include", followup="ignored")
    assert included["gap_days"] == [-1, 10, -1, 0, 10]
    given = {"direction": "backward", "observed_from": 91}
    back = answer(engine, index, at(91), window="reach", **given)
    assert back["gap_days"] == [9, -1, -1, -1, -1]
    assert back["outcome"][1:] == ["not followed", "excluded", "none", "not followed"]


def test_a_negative_window_is_an_error_that_names_the_row():
    index = rows("closed", ("a", 100, {"reach": 9}), ("a", 100, {"reach": -1}))
    with pytest.raises(rr.DataError) as caught:
        answer("rr.link", index, at(1), window="reach", followup="ignored")
    assert (caught.value.column, caught.value.row) == ("reach", 1)


# ---------------------------------------------------------------- take


@pytest.mark.parametrize(
    ("take", "gap"), [("first", 1), (1, 1), (2, 5), (3, 30), ("last", 30), (4, -1)]
)
def test_take_counts_days_with_an_event(engine, take, gap):
    events = at(131, 105, 101, 101, 130)
    found = answer(engine, closed(100), events, take=take, window=30, followup="ignored")
    assert found["gap_days"] == [gap]
    assert found["count"] == [3]
    assert found["outcome"] == ["none" if gap == -1 else "linked"]


@pytest.mark.parametrize(("take", "gap"), [("first", 1), (2, 5), ("last", 30), (4, -1)])
def test_take_goes_away_from_the_index_event_backward_too(engine, take, gap):
    events = at(69, 70, 95, 99, 99)
    found = answer(
        *(engine, closed(100), events),
        **{"take": take, "window": 30, "followup": "ignored", "direction": "backward"},
        ties="last row",
    )
    assert found["gap_days"] == [gap]
    assert take != "first" or found["event_row"] == [4]


# ---------------------------------------------------------------- within_gap


@pytest.mark.parametrize(
    ("seen", "skip", "stop"),
    [
        ([114, 115, 120], 15, -1),
        ([115, 120], 15, 15),
        ([100, 115], 15, 15),
        ([114], -1, -1),
        ([101, 131], -1, -1),
    ],
)
def test_an_event_too_near_is_skipped_or_stops(engine, seen, skip, stop):
    given = {"window": 30, "min_gap": 15, "followup": "ignored"}
    assert answer(engine, closed(100), at(*seen), **given)["gap_days"] == [skip]
    found = answer(engine, closed(100), at(*seen), within_gap="stop", **given)
    assert found["gap_days"] == [stop]
    assert found["count"][0] == 0 if stop == -1 else found["count"][0] > 0


def test_a_same_day_event_stops_where_the_same_day_is_included(engine):
    given = {"window": 30, "min_gap": 2, "within_gap": "stop", "followup": "ignored"}
    events = at(100, 110)
    assert answer(engine, closed(100), events, **given)["gap_days"] == [10]
    included = answer(engine, closed(100), events, same_day="include", **given)
    assert included["gap_days"] == [-1]


@pytest.mark.parametrize(
    ("seen", "gap", "count"),
    [
        ([101, 102, 103, 105], 2, 1),
        ([101, 103], 2, 1),
        ([102, 132], 2, 1),
        ([101, 131, 132], 30, 1),
        ([101, 132], -1, 0),
        ([100, 130], 30, 1),
    ],
)
def test_events_too_near_are_absorbed_one_after_another(engine, seen, gap, count):
    # Of the first, 101, 102 and 103 become one with 100, and 105 is two days on.
    found = answer(
        *(engine, closed(100), at(*seen)),
        **{"window": 30, "min_gap": 2, "within_gap": "absorb", "followup": "ignored"},
    )
    assert (found["gap_days"], found["count"]) == ([gap], [count])


def test_follow_up_hangs_on_the_anchor_that_moved(engine):
    given = {"window": 30, "min_gap": 2, "within_gap": "absorb"}
    for until, followed in ((130, False), (131, True)):
        found = answer(engine, closed(100), at(101), observed_until=until, **given)
        assert found["followed"] == [followed]
    back = {"direction": "backward", **given}
    for since, followed in ((70, False), (69, True)):
        found = answer(engine, closed(100), at(99), observed_from=since, **back)
        assert found["followed"] == [followed]


def test_vetoed_and_unconfirmed_days_absorb_nothing(engine):
    events = rows("seen", ("a", 101, {"kind": "planned"}), ("a", 131, {"kind": "x"}))
    given = {"window": 30, "min_gap": 2, "within_gap": "absorb", "followup": "ignored"}
    assert answer(engine, closed(100), events, **given)["gap_days"] == [30]
    vetoed = answer(engine, closed(100), events, veto=({"kind": "planned"}, "skip"), **given)
    assert vetoed["gap_days"] == [-1]


# ---------------------------------------------------------------- after


def test_only_events_after_the_day_of_a_column_count(engine):
    index = rows(
        "closed",
        *[("a", 100, {"left": 110}), ("a", 100, {"left": 109}), ("a", 100, {"left": None})],
        *[("a", 100, {"left": 120}), ("a", 100, {"left": 50})],
    )
    events = at(105, 110, 120)
    given = {"after": "left", "window": 30, "followup": "ignored"}
    found = answer(engine, index, events, **given)
    assert found["gap_days"] == [20, 10, -1, -1, 5]
    assert found["count"] == [1, 2, 0, 0, 3]
    assert found["removed"] == {"null": 1}
    included = answer(engine, index, events, same_day="include", **given)
    assert included["gap_days"] == [10, 10, -1, 20, 5]


# ---------------------------------------------------------------- eligible


@pytest.mark.parametrize(
    ("born", "when", "age"),
    [
        ("2000-02-29", "2018-02-28", 17),
        ("2000-02-29", "2018-03-01", 18),
        ("2000-02-29", "2020-02-28", 19),
        ("2000-02-29", "2020-02-29", 20),
        ("2000-05-17", "2018-05-16", 17),
        ("2000-05-17", "2018-05-17", 18),
        ("2018-05-17", "2018-05-17", 0),
    ],
)
def test_age_is_completed_years(engine, born, when, age):
    index = rows("closed", ("a", when, {"born": born}), ("a", when, {"born": None}))
    given = {"followup": "ignored"}
    for wanted, kept in (
        (("<", age), False),
        (("<=", age), True),
        (("<", age + 1), True),
        (age, True),
        ([age + 1], False),
        ((">=", age, "<", age + 1), True),
        ((">=", age, "<", age), False),
    ):
        eligible = Eligible(age_at_index={"born": wanted})
        found = answer(engine, index, at("1990-01-01"), eligible=eligible, **given)
        assert found["followed"] == [kept, False]
        assert found["removed"] == {"eligible": 1 if kept else 2}


def test_age_at_the_event_leaves_out_events(engine):
    events = rows(
        "seen",
        *[("a", "2019-05-15", {"born": "2001-05-15"}), ("a", "2019-05-14", {"born": "2001-05-15"})],
        ("a", "2019-05-16", {"born": None}),
    )
    eligible = Eligible(age_at_event={"born": ("<", 18)})
    found = answer(engine, closed("2019-05-01"), events, eligible=eligible, followup="ignored")
    assert (found["count"], found["gap_days"]) == ([1], [13])


def test_length_is_in_days_or_ends_with_a_span(engine):
    index = rows(
        "closed",
        *[
            ("a", "2020-02-28", {"start": "2019-02-28"}),
            ("a", "2020-02-29", {"start": "2019-02-28"}),
        ],
        *[
            ("a", "2020-02-29", {"start": "2020-02-21"}),
            ("a", "2020-02-29", {"start": "2020-02-22"}),
        ],
        ("a", "2020-02-29", {"start": None}),
    )
    for wanted, kept in (
        (("<=", "12 months"), [True, False, True, True, False]),
        (("<", "12 months"), [False, False, True, True, False]),
        ((">", "12 months"), [False, True, False, False, False]),
        ("12 months", [True, False, False, False, False]),
        ((">=", 8), [True, True, True, False, False]),
        ((">=", 8, "<=", "12 months"), [True, False, True, False, False]),
        ([7, 366], [False, True, False, True, False]),
    ):
        eligible = Eligible(length={"start": wanted})
        found = answer(engine, index, at(1), eligible=eligible, followup="ignored")
        assert found["followed"] == kept


def test_history_within_the_observed_days(engine):
    index = rows("closed", ("a", "2020-02-28"), ("a", "2020-02-29"), ("a", "2020-03-01"))
    eligible = Eligible(history="12 months")
    given = {"eligible": eligible, "followup": "ignored"}
    # The twelve months before 29 February 2020 begin on 1 March 2019: 28 February 2019 and
    # 29 February 2020 are in neither window.
    for since, kept in (
        ("2019-02-28", [True, True, True]),
        ("2019-03-01", [False, True, True]),
        ("2019-03-02", [False, False, False]),
    ):
        found = answer(engine, index, at(1), observed_from=since, **given)
        assert found["followed"] == kept
        assert found["outcome"] == ["none" if each else "not followed" for each in kept]
    with pytest.raises(rr.RuleError if engine == "rr.link" else RefusedError):
        answer(engine, index, at(1), **given)


def test_history_since_the_day_of_a_column(engine):
    index = rows(
        "closed",
        *[("a", "2020-02-28", {"entered": "2019-02-28"}), ("a", "2020-02-29", {"entered": None})],
        ("a", "2020-02-28", {"entered": "2019-03-01"}),
    )
    eligible = Eligible(history=("entered", "12 months"))
    found = answer(engine, index, at(1), eligible=eligible, followup="ignored")
    assert found["outcome"] == ["none", "excluded", "excluded"]
    assert found["removed"] == {"eligible": 2}


# ---------------------------------------------------------------- washout


@pytest.mark.parametrize(
    ("days", "kept", "rolling"),
    [
        ([100, 130], [1, 0], [1, 0]),
        ([100, 131], [1, 1], [1, 1]),
        ([100, 100], [1, 1], [1, 1]),
        ([100, 130, 160], [1, 0, 0], [1, 0, 1]),
        ([100, 120, 140], [1, 0, 0], [1, 0, 1]),
        ([140, 120, 120, 100], [0, 0, 0, 1], [1, 0, 0, 1]),
    ],
)
def test_washout_of_thirty_days(engine, days, kept, rolling):
    index = closed(*days)
    given = {"washout": 30, "followup": "ignored"}
    found = answer(engine, index, at(1), **given)
    assert [int(each) for each in found["followed"]] == kept
    found = answer(engine, index, at(1), rolling=True, **given)
    assert [int(each) for each in found["followed"]] == rolling


def test_washout_in_months_hangs_on_the_earlier_day(engine):
    index = closed("2019-01-31", "2019-02-28", "2019-03-29")
    found = answer(engine, index, at(1), washout="1 month", followup="ignored")
    assert found["followed"] == [True, False, True]


def test_washout_looks_at_rows_that_other_steps_remove(engine):
    # The row of day 100 is not followed, but it was an index event: 130 has it in its washout.
    index = closed(100, 130)
    given = {"washout": 30, "window": 10, "observed_from": 80, "observed_until": 200}
    found = answer(engine, index, at(1), **given)
    assert found["outcome"] == ["not followed", "excluded"]
    rolling = answer(engine, index, at(1), rolling=True, **given)
    assert rolling["outcome"] == ["not followed", "none"]
    filtered = [dict(row, kind=kind) for row, kind in zip(index, "xy", strict=True)]
    assert answer(engine, filtered, at(1), index_filter={"kind": "y"}, **given)["outcome"] == [
        "excluded",
        "none",
    ]


def test_washout_needs_its_days_observed(engine):
    given = {"washout": "1 month", "window": 10, "observed_until": "2019-12-31"}
    for since, outcome in (("2019-01-29", "not followed"), ("2019-01-28", "none")):
        found = answer(engine, closed("2019-02-28"), at(1), observed_from=since, **given)
        assert found["outcome"] == [outcome]


# ---------------------------------------------------------------- select


def test_select_by_person_and_period(engine):
    index = rows(
        "closed",
        *[("a", "2019-03-31"), ("a", "2019-04-01"), ("a", "2019-06-30"), ("a", "2019-07-01")],
        *[("a", "2020-01-01"), ("a", "2019-04-01"), ("b", "2019-06-30"), ("a", "2019-06-30")],
    )
    given = {"followup": "ignored"}
    for rules, kept in (
        ({"select": "first"}, [0, 6]),
        ({"select": "first", "per": "financial_year"}, [0, 1, 6]),
        ({"select": "last", "per": "financial_year"}, [0, 4, 6]),
        ({"select": "first", "per": "year"}, [0, 4, 6]),
        ({"select": "last", "per": "year"}, [3, 4, 6]),
        ({"select": "first", "per": "half_year"}, [0, 3, 4, 6]),
        ({"select": "last", "per": "half_year"}, [3, 4, 6, 7]),
    ):
        found = answer(engine, index, at(1), **rules, **given)
        assert [i for i, each in enumerate(found["followed"]) if each] == kept
        assert found["removed"] == {"select": 8 - len(kept)}


def test_select_per_column_takes_the_first_or_last_row_of_the_day(engine):
    index = rows(
        "closed",
        *[("a", 100, {"kind": "x"}), ("a", 100, {"kind": None}), ("a", 100, {"kind": "x"})],
        *[("a", 90, {"kind": None}), ("a", 100, {"kind": None}), ("b", 100, {"kind": "x"})],
    )
    given = {"per": "kind", "followup": "ignored"}
    first = answer(engine, index, at(1), select="first", **given)
    assert [i for i, each in enumerate(first["followed"]) if each] == [0, 3, 5]
    last = answer(engine, index, at(1), select="last", **given)
    assert [i for i, each in enumerate(last["followed"]) if each] == [2, 4, 5]


def test_select_looks_at_what_washout_left(engine):
    index = closed(100, 130, 170)
    given = {"washout": 30, "observed_from": 80, "observed_until": 400, "window": 10}
    found = answer(engine, index, at(1), select="first", **given)
    assert found["outcome"] == ["not followed", "excluded", "none"]


# ---------------------------------------------------------------- pairs


def test_pairs_are_every_row_outwards(engine):
    index = rows("closed", ("a", 100), ("b", 100), ("a", 109))
    events = rows("seen", ("a", 130), ("a", 101), ("a", 110), ("a", 101), ("a", 131))
    found = pairs(engine, index, events, window=30, followup="ignored")
    assert found == {
        "offsets": [0, 4, 4, 7],
        "event_row": [1, 3, 2, 0, 2, 0, 4],
        "gap_days": [1, 1, 10, 30, 1, 21, 22],
    }
    back = pairs(engine, closed(110), events, window=9, direction="backward", followup="ignored")
    assert back == {"offsets": [0, 2], "event_row": [1, 3], "gap_days": [9, 9]}


def test_pairs_of_rows_not_counted_are_none(engine):
    index, events = closed(100, 120), at(101, 121)
    found = pairs(engine, index, events, window=30, observed_until=130)
    assert found == {"offsets": [0, 2, 2], "event_row": [0, 1], "gap_days": [1, 21]}


def test_pairs_choose_nothing(engine):
    refused = rr.RuleError if engine == "rr.link" else RefusedError
    for rules in ({"take": "last"}, {"ties": "last row"}):
        with pytest.raises(refused):
            pairs(engine, closed(100), at(101), followup="ignored", **rules)


# ---------------------------------------------------------------- contradictions


@pytest.mark.parametrize(
    "rules",
    [
        {"window": 0, "window_end": "exclusive", "same_day": "include"},
        {"window": None, "followup": "complete"},
        {"window": [30, None], "followup": "complete"},
        {"window": [30, "30 days"]},
        {"window": ["1 year", "12 months"]},
        {"window": [30, "reach"]},
        {"within_gap": "absorb"},
        {"within_gap": "stop", "min_gap": 0},
        {"rolling": True},
        {"per": "year"},
        {"select": "last"},
        {"washout": 30},
        {"confirm": ("seen", 30), "direction": "backward"},
        {"confirm": ("seen", 30), "followup": "observed"},
        {"claim": "latest index", "direction": "backward"},
    ],
)
def test_rules_that_contradict_each_other(engine, rules):
    index = rows("closed", ("a", 100, {"reach": 4}))
    edge = "observed_from" if rules.get("direction") == "backward" else "observed_until"
    with pytest.raises(rr.RuleError if engine == "rr.link" else RefusedError):
        answer(engine, index, at(101), **{edge: 400 if edge == "observed_until" else 1}, **rules)
