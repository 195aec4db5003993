"""A definition in plain words: one sentence for what counts, and one for each further rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rereferral.conditions import conditions_in_words
from rereferral.rules import Birthday, Eligible, Exit, Mediator
from rereferral.spans import OPEN, Span

if TYPE_CHECKING:
    from rereferral.definition import Definition

__all__ = ["definition_in_words"]

_PERIODS = {
    "financial_year": "financial year",
    "year": "calendar year",
    "half_year": "half-year",
}
_TREATMENTS = {
    "exclude": "takes the index event out of the cohort",
    "no event": "leaves it in the denominator, and later events do not count",
    "censor": "ends its observation",
    "compete": "ends its risk as a competing event",
}
_FIRST_VETOED = {
    "drop": "the index event is left out",
    "no event": "it counts as no event",
    "skip": "the search goes on behind it",
}


def definition_in_words(definition: Definition) -> str:
    """Say every rule of a definition that differs from none."""
    sentences = [
        f"{_what_counts(definition)}, {', '.join(_details(definition))}.",
        *_about_events(definition),
        *_about_index_events(definition),
        *_about_exits(definition.exits),
        *_about_mediator(definition.mediator),
        _who_is_counted(definition),
    ]
    text = " ".join(sentences)
    if definition.name:
        text = f"{definition.name}: {text}"
    if definition.source:
        text = f"{text} Source: {definition.source}."
    return f"{text} {definition.notes}" if definition.notes else text


def _what_counts(definition: Definition) -> str:
    which = {"first": "an event", "last": "an event (the last is taken)"}.get(
        str(definition.take), f"a {_nth(definition.take)} day with an event"
    )
    return (
        f"An index event counts if {which} of the same person lies {_within(definition)} "
        f"{'after' if definition.direction == 'forward' else 'before'} it"
    )


def _within(definition: Definition) -> str:
    if definition.window_column is not None:
        return f"within the days in {definition.window_column}"
    spans = [span for span in definition.windows if span != OPEN]
    words = [f"within {' or '.join(map(str, spans))}"] if spans else []
    if OPEN in definition.windows:
        words.append("at any time")
    return " or ".join(words)


def _details(definition: Definition) -> list[str]:
    details = []
    if any(span != OPEN for span in definition.windows) or definition.window_column is not None:
        what = "included" if definition.window_end == "inclusive" else "not included"
        details.append(f"the last day {what}")
    same_day = "included" if definition.same_day == "include" else "not included"
    details.append(f"the same day {same_day}")
    if definition.min_gap is not None:
        what = {
            "skip": "passed over",
            "stop": "ending the search without an event",
            "absorb": "moving the anchor to the event, as often as it happens",
        }[definition.within_gap]
        details.append(f"gaps shorter than {definition.min_gap} {what}")
    if definition.after is not None:
        sign = "on or after" if definition.same_day == "include" else "after"
        details.append(f"only events {sign} {definition.after}")
    if definition.event_filter is not None:
        details.append(f"only events where {conditions_in_words(definition.event_filter)}")
    return details


def _about_events(definition: Definition) -> list[str]:
    sentences = []
    if definition.veto is not None:
        condition, action = definition.veto
        sentences.append(
            f"Events where {conditions_in_words(condition)} are no outcome; if a day of only such "
            f"events comes first, {_FIRST_VETOED[action]}."
        )
    if definition.confirm is not None:
        column, lag = definition.confirm
        sentences.append(
            f"An event counts if it is confirmed ({column}) by the window's end plus {lag}."
        )
    if definition.claim == "latest index":
        sentences.append("An event serves only the latest counted index event before it.")
    return sentences


def _about_index_events(definition: Definition) -> list[str]:
    sentences = _about_eligible(definition.eligible)
    if definition.washout is not None:
        which = "kept" if definition.rolling else "eligible"
        sentences.append(
            f"An index event with another {which} one of the person in the {definition.washout} "
            "before it is left out."
        )
    if definition.select != "every":
        period = ""
        if definition.per is not None:
            period = f" and {_PERIODS.get(definition.per, definition.per)}"
        sentences.append(f"Only the {definition.select} index event of a person{period} counts.")
    if definition.several:
        shared = "one cohort, followed for the longest of them"
        sentences.append(
            f"The windows share {shared}."
            if definition.cohort == "longest"
            else "Each window has a cohort of its own."
        )
    return sentences


def _about_eligible(eligible: Eligible | None) -> list[str]:
    if eligible is None:
        return []
    asked = []
    if eligible.age_at_index is not None:
        asked.append(f"age at the index event ({conditions_in_words(eligible.age_at_index)})")
    if eligible.age_at_event is not None:
        asked.append(f"age at the outcome event ({conditions_in_words(eligible.age_at_event)})")
    if eligible.length is not None:
        asked.append(f"length since a start ({conditions_in_words(eligible.length)})")
    if eligible.history is not None:
        column, span = eligible.history
        since = "of observed history" if column is None else f"since {column}"
        asked.append(f"{span} {since}")
    return [f"Eligible by {', '.join(asked)}."]


def _about_exits(exits: dict[str, Exit] | None) -> list[str]:
    return [
        f"{name[:1].upper()}{name[1:]} ({_when(one)}) {_TREATMENTS[one.treatment]}."
        for name, one in (exits or {}).items()
    ]


def _when(one: Exit) -> str:
    return str(one.when) if isinstance(one.when, Birthday) else one.column


def _about_mediator(mediator: Mediator | None) -> list[str]:
    if mediator is None:
        return []
    first, last = mediator.within
    told = []
    if mediator.date is not None:
        told.append(f"{mediator.date} lies from {first} to {last} of it")
    if mediator.index_filter is not None:
        told.append(conditions_in_words(mediator.index_filter))
    sentence = f"An index event is mediated if {', or '.join(told)}."
    if mediator.guard != "landmark":
        return [
            f"{sentence} A start after the event does not count, which favours the mediator: "
            "whoever returned early could not have started."
        ]
    landmark: Span = mediator.landmark
    if landmark.length == 0:
        return [sentence]
    return [
        f"{sentence} Arms are fixed at the landmark {landmark} after it, and the risk runs from "
        "there; who returned or left before is an arm apart."
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
    counted = "All are counted, for as long as they were observed"
    if definition.windows == (OPEN,):
        return f"{counted}; the risk is read off the {definition.estimator} curve."
    return f"{counted}; the rate is the {definition.estimator} risk at the window's end."


def _nth(take: object) -> str:
    number = int(str(take)) if str(take).isdigit() else 1
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 <= number % 100 <= 20 else ending}"
