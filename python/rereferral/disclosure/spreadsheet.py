"""Tables as CSV files that a spreadsheet opens without running anything in them."""

from __future__ import annotations

import pandas as pd

__all__ = ["neutral", "to_csv"]

_STARTS = ("=", "+", "-", "@", "\t", "\r")


def neutral(text: str) -> str:
    """Text that no spreadsheet takes for a formula: what could be one begins with an apostrophe.

    References
    ----------
    OWASP, CSV Injection.

    Examples
    --------
    >>> neutral("=HYPERLINK(1)"), neutral("-"), neutral("Hartlepool")
    ("'=HYPERLINK(1)", "'-", 'Hartlepool')
    """
    return f"'{text}" if text.startswith(_STARTS) else text


def _cell(value: object) -> object:
    return neutral(value) if isinstance(value, str) else value


def to_csv(table: pd.DataFrame) -> str:
    """A table as CSV: numbers as they are, text that could be a formula made neutral."""
    safe = table.rename(columns=lambda name: neutral(str(name)))
    for place, (_, column) in enumerate(table.items()):
        if not pd.api.types.is_numeric_dtype(column.dtype):
            cells = [_cell(value) for value in column]
            safe.isetitem(place, pd.Series(cells, safe.index, dtype=object))
    text: str = safe.to_csv(index=False, lineterminator="\n")
    return text
