"""Every estimate of one set of answers: a row for each estimator, and what stands beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.estimate.answers import Answers
from rereferral.estimate.beside import bounds, responders, tipping
from rereferral.estimate.limits import Limits, Statistic, limits_of
from rereferral.estimate.totals import Scaled, Scaling

__all__ = ["AUTHORITIES", "CONDITION", "SIZE", "Choice", "Estimators"]

Floats: TypeAlias = npt.NDArray[np.float64]

#: What every limit of an estimate rests on.
CONDITION = "if the answering authorities were a random sample"

#: The scaling variable of the expansion estimator: each authority counts for one.
AUTHORITIES = "authorities"

#: The groups that are made of the sizes themselves.
SIZE = "size"
SIZES = ("largest third", "middle third", "smallest third")
MOVES = (0.01, 0.05, 0.10, 0.25)


@dataclass(frozen=True)
class Choice:
    """One estimator: what it scales by, and within which groups, if any."""

    scale: str
    within: str


@dataclass(frozen=True, eq=False)
class Estimators:
    """All estimates that are made of one set of answers, and what stands beside them.

    Attributes are those of `estimate_total`: which columns, and how sure limits are to be.
    """

    answers: Answers
    count: str
    of: str | None
    level: float
    fpc: bool
    replicates: int
    seed: int

    def _sizes(self, scale: str) -> Floats:
        """By area and year, NaN where the area was not there."""
        if scale != AUTHORITIES:
            return self.answers.sizes[scale]
        return np.where(self.answers.there, 1.0, np.nan)

    # ------------------------------------------------------------ the table

    def rows(self, choice: Choice, main_scale: str, methods: list[str]) -> list[dict[str, Any]]:
        """The table's rows of one estimator."""
        scaling, names = self._scaling(choice, main_scale)
        found = []
        for quantity, columns in self._quantities():
            parts = [Scaled(column, scaling) for column in columns]
            note = self._silence(parts, names)
            for method in methods:
                one = Limits(np.nan, np.nan, np.nan, np.nan, 0)
                if not note:
                    one = self._limits(parts, scaling, method)
                why = note
                if not note and np.isnan(one.estimate):
                    why = f"{self.of} is 0 in every answer"
                elif not note and np.isnan(one.lower):
                    why = "too few answers for limits"
                found.append(
                    {
                        "quantity": quantity,
                        "estimator": "expansion" if choice.scale == AUTHORITIES else "ratio",
                        "scaled_by": choice.scale,
                        "within": choice.within,
                        "limits": method,
                        "answered": int(parts[0].answered.sum()),
                        "areas": len(self.answers.areas),
                        "estimate": one.estimate,
                        "std_error": one.std_error,
                        "df": one.df,
                        "lower": one.lower,
                        "upper": one.upper,
                        "condition": CONDITION,
                        "note": why,
                    }
                )
        return found

    def _quantities(self) -> list[tuple[str, list[Floats]]]:
        """What is estimated: a total, or the rate of two over those who answered both."""
        top = self.answers.counts[self.count]
        if self.of is None:
            return [(self.count, [top])]
        bottom = self.answers.counts[self.of]
        both = np.isfinite(top) & np.isfinite(bottom)
        rate = [np.where(both, top, np.nan), np.where(both, bottom, np.nan)]
        return [
            (self.count, [top]),
            (self.of, [bottom]),
            (f"{self.count} / {self.of}", rate),
        ]

    def _scaling(self, choice: Choice, main_scale: str) -> tuple[Scaling, list[str]]:
        sizes = self._sizes(choice.scale)
        if choice.within == "":
            return Scaling(sizes, np.zeros(len(sizes), np.int64)), [""]
        labels = self._labels(choice.within, main_scale)
        names, group = np.unique(labels.astype(str), return_inverse=True)
        return Scaling(sizes, group.astype(np.int64)), list(names)

    def _labels(self, within: str, main_scale: str) -> npt.NDArray[np.object_]:
        if within != SIZE:
            return self.answers.strata[within]
        sizes = self._sizes(main_scale)
        rank = np.argsort(np.argsort(-np.nanmean(sizes, 1), kind="stable"), kind="stable")
        return np.array(SIZES, object)[rank * len(SIZES) // len(rank)]

    def _silence(self, parts: list[Scaled], names: list[str]) -> str:
        for part in parts:
            for group, year in part.silent():
                when = self.answers.years[year]
                where = f" of {names[group]}" if names[group] else ""
                return f"nobody{where} answered" + ("" if when is None else f" for {when}")
        return ""

    def _limits(self, parts: list[Scaled], scaling: Scaling, method: str) -> Limits:
        return limits_of(
            statistic_of(parts),
            parts[0].answered,
            scaling.group,
            method,
            level=self.level,
            fpc=self.fpc,
            replicates=self.replicates,
            seed=self.seed,
        )

    # ------------------------------------------------------------ what stands beside

    def by_year(self, scale: str, method: str) -> pd.DataFrame:
        """The main estimate of each year; `areas` are those that were there then."""
        found = []
        for at, when in enumerate(self.answers.years):
            one = replace(self, answers=_one_year(self.answers, at))
            for row in one.rows(Choice(scale, ""), scale, [method]):
                found.append({"year": when, **row})
        return pd.DataFrame(found)

    def responders(self, published: tuple[str, str] | None) -> pd.DataFrame | None:
        """Those who answered beside all."""
        if published is None:
            return None
        top, bottom = (self.answers.published[name] for name in published)
        answered = np.isfinite(self.answers.counts[self.count]).sum(axis=1) > 0
        return responders(answered, top, bottom, published, "all")

    def tipping(self, scale: str, main: pd.DataFrame, against: float | None) -> pd.DataFrame:
        """What would move the main estimate of the count."""
        scaling, _ = self._scaling(Choice(scale, ""), scale)
        part = Scaled(self.answers.counts[self.count], scaling)
        _, pull = part.totals(np.ones((1, len(self.answers.areas))))
        value = float(main["estimate"].iloc[0])
        moves = [
            (f"{abs(share) * 100:g} % {'more' if share > 0 else 'less'}", value * (1 + share))
            for share in [*(-share for share in reversed(MOVES)), *MOVES]
        ]
        if against is not None:
            moves.append((f"{against:,.0f}", float(against)))
        return tipping(value, pull[0][part.answered], len(self.answers.areas), moves)

    def bounds(self, scale: str, published: tuple[str, str] | None) -> pd.DataFrame:
        """The total of the count if the others lay at the extremes."""
        counts = self.answers.counts[self.count]
        answered = np.isfinite(counts)
        known = float(counts[answered].sum())
        sizes = self._sizes(scale)
        found = [
            bounds(
                known,
                sizes[~answered],
                _rates(counts, np.where(answered, sizes, np.nan)),
                self.answers.areas,
                f"answers, by {scale}",
            )
        ]
        if published is not None and self.of is not None:
            # A published rate is one of `count` in `of`, whose number in the others is scaled.
            whole = self.answers.counts[self.of]
            asked = np.isfinite(whole)
            per_size = np.nansum(whole) / np.nansum(np.where(asked, sizes, np.nan))
            top, bottom = (self.answers.published[name] for name in published)
            others = np.where(asked, whole, sizes * per_size)[~answered]
            rates_of = f"published, {published[0]} of {published[1]}"
            found.append(bounds(known, others, _rates(top, bottom), self.answers.areas, rates_of))
        return pd.concat(found, ignore_index=True)


def statistic_of(parts: list[Scaled]) -> Statistic:
    def total(weights: Floats) -> tuple[Floats, Floats]:
        return parts[0].totals(weights)

    def rate(weights: Floats) -> tuple[Floats, Floats]:
        (top, top_pull), (bottom, bottom_pull) = (part.totals(weights) for part in parts)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = top / bottom
            return value, (top_pull - value[:, None] * bottom_pull) / bottom[:, None]

    return total if len(parts) == 1 else rate


def _one_year(answers: Answers, at: int) -> Answers:
    """The areas that were there in a year, with their answers for it."""
    there = answers.there[:, at]

    def cut(grids: dict[str, Floats]) -> dict[str, Floats]:
        return {name: grid[there][:, [at]] for name, grid in grids.items()}

    return Answers(
        areas=[area for area, is_there in zip(answers.areas, there, strict=True) if is_there],
        years=[answers.years[at]],
        there=answers.there[there][:, [at]],
        counts=cut(answers.counts),
        sizes=cut(answers.sizes),
        published=cut(answers.published),
        strata={name: group[there] for name, group in answers.strata.items()},
        missing=answers.missing,
    )


def _rates(top: Floats, bottom: Floats) -> Floats:
    """The rate of each area over the years in which both parts are known."""
    known = np.isfinite(top) & np.isfinite(bottom)
    below = np.where(known, bottom, 0.0).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, np.where(known, top, 0.0).sum(1) / below, np.nan)
