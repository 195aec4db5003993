"""Time to an event: how many had it by each day, how sure that is, and of how many."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rereferral.errors import DataError, RuleError
from rereferral.report.style import INK, QUIET, Head, axes, fitted, style, text_width
from rereferral.report.words import count
from rereferral.small_tables import column_of, small_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["curve"]

_NEEDED = ("day", "at_risk", "risk", "lower", "upper")
_MOST = 8  # curves that can be told apart
_MONTH = 365.25 / 12
_ROW = 11.0  # points from line to line of the numbers at risk
_LINES = ("-", (0, (6, 2)), (0, (3, 1.5)), (0, (1.2, 1.2)))
_COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#5A5A5A",
    "#882255",
)


def curve(
    data: Any,
    ax: Axes | None = None,
    *,
    title: str = "",
    event: str = "Share with the event so far",
    source: str = "",
    simulated: bool = False,
    width: float = 7.5,
) -> Axes:
    """Draw a cumulative risk over the time since the index event, with the numbers at risk.

    Parameters
    ----------
    data : DataFrame
        What ``links.curve(...)`` or `rereferral.curve` gives; a curve for each group and cause.
    ax : matplotlib.axes.Axes, optional
        Where to draw, with room below it for a line of numbers a curve; by default a new figure of
        pyplot's, which notebooks show.
    title : str, optional
        What is followed.
    event : str
        What the share is of.
    source : str, default ""
        The line below it.
    simulated : bool, default False
        Write SIMULATED above it.
    width : float, default 7.5
        Of the figure, in inches.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        A column is missing, or there is no risk in any row.
    RuleError
        There are more than 8 curves.

    Notes
    -----
    A number at risk is of those followed up to that day without the event. Limits are those of the
    table, at 95 %. A curve ends with its last row; a group in which nobody was followed has none.
    """
    table = small_table(data, "the curve")
    for name in _NEEDED:
        column_of(table, name, "the curve")
    groups = _groups(table)
    last = float(max(rows["day"].max() for _, rows in groups))
    highest = table[["risk", "upper"]].max().max()
    top = min(1.0, 1.1 * (float(highest) if highest > 0 else 0.05))
    marks, names, unit = _marks(last)
    with style():
        head = Head(
            title or "Time to the event",
            f"{event}. Bands: 95 % limits. Below: how many were followed so far without it.",
            source,
            simulated,
        )
        labels = [label for label, _ in groups]
        most = text_width(count(max(int(rows["at_risk"].max()) for _, rows in groups)), 7.5)
        aside = min(max([text_width(label, 8) for label in labels] + [26.0]), 150.0) + 8 + most / 2
        under = 40 + _ROW * (len(groups) + 1)
        ax = axes(
            ax,
            head,
            width=width,
            height=2.9,
            left=aside,
            right=max(16.0, most / 2),
            bottom=under,
            shows=True,
        )
        ax.set_xlim(0, max(last, 1.0))
        ax.set_ylim(0, top)
        ax.grid(axis="y")
        ax.tick_params(length=0)
        ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        ax.set_xticks(marks, names)
        ax.set_xlabel(unit, labelpad=2)
        _below(ax, "Still followed, without the event", -34.0, -aside, QUIET)
        for place, (label, rows) in enumerate(groups):
            colour = _COLOURS[place]
            _line(ax, rows, colour, _LINES[place % len(_LINES)], label)
            down = -34.0 - _ROW * (place + 1)
            if label:
                _below(ax, fitted(label, 150.0, 8), down, -aside, colour)
            for mark in marks:
                ax.annotate(
                    count(_at_risk(rows, mark)),
                    (mark, 0),
                    (0, down),
                    xycoords=("data", "axes fraction"),
                    textcoords="offset points",
                    ha="center",
                    va="top",
                    fontsize=7.5,
                    color=INK,
                    annotation_clip=False,
                )
        if len(groups) > 1:
            ax.legend(loc="upper left", fontsize=8, handlelength=2.8, borderaxespad=0.2)
    return ax


def _groups(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The curves by the columns that stand before the days, and by cause."""
    if not len(table):
        raise DataError("the curve has no rows")
    table = table[table["risk"].notna()]
    if not len(table):
        raise DataError("the curve has no risk: nobody was followed")
    by = list(table.columns[: list(table.columns).index("day")])
    by += ["cause"] if "cause" in table.columns and "cause" not in by else []
    if not by:
        return [("", table)]
    found = [
        (", ".join("–" if value != value or value is None else str(value) for value in key), rows)
        for key, rows in table.groupby(by, sort=False, observed=True, dropna=False)
    ]
    if len(found) > _MOST:
        raise RuleError(
            f"{len(found)} curves by {', '.join(map(str, by))} cannot be told apart; draw at most "
            f"{_MOST}"
        )
    return found


def _marks(last: float) -> tuple[list[float], list[str], str]:
    """Days to mark, what to write there, and in what."""
    if last <= 62:
        step = 7 if last > 14 else 1 if last <= 7 else 2
        days = list(range(0, int(last) + 1, step))
        return [float(day) for day in days], [str(day) for day in days], "Days"
    months = math.floor(last / _MONTH + 0.05)
    step = next(k for k in (1, 2, 3, 6, 12, 24, 60, 120, 600) if months / k <= 8.5 or k == 600)
    names = range(0, months + 1, step)
    return [min(month * _MONTH, last) for month in names], [str(m) for m in names], "Months"


def _at_risk(rows: pd.DataFrame, day: float) -> int:
    """How many are followed on that day: nothing changes between two rows."""
    later = rows.loc[rows["day"] >= math.floor(day), "at_risk"]
    return int(later.iloc[0]) if len(later) else 0


def _line(ax: Axes, rows: pd.DataFrame, colour: str, dash: Any, label: str) -> None:
    day, risk, low, high = (
        np.asarray(rows[name], np.float64) for name in ("day", "risk", "lower", "upper")
    )
    known: npt.NDArray[np.bool_] = np.isfinite(low) & np.isfinite(high)
    ax.fill_between(
        day, low, high, where=known.tolist(), step="post", color=colour, alpha=0.15, linewidth=0
    )
    ax.plot(
        day, risk, drawstyle="steps-post", color=colour, linestyle=dash, linewidth=1.6, label=label
    )


def _below(ax: Axes, text: str, down: float, across: float, colour: str) -> None:
    """A line of text below the plot."""
    ax.annotate(
        text,
        (0, 0),
        (across, down),
        xycoords="axes fraction",
        textcoords="offset points",
        va="top",
        fontsize=8,
        color=colour,
        annotation_clip=False,
    )
