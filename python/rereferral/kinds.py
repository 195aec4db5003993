"""The five kinds of column that everything else relies on, however a table held them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rereferral.text import Text

__all__ = [
    "Categories",
    "Column",
    "Dates",
    "Days",
    "Mask",
    "Numbers",
    "in_words",
    "native",
]

Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Numbers:
    """Whole numbers, truth values or doubles; `valid` is None where none is null, NaN apart."""

    values: npt.NDArray[Any]
    valid: Mask | None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def what(self) -> str:
        """The kind in words, for messages."""
        return {"b": "truth values", "f": "numbers"}.get(self.values.dtype.kind, "whole numbers")


@dataclass(frozen=True)
class Dates:
    """Moments as numpy's datetime64 of any unit, NaT where null. `zone`: a time zone, or ""."""

    values: npt.NDArray[np.datetime64]
    zone: str = ""

    def __len__(self) -> int:
        return len(self.values)

    what = "dates"


@dataclass(frozen=True)
class Days:
    """Days since 1970-01-01 in 64 or 32 bits, the lowest number where null.

    `none_missing`: no day is, so that the lowest number would be a day, and out of range.
    """

    values: npt.NDArray[Any]
    none_missing: bool = False

    def __len__(self) -> int:
        return len(self.values)

    what = "dates"


@dataclass(frozen=True)
class Categories:
    """Codes into a short column of values, -1 for null.

    `ordered`: the codes carry the order. `distinct`: it is known that no value is there twice.
    """

    codes: npt.NDArray[Any]
    values: Column
    ordered: bool = False
    distinct: bool = False

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def what(self) -> str:
        """The kind in words, for messages."""
        return in_words(self.values)


Column: TypeAlias = Numbers | Dates | Days | Text | Categories


def in_words(column: Column) -> str:
    """What a column holds, for messages."""
    return "text" if isinstance(column, Text) else column.what


def native(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Contiguous, aligned and in native byte order, by reference if it is so already."""
    return np.require(array, array.dtype.newbyteorder("="), ["C", "A"])
