"""England, its regions and authorities from the Department for Education's files, by counting."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import pandas as pd

from rereferral.errors import DataError
from rereferral.formats import dfe
from rereferral.verdicts.ranges import Range, exact, exactly, rounded
from rereferral.years import year_of

__all__ = ["MISSING", "Count", "OpenData", "Table", "total"]

#: What the tables are, and the columns that each is known by.
_PLACES = {"region_name", "new_la_code", "la_name"}
_TABLES = {
    "referrals": {"Referrals", "Re_referrals", "No_Further_Action", "Not_in_Need", *_PLACES},
    "assessments": {"Assessments_completed", *_PLACES},
    "population": {"population_estimate", "age_group"},
}
#: What a line needs that cannot be tested for want of a table.
MISSING = {
    "referrals": "Needs the Department for Education's table C1 of children in need "
    "(--dfe FOLDER).",
    "assessments": "Needs the Department for Education's table C2 of children in need "
    "(--dfe FOLDER).",
    "population": "Needs the mid-year population estimates that come with the children in need "
    "tables (--dfe FOLDER).",
}
_SUPPRESSED = Range(exact(1), exact(5))
_MIDDLE = 3
_ROUNDED_TO = 10
_NAMED = 3  # authorities that a sentence names


@dataclass(frozen=True)
class Count:
    """A count of England or a part of it.

    Attributes
    ----------
    value : Fraction
        The count; where cells are suppressed, with 3 for each.
    range : Range
        What it may be.
    how : str
        How it was made, as the beginning of a sentence.
    """

    value: Fraction
    range: Range
    how: str


def total(counts: Iterable[Count]) -> Count:
    """Counts added up; `how` is that of the first."""
    first, *others = counts
    value, range_ = first.value, first.range
    for count in others:
        value, range_ = value + count.value, range_ + count.range
    return Count(value, range_, first.how)


class Table:
    """A tidy table by year, of authorities and regions.

    Parameters
    ----------
    tidy : rereferral.formats.dfe.Tidy
        As read.
    """

    def __init__(self, tidy: dfe.Tidy) -> None:
        table = tidy.table.copy()
        table["year"] = [year_of(label) for label in table["financial_year"]]
        self._symbols = tidy.symbols.set_index(["row", "column"])["symbol"].to_dict()
        self._authorities = table[table["geographic_level"] == dfe.LEVELS["authority"]]
        regional = table["geographic_level"] == dfe.LEVELS["regional"]
        self._regions = table[regional & ~table["region_name"].isin(dfe.LONDON_PARTS)]

    @cached_property
    def years(self) -> list[int]:
        """The years it holds, by the year they end in."""
        return sorted(set(self._authorities["year"]))

    def needs(self, year: int) -> str:
        """Why a year cannot be tested that it does not hold."""
        if not self.years:
            return f"Needs a table with {year}: the one at hand has no authorities."
        return f"Needs a table with {year}: the one at hand is {self.years[0]} to {self.years[-1]}."

    def authorities(self, year: int) -> pd.DataFrame:
        """The rows of the authorities in a year."""
        return self._authorities[self._authorities["year"] == year]

    def symbol(self, row: int, column: str) -> str:
        """What stands in a cell without a number."""
        return str(self._symbols.get((row, column), ""))

    def england(self, year: int, column: str) -> Count | None:
        """England's count of a year, from its authorities; of a region without one, from its own.

        None where an authority and its region are missing, or the year, or the column.
        """
        rows = self.authorities(year)
        if column not in rows.columns:
            return None
        found = self._sum(rows, column)
        if found is not None:
            return found
        names = self._regions[self._regions["year"] == year]["region_name"].unique()
        covered = [*names, *(dfe.LONDON_PARTS if "London" in names else ())]
        counts = [self.region(year, str(name), column) for name in names]
        known = [count for count in counts if count is not None]
        if not known or len(known) < len(counts) or not rows["region_name"].isin(covered).all():
            return None
        gone = self._missing(rows, column)
        shown = "; ".join(gone[:_NAMED])
        if len(gone) > _NAMED:
            shown += f" and {len(gone) - _NAMED} more"
        how = (
            f"The sum of the authorities, and where one is not published ({shown}) its region's "
            f"own count, rounded to {_ROUNDED_TO}"
        )
        everywhere = total(known)
        return Count(everywhere.value, everywhere.range, how)

    def region(self, year: int, name: str, column: str) -> Count | None:
        """A region's count of a year, from its authorities or else as it was printed."""
        rows = self.authorities(year)
        parts = dfe.LONDON_PARTS if name == "London" else ()
        found = self._sum(rows[rows["region_name"].isin([name, *parts])], column)
        if found is not None:
            return found
        regions = self._regions
        printed = regions[(regions["year"] == year) & (regions["region_name"] == name)][column]
        if len(printed) != 1 or printed.isna().any():
            return None
        value = int(printed.iloc[0])
        how = (
            f"The region's own count, rounded to {_ROUNDED_TO}, because not all of its "
            "authorities' counts are published"
        )
        return Count(exact(value), rounded(value, _ROUNDED_TO), how)

    def _sum(self, rows: pd.DataFrame, column: str) -> Count | None:
        """The sum over rows; None where one is neither a number nor suppressed."""
        gone = list(rows.index[rows[column].isna()])
        if len(rows) == 0 or any(self.symbol(row, column) != "c" for row in gone):
            return None
        known = exactly(int(rows[column].sum()))
        value, range_ = known.low + _MIDDLE * len(gone), known
        for _ in gone:
            range_ = range_ + _SUPPRESSED
        how = f"The sum of {len(rows)} authorities"
        if gone:
            how += f", of which {len(gone)} suppressed (1 to 5, taken as {_MIDDLE})"
        return Count(value, range_, how)

    def _missing(self, rows: pd.DataFrame, column: str) -> list[str]:
        """The authorities without a count that were not suppressed."""
        gone = rows[rows[column].isna()]
        return [
            str(name)
            for row, name in zip(gone.index, gone["la_name"], strict=True)
            if self.symbol(row, column) != "c"
        ]


