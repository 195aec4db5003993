"""Vetoes, exits, confirmation, claims and mediators, worked by hand for both engines."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd
import pytest

import rereferral as rr
from by_hand import answer, case_of, pairs, rows
from clothes import day
from comparing import curve_faults, rate_faults, run_link, run_reference
from reference import (
    Birthday,
    Exit,
    Mediator,
    RefusedError,
    curve_reference,
    rates_at_event,
    rates_reference,
)


def at(*seen, child="a"):
    """Events of one child on these days, each a day or (day, kind)."""
    pairs_of = [each if isinstance(each, tuple) else (each, "x") for each in seen]
    return rows("seen", *[(child, when, {"kind": kind}) for when, kind in pairs_of])


def closed(*days, child="a"):
    return rows("closed", *[(child, when) for when in days])


# ---------------------------------------------------------------- veto

PLANNED = {"kind": "planned"}


@pytest.mark.parametrize(
    ("seen", "skip", "no_event", "drop"),
    [
        ([(105, "planned"), 110], 10, -1, False),
        ([105, (105, "planned"), 110], 5, 5, True),
        ([105, (106, "planned")], 5, 5, True),
        ([(100, "planned"), 110], 10, 10, True),
        ([(131, "planned")], -1, -1, True),
        ([(130, "planned")], -1, -1, False),
    ],
)
def test_a_first_day_of_planned_events_alone(engine, seen, skip, no_event, drop):
    given = {"window": 30, "followup": "ignored"}
    for action, gap in (("skip", skip), ("no event", no_event)):
        found = answer(engine, closed(100), at(*seen), veto=(PLANNED, action), **given)
        assert found["gap_days"] == [gap]
        assert found["count"] == [0 if gap == -1 else len({d for d in seen if d in (105, 110)})]
        assert found["followed"] == [True]
    found = answer(engine, closed(100), at(*seen), veto=(PLANNED, "drop"), **given)
    assert found["followed"] == [drop]
    assert found["removed"] == ({} if drop else {"veto": 1})


def test_a_planned_event_nearer_than_the_least_gap_vetoes_nothing(engine):
    given = {"window": 30, "min_gap": 5, "followup": "ignored", "veto": (PLANNED, "no event")}
    assert answer(engine, closed(100), at((104, "planned"), 110), **given)["gap_days"] == [10]
    assert answer(engine, closed(100), at((105, "planned"), 110), **given)["gap_days"] == [-1]


def test_the_nearest_day_backward_is_vetoed(engine):
    given = {"window": 30, "followup": "ignored", "direction": "backward"}
    given["veto"] = (PLANNED, "no event")
    assert answer(engine, closed(100), at((95, "planned"), 90), **given)["gap_days"] == [-1]
    assert answer(engine, closed(100), at(95, (90, "planned")), **given)["gap_days"] == [5]


def test_the_longest_window_drops_for_all(engine):
    given = {"window": [10, 30], "followup": "ignored", "veto": (PLANNED, "drop")}
    short, long = answer(engine, closed(100), at((120, "planned")), **given)
    assert short["followed"] == long["followed"] == [False]
    each = answer(engine, closed(100), at((120, "planned")), cohort="each", **given)
    assert [found["followed"] for found in each] == [[True], [False]]


# ---------------------------------------------------------------- exits

TREATMENTS = ["no event", "censor", "compete"]


def leaving(treatment: str) -> dict[str, Exit]:
    return {"left": Exit("left", treatment)}


@pytest.mark.parametrize("treatment", TREATMENTS)
@pytest.mark.parametrize(
    ("left", "outcome"),
    [(100, "linked"), (109, "left"), (110, "linked"), (130, "linked"), (None, "linked")],
)
def test_events_count_up_to_the_exit(engine, left, outcome, treatment):
    index = rows("closed", ("a", 100, {"left": left}), ("b", 100, {"left": left}))
    found = answer(engine, index, at(110), window=30, observed_until=130, exits=leaving(treatment))
    other = "none" if left in (100, None) else "left"
    assert found["outcome"] == [outcome, other]
    assert found["followed"] == [True, True]


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_an_exit_after_the_window_does_not_matter(engine, treatment):
    index = rows("closed", ("a", 100, {"left": 131}), ("a", 100, {"left": 130}))
    given = {"window": 30, "observed_until": 130, "exits": leaving(treatment)}
    found = answer(engine, index, at(1), **given)
    assert found["outcome"] == ["none", "left"]
    found = answer(engine, index, at(1), window_end="exclusive", **given)
    assert found["outcome"] == ["none", "none"]


def test_an_exit_that_excludes(engine):
    index = rows("closed", *[("a", 100, {"left": left}) for left in (100, 101, 130, 131, None)])
    given = {"window": 30, "observed_until": 130, "exits": leaving("exclude")}
    found = answer(engine, index, at(101), **given)
    assert found["outcome"] == ["linked", "excluded", "excluded", "linked", "linked"]
    assert found["removed"] == {"exits": 2}


def test_an_exit_excludes_by_the_longest_window(engine):
    index = rows("closed", ("a", 100, {"left": 120}))
    given = {"window": [10, 30], "observed_until": 130, "exits": leaving("exclude")}
    both = answer(engine, index, at(101), **given)
    assert [found["followed"] for found in both] == [[False], [False]]
    both = answer(engine, index, at(101), cohort="each", **given)
    assert [found["followed"] for found in both] == [[True], [False]]


@pytest.mark.parametrize("treatment", TREATMENTS)
@pytest.mark.parametrize(
    ("born", "came_of_age"),
    [("2001-05-15", "2019-05-15"), ("2004-02-29", "2022-03-01"), ("2002-02-28", "2020-02-28")],
)
def test_on_the_birthday_nobody_is_at_risk(engine, born, came_of_age, treatment):
    birthday = day(came_of_age)
    index = rows("closed", ("a", birthday - 20, {"born": born}))
    exits = {"of age": Exit(Birthday("born", 18), treatment)}
    given = {"window": 30, "observed_until": birthday + 30, "exits": exits}
    assert answer(engine, index, at(birthday - 1), **given)["outcome"] == ["linked"]
    assert answer(engine, index, at(birthday), **given)["outcome"] == ["of age"]
    at_exit = [{**index[0], "left": birthday}]
    exits = {**exits, **leaving("compete")}
    both = answer(engine, at_exit, at(birthday), **{**given, "exits": exits})
    assert both["outcome"] == ["of age"]


def test_the_earliest_exit_is_the_rows_own(engine):
    index = rows(
        "closed",
        *[("a", 100, {"left": 110, "moved": 109}), ("a", 100, {"left": 109, "moved": 110})],
        *[("a", 100, {"left": 110, "moved": 110}), ("a", 100, {"left": 99, "moved": 110})],
    )
    exits = {"left": Exit("left", "compete"), "moved": Exit("moved", "censor")}
    found = answer(engine, index, at(111), window=30, observed_until=130, exits=exits)
    assert found["outcome"] == ["moved", "left", "left", "moved"]


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_observation_may_end_before_the_exit(engine, treatment):
    index = rows("closed", *[("a", 100, {"left": left}) for left in (110, 111, None)])
    given = {"window": 30, "followup": "observed", "observed_until": 110}
    found = answer(engine, index, at(1), exits=leaving(treatment), **given)
    assert found["outcome"] == ["left", "censored", "censored"]


@pytest.mark.parametrize("treatment", ["censor", "compete"])
def test_ignored_follow_up_can_have_no_censoring(engine, treatment):
    index = rows("closed", ("a", 100, {"left": 110}))
    with pytest.raises(rr.RuleError if engine == "rr.link" else RefusedError):
        answer(engine, index, at(101), followup="ignored", exits=leaving(treatment))


def rates_of(engine: str, case):
    linked = run_reference(case)
    expected = rates_reference(linked)
    if engine == "rr.link":
        assert rate_faults(run_link(case).rates(), expected, None) == []
        assert curve_faults(run_link(case).curve(), curve_reference(linked), None) == []
    return expected["all"]


@pytest.mark.parametrize(
    ("treatment", "rate"),
    [
        # Five rows, days 5, 10, 20: an event, an exit, an event; two stay to the end.
        ("no event", Fraction(2, 5)),
        ("compete", Fraction(2, 5)),
        # After the event of day 5 and a censoring, three are at risk: 1 - 4/5 * 2/3.
        ("censor", Fraction(7, 15)),
    ],
)
def test_rates_with_an_exit(engine, treatment, rate):
    names = "abcde"
    exits = {"b": 110, "a": 106, "c": 121}
    index = rows("closed", *[(name, 100, {"left": exits.get(name)}) for name in names])
    events = [*at(105), *at(120, child="c"), *at(115, child="b")]
    given = {"window": 30, "observed_until": 130, "exits": leaving(treatment)}
    assert rates_of(engine, case_of(index, events, **given)) == (5, 2, rate)


def test_aalen_johansen_with_censoring(engine):
    # Of four, one leaves on day 5, one is censored on day 10, one has an event on day 20.
    # 3/4 are still there; two are at risk on day 20: 3/4 * 1/2.
    index = rows(
        "closed",
        *[("a", 100, {"left": 105, "moved": None}), ("b", 100, {"left": None, "moved": 110})],
        *[("c", 100, {"left": None, "moved": None}), ("d", 100, {"left": None, "moved": None})],
    )
    exits = {"left": Exit("left", "compete"), "moved": Exit("moved", "censor")}
    case = case_of(index, at(120, child="c"), window=30, observed_until=130, exits=exits)
    assert rates_of(engine, case) == (4, 1, Fraction(3, 8))
    lines = curve_reference(run_reference(case))["all"]
    assert [line[:4] for line in lines] == [
        (0, 4, {"linked": 0, "left": 0}, 0),
        (5, 4, {"linked": 0, "left": 1}, 0),
        (10, 3, {"linked": 0, "left": 0}, 1),
        (20, 2, {"linked": 1, "left": 0}, 0),
        (30, 1, {"linked": 0, "left": 0}, 1),
    ]
    assert lines[-1].risk == {"linked": Fraction(3, 8), "left": Fraction(1, 4)}


def test_an_event_comes_before_an_exit_of_the_day(engine):
    # Both on day 10: of two rows at risk, one has the event, the other leaves.
    index = rows("closed", ("a", 100, {"left": 110}), ("b", 100, {"left": 110}))
    given = {"window": 30, "observed_until": 130}
    case = case_of(index, at(110), exits=leaving("compete"), **given)
    assert rates_of(engine, case) == (2, 1, Fraction(1, 2))
    case = case_of(index, at(110), exits=leaving("no event"), **given)
    assert rates_of(engine, case) == (2, 1, Fraction(1, 2))


# ---------------------------------------------------------------- confirm


@pytest.mark.parametrize(
    ("confirmed", "outcome"),
    [
        ("2019-02-28", "linked"),
        ("2019-03-28", "linked"),
        ("2019-03-29", "none"),
        (None, "none"),
        ("2018-12-31", "linked"),
    ],
)
def test_an_event_counts_if_confirmed_in_time(engine, confirmed, outcome):
    # 31 January + 1 month + 1 month is 28 March: two additions, and not two months at once.
    events = rows("seen", ("a", "2019-02-20", {"confirmed": confirmed}))
    given = {"window": "1 month", "confirm": ("confirmed", "1 month"), "followup": "ignored"}
    assert answer(engine, closed("2019-01-31"), events, **given)["outcome"] == [outcome]


def test_follow_up_has_to_see_the_confirmation(engine):
    events = rows("seen", ("a", "2019-02-20", {"confirmed": "2019-02-20"}))
    given = {"window": "1 month", "confirm": ("confirmed", "1 month")}
    for until, followed in (("2019-03-27", False), ("2019-03-28", True)):
        found = answer(engine, closed("2019-01-31"), events, observed_until=until, **given)
        assert found["followed"] == [followed]


def test_an_open_window_takes_any_confirmation(engine):
    events = rows("seen", ("a", 101, {"confirmed": None}), ("a", 102, {"confirmed": 99_999}))
    given = {"window": None, "confirm": ("confirmed", 1), "followup": "ignored"}
    assert answer(engine, closed(100), events, **given)["gap_days"] == [2]


# ---------------------------------------------------------------- claim


def test_an_event_serves_the_latest_index_event(engine):
    given = {"window": 30, "claim": "latest index", "followup": "ignored"}
    found = answer(engine, closed(100, 110, 110), at(105, 110, 111), **given)
    assert found["event_date"] == [105, 111, 111]
    assert found["count"] == [2, 1, 1]
    found = answer(engine, closed(100, 110), at(110, 111), same_day="include", **given)
    assert found["event_date"] == [None, 110]
    found = answer(engine, closed(100, 110), at(111, 112), min_gap=2, **given)
    assert found["event_date"] == [111, 112]
    assert found["count"] == [1, 1]


def test_only_counted_index_events_claim(engine):
    given = {"window": 30, "claim": "latest index", "observed_until": 135}
    found = answer(engine, closed(100, 110), at(112), **given)
    assert found["event_date"] == [112, None]
    assert found["outcome"] == ["linked", "not followed"]


def test_an_index_event_claims_from_the_day_after_its_own_bound(engine):
    index = rows("closed", ("a", 100, {"left": 100}), ("a", 110, {"left": 120}))
    given = {"window": 30, "claim": "latest index", "after": "left", "followup": "ignored"}
    found = answer(engine, index, at(115, 120, 121), **given)
    assert found["event_date"] == [115, 121]
    assert found["count"] == [2, 1]


# ---------------------------------------------------------------- the mediator


def starts(*days, child="a"):
    return rows("start", *[(child, when) for when in days])


@pytest.mark.parametrize(
    ("start", "arm"),
    [(69, "not mediated"), (70, "mediated"), (100, "mediated"), (101, "not mediated")],
)
def test_a_start_in_the_thirty_days_up_to_the_closure(engine, start, arm):
    given = {"window": 30, "observed_until": 130}
    found = answer(engine, closed(100), at(1), mediator=Mediator(starts(start), "start"), **given)
    assert found["arm"] == [arm]
    others = Mediator(starts(start, child="b"), "start")
    assert answer(engine, closed(100), at(1), mediator=others, **given)["arm"] == ["not mediated"]


@pytest.mark.parametrize(
    ("start", "arm"),
    [("2019-01-27", "not mediated"), ("2019-01-28", "mediated"), ("2019-02-28", "mediated")],
)
def test_a_month_before_hangs_on_the_earlier_day(engine, start, arm):
    mediator = Mediator(starts(start), "start", within=("-1 month", "0 days"))
    found = answer(
        *(engine, closed("2019-02-28"), at(1)),
        **{"window": 30, "observed_until": "2019-12-31", "mediator": mediator},
    )
    assert found["arm"] == [arm]


def test_a_filter_of_the_index_mediates_too(engine):
    index = rows("closed", ("a", 100, {"reason": "RC9"}), ("a", 100, {"reason": "RC8"}))
    mediator = Mediator(starts(1), "start", index_filter={"reason": "RC9"})
    found = answer(engine, index, at(1), window=30, observed_until=130, mediator=mediator)
    assert found["arm"] == ["mediated", "not mediated"]


def test_a_landmark_after_the_closure_has_an_arm_of_its_own(engine):
    index = rows("closed", *[(name, 100, {"left": None}) for name in "abcde"])
    index[4]["left"] = 114
    events = [*at(114), *at(115, child="b"), *at(144, child="c"), *at(145, child="d")]
    mediator = Mediator(starts(114), "start", within=("-30 days", "14 days"))
    mediator.table += starts(114, child="b") + starts(115, child="c")
    given = {"window": 30, "mediator": mediator, "exits": leaving("no event")}
    found = answer(engine, index, events, observed_until=144, **given)
    assert found["arm"] == [
        *("before landmark", "mediated", "not mediated", "not mediated", "before landmark")
    ]
    assert found["gap_days"] == [-1, 1, 30, -1, -1]
    early = answer(engine, index, events, observed_until=143, **given)
    assert early["outcome"] == ["not followed"] * 5


def test_excluding_later_starts_keeps_the_closure_as_the_landmark():
    index = rows("closed", ("a", 100), ("b", 100), ("c", 100))
    events = [*at(110), *at(110, child="b")]
    table = starts(110) + starts(111, child="b") + starts(111, child="c")
    given = {"window": 30, "observed_until": 130}
    mediator = Mediator(
        table, "start", within=("-30 days", "90 days"), guard="exclude later starts"
    )
    found = answer("reference", index, events, mediator=mediator, **given)
    assert found["arm"] == ["mediated", "not mediated", "mediated"]
    assert found["gap_days"] == [10, 10, -1]


def test_excluding_later_starts_warns_that_it_favours_the_mediator():
    index, events = (
        pd.DataFrame({"child": [1], "on": [100]}),
        pd.DataFrame({"child": [1], "on": [9]}),
    )
    with pytest.warns(UserWarning, match="favours the mediator"):
        rr.link(
            *(index, events),
            **{"person": "child", "index_date": "on", "event_date": "on", "observed_until": 900},
            mediator=rr.Mediator(
                events, "on", within=("-30 days", "90 days"), guard="exclude later starts"
            ),
        )


# ---------------------------------------------------------------- groups of the event


def test_an_event_is_counted_in_its_own_group(engine):
    index = rows("closed", *[("a", 100, {"area": "E1"}), ("b", 100, {"area": "E1"})])
    index += rows("closed", ("c", 100, {"area": "E2"}))
    events = rows("seen", ("a", 110, {"area": "E2"}), ("b", 110, {"area": "E1"}))
    events += rows("seen", ("c", 110, {"area": "E3"}))
    case = case_of(index, events, window=30, followup="ignored")
    linked = run_reference(case)
    areas = [row["area"] for row in index], [row["area"] for row in events]
    expected = rates_at_event(linked, *areas)
    assert expected == {
        "E1": (2, 1, Fraction(1, 2)),
        "E2": (1, 1, Fraction(1)),
        "E3": (0, 1, None),
    }
    if engine == "rr.link":
        table = run_link(case).rates(by="area", at="event")
        assert rate_faults(table, expected, "area") == []
        assert table[["lower_95", "upper_95"]].isna().all(axis=None)


def test_pairs_end_with_the_exit_and_the_claim(engine):
    index = rows("closed", ("a", 100, {"left": 110}), ("a", 105, {"left": None}))
    events = at(104, 106, 110, 111)
    given = {"window": 30, "observed_until": 135}
    found = pairs(engine, index, events, exits=leaving("censor"), **given)
    assert found["event_row"] == [0, 1, 2, 1, 2, 3]
    found = pairs(engine, index, events, claim="latest index", **given)
    assert found["event_row"] == [0, 1, 2, 3]
    assert found["offsets"] == [0, 1, 4]
