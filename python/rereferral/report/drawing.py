"""All figures of a report, as the page and the folder need them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from rereferral.report import alternative, exclusions, figures, regions
from rereferral.report.style import to_png, to_svg

__all__ = ["TABLES", "Drawn", "draw"]

NARROW = 3.75
"""Width in inches of the figures for small screens."""


class _Figure(NamedTuple):
    """A figure of the report: of which table it is, how it is drawn and told, and when."""

    name: str
    table: str
    title: str
    figure: Callable[..., Any]
    words: Callable[..., str]
    there: Callable[[pd.DataFrame], bool] = lambda data: True


_FIGURES = (
    _Figure("chain", "chain", "From assessment to re-referral", figures.flow, alternative.flow),
    _Figure(
        "rate_by_year",
        "chain_by_year",
        "Re-referred within 12 months, by year of closure",
        figures.rate_by_year,
        alternative.rate_by_year,
    ),
    _Figure(
        "regions",
        "chain_by_authority",
        "Re-referred within 12 months, authorities by region",
        regions.regions,
        alternative.regions,
        regions.several,
    ),
    _Figure(
        "authorities",
        "chain_by_authority",
        "Re-referred within 12 months, by authority",
        figures.authorities,
        alternative.authorities,
    ),
    _Figure(
        "time_to_rereferral",
        "curve",
        "Time to re-referral after closure",
        figures.time_to_rereferral,
        alternative.time_to_rereferral,
    ),
    _Figure(
        "exclusions",
        "ledger",
        "From the rows given to the rows counted",
        exclusions.exclusions,
        alternative.exclusions,
    ),
)

TABLES = tuple(dict.fromkeys(one.table for one in _FIGURES))
"""The tables of a report that are drawn."""


@dataclass(frozen=True)
class Drawn:
    """A figure in all its forms.

    Attributes
    ----------
    name, title, alt : str
        Name of its files, what it is, and what it shows in words.
    svg, png : bytes
        For the folder; `svg` is also the page's.
    narrow : bytes
        SVG for small screens.
    """

    name: str
    title: str
    alt: str
    svg: bytes
    png: bytes
    narrow: bytes


def draw(tables: Mapping[str, pd.DataFrame], *, source: str, simulated: bool) -> dict[str, Drawn]:
    """Draw every figure of a report from its tables; those with something to show.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        The report's tables.
    source : str
        The line below every figure.
    simulated : bool
        Write SIMULATED above every figure, and into its text alternative.

    Returns
    -------
    dict of str to Drawn

    Raises
    ------
    RereferralError
        matplotlib cannot be imported.
    """
    drawn = {}
    for name, table, title, figure, words, there in _FIGURES:
        if not there(tables[table]):
            continue
        mark = "SIMULATED. " if simulated else ""
        alt = mark + words(tables[table])
        looks = {"source": source, "simulated": simulated}
        wide = figure(tables[table], **looks).get_figure(root=True)
        narrow = figure(tables[table], width=NARROW, **looks).get_figure(root=True)
        drawn[name] = Drawn(
            name,
            title,
            alt,
            svg=to_svg(wide, mark + title, alt),
            png=to_png(wide, mark + title, alt),
            narrow=to_svg(narrow, mark + title, alt),
        )
    return drawn
