"""How the risk of each index event ended: by the event, an exit, or what was observed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rereferral.days import Days
from rereferral.definition import Definition
from rereferral.exits import NOBODY, FirstExit, exit_names
from rereferral.observation import Observation
from rereferral.sides import Mask
from rereferral.windows import Reach

__all__ = ["Ends", "Outcomes", "outcome_names"]

_LINKED, _NONE, _CENSORED, _EXITS = range(4)


def outcome_names(definition: Definition) -> tuple[str, ...]:
    """What the codes of an outcome mean, in their order."""
    return "linked", "none", "censored", *exit_names(definition), "not followed", "excluded"


class Ends(NamedTuple):
    """Days at risk, what ended them, and whether the whole window was observed.

    Causes are 0 for the end of the window or of observation, 1 for the event, and from 2 on the
    exits that compete.
    """

    duration: npt.NDArray[np.int64]
    cause: npt.NDArray[np.int8]
    full: Mask


@dataclasses.dataclass(frozen=True, eq=False)
class Outcomes:
    """The outcomes of one window.

    Attributes
    ----------
    definition : Definition
    reach : Reach
        The window of each index event.
    find_exit : callable
        Gives the exit of each that comes first, or None where no exit is asked about.
    observed : Observation
        What is in the data.
    gap_days : ndarray of int32
        Days to the event; -1 for none.
    followed : ndarray of bool
        The index events in the denominator.
    unfollowed : ndarray of bool, or None
        Those left out because they were not observed; None: none.
    """

    definition: Definition
    reach: Reach
    find_exit: Callable[[], FirstExit | None]
    observed: Observation
    gap_days: npt.NDArray[np.int32]
    followed: Mask
    unfollowed: Mask | None

    @cached_property
    def codes(self) -> npt.NDArray[np.int8]:
        """Positions in `outcome_names`."""
        n_names = len(outcome_names(self.definition))
        outcome = np.full(len(self.gap_days), n_names - 1, np.int8)
        if self.unfollowed is not None:
            outcome[self.unfollowed] = n_names - 2
        outcome[self.followed] = _NONE
        leave, cut = self.find_exit(), self._cut
        if leave is not None:
            leaves = self.followed & (leave.code != NOBODY)
            outcome[leaves] = _EXITS + leave.code[leaves]
            if cut is not None:
                # Who had left before observation ended was not cut off by it.
                cut = cut & ((leave.code == NOBODY) | (leave.last > self._edge))
        if cut is not None:
            outcome[self.followed & cut] = _CENSORED
        outcome[self.gap_days >= 0] = _LINKED
        outcome.flags.writeable = False
        return outcome

    def ends(self) -> Ends:
        """The days at risk until the event, or what ended them without one."""
        without = self.ends_without_event()
        event = self.gap_days >= 0
        np.copyto(without.duration, self.gap_days, where=event)
        np.copyto(without.cause, 1, where=event)
        return without

    def ends_without_event(self) -> Ends:
        """The days at risk as if no event had come."""
        end, anchor = self.reach.end, self.reach.anchor
        cut = self._cut
        full = np.ones(len(self.gap_days), np.bool_) if cut is None else ~cut
        last = end if cut is None else np.where(cut, self._edge, end)
        # A window of a row may hold no day at all, and then ends before it begins.
        duration = np.maximum(last - anchor if self.reach.forward else anchor - last, 0)
        cause = np.zeros(len(self.gap_days), np.int8)
        competing = self.competing or []
        leave = self.find_exit()
        for place, name in enumerate(exit_names(self.definition) if leave is not None else ()):
            assert leave is not None
            treatment = self.definition.exits[name].treatment
            gone = (leave.code == place) & (leave.last <= last)
            if treatment == "no event":
                # No event can follow, whether or not it would have been observed.
                until = last if self.reach.open else end
                full |= gone & (not self.reach.open)
                duration[gone] = until[gone] - anchor[gone]
                continue
            duration[gone] = leave.last[gone] - anchor[gone]
            if treatment == "compete":
                cause[gone] = 1 + competing.index(name)
            else:
                full &= ~gone | (self.gap_days >= 0)
        np.copyto(duration, 0, where=~self.followed)
        return Ends(duration, cause, full)

    @property
    def competing(self) -> list[str] | None:
        """The names of causes 1, 2, ...; None where nothing competes with the event."""
        exits = self.definition.exits or {}
        names = [name for name, one in exits.items() if one.treatment == "compete"]
        return ["linked", *names] if names else None

    @property
    def _edge(self) -> int | Days:
        """The day at which observation ends."""
        return self.observed.edge(self.definition.direction)

    @property
    def _cut(self) -> Mask | None:
        """Where observation ends before the window does; None where that is of no account."""
        if self.definition.followup != "observed":
            return None
        beyond = self.reach.end > self._edge
        return beyond if self.reach.forward else np.asarray(self.reach.end < self._edge)
