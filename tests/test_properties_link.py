"""`rr.link` against the slow reference, and what must hold of it whatever the data are."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import rereferral as rr
from clothes import Case, day, dress_plainly
from comparing import disagreements, plain, quietly, run_link, run_reference
from linking_cases import ANCHORS, MIN_GAPS, OFFSETS, POOLS, WINDOWS, cases, dressed_cases
from reference import CYCLE, RefusedError

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]
LONG = settings(max_examples=400, deadline=None, suppress_health_check=QUIET, phases=PHASES)
BRIEF = settings(LONG, max_examples=50)


@LONG
@given(dressed_cases())
def test_the_reference_agrees(case):
    assert disagreements(case) == []


# ---------------------------------------------------------------- forward and backward


@BRIEF
@given(
    st.lists(
        st.tuples(
            st.builds(int.__add__, st.sampled_from(ANCHORS), st.sampled_from(OFFSETS)),
            st.sampled_from(OFFSETS),
        ),
        max_size=30,
    ),
    st.fixed_dictionaries(
        {
            "window": st.sampled_from(WINDOWS),
            "window_end": st.sampled_from(["inclusive", "exclusive"]),
            "same_day": st.sampled_from(["exclude", "include"]),
            "min_gap": st.sampled_from(MIN_GAPS),
        }
    ),
)
def test_a_pair_is_inside_forward_exactly_when_it_is_inside_backward(pairs, rules):
    people = np.arange(len(pairs))
    first = np.array([day for day, _ in pairs], "int64").astype("datetime64[D]")
    other = np.array([day + step for day, step in pairs], "int64").astype("datetime64[D]")
    left, right = {"person": people, "one": first}, {"person": people, "two": other}
    rules = {"person": "person", "followup": "ignored", **rules}
    try:
        ahead = rr.link(left, right, index_date="one", event_date="two", **rules)
    except rr.RuleError:
        with pytest.raises(rr.RuleError):
            rr.link(right, left, index_date="two", event_date="one", direction="backward", **rules)
        return
    back = rr.link(right, left, index_date="two", event_date="one", direction="backward", **rules)
    assert ahead.gap_days.tolist() == back.gap_days.tolist()
    assert ahead.count.tolist() == back.count.tolist()


# ---------------------------------------------------------------- what must not matter


def answers(case: Case) -> dict[str, list]:
    return plain(run_link(dress_plainly(case)))


def accepted(case: Case) -> Case:
    """Leave out the contradictory rules; they are another test's."""
    try:
        run_reference(case)
    except RefusedError:
        assume(False)
    return case


def without_ids(case: Case) -> Case:
    """The same without a row_id, of which the first row is kept, and hence the order matters."""
    case.arguments.pop("row_id", None)
    return case


@BRIEF
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_events_changes_only_the_row_within_a_day(case, random):
    case = accepted(without_ids(case))
    assume(not case.same_table)
    order = list(range(len(case.event_rows)))
    random.shuffle(order)
    moved = replace(case, event_rows=[case.event_rows[i] for i in order])
    before, after = answers(case), answers(moved)
    rows = before.pop("event_row"), after.pop("event_row")
    assert before == after
    for old, new in zip(*rows, strict=True):
        assert (old == -1) == (new == -1)
        if old != -1:
            assert case.event_rows[old]["seen"] == moved.event_rows[new]["seen"]


@BRIEF
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_index_rows_orders_the_answers(case, random):
    case = accepted(without_ids(case))
    assume(not case.same_table)
    order = list(range(len(case.index_rows)))
    random.shuffle(order)
    before = answers(case)
    after = answers(replace(case, index_rows=[case.index_rows[i] for i in order]))
    assert after == {name: [values[i] for i in order] for name, values in before.items()}


