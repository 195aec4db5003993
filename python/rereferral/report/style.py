"""How every figure looks: colours, letters, title, source line, and the bytes it is saved as."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

from rereferral.errors import RereferralError
from rereferral.report.words import unbroken

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "Head",
    "axes",
    "fitted",
    "inches",
    "lines_of",
    "load",
    "percent_axis",
    "style",
    "text_width",
    "to_png",
    "to_svg",
]

# Okabe and Ito's palette, which people with any kind of colour blindness can tell apart.
BLUE = "#0072B2"
SKY = "#56B4E9"
GREEN = "#009E73"
ORANGE = "#D55E00"
GREY = "#767676"
LIGHT = "#D9D9D9"
INK = "#1A1A1A"
QUIET = "#505050"
ALARM = "#8B1A1A"

_STYLE: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 8.5,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "rereferral",
    "path.simplify": True,
    "text.hinting": "none",
}

EDGE = 8.0
"""White edge round a figure, in points."""

_TITLE, _SUBTITLE, _SOURCE, _TAG = 10.5, 8.5, 7.5, 8.0
_LEADING = 1.3
_SAFE = 1.03  # at few dots an inch letters stand a little wider than their outlines say


def load() -> None:
    """Say so in one sentence if matplotlib is not there.

    Raises
    ------
    RereferralError
        matplotlib cannot be imported.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise RereferralError(
            'the figures need matplotlib; install it with: pip install "rereferral[report]"'
        ) from None


@contextmanager
def style() -> Iterator[None]:
    """Draw in our style whatever the user's own is, and leave theirs as it was."""
    load()
    import matplotlib

    interactive = matplotlib.is_interactive()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        settings: Any = matplotlib.rcParams
        settings.update(_STYLE, interactive=interactive)
        yield
        interactive = matplotlib.is_interactive()
    # A notebook turns this on with its first figure, and shows none without.
    matplotlib.interactive(interactive)


@dataclass(frozen=True)
class Head:
    """What stands above and below a figure."""

    title: str
    subtitle: str = ""
    source: str = ""
    simulated: bool = False

    def above(self, width: float) -> list[tuple[str, str, float]]:
        """Lines above the plot, from the top: what it is, the text, the size."""
        lines = [("tag", "SIMULATED", _TAG)] if self.simulated else []
        lines += [("title", text, _TITLE) for text in lines_of(self.title, width, _TITLE, True)]
        lines += [
            ("subtitle", text, _SUBTITLE) for text in lines_of(self.subtitle, width, _SUBTITLE)
        ]
        return lines

    def below(self, width: float) -> list[str]:
        """Lines of the source, from the top."""
        return lines_of(self.source, width, _SOURCE)


@lru_cache(maxsize=8)
def _letters(bold: bool) -> Any:
    from matplotlib.font_manager import FontProperties

    return FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal", size=10)


@lru_cache(maxsize=4096)
def text_width(text: str, size: float, bold: bool = False) -> float:
    """Width of a line of text in points."""
    from matplotlib.textpath import text_to_path

    width, _, _ = text_to_path.get_text_width_height_descent(text, _letters(bold), False)
    return float(width) * size / 10 * _SAFE


def lines_of(text: str, width: float, size: float, bold: bool = False) -> list[str]:
    """Break a text between words into lines no wider than `width` points; cut longer words."""
    lines: list[str] = []
    for word in unbroken(text).split(" "):
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(joined, size, bold) <= width:
            lines[-1] = joined
        elif word:
            lines.append(word)
    return [_cut(line, width, size, bold) for line in lines]


def _cut(line: str, width: float, size: float, bold: bool = False) -> str:
    """Shorten a line that is too wide, and show that it was."""
    if text_width(line, size, bold) <= width:
        return line
    while len(line) > 1 and text_width(f"{line}…", size, bold) > width:
        line = line[:-1].rstrip()
    return f"{line}…"


def fitted(text: str, width: float, size: float) -> str:
    """A text on one line, shortened where it is wider than `width` points."""
    return _cut(text, width, size)


