"""Rules that are more than a word: exits, eligibility, vetoes, confirmation, a mediator."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from rereferral.conditions import (
    Conditions,
    conditions_from_plain,
    normal_conditions,
    plain_conditions,
)
from rereferral.errors import RuleError
from rereferral.spans import OPEN, Span, parse_offset, parse_span

if TYPE_CHECKING:
    from rereferral.definition import Definition

__all__ = [
    "Birthday",
    "Confirm",
    "Eligible",
    "Exit",
    "Mediator",
    "Veto",
    "birthday",
    "parse_confirm",
    "parse_exits",
    "parse_veto",
]

_TREATMENTS = ("exclude", "no event", "censor", "compete")
_OUTCOMES = ("linked", "none", "censored", "not followed", "excluded")
_VETOES = ("drop", "no event", "skip")
_GUARDS = ("landmark", "exclude later starts")


class Birthday(NamedTuple):
    """The day on which a person turns an age. Made by :func:`rereferral.birthday`."""

    column: str
    age: int

    def __str__(self) -> str:
        return f"the {_ordinal(self.age)} birthday ({self.column})"


def birthday(column: str, age: int) -> Birthday:
    """The day on which a person turns `age`, for :class:`rereferral.Exit`.

    Somebody born on 29 February turns 18 on 1 March. On the birthday itself a person is no longer
    eligible: the last day at risk is the day before.

    Parameters
    ----------
    column : str
        The column of dates of birth in the index table.
    age : int, years
        From 0 to 150.

    Raises
    ------
    RuleError
        If `column` is no name or `age` no such number.

    Examples
    --------
    >>> import rereferral as rr
    >>> rr.Exit(rr.birthday("date_of_birth", 18), "censor")
    Exit(when=Birthday(column='date_of_birth', age=18), treatment='censor')
    """
    if not isinstance(column, str):
        raise RuleError(f"birthday: {column!r} is not the name of a column of dates of birth")
    years = _whole(age)
    if years is None or not 0 <= years <= 150:
        raise RuleError(f"birthday: age={age!r} is not a whole number of years from 0 to 150")
    return Birthday(column, years)


@dataclasses.dataclass(frozen=True)
class Exit:
    """A date on which a person stops being at risk, and what it does.

    An exit matters if it lies after the index day and not after the window's end. On one day an
    event comes before an exit; an age, though, is reached at the beginning of the birthday.

    Parameters
    ----------
    when : str or Birthday
        A column of dates in the index table (missing: no exit), or ``rr.birthday("born", 18)``.
    treatment : {"exclude", "no event", "censor", "compete"}
        ``"exclude"``: the index event leaves the cohort, whether or not an event came first.
        ``"no event"``: it stays in the denominator; events count only before the exit.
        ``"censor"``: the rate is the Kaplan-Meier risk, as if nobody left (net).
        ``"compete"``: the rate is the Aalen-Johansen risk, the world as it is (crude).

    Raises
    ------
    RuleError
        If one of them is something else.
    """

    when: str | Birthday
    treatment: str

    def __post_init__(self) -> None:
        if not isinstance(self.when, (str, Birthday)):
            raise RuleError(
                f"an exit is at {self.when!r}: give the name of a column, "
                'or rr.birthday("date_of_birth", 18)'
            )
        if self.treatment not in _TREATMENTS:
            listed = ", ".join(map(repr, _TREATMENTS))
            raise RuleError(f"an exit cannot {self.treatment!r}; write one of {listed}")

    @property
    def column(self) -> str:
        """The column that it is read from."""
        return self.when.column if isinstance(self.when, Birthday) else self.when

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        if isinstance(self.when, Birthday):
            return {"birthday": list(self.when), "treatment": self.treatment}
        return {"column": self.when, "treatment": self.treatment}


def parse_exits(given: Any) -> dict[str, Exit] | None:
    """Read the rule `exits`: a dict of names to exits, or what `Exit.to_dict` wrote."""
    if given is None:
        return None
    if not isinstance(given, Mapping) or not given:
        raise RuleError('exits must be a dict such as {"death": rr.Exit("died_on", "compete")}')
    exits = {}
    for name, one in given.items():
        if not isinstance(name, str) or not name:
            raise RuleError(f"exits: {name!r} is not a name")
        if name in _OUTCOMES:
            raise RuleError(f"exits: {name!r} is the name of another outcome; call it otherwise")
        if isinstance(one, Mapping) and "treatment" in one:
            when = birthday(*one["birthday"]) if "birthday" in one else one.get("column")
            one = Exit(when, one["treatment"])  # type: ignore[arg-type]
        if not isinstance(one, Exit):
            raise RuleError(f'exits: {name!r} must be an exit such as rr.Exit("died_on", "censor")')
        exits[name] = one
    return exits


@dataclasses.dataclass(frozen=True, kw_only=True)
class Eligible:
    """Who may be an index event, or an outcome event, besides the filters.

    Conditions are written as in a filter: ``("<", 18)``, ``(">=", 10, "<", 18)``, a value or a list
    of values. A missing value is not eligible, and is counted on a line of its own.

    Parameters
    ----------
    age_at_index : dict, years
        ``{"date_of_birth": ("<", 18)}``: completed years on the index date. Somebody born on 29
        February completes a year on 1 March.
    age_at_event : dict, years
        The same on the event date; a column of the events table.
    length : dict, days or spans
        ``{"start_date": (">=", 8)}``: days from that column to the index date. A span is added to
        the start: ``("<=", "12 months")`` is an index date on or before start + 12 months.
    history : span, or (column, span)
        How long the person must have been observed before the index date: since `observed_from`,
        or since the date in a column.

    Raises
    ------
    RuleError
        If nothing is asked, or a condition cannot be read.
    """

    age_at_index: Any = None
    age_at_event: Any = None
    length: Any = None
    history: Any = None

    def __post_init__(self) -> None:
        for name in ("age_at_index", "age_at_event"):
            normal = normal_conditions(getattr(self, name), name, _years)
            object.__setattr__(self, name, normal)
        object.__setattr__(self, "length", normal_conditions(self.length, "length", _length))
        object.__setattr__(self, "history", _history(self.history))
        if all(getattr(self, field.name) is None for field in dataclasses.fields(self)):
            raise RuleError(
                "Eligible asks nothing; give age_at_index, age_at_event, length, history"
            )

    def __hash__(self) -> int:
        return hash(repr(self))

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it; `from_dict` reads it."""
        history = self.history
        if history is not None:
            column, span = history
            history = str(span) if column is None else [column, str(span)]
        return {
            "age_at_index": plain_conditions(self.age_at_index),
            "age_at_event": plain_conditions(self.age_at_event),
            "length": plain_conditions(self.length),
            "history": history,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Eligible:
        """Read what `to_dict` wrote."""
        given = {
            name: conditions_from_plain(value) if name != "history" else value
            for name, value in plain.items()
        }
        if isinstance(given.get("history"), list):
            given["history"] = tuple(given["history"])
        try:
            return cls(**given)
        except TypeError as error:
            raise RuleError(f"eligible: {error}") from None


def _years(value: Any, what: str, column: str) -> int:
    years = _whole(value)
    if years is None or not 0 <= years <= 150:
        raise RuleError(f"{what}: {column} is compared with whole years, not {value!r}")
    return years


def _length(value: Any, what: str, column: str) -> Span:
    span = parse_span(value, f"{what} of {column}")
    if span == OPEN:
        raise RuleError(f"{what}: {column} is compared with days or a span, not {value!r}")
    return span


def _history(given: Any) -> tuple[str | None, Span] | None:
    if given is None:
        return None
    column = None
    if isinstance(given, (tuple, list)) and not isinstance(given, Span):
        if len(given) != 2 or not (given[0] is None or isinstance(given[0], str)):
            raise RuleError(f"history={given!r} is no span and no (column, span)")
        column, given = given
    span = parse_span(given, "history")
    if span == OPEN:
        raise RuleError("history must have a length")
    return column, span


class Veto(NamedTuple):
    """Events that forestall the outcome when they come first, and what that does."""

    filter: Conditions
    action: str


def parse_veto(given: Any) -> Veto | None:
    """Read the rule `veto`: a filter and what a first day of only such events does."""
    if given is None or isinstance(given, Veto):
        return given
    listed = ", ".join(map(repr, _VETOES))
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise RuleError(
            f'veto must be a pair such as ({{"planned": 1}}, "drop"); choose of {listed}'
        )
    conditions = normal_conditions(conditions_from_plain(given[0]), "veto")
    if conditions is None or given[1] not in _VETOES:
        raise RuleError(f"veto: {given[1]!r} is not a choice; write {listed}")
    return Veto(conditions, given[1])


class Confirm(NamedTuple):
    """An event counts if it is confirmed by the window's end and a lag."""

    column: str
    lag: Span


def parse_confirm(given: Any) -> Confirm | None:
    """Read the rule `confirm`: the column of the date of confirmation, and the lag."""
    if given is None or isinstance(given, Confirm):
        return given
    if not isinstance(given, (tuple, list)) or len(given) != 2 or not isinstance(given[0], str):
        raise RuleError('confirm must be a pair such as ("conviction_date", "6 months")')
    lag = parse_span(given[1], "confirm")
    if lag == OPEN:
        raise RuleError("the lag of confirm must have an end")
    return Confirm(given[0], lag)


@dataclasses.dataclass(frozen=True, eq=False)
class Mediator:
    """Something between the index event and the outcome, such as the start of early help.

    Index events are put into arms at a landmark, so that nobody's arm depends on how long they
    stayed free of the event. With an upper end of 0 or less the landmark is the index day; with a
    later one it is index day + upper end, and index events that had the event or left before it
    are an arm of their own. Risk runs from the landmark.

    Parameters
    ----------
    table : DataFrame, Arrow table, dict of arrays, or None
        One row a start, with the columns of `person` and `scope` named as in the index table. None:
        only `index_filter` tells.
    date : str or None
        The column of the start.
    within : pair of spans, default ("-30 days", "0 days")
        From and until when a start counts, seen from the index day: ``"-30 days"`` lies before it.
    index_filter : dict, optional
        Index rows that are mediated by what they say themselves:
        ``{"reason_for_closure": "RC9"}``.
    guard : {"landmark", "exclude later starts"}
        ``"exclude later starts"`` exists only to reproduce others' figures: risk runs from the
        index day and a start after the event does not count. That is the bias itself and favours
        the mediator; it warns.

    Raises
    ------
    RuleError
        If the rules contradict one another.

    References
    ----------
    J. R. Anderson, K. C. Cain and R. D. Gelber, Analysis of survival by tumor response, Journal of
    Clinical Oncology 1 (1983), 710-719, for the landmark; S. Suissa, Immortal time bias in
    pharmacoepidemiology, American Journal of Epidemiology 167 (2008), 492-499, for the bias.
    """

    table: Any = dataclasses.field(default=None, repr=False)
    date: str | None = None
    within: Any = ("-30 days", "0 days")
    index_filter: Any = None
    guard: str = "landmark"

    def __post_init__(self) -> None:
        if self.guard not in _GUARDS:
            raise RuleError(f"guard={self.guard!r} is not a choice; write {_GUARDS[0]!r}")
        if (self.table is None) != (self.date is None):
            raise RuleError("a mediator has a table and the column of its date, or neither")
        if self.table is None and self.index_filter is None:
            raise RuleError("a mediator needs a table and a date, or an index_filter")
        if not isinstance(self.within, (tuple, list)) or len(self.within) != 2:
            raise RuleError('within must be a pair of spans such as ("-30 days", "0 days")')
        ends = tuple(parse_offset(end, "within") for end in self.within)
        if ends[0].days_at_most > ends[1].days_at_most:
            raise RuleError(f"within={self.within!r} ends before it begins")
        object.__setattr__(self, "within", ends)
        conditions = normal_conditions(self.index_filter, "index_filter of the mediator")
        object.__setattr__(self, "index_filter", conditions)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mediator):
            return NotImplemented
        return self.table is other.table and self._rest == other._rest

    def __hash__(self) -> int:
        return hash((id(self.table), repr(self._rest)))

    @property
    def _rest(self) -> tuple[Any, ...]:
        return self.date, self.within, self.index_filter, self.guard

    def check_with(self, definition: Definition) -> None:
        """Refuse rules of a definition that contradict the mediator.

        Parameters
        ----------
        definition : Definition
            The definition that it is part of.

        Raises
        ------
        RuleError
            If there is one.
        """
        if self.guard != "landmark" and definition.several:
            raise RuleError(
                f"guard={self.guard!r} looks at the event of one window; give one window"
            )
        if self.landmark.length == 0:
            return
        if definition.min_gap is not None:
            raise RuleError(
                "min_gap is counted from the index event, and the risk of this mediator runs from "
                f"a landmark {self.landmark} later; leave min_gap out"
            )
        if definition.claim != "every":
            raise RuleError(
                f"with claim={definition.claim!r} an event before the landmark may belong to a "
                'later index event; write claim="every"'
            )

    @property
    def landmark(self) -> Span:
        """How long after the index day arms are fixed."""
        end = self.within[1]
        if end.sign < 0 or self.guard != "landmark":
            return Span("days", 0)
        landmark: Span = end.span
        return landmark


def _whole(value: Any) -> int | None:
    """A whole number, or None."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 <= number % 100 <= 20 else ending}"
