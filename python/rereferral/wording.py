"""A definition in plain words: one sentence for what is looked for, one for each further rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rereferral.conditions import Conditions, conditions_in_words
from rereferral.rule_values import Birthday, Eligible, Exit, Mediator
from rereferral.spans import OPEN, Offset, Span

if TYPE_CHECKING:
    from rereferral.definition import Definition

__all__ = ["columns_read", "definition_in_words", "rules_in_words"]

_PERIODS = {
    "financial_year": "in one financial year",
    "year": "in one calendar year",
    "half_year": "in one half of a calendar year",
}
_WITHIN_GAP = {
    "skip": "the search goes on behind it",
    "stop": "and ends the search, without an event",
    "absorb": "but moves the starting day to itself, as often as that happens",
}
_TREATMENTS = {
    "exclude": "an index event that has it in its window is left out",
    "no event": "the index event stays in the denominator, and later events do not count",
    "censor": "observation ends there, and the rate is what it would be if nobody left so",
    "compete": "it ends the risk, as a competing event, and the rate is that of the world as it is",
}
_FIRST_VETOED = {
    "drop": "the index event is left out",
    "no event": "the index event has no event",
    "skip": "the search goes on behind it",
}
_VERBAL = {
    "<": "under",
    "<=": "at most",
    ">": "over",
    ">=": "at least",
    "==": "exactly",
    "!=": "other than",
}


def definition_in_words(definition: Definition) -> str:
    """Say every rule of a definition that differs from none, its source and its notes."""
    text = " ".join(rules_in_words(definition))
    if definition.name:
        text = f"{definition.name}: {text}"
    if definition.source:
        text = f"{text} Source: {definition.source}."
    return f"{text} {definition.notes}" if definition.notes else text


def rules_in_words(definition: Definition) -> list[str]:
    """Say every rule of a definition that differs from none, a sentence each."""
    return [
        _what_is_looked_for(definition),
        *_about_events(definition),
        *_about_index_events(definition),
        *_about_exits(definition.exits),
        *_about_mediator(definition.mediator),
        _who_is_counted(definition),
        *_about_columns(definition),
        *_about_episodes(definition.episodes),
    ]


def columns_read(definition: Definition) -> tuple[list[str], list[str]]:
    """The columns that rules read in the index table, and in the events table, in alphabetical
    order; without keys, dates and filters of the index, which are no rules.
    """
    index: set[str] = set()
    events: set[str] = set()
    eligible = definition.eligible
    if eligible is not None:
        index |= {*(eligible.age_at_index or {}), *(eligible.length or {})}
        events |= {*(eligible.age_at_event or {})}
        if eligible.history is not None and eligible.history[0] is not None:
            index.add(eligible.history[0])
    index |= {name for name in (definition.window_column, definition.after) if name is not None}
    index |= {one.column for one in (definition.exits or {}).values()}
    if definition.per is not None and definition.per not in _PERIODS:
        index.add(definition.per)
    if definition.mediator is not None:
        index |= {*(definition.mediator.index_filter or {})}
    events |= {*(definition.event_filter or {})}
    if definition.veto is not None:
        events |= {*definition.veto.filter}
    if definition.confirm is not None:
        events.add(definition.confirm.column)
    return sorted(index), sorted(events)


def _what_is_looked_for(definition: Definition) -> str:
    what = {
        "first": "an outcome event of the same person lies",
        "last": "an outcome event of the same person (the farthest of several) lies",
    }.get(
        str(definition.take),
        f"a {_nth(definition.take)} day with an outcome event of the same person lies",
    )
    where = "after" if definition.direction == "forward" else "before"
    return (
        f"An index event is linked if {what} {_within(definition)} {where} it; {_ends(definition)}."
    )


def _within(definition: Definition) -> str:
    if definition.window_column is not None:
        return f"within the number of days in {definition.window_column}"
    spans = [str(span) for span in definition.windows if span != OPEN]
    words = [f"within {_listed(spans, 'or')}"] if spans else []
    if OPEN in definition.windows:
        words.append("at any time")
    return ", or ".join(words)


def _ends(definition: Definition) -> str:
    """Whether the days at the ends of the time count."""
    same = definition.same_day == "include"
    far = "last" if definition.direction == "forward" else "first"
    if definition.windows == (OPEN,):
        return f"the same day {'counts' if same else 'does not count'}"
    if definition.window_end == "inclusive":
        return f"the {far} day of that time counts, the same day {'too' if same else 'does not'}"
    if same:
        return f"the same day counts, the {far} day of that time does not"
    return f"neither the same day nor the {far} day of that time counts"


def _about_events(definition: Definition) -> list[str]:
    sentences = []
    if definition.min_gap is not None:
        joined = ": " if definition.within_gap == "skip" else " "
        sentences.append(
            f"An event less than {definition.min_gap} away does not count"
            f"{joined}{_WITHIN_GAP[definition.within_gap]}."
        )
    if definition.after is not None:
        sign = "on or after" if definition.same_day == "include" else "after"
        sentences.append(f"Only events {sign} the index event's {definition.after} count.")
    if definition.event_filter is not None:
        sentences.append(f"Only events where {conditions_in_words(definition.event_filter)} count.")
    if definition.veto is not None:
        condition, action = definition.veto
        sentences.append(
            f"Events where {conditions_in_words(condition)} are no outcome; if a day of only such "
            f"events comes first, {_FIRST_VETOED[action]}."
        )
    if definition.confirm is not None:
        column, lag = definition.confirm
        by = f" plus {lag}" if lag.length else ""
        sentences.append(
            f"An event counts only if it has a {column} on or before the window's end{by}."
        )
    if definition.claim == "latest index":
        sentences.append("An event belongs to the latest counted index event before it alone.")
    return sentences


def _about_index_events(definition: Definition) -> list[str]:
    sentences = _about_eligible(definition.eligible)
    if definition.washout is not None:
        which = "counted" if definition.rolling else "eligible"
        sentences.append(
            f"An index event is left out if the person had another {which} one in the "
            f"{definition.washout} before it."
        )
    if definition.select != "every":
        period = ""
        if definition.per is not None:
            period = f" {_PERIODS.get(definition.per, f'with the same {definition.per}')}"
        sentences.append(
            f"Of a person's index events{period} only the {definition.select} is counted."
        )
    if definition.several:
        sentences.append(
            "The windows share one cohort, followed for the longest of them."
            if definition.cohort == "longest"
            else "Each window has a cohort of its own."
        )
    return sentences


def _about_eligible(eligible: Eligible | None) -> list[str]:
    if eligible is None:
        return []
    sentences = []
    for what, ages in (("index", eligible.age_at_index), ("outcome", eligible.age_at_event)):
        sentences += [
            f"Only {what} events at an age of {_verbal(condition, ' years')} ({column}) count."
            for column, condition in (ages or {}).items()
        ]
    sentences += [
        f"Only index events {_verbal(condition)} after {column} count."
        for column, condition in (eligible.length or {}).items()
    ]
    if eligible.history is not None:
        column, span = eligible.history
        sentences.append(
            f"Only index events with {span} of observed data before them count."
            if column is None
            else f"Only index events at least {span} after {column} count."
        )
    return sentences


def _verbal(condition: tuple[Any, ...], unit: str = "") -> str:
    """A condition as people say it: ``at least 8 days and at most 12 months``."""
    if condition[0] == "in":
        return f"exactly {_listed([str(value) for value in condition[1]], 'or')}{unit}"
    pairs = zip(condition[::2], condition[1::2], strict=True)
    return f"{' and '.join(f'{_VERBAL[sign]} {limit}' for sign, limit in pairs)}{unit}"


def _about_exits(exits: dict[str, Exit] | None) -> list[str]:
    return [
        f"Exit by {name} ({_when(one)}): {_TREATMENTS[one.treatment]}."
        for name, one in (exits or {}).items()
    ]


def _when(one: Exit) -> str:
    if isinstance(one.when, Birthday):
        return f"the day the person turns {one.when.age}, by {one.when.column}"
    return f"the date in {one.column}"


def _about_mediator(mediator: Mediator | None) -> list[str]:
    if mediator is None:
        return []
    first, last = mediator.within
    told = []
    if mediator.date is not None:
        told.append(f"{mediator.date} lies from {_seen_from_it(first)} to {_seen_from_it(last)}")
    if mediator.index_filter is not None:
        told.append(conditions_in_words(mediator.index_filter))
    sentence = f"An index event is mediated if {', or '.join(told)}."
    if mediator.guard != "landmark":
        return [
            sentence,
            "A start after the event does not count, which favours the mediator: whoever returned "
            "early could not have started.",
        ]
    landmark: Span = mediator.landmark
    if landmark.length == 0:
        return [sentence]
    return [
        sentence,
        f"Arms are fixed at the landmark, {landmark} after the index event, and the risk runs "
        "from there; who returned or left before is an arm apart.",
    ]


def _who_is_counted(definition: Definition) -> str:
    look = "follow-up" if definition.direction == "forward" else "look-back"
    if definition.followup == "ignored":
        return f"Whether the {look} was observed is ignored; the rate is the raw proportion."
    if definition.followup == "complete":
        counted = f"Only index events whose whole {look} was observed are counted"
        if definition.estimator == "proportion":
            return f"{counted}."
        return f"{counted}; the rate is the {definition.estimator} risk at the window's end."
    counted = "All index events are counted, for as long as they were observed"
    if definition.windows == (OPEN,):
        return f"{counted}; the risk is read off the {definition.estimator} curve."
    return f"{counted}; the rate is the {definition.estimator} risk at the window's end."


def _about_columns(definition: Definition) -> list[str]:
    index, events = columns_read(definition)
    asked = [
        f"{_listed(names, 'and')} in the {table}"
        for names, table in ((index, "index table"), (events, "events table"))
        if names
    ]
    return [f"Columns it needs: {'; '.join(asked)}."] if asked else []


def _about_episodes(reading: dict[str, Any] | None) -> list[str]:
    """How it reads a table of episodes."""
    if not reading:
        return []
    where = ""
    if "index_filter" in reading:
        conditions: Conditions = reading["index_filter"]
        where = f" where {conditions_in_words(conditions)}"
    index, event = reading.get("index_date"), reading.get("event_date")
    parts = []
    if index is not None:
        parts.append(f"index events are dated by {index}{where}")
    elif where:
        parts.append(f"index events are those{where}")
    if event is not None:
        parts.append(f"outcome events by {event}")
    return [f"In a table of episodes {', '.join(parts)}."]


def _listed(words: list[str], joined: str) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joined} {words[-1]}"


def _seen_from_it(offset: Offset) -> str:
    if offset.span.length == 0:
        return "the day itself"
    return f"{offset.span} {'before' if offset.sign < 0 else 'after'} it"


def _nth(take: object) -> str:
    number = int(str(take)) if str(take).isdigit() else 1
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 <= number % 100 <= 20 else ending}"
