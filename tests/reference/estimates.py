"""Rates and curves of what was linked, in fractions."""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction
from typing import NamedTuple

from .linkage import Linked
from .rules import RefusedError


class Line(NamedTuple):
    """One day of a curve; `events` and `risk` by cause."""

    day: int
    at_risk: int
    events: dict[str, int]
    censored: int
    risk: dict[str, Fraction]


def incidence(rows: list[tuple[int | None, str | None]], causes: list[str]) -> list[Line]:
    """Aalen and Johansen's estimate; with one cause it is one minus Kaplan and Meier's.

    A row is (days at risk, what ended them): a cause, or None where it was censored. Days of None
    never end. Who leaves on a day is at risk on it.
    """
    surviving = Fraction(1)
    risk = dict.fromkeys(causes, Fraction(0))
    lines = []
    for day in sorted({0, *(end for end, _ in rows if end is not None)}):
        at_risk = sum(end is None or end >= day for end, _ in rows)
        ends = [cause for end, cause in rows if end == day]
        events = {cause: ends.count(cause) for cause in causes}
        for cause, number in events.items():
            risk[cause] += surviving * Fraction(number, at_risk or 1)
        surviving *= 1 - Fraction(sum(events.values()), at_risk or 1)
        lines.append(Line(day, at_risk, events, ends.count(None), dict(risk)))
    return lines


def causes_of(linked: Linked) -> list[str]:
    return ["linked", *linked.rules.treated("compete")]


def ended(linked: Linked, i: int) -> str | None:
    """The cause that ended a row's days at risk."""
    return linked.outcome[i] if linked.outcome[i] in causes_of(linked) else None


def rows_of_groups(linked: Linked, groups: list | None) -> dict[Hashable, list[int]]:
    """The followed rows of each group of which a row came through the filters."""
    if groups is None:
        groups, names = ["all"] * len(linked.outcome), ["all"]
    else:
        pairs = zip(groups, linked.outcome, strict=True)
        names = [group for group, outcome in pairs if outcome != "excluded"]
    return {
        name: [i for i, group in enumerate(groups) if group == name and linked.followed[i]]
        for name in dict.fromkeys(names)
    }


def rates_reference(linked: Linked, groups: list | None = None) -> dict:
    """For each group `(n, linked, rate)`, the rate a Fraction, or None where there is none.

    Where none of a group is followed, n is 0 and there is no rate. Where observation or an exit
    cuts the follow-up short, the rate is the risk at the window's end, and null for a group that
    nobody was followed that long in. A row that came to the end of its window without an event
    stays at risk to the last: it is known to have none.
    """
    table = {}
    for group, rows in rows_of_groups(linked, groups).items():
        hits = [i for i in rows if linked.outcome[i] == "linked"]
        if linked.rules.estimator == "proportion":
            rate = Fraction(len(hits), len(rows)) if rows else None
        elif any(linked.fully[i] for i in rows):
            ends = [(linked.duration[i], ended(linked, i)) for i in rows]
            rate = incidence(ends, causes_of(linked))[-1].risk["linked"]
        else:
            rate = None
        table[group] = (len(rows), len(hits), rate)
    return table


def rates_at_event(linked: Linked, groups: list, event_groups: list) -> dict:
    """The same with an event in the group of the event's own row, and n in the index event's."""
    if linked.rules.estimator != "proportion":
        raise RefusedError("a risk has no place but the index event's")
    of_index = rows_of_groups(linked, groups)
    hits = [event_groups[j] for j in linked.event_row if j != -1]
    table = {}
    for group in dict.fromkeys([*of_index, *hits]):
        n, x = len(of_index.get(group, [])), hits.count(group)
        table[group] = (n, x, Fraction(x, n) if n else None)
    return table


def curve_reference(linked: Linked, groups: list | None = None) -> dict[Hashable, list[Line]]:
    """The curve of each group; a row without an event is at risk up to its window's last day."""
    if linked.window is None and linked.rules.followup == "ignored":
        raise RefusedError("an open window without an end of observation")
    table = {}
    for group, rows in rows_of_groups(linked, groups).items():
        ends = []
        for i in rows:
            to_the_end = linked.duration[i] is None
            days = linked.horizon[i] if to_the_end else linked.duration[i]
            ends.append((days, ended(linked, i)))
        table[group] = incidence(ends, causes_of(linked))
    return table
