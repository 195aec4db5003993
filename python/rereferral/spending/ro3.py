"""Revenue outturn RO3, social care by authority: workbooks with merged headers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pandas as pd

from rereferral.errors import DataError, RereferralError
from rereferral.spending.lines import UNITS, Lines, amounts, key, long_table
from rereferral.years import year_of

__all__ = ["read_ro3"]

_NEED = {".xlsx": "openpyxl", ".ods": "odfpy"}
_ENGLAND = "england"
_CODE = re.compile(r"E[0-9]{4,8}")


def read_ro3(path: str | os.PathLike[str]) -> Lines:
    """Read a workbook of revenue outturn RO3, social care, by authority.

    Parameters
    ----------
    path : str or path
        The workbook as published: ``.xlsx`` (needs openpyxl) or ``.ods`` (needs odfpy).

    Returns
    -------
    Lines
        With ``source`` ``"ro3"``: every line of every authority. ``area`` is the code as it stands
        in the file (the E-code where there is none of the ONS), ``area_class`` ``UA`` unitary,
        ``MD`` metropolitan district, ``L`` London borough, ``SC`` shire county, ``SD`` shire
        district or ``O`` other.

    Raises
    ------
    DataError
        No sheet has the columns of RO3; the year, the unit or a line's heading is not to be found;
        a row has no code; an amount is neither a number nor a known symbol; an authority stands
        there twice.
    RereferralError
        The library that reads such workbooks is not installed.
    OSError
        The file cannot be read.

    Notes
    -----
    Each line has a block of columns under one merged heading, employees, running expenses, income
    and so on; the last is net current expenditure, which is read. A line's number is the file's own
    ``Row_no``. The rows of England and of classes are no authorities; where authorities do not add
    up to England's row, the notes say by how much.

    References
    ----------
    Ministry of Housing, Communities and Local Government, Local authority revenue expenditure and
    financing, RO3.
    """
    name = os.path.basename(os.fspath(path))
    for title, cells in _sheets(path, name):
        head = _header(cells)
        if head is not None:
            return _lines(cells, head, name, title)
    raise DataError(f'{name} has no sheet with the columns "ONS Code", "Local authority", "Class"')


def _sheets(path: str | os.PathLike[str], name: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """The sheets of a workbook as cells, those with data in their names first."""
    ending = os.path.splitext(name)[1].lower()
    if ending not in _NEED:
        raise DataError(f"{name} is no workbook: its name ends in neither .xlsx nor .ods")
    try:
        book = pd.ExcelFile(path, engine="openpyxl" if ending == ".xlsx" else "odf")
    except ImportError:
        raise RereferralError(
            f"reading {ending} needs {_NEED[ending]}; install it with: "
            'pip install "rereferral[formats]"'
        ) from None
    except OSError:
        raise
    except Exception as error:  # each library has errors of its own for a file that is damaged
        raise DataError(f"{name} cannot be read as {ending}: {error}") from None
    with book:
        for title in sorted(book.sheet_names, key=lambda title: "data" not in str(title).lower()):
            cells = pd.read_excel(
                book, sheet_name=title, header=None, dtype=object, keep_default_na=False
            )
            yield str(title), cells.where(cells.notna(), "")


def _header(cells: pd.DataFrame) -> tuple[int, dict[str, int]] | None:
    """The row that names the columns, and where the columns that name the areas are."""
    wanted = {"e code": "e_code", "ons code": "code", "local authority": "name", "class": "class"}
    for row in range(min(len(cells), 40)):
        found = {}
        for column, cell in enumerate(cells.iloc[row]):
            if isinstance(cell, str) and key(cell) in wanted:
                found[wanted[key(cell)]] = column
        if {"code", "name", "class"} <= set(found):
            return row, found
    return None


def _lines(cells: pd.DataFrame, head: tuple[int, dict[str, int]], name: str, title: str) -> Lines:
    row, places = head
    above = cells.iloc[:row]
    words = [cell for cell in above.to_numpy().ravel() if isinstance(cell, str) and cell]
    year = _year(words, f"{name}, sheet {title}")
    unit = _unit(words, f"{name}, sheet {title}")
    blocks = _blocks(cells, row, max(places.values()), f"{name}, sheet {title}")
    areas, england = _areas(cells, row, places, f"{name}, sheet {title}")
    found: list[pd.DataFrame] = []
    reasons: dict[int, str] = {}
    notes: list[str] = []
    at = 0
    for column, number, description in blocks:
        net, gone = amounts(
            cells.iloc[areas["row"], column],
            description,
            lambda place: f"{areas['area_name'].iloc[place]} (row {areas['row'].iloc[place] + 1})",
        )
        part = areas.drop(columns="row").assign(
            financial_year=year, line=number, description=description, net=net / UNITS[unit]
        )
        found.append(part)
        reasons |= {at + place: symbol for place, symbol in gone.items()}
        at += len(part)
        if england is not None:
            notes += _beside(cells.iat[england, column], net, unit, description)
    rows = pd.concat(found, ignore_index=True)
    return Lines(*long_table(rows, reasons, name), "ro3", name, tuple(notes))


def _year(words: list[str], where: str) -> str:
    for text in words:
        for label in re.findall(r"[0-9]{4}-[0-9]{2}(?![0-9])", text):
            if year_of(label) is not None:
                return str(label)
    raise DataError(f"{where}: no financial year stands above the table")


def _unit(words: list[str], where: str) -> str:
    for text in words:
        for unit in ("£ thousand", "£ million"):
            if unit in " ".join(text.split()):
                return unit
    raise DataError(f"{where}: no unit (£ thousand) stands above the table")


def _blocks(
    cells: pd.DataFrame, row: int, last_name: int, where: str
) -> list[tuple[int, str, str]]:
    """Of each line the column of its net expenditure, its number and its heading."""
    nets = [
        column
        for column in range(last_name + 1, cells.shape[1])
        if key(str(cells.iat[row, column])).startswith("net current expenditure")
    ]
    if not nets:
        raise DataError(f'{where}: no column is called "Net Current Expenditure"')
    numbered = next((at for at in range(row) if (cells.iloc[at] == "Row_no").any()), None)
    headings = max(range(row), key=lambda at: _texts(cells, at, last_name), default=None)
    if headings is None or not _texts(cells, headings, last_name):
        raise DataError(f"{where}: no headings of lines stand above the columns")
    found, before = [], last_name
    for column in nets:
        text = next(
            (
                cells.iat[headings, place].strip()
                for place in range(column, before, -1)
                if isinstance(cells.iat[headings, place], str) and cells.iat[headings, place]
            ),
            None,
        )
        if text is None:
            raise DataError(f"{where}, column {column + 1}: no line's heading stands above it")
        number = "" if numbered is None else _whole(cells.iat[numbered, column])
        found.append((column, number, text))
        before = column
    return found


def _texts(cells: pd.DataFrame, row: int, last_name: int) -> int:
    """How many headings a row has beside the columns that name areas."""
    return sum(isinstance(cell, str) and cell != "" for cell in cells.iloc[row, last_name + 1 :])


def _whole(cell: Any) -> str:
    try:
        return str(int(cell))
    except (TypeError, ValueError):
        return str(cell).strip()


def _areas(
    cells: pd.DataFrame, row: int, places: dict[str, int], where: str
) -> tuple[pd.DataFrame, int | None]:
    """The rows of authorities, and that of England where there is one."""
    found, england = [], None
    for at in range(row + 1, len(cells)):
        name, kind, code, own = (
            str(cells.iat[at, places[part]]).strip() if part in places else ""
            for part in ("name", "class", "code", "e_code")
        )
        if key(name) == _ENGLAND:
            england = at
            break  # classes and notes follow
        if not name:
            continue
        code = code or (own if _CODE.fullmatch(own) else "")
        if not code:
            raise DataError(f"{where}, row {at + 1}: {name} has no code")
        found.append((at, code, name, kind))
    table = pd.DataFrame(found, columns=["row", "area", "area_name", "area_class"])
    if table.empty:
        raise DataError(f"{where} has no rows of authorities")
    for twice in table.loc[table["area"].duplicated(), "area_name"]:
        raise DataError(f"{where}: {twice} or its code stands there twice")
    return table, england


def _beside(whole: Any, net: Any, unit: str, description: str) -> list[str]:
    """A note if the authorities do not add up to England's own row, by more than rounding."""
    own, _ = amounts(pd.Series([whole], dtype=object), description, lambda _: "England")
    apart = float(pd.Series(net).sum() - own[0])
    if not abs(apart) > 1:
        return []
    more = "above" if apart > 0 else "below"
    return [f"{description}: authorities are {abs(apart):,.0f} {unit} {more} England's own row"]
