"""Lines of expenditure as published: one long table, whatever file they came from."""

from __future__ import annotations

import difflib
import html
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.errors import DataError, RuleError
from rereferral.small_tables import column_of, small_table
from rereferral.symbols import SYMBOLS, numbers
from rereferral.years import year_of

__all__ = [
    "COLUMNS",
    "UNITS",
    "Lines",
    "amounts",
    "as_lines",
    "is_near",
    "key",
    "long_table",
    "split_number",
]

Floats: TypeAlias = npt.NDArray[np.float64]

#: The columns of every table of lines. ``net`` is net current expenditure in £ million, cash.
COLUMNS = (
    "financial_year",
    "area",
    "area_name",
    "area_class",
    "line",
    "description",
    "net",
)

#: How many of a unit are £ million.
UNITS = {"£ million": 1.0, "£ thousand": 1e3, "£": 1e6}

#: What stands for a missing amount in these files beside the symbols of open data.
NO_VALUE = {
    "NULL": "no value (NULL)",
    "…": "not available (…)",
    "...": "not available (...)",
    "..": "not available (..)",
    "": "empty",
}

_NUMBER = re.compile(r"\s*([0-9]+[a-z]?(?:\.[0-9]+)*[a-z]?)\s+(\S.*)", re.DOTALL)
_THOUSANDS = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_NEAR = 0.9


@dataclass(frozen=True, eq=False)
class Lines:
    """Net current expenditure by line, as it was published.

    Attributes
    ----------
    table : DataFrame
        ``financial_year`` (``2019-20``), ``area`` (code), ``area_name``, ``area_class`` (null where
        the file has none), ``line`` (number, text), ``description`` and ``net``, £ million in cash,
        NaN where there is none.
    missing : DataFrame
        The amounts that are missing, with the ``symbol`` in their place and its ``meaning``.
    source : {"s251", "outturn", "ro3", "published"}
        Which return it is; the mapping goes by it.
    name : str
        The file, for messages.
    notes : tuple of str
        What was met in the file.
    """

    table: pd.DataFrame
    missing: pd.DataFrame
    source: str
    name: str
    notes: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """What is in it."""
        table = self.table
        years = list(dict.fromkeys(table["financial_year"]))
        span = years[0] if len(years) == 1 else f"{years[0]} to {years[-1]}"
        lines = len(table[["line", "description"]].drop_duplicates())
        areas = table["area"].nunique()
        found = [
            f"{self.name}: {lines:,} lines of {areas:,} {'area' if areas == 1 else 'areas'}, "
            f"{span}; net current expenditure, £ million, cash"
        ]
        counts = self.missing["meaning"].value_counts()
        found += [f"{count:,} amounts are missing: {meaning}" for meaning, count in counts.items()]
        return [*found, *self.notes]

    def notes_of(self, counted: pd.DataFrame) -> list[str]:
        """The notes that are not of lines that do not count."""
        others = set(self.table["description"]) - set(counted["description"])
        return [note for note in self.notes if not note.startswith(tuple(f"{o}:" for o in others))]

    def __repr__(self) -> str:
        return "\n".join([*self.words(), "", str(self.table)])

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{html.escape(line)}</p>" for line in self.words())
        return words + str(self.table.head().to_html(index=False))


def key(text: str) -> str:
    """A description as it is compared: no case, accents, punctuation or double blanks.

    Examples
    --------
    >>> key("Children’s  social care: Sure Start")
    'childrens social care sure start'
    """
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = re.sub(r"['’‘`]", "", plain)
    return " ".join(re.findall(r"[a-z0-9]+", plain))


def is_near(text: str, other: str) -> bool:
    """Whether two descriptions are the same but for a misspelling.

    Examples
    --------
    >>> is_near("Family support servcies", "Family Support Services")
    True
    >>> is_near("Total fostering services", "Total Children Looked After")
    False
    """
    return difflib.SequenceMatcher(None, key(text), key(other), False).ratio() >= _NEAR


def split_number(text: str) -> tuple[str, str]:
    """The number of a line and its description.

    Examples
    --------
    >>> split_number("3.1.2a Fostering services"), split_number("Sure Start")
    (('3.1.2a', 'Fostering services'), ('', 'Sure Start'))
    """
    found = _NUMBER.fullmatch(text)
    return (found[1], found[2].strip()) if found else ("", text.strip())


