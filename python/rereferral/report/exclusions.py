"""A ledger as a diagram: from the rows given, past every exclusion, to the rows counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rereferral.report.style import (
    BLUE,
    GREY,
    INK,
    LIGHT,
    ORANGE,
    QUIET,
    Head,
    axes,
    inches,
    lines_of,
    style,
)
from rereferral.report.words import Symbol, count, is_missing

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["exclusions", "steps_of"]

_SIZE, _COUNT, _PAD, _LEADING = 8.0, 9.5, 5.0, 1.3
_GAP = 9.0  # points between boxes, in which the arrow runs
_BETWEEN = 22.0  # points between the diagrams of two tables

#: What the counted rows of a table are called, by the name of the table.
_COUNTED = {"events": "rows that may follow"}


def steps_of(data: pd.DataFrame) -> list[tuple[str, list[dict[str, Any]]]]:
    """The lines of each table of a ledger that took rows away, behind the line of those given."""
    return [
        (
            str(name),
            [
                row
                for place, row in enumerate(group.to_dict("records"))
                if place == 0 or _took_away(row["removed"])
            ],
        )
        for name, group in data.groupby("table", sort=False, observed=True)
    ]


def _took_away(removed: Any) -> bool:
    """Whether a step left rows out: what is hidden did."""
    return isinstance(removed, Symbol) or is_missing(removed) or removed > 0


def exclusions(
    data: pd.DataFrame,
    ax: Axes | None = None,
    *,
    simulated: bool = False,
    source: str = "",
    width: float = 7.5,
    title: str = "",
    shows: bool = False,
) -> Axes:
    """Draw a ledger: what was given, what each step left out, and what was counted.

    Parameters
    ----------
    data : pandas.DataFrame
        A ledger. Steps that left out nothing are not drawn, and their number is told.
    ax, simulated, source, width
        As in the other figures of a report.
    title : str, optional
        What was counted.
    shows : bool, default False
        Whether a figure of its own is one of pyplot's.

    Returns
    -------
    matplotlib.axes.Axes
    """
    blocks = steps_of(data)
    idle = len(data) - sum(len(rows) for _, rows in blocks)
    words = f" {count(idle)} steps that left out nothing are not drawn." if idle > 1 else ""
    with style():
        wide = 72 * width - 16 if ax is None else 72 * inches(ax)[0]
        spine = min(0.34 * wide, 170.0)
        aside = wide - spine - 2 * _GAP
        heights = [
            [_height(_reason(row), aside, beside=place > 0) for place, row in enumerate(rows)]
            for _, rows in blocks
        ]
        tall = sum(sum(one) + (len(one) + 1) * _GAP + _end_height() for one in heights)
        tall += _BETWEEN * (len(blocks) - 1)
        head = Head(
            title or "From the rows given to the rows counted",
            f"Left: rows that remain. Right: rows left out by each step, in its order.{words}",
            source,
            simulated,
        )
        ax = axes(ax, head, width=width, height=tall / 72, left=0, right=0, bottom=10, shows=shows)
        ax.set_xlim(-0.5, wide + 0.5)
        ax.set_ylim(max(tall, 1.0) + 0.5, -0.5)
        ax.axis("off")
        y = 0.0
        for (name, rows), sizes in zip(blocks, heights, strict=True):
            y = _block(ax, name, rows, sizes, y, spine, wide) + _BETWEEN
    return ax


def _reason(row: dict[str, Any]) -> str:
    text = str(row["reason"])
    # The name of a column keeps its letters.
    return text if "_" in text.split(" ")[0] else text[:1].upper() + text[1:]


def _height(text: str, width: float, beside: bool) -> float:
    """Height of a line's box, in points: its reason beside the number on one line."""
    if not beside:
        return _end_height()
    lines = len(lines_of(text, width - 2 * _PAD - 62, _SIZE))
    return 2 * _PAD + _LEADING * _SIZE * max(lines, 1)


def _end_height() -> float:
    return 2 * _PAD + _LEADING * (_SIZE + _COUNT)


def _block(
    ax: Axes,
    name: str,
    rows: list[dict[str, Any]],
    sizes: list[float],
    y: float,
    spine: float,
    wide: float,
) -> float:
    """One table's diagram from `y` down; gives where it ends."""
    middle = spine / 2
    y = _end(ax, y, spine, f"{name[:1].upper()}{name[1:]}: rows given", rows[0]["remaining"], GREY)
    for row, size in zip(rows[1:], sizes[1:], strict=True):
        top = y + _GAP
        centre = top + size / 2
        ax.plot([middle, middle], [y, top + size], color=GREY, linewidth=1)
        left = spine + 2 * _GAP
        _arrow(ax, (middle, centre), (left, centre))
        _box(ax, left, top, wide - left, size, "#FBEDE4", ORANGE)
        number = count(row["removed"])
        ax.text(left + 56, centre, number, **_text(_SIZE, INK, "bold", ha="right"))
        text = lines_of(_reason(row), wide - left - 2 * _PAD - 62, _SIZE)
        line = centre - (len(text) - 1) / 2 * _LEADING * _SIZE
        for part in text:
            ax.text(left + 64, line, part, **_text(_SIZE, INK))
            line += _LEADING * _SIZE
        y = top + size
    _arrow(ax, (middle, y), (middle, y + _GAP))
    counted = _COUNTED.get(name, "rows counted")
    return _end(ax, y + _GAP, spine, counted[:1].upper() + counted[1:], rows[-1]["remaining"], BLUE)


def _end(ax: Axes, y: float, wide: float, label: str, value: Any, colour: str) -> float:
    tall = _end_height()
    _box(ax, 0, y, wide, tall, "#CFE3F1" if colour == BLUE else "#EDEDED", colour)
    text = lines_of(label, wide - 2 * _PAD, _SIZE)[:1] or [label]
    ax.text(_PAD + 3, y + _PAD + _SIZE * 0.65, text[0], **_text(_SIZE, QUIET))
    below = y + _PAD + _LEADING * _SIZE + _COUNT * 0.65
    ax.text(_PAD + 3, below, count(value), **_text(_COUNT, INK, "bold"))
    return y + tall


def _text(size: float, colour: str, weight: str = "normal", ha: str = "left") -> dict[str, Any]:
    return {"fontsize": size, "color": colour, "weight": weight, "ha": ha, "va": "center_baseline"}


def _box(ax: Axes, x: float, y: float, w: float, h: float, tint: str, colour: str) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((x, y), w, h, facecolor=tint, edgecolor=LIGHT, linewidth=0.5))
    ax.add_patch(Rectangle((x, y), 2.5, h, facecolor=colour, edgecolor="none"))


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate(
        "",
        end,
        start,
        arrowprops={
            "arrowstyle": "-|>",
            "color": GREY,
            "linewidth": 1,
            "shrinkA": 0,
            "shrinkB": 0,
            "mutation_scale": 8,
        },
    )
