"""A definition of "came back": every rule that turns events into a rate, as one value."""

from __future__ import annotations

import dataclasses
import datetime
import difflib
import json
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from rereferral import _core
from rereferral.errors import RuleError
from rereferral.spans import OPEN, Span, parse_span

__all__ = ["Definition", "filter_in_words", "normal_filter", "table_filter"]

_CHOICES = {
    "window_end": ("inclusive", "exclusive"),
    "direction": ("forward", "backward"),
    "same_day": ("exclude", "include"),
    "ties": ("first row", "last row"),
    "take": ("first",),
    "followup": ("complete", "observed", "ignored"),
}
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")

Filter = Mapping[str, Any]


def normal_filter(given: object, what: str) -> dict[str, tuple[Any, ...]] | None:
    """Bring a filter into one form: ``{column: ("in", values)}`` or ``{column: ("<", value)}``."""
    if given is None:
        return None
    if not isinstance(given, Mapping) or not given:
        raise RuleError(f'{what} must be a dict such as {{"reason_for_closure": ["RC8", "RC9"]}}')
    normal: dict[str, tuple[Any, ...]] = {}
    for column, condition in given.items():
        if not isinstance(column, str):
            raise RuleError(f"{what}: {column!r} is not the name of a column")
        if isinstance(condition, tuple):
            if len(condition) == 2 and condition[0] == "in":
                condition = list(condition[1])
            elif len(condition) != 2 or condition[0] not in _COMPARISONS:
                raise RuleError(
                    f"{what}: {column}={condition!r} is not a comparison; write "
                    f'("<", value) with one of {", ".join(_COMPARISONS)}, or a list of values'
                )
            else:
                normal[column] = (condition[0], _plain(condition[1], what, column))
                continue
        if isinstance(condition, (list, set, frozenset)):
            values = list(condition) if isinstance(condition, list) else sorted(condition, key=repr)
        else:
            values = [condition]
        normal[column] = ("in", tuple(_plain(value, what, column) for value in values))
    return normal


def _plain(value: Any, what: str, column: str) -> Any:
    """A value of a filter as something that JSON can hold."""
    if isinstance(value, datetime.datetime) or hasattr(value, "item"):
        value = value.item() if hasattr(value, "item") else value.date()
    if isinstance(value, datetime.date):
        return value.isoformat()[:10]
    if value is None or not isinstance(value, (str, int, float, bool)):
        raise RuleError(f"{what}: {column} cannot be compared with {value!r}")
    return value


def table_filter(normal: dict[str, tuple[Any, ...]]) -> dict[str, Any]:
    """The form that a table's ``mask`` takes: a list of values, or a comparison."""
    return {
        column: list(condition[1]) if condition[0] == "in" else condition
        for column, condition in normal.items()
    }


