"""Section 251 outturn: the Department for Education's files, tidy ones and those before them."""

from __future__ import annotations

import csv
import io
import os
import re
from pathlib import Path

import pandas as pd

from rereferral.errors import DataError, RuleError
from rereferral.formats import dfe
from rereferral.small_tables import column_of
from rereferral.spending.lines import UNITS, Lines, amounts, long_table, split_number
from rereferral.years import year_of

__all__ = ["read_outturn", "read_s251"]

_AREAS = {
    "national": ("country_code", "country_name"),
    "regional": ("region_code", "region_name"),
    "authority": ("new_la_code", "la_name"),
}


def read_s251(
    path: str | os.PathLike[str], *, level: str = "national", unit: str | None = None
) -> Lines:
    r"""Read Section 251 outturn from a tidy CSV file of the Department for Education.

    Parameters
    ----------
    path : str or path
        The data file, as downloaded.
    level : {"national", "regional", "authority"}
        Which of its rows.
    unit : {"£ million", "£ thousand", "£"}, optional
        What its amounts are in, which the file does not say. England's are in £ million; of the
        other levels it has to be given.

    Returns
    -------
    Lines
        With ``source`` ``"s251"``.

    Raises
    ------
    DataError
        It is no tidy file (see `rereferral.dfe.read`), has no such column or level, an amount is
        neither a number nor a known symbol, or an area has a line twice.
    RuleError
        There is no such level or unit, or it is not given.

    References
    ----------
    Department for Education, LA and school expenditure.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from rereferral import spending
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "s251.csv"
    >>> _ = path.write_text("time_period,geographic_level,country_code,country_name,"
    ...     "description_of_expenditure,net_current_expenditure\n"
    ...     "201920,National,E92000001,England,3.6.1 Youth justice,154.56\n"
    ...     "201920,National,E92000001,England,8a.2 Teenage pregnancy services,x\n")
    >>> spending.read_s251(path).table[["financial_year", "line", "description", "net"]]
      financial_year   line                  description     net
    0        2019-20  3.6.1                Youth justice  154.56
    1        2019-20   8a.2  Teenage pregnancy services     NaN
    """
    if level not in _AREAS:
        raise RuleError(f"level={level!r} is none of {', '.join(_AREAS)}")
    if unit is None and level != "national":
        raise RuleError(
            f'the file does not say what the amounts of level="{level}" are in: '
            f"give unit=, one of {', '.join(UNITS)}"
        )
    if unit is not None and unit not in UNITS:
        raise RuleError(f"unit={unit!r} is none of {', '.join(UNITS)}")
    name = os.path.basename(os.fspath(path))
    tidy = dfe.read(path)
    chosen = tidy.table[tidy.table["geographic_level"] == dfe.LEVELS[level]]
    if chosen.empty:
        raise DataError(f"{name} has no rows of the level {level}")
    code, title = (column_of(chosen, column, name) for column in _AREAS[level])
    net = column_of(chosen, "net_current_expenditure", name)
    if not pd.api.types.is_float_dtype(net.dtype):
        raise DataError(f'{name}: column "net_current_expenditure" holds no number')
    described = column_of(chosen, "description_of_expenditure", name)
    for row in described.index[described.isna()]:
        raise DataError(f'{name}, line {row + 2}: "description_of_expenditure" is empty')
    parts = [split_number(text) for text in described]
    rows = pd.DataFrame(
        {
            "financial_year": chosen["financial_year"],
            "area": code,
            "area_name": title,
            "area_class": None,
            "line": [number for number, _ in parts],
            "description": [text for _, text in parts],
            "net": net / UNITS[unit or "£ million"],
        }
    )
    place = {row: at for at, row in enumerate(chosen.index)}
    gone = tidy.symbols[tidy.symbols["column"] == "net_current_expenditure"]
    reasons = {
        place[row]: symbol.strip("[] ")
        for row, symbol in zip(gone["row"], gone["symbol"], strict=True)
        if row in place
    }
    return Lines(*long_table(rows, reasons, name), "s251", name)


