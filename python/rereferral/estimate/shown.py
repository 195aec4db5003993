"""Tables of an estimate as people read them: whole counts, per cent, and no needless columns."""

from __future__ import annotations

import pandas as pd

__all__ = ["as_count", "as_percent", "is_rate", "shown"]

_VALUES = ("estimate", "std_error", "lower", "upper")
_SHARES = ("rate", "share")
_HIDDEN = ("condition", "limits", "df")


def is_rate(quantity: str) -> bool:
    """Whether a quantity is a rate, of a count and what it is a part of."""
    return " / " in quantity


def as_count(value: float) -> str:
    """A count in whole numbers."""
    return "" if pd.isna(value) else f"{value:,.0f}"


def as_percent(value: float) -> str:
    """A rate in per cent."""
    return "" if pd.isna(value) else f"{value * 100:.1f} %"


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """A table for reading: everything as text, columns that say the same in every row left out."""
    found = pd.DataFrame(index=table.index)
    for name, column in table.items():
        if name in _HIDDEN or (name in ("note", "within") and column.eq("").all()):
            continue
        if name in _VALUES and "quantity" in table.columns:
            rate = table["quantity"].map(is_rate)
            cells = [
                (as_percent if percent else as_count)(value)
                for value, percent in zip(column, rate, strict=True)
            ]
        elif name in _SHARES:
            cells = [as_percent(value) for value in column]
        elif name == "rho":
            cells = [f"{value:+.2f}" for value in column]
        elif name == "chances":
            cells = [f"{value:+.1f}" for value in column]
        elif pd.api.types.is_float_dtype(column.dtype):
            cells = [as_count(value) for value in column]
        else:
            cells = [str(value) for value in column]
        found[str(name).replace("_", " ")] = cells
    return found
