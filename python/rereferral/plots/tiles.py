"""England's authorities as tiles of one size, about where they lie."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rereferral import published
from rereferral.errors import DataError
from rereferral.lineage import crosswalk
from rereferral.plots.regions import rates_of
from rereferral.report.style import GREY, INK, QUIET, Head, axes, inches, style
from rereferral.report.words import number
from rereferral.small_tables import column_of, small_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["tile_map"]

_CLASSES = 7
_COLUMNS, _ROWS = 16, 20
# From light to dark, even in grey; letters are dark on the first and white on the last.
_SHADES = ("#EAF2FA", "#CBE0F1", "#9FC8E6", "#6AABD6", "#3079B4", "#155A9C", "#08305F")
_DARK = 4  # the first shade with white letters

# Names of regions where the sea or the border leaves room: place, and on which side of it.
_NAMES = {
    "North East": (11.2, 3.5, "left"),
    "North West": (2.8, 6.5, "right"),
    "Yorkshire and\nThe Humber": (12.2, 6.5, "left"),
    "East Midlands": (12.2, 10.5, "left"),
    "West Midlands": (4.8, 10.5, "right"),
    "East of England": (14.2, 12.5, "left"),
    "London": (16.12, 16.5, "left"),
    "South East": (14.2, 19.5, "left"),
    "South West": (3.8, 14.5, "right"),
}

Cells = set[tuple[int, int]]


def tile_map(
    data: Any,
    ax: Axes | None = None,
    *,
    by: str = "authority",
    rate: str = "rate",
    title: str = "",
    source: str = "",
    simulated: bool = False,
    width: float = 7.5,
) -> Axes:
    """Draw a rate of England's authorities on a map of tiles.

    Every authority has a tile of the same size about where it lies, so that London's 33 are seen as
    well as one large county. Who was split later has the tiles of its successors.

    Parameters
    ----------
    data : DataFrame or other small table
        A row for each authority, all of one year. A rate that is missing or a symbol (c, x, z, u,
        low) is drawn as not shown, never as 0; an authority without a row as not in the table.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of pyplot's, which notebooks show.
    by : str, default "authority"
        The column of ONS codes, such as E06000001.
    rate : str, default "rate"
        The column of rates, from 0 to 1.
    title : str, optional
        What the rate is; by default the name of its column.
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
        A column is missing, a code has no tile or stands there twice, two codes are of different
        years, a rate is no number from 0 to 1 and no known symbol, or none is shown.
    """
    table = small_table(data, "the table")
    codes = column_of(table, by, "the table").astype(object)
    tiles = published.authority_tiles().set_index("authority")
    for row, code in enumerate(codes):
        if pd.isna(code) or code not in tiles.index:
            given = "missing" if pd.isna(code) else f"{code!r}, which has no tile"
            raise DataError(
                f"{by} of row {row} is {given}; codes are those of England's authorities, such as "
                "E06000001"
            )
    values = rates_of(table, rate, codes, "the table")
    if not np.isfinite(values).any():
        raise DataError(f"no authority has a {rate} to show")
    taken: dict[tuple[int, int], str] = {}
    for code in codes:
        for cell in _cells(tiles.loc[code]):
            if cell in taken:
                raise DataError(
                    f"{code} stands in the table twice"
                    if taken[cell] == code
                    else f"{taken[cell]} and {code} are of different years; give those of one"
                )
            taken[cell] = code
    step, low, classes = _classes(values)
    with style():
        head = Head(
            title or rate,
            "Every authority is a tile of one size, about where it lies. Numbers: per cent, "
            "rounded (colours are not). Thick lines: regions.",
            source,
            simulated,
        )
        height = width * 72 / 18.6 * _ROWS / 72
        ax = axes(ax, head, width=width, height=height, left=0, right=0, bottom=8, shows=True)
        wide, tall = (72 * side for side in inches(ax))
        size = min(wide / _COLUMNS, tall / _ROWS)
        ax.set_xlim((_COLUMNS - wide / size) / 2, (_COLUMNS + wide / size) / 2)
        ax.set_ylim(tall / size + 0.08, -0.08)
        ax.axis("off")
        for code, value in zip(codes, values, strict=True):
            place = int((value - low) / step + 1e-9) if np.isfinite(value) else None
            shade = None if place is None else min(place, classes - 1)
            _tile(ax, tiles.loc[code], size, value, _colour(shade, classes), step)
        absent = _absent(tiles, set(taken))
        for code in absent:
            _tile(ax, tiles.loc[code], size, None, None, step)
            taken |= dict.fromkeys(_cells(tiles.loc[code]), code)
        _outline(ax, taken, size)
        for name, (x, y, side) in _NAMES.items():
            looks: dict[str, Any] = {"ha": side, "va": "center", "color": QUIET}
            ax.text(x, y, name, fontsize=0.28 * size, **looks)
        missing = int(np.isnan(values).sum())
        _legend(ax, step, low, classes, missing, len(absent), size)
    return ax


def _cells(tile: pd.Series) -> list[tuple[int, int]]:
    return [(int(tile["row"]), int(tile["column"]) + k) for k in range(int(tile["width"]))]


def _absent(tiles: pd.DataFrame, taken: Cells) -> list[str]:
    """Authorities of the latest year on tiles that nobody has."""
    later = set(crosswalk()["predecessor"])
    found = []
    for code in tiles.index:
        cells = set(_cells(tiles.loc[code]))
        if code not in later and not cells & taken:
            found.append(code)
    return found


def _classes(values: np.ndarray[Any, Any]) -> tuple[float, float, int]:
    """Width of the classes, where the first begins, and how many there are: round percentages."""
    shown = values[np.isfinite(values)]
    least, most = float(shown.min()), float(shown.max())
    for step in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2):
        low = np.floor(least / step + 1e-9) * step
        classes = int(np.floor((most - low) / step + 1e-9)) + 1
        if classes <= _CLASSES:
            return step, float(low), classes
    return 0.25, 0.0, 4


def _colour(place: int | None, classes: int) -> tuple[str, str] | None:
    """Colour of a class and of its letters."""
    if place is None:
        return None
    at = round(place * (len(_SHADES) - 1) / (classes - 1)) if classes > 1 else 3
    return _SHADES[at], "white" if at >= _DARK else INK


def _tile(
    ax: Axes,
    tile: pd.Series,
    size: float,
    value: float | None,
    colours: tuple[str, str] | None,
    step: float,
) -> None:
    from matplotlib.patches import Rectangle

    row, column, wide = int(tile["row"]), int(tile["column"]), int(tile["width"])
    there = (column + 0.03, row + 0.03), wide - 0.06, 0.94
    if colours is None and value is None:
        ax.add_patch(
            Rectangle(*there, facecolor="white", edgecolor="#C4C4C4", linewidth=0.6, linestyle=":")
        )
        letters = GREY
    elif colours is None:
        ax.add_patch(
            Rectangle(*there, facecolor="white", edgecolor="#A8A8A8", linewidth=0.0, hatch="////")
        )
        letters = INK
    else:
        ax.add_patch(Rectangle(*there, facecolor=colours[0], edgecolor="none"))
        letters = colours[1]
    looks: dict[str, Any] = {"ha": "center", "va": "center_baseline", "color": letters}
    middle = column + wide / 2
    if colours is None:
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8} if value is not None else None
        ax.text(middle, row + 0.5, tile["short"], fontsize=0.25 * size, bbox=box, **looks)
        return
    assert value is not None
    shown = number(Decimal(repr(float(value))) * 100, 1 if step < 0.02 else 0)
    ax.text(middle, row + 0.31, tile["short"], fontsize=0.25 * size, **looks)
    ax.text(middle, row + 0.70, shown, fontsize=0.29 * size, weight="bold", **looks)


def _outline(ax: Axes, taken: dict[tuple[int, int], str], size: float) -> None:
    """Lines between tiles of different regions, and round them all."""
    places = pd.concat([published.authorities(), published.later_authorities()])
    region = places.set_index("authority")["region"].to_dict()
    at = {cell: region[code] for cell, code in taken.items()}
    lines = []
    for row in range(_ROWS + 1):
        for column in range(_COLUMNS + 1):
            here = at.get((row, column))
            if here != at.get((row - 1, column)):
                lines.append([(column, row), (column + 1, row)])
            if here != at.get((row, column - 1)):
                lines.append([(column, row), (column, row + 1)])
    from matplotlib.collections import LineCollection

    ax.add_collection(
        LineCollection(lines, colors=INK, linewidths=0.045 * size, capstyle="round"), autolim=False
    )


def _legend(
    ax: Axes, step: float, low: float, classes: int, missing: int, absent: int, size: float
) -> None:
    """In the sea to the north west."""
    from matplotlib.patches import Patch

    digits = 1 if round(step * 1000) % 10 else 0
    entries = []
    for place in range(classes):
        colours = _colour(place, classes)
        assert colours is not None
        ends = (100 * (low + step * place), 100 * (low + step * (place + 1)))
        label = f"{ends[0]:.{digits}f} to below {ends[1]:.{digits}f} %"
        entries.append(Patch(facecolor=colours[0], edgecolor="none", label=label))
    if missing:
        label = f"not shown ({missing})"
        entries.append(
            Patch(facecolor="white", edgecolor="#A8A8A8", hatch="////", linewidth=0, label=label)
        )
    if absent:
        label = f"not in the table ({absent})"
        entries.append(
            Patch(facecolor="white", edgecolor="#C4C4C4", linestyle=":", linewidth=0.8, label=label)
        )
    ax.legend(
        handles=entries,
        loc="upper left",
        bbox_to_anchor=(0.0, 1.0),
        fontsize=min(8.5, 0.3 * size),
        handlelength=1.4,
        handleheight=1.1,
        borderaxespad=0,
        borderpad=0,
    )
