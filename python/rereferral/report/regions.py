"""Small multiples: a panel for each region, all on one scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rereferral.report.style import (
    BLUE,
    GREY,
    INK,
    LIGHT,
    QUIET,
    Head,
    axes,
    fitted,
    inches,
    style,
    text_width,
)
from rereferral.report.words import is_missing, rate

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["REGIONS", "by_region", "enough", "panels", "region_order", "regions", "several"]

#: From north to south, as official tables have them.
REGIONS = (
    "north east",
    "north west",
    "yorkshire and the humber",
    "east midlands",
    "west midlands",
    "east of england",
    "east",
    "london",
    "inner london",
    "outer london",
    "south east",
    "south west",
)

_NARROW = 5.0
_STRIP, _TREND = 64.0, 84.0  # points: height of a panel of one period, and of several years
_ABOVE, _BELOW = 17.0, 16.0  # points above and below a panel
_BESIDE = 16.0  # points between panels


def region_order(region: str) -> tuple[int, str]:
    """Where a region stands among others."""
    known = region.casefold()
    return (REGIONS.index(known) if known in REGIONS else len(REGIONS), known)


def by_region(data: pd.DataFrame, region: str) -> list[tuple[str, pd.DataFrame]]:
    """The rows of each region, from north to south; those without one are last."""
    names = data[region].astype(object)
    named = data.assign(**{region: names.where(names.notna(), "Region not known")})
    groups = named.groupby(region, sort=False, observed=True)
    return sorted(
        ((str(name), rows) for name, rows in groups), key=lambda one: region_order(one[0])
    )


def enough(data: pd.DataFrame, region: str, rate: str) -> bool:
    """Whether there is something to compare: two regions with two rates each."""
    sizes = data[data[rate].notna()].groupby(region, observed=True).size()
    return int((sizes >= 2).sum()) >= 2


def panels(
    data: pd.DataFrame,
    ax: Axes | None,
    *,
    name: str,
    region: str,
    rate: str,
    year: str | None,
    title: str,
    simulated: bool = False,
    source: str = "",
    width: float = 7.5,
    shows: bool = False,
) -> list[Axes]:
    """Draw the areas of each region in a panel of its own.

    Parameters
    ----------
    data : pandas.DataFrame
        A row for each area, or for each area and year.
    ax : matplotlib.axes.Axes or None
        What the panels share; a figure of its own by default.
    name, region, rate : str
        Columns: the area, its region, its rate from 0 to 1 (null: not drawn).
    year : str or None
        The column of years, whose lines are drawn; None: one point an area.
    title : str
        What the rate is.
    simulated, source, width, shows
        As in `rereferral.report.exclusions.exclusions`.

    Returns
    -------
    list of matplotlib.axes.Axes
        A panel for each region, from north to south.
    """
    groups = by_region(data, region)
    gone = f"{int(data[rate].isna().sum()):,} of {len(data):,}" if data[rate].isna().any() else ""
    highest = data[rate].max()
    top = min(1.0, 1.08 * (0.05 if is_missing(highest) or highest <= 0 else float(highest)))
    less = f" Not shown: {gone} rates." if gone else ""
    with style():
        wide = width if ax is None else inches(ax)[0]
        across = min(len(groups), 1 if wide < 2.2 else 2 if wide < _NARROW else 3)
        down = math.ceil(len(groups) / across)
        tall = (_STRIP if year is None else _TREND) + _ABOVE + _BELOW
        head = Head(
            title, (_STRIP_WORDS if year is None else _TREND_WORDS) + less, source, simulated
        )
        base = axes(
            ax, head, width=width, height=down * tall / 72, left=4, right=4, bottom=6, shows=shows
        )
        base.axis("off")
        inside = 72 * inches(base)[0]
        left = 0.0 if year is None else 28.0
        cell = (inside - _BESIDE * (across - 1)) / across
        drawn = []
        for at, (label, rows) in enumerate(groups):
            row, column = divmod(at, across)
            box = (
                (column * (cell + _BESIDE) + left) / inside,
                1 - ((row + 1) * tall - _BELOW) / (down * tall),
                (cell - left) / inside,
                (tall - _ABOVE - _BELOW) / (down * tall),
            )
            panel = base.inset_axes(box)
            _head(panel, label, rows[name].nunique(), cell, left)
            if year is None:
                _strip(panel, rows, data, name, rate, top, cell)
            else:
                _lines(panel, rows, name, rate, year, sorted(data[year].unique()), top)
            drawn.append(panel)
    return drawn


_STRIP_WORDS = (
    "Each point is an authority of the region, whose number stands beside the name; the ticks "
    "below are those of all regions. Line: the middle authority of the region."
)
_TREND_WORDS = (
    "Each thin line is an authority of the region, whose number stands beside the name. Thick: the "
    "middle authority of each year."
)


def _head(panel: Axes, label: str, number: int, cell: float, left: float) -> None:
    beside = f"  {number}"
    room = cell - text_width(beside, 7.5) - 2
    size = next((one for one in (8.0, 7.3) if text_width(label, one, True) <= room), 6.6)
    shown = fitted(label, room, size)
    looks: dict[str, Any] = {
        "xycoords": "axes fraction",
        "textcoords": "offset points",
        "va": "bottom",
        "annotation_clip": False,
    }
    panel.annotate(shown, (0, 1), (-left, 5), fontsize=size, weight="bold", color=INK, **looks)
    wide = text_width(shown, size, True) - left
    panel.annotate(beside, (0, 1), (wide, 5), fontsize=7.5, color=QUIET, **looks)


def _percent_ticks(axis: Any, top: float, room: float) -> None:
    """Round percentages, as many as have room in `room` points."""
    most = max(2, int(room / 30))
    step = next(
        step
        for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5)
        if top / step <= most or step == 0.5
    )
    ticks = [step * k for k in range(int(top / step + 1e-9) + 1)]
    axis.set_ticks(ticks, [f"{100 * tick:.0f} %" for tick in ticks])


def _strip(
    panel: Axes,
    rows: pd.DataFrame,
    every: pd.DataFrame,
    name: str,
    rate_of: str,
    top: float,
    cell: float,
) -> None:
    values = rows.loc[rows[rate_of].notna(), rate_of].sort_values().to_numpy(float)
    panel.set_xlim(0, top)
    panel.set_ylim(-1.2, 7.4)
    panel.set_yticks([])
    panel.spines["left"].set_visible(False)
    panel.grid(axis="x")
    panel.tick_params(axis="x", length=0, labelsize=7)
    _percent_ticks(panel.xaxis, top, cell)
    everywhere = every[rate_of].dropna().to_numpy(float)
    ticks = np.column_stack([everywhere, everywhere, np.full(len(everywhere), np.nan)])
    ends = np.tile([-1.0, -0.2, np.nan], len(everywhere))
    panel.plot(ticks.ravel(), ends, color=GREY, linewidth=0.4)  # one path, not one a tick
    if not len(values):
        panel.annotate(
            "no rate shown",
            (0.5, 0.5),
            xycoords="axes fraction",
            ha="center",
            fontsize=7.5,
            color=QUIET,
        )
        return
    middle = float(np.median(values))
    panel.plot([middle, middle], [-0.1, 3.2], color=INK, linewidth=1, zorder=1)
    panel.scatter(
        values,
        _dodged(values, top * 5.2 / cell),
        s=17,
        color=BLUE,
        edgecolors="white",
        linewidths=0.5,
        zorder=3,
        clip_on=False,
    )
    shown = rows[rows[rate_of].notna()]
    low, high = shown.loc[shown[rate_of].idxmin()], shown.loc[shown[rate_of].idxmax()]
    named = ((low, 0.0, "left", -1), (high, 1.0, "right", -11)) if len(values) > 1 else ()
    for row, x, side, down in named:
        number = rate(row[rate_of])
        text = fitted(str(row[name]), cell - text_width(f" {number}", 7) - 4, 7)
        panel.annotate(
            f"{text} {number}",
            (x, 1),
            (0, down),
            xycoords="axes fraction",
            textcoords="offset points",
            ha=side,
            va="top",
            fontsize=7,
            color=QUIET,
        )


def _dodged(values: np.ndarray[Any, Any], near: float) -> list[float]:
    """Heights at which points in ascending order do not cover each other: lowest free level."""
    levels: list[float] = []
    found = []
    for value in values:
        free = next((k for k, last in enumerate(levels) if value - last >= near), len(levels))
        if free == len(levels):
            levels.append(value)
        levels[free] = value
        found.append(free)
    step = min(0.95, 3.4 / max(len(levels), 1))
    return [0.45 + step * level for level in found]


def _lines(
    panel: Axes,
    rows: pd.DataFrame,
    name: str,
    rate_of: str,
    year: str,
    years: list[Any],
    top: float,
) -> None:
    at = {label: place for place, label in enumerate(years)}
    panel.set_xlim(-0.3, len(years) - 0.7)
    panel.set_ylim(0, top)
    _percent_ticks(panel.yaxis, top, _TREND * 1.4)
    panel.grid(axis="y")
    panel.tick_params(length=0, labelsize=7)
    ends = [0, len(years) - 1] if len(years) > 1 else [0]
    panel.set_xticks(ends, [str(years[end]) for end in ends])
    if len(years) > 1:
        first, last = panel.get_xticklabels()
        first.set_horizontalalignment("left")
        last.set_horizontalalignment("right")
    full = np.arange(len(years))
    for _, one in rows.groupby(name, sort=False, observed=True):
        values = np.full(len(years), np.nan)
        values[[at[label] for label in one[year]]] = one[rate_of].to_numpy(float)
        # A year that stands alone would not be seen as a line.
        panel.plot(full, values, color="#9A9A9A", linewidth=0.6, marker=".", markersize=2)
    middle = rows.groupby(year, observed=True)[rate_of].median().reindex(years)
    panel.plot(full, middle.to_numpy(float), color=BLUE, linewidth=2.2)
    panel.spines["bottom"].set_color(LIGHT)


def several(data: pd.DataFrame) -> bool:
    """Whether a report's table ``chain_by_authority`` has regions to set side by side."""
    return enough(data, "region", "rate")


def regions(
    data: pd.DataFrame,
    ax: Axes | None = None,
    *,
    simulated: bool = False,
    source: str = "",
    width: float = 7.5,
) -> Axes:
    """Draw the rates of the authorities in a panel for each region.

    Parameters
    ----------
    data : pandas.DataFrame
        The table ``chain_by_authority`` of a report.
    ax, simulated, source, width
        As in `rereferral.report.exclusions.exclusions`.

    Returns
    -------
    matplotlib.axes.Axes
        The first panel.
    """
    names = data["authority_name"].astype(object)
    return panels(
        data.assign(shown=names.where(names.notna(), data["authority"].astype(object))),
        ax,
        name="shown",
        region="region",
        rate="rate",
        year=None,
        title="Re-referred within 12 months, authorities by region",
        simulated=simulated,
        source=source,
        width=width,
    )[0]