@dataclass(frozen=True, eq=False)
class OpenData:
    """The tables at hand; None for one that is not.

    Attributes
    ----------
    referrals, assessments : Table or None
        Tables C1 and C2.
    children : dict of int to int, or None
        Children of England aged 0 to 17 in the middle of a calendar year.
    paths : mapping of str to pathlib.Path
        The files of those at hand: ``referrals``, ``assessments``, ``population``.
    """

    referrals: Table | None = None
    assessments: Table | None = None
    children: dict[int, int] | None = None
    paths: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> OpenData:
        """Find the tables in a folder by their columns, and read them.

        Raises
        ------
        DataError
            There is no such folder, none of the tables lies in it, or two of one kind.
        """
        found: dict[str, dfe.Tidy] = {}
        paths = _find(Path(folder))
        for kind, path in paths.items():
            found[kind] = dfe.read(path)
        people = found.get("population")
        children = None
        if people is not None:
            england = people.level("national")
            england = england[england["age_group"].str.contains("0 to 17", na=False)]
            values = england["population_estimate"].dropna()
            years = england.loc[values.index, "time_period"]
            children = {int(year): int(count) for year, count in zip(years, values, strict=True)}
        return cls(
            Table(found["referrals"]) if "referrals" in found else None,
            Table(found["assessments"]) if "assessments" in found else None,
            children,
            paths,
        )


def _find(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder")
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            columns = set(next(csv.reader(file), []))
        for kind, known in _TABLES.items():
            if known <= columns:
                if kind in found:
                    raise DataError(
                        f"{folder} holds two tables of {kind}: {found[kind].name} and {path.name}"
                    )
                found[kind] = path
    if not found:
        raise DataError(
            f"{folder} holds none of the Department for Education's tables of children in need: "
            "no CSV file has the columns of C1, C2 or the population estimates"
        )
    return found
