"""The chain as a flow: from assessment to re-referral, bands as wide as their counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rereferral.report.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    QUIET,
    Head,
    axes,
    inches,
    lines_of,
    style,
)
from rereferral.report.words import count, share_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["flow"]

_LABEL, _COUNT, _PAD, _LEADING = 8.0, 11.0, 6.0, 1.3
_NARROW = 5.0


@dataclass(frozen=True)
class _Stage:
    """One count of the chain; `share` says of what it is a part."""

    label: str
    value: float
    share: str
    colour: str
    tint: str


def _shares(x: float, n: float, share: Any, whole: str) -> tuple[str, str]:
    """``x`` of ``n`` and the rest in percent, which are 100.0 together.

    By the table's own share, unless that is None: rounded counts have another quotient.
    """
    if not n:
        return "no rate", "no rate"
    found = share_of(x, n, x / n if share is None else share)
    if found is None:
        return "no rate", "no rate"
    return f"{found} % of those {whole}", f"{100 - found} % of those {whole}"


def _stages(row: Mapping[Any, Any]) -> list[list[_Stage]]:
    """Columns of the flow. The first of each is what the next is divided from."""
    assessed, below = row["assessed"], row["below_threshold"]
    kept, followed, again = row["not_stepped_down"], row["followed"], row["rereferred"]
    blue, grey = (BLUE, "#CFE3F1"), (GREY, "#E7E7E7")
    is_below, is_other = _shares(below, assessed, None, "assessed")
    is_kept, is_helped = _shares(
        kept, below, row.get("share_not_stepped_down"), "below the threshold"
    )
    is_again, is_gone = _shares(again, followed, row.get("rate"), "followed")
    last = [
        _Stage(
            "Re-referred within 12 months",
            again,
            is_again,
            ORANGE,
            "#F7D9C4",
        ),
        _Stage(
            "Not re-referred within 12 months",
            followed - again,
            is_gone,
            *grey,
        ),
    ]
    if kept != followed:
        last.append(_Stage("Not followed for 12 months", kept - followed, "no rate", *grey))
    return [
        [_Stage("Assessed", assessed, "", *blue)],
        [
            _Stage(
                "Below the threshold and closed",
                below,
                is_below,
                *blue,
            ),
            _Stage(
                "Other outcome",
                assessed - below,
                is_other,
                *grey,
            ),
        ],
        [
            _Stage(
                "Not stepped down to early help",
                kept,
                is_kept,
                *blue,
            ),
            _Stage(
                "Stepped down to early help",
                row["stepped_down"],
                is_helped,
                GREEN,
                "#CDEBE1",
            ),
        ],
        last,
    ]


def _height(stage: _Stage, width: float) -> float:
    """Height of a card's text in points, where the card is `width` points wide."""
    inner = width - 2 * _PAD
    small = len(lines_of(stage.label, inner, _LABEL)) + len(lines_of(stage.share, inner, _LABEL))
    return 2 * _PAD + _LEADING * (small * _LABEL + _COUNT)


def _scale(
    columns: Sequence[Sequence[_Stage]], least: Sequence[float], room: float, gap: float
) -> float:
    """The widest scale (points a case) at which every column of cards fits into `room` points."""
    most = max((stage.value for column in columns for stage in column), default=0)
    if most <= 0:
        return 0.0
    low, high = 0.0, room / most
    for _ in range(60):
        middle = (low + high) / 2
        fits = all(
            sum(max(card, stage.value * middle) for stage in column) + gap * (len(column) - 1)
            <= room
            for column, card in zip(columns, least, strict=True)
        )
        low, high = (middle, high) if fits else (low, middle)
    return low


def flow(
    data: pd.DataFrame,
    ax: Axes | None = None,
    *,
    simulated: bool = False,
    source: str = "",
    width: float = 7.5,
    shows: bool = False,
) -> Axes:
    """Draw the chain as a flow diagram.

    Parameters
    ----------
    data : pandas.DataFrame
        The table ``chain`` of a report; its first row is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a figure of its own by default.
    simulated : bool, default False
        Write SIMULATED above it.
    source : str, default ""
        The line below it.
    width : float, default 7.5
        Of the figure, in inches; below 5 the flow runs from top to bottom.
    shows : bool, default False
        Whether a figure of its own is one of pyplot's, which notebooks show.

    Returns
    -------
    matplotlib.axes.Axes
    """
    row = data.iloc[0]
    columns = _stages(row)
    with style():
        head = Head(
            f"From assessment to re-referral, {row['label']}",
            "Closures, not children. Bands are as wide as their counts; boxes are at least as "
            "large as their text.",
            source,
            simulated,
        )
        down = (width if ax is None else inches(ax)[0]) < _NARROW
        high = 4.7 if down else 3.9 if row["assessed"] else 2.4
        ax = axes(ax, head, width=width, height=high, left=0, right=0, bottom=10, shows=shows)
        wide, tall = (72 * side for side in inches(ax))
        ax.set_xlim(0, wide)
        ax.set_ylim(tall, 0)
        ax.axis("off")
        if down:
            _draw_down(ax, columns, wide, tall)
        else:
            _draw_across(ax, columns, wide, tall)
    return ax