@BRIEF
@given(cases(), st.sampled_from(sorted(POOLS)), st.integers(0, 1))
def test_the_names_of_the_persons_do_not_matter(case, family, which):
    case = accepted(case)
    names = ["child"] * 2
    if isinstance(case.arguments["person"], tuple):
        names = [side[0] if isinstance(side, list) else side for side in case.arguments["person"]]
    used = [
        *dict.fromkeys(row[names[0]] for row in case.index_rows),
        *dict.fromkeys(row[names[1]] for row in case.event_rows),
    ]
    used = [name for name in dict.fromkeys(used) if name is not None]
    renamed = dict(zip(used, POOLS[family][which], strict=False))

    def rename(rows, name):
        return [{**row, name: renamed.get(row[name])} for row in rows]

    moved = replace(
        case,
        index_rows=rename(case.index_rows, names[0]),
        event_rows=rename(case.event_rows, names[1]),
        families=tuple(
            {**families, name: family} for families, name in zip(case.families, names, strict=True)
        ),
    )
    if case.same_table:
        moved.event_rows = moved.index_rows
    assert answers(case) == answers(moved)


@BRIEF
@given(cases(), st.sampled_from([-3, -1, 1, 3]))
def test_four_hundred_years_do_not_matter(case, cycles):
    case = accepted(case)
    shift = cycles * CYCLE

    def move(day):
        return None if day is None else day + shift

    def moved_rows(rows):
        return [
            {k: move(v) if k in ("closed", "seen") else v for k, v in row.items()} for row in rows
        ]

    arguments = dict(case.arguments)
    for name in ("observed_until", "observed_from"):
        limit = arguments.get(name)
        if isinstance(limit, dict):
            arguments[name] = {key: move(value) for key, value in limit.items()}
        else:
            arguments[name] = move(limit)
    moved = replace(
        case,
        index_rows=moved_rows(case.index_rows),
        event_rows=moved_rows(case.event_rows),
        arguments=arguments,
    )
    if case.same_table:
        moved.event_rows = moved.index_rows
    before, after = answers(case), answers(moved)
    before["event_date"] = [move(day) for day in before["event_date"]]
    assert before == after


@BRIEF
@given(cases())
def test_persons_can_be_linked_one_by_one(case):
    case = accepted(without_ids(case))
    assume(not case.same_table)
    person = case.arguments["person"]
    sides = person if isinstance(person, tuple) else (person, person)
    names = [side[0] if isinstance(side, list) else side for side in sides]
    whole = answers(case)
    joined = {name: [None] * len(values) for name, values in whole.items()}
    for child in {row[names[0]] for row in case.index_rows}:
        own = [i for i, row in enumerate(case.index_rows) if row[names[0]] == child]
        events = [j for j, row in enumerate(case.event_rows) if row[names[1]] == child]
        part = answers(
            replace(
                case,
                index_rows=[case.index_rows[i] for i in own],
                event_rows=[case.event_rows[j] for j in events],
            )
        )
        part["event_row"] = [-1 if j == -1 else events[j] for j in part["event_row"]]
        for name, values in part.items():
            for i, value in zip(own, values, strict=True):
                joined[name][i] = value
    assert joined == whole


# ---------------------------------------------------------------- complete follow-up


@BRIEF
@given(cases(), st.integers(0, 2))
def test_what_happens_to_late_index_events_changes_no_complete_rate(case, day):
    case.rules["followup"] = "complete"
    case = accepted(without_ids(case))
    assume(not case.same_table)
    linked = run_reference(case)
    person = case.arguments["person"]
    sides = person if isinstance(person, tuple) else (person, person)
    names = [side[0] if isinstance(side, list) else side for side in sides]
    kept = {row[names[0]] for i, row in enumerate(case.index_rows) if linked.followed[i]}
    late = {row[names[0]] for row in case.index_rows} - kept
    assume(late)
    without = [row for row in case.event_rows if row[names[1]] not in late]
    dates = [row["closed"] for row in case.index_rows if row["closed"] is not None]
    template = case.event_rows[:1]
    more = copy.deepcopy(case.event_rows)
    for row in template:
        for child in late:
            more += [{**row, names[1]: child, "seen": date + day} for date in dates]
    with quietly():
        rates = [
            run_link(dress_plainly(replace(case, event_rows=events))).rates()
            for events in (case.event_rows, without, more)
        ]
    for table in rates[1:]:
        assert table[["n", "linked"]].equals(rates[0][["n", "linked"]])
        assert table["rate"].equals(rates[0]["rate"])


# ---------------------------------------------------------------- many rows

