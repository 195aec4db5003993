"""Answers from a part of the authorities, and the frame of all of them, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.errors import DataError
from rereferral.small_tables import column_of, small_table
from rereferral.symbols import numbers

__all__ = ["Answers", "read_answers"]

Floats: TypeAlias = npt.NDArray[np.float64]

_NAMED = 3


@dataclass(frozen=True)
class Answers:
    """What was answered, and how large all are, by area and year.

    Attributes
    ----------
    areas : list of str
        Those of the frame, in its order.
    years : list
        Those of the frame; ``[None]`` where there is one period.
    there : ndarray of bool, shape (areas, years)
        Whether the area is in the frame in that year.
    counts : dict of ndarray of float64, shape (areas, years)
        Columns of the sample; NaN: no answer.
    sizes : dict of ndarray of float64, shape (areas, years)
        Columns of the frame, above 0; NaN: the area was not there in that year.
    published : dict of ndarray of float64, shape (areas, years)
        Columns of the frame whose values may be missing.
    strata : dict of ndarray of str, shape (areas,)
        Columns of the frame that say to which group an area belongs.
    missing : DataFrame
        Cells without a number: `table`, the area, the year, `column`, `symbol`.
    """

    areas: list[str]
    years: list[Any]
    there: npt.NDArray[np.bool_]
    counts: dict[str, Floats]
    sizes: dict[str, Floats]
    published: dict[str, Floats]
    strata: dict[str, npt.NDArray[np.object_]]
    missing: pd.DataFrame

    def given(self, area: str, year: str | None) -> pd.DataFrame:
        """What was answered, by area (and year); without those who answered nothing."""
        table = pd.DataFrame({name: grid.ravel() for name, grid in self.counts.items()})
        if year is None:
            table.index = pd.Index(self.areas, name=area)
        else:
            table.index = pd.MultiIndex.from_product([self.areas, self.years], names=[area, year])
        return table.dropna(how="all")


class _Table:
    """One of the two tables, with its rows by area and year."""

    def __init__(self, table: Any, name: str, area: str, year: str | None) -> None:
        self.table = small_table(table, name)
        self.name, self.area, self.year = name, area, year
        for column in [area, *([] if year is None else [year])]:
            null = self.column(column).isna().to_numpy()
            if null.any():
                row = int(np.flatnonzero(null)[0])
                raise DataError(f'{name}: column "{column}" is empty in row {row}')
        self.areas = [str(value) for value in self.column(area)]
        self.years: list[Any] = (
            [None] * len(self.areas) if year is None else list(self.column(year))
        )
        seen: set[tuple[str, Any]] = set()
        for row, cell in enumerate(zip(self.areas, self.years, strict=True)):
            if cell in seen:
                raise DataError(f"{name}: {self.row_name(row)} stands there twice")
            seen.add(cell)

    def column(self, name: str) -> pd.Series:
        return column_of(self.table, name, self.name)

    def row_name(self, row: int) -> str:
        year = "" if self.year is None else f" in {self.years[row]}"
        return f"{self.areas[row]}{year}"

    def numbers(self, name: str) -> tuple[Floats, dict[int, str]]:
        column = self.column(name)
        values, reasons = numbers(column, f"{self.name}.{name}", self.row_name)
        for row in np.flatnonzero(values < 0).tolist():
            raise DataError(f"{self.name}: {name} of {self.row_name(row)} is {values[row]:g}")
        return values, reasons


def read_answers(
    sample: Any,
    frame: Any,
    *,
    counts: Sequence[str],
    sizes: Sequence[str],
    published: Sequence[str],
    strata: Sequence[str],
    area: str,
    year: str | None,
    called: str = "sample",
) -> Answers:
    """Check both tables, and lay them out by area and year.

    Messages name the first table as `called` says.

    Raises
    ------
    DataError
        A column or an area is not there, an area stands in a table twice, a size is missing or not
        above 0, a count is negative or not whole, or a cell holds what is no number and no known
        symbol.
    """
    given, all_areas = _Table(sample, called, area, year), _Table(frame, "frame", area, year)
    areas = list(dict.fromkeys(all_areas.areas))
    years = sorted(set(all_areas.years)) if year is not None else [None]
    if not areas:
        raise DataError("the frame has no rows")
    place = {cell: at for at, cell in enumerate(zip(all_areas.areas, all_areas.years, strict=True))}
    strangers = [
        given.row_name(row)
        for row, cell in enumerate(zip(given.areas, given.years, strict=True))
        if cell not in place
    ]
    if strangers:
        more = f" and {len(strangers) - _NAMED} more" if len(strangers) > _NAMED else ""
        raise DataError(f"not in the frame: {', '.join(strangers[:_NAMED])}{more}")
    rows = {name: at for at, name in enumerate(areas)}
    columns = {value: at for at, value in enumerate(years)}
    missing: list[tuple[str, str, Any, str, str]] = []
    there = np.zeros((len(areas), len(years)), np.bool_)
    for name, value in place:
        there[rows[name], columns[value]] = True

    def laid_out(table: _Table, name: str) -> Floats:
        values, reasons = table.numbers(name)
        grid = np.full((len(areas), len(years)), np.nan)
        for row, value in enumerate(values):
            grid[rows[table.areas[row]], columns[table.years[row]]] = value
        missing.extend(
            (table.name, table.areas[row], table.years[row], name, symbol)
            for row, symbol in reasons.items()
        )
        return grid

    found = Answers(
        areas=areas,
        years=years,
        there=there,
        counts={name: _whole(laid_out(given, name), name, areas, called) for name in counts},
        sizes={name: laid_out(all_areas, name) for name in sizes},
        published={name: laid_out(all_areas, name) for name in published},
        strata={name: _groups(all_areas, name, areas) for name in strata},
        missing=pd.DataFrame(missing, columns=["table", area, year or "year", "column", "symbol"]),
    )
    for name in sizes:
        _refuse_no_size(all_areas, name)
    return found


def _whole(grid: Floats, name: str, areas: list[str], called: str) -> Floats:
    odd = np.argwhere(np.isfinite(grid) & (grid != np.floor(grid)))
    if len(odd):
        row, column = odd[0]
        raise DataError(
            f"{called}: {name} of {areas[row]} is {grid[row, column]:g}, no whole number"
        )
    return grid


def _refuse_no_size(frame: _Table, name: str) -> None:
    values, reasons = frame.numbers(name)
    for row in np.flatnonzero(~(values > 0)).tolist():
        written = repr(reasons[row]) if reasons.get(row) else "missing" if row in reasons else "0"
        raise DataError(f"frame: {name} of {frame.row_name(row)} is {written}; sizes are above 0")


def _groups(frame: _Table, name: str, areas: list[str]) -> npt.NDArray[np.object_]:
    """The group of each area, which must not change from year to year."""
    found: dict[str, str] = {}
    for row, value in enumerate(frame.column(name)):
        if pd.isna(value):
            raise DataError(f"frame: {name} of {frame.row_name(row)} is empty")
        if found.setdefault(frame.areas[row], str(value)) != str(value):
            raise DataError(
                f"frame: {name} of {frame.areas[row]} is {found[frame.areas[row]]!r} and {value!r}"
            )
    return np.array([found[name] for name in areas], object)
