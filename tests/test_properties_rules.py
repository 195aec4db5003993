"""Every rule against the reference, and what must hold of all of them whatever the data are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from clothes import Case, dress_plainly
from comparing import (
    by_step,
    disagreements,
    near,
    plain,
    plain_reference,
    quietly,
    run_link,
    run_reference,
)
from preset_cases import preset_cases
from reference import CYCLE, PRESETS, Exit, RefusedError, rates_reference
from rule_cases import RULES, dressed_rule_cases, rule_cases

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
QUIET += [HealthCheck.function_scoped_fixture]
PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]
BRIEF = settings(max_examples=30, deadline=None, suppress_health_check=QUIET, phases=PHASES)


@pytest.mark.parametrize("rule", RULES)
def test_the_reference_agrees(rule):
    @settings(BRIEF, max_examples=40)
    @given(dressed_rule_cases(rule))
    def agree(case):
        assert disagreements(case) == []

    agree()


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_published_definition_is_its_description(name):
    @BRIEF
    @given(preset_cases(name))
    def agree(case):
        assert disagreements(case) == []

    agree()


# ---------------------------------------------------------------- what must not matter


def answers(engine: str, case: Case) -> list[dict]:
    """Arrays, ledger and rates of every window; `assume` leaves contradictory rules out."""
    try:
        expected = run_reference(case)
    except RefusedError:
        assume(False)
    several = expected if isinstance(expected, list) else [expected]
    links = run_link(dress_plainly(case)) if engine == "rr.link" else None
    found = []
    for linked in several:
        if links is None:
            n, hits, rate = rates_reference(linked)["all"]
            ledger = linked.ledger
            found.append(plain_reference(linked))
        else:
            own = links if len(several) == 1 and not case_is_several(case) else links[linked.window]
            with quietly():
                line = own.rates().iloc[0]
            n, hits, rate = int(line["n"]), int(line["linked"]), line["rate"]
            names = ["table", "step", "removed", "remaining"]
            ledger = own.ledger[names].itertuples(index=False, name=None)
            found.append(plain(own))
        found[-1] |= {"ledger": by_step(ledger), "numbers": (n, hits), "rate": rate}
    return found


def case_is_several(case: Case) -> bool:
    return isinstance(case.rules.get("window"), list)


def same(before: list[dict], after: list[dict]) -> None:
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        old, new = dict(old), dict(new)
        assert near(old.pop("rate"), new.pop("rate"))
        assert old == new


def with_tables(case: Case, index_rows: list[dict], event_rows: list[dict]) -> Case:
    return replace(
        case,
        index_rows=index_rows,
        event_rows=index_rows if case.same_table else event_rows,
        rules=dict(case.rules),
        arguments=dict(case.arguments),
    )


def with_mediator_rows(case: Case, change) -> None:
    mediator = case.rules.get("mediator")
    if mediator is not None:
        case.rules["mediator"] = replace(mediator, table=[change(row) for row in mediator.table])


@BRIEF
@given(rule_cases(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_only_the_row_within_a_day(engine, case, random):
    assume(case.rules.get("select", "every") == "every")
    before = answers(engine, case)
    mine = random.sample(range(len(case.index_rows)), len(case.index_rows))
    theirs = mine
    if not case.same_table:
        theirs = random.sample(range(len(case.event_rows)), len(case.event_rows))
    moved = with_tables(
        case, [case.index_rows[i] for i in mine], [case.event_rows[j] for j in theirs]
    )
    after = answers(engine, moved)
    for old, new in zip(before, after, strict=True):
        for name in ("gap_days", "event_date", "count", "followed", "outcome"):
            assert new[name] == [old[name][i] for i in mine]
        assert (old["ledger"], old["numbers"]) == (new["ledger"], new["numbers"])
        assert near(old["rate"], new["rate"])
        for date, row in zip(new["event_date"], new["event_row"], strict=True):
            on = None if row == -1 else moved.event_rows[row][case.arguments["event_date"]]
            assert on == date


@BRIEF
@given(rule_cases())
def test_the_names_of_the_persons_do_not_matter(engine, case):
    names = {"a": "zz", "b": "an identifier of more than sixteen bytes", None: None}

    def renamed(row):
        return {**row, "child": names[row["child"]]}

    moved = with_tables(
        case, [renamed(row) for row in case.index_rows], [renamed(row) for row in case.event_rows]
    )
    with_mediator_rows(moved, renamed)
    same(answers(engine, case), answers(engine, moved))


@BRIEF
@given(rule_cases(), st.sampled_from([-2, -1, 1, 2]))
def test_four_hundred_years_do_not_matter(engine, case, cycles):
    days = {name for families in case.families for name in families if families[name] == "day"}
    days.add("start")

    def later(day):
        return None if day is None else day + cycles * CYCLE

    def moved_row(row):
        return {name: later(value) if name in days else value for name, value in row.items()}

    moved = with_tables(
        case,
        [moved_row(row) for row in case.index_rows],
        [moved_row(row) for row in case.event_rows],
    )
    with_mediator_rows(moved, moved_row)
    for name in ("observed_until", "observed_from"):
        edge = case.arguments.get(name)
        if edge is not None:
            by_area = isinstance(edge, dict)
            moved.arguments[name] = (
                {area: later(day) for area, day in edge.items()} if by_area else later(edge)
            )
    before, after = answers(engine, case), answers(engine, moved)
    for answer in before:
        answer["event_date"] = [later(day) for day in answer["event_date"]]
    same(before, after)


@BRIEF
@given(rule_cases())
def test_persons_can_be_linked_one_by_one(engine, case):
    whole = answers(engine, case)
    parts = []
    for child in ("a", "b", None):
        own = [i for i, row in enumerate(case.index_rows) if row["child"] == child]
        others = [j for j, row in enumerate(case.event_rows) if row["child"] == child]
        part = with_tables(
            case, [case.index_rows[i] for i in own], [case.event_rows[j] for j in others]
        )
        mediator = case.rules.get("mediator")
        if mediator is not None:
            started = [row for row in mediator.table if row["child"] == child]
            part.rules["mediator"] = replace(mediator, table=started)
        parts.append((own, others, answers(engine, part)))
    for place, answer in enumerate(whole):
        for own, others, part in parts:
            mine = part[place]
            mine["event_row"] = [-1 if j == -1 else others[j] for j in mine["event_row"]]
            for name in ("event_row", "gap_days", "event_date", "count", "followed", "outcome"):
                assert mine[name] == [answer[name][i] for i in own]
        ledgers = [part[place]["ledger"] for _, _, part in parts]
        joined = [
            (*lines[0][:2], sum(line[2] for line in lines), sum(line[3] for line in lines))
            for lines in zip(*ledgers, strict=True)
        ]
        assert joined == answer["ledger"]


# ---------------------------------------------------------------- follow-up and exits


@BRIEF
@given(rule_cases(), st.integers(0, 2))
def test_what_happens_to_late_index_events_changes_no_complete_rate(engine, case, off):
    # Where events absorb, the anchor moves to them, and follow-up with it.
    assume(not case.same_table and case.rules.get("within_gap") != "absorb")
    case.rules["followup"] = "complete"
    before = answers(engine, case)
    # A veto that drops and a landmark take rows away by their events: who is not followed has none.
    by_events = case.rules.get("veto", (None, ""))[1] == "drop" or "mediator" in case.rules
    counted = {
        row["child"]
        for answer in before
        for row, outcome in zip(case.index_rows, answer["outcome"], strict=True)
        if outcome != "not followed" and (outcome != "excluded" or by_events)
    }
    late = {row["child"] for row in case.index_rows} - counted
    assume(late)
    without = [row for row in case.event_rows if row["child"] not in late]
    template = case.event_rows[:1]
    more = [
        {**row, "child": child, "seen": index["closed"] + off, "ref": 1_000 + place}
        for row in template
        for child in late
        for place, index in enumerate(case.index_rows)
        if index["closed"] is not None
    ]
    for events in (without, [*case.event_rows, *more]):
        for old, new in zip(before, answers(engine, replace(case, event_rows=events)), strict=True):
            assert old["numbers"] == new["numbers"]
            assert near(old["rate"], new["rate"])


@BRIEF
@given(rule_cases("exits"))
def test_without_censoring_no_event_and_compete_agree(engine, case):
    case.rules["followup"] = "complete"
    found = []
    for treatment in ("no event", "compete"):
        exits = {
            name: leaving if leaving.treatment == "exclude" else Exit(leaving.when, treatment)
            for name, leaving in case.rules["exits"].items()
        }
        found.append(answers(engine, replace(case, rules={**case.rules, "exits": exits})))
    same(*found)
