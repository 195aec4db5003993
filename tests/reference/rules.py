"""A definition's rules by their names in the package, and which of them contradict each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .days import START_DAY, Span, add_span, first_day_within, is_span, parse_span
from .tables import area_days


class RefusedError(ValueError):
    """The rules contradict each other, or an argument that they need is missing."""


@dataclass(frozen=True)
class Birthday:
    column: str
    age: int


@dataclass(frozen=True)
class Exit:
    when: str | Birthday
    treatment: str  # "exclude", "no event", "censor", "compete"


@dataclass
class Eligible:
    age_at_index: dict = field(default_factory=dict)
    age_at_event: dict = field(default_factory=dict)
    length: dict = field(default_factory=dict)
    history: Any = None  # a span, or (column, span)


@dataclass
class Mediator:
    table: list[dict]
    date: str
    within: tuple[str, str] = ("-30 days", "0 days")
    index_filter: dict | None = None
    guard: str = "landmark"  # or "exclude later starts"

    def ends(self) -> tuple[Span, Span]:
        return parse_span(self.within[0]), parse_span(self.within[1])

    def delay(self) -> Span | None:
        """How long after the index event the landmark is; None where they are one."""
        upper = self.ends()[1]
        return upper if upper[0] > 0 and self.guard == "landmark" else None


@dataclass
class Rules:
    window: Any = "12 months"
    window_end: str = "inclusive"
    cohort: str = "longest"
    direction: str = "forward"
    same_day: str = "exclude"
    ties: str = "first row"
    take: Any = "first"
    min_gap: Any = None
    within_gap: str = "skip"
    followup: str = "complete"
    select: str = "every"
    per: str | None = None
    washout: Any = None
    rolling: bool = False
    eligible: Eligible | None = None
    event_filter: dict | None = None
    veto: tuple[dict, str] | None = None
    exits: dict[str, Exit] | None = None
    confirm: tuple[str, Any] | None = None
    claim: str = "every"
    mediator: Mediator | None = None
    after: str | None = None

    # ------------------------------------------------ the words as what they say

    @property
    def forward(self) -> bool:
        return self.direction == "forward"

    @property
    def inclusive(self) -> bool:
        return self.window_end == "inclusive"

    @property
    def with_same_day(self) -> bool:
        return self.same_day == "include"

    @property
    def gap(self) -> Span | None:
        return parse_span(self.min_gap)

    @property
    def lag(self) -> Span | None:
        return None if self.confirm is None else parse_span(self.confirm[1])

    @property
    def several(self) -> bool:
        return isinstance(self.window, list)

    @property
    def windows(self) -> list:
        return self.window if self.several else [self.window]

    @property
    def window_column(self) -> str | None:
        named = isinstance(self.window, str) and not is_span(self.window)
        return self.window if named else None

    @property
    def delayed(self) -> bool:
        """Whether arms are fixed after the index day."""
        return self.mediator is not None and self.mediator.delay() is not None

    def treated(self, *treatments: str) -> dict[str, Exit]:
        """The exits with one of these treatments, in the order given."""
        exits = (self.exits or {}).items()
        return {name: leaving for name, leaving in exits if leaving.treatment in treatments}

    @property
    def estimator(self) -> str:
        if self.treated("compete"):
            return "Aalen-Johansen"
        if self.treated("censor") or self.followup == "observed":
            return "Kaplan-Meier"
        return "proportion"

    @property
    def history_span(self) -> Span | None:
        """The history that has to lie in the observed days."""
        history = self.eligible.history if self.eligible else None
        return None if history is None or isinstance(history, tuple) else parse_span(history)


# ---------------------------------------------------------------- a window and two days


def before_window_end(rules: Rules, window: Span | None, earlier: int, later: int) -> bool:
    """Whether the later day is before the end of the window, which hangs on the earlier day."""
    if window is None:
        return True
    end = add_span(earlier, window)
    return later <= end if rules.inclusive else later < end


def long_enough(rules: Rules, earlier: int, later: int) -> bool:
    """Whether the gap is not shorter than the least."""
    return rules.gap is None or later >= add_span(earlier, rules.gap)


def inside(rules: Rules, window: Span | None, anchor: int, event_day: int) -> bool:
    """Whether a day is admissible, by window, least gap and same day."""
    earlier, later = (anchor, event_day) if rules.forward else (event_day, anchor)
    if later < earlier or (later == earlier and not rules.with_same_day):
        return False
    return long_enough(rules, earlier, later) and before_window_end(rules, window, earlier, later)


def last_window_day(rules: Rules, window: Span, anchor: int) -> int:
    """The window's day that is farthest from the anchor."""
    if rules.forward:
        end = add_span(anchor, window)
        return end if rules.inclusive else end - 1
    first = first_day_within(window, anchor)
    while not before_window_end(rules, window, first, anchor):
        first += 1
    return first


