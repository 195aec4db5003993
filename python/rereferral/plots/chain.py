"""A report's chain, and a ledger, as diagrams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
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
        remained before. In a protected report they may differ by what rounding explains.
    """
    table, known = _table_of(data, "ledger")
    for name in _LEDGER:
        column_of(table, name, "the ledger")
    if not len(table):
        raise DataError("the ledger has no lines")
    _check_sums(table, *_rounding_of(data))
    return exclusions(
        table,
        ax,
        simulated=simulated or known,
        source=source,
        width=width,
        title=title,
        shows=True,
    )


def _rounding_of(data: Any) -> tuple[int, int]:
    """To which multiple the counts of a report are rounded, and which ones may stand as 0."""
    release = getattr(data, "release", None)
    if release is None:
        return 1, 0
    rule = release.rule
    base = rule.base(len(data.tables["chain_by_authority"]) > 1)
    return base, rule.small[1] if rule.zeroed else 0


def _between(shown: float, base: int, zeroed: int) -> tuple[float, float]:
    """The least and the most that a count can be which is shown so."""
    above = (base - 1) // 2
    return max(0.0, shown - base // 2), shown + (max(above, zeroed) if shown == 0 else above)


def _check_sums(table: pd.DataFrame, base: int, zeroed: int) -> None:
    for name, lines in table.groupby("table", sort=False, observed=True):
        removed, remaining = (
            numbers(lines[column], f"the ledger.{column}")[0] for column in ("removed", "remaining")
        )
        for place in range(1, len(lines)):
            before = remaining[place - 1]
            if np.isnan([before, removed[place], remaining[place]]).any():
                continue  # one is not shown
            least, most = _between(before, base, zeroed)
            parts = [_between(one, base, zeroed) for one in (removed[place], remaining[place])]
            if most < sum(low for low, _ in parts) or sum(high for _, high in parts) < least:
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
