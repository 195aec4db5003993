"""Every set of counts that could stand behind a published release, one by one.

Slow and obvious: all whole numbers that a cell could be by itself are tried for all cells.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Cell = tuple[str, str]


def values_of(
    cells: Mapping[Cell, Sequence[int]], holds: Callable[[Mapping[Cell, int]], bool]
) -> dict[Any, set[Any]]:
    """The values that cells (row, column) have in any choice that meets the conditions.

    Under (row, "n", "linked") stand the pairs of both.
    """
    names = list(cells)
    found: dict[Any, set[Any]] = {}
    for values in itertools.product(*(cells[name] for name in names)):
        choice = dict(zip(names, values, strict=True))
        if not holds(choice):
            continue
        for name, value in choice.items():
            found.setdefault(name, set()).add(value)
        for row in {row for row, _ in names}:
            pair = choice[row, "n"], choice[row, "linked"]
            found.setdefault((row, "n", "linked"), set()).add(pair)
    return found
