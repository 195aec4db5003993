"""`rr.prepare`: events made ready once must answer as the events themselves do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings

import rereferral as rr
from clothes import Case
from comparing import in_arguments, plain, quietly, run_link, run_reference
from linking_cases import dressed_cases
from reference import RefusedError
from rereferral.windowed import WindowedLinks
from rule_cases import dressed_rule_cases

SOME = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def of_events(key: object) -> object:
    return key[1] if isinstance(key, tuple) else key


@quietly()
def link_twice(case: Case) -> list:
    """The linkage with prepared events, and once more with what the first has left behind."""
    arguments, rules = in_arguments(case)
    date = arguments.pop("event_date")
    keys = {name: of_events(arguments[name]) for name in ("person", "scope") if name in arguments}
    prepared = rr.prepare(case.events, event_date=date, **keys)
    return [rr.link(case.index, prepared, **arguments, **rules) for _ in range(2)]


def one_by_one(links: object) -> list:
    return [one for _, one in links.items()] if isinstance(links, WindowedLinks) else [links]


def check(case: Case) -> None:
    try:
        run_reference(case)
    except RefusedError:
        assume(False)
    expected = one_by_one(run_link(case))
    for again in link_twice(case):
        for own, other in zip(one_by_one(again), expected, strict=True):
            assert plain(own) == plain(other)
            assert own.ledger.equals(other.ledger)
            assert np.array_equal(own.count, other.count)


@SOME
@given(dressed_cases())
def test_prepared_events_answer_as_they_are(case):
    check(case)


@SOME
@given(dressed_rule_cases())
def test_so_they_do_under_every_rule(case):
    check(case)


CLOSED = pd.DataFrame({"id": ["a", "b", "d", None], "area": ["E1"] * 4, "closed": [0, 0, 0, 0]})
REFERRED = pd.DataFrame(
    {"child": ["b", "a", "a", None, "c"], "area": ["E1"] * 5, "on": [10, 20, 9, 1, None]}
).astype({"on": "Int64"})


@pytest.fixture
def prepared() -> rr.Prepared:
    return rr.prepare(REFERRED, person="child", scope="area", event_date="on")


def link(events: object, **changed) -> rr.Links:
    asked = {"person": "id", "scope": "area", "index_date": "closed", "followup": "ignored"}
    return rr.link(CLOSED, events, **(asked | changed))


def test_it_says_what_it_holds(prepared):
    assert len(prepared) == 5
    assert "5 outcome events, of which 3 with a person and a date" in repr(prepared)


def test_the_columns_of_the_events_need_no_second_naming(prepared):
    assert link(prepared).gap_days.tolist() == [9, 10, -1, -1]
    assert link(prepared, person=("id", "child"), event_date="on").gap_days.tolist() == [
        9,
        10,
        -1,
        -1,
    ]


def test_other_rules_leave_it_as_it_is(prepared):
    assert link(prepared, event_filter={"on": (">", 9)}).gap_days.tolist() == [20, 10, -1, -1]
    assert link(prepared, window=9).gap_days.tolist() == [9, -1, -1, -1]
    assert link(prepared).gap_days.tolist() == [9, 10, -1, -1]
    assert link(prepared, take="last").gap_days.tolist() == [20, 10, -1, -1]


def test_pairs_take_it_too(prepared):
    pairs = rr.pairs(
        CLOSED, prepared, person="id", scope="area", index_date="closed", followup="ignored"
    )
    assert pairs.gap_days.tolist() == [9, 20, 10]


def test_an_index_may_lie_centuries_away(prepared):
    early = CLOSED.assign(closed=-200_000)
    links = rr.link(
        early,
        prepared,
        person="id",
        scope="area",
        index_date="closed",
        window=None,
        followup="ignored",
    )
    assert links.gap_days.tolist() == [200_009, 200_010, -1, -1]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"event_date": "closed"}, "prepared with event_date='on', not 'closed'"),
        ({"scope": None}, "prepared with scope="),
        ({"person": ("id", "area")}, "prepared with person="),
        ({"person": ["id", "area"]}, "person has 2 columns in the index and 1 in the events"),
        ({"person": "child"}, "index has no column 'child'"),
    ],
)
def test_a_linkage_that_says_otherwise_is_refused(prepared, changed, said):
    with pytest.raises(rr.RereferralError, match=said):
        link(prepared, **changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"person": ("id", "child")}, "only columns of the events"),
        ({"person": None}, "is not a key"),
        ({"event_date": 3}, "is not the name of a column"),
        ({"event_date": "day"}, "events has no column 'day'"),
    ],
)
def test_what_cannot_be_prepared_is_refused(changed, said):
    asked = {"person": "child", "event_date": "on"}
    with pytest.raises(rr.RereferralError, match=said):
        rr.prepare(REFERRED, **(asked | changed))


def test_without_prepared_events_the_date_is_needed():
    with pytest.raises(rr.RuleError, match="event_date=None is not the name of a column"):
        link(REFERRED, person=("id", "child"))


def test_persons_whom_no_event_knows_are_persons_of_their_own():
    index = pd.DataFrame({"id": [f"C{i // 2}" for i in range(40)], "closed": range(40)})
    referred = {"id": ["C1", "C2"], "on": [30, 31]}
    asked = {"person": "id", "index_date": "closed", "followup": "ignored"}
    plain = rr.link(index, referred, event_date="on", **asked).rates()
    prepared = rr.prepare(referred, person="id", event_date="on")
    pd.testing.assert_frame_equal(rr.link(index, prepared, **asked).rates(), plain)
