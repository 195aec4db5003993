"""All figures of a report, as the page and the folder need them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from rereferral.report import alternative, exclusions, figures, regions
from rereferral.report.style import to_png, to_svg

__all__ = ["FIGURES", "Drawn", "draw", "drawable"]

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
    _Figure(
        "chain",
        "chain",
        "From assessment to re-referral",
        figures.flow,
        alternative.flow,
        lambda data: not data.iloc[0].isna().any(),
    ),
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
        lambda data: len(data) > 0,
    ),
    _Figure(
        "exclusions",
        "ledger",
        "From the rows given to the rows counted",
        exclusions.exclusions,
        alternative.exclusions,
    ),
)

FIGURES = tuple(one.name for one in _FIGURES)
"""The names of all figures, in their order."""


def drawable(
    tables: Mapping[str, pd.DataFrame], shown: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """The tables that are drawn: numbers for what is measured, print for what is written."""
    names = dict.fromkeys(one.table for one in _FIGURES)
    return {name: shown[name] if name == "ledger" else tables[name] for name in names}


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


def draw(
    tables: Mapping[str, pd.DataFrame],
    *,
    source: str,
    simulated: bool,
    names: Collection[str] = FIGURES,
) -> dict[str, Drawn]:
    """Draw the figures of a report from its tables; those with something to show.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Of `drawable`.
    source : str
        The line below every figure.
    simulated : bool
        Write SIMULATED above every figure, and into its text alternative.
    names : collection of str
        Which figures; all by default.

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
        if name not in names or not there(tables[table]):
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
