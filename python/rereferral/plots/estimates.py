"""An estimate of all authorities under every scaling, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rereferral.errors import DataError, RuleError
from rereferral.estimate import Estimate
from rereferral.estimate.shown import as_count, as_percent, is_rate
from rereferral.plots.checked import check_made_by
from rereferral.report.style import BLUE, GREY, INK, LIGHT, QUIET, Head, axes, style, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["estimates"]

_ROW = 17.0  # points from estimate to estimate


def estimates(
    found: Estimate,
    ax: Axes | None = None,
    *,
    quantity: str | None = None,
    published: float | None = None,
    title: str = "",
    source: str = "",
    simulated: bool = False,
    width: float = 7.5,
) -> Axes:
    """Draw how an estimate differs with the scaling variable and the groups.

    Parameters
    ----------
    found : Estimate
        What `rereferral.estimate_total` gives.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure of pyplot's, which notebooks show.
    quantity : str, optional
        Which of its quantities; by default the first.
    published : float, optional
        Another figure, drawn as a line for comparison.
    title : str, optional
        What is estimated; by default the quantity.
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
        It is not what `rereferral.estimate_total` gives, or has no such quantity.
    DataError
        There is no estimate of it; the message says why.

    Notes
    -----
    An estimate without limits is a point without a bar.
    """
    check_made_by(found, Estimate, "estimates", "estimate_total")
    table = found.sensitivity()
    wanted = table["quantity"].iloc[0] if quantity is None else quantity
    table = table[table["quantity"] == wanted]
    if table.empty:
        known = ", ".join(found.table["quantity"].unique())
        raise RuleError(f"quantity={quantity!r} is none of {known}")
    without = table[table["estimate"].isna()]
    table = table[table["estimate"].notna()]
    if table.empty:
        raise DataError(f"there is no estimate of {wanted}: {without['note'].iloc[0]}")
    show = as_percent if is_rate(wanted) else as_count
    names = [
        "each authority alike" if row.estimator == "expansion" else f"by {row.scaled_by}"
        for row in table.itertuples()
    ]
    names = [
        f"{name}, within {row.within}" if row.within else name
        for name, row in zip(names, table.itertuples(), strict=True)
    ]
    rows = np.arange(len(table))
    answered, areas = (int(found.main[column].iloc[0]) for column in ("answered", "areas"))
    limited = table["lower"].notna()
    line = f"Bars: {100 * found.level:g} % limits {found.condition}."
    if not limited.any():
        line = f"Without limits: {table['note'].iloc[0]}."
    elif not limited.all():
        line += " Points without a bar have no limits."
    if len(without):
        line += f" Scalings without an estimate, not shown: {len(without)}."
    if published is not None:
        line += f" Dashed: {show(published)}, published."
    with style():
        head = Head(
            title or f"{wanted}: all {areas} authorities from {answered}",
            line,
            source,
            simulated,
        )
        left = max(text_width(name, 8.5) for name in names) + 10
        right = max(text_width(show(value), 8.5, True) for value in table["estimate"]) + 14
        tall = (_ROW * len(table) + 8) / 72
        ax = axes(ax, head, width=width, height=tall, left=left, right=right, bottom=28, shows=True)
        ax.hlines(
            rows[limited],
            table["lower"][limited],
            table["upper"][limited],
            color=BLUE,
            linewidth=3.2,
        )
        ax.plot(table["estimate"], rows, "o", color=BLUE, markersize=7, markeredgecolor="white")
        if published is not None:
            ax.axvline(published, color=QUIET, linewidth=1, linestyle=(0, (5, 3)), zorder=1)
        ends = np.array([*table["lower"], *table["upper"], *table["estimate"], published or 0.0])
        ax.set_xlim(1.06 * min(0.0, float(np.nanmin(ends))), 1.06 * float(np.nanmax(ends)) or 1.0)
        ax.set_ylim(len(table) - 0.3, -0.7)
        ax.set_yticks(rows, names)
        ax.tick_params(length=0)
        ax.spines["left"].set_visible(False)
        ax.grid(axis="x", color=LIGHT)
        ax.xaxis.set_major_formatter(lambda value, _: show(value))
        for row, value in zip(rows, table["estimate"], strict=True):
            ax.annotate(
                show(value),
                (1, row),
                (8, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                va="center",
                weight="bold",
                color=INK,
                annotation_clip=False,
            )
        ax.spines["bottom"].set_color(GREY)
    return ax
