"""How areas differ and rates move, as pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

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
    percent_axis,
    style,
    text_width,
)
from rereferral.variation import Funnel, League
from rereferral.variation.funnel import SPREAD
from rereferral.variation.trend import missing_before

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["funnel", "league", "trend"]

_NAMED = 8  # areas that a funnel names, the farthest out
_ROW = 10.5  # points from area to area in a league table
_LINES = 200
_APART = 11.0  # points between years that stand upright
_OVER = 20.0  # points above the highest limit, for its rate


def funnel(
    found: Funnel,
    ax: Axes | None = None,
    *,
    title: str = "",
    unit: str = "",
    source: str = "",
    simulated: bool = False,
    width: float = 7.5,
) -> Axes:
    """Draw the rates of areas over their sizes, with the limits that areas of their size have.

    Areas outside the widest of the outermost limits are orange and the farthest of them named: the
    limits with ordinary differences where the funnel has them, else those of chance alone.

    Parameters
    ----------
    found : Funnel
        What `rereferral.funnel` gives.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of pyplot's, which notebooks show.
    title : str, optional
        What the rate is; by default the names of its columns.
    unit : str, optional
        What sizes count; by default the name of their column.
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
        It is not what `rereferral.funnel` gives.
    """
    check_made_by(found, Funnel, "funnel", "funnel")
    table, lines = found.table, found.lines
    sizes = table[found.of].to_numpy(float)
    widest = float(sizes.max()) * 1.04
    at = lines.at(np.unique(np.round(np.geomspace(max(1.0, widest / 2_000), widest, _LINES))))
    tail = "" if lines.dispersion == "none" else SPREAD
    top = min(1.0, 1.12 * max(float(table["rate"].max()), lines.reference * 1.5))
    levels = {name: level for name, (level, _) in lines.levels.items()}
    far = max(levels, key=lambda name: levels[name])
    outside = (table["rate"] < table[f"lower_{far}{tail}"]) | (
        table["rate"] > table[f"upper_{far}{tail}"]
    )
    with style():
        head = Head(
            title or f"{found.count} of {found.of}",
            _legend(found, levels, bool(tail), far, int(outside.sum())),
            source,
            simulated,
        )
        ax = axes(ax, head, width=width, height=3.4, left=34, right=6, bottom=40, shows=True)
        for end, colour, dash in (("", GREY, (0, (4, 3))), (SPREAD, BLUE, "-")):
            for place, name in enumerate(sorted(levels, key=lambda name: levels[name])):
                if f"lower_{name}{end}" in at:
                    looks: dict[str, Any] = {"color": colour, "linestyle": dash}
                    looks["linewidth"] = 1.3 if place else 0.7
                    for side in ("lower", "upper"):
                        ax.plot(at["n"], at[f"{side}_{name}{end}"], zorder=1, **looks)
        ax.axhline(lines.reference, color=INK, linewidth=0.9, zorder=1)
        for rows, colour in ((~outside, SKY), (outside, ORANGE)):
            ax.scatter(
                sizes[rows],
                table["rate"][rows],
                s=17,
                color=colour,
                edgecolors="white",
                linewidths=0.4,
                zorder=3,
            )
        _name_farthest(ax, table, sizes, outside.to_numpy(), f"{far}{tail}")
        ax.set_ylim(0, top)
        ax.set_xlim(0, widest)
        ax.grid(axis="y")
        ax.tick_params(length=0)
        ax.set_yticks(ax.get_yticks()[ax.get_yticks() <= top])
        ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        ax.set_xlabel(unit or found.of)
    return ax


def _legend(found: Funnel, levels: dict[str, float], wide: bool, far: str, outside: int) -> str:
    shown = " and ".join(f"{100 * level:g} %" for level in sorted(levels.values()))
    text = f"Each point is an area. Dashed: {shown} limits of chance alone."
    if wide:
        text += " Blue: with what areas ordinarily differ by."
    text += f" Line: {100 * found.lines.reference:.1f} %, all areas together."
    which = "the outer blue" if wide else "the outer"
    return f"{text} Orange: {outside} of {len(found.table)} outside {which} limits."


def _name_farthest(ax: Axes, table: pd.DataFrame, sizes: Any, outside: Any, name: str) -> None:
    """Names at the points that lie farthest beyond their limits, where they do not collide."""
    beyond = np.maximum(
        table[f"lower_{name}"] - table["rate"], table["rate"] - table[f"upper_{name}"]
    ).to_numpy(float)
    taken: list[tuple[float, float]] = []
    wide = float(sizes.max())
    for row in np.argsort(-beyond)[: int(min(outside.sum(), _NAMED))]:
        place = float(sizes[row]), float(table["rate"].iloc[row])
        if any(abs(place[0] - x) < wide / 4 and abs(place[1] - y) < 0.012 for x, y in taken):
            continue
        taken.append(place)
        left = place[0] > wide * 0.75
        ax.annotate(
            str(table.iloc[row, 0]),
            place,
            (-5 if left else 5, 0),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
            fontsize=7.5,
            color=INK,
        )


def league(
    found: League,
    ax: Axes | None = None,
    *,
    title: str = "",
    source: str = "",
    simulated: bool = False,
    width: float = 7.5,
) -> Axes:
    """Draw areas by their rates, with limits and with all the places that may be their own.

    Parameters
    ----------
    found : League
        What `rereferral.league` gives.
    ax, title, source, simulated, width
        As in `funnel`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    RuleError
        It is not what `rereferral.league` gives.
    """
    check_made_by(found, League, "league", "league")
    table = found.table
    names = [str(name) for name in table.iloc[:, 0]]
    rows = np.arange(len(table))
    with style():
        head = Head(
            title or "Areas by their rates",
            f"Dots: rates. Bars: limits that hold for all areas together with "
            f"{100 * found.level:g} %. Right: the places that may be an area's own; 1 is the "
            "highest rate.",
            source,
            simulated,
        )
        left = max(text_width(name, 7.5) for name in names) + 10
        tall = max(_ROW * len(table), 40) / 72
        ax = axes(ax, head, width=width, height=tall, left=left, right=66, bottom=36, shows=True)
        ax.barh(
            rows,
            table["upper"] - table["lower"],
            left=table["lower"],
            height=0.62,
            color=LIGHT,
        )
        ax.scatter(table["rate"], rows, s=15, color=BLUE, zorder=3)
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.set_xlim(0, min(1.0, float(table["upper"].max()) * 1.05))
        ax.set_yticks(rows, names, fontsize=7.5)
        ax.tick_params(length=0)
        ax.spines["left"].set_visible(False)
        ax.grid(axis="x")
        ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        for row, place in enumerate(table["place"]):
            ax.annotate(
                place,
                (1, row),
                (8, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                va="center",
                fontsize=7.5,
                color=QUIET,
                annotation_clip=False,
            )
    return ax


def trend(
    data: pd.DataFrame,
    ax: Axes | None = None,
    *,
    title: str = "",
    source: str = "",
    simulated: bool = False,
    width: float = 7.5,
) -> Axes:
    """Draw a rate from year to year with its limits; years with a note are hollow.

    The line is broken where a year is missing. Rates are written where there is room for them.

    Parameters
    ----------
    data : DataFrame
        What `rereferral.trend` gives.
    ax, title, source, simulated, width
        As in `funnel`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    RuleError
        It is not what `rereferral.trend` gives.
    DataError
        No year has a rate.
    """
    check_made_by(data, pd.DataFrame, "trend", "trend")
    ends = [str(name)[6:] for name in data.columns if str(name).startswith("lower_")]
    for name in ("rate", "note", f"upper_{ends[0]}" if ends else "lower_95"):
        if name not in data.columns:
            raise RuleError(
                f'trend draws what rereferral.trend gives; this table has no column "{name}"'
            )
    data = data.reset_index(drop=True)
    rate = data["rate"].to_numpy(float)
    drawn = np.isfinite(rate)
    if not drawn.any():
        raise DataError("the trend has no rate in any year")
    upper = data[f"upper_{ends[-1]}"].to_numpy(float)
    top = float(np.nanmax([*upper, *rate]))
    years = [str(year) for year in data.iloc[:, 0]]
    rows = np.arange(len(data))
    missing = missing_before(data.iloc[:, 0])
    notes = [
        "; ".join(part for part in str(note).split("; ") if part != gone)
        for note, gone in zip(data["note"], missing, strict=True)
    ]
    marked = np.array([note != "" for note in notes])
    with style():
        head = Head(
            title or f"{data.columns[1]} of {data.columns[2]}",
            _limits_of(ends) + _told(years, notes, missing, drawn),
            source,
            simulated,
        )
        slot = (72 * (width if ax is None else inches(ax)[0]) - 56) / len(rows)
        upright = max(text_width(year, 8.5) for year in years) > 0.9 * slot
        every = math.ceil(_APART / slot) if upright else 1
        ax = axes(
            ax,
            head,
            width=width,
            height=2.6,
            left=38,
            right=6,
            bottom=54 if upright else 40,
            shows=True,
        )
        for place in rows[1:]:
            if not missing[place]:
                ax.plot(
                    rows[place - 1 : place + 1],
                    rate[place - 1 : place + 1],
                    color=LIGHT,
                    linewidth=1,
                    zorder=1,
                )
        for place, name in enumerate(ends):
            ax.vlines(
                rows,
                data[f"lower_{name}"],
                data[f"upper_{name}"],
                color=BLUE,
                linewidth=3.2 if place == 0 else 1,
            )
        for rows_of, face in ((drawn & ~marked, BLUE), (drawn & marked, "white")):
            ax.plot(
                rows[rows_of],
                rate[rows_of],
                "o",
                markersize=min(7.0, 0.7 * slot),
                markerfacecolor=face,
                markeredgecolor=BLUE,
                clip_on=False,
            )
        room = 1 - _OVER / max(72 * inches(ax)[1], 2 * _OVER)
        ax.set_ylim(0, top / room)
        percent_axis(ax.yaxis, min(top / room, 1.0))
        ax.set_xlim(-0.5, len(rows) - 0.5)
        ax.set_xticks(rows[::every], years[::every], rotation=90 if upright else 0)
        ax.tick_params(length=0)
        ax.grid(axis="y")
        shown, size = _that_fit(rate, slot)
        for row in rows[drawn]:
            ax.annotate(
                shown[row],
                (row, max(upper[row], rate[row])),
                (0, 5),
                textcoords="offset points",
                ha="center",
                fontsize=size,
                weight="bold",
            )
    return ax


def _limits_of(ends: list[str]) -> str:
    shown = [f"{name.replace('_', '.')} %" for name in ends]
    if len(shown) == 1:
        return f"Bars: {shown[0]} limits."
    return f"Thick bars: {shown[0]} limits; thin bars: {shown[-1]}."


def _told(years: list[str], notes: list[str], missing: list[str], drawn: Any) -> str:
    """Why points are hollow, which years have none, and where the line is broken."""
    hollow = sorted({note for note, there in zip(notes, drawn, strict=True) if note and there})
    absent: dict[str, list[str]] = {}
    for year, note, there in zip(years, notes, drawn, strict=True):
        if not there:
            absent.setdefault(note, []).append(year)
    gone = [f"{', '.join(of)} ({note})" if note else ", ".join(of) for note, of in absent.items()]
    broken = [gap for gap in missing if gap]
    parts = (("Hollow", hollow), ("Not shown", gone), ("Line broken", broken))
    return "".join(f" {name}: {'; '.join(texts)}." for name, texts in parts if texts)


def _that_fit(rate: Any, slot: float) -> tuple[list[str], float]:
    """The rates in letters that fit into `slot` points each; nothing where none do."""
    texts = ["" if np.isnan(value) else f"{100 * value:.1f} %" for value in rate]
    for cut, size in ((False, 8.5), (False, 7.5), (True, 7.5), (True, 6.6)):
        shown = [text.removesuffix(" %") if cut else text for text in texts]
        if all(text_width(text, size, True) < 0.95 * slot for text in shown):
            return shown, size
    return [""] * len(texts), 6.6
