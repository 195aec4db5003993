"""Numbers of published tables and of returns, where symbols stand for what is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.errors import DataError

__all__ = ["SYMBOLS", "numbers"]

Floats: TypeAlias = npt.NDArray[np.float64]

#: The Government Statistical Service's symbols for cells without a number, and what each means.
SYMBOLS: Mapping[str, str] = {
    "c": "suppressed",
    "x": "not available",
    "z": "not applicable",
    "u": "of low reliability",
    "low": "rounds to zero",
    "k": "rounds to zero",  # as the Department for Education still has it in places
}

_THOUSANDS = re.compile(r"[0-9]{1,3}(,[0-9]{3})+")


def numbers(
    column: pd.Series, name: str, row_name: Callable[[int], str] = "row {}".format
) -> tuple[Floats, dict[int, str]]:
    """The numbers of a column, and why the others are missing.

    Parameters
    ----------
    column : Series
        Numbers, or text: whole numbers, with a comma between thousands or without, decimals, the
        symbols of `SYMBOLS`, in square brackets or without, and empty fields.
    name : str
        The column, for messages.
    row_name : callable
        How messages call a row, by its position.

    Returns
    -------
    values : ndarray of float64
        NaN where there is none.
    reasons : dict
        By position the symbol that stands there, or ``""`` for an empty field.

    Raises
    ------
    DataError
        Something else stands there. ``row`` says where.

    Examples
    --------
    >>> import pandas as pd
    >>> values, reasons = numbers(pd.Series(["1,204", "c", "", "17"]), "referrals")
    >>> values
    array([1204.,   nan,   nan,   17.])
    >>> reasons
    {1: 'c', 2: ''}
    """
    if pd.api.types.is_bool_dtype(column.dtype):
        raise DataError(f'column "{name}" holds truth values, not numbers')
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(np.float64, na_value=np.nan)
        _refuse_infinite(values, name, row_name)
        return values, dict.fromkeys(np.flatnonzero(np.isnan(values)).tolist(), "")
    values = np.full(len(column), np.nan)
    reasons: dict[int, str] = {}
    for row, cell in enumerate(column):
        number = _number(cell)
        if number is not None:
            values[row] = number
            continue
        symbol = _symbol(cell)
        if symbol is None:
            error = DataError(
                f'column "{name}", {row_name(row)}: {cell!r} is neither a number nor one of the '
                f"symbols {', '.join(SYMBOLS)}"
            )
            error.row, error.column, error.value = row, name, str(cell)
            raise error
        reasons[row] = symbol
    _refuse_infinite(values, name, row_name)
    return values, reasons


def _number(cell: Any) -> float | None:
    if isinstance(cell, str):
        text = cell.strip()
        if _THOUSANDS.fullmatch(text):
            text = text.replace(",", "")
        try:
            found = float(text)
        except ValueError:
            return None
        return None if np.isnan(found) else found
    if isinstance(cell, (bool, np.bool_)) or pd.isna(cell):
        return None
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def _symbol(cell: Any) -> str | None:
    """The symbol that a cell holds, ``""`` for none; None: it holds something else."""
    if not isinstance(cell, str):
        return "" if not isinstance(cell, (bool, np.bool_)) and pd.isna(cell) else None
    text = cell.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    return text if text in SYMBOLS or text == "" else None


def _refuse_infinite(values: Floats, name: str, row_name: Callable[[int], str]) -> None:
    rows = np.flatnonzero(np.isinf(values))
    if len(rows):
        raise DataError(f'column "{name}", {row_name(int(rows[0]))}: an infinite number')