def amounts(
    column: pd.Series, name: str, row_name: Callable[[int], str]
) -> tuple[Floats, dict[int, str]]:
    """`symbols.numbers` for amounts of money: also ``-1,204.50``, and what `NO_VALUE` has.

    Raises
    ------
    DataError
        Something else stands there.
    """
    cells = column.astype(object).to_numpy(copy=True)
    gone = {}
    for row, cell in enumerate(cells):
        if isinstance(cell, str):
            text = cell.strip()
            if text in NO_VALUE:
                gone[row], cells[row] = text, ""
            elif _THOUSANDS.fullmatch(text):
                cells[row] = text.replace(",", "")
    values, reasons = numbers(pd.Series(cells, dtype=object), name, row_name)
    return values, reasons | gone


def long_table(
    rows: pd.DataFrame, reasons: dict[int, str], name: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table of lines, and the rows of it without an amount.

    Parameters
    ----------
    rows : DataFrame
        `COLUMNS`, from 0 on.
    reasons : dict
        By position what stands in the place of a number.
    name : str
        The file, for messages.

    Raises
    ------
    DataError
        There are no rows, one has no area, or an area has a line twice in a year.
    """
    table = rows[list(COLUMNS)].reset_index(drop=True)
    if table.empty:
        raise DataError(f"{name} holds no lines of expenditure")
    for column in ("area", "area_name"):
        for row in table[table[column].isna() | (table[column] == "")].itertuples():
            raise DataError(
                f'{name}, {row.financial_year}: "{f"{row.line} {row.description}".strip()}" stands '
                f"there without {'a code' if column == 'area' else 'a name'} of its area"
            )
    twice = table.duplicated(["financial_year", "area", "line", "description"])
    if twice.any():
        row = table[twice].iloc[0]
        raise DataError(
            f'{name} has the line "{row["line"]} {row["description"]}" twice for '
            f"{row['area_name']} in {row['financial_year']}"
        )
    gone = table.iloc[sorted(reasons)].drop(columns=["net", "area_class"])
    gone["symbol"] = [reasons[row] for row in sorted(reasons)]
    gone["meaning"] = [{**SYMBOLS, **NO_VALUE}[symbol] for symbol in gone["symbol"]]
    return table, gone.reset_index(drop=True)


def as_lines(table: Any, *, source: str, unit: str, name: str = "the table") -> Lines:
    """Lines of expenditure from a table of one's own.

    Parameters
    ----------
    table : DataFrame or other small table
        A row for each year, area and line: ``financial_year`` (``2019-20``), ``area``,
        ``area_name``, ``description`` and ``net``; where there are such, ``line`` (number) and
        ``area_class``. Symbols for missing amounts as in published files.
    source : str
        What the mapping calls it: one of its own sources, or one of a mapping of yours.
    unit : {"£ million", "£ thousand", "£"}
        What ``net`` is in.
    name : str
        What it is, for messages.

    Returns
    -------
    Lines

    Raises
    ------
    DataError
        A column is not there, a year is no label of one, an amount is neither a number nor a known
        symbol, or an area has a line twice in a year.
    RuleError
        There is no such unit.

    Examples
    --------
    >>> from rereferral import spending
    >>> rows = {"financial_year": ["2019-20"], "area": ["E08000035"], "area_name": ["Leeds"],
    ...         "description": ["Youth justice"], "net": ["1,204"]}
    >>> spending.as_lines(rows, source="own", unit="£ thousand").table["net"].tolist()
    [1.204]
    """
    if unit not in UNITS:
        raise RuleError(f"unit={unit!r} is none of {', '.join(UNITS)}")
    given = small_table(table, name)
    for column in ("financial_year", "area", "area_name", "description", "net"):
        column_of(given, column, name)
    for row, label in enumerate(given["financial_year"]):
        if not isinstance(label, str) or year_of(label) is None:
            raise DataError(f'{name}, row {row}: {label!r} is no financial year such as "2019-20"')
    for column in ("area", "area_name", "description"):
        for row in given.index[given[column].isna()]:
            raise DataError(f"{name}, row {row}: {column} is missing")
    values, reasons = amounts(given["net"], "net", "row {}".format)
    optional = {"line": "", "area_class": None}
    rows = given.assign(
        **{column: usual for column, usual in optional.items() if column not in given.columns},
        net=values / UNITS[unit],
    )
    rows = rows.astype(dict.fromkeys(("area", "area_name", "line", "description"), str))
    return Lines(*long_table(rows, reasons, name), source, name)
