"""The model: months in turn, children due to return first, then new children.

In every month and authority the number of new children is the official volume less the
children who return, so that the volumes hold by construction; where more return than there
is room for, the surplus is taken off the months that follow. A referral is closed without
an assessment (NFA), found below the threshold, or in need; it has a length, and after its
closure a gap of 365 (E / (Z m b))^(1 / shape) days to the child's next referral: E is
exponential, Z the child's frailty, m the authority's multiplier, b the type's. No referral
comes while a case is open, nor from the 18th birthday on, nor after death, adoption or a move.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rereferral.progress import Progress
from rereferral.simulate.draws import (
    NO_RETURN,
    REASONS,
    TICKS,
    outcome_limits,
    reason_table,
    source_tables,
)
from rereferral.simulate.inputs import Inputs
from rereferral.simulate.parameters import Parameters

__all__ = ["BURN_IN_YEARS", "NEVER", "Episodes", "Span", "run"]

BURN_IN_YEARS = 6
"""Years simulated before the first kept day and thrown away: a cold start has no returns."""

NEVER = np.int32(np.iinfo(np.int32).max)
"""Stands for a day that does not come."""

NFA, RC8, STEPPED_DOWN, IN_NEED = range(4)

EARLY_HELP_WITHIN = 30
"""Early help starts at most this many days before the closure that it goes with."""

# Age at the first referral: rates of 2.2, 1.1, 1 and 0.5 per year of age in these bands.
_AGE_FROM = np.array([0.0, 1.0, 5.0, 17.0, 18.0])
_AGE_UPTO = np.cumsum([0.0, 2.2 * 1, 1.1 * 4, 1.0 * 12, 0.5 * 1])
_AGE_UPTO /= _AGE_UPTO[-1]
_CLOSURE = 3  # position among the columns that are kept
_LONGEST_AGE = 6573  # 18 years are 6574 days or more
_LONGEST_GAP = 30_000.0
# Of the episodes of need that last to the 18th birthday, those that go on in adult services.
_TO_ADULT_SERVICES = 0.15
_RC2, _RC6, _RC7 = (np.int8(REASONS.index(reason)) for reason in ("RC2", "RC6", "RC7"))
# By outcome; the reason of an episode of need is drawn.
_REASON_OF = np.array([REASONS.index(r) for r in ("RC7", "RC8", "RC9", "RC7")], np.int8)


@dataclass(frozen=True)
class Span:
    """Financial years (named by their end) that are simulated; days since 1970-01-01.

    Attributes
    ----------
    first_kept, last : int
        First and last financial year of the table.
    """

    first_kept: int
    last: int

    @property
    def first_day(self) -> int:
        """1 April on which the kept table begins."""
        return _day(self.first_kept - 1, 4)

    @property
    def last_day(self) -> int:
        """31 March on which observation ends."""
        return _day(self.last, 4) - 1

    @property
    def months(self) -> int:
        """Months simulated, burn-in included."""
        return 12 * (self.last - self.first_kept + 1 + BURN_IN_YEARS)


@dataclass
class Episodes:
    """Kept episodes, one row each, in the order of authority, referral day, and birth.

    Days are int32 since 1970-01-01, `NEVER` where they lie after the last day. `child` counts
    children from 0 in the order of their first row. `early_help_row` names the rows that
    `early_help_start` belongs to.
    """

    authority: NDArray[np.uint8]
    child: NDArray[np.int32]
    referral: NDArray[np.int32]
    assessment: NDArray[np.int32]
    closure: NDArray[np.int32]
    outcome: NDArray[np.int8]
    reason: NDArray[np.int8]
    source: NDArray[np.int8]
    birth: NDArray[np.int32]
    death: NDArray[np.int32]
    early_help_row: NDArray[np.int64]
    early_help_start: NDArray[np.int32]


def _day(year: int, month: int) -> int:
    return int(np.datetime64(f"{year:04d}-{month:02d}-01", "D").astype(np.int64))


def _birthday_18(days: NDArray[np.int64]) -> NDArray[np.int32]:
    """18th birthday of those born on `days`; 29 February turns 18 on 1 March."""
    date = days.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    birthday = (month + 18 * 12).astype("datetime64[D]") + (date - month)
    return np.asarray(birthday.astype(np.int32))


class _Model:
    """State of one run; children and due returns grow month by month."""

    def __init__(
        self,
        inputs: Inputs,
        parameters: Parameters,
        multipliers: NDArray[np.float64],
        span: Span,
        chosen: list[int],
        seed: int,
    ) -> None:
        self.parameters = parameters
        self.span = span
        self.chosen = np.array(chosen)
        self.random = np.random.Generator(np.random.PCG64(seed))

        first = span.first_kept - BURN_IN_YEARS
        months = np.arange(span.months + 1)
        april = np.datetime64(f"{first - 1:04d}-04", "M")
        starts = (april + months).astype("datetime64[D]").astype(np.int64)
        self.starts = starts
        self.month_of_day = np.repeat(months[:-1], np.diff(starts)).astype(np.uint16)
        # The official series begins in 2013; burn-in years repeat it.
        year = first + months[:-1] // 12
        self.row = np.maximum(year - int(inputs.years[0]), 0)
        self.volume = self._volumes(inputs)
        self.limits = outcome_limits(inputs, parameters)[:, :, chosen]
        self.multiplier = multipliers[chosen]
        self.returns_by_type = np.array(
            [
                parameters.return_other,
                parameters.return_below_threshold,
                parameters.return_below_threshold,
                parameters.return_other,
            ]
        )
        self.reasons = reason_table(inputs)
        self.returning = np.array([reason not in NO_RETURN for reason in REASONS])
        self.sources = source_tables(inputs)

        capacity = int(self.volume.sum()) + 1000
        self.children = 0
        self.authority = np.empty(capacity, np.uint8)
        self.birth = np.empty(capacity, np.int32)
        self.adult = np.empty(capacity, np.int32)
        self.frailty = np.empty(capacity, np.float64)
        days = np.arange(starts[0] - 7000, starts[-1] + 1)
        self.adult_base = int(days[0])
        self.adult_on = _birthday_18(days)

        self.due_child: list[list[NDArray[np.int32]]] = [[] for _ in range(span.months)]
        self.due_day: list[list[NDArray[np.int32]]] = [[] for _ in range(span.months)]
        self.kept: list[tuple[NDArray[np.generic], ...]] = []

    def _volumes(self, inputs: Inputs) -> NDArray[np.int64]:
        """Official referrals by month and authority; twelve months add up to the year."""
        yearly = inputs.referrals[:, self.chosen]
        elapsed = np.cumsum(inputs.month_share, axis=1)
        elapsed[:, -1] = 1.0
        # Different authorities round up in different months.
        offset = (self.chosen + 0.5) * 0.6180339887498949 % 1.0
        upto = np.floor(elapsed[:, :, None] * yearly[:, None, :] + offset)
        monthly = np.diff(upto, axis=1, prepend=0).astype(np.int64)
        month = np.arange(len(self.row)) % 12
        return np.asarray(monthly[self.row, month])

    def new_children(self, month: int, number: NDArray[np.int64]) -> NDArray[np.int64]:
        """Refer `number` new children by authority; counts as `refer` does."""
        total = int(number.sum())
        at = slice(self.children, self.children + total)
        start, stop = self.starts[month], self.starts[month + 1]
        day = self.random.integers(start, stop, total, dtype=np.int32)
        years = np.interp(self.random.random(total), _AGE_UPTO, _AGE_FROM)
        age = np.minimum((years * 365.25).astype(np.int32), _LONGEST_AGE)
        self.authority[at] = np.repeat(np.arange(len(number), dtype=np.uint8), number)
        self.birth[at] = day - age
        self.adult[at] = self.adult_on[self.birth[at] - self.adult_base]
        shape = self.parameters.frailty_shape
        self.frailty[at] = self.random.standard_gamma(shape, total) / shape
        self.children += total
        child = np.arange(at.start, at.stop, dtype=np.int32)
        return self.refer(month, child, day)

    def refer(
        self, month: int, child: NDArray[np.int32], day: NDArray[np.int32]
    ) -> NDArray[np.int64]:
        """Referrals of a month and all that follow from them in it; counts by authority."""
        count = np.zeros(len(self.chosen), np.int64)
        while len(child):
            count += np.bincount(self.authority[child], minlength=len(count))
            child, day = self._episodes(month, child, day)
        return count

    def _episodes(
        self, month: int, child: NDArray[np.int32], referral: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Live through episodes, keep them, schedule returns; gives the month's own returns."""
        p, random, n = self.parameters, self.random, len(child)
        authority = self.authority[child]
        adult = self.adult[child]

        draw = random.random(n)
        limits = self.limits[:, self.row[month]]
        outcome = np.zeros(n, np.int8)
        for limit in limits:
            outcome += draw >= limit[authority]

        need = np.flatnonzero(outcome == IN_NEED)
        seen = np.flatnonzero(outcome != NFA)
        closing = random.integers(0, p.closing_days + 1, n, dtype=np.int32)
        assessment = np.full(n, NEVER, np.int32)
        scale = p.assessment_mean / p.assessment_shape
        wait = (random.standard_gamma(p.assessment_shape, len(seen)) * scale).astype(np.int32)
        assessment[seen] = referral[seen] + wait
        closure = np.where(outcome == NFA, referral, assessment) + closing

        long = np.exp(random.standard_normal(len(need)) * p.in_need_sigma) * p.in_need_median
        long = np.minimum(long + p.in_need_shortest, _LONGEST_GAP).astype(np.int32)
        grown = np.maximum(adult[need], assessment[need])
        end = np.maximum(referral[need] + long, assessment[need])
        closure[need] = np.minimum(end, grown)
        reason = _REASON_OF[outcome]
        reason[need] = self.reasons[random.integers(0, TICKS, len(need), dtype=np.uint16)]
        aged = need[end >= grown]
        to_adult = random.random(len(aged)) < _TO_ADULT_SERVICES
        reason[aged] = np.where(to_adult, _RC6, _RC7)

        rate = self.frailty[child] * self.multiplier[authority] * self.returns_by_type[outcome]
        with np.errstate(divide="ignore"):
            gap = (random.standard_exponential(n) / rate) ** (1.0 / p.gap_shape) * p.gap_unit
        back = closure + np.ceil(np.minimum(gap, _LONGEST_GAP)).astype(np.int32)
        np.maximum(back, closure + 1, out=back)
        returns = np.flatnonzero(
            self.returning[reason] & (back < adult) & (back <= self.span.last_day)
        )

        self._keep(month, child, referral, assessment, closure, outcome, reason)
        return self._schedule(month, child[returns], back[returns])

    def _keep(self, month: int, *columns: NDArray[Any]) -> None:
        """Keep the rows of a kept month, and of burn-in those open on the first kept day."""
        if month < 12 * BURN_IN_YEARS:
            open_then = np.flatnonzero(columns[_CLOSURE] >= self.span.first_day)
            columns = tuple(column[open_then] for column in columns)
        draw = self.random.integers(0, TICKS, len(columns[0]), dtype=np.uint16)
        self.kept.append((*columns, self.sources[self.row[month]][draw]))

    def _schedule(
        self, month: int, child: NDArray[np.int32], day: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        due = self.month_of_day[day - self.starts[0]]
        order = np.argsort(due, kind="stable")
        child, day = child[order], day[order]
        edges = np.searchsorted(due[order], np.arange(month, self.span.months + 1))
        for ahead in np.flatnonzero(np.diff(edges[1:])) + 1:
            part = slice(edges[ahead], edges[ahead + 1])
            self.due_child[month + ahead].append(child[part])
            self.due_day[month + ahead].append(day[part])
        return child[: edges[1]], day[: edges[1]]

    def run(self, progress: Progress | None) -> None:
        debt = np.zeros(len(self.chosen), np.int64)
        for month in range(self.span.months):
            child, day = self.due_child[month], self.due_day[month]
            self.due_child[month], self.due_day[month] = [], []
            referred = np.zeros(len(debt), np.int64)
            if child:
                referred += self.refer(month, np.concatenate(child), np.concatenate(day))
            wanted = self.volume[month] - debt
            referred += self.new_children(month, np.maximum(wanted - referred, 0))
            # What came above the month's volume is taken off the next month's.
            debt = referred - wanted
            if progress:
                progress(month + 1, self.span.months)

    def episodes(self) -> Episodes:
        """Kept rows in order, children numbered as they appear."""
        columns = [np.concatenate(parts) for parts in zip(*self.kept, strict=True)]
        self.kept = []
        child, referral = columns[0], columns[1]
        order = np.argsort((referral - referral.min()).astype(np.uint16), kind="stable")
        order = order[np.argsort(self.authority[child[order]], kind="stable")]
        columns = [column[order] for column in columns]
        child, referral, assessment, closure, outcome, reason, source = columns
        first = np.full(self.children, -1, np.int32)
        rows = np.arange(len(child), dtype=np.int32)
        first[child[::-1]] = rows[::-1]
        appears = first[child] == rows
        number = np.cumsum(appears, dtype=np.int32) - 1
        assessment[assessment > self.span.last_day] = NEVER
        closure[closure > self.span.last_day] = NEVER
        child_death = np.full(self.children, NEVER, np.int32)
        died = np.flatnonzero(reason == _RC2)
        child_death[child[died]] = closure[died]

        helped = np.flatnonzero((outcome == STEPPED_DOWN) & (closure != NEVER))
        days = np.minimum(closure[helped] - referral[helped], EARLY_HELP_WITHIN)
        start = closure[helped] - self.random.integers(0, days + 1, dtype=np.int32)
        return Episodes(
            authority=self.authority[child],
            child=number[first[child]],
            referral=referral,
            assessment=assessment,
            closure=closure,
            outcome=outcome,
            reason=reason,
            source=source,
            birth=self.birth[child],
            death=child_death[child],
            early_help_row=helped,
            early_help_start=start,
        )


def run(
    inputs: Inputs,
    parameters: Parameters,
    multipliers: NDArray[np.float64],
    span: Span,
    chosen: list[int],
    seed: int,
    progress: Progress | None = None,
) -> Episodes:
    """Simulate the chosen authorities and give the kept rows.

    Parameters
    ----------
    inputs : Inputs
        Published figures.
    parameters : Parameters
        What is put in.
    multipliers : ndarray of float64, shape (152,)
        The authorities' multipliers of the return rate.
    span : Span
        Years to keep; `BURN_IN_YEARS` before them are simulated and thrown away.
    chosen : list of int
        Positions of the authorities in `inputs.authorities`.
    seed : int
        Seed of numpy's PCG64. The same seed and numpy version give the same rows.
    progress : callable or None
        Called with months done and months in all.
    """
    model = _Model(inputs, parameters, multipliers, span, chosen, seed)
    model.run(progress)
    return model.episodes()
