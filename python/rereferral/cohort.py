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
from rereferral.ledger import Ledger
from rereferral.matching import Matching
from rereferral.mediation import Early, Mediation
from rereferral.observation import Observation
from rereferral.sides import Mask, Side
from rereferral.spans import Span
from rereferral.windows import Reach

__all__ = ["Chosen", "choose_cohort", "earliest_day", "look_backs"]


class Chosen(NamedTuple):
    """Who is not counted for a reason of its own: not followed (None: nobody), or early for a
    landmark.
    """

    unfollowed: Mask | None
    early: Early | None


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
    eligible = ledger.left
    if definition.washout is not None:
        # Eligible rows wash out others even if they are not kept.
        matching.put_in_order()
    _remove_unobserved_past(definition, index, observed)
    _remove_unfollowed(definition, observed, ledger, reach)
    unfollowed = None
    if ledger.left is not None and ledger.left is not eligible:
        unfollowed = ~ledger.left if eligible is None else eligible & ~ledger.left
    _remove_washed_out(definition, matching, ledger)
    _remove_unselected(definition, matching, ledger)
    early = None
    if mediation is not None:
        early = mediation.remove_early(definition, matching, ledger, reach)
    remove_exits(definition, index, ledger, reach)
    return Chosen(unfollowed, early)


def _remove_unobserved_past(definition: Definition, index: Side, observed: Observation) -> None:
    """Whose history does not reach back as far as a rule looks."""
    for rule, span in look_backs(definition).items():
        if observed.first is None:
            raise RuleError(f"{rule} looks back {span}: give observed_from")
        words = observed.edge_in_words("backward")
        reason = f"the {rule} of {span} begins before {words}"
        index.ledger.remove("look-back", reason, _too_early(span, index, observed.first))


def _too_early(span: Span, index: Side, first: int | Days) -> Mask | None:
    """The rows from which a span looks back to before a day; None: no row."""
    if isinstance(first, int):
        reached = index.dates.first_day(lambda day: earliest_day(span, np.array([day]))[0] >= first)
        return index.dates.before(reached)
    return earliest_day(span, index.days) < first


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
        ledger.remove("look-back", f"the window begins before {words}", reach.begins_before(edge))
        return
    # The day at the window's full length must have been observed, whichever end it has.
    lag, what = None, "the window ends"
    if definition.confirm is not None:
        lag = definition.confirm.lag
        what = f"the window and {lag} more end"
    ledger.remove("follow-up", f"{what} after {words}", reach.beyond(edge, lag))


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
    ledger.remove("select", reason, ~chosen)


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
