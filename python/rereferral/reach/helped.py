"""Children with early help by authority and financial year, from a table with a row per start."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rereferral.days import NULL_DAY, day_of
from rereferral.keys import codes_of
from rereferral.ledger import Ledger
from rereferral.tables import Table
from rereferral.years import year_labels

__all__ = ["children_helped"]


def children_helped(table: Table, years: Sequence[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Distinct children with early help in each year.

    Parameters
    ----------
    table : Table
        Rows of early help: `authority`, `child_id`, `start_date` and, where there is such a column,
        `end_date`.
    years : sequence of int
        Financial years by the year they end in.

    Returns
    -------
    counts : DataFrame
        ``authority``, ``financial_year``, ``children_helped``, for each authority and year with a
        child. Without `end_date` a child is helped in the year of a start; with it, in every year
        that has a day from a start to its end.
    ledger : DataFrame
        From the rows given to those with help in the years.
    """
    ledger = Ledger(table.role, table.n_rows)
    for name in ("authority", "child_id"):
        ledger.remove("null", f"{name} is missing", table.key(name).is_null())
    start = table.days("start_date")
    ledger.remove("null", "start_date is missing", start == NULL_DAY)
    end = start
    if table.has("end_date"):
        given = table.days("end_date")
        # What has no end may go on, or was never closed: it counts where it surely was.
        end = np.where(given == NULL_DAY, start, given)
        ledger.remove("order", "end_date is before start_date", end < start)
    spans = [
        (day_of(f"{year - 1}-04-01", "years"), day_of(f"{year}-03-31", "years")) for year in years
    ]
    inside = np.zeros(table.n_rows, np.bool_)
    for first, last in spans:
        inside |= (start <= last) & (end >= first)
    ledger.remove("years", f"no help in {' or '.join(year_labels(years))}", ~inside)
    rows = np.flatnonzero(ledger.kept)

    person, limit = codes_of(table, ["authority", "child_id"])
    areas = table.groups("authority")
    person, start, end = person[rows], start[rows], end[rows]
    area_of = np.zeros(limit, np.int32)
    area_of[person] = areas.codes[rows]
    found = []
    for label, (first, last) in zip(year_labels(years), spans, strict=True):
        seen = np.zeros(limit, np.bool_)
        seen[person[(start <= last) & (end >= first)]] = True
        count = np.bincount(area_of[seen], minlength=areas.n_groups)
        with_help = np.flatnonzero(count)
        found.append(
            pd.DataFrame(
                {
                    "authority": areas.frame["authority"].iloc[with_help].astype(str).to_numpy(),
                    "financial_year": label,
                    "children_helped": count[with_help],
                }
            )
        )
    return pd.concat(found, ignore_index=True), Ledger.frame(ledger)