def can_hold_a_day(rules: Rules, window: Span | None) -> bool:
    """Whether any pair at all can be inside: the nearest day allowed is tried on eight years."""
    for earlier in range(START_DAY, START_DAY + 8 * 366):
        later = earlier if rules.with_same_day else earlier + 1
        if rules.gap is not None:
            later = max(later, add_span(earlier, rules.gap))
        if before_window_end(rules, window, earlier, later):
            return True
    return False


# ---------------------------------------------------------------- contradictions


def refuse_contradictions(rules: Rules, observed_until, observed_from) -> None:
    if rules.several and any(isinstance(each, str) and not is_span(each) for each in rules.window):
        raise RefusedError("a column among several windows")
    if rules.several and not rules.window:
        raise RefusedError("no window")
    for said, wrong in contradictions(rules, observed_until, observed_from):
        if wrong:
            raise RefusedError(said)
    if rules.window_column is None:
        for window in rules.windows:
            if not can_hold_a_day(rules, parse_span(window)):
                raise RefusedError("the window can hold no day")


def contradictions(rules: Rules, observed_until, observed_from) -> list[tuple[str, bool]]:
    """Each sentence with whether it is true of these rules."""
    column = rules.window_column
    windows = [] if column else [parse_span(window) for window in rules.windows]
    is_open = None in windows
    edge = observed_until if rules.forward else observed_from
    backward = not rules.forward
    looks_back = rules.history_span is not None
    looks_back |= rules.washout is not None and rules.followup != "ignored"
    days = area_days(observed_from, observed_until)
    spans = [*windows, rules.gap, parse_span(rules.washout), rules.lag]
    return [
        ("a span is negative", any(span is not None and span[0] < 0 for span in spans)),
        ("one window twice", len(set(windows)) < len(windows)),
        ("an open window is never completely followed", is_open and rules.followup == "complete"),
        ("an open window has no end to leave out", is_open and not rules.inclusive),
        ("where observation ends is not known", rules.followup != "ignored" and edge is None),
        ("where observation begins is not known", looks_back and observed_from is None),
        ("nothing is observed", any(None not in each and each[0] > each[1] for each in days)),
        (
            "a gap that nothing is shorter than",
            rules.within_gap != "skip" and (rules.gap is None or rules.gap[0] == 0),
        ),
        ("one cohort for each of one window", rules.cohort == "each" and not rules.several),
        (
            "confirmed by the end of a window that absorbed days move",
            rules.within_gap == "absorb" and rules.confirm is not None,
        ),
        ("rolling what is not there", rules.rolling and rules.washout is None),
        ("a period of which every row is taken", rules.per and rules.select == "every"),
        (
            "the last index event is the one that nobody came back after",
            rules.select == "last" and rules.forward and rules.per is None,
        ),
        ("confirmed backward", backward and rules.confirm is not None),
        ("claimed backward", backward and rules.claim != "every"),
        ("left backward", backward and bool(rules.exits)),
        ("mediated backward", backward and rules.mediator is not None),
        ("a least gap from a day before the landmark", rules.delayed and rules.gap is not None),
        ("claimed before the landmark", rules.delayed and rules.claim != "every"),
        (
            "starts later than which window's event",
            rules.several and rules.mediator is not None and rules.mediator.guard != "landmark",
        ),
        ("confirmed after the end", rules.followup == "observed" and rules.confirm is not None),
        (
            "censored, and everybody is followed",
            rules.followup == "ignored" and bool(rules.treated("censor", "compete")),
        ),
    ]
