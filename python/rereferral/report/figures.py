"""The report's figures: functions of its tables, each with `ax` to draw in.

matplotlib is imported when the first figure is drawn. Figures are drawn without pyplot, so that no
window opens and no figure outlives its use.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rereferral.disclosure.curves import is_by_points
from rereferral.report.alternative import all_of, why_not
from rereferral.report.flow import flow
from rereferral.report.regions import region_order
from rereferral.report.style import (
    BLUE,
    GREY,
    INK,
    LIGHT,
    ORANGE,
    QUIET,
    Head,
    axes,
    fitted,
    inches,
    percent_axis,
    style,
    text_width,
)
from rereferral.report.words import count, is_missing, of, share

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["authorities", "flow", "rate_by_year", "time_to_rereferral"]

_NARROW = 5.0
_ALL_YEARS = "all years"
_MONTH = 365.25 / 12


def _period(labels: Sequence[str]) -> str:
    """The end of a title: from which year to which; nothing where there is none."""
    if not labels:
        return ""
    return f", {labels[0]}" if len(labels) == 1 else f", {labels[0]} to {labels[-1]}"


def rate_by_year(
    data: pd.DataFrame,
    ax: Axes | None = None,
    *,
    published: float | None = 0.25,
    simulated: bool = False,
    source: str = "",
    width: float = 7.5,
) -> Axes:
    """Draw the share re-referred by year of closure, with limits at 95 % and 99.8 %.

    Parameters
    ----------
    data : pandas.DataFrame
        The table ``chain_by_year`` of a report.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a figure of its own by default.
    published : float or None, default 0.25
        A published rate, drawn as a line for comparison.
    simulated : bool, default False
        Write SIMULATED above it.
    source : str, default ""
        The line below it.
    width : float, default 7.5
        Of the figure, in inches.

    Returns
    -------
    matplotlib.axes.Axes
    """
    years = [str(label) for label in data["financial_year"]]
    rate = data["rate"].to_numpy(float)
    highest = np.nanmax(
        [0.0, *data["upper_99_8"].to_numpy(float), *rate, published or 0.0], initial=0.05
    )
    top = min(1.0, 1.18 * float(highest))
    with style():
        head = Head(
            f"Re-referred within 12 months, by year of closure{_period(years)}",
            "Share of the closures below the threshold, not stepped down and followed for "
            "12 months. Thick bars: 95 % limits; thin bars: 99.8 %."
            + (f" Dashed: the published {100 * published:.0f} %." if published is not None else ""),
            source,
            simulated,
        )
        room = 72 * (width if ax is None else inches(ax)[0]) - 56
        slot = room / max(len(years), 1)
        upright = max([text_width(year, 8.5) for year in years] + [0.0]) > 0.95 * slot
        bottom = 54 if upright else 40
        ax = axes(ax, head, width=width, height=2.9, left=34, right=6, bottom=bottom)
        ax.set_ylim(0, top * 1.04)
        ax.set_xlim(-0.6, max(len(years), 1) - 0.4)
        percent_axis(ax.yaxis, top)
        ax.grid(axis="y")
        ax.tick_params(length=0)
        ax.set_xticks(range(len(years)), years, rotation=90 if upright else 0)
        if not upright:
            ax.set_xlabel("Financial year of closure")
        if published is not None:
            ax.axhline(published, color=QUIET, linewidth=1, linestyle=(0, (5, 3)), zorder=1)
        shown, size = _that_fit(data, slot)
        for place, row in enumerate(data.to_dict("records")):
            if is_missing(row["rate"]):
                ax.annotate(
                    why_not(row).replace(" followed", "\nfollowed"),
                    (place, 0),
                    (0, 4),
                    textcoords="offset points",
                    ha="center",
                    fontsize=7.5,
                    color=QUIET,
                )
                continue
            ax.vlines(place, row["lower_99_8"], row["upper_99_8"], color=BLUE, linewidth=1)
            ax.vlines(place, row["lower_95"], row["upper_95"], color=BLUE, linewidth=3.2)
            ax.plot(place, row["rate"], "o", color=BLUE, markersize=8, markeredgecolor="white")
            ax.annotate(
                shown[place],
                (place, max(row["upper_99_8"], row["rate"])),
                (0, 5),
                textcoords="offset points",
                ha="center",
                fontsize=size,
                weight="bold",
                color=INK,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85},
            )
    return ax


def _that_fit(data: pd.DataFrame, slot: float) -> tuple[list[str], float]:
    """The rates in letters that fit into `slot` points each; nothing where none do."""
    columns = (data[name] for name in ("rereferred", "followed", "rate"))
    texts = [share(x, n, value) for x, n, value in zip(*columns, strict=True)]
    for cut, size in ((False, 8.5), (False, 7.5), (True, 7.5), (True, 6.6)):
        shown = [text.removesuffix("%").rstrip() if cut else text for text in texts]
        if all(text_width(text, size, True) < 0.95 * slot for text in shown):
            return shown, size
    return [""] * len(texts), 6.6


# --------------------------------------------------------------------------- authorities

_ROW = 9.2  # points from line to line where there are many
_NAME = 6.6  # size of an authority's name then


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _by_region(data: pd.DataFrame) -> list[tuple[str, list[dict[str, Any]]]]:
    """Authorities by region, from north to south as official tables have them; by rate within."""
    regions: dict[str, list[dict[str, Any]]] = {}
    for row in data.to_dict("records"):
        region = "Region not known" if is_missing(row["region"]) else str(row["region"])
        name = row["authority"] if is_missing(row["authority_name"]) else row["authority_name"]
        regions.setdefault(region or "Region not known", []).append(row | {"shown": str(name)})

    return [
        (
            region,
            sorted(
                regions[region],
                key=lambda row: (
                    -1.0 if is_missing(row["rate"]) else row["rate"],
                    row["shown"].casefold(),
                    str(row["authority"]),
                ),
                reverse=True,
            ),
        )
        for region in sorted(regions, key=region_order)
    ]


def _in_columns(
    regions: list[tuple[str, list[dict[str, Any]]]], columns: int
) -> list[list[tuple[str, dict[str, Any] | None]]]:
    """Lines of each column: a heading (no row) before the authorities of a region.

    A column breaks between regions where that leaves the columns about even, else within one.
    """
    lines = [[(region, None), *((region, row) for row in rows)] for region, rows in regions]
    flat: list[tuple[str, dict[str, Any] | None]] = [line for block in lines for line in block]
    if columns == 1:
        return [flat]
    half = len(flat) / 2
    ends = np.cumsum([len(block) for block in lines])
    best = int(min(ends, key=lambda end: abs(end - half)))
    if abs(best - half) <= 0.12 * len(flat):
        return [flat[:best], flat[best:]]
    cut = math.ceil(half)
    region, row = flat[cut]
    again: list[tuple[str, dict[str, Any] | None]] = [(f"{region} (continued)", None)]
    return [flat[:cut], (again if row is not None else []) + flat[cut:]]


def authorities(
    data: pd.DataFrame,
    ax: Axes | None = None,
    *,
    simulated: bool = False,
    source: str = "",
    width: float = 7.5,
) -> Axes:
    """Draw the rate of every authority with its limits at 95 % and 99.8 %, by region.

    An authority whose 99.8 % limits leave out the rate of all authorities together is coloured.

    Parameters
    ----------
    data : pandas.DataFrame
        The table ``chain_by_authority`` of a report.
    ax : matplotlib.axes.Axes, optional
        Where to draw all of them in one column; a figure of its own by default, in two columns
        where there are many.
    simulated : bool, default False
        Write SIMULATED above it.
    source : str, default ""
        The line below it.
    width : float, default 7.5
        Of the figure, in inches.

    Returns
    -------
    matplotlib.axes.Axes
        The axes of the first column.
    """
    counted = data[["followed", "rereferred"]].dropna()
    followed, again = int(counted["followed"].sum()), int(counted["rereferred"].sum())
    overall = again / followed if followed else math.nan
    regions = _by_region(data)
    # A few small authorities must not flatten all others: their limits end in an arrow.
    few = len(data) <= 20
    upper = data["upper_99_8" if few else "upper_95"].dropna().to_numpy(float)
    rates = data["rate"].dropna().to_numpy(float)
    top = 0.1
    if len(rates):
        usual = float(upper.max() if few else np.quantile(upper, 0.97))
        top = min(1.0, 1.05 * max(usual, min(float(rates.max()), 2 * usual)))
    many = len(data) > 45 and ax is None and width >= _NARROW
    large = 1.0 if len(data) > 45 else 1.2
    columns = _in_columns(regions, 2 if many else 1)
    with style():
        room = 72 * (width if ax is None else inches(ax)[0]) / len(columns)
        size = large * _NAME
        shown = [text_width(row["shown"], size) for _, rows in regions for row in rows]
        longest = max([*shown, 40.0])
        names = min(longest + 8, 0.5 * room)
        head = Head(
            "Re-referred within 12 months, by authority",
            "Share of the closures followed, with 95 % (thick) and 99.8 % (thin) limits. Dashed: "
            f"{_lower(all_of(data))}, {of(again, followed)}. Within a region from high to low. "
            "Orange and blue: the 99.8 % limits lie above or below the dashed line."
            if followed
            else "No rate is shown.",
            source,
            simulated,
        )
        tall = max(_rows(column)[-1] + 1 if column else 1.0 for column in columns)
        first = axes(
            ax,
            head,
            width=width,
            height=tall * large * _ROW / 72,
            left=names,
            right=14,
            bottom=26,
        )
        drawn = [first]
        if len(columns) == 2:
            figure = first.get_figure(root=True)
            assert figure is not None
            box = first.get_position()
            wide = 72 * width
            plot = (wide - 2 * 8 - 2 * (names + 14)) / 2 / wide
            first.set_position((box.x0, box.y0, plot, box.height))
            drawn.append(
                figure.add_axes((box.x0 + plot + (names + 14) / wide, box.y0, plot, box.height))
            )
        for axis, lines in zip(drawn, columns, strict=True):
            _caterpillar(axis, lines, tall, top, overall, names, size)
    return first


def _rows(lines: list[tuple[str, dict[str, Any] | None]]) -> list[float]:
    """Where each line stands, in lines from the top: some room before a heading."""
    places = np.cumsum([1.0 if row is not None else 1.5 for _, row in lines]) - 1.5
    return [float(place) for place in places]


def _caterpillar(
    ax: Axes,
    lines: list[tuple[str, dict[str, Any] | None]],
    tall: float,
    top: float,
    overall: float,
    names: float,
    size: float,
) -> None:
    ax.set_xlim(0, top)
    ax.set_ylim(tall - 0.4, -0.6)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.spines["bottom"].set_visible(False)
    ax.grid(axis="x")
    if inches(ax)[0] < 1.7:
        step = 0.1 if top <= 0.5 else 0.25
        ticks = [step * k for k in range(int(top / step + 1e-9) + 1)]
        ax.set_xticks(ticks, [f"{100 * tick:.0f} %" for tick in ticks])
    else:
        percent_axis(ax.xaxis, top)
    ax.tick_params(axis="x", labelsize=7, length=0, top=False, labeltop=False)
    if not math.isnan(overall):
        ax.plot(
            [overall, overall],
            [-0.6, _rows(lines)[-1] + 0.6],
            color=QUIET,
            linewidth=0.8,
            linestyle=(0, (4, 2)),
            zorder=1,
        )
    shapes: list[tuple[float, dict[str, Any], str]] = []
    for place, (region, row) in zip(_rows(lines), lines, strict=True):
        written: dict[str, Any] = {
            "xycoords": ("axes fraction", "data"),
            "textcoords": "offset points",
            "va": "center_baseline",
            "annotation_clip": False,
        }
        if row is None:
            ax.annotate(
                region, (0, place), (-names, 0), fontsize=1.12 * size, weight="bold", **written
            )
            continue
        shown = fitted(row["shown"], names - 8, size)
        ax.annotate(shown, (0, place), (-6, 0), fontsize=size, ha="right", **written)
        if is_missing(row["rate"]):
            ax.annotate(
                why_not(row),
                (0, place),
                (2, 0),
                fontsize=0.9 * size,
                color=QUIET,
                **written,
            )
            continue
        colour = INK if math.isnan(overall) else GREY
        if row["lower_99_8"] > overall:
            colour = ORANGE
        elif row["upper_99_8"] < overall:
            colour = BLUE
        shapes.append((place, row, colour))
    for low, high, thick in (("lower_99_8", "upper_99_8", 0.7), ("lower_95", "upper_95", 2.0)):
        ax.hlines(
            [place for place, _, _ in shapes],
            [row[low] for _, row, _ in shapes],
            [min(row[high], top) for _, row, _ in shapes],
            colors=[colour for _, _, colour in shapes],
            linewidths=thick,
            clip_on=False,
        )
    beyond = [(top, place, colour) for place, row, colour in shapes if row["upper_99_8"] > top]
    within = [(row["rate"], place, colour) for place, row, colour in shapes if row["rate"] <= top]
    for points, marker, area in ((beyond, ">", 9), (within, "o", 14)):
        if points:
            x, y, colours = zip(*points, strict=True)
            ax.scatter(
                x, y, s=area, c=colours, marker=marker, linewidths=0, zorder=3, clip_on=False
            )


# --------------------------------------------------------------------------- time


def time_to_rereferral(
    data: pd.DataFrame,
    ax: Axes | None = None,
    *,
    simulated: bool = False,
    source: str = "",
    width: float = 7.5,
) -> Axes:
    """Draw the share re-referred against the time since closure, by year of closure.

    Parameters
    ----------
    data : pandas.DataFrame
        The table ``curve`` of a report.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a figure of its own by default.
    simulated : bool, default False
        Write SIMULATED above it.
    source : str, default ""
        The line below it.
    width : float, default 7.5
        Of the figure, in inches.

    Returns
    -------
    matplotlib.axes.Axes
    """
    groups = [
        (str(label), group)
        for label, group in data.groupby("financial_year", sort=False, observed=True)
    ]
    years = [label for label, _ in groups if label != _ALL_YEARS]
    if len(years) == 1:
        groups = [(label, group) for label, group in groups if label != _ALL_YEARS]
    last = float(data["day"].max()) if len(data) else 365.0
    highest = data[["risk", "upper"]].max().max() if len(data) else math.nan
    top = min(1.0, 1.1 * (0.05 if is_missing(highest) or highest <= 0 else float(highest)))
    with style():
        head = Head(
            f"Time to re-referral after closure{_period(years)}",
            "Share re-referred so far, of the closures below the threshold and not stepped down. "
            "Bands: 95 % limits.",
            source,
            simulated,
        )
        narrow = (width if ax is None else inches(ax)[0]) < _NARROW
        keys = 12.0 * math.ceil(len(groups) / 2) + 18
        ax = axes(
            ax,
            head,
            width=width,
            height=3.1,
            left=34,
            right=12 if narrow else 142,
            bottom=40 + (keys if narrow else 0),
        )
        ax.set_ylim(0, top)
        ax.set_xlim(0, max(last, 1.0))
        percent_axis(ax.yaxis, top)
        months = math.ceil(last / _MONTH - 0.02)
        every = next(
            step for step in (1, 2, 3, 6, 12, 24, 60, 120) if months / step <= 12.5 or step == 120
        )
        every = {1: 2}.get(every, every) if narrow else every
        marks = [m for m in range(0, months + 1, every) if m * _MONTH <= last + 1]
        ax.set_xticks([min(m * _MONTH, last) for m in marks], [str(m) for m in marks])
        ax.set_xlabel("Months since closure")
        ax.grid(axis="y")
        ax.tick_params(length=0)
        lines = ("-", (0, (6, 2)), (0, (3, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
        shades = _shades(len(years))
        by_points = is_by_points(data)
        step: Any = None if by_points else "post"
        for label, group in groups:
            if group["risk"].isna().all():
                ax.plot([], [], color=LIGHT, label=f"{label}: no closure followed")
                continue
            whole = label == _ALL_YEARS
            place = -1 if whole else years.index(label)
            colour = "#B0B0B0" if whole else shades[place]
            drawn = _thinned(group, last, top)
            day, risk, low, high = (
                np.append(drawn[name].to_numpy(float), drawn[name].iloc[-1])
                for name in ("day", "risk", "lower", "upper")
            )
            day[-1] = max(last, 1.0)
            ax.fill_between(day, low, high, step=step, color=colour, alpha=0.15, linewidth=0)
            ax.plot(
                day,
                risk,
                drawstyle="default" if by_points else "steps-post",
                color=colour,
                linewidth=4.5 if whole else 1.3,
                linestyle="-" if whole else lines[place % len(lines)],
                zorder=1.5 if whole else 2,
                solid_capstyle="butt",
                label=f"{label}: {count(group['at_risk'].iloc[0])}",
            )
        if groups:
            ax.legend(
                loc="upper left",
                bbox_to_anchor=(0, -34 / (72 * inches(ax)[1])) if narrow else (1.01, 1.02),
                ncols=2 if narrow else 1,
                title="Year of closure: closures followed"
                if narrow
                else "Year of closure:\nclosures followed",
                fontsize=8,
                title_fontsize=8,
                alignment="left",
                handlelength=2.6,
                columnspacing=1.2,
                borderpad=0,
                borderaxespad=0.4,
            )
    return ax


def _thinned(group: pd.DataFrame, last: float, top: float) -> pd.DataFrame:
    """A curve without the steps that no eye tells apart; the others stand where they were."""
    days, risks = group["day"].to_numpy(float), group["risk"].to_numpy(float)
    kept = [0]
    for place in range(1, len(group) - 1):
        far = days[place] - days[kept[-1]] >= last / 180
        if far or risks[place] - risks[kept[-1]] >= top / 250:
            kept.append(place)
    return group.iloc[sorted({*kept, len(group) - 1})]


def _shades(number: int) -> list[Any]:
    """Colours from light to dark for years in their order; told apart in grey as well."""
    from matplotlib import colormaps

    if number <= 5:
        return ["#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#0072B2"][:number]
    return [colormaps["viridis"](0.85 * k / (number - 1)) for k in range(number)][::-1]
