"""The spending files in a folder, as the plain numbers that the lines stand on."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np

from rereferral import published, spending
from rereferral.errors import DataError
from rereferral.spending import Lines
from rereferral.verdicts.spending import Councils, Outturn

__all__ = ["read_councils", "read_outturn"]

_OUTTURN = {"description_of_expenditure", "net_current_expenditure", "time_period"}
_WORKBOOKS = (".xlsx", ".ods")
_BEFORE, _AFTER = "2015-16", "2019-20"


def read_outturn(folder: str | os.PathLike[str]) -> Outturn:
    """England's early and late spending by year, from Section 251 outturn in a folder.

    Raises
    ------
    DataError
        There is no such folder, no tidy file of the outturn lies in it, or more than one.
    """
    found = []
    for path in sorted(_folder(folder).glob("*.csv")):
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            if set(next(csv.reader(file), [])) >= _OUTTURN:
                found.append(path)
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(
            f"{os.fspath(folder)} must hold one tidy file of Section 251 outturn by line, and "
            f"holds {names}"
        )
    table = spending.early_and_late(spending.read_s251(found[0])).table
    return Outturn(
        *(
            {
                str(year): float(amount)
                for year, amount in zip(table["financial_year"], table[side], strict=True)
                if not np.isnan(amount)
            }
            for side in ("early", "late")
        )
    )


def read_councils(folder: str | os.PathLike[str]) -> Councils:
    """Which authorities cut early intervention, from the workbooks of RO3 in a folder.

    Raises
    ------
    DataError
        There is no such folder, or the workbook of a year is not in it.
    """
    workbooks: dict[str, Lines] = {}
    for path in sorted(_folder(folder).iterdir()):
        if path.suffix in _WORKBOOKS:
            lines = spending.read_ro3(path)
            for year in lines.table["financial_year"].unique():
                workbooks.setdefault(str(year), lines)
    for year in (_BEFORE, _AFTER):
        if year not in workbooks:
            raise DataError(f"{os.fspath(folder)} holds no workbook of RO3 of {year}")
    found = spending.early_and_late(workbooks[_BEFORE], workbooks[_AFTER])
    claim = published.figures()["too_little_too_late"]["authorities_that_cut_most"]
    codes = published.authorities().set_index("authority_name")["authority"]
    deflators = tuple(published.figures()["spending"]["councils"]["deflators"])
    cash = spending.changes(found, _BEFORE, _AFTER, areas="same code")
    real = [
        spending.changes(found, _BEFORE, _AFTER, areas="same code", deflator=deflator)
        for deflator in deflators
    ]
    moved = real[0].table.set_index("area")["change_percent"].dropna()
    return Councils(
        areas=len(cash.table),
        cut_in_cash=cash.cut,
        cut_in_real_terms=tuple(change.cut for change in real),
        deflators=deflators,
        cut_most=tuple(real[0].cut_by_more_than(claim["value"])["area_name"]),
        change_percent={
            name: float(moved[codes[name]]) for name in claim["names"] if codes[name] in moved.index
        },
    )


def _folder(folder: str | os.PathLike[str]) -> Path:
    path = Path(folder)
    if not path.is_dir():
        raise DataError(f"{os.fspath(folder)} is not a folder")
    return path