def axes(
    ax: Axes | None,
    head: Head,
    *,
    width: float,
    height: float,
    left: float,
    right: float,
    bottom: float,
    shows: bool = False,
) -> Axes:
    """Give the axes to draw in, with title and source; a figure of its own where `ax` is None.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        Axes of the caller, which needs room above and below.
    head : Head
        What stands above and below.
    width : float
        Of the whole figure, in inches.
    height : float
        Of the plot without title and labels, in inches.
    left, right, bottom : float
        Room for the labels of the axes, in points.
    shows : bool, default False
        Whether a figure of its own is one of pyplot's, which notebooks show.
    """
    if ax is None:
        inner = 72 * width - 2 * EDGE
        above = _height_above(head.above(inner))
        below = EDGE + _SOURCE * _LEADING * len(head.below(inner))
        tall = 72 * height + above + bottom + below
        wide = 72 * width
        figure = _new_figure(width, tall / 72, shows)
        x, y = (EDGE + left) / wide, (bottom + below) / tall
        ax = figure.add_axes((x, y, 1 - x - (EDGE + right) / wide, 72 * height / tall))
        _dress(ax, head, inner, left, bottom)
    else:
        _dress(ax, head, max(72.0, 72 * inches(ax)[0]), 0.0, bottom)
    return ax


def _new_figure(width: float, height: float, shows: bool) -> Figure:
    if shows:
        import matplotlib.pyplot as plt

        return plt.figure(figsize=(width, height))
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height))


def inches(ax: Axes) -> tuple[float, float]:
    """Width and height of axes in inches."""
    box = ax.get_position()
    wide, tall = ax.get_figure(root=True).get_size_inches()  # type: ignore[union-attr]
    return float(box.width * wide), float(box.height * tall)


def percent_axis(axis: Any, top: float) -> None:
    """Ticks at round percentages from 0 up to `top`."""
    steps = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
    step = next(step for step in steps if top / step <= 6.5 or step == 0.25)
    ticks = [step * k for k in range(int(top / step + 1e-9) + 1)]
    digits = 1 if step < 0.01 else 0
    axis.set_ticks(ticks, [f"{100 * tick:.{digits}f} %" for tick in ticks])


def _height_above(lines: list[tuple[str, str, float]]) -> float:
    return EDGE + 8 + sum(_step(kind, size) for kind, _, size in lines)


def _step(kind: str, size: float) -> float:
    return size * _LEADING + (7 if kind == "tag" else 0)


def _dress(ax: Axes, head: Head, width: float, left: float, bottom: float) -> None:
    lines = head.above(width)
    up = _height_above(lines) - EDGE
    for kind, text, size in lines:
        looks: dict[str, Any] = {"color": INK if kind == "title" else QUIET}
        if kind == "title":
            looks["weight"] = "bold"
        down = 0.0
        across = -left
        if kind == "tag":
            looks |= {"color": "white", "weight": "bold"}
            looks["bbox"] = {"boxstyle": "square,pad=0.35", "facecolor": ALARM, "edgecolor": "none"}
            down, across = 3.0, across + 3.0
        ax.annotate(
            text,
            (0, 1),
            (across, up - down),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=size,
            va="top",
            annotation_clip=False,
            **looks,
        )
        up -= _step(kind, size)
    for place, text in enumerate(head.below(width)):
        ax.annotate(
            text,
            (0, 0),
            (-left, -bottom - _SOURCE * _LEADING * place),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=_SOURCE,
            color=QUIET,
            va="top",
            annotation_clip=False,
        )


_DECIMALS = re.compile(r"(\.\d\d)\d+")  # a hundredth of a point is less than anyone sees


def to_svg(figure: Figure, title: str, description: str) -> bytes:
    """The figure as SVG, with a title and a description for those who do not see it.

    The same figure gives the same bytes: no date, no program, no random names.
    """
    out = io.BytesIO()
    with style():
        figure.savefig(
            out,
            format="svg",
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    text = out.getvalue().decode("utf-8")
    text = re.sub(r' d="[^"]*"', lambda path: _DECIMALS.sub(r"\1", path[0]), text)
    start = text.index("<svg ")
    end = text.index(">", start)
    words = (
        f' role="img" aria-labelledby="title desc">\n <title id="title">{escape(title)}</title>\n'
        f' <desc id="desc">{escape(description)}</desc>'
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n' + text[start:end] + words + text[end + 1 :]
    ).encode("utf-8")


def to_png(figure: Figure, title: str, description: str, dpi: int = 200) -> bytes:
    """The figure as PNG, its alternative text in the file's metadata."""
    out = io.BytesIO()
    with style():
        figure.savefig(
            out,
            format="png",
            dpi=dpi,
            metadata={"Software": None, "Title": title, "Description": description},
        )
    return out.getvalue()
