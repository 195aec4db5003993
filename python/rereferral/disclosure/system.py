"""The equations of a release as whoever attacks it has them: bounds, and whole numbers within."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rereferral.disclosure.counts import MOST, Counts
from rereferral.errors import DataError, RereferralError

__all__ = ["Piece", "System", "minimise", "solver"]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

_ROUNDS = 60
_EXACT = 1e-6


def solver() -> tuple[Any, Any]:
    """The optimiser and the sparse matrices of scipy; one sentence where it is not there."""
    try:
        from scipy import optimize, sparse
    except ImportError:
        raise RereferralError(
            "disclosure control needs scipy: pip install 'rereferral[stats]'"
        ) from None
    return optimize, sparse


@dataclasses.dataclass(frozen=True, eq=False)
class Piece:
    """Counts that hang together by equations, apart from all others.

    Attributes
    ----------
    counts : ndarray of int64
        Their numbers.
    low, high : ndarray of float64
        What is known of each.
    matrix : sparse array
        A row for each equation, a column for each count.
    constant : ndarray of float64
        What each equation comes to.
    """

    counts: Ints
    low: Floats
    high: Floats
    matrix: Any
    constant: Floats

    def solution(self, objective: Floats, fixed: tuple[int, int] | None = None) -> Ints | None:
        """Whole numbers that meet all equations with the least objective; None: there are none.

        `fixed` is a position and the value that it must have.
        """
        low, high = self.low, self.high
        if fixed is not None:
            low, high = low.copy(), high.copy()
            low[fixed[0]] = high[fixed[0]] = fixed[1]
        return minimise(objective, self.matrix, self.constant, low, high)


def minimise(
    objective: Floats,
    matrix: Any,
    constant: Floats,
    low: Floats,
    high: Floats,
    below: tuple[Any, Floats] | None = None,
) -> Ints | None:
    """Solve an integer programme exactly; None where nothing meets it.

    Parameters
    ----------
    objective : ndarray
        To be as small as possible.
    matrix, constant : sparse array, ndarray
        Equations.
    low, high : ndarray
        Bounds of the whole numbers, both in.
    below : (sparse array, ndarray), optional
        Sums that must not exceed a constant.

    Raises
    ------
    RereferralError
        The solver gave up, or its answer does not meet the equations.
    """
    optimize, _ = solver()
    constraints = []
    if len(constant):
        constraints.append(optimize.LinearConstraint(_for_solver(matrix), constant, constant))
    if below is not None:
        constraints.append(optimize.LinearConstraint(_for_solver(below[0]), -np.inf, below[1]))
    found = optimize.milp(
        objective,
        integrality=np.ones(len(objective)),
        bounds=optimize.Bounds(low, np.where(high >= MOST, np.inf, high)),
        constraints=constraints,
    )
    if found.status == 2:
        return None
    if found.x is None or found.status != 0:
        raise RereferralError(f"the integer programme was not solved: {found.message}")
    whole: Ints = np.rint(found.x).astype(np.int64)
    if len(constant) and np.abs(matrix @ whole - constant).max() > _EXACT:
        raise RereferralError("the integer programme's answer does not meet its equations")
    return whole


def _for_solver(matrix: Any) -> Any:
    """A matrix whose places are as wide as the solver of scipy 1.11 wants them."""
    _, sparse = solver()
    found = sparse.csc_array(matrix)
    found.indices = found.indices.astype(np.int32)
    found.indptr = found.indptr.astype(np.int32)
    return found


class System:
    """The equations between some counts with what is known of each.

    Parameters
    ----------
    counts : Counts
        All of a release.
    low, high : sequence of int, optional
        What is known of them; by default as `counts` has it.

    Attributes
    ----------
    low, high : ndarray of float64
        By count, after the equations have narrowed them as far as one at a time can.

    Raises
    ------
    DataError
        No counts meet the equations: what is published contradicts itself.
    """

    def __init__(
        self,
        counts: Counts,
        low: Sequence[int] | None = None,
        high: Sequence[int] | None = None,
    ) -> None:
        self._names = counts
        self._equations = [e for e in counts.told() if len(e.counts)]
        self.low = np.array(counts.low if low is None else low, np.float64)
        self.high = np.array(counts.high if high is None else high, np.float64)
        _, sparse = solver()
        rows = np.repeat(np.arange(len(self._equations)), [len(e.counts) for e in self._equations])
        columns = np.array([c for e in self._equations for c in e.counts], np.int32)
        factors = np.array([f for e in self._equations for f in e.factors], np.float64)
        self._entries = rows, columns, factors
        self._constant = np.array([e.constant for e in self._equations], np.float64)
        self._matrix = sparse.csr_array(
            (factors, (rows, columns)), shape=(len(self._equations), len(counts))
        )
        self._narrow()
        self._pieces: dict[int, Piece] = {}
        self._piece_of = self._split()

    def _narrow(self) -> None:
        """Let each equation bound each of its counts by the others, until nothing changes."""
        rows, columns, factors = self._entries
        positive = factors > 0
        for _ in range(_ROUNDS):
            low, high = self.low[columns], self.high[columns]
            least = np.where(positive, factors * low, factors * high)
            most = np.where(positive, factors * high, factors * low)
            sum_least = np.bincount(rows, least, minlength=len(self._constant))
            sum_most = np.bincount(rows, most, minlength=len(self._constant))
            # What the others of the equation leave, over the factor.
            from_least = (self._constant[rows] - (sum_least[rows] - least)) / factors
            from_most = (self._constant[rows] - (sum_most[rows] - most)) / factors
            upper = np.floor(np.where(positive, from_least, from_most) + 1e-9)
            lower = np.ceil(np.where(positive, from_most, from_least) - 1e-9)
            new_low, new_high = self.low.copy(), self.high.copy()
            np.maximum.at(new_low, columns, lower)
            np.minimum.at(new_high, columns, upper)
            if (new_low > new_high).any():
                number = int(np.flatnonzero(new_low > new_high)[0])
                table, row, column = self._names.places[number]
                raise DataError(
                    f'what is published contradicts itself at table "{table}", row {row}, '
                    f'"{column}"'
                )
            if np.array_equal(new_low, self.low) and np.array_equal(new_high, self.high):
                return
            self.low, self.high = new_low, new_high

    def _split(self) -> Ints:
        """To which piece each count belongs that is not known; -1: it is known."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        rows, columns, _ = self._entries
        free = self.low < self.high
        of = np.full(len(self.low), -1, np.int64)
        mine = free[columns]
        n = len(self.low)
        size = n + len(self._constant)  # counts, then equations: an edge for each count of one
        graph = coo_array(
            (np.ones(int(mine.sum())), (columns[mine], np.int32(n) + rows[mine])),
            shape=(size, size),
        )
        _, labels = connected_components(graph, directed=False)
        of[free] = labels[:n][free]
        return of

    def piece(self, number: int) -> Piece | None:
        """The piece of a count; None where the count is known."""
        label = int(self._piece_of[number])
        if label < 0:
            return None
        if label not in self._pieces:
            inside = np.flatnonzero(self._piece_of == label)
            part = self._matrix[:, inside]
            touched = np.flatnonzero(np.diff(part.indptr))
            known = np.where(self._piece_of < 0, self.low, 0.0)
            constant = self._constant[touched] - self._matrix[touched] @ known
            self._pieces[label] = Piece(
                inside, self.low[inside], self.high[inside], part[touched], constant
            )
        return self._pieces[label]

    def together(self, number: int) -> frozenset[int]:
        """The counts of the same piece."""
        label = int(self._piece_of[number])
        return frozenset(np.flatnonzero(self._piece_of == label).tolist() if label >= 0 else [])

    def pieces(self, numbers: Sequence[int]) -> Iterator[tuple[Piece | None, list[int]]]:
        """Counts by the piece that they belong to; those that are known one by one."""
        groups: dict[int, list[int]] = {}
        for number in numbers:
            label = int(self._piece_of[number])
            if label < 0:
                yield None, [number]
            else:
                groups.setdefault(label, []).append(number)
        for within in groups.values():
            yield self.piece(within[0]), within
