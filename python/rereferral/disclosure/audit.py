"""Which values a hidden count could have, for whoever knows everything else."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from rereferral.disclosure.system import Piece, System
from rereferral.errors import DataError

__all__ = ["Range", "few", "ranges"]

_FAR = 1_000
"""So far above its least value a count is looked for; what could be more is said to be this."""


@dataclasses.dataclass(frozen=True)
class Range:
    """What a count could be.

    Attributes
    ----------
    least, most : int
        The smallest and the largest value that it could have.
    values : tuple of int
        Some values that it could have, each shown to be possible by a whole set of counts that
        meets all equations; as many as were asked for, where there are so many.
    """

    least: int
    most: int
    values: tuple[int, ...]


def ranges(system: System, numbers: Sequence[int], wanted: int) -> dict[int, Range]:
    """The least and the most that counts could be, and `wanted` values of each.

    Each end is the answer of an integer programme.

    Raises
    ------
    DataError
        No counts meet all equations.
    """
    found: dict[int, Range] = {}
    for piece, within in system.pieces(numbers):
        if piece is None:
            value = int(system.low[within[0]])
            found[within[0]] = Range(value, value, (value,))
            continue
        seen = _Seen(piece, within)
        for number in within:
            least, most = seen.end(number, 1), seen.end(number, -1)
            seen.fill(number, least, most, wanted)
            values = sorted(seen.values[number])
            middle = [value for value in values if value not in (least, most)]
            kept = sorted({least, most, *middle[: max(wanted - 2, 0)]})
            found[number] = Range(least, most, tuple(kept))
    return found


def few(
    system: System,
    numbers: Sequence[int],
    wanted: int,
    truth: Sequence[int | None],
    most: int | None = None,
) -> list[int]:
    """Those counts that could have fewer than `wanted` values; no more than `most` of them.

    The truth is one set of counts that meets the equations, and every solution found for one count
    may give new values to others: both save programmes.
    """
    found: list[int] = []
    for piece, within in system.pieces(numbers):
        if most is not None and len(found) >= most:
            break
        if piece is None:
            found += within
            continue
        seen = _Seen(piece, within)
        true = [truth[number] for number in piece.counts]
        if all(value is not None for value in true):
            seen.see(np.array(true, np.int64))
        for number in within:
            if len(seen.values[number]) >= wanted:
                continue
            place = seen.place[number]
            if piece.high[place] - piece.low[place] + 1 < wanted or not seen.has(number, wanted):
                found.append(number)
                if most is not None and len(found) >= most:
                    break
    return found


class _Seen:
    """Values of some counts of a piece that some solution was seen to have."""

    def __init__(self, piece: Piece, numbers: Sequence[int]) -> None:
        self._piece = piece
        where = {int(number): place for place, number in enumerate(piece.counts)}
        self.place = {number: where[number] for number in numbers}
        self.values: dict[int, set[int]] = {number: set() for number in numbers}

    def see(self, solution: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        """Keep what a solution says of each count."""
        for number, place in self.place.items():
            self.values[number].add(int(solution[place]))

    def end(self, number: int, sign: int) -> int:
        """The least (1) or the most (-1) that a count could be."""
        place, piece = self.place[number], self._piece
        objective = np.zeros(len(piece.counts))
        objective[place] = sign
        if sign < 0 and piece.high[place] > piece.low[place] + _FAR:
            high = piece.high.copy()
            high[place] = piece.low[place] + _FAR
            piece = dataclasses.replace(piece, high=high)
        solution = piece.solution(objective)
        if solution is None:
            raise DataError("what is published contradicts itself: no counts meet all of it")
        self.see(solution)
        return int(solution[place])

    def has(self, number: int, wanted: int) -> bool:
        """Whether a count could have `wanted` values."""
        least = self.end(number, 1)
        if len(self.values[number]) < wanted:
            self.fill(number, least, self.end(number, -1), wanted)
        return len(self.values[number]) >= wanted

    def fill(self, number: int, least: int, most: int, wanted: int) -> None:
        """Look for values between the ends until there are `wanted`."""
        for value in range(least + 1, most):
            if len(self.values[number]) >= wanted:
                return
            if value in self.values[number]:
                continue
            solution = self._piece.solution(
                np.zeros(len(self._piece.counts)), (self.place[number], value)
            )
            if solution is not None:
                self.see(solution)
