"""The two sides in order, and the sweeps over them that find events."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rereferral import _core
from rereferral.day_columns import DayColumn
from rereferral.days import NULL_DAY, Days, add_span, by_day
from rereferral.definition import Definition
from rereferral.free_memory import check_memory
from rereferral.keys import (
    Codes,
    CoreKey,
    NumberKey,
    TextKey,
    codes_of,
    encode,
    number_keys,
    text_keys,
)
from rereferral.prepared import Prepared
from rereferral.sides import Mask, Side
from rereferral.spans import OPEN
from rereferral.windows import Reach

__all__ = ["Again", "Bounds", "CoreRule", "Found", "Matching"]

PAIR_BYTES = 12
PAIRS_ADVICE = (
    "look for a person with very many events, or ask for a shorter window; link() counts the days "
    "with an event of each row, and its mean_count() needs no pairs"
)

#: A first and a last admissible day by row, beside the window's; None: no such bounds.
Bounds = tuple[Days | None, Days | None]


class CoreRule(NamedTuple):
    """`rr_rule` as the binding reads it; the comments there say what each part is."""

    window: tuple[object, ...]
    last_row: bool
    stop_near: bool
    stop_veto: bool
    take: int
    claim_latest: bool
    same_table: bool
    apart: Mask | None = None
    use: Mask | None = None
    anchor: Days | None = None
    self_row: Days | None = None
    lower: Days | None = None
    upper: Days | None = None
    confirm_by: Days | None = None
    index_day: tuple[object, ...] | None = None
    event_day: tuple[object, ...] | None = None
    vetoed: Mask | None = None
    confirmed: Days | None = None


class Found(NamedTuple):
    """What a search found, by index row; -1 for nothing.

    Where it was `narrowed` from a longer window, `event_row` is still that of the longer: it holds
    where `gap_days` is not -1.
    """

    event_row: npt.NDArray[np.int64]
    gap_days: npt.NDArray[np.int32]
    vetoed: Mask | None
    narrowed: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Again:
    """A search that was made, to ask more of it.

    `use` and `counted` are None where they are all rows. Rows of `use` that a veto took away, and
    are not counted, have claimed events all the same.
    """

    matching: Matching
    use: Mask | None
    counted: Mask | None
    reach: Reach
    find_bounds: Callable[[Reach], Bounds]

    @property
    def bounds(self) -> Bounds:
        """The bounds by row; worked out again, for they are seldom asked for."""
        return self.find_bounds(self.reach)

    def days(self) -> npt.NDArray[np.int64]:
        """How many days with an event there are in each window."""
        days = self.matching.count(self.use, self.reach, self.bounds)
        if self.counted is None or self.counted is self.use:
            return days
        return np.where(self.counted, days, 0)

    def sweep(self) -> tuple[object, CoreRule, int]:
        """The sides in order, the rule, and the length of the events table, for the core."""
        rule = self.matching.rule_for(self.use, self.reach, self.bounds)
        return self.matching.parts, rule, len(self.matching.events.dates)


class Matching:
    """Index events and outcome events of one linkage, ready to be searched.

    Both sides are put in order when that is first needed; rows that leave the cohort later are
    passed over by the sweeps.
    """

    def __init__(
        self,
        definition: Definition,
        index: Side,
        events: Side,
        self_row: Days | None,
        prepared: Prepared | None = None,
    ) -> None:
        self.definition = definition
        self.index = index
        self.events = events
        self._prepared = prepared
        (self._index_key, event_key), self._limit = _core_keys(index, events, prepared)
        # Let go of once it is in order: it would lie beside the answers.
        self._event_key: CoreKey | TextKey | None = event_key
        self._self_row = self_row
        self._same_table = self_row is None and index.table.same(events.table)
        self._parts: object | None = None
        self.vetoed: Mask | None = None
        self.confirmed: Days | None = None
        if definition.veto is not None:
            self.vetoed = events.mask(definition.veto.filter)
        if definition.confirm is not None:
            self.confirmed = events.table.days(definition.confirm.column)
        self.after: Days | None = None
        if definition.after is not None:
            # The first day that counts, from the last that does not.
            self.after = index.table.days(definition.after) + (definition.same_day == "exclude")

    @cached_property
    def person(self) -> Codes:
        """A code for the whole key of each index row."""
        if isinstance(self._index_key, NumberKey | TextKey) or self._prepared is not None:
            # Prepared events have one code for all whom they do not know.
            return codes_of(self.index.table, self.index.key)[0]
        return self._index_key

    def codes(self) -> list[Codes]:
        """The codes of the whole key of both sides, worked out anew."""
        return _encode_both(self.index, self.events)[0]

    def put_in_order(self) -> None:
        """Put both sides in order now, while all rows that a later search may use are there."""
        _ = self.parts

    @property
    def parts(self) -> object:
        """Both sides in order: the rows that were left when it was first asked for."""
        index, events = self.index, self.events
        if self._parts is None and self._prepared is not None:
            self._parts = _core.order_onto(
                *(self._index_key, index.dates.for_core, index.ledger.left),
                self._prepared.parts(events),
            )
        elif self._parts is None and isinstance(self._index_key, TextKey):
            assert isinstance(self._event_key, TextKey)
            self._parts = _core.order_keys(
                (self._index_key.columns, self._event_key.columns),
                *(index.dates.for_core, index.ledger.left),
                *(events.dates.for_core, events.ledger.left),
            )
            self._event_key = None
        elif self._parts is None:
            self._parts = _core.order(
                *(self._index_key, index.dates.for_core, index.ledger.left),
                *(self._event_key, events.dates.for_core, events.ledger.left),
                self._limit,
            )
            self._event_key = None
        return self._parts

    def rule(self, window: tuple[object, ...], **bounds: Any) -> CoreRule:
        """The rule for the core, with a window and bounds by row."""
        definition = self.definition
        take = {"first": 1, "last": 0}.get(definition.take, definition.take)
        needs_days = self._same_table or self._self_row is not None
        is_bounded = bounds.get("lower") is not None or bounds.get("upper") is not None
        return CoreRule(
            window=window,
            last_row=definition.ties == "last row",
            stop_near=definition.within_gap == "stop",
            stop_veto=definition.veto is not None and definition.veto.action != "skip",
            take=take,
            claim_latest=definition.claim == "latest index",
            same_table=self._same_table,
            self_row=self._self_row,
            index_day=self.index.dates.for_core if is_bounded else None,
            event_day=self.events.dates.for_core if needs_days else None,
            vetoed=self.vetoed,
            confirmed=self.confirmed,
            **bounds,
        )

    def absorb(self) -> Days:
        """The day to which each index row's anchor moves; its own day where it takes no part."""
        anchor = self.index.days.copy()
        parts = self.parts
        rule = self.rule(self.definition.core_window(OPEN), lower=self.after)
        _core.absorb(parts, rule, len(self.events.dates), anchor)
        return anchor

    def link(self, use: Mask | None, reach: Reach, bounds: Bounds) -> Found:
        """Search the window of each index row of `use`, between first and last days by row."""
        n = len(self.index.dates)
        stops = self.definition.veto is not None and self.definition.veto.action == "drop"
        found = Found(
            _core.empty(n, 64),
            _core.empty(n, 32),
            np.empty(n, np.bool_) if stops else None,
        )
        rule = self.rule_for(use, reach, bounds)
        _core.link(
            *(self.parts, rule, n, len(self.events.dates)),
            *(found.event_row, found.gap_days, None, found.vetoed),
        )
        return found

    def count(self, use: Mask | None, reach: Reach, bounds: Bounds) -> Days:
        """How many days with an event there are in the window of each index row of `use`."""
        n = len(self.index.dates)
        days = np.empty(n, np.int64)
        rule = self.rule_for(use, reach, bounds)
        _core.link(self.parts, rule, n, len(self.events.dates), None, None, days, None)
        return days

    def returned(self, use: Mask, until: Days, reach: Reach) -> Mask:
        """Whether an event of each row of `use` lies between its index day and a last day by row.

        Who confirms it in time is a matter of the window; vetoed events are no events, and end
        nothing.
        """
        window = list(self.definition.core_window(OPEN))
        window[3] = False
        bounds = {"lower": self.after, "upper": until, "confirm_by": self._confirm_by(reach)}
        rule = self.rule(tuple(window), use=use, **bounds)
        n = len(self.index.dates)
        gap_days = np.empty(n, np.int32)
        plain = rule._replace(take=1, stop_veto=False)
        _core.link(self.parts, plain, n, len(self.events.dates), None, gap_days, None, None)
        return gap_days >= 0

    def pairs(
        self, use: Mask | None, reach: Reach, bounds: Bounds
    ) -> tuple[Days, Days, npt.NDArray[np.int32]]:
        """Offsets, event rows and gaps of every event that the rule admits."""
        rule = self.rule_for(use, reach, bounds)
        n_events = len(self.events.dates)
        offsets = _core.empty(len(self.index.dates) + 1, 64)
        _core.pairs_count(self.parts, rule, n_events, offsets)
        check_memory(f"{int(offsets[-1]):,} pairs", int(offsets[-1]) * PAIR_BYTES, PAIRS_ADVICE)
        event_row = _core.empty(int(offsets[-1]), 64)
        gap_days = _core.empty(len(event_row), 32)
        _core.pairs_fill(self.parts, rule, n_events, offsets, event_row, gap_days)
        return offsets, event_row, gap_days

    def rule_for(self, use: Mask | None, reach: Reach, bounds: Bounds) -> CoreRule:
        """The rule of a search of the index rows of `use`."""
        parts_made = self._parts is not None
        self.put_in_order()
        return self.rule(
            reach.core_window,
            apart=self._apart(reach.moved, bounds),
            # Rows that were left out before the sides were put in order need no second look.
            use=use if parts_made else None,
            anchor=reach.moved,
            lower=bounds[0],
            upper=bounds[1],
            confirm_by=self._confirm_by(reach),
        )

    def _apart(self, anchor: Days | None, bounds: Bounds) -> Mask | None:
        """The rows with an anchor or bounds of their own, where there are few; None: any row."""
        if bounds[0] is not None or (anchor is None and bounds[1] is None):
            return None
        apart = np.zeros(len(self.index.dates), np.bool_)
        if anchor is not None:
            apart |= anchor != self.index.days
        if bounds[1] is not None:
            apart |= bounds[1] != NULL_DAY
        return apart if np.count_nonzero(apart) < len(apart) // 2 else None

    def narrow(self, reaches: Sequence[Reach], longest: Reach, found: Found) -> list[Found]:
        """What a search of `longest` says of windows that lie in it."""
        shorter = [reach for reach in reaches if reach.window != longest.window]
        gaps = [_core.empty(len(found.gap_days), 32) for _ in shorter]
        anchors = self.index.dates if longest.moved is None else DayColumn(longest.moved, 1)
        windows = tuple(reach.core_window for reach in shorter)
        _core.narrow(windows, anchors.for_core, found.gap_days, tuple(gaps))
        of_window = {id(reach): gap for reach, gap in zip(shorter, gaps, strict=True)}
        return [
            Found(found.event_row, of_window[id(reach)], None, narrowed=True)
            if id(reach) in of_window
            else found
            for reach in reaches
        ]

    def _confirm_by(self, reach: Reach) -> Days | None:
        """The last day on which an event of each index row may be confirmed."""
        if self.definition.confirm is None or reach.open:
            return None
        lag = self.definition.confirm.lag
        return by_day(reach.full_end, lambda day: add_span(day, lag))


def _core_keys(
    index: Side, events: Side, prepared: Prepared | None
) -> tuple[Sequence[CoreKey | TextKey], int]:
    """The whole key of both tables as the core takes it, and the limit of its codes."""
    if prepared is not None:
        return prepared.keys(index, events)
    sides = [(index.table, index.key), (events.table, events.key)]
    numbers = number_keys(sides)
    if numbers is not None:
        return numbers
    texts = text_keys(sides)
    return (texts, 0) if texts is not None else _encode_both(index, events)


def _encode_both(index: Side, events: Side) -> tuple[list[Codes], int]:
    """Codes of the whole key for both tables; once where both are the same columns."""
    if index.table.same(events.table) and index.key == events.key:
        code, limit = codes_of(index.table, index.key)
        return [code, code], limit
    return encode([(index.table, index.key), (events.table, events.key)])
