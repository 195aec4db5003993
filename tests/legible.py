"""Whether all words of a figure can be read: none leaves it, no two cover each other."""

from __future__ import annotations

import itertools
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from rereferral.report import style

__all__ = ["assert_legible"]


def boxes(figure: Any) -> Any:
    """Every text of a figure with the pixels that it takes, and the figure's own."""
    with style.style():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        renderer = canvas.get_renderer()
        texts = [
            (text.get_text(), text.get_window_extent(renderer))
            for text in figure.findobj(Text)
            if text.get_visible() and text.get_text().strip()
        ]
    return texts, figure.bbox


def assert_legible(axes: Any) -> None:
    texts, whole_figure = boxes(axes.get_figure(root=True))
    assert texts
    for text, box in texts:
        inside = (
            box.x0 >= whole_figure.x0 - 1
            and box.x1 <= whole_figure.x1 + 1
            and box.y0 >= whole_figure.y0 - 1
            and box.y1 <= whole_figure.y1 + 1
        )
        assert inside, f"{text!r} leaves the figure"
    for (one, first), (other, second) in itertools.combinations(texts, 2):
        wide = min(first.x1, second.x1) - max(first.x0, second.x0)
        high = min(first.y1, second.y1) - max(first.y0, second.y0)
        # Letters have room above and below in their boxes, so lines may share a little of it.
        shared = 0.3 * min(first.height, second.height)
        assert wide <= 1 or high <= shared, f"{one!r} and {other!r} overlap"
