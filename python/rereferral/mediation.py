"""Something between index event and outcome: arms that are fixed at a landmark."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.days import NULL_DAY, Days, add_span, by_day
from rereferral.definition import Definition
from rereferral.errors import RuleError
from rereferral.exits import leaves_between
from rereferral.groups import Groups
from rereferral.keys import encode
from rereferral.ledger import Ledger
from rereferral.lineage import joined_areas
from rereferral.matching import CoreRule, Found, Matching
from rereferral.observation import Observation
from rereferral.rule_values import Mediator
from rereferral.sides import Mask, Side
from rereferral.spans import Offset
from rereferral.tables import open_table
from rereferral.warning import warn
from rereferral.windows import Reach

__all__ = ["ARMS", "Arms", "Early", "Mediation", "open_mediation"]

ARMS = ("mediated", "not mediated", "before landmark")
MEDIATED, NOT_MEDIATED, BEFORE = range(len(ARMS))
_NO_ARM = -1

# From the anchor on, that day included.
_EVER_AFTER = (False, ("open", 0), ("days", 0), False, True)


@dataclasses.dataclass(frozen=True, eq=False)
class Early:
    """Index events that returned or left before the landmark.

    Attributes
    ----------
    rows : ndarray of bool
        All of them.
    returned : int
        How many of them had an event by the landmark.
    """

    rows: Mask
    returned: int


@dataclasses.dataclass(frozen=True, eq=False)
class Arms:
    """The arm of each index row.

    Attributes
    ----------
    codes : ndarray of int8
        Positions in `ARMS`, -1 for rows that are not counted.
    returned : int
        How many of the arm before the landmark had an event by then.
    """

    codes: npt.NDArray[np.int8]
    returned: int

    @property
    def categorical(self) -> pd.Categorical:
        """The arms by name; missing for rows that are not counted."""
        return pd.Categorical.from_codes(self.codes, categories=list(ARMS), ordered=True)

    @property
    def groups(self) -> Groups:
        """All three arms as groups; rows that are not counted are in the first."""
        every = pd.Categorical(ARMS, categories=ARMS, ordered=True)
        codes = np.maximum(self.codes, 0).astype(np.int32)
        return Groups(codes, pd.DataFrame({"arm": every}))

    def with_early(self, rates: pd.DataFrame) -> pd.DataFrame:
        """The rates of `groups`, with the numbers of those who were early for the landmark."""
        rates.loc[BEFORE, "n"] = int(np.count_nonzero(self.codes == BEFORE))
        rates.loc[BEFORE, "linked"] = self.returned
        rates.loc[BEFORE, "method"] = "none: returned or left before the landmark"
        return rates


class Mediation:
    """A mediator beside the index events of one linkage: landmarks, and who started.

    Attributes
    ----------
    landmark : ndarray of int64, or None
        The day on which each row's arm is fixed; None: the index day.
    ledger : Ledger or None
        What was left out of the mediator's table; None where there is none.
    """

    def __init__(
        self,
        mediator: Mediator,
        index: Side,
        observed_from: object,
        observed_until: object,
        ids: str,
    ) -> None:
        self._mediator = mediator
        self._earliest = _bound(index.days, mediator.within[0], latest=False)
        self.landmark: Days | None = None
        if mediator.landmark.length:
            self.landmark = by_day(index.days, lambda day: add_span(day, mediator.landmark))
        self._by_filter: Mask | None = None
        if mediator.index_filter is not None:
            self._by_filter = index.mask(mediator.index_filter)
        self._start: Days | None = None
        self.ledger: Ledger | None = None
        if mediator.table is not None:
            starts = _side_of(mediator, index, observed_from, observed_until, ids)
            self.ledger = starts.ledger
            self._start = self._first_starts(index, starts)

    def _first_starts(self, index: Side, starts: Side) -> Days:
        """The first start of each index row in the days in which one counts; null for none."""
        codes, limit = encode([(index.table, index.key), (starts.table, starts.key)])
        parts = _core.order(
            *(codes[0], index.dates.for_core, index.ledger.left),
            *(codes[1], starts.dates.for_core, starts.ledger.left),
            limit,
        )
        rule = CoreRule(
            window=_EVER_AFTER,
            last_row=False,
            stop_near=False,
            stop_veto=False,
            take=1,
            claim_latest=False,
            same_table=False,
            anchor=self._earliest,
            upper=_bound(index.days, self._mediator.within[1], latest=True),
        )
        n = len(index.dates)
        wait = np.empty(n, np.int32)
        _core.link(parts, rule, n, len(starts.dates), None, wait, None, None)
        return np.where(wait < 0, NULL_DAY, self._earliest + wait)

    def remove_early(
        self, definition: Definition, matching: Matching, ledger: Ledger, reach: Reach
    ) -> Early | None:
        """Leave out who returned or left before the landmark; None where it is the index day."""
        index = matching.index
        if self.landmark is None:
            return None
        returned = matching.returned(ledger.kept, self.landmark, reach)
        left = leaves_between(definition, index.table, index.days, self.landmark)
        reason = f"returned or left before the landmark, {self._mediator.landmark} after it"
        rows = ledger.kept & (returned | left)
        ledger.remove("mediator", reason, rows)
        return Early(rows, int(np.count_nonzero(rows & returned)))

    def arms(self, followed: Mask, early: Early | None, found: Found, reach: Reach) -> Arms:
        """The arms of the rows that are counted, and of those that were early."""
        mediated = np.zeros(len(followed), np.bool_)
        if self._start is not None:
            mediated = self._start != NULL_DAY
            if self._mediator.guard == "exclude later starts":
                event = found.gap_days >= 0
                mediated = mediated & ~(event & (self._start > reach.anchor + found.gap_days))
        if self._by_filter is not None:
            mediated = mediated | self._by_filter
        codes = np.where(mediated, np.int8(MEDIATED), np.int8(NOT_MEDIATED))
        codes[~followed] = _NO_ARM
        if early is not None:
            codes[early.rows] = BEFORE
        return Arms(codes, 0 if early is None else early.returned)

    def notes(self, observed: Observation, followed: Mask, early: Early | None) -> list[str]:
        """What must be said beside the figures."""
        notes = []
        if early is not None:
            notes.append(
                f"{int(np.count_nonzero(early.rows)):,} index events returned or left before the "
                "landmark and are an arm apart: see arms()."
            )
        if self._start is not None and observed.first is not None:
            unseen = int(np.count_nonzero(followed & (self._earliest < observed.first)))
            if unseen:
                notes.append(
                    f"For {unseen:,} index events the days in which a start counts begin before "
                    "observed_from: a start there was not seen."
                )
        return notes


def open_mediation(
    definition: Definition,
    index: Side,
    observed_from: object,
    observed_until: object,
    ids: str,
) -> Mediation | None:
    """Read the mediator of a definition; None where it has none."""
    mediator = definition.mediator
    if mediator is None:
        return None
    if mediator.guard == "exclude later starts":
        warn(
            'guard="exclude later starts" favours the mediator: who returns soon has had no time '
            "to start and is counted as not mediated, so the mediated look better even where "
            'nothing works; guard="landmark" does not'
        )
    return Mediation(mediator, index, observed_from, observed_until, ids)


def _side_of(
    mediator: Mediator,
    index: Side,
    observed_from: object,
    observed_until: object,
    ids: str,
) -> Side:
    """The mediator's table without the rows that cannot be used."""
    table = open_table(mediator.table, "mediator")
    for what, given in (("observed_from", observed_from), ("observed_until", observed_until)):
        if isinstance(given, str) and index.table.has(given) and not table.has(given):
            raise RuleError(
                f"{what}={given!r} is a column of the index, and the mediator's table has no such "
                "column; give it one, or a date"
            )
    assert mediator.date is not None
    table = joined_areas(table, index.scope, ids).table
    side = Side(table, "mediator", mediator.date, index.person, index.scope)
    side.remove_nulls()
    side.remove_unobserved(observed_from, observed_until)
    return side


def _bound(days: Days, offset: Offset, *, latest: bool) -> Days:
    """The first or the last day that an offset from each day admits.

    A span is always added to the earlier date: a day lies n months before d, or less, exactly if d
    is not after it plus n months.
    """
    if offset.sign > 0:
        return by_day(days, lambda day: add_span(day, offset.span)) if offset.span.length else days
    span = tuple(offset.span)
    window = (
        (True, ("open", 0), span, False, True) if latest else (True, span, ("days", 0), False, True)
    )

    def bound(day: Days) -> Days:
        first, last = np.empty((2, len(day)), np.int64)
        _core.window_bounds(window, np.ascontiguousarray(day), first, last)
        return last if latest else first

    return by_day(days, bound)