PERSONS = {
    "dense": lambda code: code,
    "sparse": lambda code: (code * 0x9E3779B97F4A7C15) % 2**64 - 2**63,
    "long text": lambda code: f"the same beginning of every identifier {code}",
}


@pytest.mark.parametrize("names", sorted(PERSONS))
@pytest.mark.parametrize(
    "rules",
    [
        {"window": "12 months", "followup": "complete"},
        {"window": "12 months", "direction": "backward", "min_gap": 3, "ties": "last row"},
        {"window": 40, "window_end": "exclusive", "same_day": "include", "followup": "ignored"},
        {"window": None, "followup": "observed"},
    ],
)
def test_many_rows_are_linked_as_few_are(names, rules):
    """Enough rows to be cut into parts and sorted; one person has far more rows than the others."""
    random = np.random.default_rng([len(names), len(rules)])
    name = PERSONS[names]

    def rows(n, date):
        codes = np.minimum(random.integers(0, 6000, n), random.integers(400, 60000, n))
        codes[random.integers(0, n, 150)] = 7
        days = random.integers(day("2014-12-01"), day("2019-03-01"), n)
        pairs = zip(codes.tolist(), days.tolist(), strict=True)
        return [{"child": name(code), date: when} for code, when in pairs]

    family = "text" if names == "long text" else "whole"
    arguments = {
        **{"person": "child", "index_date": "closed", "event_date": "seen"},
        **{"observed_from": day("2015-01-01"), "observed_until": day("2018-12-31")},
    }
    families = ({"child": family, "closed": "day"}, {"child": family, "seen": "day"})
    case = Case(rows(12_000, "closed"), rows(25_000, "seen"), families, arguments, rules)
    whole = answers(case)
    assert 0.05 < np.mean(np.array(whole["event_row"]) >= 0) < 0.95

    events, index = {}, {}
    for of_child, table in ((index, case.index_rows), (events, case.event_rows)):
        for position, row in enumerate(table):
            of_child.setdefault(row["child"], []).append(position)
    joined = {key: [None] * len(values) for key, values in whole.items()}
    for child, own in index.items():
        others = events.get(child, [])
        part = run_reference(
            replace(
                case,
                index_rows=[case.index_rows[i] for i in own],
                event_rows=[case.event_rows[j] for j in others],
            )
        )
        part.event_row = [-1 if j == -1 else others[j] for j in part.event_row]
        for key, values in joined.items():
            for i, value in zip(own, getattr(part, key), strict=True):
                values[i] = value
    for key, values in whole.items():
        assert joined[key] == values, key


@pytest.mark.parametrize("spread", [1, 1_000])
def test_a_million_rows_are_linked_as_thousands_are(spread):
    """Large tables are put in order in another way; so each child may stand in a small one."""
    random = np.random.default_rng(spread)
    n, children, tables = 1_200_000, 400_000, 6

    def rows():
        child = (random.integers(0, children, n) * spread).astype(float)
        child[random.integers(0, n, n // 50)] = np.nan
        day = random.integers(16_000, 19_000, n).astype("datetime64[D]")
        return pd.DataFrame(
            {"child": pd.Series(child).astype("Int64"), "day": day, "row": np.arange(n)}
        )

    def linked(index, events, **rules):
        names = {"person": "child", "index_date": "day", "event_date": "day"}
        return rr.link(index, events, **names, followup="ignored", **rules)

    index, events = rows(), rows()
    index["kept"] = index["row"] % 7 != 0
    whole = linked(index, events, index_filter={"kept": [True]})
    found = 0
    for table in range(tables):
        some_index = index[(index["child"] // spread % tables == table).fillna(False)]
        some_events = events[(events["child"] // spread % tables == table).fillna(False)]
        part = linked(some_index, some_events)
        event_row = np.where(part.event_row < 0, -1, some_events["row"].to_numpy()[part.event_row])
        event_row[~some_index["kept"].to_numpy()] = -1
        at = some_index["row"].to_numpy()
        assert (whole.event_row[at] == event_row).all()
        assert (whole.gap_days[at] == np.where(event_row < 0, -1, part.gap_days)).all()
        found += (event_row >= 0).sum()
    assert (whole.event_row >= 0).sum() == found > n // 5
