"""Totals of all areas from the answers of some: expansion, ratio and post-stratified estimators.

All of them are one formula. In each year and group, what was answered is divided by what measures
the size of those who answered, and multiplied by what it measures in all of the group; the total is
the sum. With 1 as everybody's size that is the expansion estimator, with referrals or children the
ratio estimator; with one group the plain one, with several the post-stratified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Scaled", "Scaling"]

Floats: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scaling:
    """How areas that answered stand for the others.

    Attributes
    ----------
    size : ndarray of float64, shape (areas, years)
        What is scaled by; NaN where the area was not there in that year.
    group : ndarray of int64, shape (areas,)
        Groups are scaled each for themselves.
    """

    size: Floats
    group: npt.NDArray[np.int64]

    @property
    def n_groups(self) -> int:
        """How many groups there are."""
        return int(self.group.max()) + 1


class Scaled:
    """A column of answers under a scaling, ready to be totalled for any weights of the areas.

    Parameters
    ----------
    answers : ndarray of float64, shape (areas, years)
        NaN: no answer.
    scaling : Scaling
        A size for each answer.
    """

    def __init__(self, answers: Floats, scaling: Scaling) -> None:
        self._answered = np.isfinite(answers)
        self._counts = np.where(self._answered, answers, 0.0)
        self._sizes = np.where(self._answered, scaling.size, 0.0)
        self._group = scaling.group
        member = np.arange(scaling.n_groups)[:, None] == scaling.group
        #: (groups, years): the sizes of all areas
        self._whole = member.astype(float) @ np.nan_to_num(scaling.size)
        self._member = member

    @property
    def answered(self) -> Mask:
        """The areas that answered in some year."""
        return np.asarray(self._answered.sum(axis=1) > 0)

    def silent(self) -> list[tuple[int, int]]:
        """The groups, with their years, in which no area answered though some were there."""
        there = self._member.astype(float) @ self._answered
        pairs = np.argwhere((there == 0) & (self._whole > 0))
        return [(int(group), int(year)) for group, year in pairs]

    def totals(self, weights: Floats) -> tuple[Floats, Floats]:
        """The total and the pull of each area on it, for rows of weights.

        Parameters
        ----------
        weights : ndarray of float64, shape (rows, areas)
            How often each area is taken; all ones for the estimate itself.

        Returns
        -------
        total : ndarray of float64, shape (rows,)
            NaN where a group is left without an answer.
        pull : ndarray of float64, shape (rows, areas)
            What the total changes by, to the first order, with one more of the area: its answer
            less what its size leads one to expect, scaled up. 0 for areas that did not answer.
        """
        total = np.zeros(len(weights))
        pull = np.zeros(weights.shape)
        for group, member in enumerate(self._member):
            taken = weights[:, member]
            sizes = taken @ self._sizes[member]
            silent = sizes == 0
            sizes[silent] = 1.0
            factor = np.where(silent, 0.0, self._whole[group] / sizes)
            rate = taken @ self._counts[member] / sizes
            rests = factor @ self._counts[member].T - (factor * rate) @ self._sizes[member].T
            # Where no area of the group is there in that year, there is nothing to answer for.
            rate[silent & (self._whole[group] > 0)] = np.nan
            total += (rate * self._whole[group]).sum(1)
            pull[:, member] = rests
        return total, pull
