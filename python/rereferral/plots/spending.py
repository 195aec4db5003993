"""What is spent on early and late intervention, as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rereferral.errors import DataError, RuleError
from rereferral.plots.checked import check_made_by
from rereferral.report.style import (
    BLUE,
    GREY,
    INK,
    LIGHT,
    ORANGE,
    QUIET,
    SKY,
    Head,
    axes,
    inches,
    style,
    text_width,
)
from rereferral.spending import Changes, Spending
from rereferral.spending.money import as_million, share_of
from rereferral.years import year_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["changes", "spending"]

_SIDES = {"early": BLUE, "late": ORANGE}
_TOP = 150.0  # per cent; a rise beyond it is cut off and told
_APART = 11.0  # points between names
_CLOSE = 24.0  # points between two values whose numbers would cover each other


def spending(
    found: Spending,
    ax: Axes | None = None,
    *,
    area: str | None = None,
    title: str = "",
    source: str = "",
    simulated: bool = False,
    width: float = 7.5,
) -> Axes:
    """Draw early and late intervention over the years, with early's share below.

    Years stand where they lie in time; a dashed line spans years without a figure. Where there is
    no room for all amounts, the first and the last are written.

    Parameters
    ----------
    found : Spending
        What `rereferral.spending.early_and_late` gives.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of pyplot's, which notebooks show.
    area : str, optional
        The code of the area; needed where there are several.
    title : str, optional
        Whose spending it is; by default the area's name.
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
    RuleError
        There are several areas and none is named, or it is not what `early_and_late` gives.
    DataError
        There is no such area.
    """
    check_made_by(found, Spending, "spending", "spending.early_and_late")
    table = _of_area(found, area)
    years = np.array([year_of(label) for label in table["financial_year"]], dtype=float)
    shares = [
        share_of(early, late) or "–"
        for early, late in zip(table["early"], table["late"], strict=True)
    ]
    with style():
        head = Head(
            title or f"Early and late intervention, {table['area_name'].iloc[0]}",
            f"Net current expenditure, {found.unit}. Below each year early's share of the two."
            + (f" {found.unlike()}." if found.unlike() else ""),
            source,
            simulated,
        )
        right = max(text_width(side, 8.5, True) for side in _SIDES) + 2
        wide = 72 * width - 16 - 40 - right if ax is None else 72 * inches(ax)[0]
        year = wide / (np.ptp(years) + 1)
        slot = min(wide, year * float(np.diff(np.sort(years)).min(initial=np.inf)))
        words = [*table["financial_year"], *shares]
        upright = max(text_width(text, 8) for text in words) > 0.95 * slot
        join = "  " if upright else "\n"
        labels = [join.join(pair) for pair in zip(table["financial_year"], shares, strict=True)]
        bottom = 10 + max(text_width(label, 8) for label in labels) if upright else 44
        ax = axes(
            ax, head, width=width, height=2.9, left=40, right=right, bottom=bottom, shows=True
        )
        highest = 1.12 * float(table[["early", "late"]].max().max())
        highest = highest if highest > 0 else 1.0
        scale = 72 * inches(ax)[1] / highest
        for side, colour in _SIDES.items():
            values = table[side].to_numpy(float)
            other = table["late" if side == "early" else "early"].to_numpy(float)
            known = np.flatnonzero(~np.isnan(values))
            for one, following in pairwise(known):
                near = years[following] - years[one] == 1
                ax.plot(
                    years[[one, following]],
                    values[[one, following]],
                    color=colour,
                    linewidth=1.8 if near else 1.1,
                    linestyle="-" if near else (0, (4, 3)),
                )
            ax.plot(years, values, "o", color=colour, markersize=5.5, markeredgecolor="white")
            size = _that_fits([as_million(values[at], 0) for at in known], slot)
            # Where not all fit beside each other, the first and the last are told.
            for at in known if size else known[[0, -1][: len(known)]]:
                beside = [other[at]] if size else [other[at], *values[_next_to(known, at)]]
                down = _is_below(values[at] * scale, np.array(beside) * scale, bool(size))
                ax.annotate(
                    as_million(values[at], 0),
                    (years[at], values[at]),
                    (0, -7 if down else 7),
                    textcoords="offset points",
                    ha="center",
                    va="top" if down else "bottom",
                    fontsize=size or 7,
                )
            if len(known):
                at = known[-1]
                apart = (values[at] - other[at]) * scale
                push = np.sign(apart) * (_APART - abs(apart)) / 2 if abs(apart) < _APART else 0.0
                ax.annotate(
                    side,
                    (years[at], values[at]),
                    (10, push),
                    textcoords="offset points",
                    va="center",
                    color=colour,
                    weight="bold",
                    annotation_clip=False,
                )
        ax.set_ylim(0, highest)
        # The first numbers stay off the axis.
        first = text_width(as_million(highest, 0), 8) / 2 + 2
        ax.set_xlim(years.min() - max(0.5, first / year), years.max() + 0.5)
        ax.set_xticks(years, labels, fontsize=8, rotation=90 if upright else 0)
        ax.tick_params(length=0)
        ax.grid(axis="y")
        ax.set_yticks(ax.get_yticks()[ax.get_yticks() <= highest])
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    return ax


def _that_fits(texts: list[str], slot: float) -> float:
    """The size of letters at which all texts fit into `slot` points each; 0 where there is none."""
    sizes = (8.0, 7.0, 6.0)
    fits = (max(text_width(text, size) for text in texts) < 0.95 * slot for size in sizes)
    return next((size for size, fit in zip(sizes, fits, strict=True) if fit), 0.0) if texts else 0.0


def _next_to(known: npt.NDArray[np.intp], at: int) -> npt.NDArray[np.intp]:
    """The known year next to the first or the last one."""
    return known[1:2] if at == known[0] else known[-2:-1]


def _is_below(height: float, others: npt.NDArray[np.float64], near: bool) -> bool:
    """Whether a number stands below its point, because another value is right above it.

    Where only the first and the last are written, a line that rises beside them is in the way at
    any height. The other side's value, which is first, must not be right below.
    """
    if 0 <= height - others[0] < 2 * _CLOSE:
        return False
    above = others[others > height] - height
    close = above.size > 0 and (float(above.min()) < _CLOSE or (not near and others[-1] > height))
    return height > _CLOSE and bool(close)


def _of_area(found: Spending, area: str | None) -> pd.DataFrame:
    table = found.table
    if area is not None:
        table = table[table["area"] == area]
        if table.empty:
            raise DataError(f"there is no spending of the area {area!r}")
    elif table["area"].nunique() > 1:
        raise RuleError("there are several areas: give area=, or found.together()")
    return table


def changes(
    found: Changes,
    ax: Axes | None = None,
    *,
    names: Sequence[str] = (),
    share: float = 0.7,
    title: str = "",
    source: str = "",
    simulated: bool = False,
    width: float = 7.5,
) -> Axes:
    """Draw the change of every area, from the deepest cut to the largest rise.

    Parameters
    ----------
    found : Changes
        What `rereferral.spending.changes` gives.
    names : sequence of str
        Codes of areas that are named beside the extremes.
    share : float, default 0.7
        A line stands at this cut.
    ax, title, source, simulated, width
        As in `spending`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    RuleError
        It is not what `rereferral.spending.changes` gives.
    DataError
        An area that is to be named is not there.
    """
    check_made_by(found, Changes, "changes", "spending.changes")
    table = found.table[found.table["change_percent"].notna()].reset_index(drop=True)
    for code in names:
        if code not in set(table["area"]):
            raise DataError(f"there is no change of the area {code!r}")
    values = table["change_percent"].to_numpy(float)
    shown = np.minimum(values, _TOP)
    beyond = int((values > _TOP).sum())
    terms = "in cash" if found.prices == "cash" else f"in {found.prices} prices"
    child = " a child" if "a child" in found.unit else ""
    with style():
        subtitle = (
            f"Each bar is an area: {found.of} intervention{child}, {terms}. Orange: "
            f"{found.cut:,} of {len(found.table):,} cut. Dashed: a cut of {100 * share:g} %."
        )
        if beyond:
            subtitle += f" {beyond} rose by more than {_TOP:g} %; their bars end there."
        odd = len(found.table) - len(table)
        if odd:
            subtitle += f" {odd} without a percentage are not drawn."
        head = Head(
            title or f"Change from {found.before} to {found.after}", subtitle, source, simulated
        )
        ax = axes(ax, head, width=width, height=3.2, left=38, right=6, bottom=22, shows=True)
        rows = np.arange(len(table))
        marked = table["area"].isin(names).to_numpy()
        colours = np.where(values < 0, ORANGE, np.where(values > 0, SKY, LIGHT))
        colours = np.where(marked, INK, colours)
        ax.bar(rows, shown, width=0.8, color=colours, linewidth=0)
        ax.axhline(0, color=GREY, linewidth=0.7)
        ax.axhline(-100 * share, color=QUIET, linewidth=0.9, linestyle=(0, (5, 3)), zorder=0)
        ax.set_ylim(min(-100.0, shown.min() * 1.05), max(20.0, shown.max() * 1.15))
        ax.set_xlim(-1.5, len(table) + 0.5)
        ax.set_xticks([])
        ax.spines["bottom"].set_visible(False)
        ax.grid(axis="y")
        ax.tick_params(length=0)
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:+.0f} %" if value else "0 %")
        _name(ax, table, shown, sorted({0, len(table) - 1, *np.flatnonzero(marked).tolist()}))
    return ax


def _name(ax: Axes, table: pd.DataFrame, shown: np.ndarray, rows: list[int]) -> None:
    """Names across the axis from their bars, one above another where they would collide."""
    for place, row in enumerate(rows):
        value = float(table["change_percent"].iloc[row])
        side = "right" if row > len(table) / 2 else "left"
        leader = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
        ax.annotate(
            f"{table['area_name'].iloc[row]} {value:+.1f} %",
            (row, 0.0 if value < 0 else float(shown[row])),
            (0, 8 + _APART * (len(rows) - place) if value < 0 else 3),
            textcoords="offset points",
            ha=side,
            va="bottom",
            fontsize=7.5,
            color=INK,
            arrowprops=leader | {"relpos": (float(side == "right"), 0)} if value < 0 else None,
        )
