"""Time to an event: how many had it by each day, how sure that is, and of how many."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.disclosure.curves import is_by_points
from rereferral.errors import DataError, RuleError
from rereferral.report.style import INK, QUIET, Head, axes, fitted, percent_axis, style, text_width
from rereferral.report.words import count
from rereferral.small_tables import column_of, small_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["curve"]

_NEEDED = ("day", "at_risk", "risk", "lower", "upper")
_MOST = 8  # curves that can be told apart
_MONTH = 365.25 / 12
_NEAR = 7.0  # days from a mark to the point whose number stands there
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

    A protected curve is known at some points alone. Lines between them are straight. Numbers at
    risk are then those at the start and after a point, and stand below the day of that point; where
    none is near a mark, or the number is not in the table, nothing stands there.
    """
    table = small_table(data, "the curve")
    for name in _NEEDED:
        column_of(table, name, "the curve")
    by_points = is_by_points(table)
    groups = _groups(table)
    last = float(max(rows["day"].max() for _, rows in groups))
    highest = table[["risk", "upper"]].max().max()
    top = min(1.0, 1.1 * (float(highest) if highest > 0 else 0.05))
    apart = min((float(rows["day"].diff().iloc[1:-1].min()) for _, rows in groups), default=0.0)
    marks, names, unit = _marks(last, quarters=by_points and apart > 2.5 * _MONTH)
    with style():
        head = Head(
            title or "Time to the event",
            f"{event}, at some points; lines between them are straight. Bands: 95 % limits. Below: "
            "how many were followed from the start, and still were after a point, without it."
            if by_points
            else f"{event}. Bands: 95 % limits. Below: how many were followed so far without it.",
            source,
            simulated,
        )
        labels = [label for label, _ in groups]
        largest = max(float(np.nanmax(_numbers(rows), initial=0)) for _, rows in groups)
        most = text_width(count(largest), 7.5)
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
        percent_axis(ax.yaxis, top)
        ax.set_xticks(marks, names)
        ax.set_xlabel(unit, labelpad=2)
        _below(ax, "Still followed, without the event", -34.0, -aside, QUIET)
        for place, (label, rows) in enumerate(groups):
            colour = _COLOURS[place]
            _line(ax, rows, colour, _LINES[place % len(_LINES)], label, by_points)
            down = -34.0 - _ROW * (place + 1)
            if label:
                _below(ax, fitted(label, 150.0, 8), down, -aside, colour)
            followed = _after_points(rows, marks) if by_points else _at_risk(rows, marks)
            for day, number in followed:
                ax.annotate(
                    count(number),
                    (day, 0),
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
    if table["risk"].isna().all():
        raise DataError("the curve has no risk: nobody was followed")
    by = list(table.columns[: list(table.columns).index("day")])
    by += ["cause"] if "cause" in table.columns and "cause" not in by else []
    if not by:
        return [("", table)]
    found = [
        (", ".join("–" if value != value or value is None else str(value) for value in key), rows)
        for key, rows in table.groupby(by, sort=False, observed=True, dropna=False)
        if rows["risk"].notna().any()
    ]
    if len(found) > _MOST:
        raise RuleError(
            f"{len(found)} curves by {', '.join(map(str, by))} cannot be told apart; draw at most "
            f"{_MOST}"
        )
    return found


def _marks(last: float, quarters: bool) -> tuple[list[float], list[str], str]:
    """Days to mark, what to write there, and in what; whole quarters where points stand there."""
    if last <= 62:
        step = 7 if last > 14 else 1 if last <= 7 else 2
        days = list(range(0, int(last) + 1, step))
        return [float(day) for day in days], [str(day) for day in days], "Days"
    months = math.floor(last / _MONTH + 0.05)
    steps = (3, 6, 12, 24, 60, 120, 600) if quarters else (1, 2, 3, 6, 12, 24, 60, 120, 600)
    step = next(k for k in steps if months / k <= 8.5 or k == 600)
    names = range(0, months + 1, step)
    return [min(month * _MONTH, last) for month in names], [str(m) for m in names], "Months"


def _numbers(rows: pd.DataFrame) -> npt.NDArray[np.float64]:
    """The numbers at risk; NaN where one is hidden."""
    found: npt.NDArray[np.float64] = pd.to_numeric(rows["at_risk"]).to_numpy(
        np.float64, na_value=np.nan
    )
    return found


def _at_risk(rows: pd.DataFrame, marks: list[float]) -> list[tuple[float, float]]:
    """Days, and how many are followed on each: nothing changes between two rows."""
    days, numbers = rows["day"].to_numpy(np.float64), _numbers(rows)
    places = np.searchsorted(days, np.floor(marks))
    return [
        (mark, float(numbers[place]) if place < len(days) else 0.0)
        for mark, place in zip(marks, places, strict=True)
    ]


def _after_points(rows: pd.DataFrame, marks: list[float]) -> list[tuple[float, float]]:
    """Days, and how many are followed after each: at the start and the points close to marks.

    A row has the number at the start of what it tells, which is after the point before it. So
    nobody knows the number after the last one.
    """
    days, numbers = rows["day"].to_numpy(np.float64), _numbers(rows)
    near = min(_NEAR, (marks[1] - marks[0]) / 4) if len(marks) > 1 else 0.0
    found = [(0.0, float(numbers[0]))]
    for mark in marks[1:]:
        place = int(np.searchsorted(days, mark, "right")) - 1
        if 0 <= place < len(days) - 1 and mark - days[place] <= near:
            found.append((float(days[place]), float(numbers[place + 1])))
    return [(day, number) for day, number in found if not math.isnan(number)]


def _line(
    ax: Axes, rows: pd.DataFrame, colour: str, dash: Any, label: str, by_points: bool
) -> None:
    rows = rows[rows["risk"].notna()]
    day, risk, low, high = (
        np.asarray(rows[name], np.float64) for name in ("day", "risk", "lower", "upper")
    )
    known: npt.NDArray[np.bool_] = np.isfinite(low) & np.isfinite(high)
    step: Any = None if by_points else "post"
    ax.fill_between(
        day, low, high, where=known.tolist(), step=step, color=colour, alpha=0.15, linewidth=0
    )
    ax.plot(
        day,
        risk,
        drawstyle="default" if by_points else "steps-post",
        color=colour,
        linestyle=dash,
        linewidth=1.6,
        marker="o" if by_points else "",
        markersize=3,
        label=label,
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