def filter_in_words(normal: dict[str, tuple[Any, ...]]) -> str:
    """Say a filter: ``reason_for_closure is RC8 or RC9``."""
    words = []
    for column, (operator, value) in normal.items():
        if operator == "in":
            words.append(f"{column} is {' or '.join(map(str, value)) or 'one of no values'}")
        else:
            words.append(f"{column} {operator} {value}")
    return " and ".join(words)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Definition:
    """Rules that decide which outcome event belongs to an index event, and who is counted.

    A definition is a value: frozen, comparable, printed in plain words, written to JSON and read
    back. Rules given to :func:`rereferral.link` as keywords are ``definition.replace(...)``.

    Parameters
    ----------
    window : str, int, Span or None, default "12 months"
        The time in which an event counts: ``"12 months"``, ``"365 days"``, ``"1 year"``, a number
        of days, or None for no end. It is added to the earlier date of the pair in both directions;
        a month ends on its last day where the same day of the month does not exist.
    window_end : {"inclusive", "exclusive"}
        Does the day at exactly the window's length count?
    direction : {"forward", "backward"}
        Are events looked for after the index event, or before it?
    same_day : {"exclude", "include"}
        Does an event on the index day count?
    ties : {"first row", "last row"}
        Which of a day's events ``event_row`` names. No rate depends on it.
    take : {"first"}
        The nearest day with an event, in the direction of search.
    min_gap : str, int, Span or None, default None
        Events at a shorter gap do not count, and the search goes on behind them.
    followup : {"complete", "observed", "ignored"}
        ``"complete"``: only index events whose whole window was observed are counted, decided by
        dates alone. ``"observed"``: all are, and the rate is the Kaplan-Meier risk at the window's
        end. ``"ignored"``: all are, and the rate is the raw proportion.
    event_filter : dict or None
        Only such outcome events count: ``{"column": value}``, ``{"column": [values]}`` or
        ``{"column": ("<", value)}``.
    name, source, notes : str
        What it is called, where it was published, and what of it is not verified.

    Raises
    ------
    RuleError
        If a rule is unknown, out of range, or contradicts another.

    Examples
    --------
    >>> import rereferral as rr
    >>> weeks = rr.Definition(window="28 days", followup="ignored")
    >>> weeks.replace(window=28) == weeks
    True
    >>> rr.Definition.from_json(weeks.to_json()) == weeks
    True
    """

    window: Any = "12 months"
    window_end: str = "inclusive"
    direction: str = "forward"
    same_day: str = "exclude"
    ties: str = "first row"
    take: str = "first"
    min_gap: Any = None
    followup: str = "complete"
    event_filter: Any = None
    name: str = ""
    source: str = ""
    notes: str = ""

    def __post_init__(self) -> None:
        for rule, choices in _CHOICES.items():
            value = getattr(self, rule)
            if value not in choices:
                listed = " or ".join(repr(choice) for choice in choices)
                raise RuleError(f"{rule}={value!r} is not a choice; write {listed}")
        for text in ("name", "source", "notes"):
            if not isinstance(getattr(self, text), str):
                raise RuleError(f"{text} must be text")
        if isinstance(self.window, (list, tuple)) and not isinstance(self.window, Span):
            raise RuleError("window must be one span; link once for each window")
        window = parse_span(self.window, "window")
        gap = None if self.min_gap is None else parse_span(self.min_gap, "min_gap")
        if gap == OPEN:
            raise RuleError("min_gap must have an end")
        object.__setattr__(self, "window", window)
        object.__setattr__(self, "min_gap", None if gap is None or gap.length == 0 else gap)
        object.__setattr__(self, "event_filter", normal_filter(self.event_filter, "event_filter"))
        self._check_together()

    def _check_together(self) -> None:
        """Refuse rules that contradict one another."""
        if self.window == OPEN and self.followup == "complete":
            raise RuleError(
                "a window without end is never followed completely; "
                'give a window, or followup="observed"'
            )
        if self.window == OPEN and self.window_end == "exclusive":
            raise RuleError('a window without end has no last day; window_end must be "inclusive"')
        if self.window.length == 0 and self.window != OPEN:
            if self.window_end == "exclusive":
                raise RuleError(
                    "an exclusive window of 0 holds no day; "
                    'give a longer window, or window_end="inclusive"'
                )
            if self.same_day == "exclude":
                raise RuleError(
                    "a window of 0 holds the index day only, and that is excluded; "
                    'give a longer window, or same_day="include"'
                )
        if not self._holds_a_day():
            gap = "" if self.min_gap is None else f" and min_gap={str(self.min_gap)!r}"
            raise RuleError(
                f"no day lies in window={str(self.window)!r} with window_end={self.window_end!r}, "
                f"same_day={self.same_day!r}{gap}; make the window longer or the gap shorter"
            )

    def core_window(self) -> tuple[object, ...]:
        """The window as the core takes it."""
        return (
            self.direction == "backward",
            tuple(self.window),
            ("days", 0) if self.min_gap is None else tuple(self.min_gap),
            self.window_end == "exclusive",
            self.same_day == "include",
        )

    def _holds_a_day(self) -> bool:
        """Whether an event is admitted on any date; months differ, so eight years are tried."""
        days = np.arange(8 * 366, dtype=np.int64)
        first, last = np.empty((2, len(days)), np.int64)
        _core.window_bounds(self.core_window(), days, first, last)
        return bool((first <= last).any())

    def replace(self, **rules: Any) -> Self:
        """Return a copy with some rules changed.

        Parameters
        ----------
        **rules
            Any parameter of :class:`Definition`.

        Raises
        ------
        RuleError
            If there is no such rule, naming the closest, or the rules contradict one another.
        """
        known = [field.name for field in dataclasses.fields(self)]
        for rule in rules:
            if rule not in known:
                close = difflib.get_close_matches(rule, known, n=1)
                hint = (
                    f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(known)}"
                )
                raise RuleError(f"there is no rule {rule!r}{hint}")
        return dataclasses.replace(self, **rules)

    def to_dict(self) -> dict[str, Any]:
        """The definition as plain values: text, numbers, lists."""
        plain: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Span):
                value = None if value == OPEN else f"{value.length} {value.unit}"
            elif field.name == "event_filter" and value is not None:
                value = {
                    column: list(condition[1])
                    if condition[0] == "in"
                    else {condition[0]: condition[1]}
                    for column, condition in value.items()
                }
            plain[field.name] = value
        return plain

    def to_json(self) -> str:
        """The definition as JSON, to be read by :meth:`from_json`."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        RuleError
            If it is not JSON of a definition.
        """
        try:
            plain = json.loads(text)
        except (json.JSONDecodeError, TypeError) as error:
            raise RuleError(f"not JSON: {error}") from None
        if not isinstance(plain, dict):
            raise RuleError("the JSON of a definition is an object")
        if plain.get("event_filter") is not None:
            plain["event_filter"] = {
                column: next(iter(condition.items())) if isinstance(condition, dict) else condition
                for column, condition in plain["event_filter"].items()
            }
        return cls().replace(**plain)

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __str__(self) -> str:
        forward = self.direction == "forward"
        within = "at any time" if self.window == OPEN else f"within {self.window}"
        sentence = (
            f"An index event counts if an event of the same person lies {within} "
            f"{'after' if forward else 'before'} it"
        )
        details = []
        if self.window != OPEN:
            what = "included" if self.window_end == "inclusive" else "not included"
            details.append(f"the last day {what}")
        details.append(
            f"the same day {'included' if self.same_day == 'include' else 'not included'}"
        )
        if self.min_gap is not None:
            details.append(f"gaps shorter than {self.min_gap} passed over")
        if self.event_filter is not None:
            details.append(f"only events where {filter_in_words(self.event_filter)}")
        look = "follow-up" if forward else "look-back"
        counted = {
            "complete": f"Only index events whose whole {look} was observed are counted.",
            "observed": "All are counted, for as long as they were observed; the risk is read off "
            "the Kaplan-Meier curve."
            if self.window == OPEN
            else "All are counted, for as long as they were observed; the rate is the Kaplan-Meier "
            "risk at the window's end.",
            "ignored": f"Whether the {look} was observed is ignored; the rate is the raw "
            "proportion.",
        }[self.followup]
        text = f"{sentence}, {', '.join(details)}. {counted}"
        if self.name:
            text = f"{self.name}: {text}"
        if self.source:
            text = f"{text} Source: {self.source}."
        return f"{text} {self.notes}" if self.notes else text