def _draw_across(ax: Axes, columns: list[list[_Stage]], wide: float, tall: float) -> None:
    between = 0.065 * wide
    card = (wide - between * (len(columns) - 1)) / len(columns)
    gap = 10.0
    least = [max(_height(stage, card) for stage in column) for column in columns]
    scale = _scale(columns, least, tall, gap)
    boxes: list[list[tuple[float, float, float, float]]] = []
    for place, column in enumerate(columns):
        x, y = place * (card + between), 0.0
        boxes.append([])
        for stage in column:
            size = max(least[place], stage.value * scale)
            boxes[-1].append((x, y, card, size))
            y += size + gap
    for before, after, column in zip(boxes, boxes[1:], columns[1:], strict=False):
        x, y, w, h = before[0]
        total = sum(stage.value for stage in column) * scale
        start = y + (h - total) / 2
        for (x2, y2, _, h2), stage in zip(after, column, strict=True):
            thick = stage.value * scale
            _band(ax, (x + w, start), (x2, y2 + (h2 - thick) / 2), thick, stage, False)
            start += thick
    _cards(ax, columns, boxes)


def _draw_down(ax: Axes, columns: list[list[_Stage]], wide: float, tall: float) -> None:
    gap = 6.0
    widths = [(wide - gap * (len(column) - 1)) / len(column) for column in columns]
    least = [
        0.8 * card if len(column) > 1 else card
        for card, column in zip(widths, columns, strict=True)
    ]
    least[1:] = [min(least[1:])] * (len(least) - 1)
    scale = _scale(columns, [min(least[1:])] * len(columns), wide, gap)
    boxes: list[list[tuple[float, float, float, float]]] = []
    heights = []
    for place, column in enumerate(columns):
        sizes = [max(least[place], stage.value * scale) for stage in column]
        spare = max(0.0, wide - gap * (len(column) - 1) - sum(sizes)) / len(column)
        x = 0.0
        boxes.append([])
        heights.append(
            max(_height(stage, size + spare) for stage, size in zip(column, sizes, strict=True))
        )
        for size in sizes:
            boxes[-1].append((x, 0.0, size + spare, heights[-1]))
            x += size + spare + gap
    between = (tall - sum(heights)) / (len(columns) - 1)
    y = 0.0
    for place, high in enumerate(heights):
        boxes[place] = [(x, y, w, h) for x, _, w, h in boxes[place]]
        y += high + between
    for before, after, column in zip(boxes, boxes[1:], columns[1:], strict=False):
        x, y, w, h = before[0]
        total = sum(stage.value for stage in column) * scale
        start = x + (w - total) / 2
        for (x2, y2, w2, _), stage in zip(after, column, strict=True):
            thick = stage.value * scale
            _band(ax, (start, y + h), (x2 + (w2 - thick) / 2, y2), thick, stage, True)
            start += thick
    _cards(ax, columns, boxes)


def _band(
    ax: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    thick: float,
    stage: _Stage,
    down: bool,
) -> None:
    """A band between two cards; a dotted line where nobody went that way."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    def turned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(y, x) for x, y in points] if down else points

    (x1, y1), (x2, y2) = turned([start, end])
    middle = (x1 + x2) / 2
    there = [(x1, y1), (middle, y1), (middle, y2), (x2, y2)]
    curve = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
    if stage.value <= 0:
        line = PathPatch(
            Path(turned(there), curve),
            facecolor="none",
            edgecolor=GREY,
            linewidth=0.8,
            linestyle=(0, (1, 2)),
        )
        ax.add_patch(line)
        return
    back = [(x, y + thick) for x, y in reversed(there)]
    path = Path(
        turned([*there, *back, there[0]]),
        [*curve, Path.LINETO, Path.CURVE4, Path.CURVE4, Path.CURVE4, Path.CLOSEPOLY],
    )
    ax.add_patch(
        PathPatch(path, facecolor=stage.colour, alpha=0.45, edgecolor=stage.colour, linewidth=0.4)
    )


def _cards(
    ax: Axes,
    columns: list[list[_Stage]],
    boxes: list[list[tuple[float, float, float, float]]],
) -> None:
    from matplotlib.patches import Rectangle

    for column, places in zip(columns, boxes, strict=True):
        for stage, (x, y, w, h) in zip(column, places, strict=True):
            ax.add_patch(Rectangle((x, y), w, h, facecolor=stage.tint, edgecolor="none"))
            ax.add_patch(Rectangle((x, y), 2.5, h, facecolor=stage.colour, edgecolor="none"))
            inner = w - 2 * _PAD
            top = y + (h - _height(stage, w)) / 2 + _PAD
            parts = [(text, _LABEL, INK, False) for text in lines_of(stage.label, inner, _LABEL)]
            parts.append((count(stage.value), _COUNT, INK, True))
            parts += [(text, _LABEL, QUIET, False) for text in lines_of(stage.share, inner, _LABEL)]
            for text, size, colour, bold in parts:
                ax.text(
                    x + _PAD + 2,
                    top + size * 1.1,
                    text,
                    fontsize=size,
                    color=colour,
                    weight="bold" if bold else "normal",
                    va="baseline",
                )
                top += size * _LEADING
