"""Who is counted: the steps from the index events that pass the filters to the denominator."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rereferral import _core
from rereferral.days import Days, financial_year, month_of
from rereferral.definition import Definition
from rereferral.errors import RuleError
from rereferral.exits import remove_exits
from rereferral.ledger import Ledger, Point
from rereferral.marks import Within, marked, mask_of, unmarked
from rereferral.matching import Matching
from rereferral.mediation import Early, Mediation
from rereferral.observation import Observation
from rereferral.sides import Mask, Side
from rereferral.spans import Span
from rereferral.windows import Reach

__all__ = ["Chosen", "choose_cohort", "earliest_day", "look_backs"]


class Chosen(NamedTuple):
    """Who is not counted for a reason of its own: not followed, or early for a landmark.

    At `eligible` the rows are left whose follow-up is asked about, at `followed` those of them that
    have it.
    """

    eligible: Point
    followed: Point
    early: Early | None

    @property
    def unfollowed(self) -> Mask | None:
        """The eligible rows that were not followed; None: nobody."""
        eligible, followed = self.eligible.left, self.followed.left
        if followed is None or followed is eligible:
            return None
        return mask_of(unmarked(followed), before=eligible)

    def or_unfollowed(self, left: Mask | None) -> Mask | None:
        """The rows that are left at the end and those that were not followed; None: all."""
        if left is self.followed.left:
            return self.eligible.left
        unfollowed = self.unfollowed
        return left if left is None or unfollowed is None else left | unfollowed


def look_backs(definition: Definition) -> dict[str, Span]:
    """The spans before the index day that must have been observed, by what needs them."""
    spans = {}
    if definition.eligible is not None and definition.eligible.history is not None:
        column, span = definition.eligible.history
        if column is None:
            spans["history"] = span
    if definition.washout is not None and definition.followup != "ignored":
        spans["washout"] = definition.washout
    return spans


def choose_cohort(
    definition: Definition,
    matching: Matching,
    observed: Observation,
    reach: Reach,
    mediation: Mediation | None = None,
) -> Chosen:
    """Take away, from the index side's ledger, what is not counted.

    The steps are look-back, follow-up, washout, select, the landmark of a mediator, and exits that
    exclude.
    """
    index = matching.index
    ledger = index.ledger
    eligible = ledger.here()
    if definition.washout is not None:
        # Eligible rows wash out others even if they are not kept.
        matching.put_in_order()
    _remove_unobserved_past(definition, index, observed)
    _remove_unfollowed(definition, observed, ledger, reach)
    followed = ledger.here()
    _remove_washed_out(definition, matching, ledger)
    _remove_unselected(definition, matching, ledger)
    early = None
    if mediation is not None:
        early = mediation.remove_early(definition, matching, ledger, reach)
    remove_exits(definition, index, ledger, reach)
    return Chosen(eligible, followed, early)


def _remove_unobserved_past(definition: Definition, index: Side, observed: Observation) -> None:
    """Whose history does not reach back as far as a rule looks."""
    for rule, span in look_backs(definition).items():
        if observed.first is None:
            raise RuleError(f"{rule} looks back {span}: give observed_from")
        words = observed.edge_in_words("backward")
        reason = f"the {rule} of {span} begins before {words}"
        index.ledger.keep("look-back", reason, _not_too_early(span, index, observed.first))


def _not_too_early(span: Span, index: Side, first: int | Days) -> Within | None:
    """The rows from which a span does not look back to before a day; None: every row."""
    if isinstance(first, int):
        reached = index.dates.first_day(lambda day: earliest_day(span, np.array([day]))[0] >= first)
        return index.dates.within(first=reached)
    return unmarked(earliest_day(span, index.days) < first)


def earliest_day(span: Span, days: Days) -> Days:
    """The first day that lies within a span before each day."""
    window = (True, tuple(span), ("days", 0), False, True)
    earliest, last = np.empty((2, len(days)), np.int64)
    _core.window_bounds(window, days, earliest, last)
    return earliest


def _remove_unfollowed(
    definition: Definition, observed: Observation, ledger: Ledger, reach: Reach
) -> None:
    """Complete follow-up is decided by dates alone, never by whether an event was seen."""
    if definition.followup == "ignored":
        return
    edge = observed.edge(definition.direction)
    words = observed.edge_in_words(definition.direction)
    if definition.followup == "observed":
        if definition.mediator is not None and definition.mediator.landmark.length:
            # Nobody's arm is known before the landmark has been observed.
            ledger.remove("follow-up", f"the landmark comes after {words}", reach.anchor > edge)
        return
    if definition.direction == "backward":
        ledger.keep("look-back", f"the window begins before {words}", reach.begins_from(edge))
        return
    # The day at the window's full length must have been observed, whichever end it has.
    lag, what = None, "the window ends"
    if definition.confirm is not None:
        lag = definition.confirm.lag
        what = f"the window and {lag} more end"
    ledger.keep("follow-up", f"{what} after {words}", reach.ends_by(edge, lag))


def _remove_washed_out(definition: Definition, matching: Matching, ledger: Ledger) -> None:
    if definition.washout is None:
        return
    washed = np.empty(len(matching.index.dates), np.bool_)
    _core.washout(
        matching.parts, tuple(definition.washout), ledger.kept, definition.rolling, washed
    )
    which = "kept" if definition.rolling else "eligible"
    reason = f"another {which} index event of the person in the {definition.washout} before"
    ledger.remove("washout", reason, washed)


def _remove_unselected(definition: Definition, matching: Matching, ledger: Ledger) -> None:
    if definition.select == "every":
        return
    chosen = np.empty(len(matching.index.dates), np.bool_)
    period = None if definition.per is None else _periods(matching.index, definition.per)
    _core.select(matching.parts, ledger.kept, period, definition.select == "last", chosen)
    per = "" if definition.per is None else f" per {definition.per}"
    reason = f"not the {definition.select} index event of the person{per}"
    ledger.keep("select", reason, marked(chosen))


def _periods(index: Side, per: str) -> npt.NDArray[np.int32]:
    """A code for the period of each index date; that of a row without a date says nothing."""
    if index.table.has(per):
        return np.ascontiguousarray(index.table.groups(per).codes, np.int32)
    if per == "financial_year":
        codes = np.asarray(financial_year(index.days).codes)
        return np.asarray(np.maximum(codes, 0), np.int32)
    months = {"year": 12, "half_year": 6}.get(per)
    if months is None:
        raise RuleError(
            f"per={per!r} is no column of the index, and not financial_year, year or half_year"
        )
    known = index.ledger.kept
    period = np.zeros(len(known), np.int64)
    period[known] = month_of(index.days[known]) // months
    if known.any():
        period -= period[known].min()
    return np.asarray(np.maximum(period, 0), np.int32)
