"""A definition of "came back": every rule that turns events into a rate, as one value."""

from __future__ import annotations

import dataclasses
import difflib
import json
import operator
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from rereferral import _core
from rereferral.conditions import conditions_from_plain, normal_conditions, plain_conditions
from rereferral.errors import RuleError
from rereferral.rule_values import (
    Eligible,
    Mediator,
    parse_confirm,
    parse_exits,
    parse_veto,
)
from rereferral.spans import OPEN, Span, parse_span, parse_window
from rereferral.wording import definition_in_words

__all__ = ["Definition"]

_CHOICES = {
    "cohort": ("longest", "each"),
    "window_end": ("inclusive", "exclusive"),
    "direction": ("forward", "backward"),
    "same_day": ("exclude", "include"),
    "ties": ("first row", "last row"),
    "within_gap": ("skip", "stop", "absorb"),
    "followup": ("complete", "observed", "ignored"),
    "select": ("every", "first", "last"),
    "claim": ("every", "latest index"),
}

#: Rules that look only forward, and what they are when nobody asked for them.
_FORWARD_ONLY = {"claim": "every", "exits": None, "confirm": None, "mediator": None}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Definition:
    """Rules that decide which outcome event belongs to an index event, and who is counted.

    A definition is a value: frozen, comparable, printed in plain words, written to JSON and read
    back. Rules given to :func:`rereferral.link` as keywords are ``definition.replace(...)``.

    Parameters
    ----------
    window : str, int, Span, None, or list of these, default "12 months"
        The time in which an event counts: ``"12 months"``, ``"365 days"``, ``"1 year"``, a number
        of days, or None for no end. It is added to the earlier date of the pair in both directions;
        a month ends on its last day where the same day of the month does not exist. A list gives
        several windows at once; any other text is a column of the index table that holds each
        row's window in whole days.
    cohort : {"longest", "each"}
        Several windows share the index events that were followed for the longest, or each has its
        own.
    window_end : {"inclusive", "exclusive"}
        Does the day at exactly the window's length count?
    direction : {"forward", "backward"}
        Are events looked for after the index event, or before it?
    same_day : {"exclude", "include"}
        Does an event on the index day count?
    ties : {"first row", "last row"}
        Which of a day's events ``event_row`` names. No rate depends on it.
    take : {"first", "last"} or int
        The nearest day with an event in the direction of search, the farthest, or the nth.
    min_gap : str, int, Span or None, default None
        Events at a shorter gap do not count.
    within_gap : {"skip", "stop", "absorb"}
        What such an event does: it is passed over; it ends the search without an event; or the
        anchor moves to it, repeatedly, and window and follow-up with it.
    after : str or None
        A column of dates in the index table: events on that day or before do not count (with
        ``same_day="include"`` those before).
    followup : {"complete", "observed", "ignored"}
        ``"complete"``: only index events whose whole window was observed are counted, decided by
        dates alone. ``"observed"``: all are, and the rate is the Kaplan-Meier risk at the window's
        end. ``"ignored"``: all are, and the rate is the raw proportion.
    event_filter : dict or None
        Only such outcome events count: ``{"column": value}``, ``{"column": [values]}`` or
        ``{"column": ("<", value)}``.
    veto : (dict, str) or None
        A filter and what a first day of only such events does: ``"drop"`` the index event, count as
        ``"no event"``, or ``"skip"`` to the next.
    confirm : (str, span) or None
        A column of the events table and a lag: an event counts if that date is not missing and not
        after the window's end plus the lag.
    claim : {"every", "latest index"}
        May an outcome serve several index events, or only the latest counted one before it?
    select : {"every", "first", "last"}
        Every index event, or one a person (and period, with `per`).
    per : {None, "financial_year", "year", "half_year"} or str
        The period of the index date; half-years begin in January and July. Any other text is a
        column of the index table.
    washout : str, int, Span or None, default None
        An index event is left out if another eligible one of the person lies in that time before
        it, kept or not.
    rolling : bool, default False
        Of those, only index events that were kept count.
    eligible : Eligible or None
        Ages, lengths and history that are asked.
    exits : dict of Exit or None
        When a person stops being at risk, and what that does.
    mediator : Mediator or None
        Something between index event and outcome that splits the index events into arms.
    name, source, notes : str
        What it is called, where it was published, and what of it is not verified.
    episodes : dict or None
        How it reads a table of episodes: ``index_date``, ``event_date``, ``index_filter``. No rule:
        what `rr.compare` uses where it is told nothing else.

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
    cohort: str = "longest"
    direction: str = "forward"
    same_day: str = "exclude"
    ties: str = "first row"
    take: Any = "first"
    min_gap: Any = None
    within_gap: str = "skip"
    after: str | None = None
    followup: str = "complete"
    select: str = "every"
    per: str | None = None
    washout: Any = None
    rolling: bool = False
    eligible: Eligible | None = None
    event_filter: Any = None
    veto: Any = None
    exits: Any = None
    confirm: Any = None
    claim: str = "every"
    mediator: Mediator | None = None
    name: str = ""
    source: str = ""
    notes: str = ""
    episodes: Any = None

    def __post_init__(self) -> None:
        for rule, choices in _CHOICES.items():
            value = getattr(self, rule)
            if value not in choices:
                listed = " or ".join(repr(choice) for choice in choices)
                raise RuleError(f"{rule}={value!r} is not a choice; write {listed}")
        for text in ("name", "source", "notes"):
            if not isinstance(getattr(self, text), str):
                raise RuleError(f"{text} must be text")
        for rule in ("after", "per"):
            value = getattr(self, rule)
            if value is not None and (not isinstance(value, str) or not value):
                raise RuleError(f"{rule}={value!r} is not the name of a column")
        if not isinstance(self.rolling, bool):
            raise RuleError(f"rolling={self.rolling!r} must be True or False")
        if isinstance(self.eligible, Mapping):
            object.__setattr__(self, "eligible", Eligible.from_dict(self.eligible))
        for rule, kind in (("eligible", Eligible), ("mediator", Mediator)):
            value = getattr(self, rule)
            if value is not None and not isinstance(value, kind):
                raise RuleError(f"{rule}={value!r} must be an rr.{kind.__name__}(...)")
        normal = {
            "window": parse_window(self.window),
            "take": _take(self.take),
            "min_gap": _span_or_none(self.min_gap, "min_gap"),
            "washout": _span_or_none(self.washout, "washout"),
            "event_filter": normal_conditions(self.event_filter, "event_filter"),
            "veto": parse_veto(self.veto),
            "exits": parse_exits(self.exits),
            "confirm": parse_confirm(self.confirm),
            "episodes": _reading(self.episodes),
        }
        for rule, value in normal.items():
            object.__setattr__(self, rule, value)
        self._check_windows()
        self._check_together()

    @property
    def windows(self) -> tuple[Span, ...]:
        """The windows that are spans; none where the window is a column."""
        if isinstance(self.window, str):
            return ()
        return (self.window,) if isinstance(self.window, Span) else self.window

    @property
    def several(self) -> bool:
        """Whether there are several windows."""
        return len(self.windows) > 1

    @property
    def window_column(self) -> str | None:
        """The column that holds the windows."""
        return self.window if isinstance(self.window, str) else None

    def with_window(self, window: Span) -> Self:
        """The same for one `window` of several; it is not checked again."""
        one = object.__new__(type(self))
        one.__dict__.update(self.__dict__)
        one.__dict__["window"] = window
        return one

    def _check_windows(self) -> None:
        """Refuse windows that contradict another rule."""
        for window in self.windows:
            if window == OPEN and self.followup == "complete":
                raise RuleError(
                    "a window without end is never followed completely; "
                    'give a window, or followup="observed"'
                )
            if window == OPEN and self.window_end == "exclusive":
                raise RuleError(
                    'a window without end has no last day; window_end must be "inclusive"'
                )
            if window.length == 0 and window != OPEN:
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
            if not self._holds_a_day(window):
                gap = "" if self.min_gap is None else f" and min_gap={str(self.min_gap)!r}"
                raise RuleError(
                    f"no day lies in window={str(window)!r} with window_end={self.window_end!r}, "
                    f"same_day={self.same_day!r}{gap}; make the window longer or the gap shorter"
                )

    def _check_together(self) -> None:
        """Refuse rules that contradict one another."""
        if self.within_gap != "skip" and self.min_gap is None:
            raise RuleError(
                f"within_gap={self.within_gap!r} says what an event nearer than min_gap does; "
                "give min_gap"
            )
        if self.select == "last" and self.direction == "forward" and self.per is None:
            raise RuleError(
                'select="last" forward chooses the index event that nobody returned after; '
                'give per, or select="first"'
            )
        if self.per is not None and self.select == "every":
            raise RuleError(f'per={self.per!r} needs select="first" or select="last"')
        if self.rolling and self.washout is None:
            raise RuleError("rolling=True needs a washout")
        if self.cohort == "each" and not self.several:
            raise RuleError('cohort="each" needs several windows')
        if self.direction == "backward":
            for rule, unused in _FORWARD_ONLY.items():
                if getattr(self, rule) != unused:
                    raise RuleError(f'{rule} looks forward; write direction="forward"')
        if self.confirm is not None and self.followup == "observed":
            raise RuleError(
                "an event that was not confirmed yet is neither an event nor none; "
                'with confirm, followup must be "complete" or "ignored"'
            )
        if self.confirm is not None and self.within_gap == "absorb":
            raise RuleError(
                "confirm is counted from the window's end, which absorb moves; "
                'write within_gap="skip"'
            )
        if self.mediator is not None:
            self.mediator.check_with(self)
        if self.followup == "ignored" and self.estimator != "proportion":
            raise RuleError(
                "exits that censor or compete need a time under observation; "
                'write followup="complete" or "observed"'
            )

    @property
    def estimator(self) -> str:
        """What the rate is: ``"proportion"``, ``"Kaplan-Meier"`` or ``"Aalen-Johansen"``."""
        treatments = {one.treatment for one in (self.exits or {}).values()}
        if "compete" in treatments:
            return "Aalen-Johansen"
        if "censor" in treatments or self.followup == "observed":
            return "Kaplan-Meier"
        return "proportion"

    def core_window(self, length: Span | None = None) -> tuple[object, ...]:
        """The window of that length as the core takes it; by default the one there is."""
        return (
            self.direction == "backward",
            tuple(self.window if length is None else length),
            ("days", 0) if self.min_gap is None else tuple(self.min_gap),
            self.window_end == "exclusive",
            self.same_day == "include",
        )

    def _holds_a_day(self, window: Span) -> bool:
        """Whether an event is admitted on any date; months differ, so eight years are tried."""
        days = np.arange(8 * 366, dtype=np.int64)
        first, last = np.empty((2, len(days)), np.int64)
        _core.window_bounds(self.core_window(window), days, first, last)
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
        """The definition as plain values: text, numbers, lists.

        Raises
        ------
        RuleError
            If it has a mediator, which holds a table.
        """
        if self.mediator is not None:
            raise RuleError(
                "a definition with a mediator holds a table and cannot be written; "
                "replace(mediator=None) can"
            )
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        plain["window"] = (
            self.window
            if isinstance(self.window, str)
            else [_plain_span(span) for span in self.windows]
            if self.several
            else _plain_span(self.window)
        )
        plain["min_gap"], plain["washout"] = _plain_span(self.min_gap), _plain_span(self.washout)
        plain["event_filter"] = plain_conditions(self.event_filter)
        if self.eligible is not None:
            plain["eligible"] = self.eligible.to_dict()
        if self.veto is not None:
            plain["veto"] = [plain_conditions(self.veto.filter), self.veto.action]
        if self.exits is not None:
            plain["exits"] = {name: one.to_dict() for name, one in self.exits.items()}
        if self.confirm is not None:
            plain["confirm"] = [self.confirm.column, _plain_span(self.confirm.lag)]
        if self.episodes is not None:
            plain["episodes"] = dict(self.episodes)
            if "index_filter" in self.episodes:
                plain["episodes"]["index_filter"] = plain_conditions(self.episodes["index_filter"])
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
        plain["event_filter"] = conditions_from_plain(plain.get("event_filter"))
        if isinstance(plain.get("episodes"), Mapping):
            reading = dict(plain["episodes"])
            reading["index_filter"] = conditions_from_plain(reading.get("index_filter"))
            plain["episodes"] = reading
        return cls().replace(**plain)

    def __hash__(self) -> int:
        return hash((self.replace(mediator=None).to_json(), self.mediator))

    def __str__(self) -> str:
        return definition_in_words(self)


def _span_or_none(given: Any, what: str) -> Span | None:
    """A span that is a rule only if it has a length."""
    if given is None:
        return None
    span = parse_span(given, what)
    if span == OPEN:
        raise RuleError(f"{what} must have an end")
    return span if span.length else None


def _plain_span(span: Span | None) -> str | None:
    return None if span is None or span == OPEN else f"{span.length} {span.unit}"


_MOST_TAKEN = 1_000_000_000


def _take(given: Any) -> str | int:
    if given in ("first", "last") and isinstance(given, str):
        return given
    try:
        nth = None if isinstance(given, (bool, str)) else operator.index(given)
    except TypeError:
        nth = None
    if nth is None or not 1 <= nth <= _MOST_TAKEN:
        raise RuleError(
            f'take={given!r} is not a choice; write "first", "last", or 2 for the second day'
        )
    return "first" if nth == 1 else nth


_READING = ("index_date", "event_date", "index_filter")


def _reading(given: Any) -> dict[str, Any] | None:
    """How a table of episodes is read, in one form."""
    if given is None:
        return None
    if not isinstance(given, Mapping) or any(name not in _READING for name in given):
        raise RuleError(f"episodes must be a dict with {', '.join(_READING)}")
    reading = {name: value for name, value in given.items() if value is not None}
    if "index_filter" in reading:
        reading["index_filter"] = normal_conditions(reading["index_filter"], "index_filter")
    return reading
