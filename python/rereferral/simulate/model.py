"""The model: months in turn, children due to return first, then new children.

In every month and authority the number of new children is the official volume less the
children who return, so that the volumes hold by construction. A referral is closed without
an assessment (NFA), found below the threshold, or in need; it has a length, and after its
closure a gap of 365 (E / (Z m b))^(1 / shape) days to the child's next referral: E is
exponential, Z the child's frailty, m the authority's multiplier, b the type's. No referral
comes while a case is open, nor from the 18th birthday on, nor after death, adoption or a move.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rereferral.simulate.inputs import Inputs
from rereferral.simulate.parameters import Parameters

__all__ = ["BURN_IN_YEARS", "NEVER", "Episodes", "Span", "run"]

BURN_IN_YEARS = 6
"""Years simulated before the first kept day and thrown away: a cold start has no returns."""

NEVER = np.int32(np.iinfo(np.int32).max)
"""Stands for a day that does not come."""

REASONS = ("RC1", "RC2", "RC3", "RC4", "RC5", "RC6", "RC7", "RC8", "RC9")

SOURCES = {
    "individual": ("1A", "1B", "1C", "1D"),
    "schools": ("2A",),
    "education_services": ("2B",),
    "health_services": ("3A", "3B", "3C", "3D", "3E", "3F"),
    "housing": ("4",),
    "la_services": ("5A", "5B", "5C"),
    "police": ("6",),
    "other_legal_agency": ("7",),
    "other": ("8",),
    "anonymous": ("9",),
    "unknown": ("10",),
}
"""Codes of a CIN return by published group of sources; a group is split evenly."""

SOURCE_CODES = [code for codes in SOURCES.values() for code in codes]

NFA, RC8, STEPPED_DOWN, IN_NEED = range(4)

# Ages of children at their first referral: rate per year of age.
_AGE_FROM = np.array([0.0, 1.0, 5.0, 17.0, 18.0])
_AGE_RATE = np.array([2.2, 1.1, 1.0, 0.5])
_LONGEST_AGE = 6573  # 18 years are 6574 days or more
_LONGEST_GAP = 30_000.0
_TICKS = 1 << 16
# Of the episodes of need that last to the 18th birthday, those that go on in adult services.
_TO_ADULT_SERVICES = 0.15
_NO_RETURN = ("RC1", "RC2", "RC5", "RC6")
_NEED_REASONS = (0, 1, 2, 3, 4, 6)
# Reason by outcome; in need is drawn.
_REASON_OF = np.array([6, 7, 8, 6], np.int8)
_RC6, _RC7 = np.int8(5), np.int8(6)


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
    children from 0 in the order of their first row.
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


def _day(year: int, month: int) -> int:
    return int(np.datetime64(f"{year:04d}-{month:02d}-01", "D").astype(np.int64))


def _ticks(shares: NDArray[np.float64], codes: NDArray[np.int8]) -> NDArray[np.int8]:
    """Look-up table of 65,536 codes: a random 16-bit number picks one with its share."""
    edges = np.rint(np.cumsum(shares) / shares.sum() * _TICKS).astype(np.int64)
    return np.repeat(codes, np.diff(edges, prepend=0))


def _source_ticks(share: NDArray[np.float64], groups: list[str]) -> NDArray[np.int8]:
    split = [s / len(SOURCES[g]) for s, g in zip(share, groups, strict=True) for _ in SOURCES[g]]
    codes = [SOURCE_CODES.index(c) for g in groups for c in SOURCES[g]]
    return _ticks(np.array(split), np.array(codes, np.int8))


def _birthday_18(days: NDArray[np.int64]) -> NDArray[np.int32]:
    """18th birthday of those born on `days`; 29 February turns 18 on 1 March."""
    date = days.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    return ((month + 18 * 12).astype("datetime64[D]") + (date - month)).astype(np.int64).astype(np.int32)


def scale_odds(
    share: NDArray[np.float64], weight: NDArray[np.float64], total: float
) -> NDArray[np.float64]:
    """Multiply the odds of every share by one factor, so that they add up to `total`.

    A share of 0 stays 0 and none passes 1, which a plain multiple would not keep.
    """
    low, high = -20.0, 20.0
    for _ in range(100):
        factor = np.exp((low + high) / 2)
        scaled = share * factor / (1 - share + share * factor)
        if (scaled * weight).sum() < total:
            low = (low + high) / 2
        else:
            high = (low + high) / 2
    return scaled


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
        starts = (
            np.datetime64(f"{first - 1:04d}-04", "M") + months
        ).astype("datetime64[D]").astype(np.int64)
        self.starts = starts
        self.month_of_day = np.repeat(months[:-1], np.diff(starts)).astype(np.uint16)
        # The official series begins in 2013; burn-in years repeat it.
        year = first + months[:-1] // 12
        self.row = np.maximum(year - int(inputs.years[0]), 0)
        self.volume = self._volumes(inputs)
        self.cut = self._outcome_cuts(inputs)
        self.multiplier = multipliers[chosen]
        self.returns_by_type = np.array(
            [
                parameters.return_other,
                parameters.return_below_threshold,
                parameters.return_below_threshold,
                parameters.return_other,
            ]
        )
        self.reason_ticks = _ticks(
            np.array([inputs.reason_share[REASONS[r]] for r in _NEED_REASONS]),
            np.array(_NEED_REASONS, np.int8),
        )
        self.stays = np.array([r not in _NO_RETURN for r in REASONS])
        self.source_ticks = [_source_ticks(share, inputs.source_groups) for share in inputs.source_share]

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

    def _outcome_cuts(self, inputs: Inputs) -> NDArray[np.float64]:
        """Upper limits of a uniform draw for NFA, RC8 and stepped down, by year and authority."""
        p = self.parameters
        cuts = np.empty((3, *inputs.referrals.shape))
        for y, volume in enumerate(inputs.referrals.astype(np.float64)):
            nfa = scale_odds(inputs.nfa_share[y], volume, inputs.nfa[y])
            below = scale_odds(
                inputs.not_in_need_share[y],
                volume * (1 - nfa),
                inputs.not_in_need[y] * p.below_threshold_factor,
            )
            below *= 1 - nfa
            cuts[:, y] = nfa, nfa + below * (1 - p.stepped_down_share), nfa + below
        return cuts[:, :, self.chosen]

    def new_children(self, month: int, number: NDArray[np.int64]) -> NDArray[np.int32]:
        """Children referred for the first time; returns their numbers, days in `first_day`."""
        total = int(number.sum())
        at = slice(self.children, self.children + total)
        start, stop = self.starts[month], self.starts[month + 1]
        day = self.random.integers(start, stop, total, dtype=np.int32)
        widths = np.diff(_AGE_FROM) * _AGE_RATE
        edges = np.concatenate([[0.0], np.cumsum(widths) / widths.sum()])
        years = np.interp(self.random.random(total), edges, _AGE_FROM)
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
        cut = self.cut[:, self.row[month]]
        outcome = (draw >= cut[0][authority]).astype(np.int8)
        outcome += draw >= cut[1][authority]
        outcome += draw >= cut[2][authority]

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
        reason[need] = self.reason_ticks[random.integers(0, _TICKS, len(need), dtype=np.uint16)]
        aged = need[end >= grown]
        to_adult = random.random(len(aged)) < _TO_ADULT_SERVICES
        reason[aged] = np.where(to_adult, _RC6, _RC7)

        rate = self.frailty[child] * self.multiplier[authority] * self.returns_by_type[outcome]
        with np.errstate(divide="ignore"):
            gap = (random.standard_exponential(n) / rate) ** (1.0 / p.gap_shape) * p.unit
        back = closure + np.ceil(np.minimum(gap, _LONGEST_GAP)).astype(np.int32)
        np.maximum(back, closure + 1, out=back)
        returns = np.flatnonzero(self.stays[reason] & (back < adult) & (back <= self.span.last_day))

        self._keep(month, child, referral, assessment, closure, outcome, reason)
        return self._schedule(month, child[returns], back[returns])

    def _keep(self, month: int, child, referral, assessment, closure, outcome, reason) -> None:  # type: ignore
        if month < 12 * BURN_IN_YEARS:
            open_then = np.flatnonzero(closure >= self.span.first_day)
            child, referral, assessment, closure, outcome, reason = (
                column[open_then]
                for column in (child, referral, assessment, closure, outcome, reason)
            )
        ticks = self.source_ticks[self.row[month]]
        source = ticks[self.random.integers(0, _TICKS, len(child), dtype=np.uint16)]
        self.kept.append((child, referral, assessment, closure, outcome, reason, source))

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

    def run(self, progress: Callable[[int, int], None] | None) -> None:
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
        return Episodes(
            authority=self.authority[child],
            child=number[first[child]],
            referral=referral,
            assessment=np.where(assessment > self.span.last_day, NEVER, assessment),
            closure=np.where(closure > self.span.last_day, NEVER, closure),
            outcome=outcome,
            reason=reason,
            source=source,
            birth=self.birth[child],
        )


def run(
    inputs: Inputs,
    parameters: Parameters,
    multipliers: NDArray[np.float64],
    span: Span,
    chosen: list[int],
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Episodes:
    """Simulate the chosen authorities and give the kept rows.

    Parameters
    ----------
    inputs : Inputs
        Published figures.
    parameters : Parameters
        What is put in.
    span : Span
        Years to keep; `BURN_IN_YEARS` before them are simulated and thrown away.
    chosen : list of int
        Positions of the authorities in `inputs.authorities`.
    seed : int
        Seed of numpy's PCG64. The same seed and numpy version give the same rows.
    progress : callable, optional
        Called with months done and months in all.
    """
    model = _Model(inputs, parameters, multipliers, span, chosen, seed)
    model.run(progress)
    return model.episodes()
