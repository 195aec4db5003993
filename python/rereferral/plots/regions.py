"""Areas by region, a panel each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rereferral.errors import DataError
from rereferral.report.regions import enough, panels
from rereferral.small_tables import column_of, small_table
from rereferral.symbols import numbers

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

__all__ = ["rates_of", "regions"]


def rates_of(table: Any, rate: str, names: Any, what: str) -> npt.NDArray[np.float64]:
    """A column of rates, NaN for symbols and empty fields; what is not from 0 to 1 is refused."""
    column = column_of(table, rate, what)
    values, _ = numbers(column, rate, lambda row: str(names.iloc[row]))
    for row in np.flatnonzero((values < 0) | (values > 1)).tolist():
        raise DataError(f"{rate} of {names.iloc[row]} is {values[row]:g}; rates are from 0 to 1")
    return values


def regions(
    data: Any,
    ax: Axes | None = None,
    *,
    by: str = "authority_name",
    region: str = "region",
    rate: str = "rate",
    year: str | None = None,
    title: str = "",
    source: str = "",
    simulated: bool = False,
    width: float = 7.5,
) -> npt.NDArray[np.object_]:
    """Draw the rates of areas by region, in small multiples on one scale.

    Without `year` each panel has a point for each area of the region, above ticks of all areas,
    and names the lowest and the highest. With it each panel has a line for each area.

    Parameters
    ----------
    data : DataFrame or other small table
        A row for each area, or for each area and year. Rates that are symbols (c, x, z, u, low) or
        missing are not drawn, and their number is told.
    ax : matplotlib.axes.Axes, optional
        What the panels share; by default a new figure of pyplot's, which notebooks show.
    by, region, rate : str
        Columns: the area's name, its region, its rate from 0 to 1.
    year : str, optional
        The column that names the years; they are taken in its order.
    title : str, optional
        What the rate is; by default the name of its column.
    source : str, default ""
        The line below it.
    simulated : bool, default False
        Write SIMULATED above it.
    width : float, default 7.5
        Of the figure, in inches; below 5 it has two panels a row.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (regions,)
        One for each region, from north to south; not one Axes as other pictures give.

    Raises
    ------
    DataError
        A column is missing, an area stands there twice, a rate is no number from 0 to 1 and no
        known symbol, or fewer than two regions have two rates.
    """
    table = small_table(data, "the table")
    keys = [by, *([] if year is None else [year])]
    for name in (*keys, region):
        column_of(table, name, "the table")
    names = table[keys].astype(str).agg(", ".join, axis=1)
    twice = table.duplicated([region, *keys]).to_numpy()
    if twice.any():
        raise DataError(f"{names.iloc[int(twice.argmax())]} stands in the table twice")
    table = table.assign(**{rate: rates_of(table, rate, names, "the table")})
    if not enough(table.drop_duplicates([region, by]) if year else table, region, rate):
        raise DataError(
            "fewer than two regions have two rates: there is nothing to set side by side"
        )
    drawn = panels(
        table,
        ax,
        name=by,
        region=region,
        rate=rate,
        year=year,
        title=title or rate,
        simulated=simulated,
        source=source,
        width=width,
        shows=True,
    )
    found = np.empty(len(drawn), object)
    found[:] = drawn
    return found
