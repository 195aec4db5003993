"""The Department for Education's open data: tidy CSV, with symbols where a number is missing."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rereferral.errors import DataError
from rereferral.symbols import SYMBOLS, numbers
from rereferral.years import year_labels, year_of

__all__ = ["Tidy", "read"]

#: Columns that say what a row is about; all others are filters (text) or indicators (numbers).
IDENTIFIERS = (
    "time_period",
    "time_identifier",
    "geographic_level",
    "country_code",
    "country_name",
    "region_code",
    "region_name",
    "old_la_code",
    "new_la_code",
    "la_name",
)

LEVELS = {"national": "National", "regional": "Regional", "authority": "Local authority"}

#: The regions that stand beside London, which holds them.
LONDON_PARTS = ("Inner London", "Outer London")

_PERIOD = re.compile(r"([0-9]{4})([0-9]{2})?")


@dataclass(frozen=True, eq=False)
class Tidy:
    """A file as it was published, with its numbers as numbers.

    Attributes
    ----------
    table : DataFrame
        The rows and columns of the file. Identifiers and filters are text, null where empty;
        indicators float64, NaN where a symbol stands. ``financial_year`` (``2019-20``) is added.
    symbols : DataFrame
        Every cell of an indicator without a number: ``row``, ``column``, ``symbol``, ``meaning``.
    """

    table: pd.DataFrame
    symbols: pd.DataFrame

    def level(self, level: str, london_parts: bool = False) -> pd.DataFrame:
        """The rows of one geographic level, from 0 on.

        Parameters
        ----------
        level : {"national", "regional", "authority"}
            Which.
        london_parts : bool, default False
            Whether regions hold Inner and Outer London, which stand beside London.

        Raises
        ------
        DataError
            There is no such level.
        """
        if level not in LEVELS:
            raise DataError(f"level={level!r} is none of {', '.join(LEVELS)}")
        rows = self.table["geographic_level"] == LEVELS[level]
        if level == "regional" and not london_parts and "region_name" in self.table.columns:
            rows &= ~self.table["region_name"].isin(LONDON_PARTS)
        return self.table[rows].reset_index(drop=True)


def read(path: str | os.PathLike[str]) -> Tidy:
    r"""Read a tidy CSV file of the Department for Education's open data.

    Parameters
    ----------
    path : str or path
        The data file, as downloaded; not the ``.meta.csv`` beside it.

    Returns
    -------
    Tidy

    Raises
    ------
    DataError
        It has no ``time_period`` or ``geographic_level``, a time period is no year, or a column of
        numbers holds what is neither a number nor one of the symbols c, x, z, u, low and k.
    OSError
        The file cannot be read.

    Notes
    -----
    A time period of four digits is the year in which the reporting year ends (2020: 2019-20), one
    of six digits a financial year (201920). Percentages stay as published, 0 to 100.

    References
    ----------
    Department for Education, Open data standards; Government Analysis Function, Symbols in tables.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from rereferral.formats import dfe
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "c1.csv"
    >>> _ = path.write_text("time_period,geographic_level,la_name,Referrals\n"
    ...                     "2020,Local authority,Leeds,5310\n2020,Local authority,Rutland,c\n")
    >>> found = dfe.read(path)
    >>> found.table[["financial_year", "la_name", "Referrals"]]
      financial_year  la_name  Referrals
    0        2019-20    Leeds     5310.0
    1        2019-20  Rutland        NaN
    >>> found.symbols["meaning"].tolist()
    ['suppressed']
    """
    name = os.fspath(path)
    try:
        given = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except pd.errors.ParserError as error:
        raise DataError(f"{name}: {error}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: byte {error.start} is not UTF-8") from None
    for column in ("time_period", "geographic_level"):
        if column not in given.columns:
            raise DataError(f'{name} has no column "{column}", as open data has')
    found, cells = {}, []
    for column in given.columns:
        if column in IDENTIFIERS or _is_filter(given[column]):
            text = given[column].astype(object)
            found[column] = text.where(text != "", None)
            continue
        try:
            values, reasons = numbers(given[column], column, lambda row: f"line {row + 2}")
        except DataError as error:
            raise DataError(f"{name}: {error}") from None
        found[column] = pd.Series(values)
        cells += [(row, column, symbol) for row, symbol in reasons.items()]
    table = pd.DataFrame(found)
    table["financial_year"] = _years(given["time_period"], name)
    symbols = pd.DataFrame(cells, columns=["row", "column", "symbol"])
    symbols["meaning"] = [SYMBOLS.get(symbol, "empty") for symbol in symbols["symbol"]]
    return Tidy(table, symbols)


def _is_filter(column: pd.Series) -> bool:
    """Whether no cell looks like a number, and not all are symbols."""
    text = column.str.strip()
    missing = text.isin([*SYMBOLS, *(f"[{symbol}]" for symbol in SYMBOLS), ""])
    digits = text.str.fullmatch(r"-?[0-9][0-9,]*(\.[0-9]+)?")
    return bool(not digits.any() and not missing.all())


def _years(periods: pd.Series, name: str) -> list[str]:
    labels = {}
    for row, period in zip(*np.unique(periods, return_index=True)[::-1], strict=True):
        match = _PERIOD.fullmatch(str(period))
        label = None
        if match is not None:
            year = int(match[1])
            label = f"{year}-{match[2]}" if match[2] else year_labels([year])[0]
        if label is None or year_of(label) is None:
            raise DataError(f'{name}, line {row + 2}: time_period "{period}" is not a year')
        labels[period] = label
    return [labels[period] for period in periods]
