"""A report's chain, and a ledger, as diagrams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from rereferral.errors import DataError
from rereferral.report import flow as chain_of
from rereferral.report.exclusions import exclusions
from rereferral.report.words import is_missing
from rereferral.small_tables import column_of, small_table
from rereferral.symbols import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["chain", "flow"]

_LEDGER = ("table", "step", "reason", "removed", "remaining")
_CHAIN = (
    "label",
    "assessed",
    "below_threshold",
    "stepped_down",
    "not_stepped_down",
    "followed",
    "rereferred",
)


def flow(
    data: Any,
    ax: Axes | None = None,
    *,
    title: str = "",
    source: str = "",
    simulated: bool = False,
    width: float = 7.5,
) -> Axes:
    """Draw who was left out, and why: from the rows given, past each exclusion, to those counted.

    Parameters
    ----------
    data : Links, Report or DataFrame
        Whose ledger is drawn, or a ledger: ``table``, ``step``, ``reason``, ``removed``,
        ``remaining``. Steps that left out nothing are not drawn, and their number is told.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of pyplot's, which notebooks show, as tall as its
        steps need.
    title : str, optional
        What was counted.
    source : str, default ""
        The line below it.
    simulated : bool, default False
        Write SIMULATED above it; where `data` is a report, this is known.
    width : float, default 7.5
        Of the figure, in inches.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        It is no ledger, or does not add up: what remains and what was left out are not what
        remained before.
    """
    table, known = _table_of(data, "ledger")
    for name in _LEDGER:
        column_of(table, name, "the ledger")
    if not len(table):
        raise DataError("the ledger has no lines")
    _check_sums(table)
    return exclusions(
        table,
        ax,
        simulated=simulated or known,
        source=source,
        width=width,
        title=title,
        shows=True,
    )


def _check_sums(table: pd.DataFrame) -> None:
    for name, lines in table.groupby("table", sort=False, observed=True):
        removed, remaining = (
            numbers(lines[column], f"the ledger.{column}")[0] for column in ("removed", "remaining")
        )
        for place in range(1, len(lines)):
            before = remaining[place - 1]
            # Numbers that are not shown are NaN, and NaN is not above 0.
            if abs(before - removed[place] - remaining[place]) > 0:
                raise DataError(
                    f"the ledger of {name} does not add up at {lines['reason'].iloc[place]!r}: "
                    f"{before:,.0f} less {removed[place]:,.0f} is not {remaining[place]:,.0f}"
                )


def chain(
    data: Any,
    ax: Axes | None = None,
    *,
    source: str = "",
    simulated: bool = False,
    width: float = 7.5,
) -> Axes:
    """Draw the chain from assessment to re-referral, bands as wide as their counts.

    Parameters
    ----------
    data : Report or DataFrame
        What `rereferral.missed_opportunities` gives, or its table ``chain``; the first row is
        drawn.
    ax, source, simulated, width
        As in `flow`. Below 5 inches the chain runs from top to bottom.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        A column of the chain is missing, or a number of its first row.
    """
    table, known = _table_of(data, "chain")
    for name in _CHAIN:
        column_of(table, name, "the chain")
    if not len(table):
        raise DataError("the chain has no rows")
    for name in _CHAIN:
        if is_missing(table[name].iloc[0]):
            raise DataError(f"the chain has no {name} in its first row: it may be hidden")
    return chain_of.flow(
        table, ax, simulated=simulated or known, source=source, width=width, shows=True
    )


def _table_of(data: Any, name: str) -> tuple[pd.DataFrame, bool]:
    """A table of a report, of links or as it is; and whether it is known to be simulated."""
    tables = getattr(data, "tables", None)
    if isinstance(tables, dict) and name in tables:
        return tables[name], bool(getattr(data, "simulated", False))
    return small_table(getattr(data, name, data), f"the {name}"), False