#: Headings of the files before 2010, without blanks, case and colon, by what they hold.
_HEADINGS = {
    "area": ("leanumber", "lea", "lanumber"),
    "area_name": ("laname", "leaname"),
    "number": ("line",),
    "description": ("s52linereference", "linereference", "s251linereference"),
    "net": ("netcurrentexpenditure(m)", "netcurrentexpenditure"),
}


def read_outturn(path: str | os.PathLike[str], financial_year: str) -> Lines:
    r"""Read the outturn by authority of a year before there were tidy files.

    Parameters
    ----------
    path : str or path
        The CSV file, as published: a row for each authority and line, in pounds.
    financial_year : str
        Such as ``"2008-09"``, which the file does not say.

    Returns
    -------
    Lines
        With ``source`` ``"outturn"``; ``area`` is the Department's number of the authority.

    Raises
    ------
    DataError
        A column is not there, an amount is neither a number nor a known symbol nor ``NULL``, or an
        authority has a line twice.
    RuleError
        `financial_year` is no label of one.

    Notes
    -----
    Read as UTF-8, and as Windows-1252 where it is not. The number of a line stands before its
    description or in a column of its own. These files have no Sure Start and no services for
    young people: what they call early is not whole, and `early_and_late` says so.

    References
    ----------
    Department for Education, Section 52 and Section 251 outturn, 2008-09 and 2009-10.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from rereferral import spending
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "outturn.csv"
    >>> _ = path.write_text("LEA,LEA Name,Line,S52 Line Reference,NET Current Expenditure (m)\r\n"
    ...                     "202,Camden ,17,Total Children Looked After,30456000\r\n")
    >>> spending.read_outturn(path, "2009-10").table[["area_name", "line", "net"]]
      area_name line     net
    0    Camden   17  30.456
    """
    if not isinstance(financial_year, str) or year_of(financial_year) is None:
        raise RuleError(f'financial_year={financial_year!r} is no label such as "2008-09"')
    name = os.path.basename(os.fspath(path))
    given, notes = _csv(path, name)
    headings = {re.sub(r"[\s:]", "", str(column)).lower(): column for column in given.columns}
    columns = {}
    for part, known in _HEADINGS.items():
        found = next((headings[heading] for heading in known if heading in headings), None)
        if found is None and part != "number":
            have = ", ".join(map(str, given.columns))
            raise DataError(f"{name} has no column of the {part.replace('_', ' ')}; it has {have}")
        if found is not None:
            columns[part] = given[found].astype(object).map(str.strip)
    if "number" in columns:
        parts = list(zip(columns["number"], columns["description"], strict=True))
    else:
        parts = [split_number(text) for text in columns["description"]]
    values, reasons = amounts(columns["net"], "net", lambda row: f"line {row + 2}")
    rows = pd.DataFrame(
        {
            "financial_year": financial_year,
            "area": columns["area"],
            "area_name": columns["area_name"],
            "area_class": None,
            "line": [number for number, _ in parts],
            "description": [text for _, text in parts],
            "net": values / UNITS["£"],
        }
    )
    return Lines(*long_table(rows, reasons, name), "outturn", name, notes)


def _csv(path: str | os.PathLike[str], name: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    data = Path(path).read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        notes = ("read as Windows-1252: it is not UTF-8",)
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{name}: byte {error.start} is neither UTF-8 nor Windows-1252"
            ) from None
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if row and rows and len(row) != len(rows[0]):
                raise DataError(
                    f"{name}, line {reader.line_num}: {len(row)} fields, not {len(rows[0])} as the "
                    "header has"
                )
            if row:
                rows.append(row)
    except csv.Error as error:
        raise DataError(f"{name}, line {reader.line_num}: {error}") from None
    if not rows:
        raise DataError(f"{name} is empty")
    return pd.DataFrame(rows[1:], columns=rows[0], dtype=object), notes
