"""England's authorities with their published sizes: the frame that answers are scaled to."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from rereferral import published
from rereferral.errors import RuleError
from rereferral.years import year_labels

__all__ = ["COUNTS", "SIZES", "england"]

FIRST, LAST = 2014, 2024
SIZES = ("referrals", "assessments", "children")
COUNTS = ("re_referrals", "not_in_need")


def england(years: Iterable[int]) -> pd.DataFrame:
    """All authorities of England in some financial years, with their published sizes.

    Parameters
    ----------
    years : iterable of int
        Financial years by the year they end in, from 2014 to 2024.

    Returns
    -------
    DataFrame
        A row for each authority and year, under the codes of the year: ``authority``,
        ``authority_name``, ``region``, ``financial_year`` (``2019-20``); the sizes ``referrals``,
        ``assessments`` (completed) and ``children`` (aged 0 to 17), float64; the counts
        ``re_referrals`` and ``not_in_need``, NaN where they were not published; and ``filled``,
        which of the sizes were not.

    Raises
    ------
    RuleError
        There are no published sizes of a year.

    Notes
    -----
    A size that was not published is filled, so that every authority has one. Of children, what the
    others leave of England's is shared in proportion to referrals. Referrals and assessments lie on
    a straight line between the authority's nearest years. From 2016 to 2020 that is one figure of
    each (Isles of Scilly) and, until 2019, the children of Bournemouth, Dorset and Poole. Nothing
    is scaled by 0: where no assessment was completed (Isles of Scilly again, 2019), 1 stands.

    Examples
    --------
    >>> from rereferral.estimate import england
    >>> frame = england([2020])
    >>> len(frame), int(frame["children"].sum())
    (151, 11790492)
    """
    chosen = sorted(set(years))
    if not chosen or chosen[0] < FIRST or chosen[-1] > LAST:
        raise RuleError(f"years={chosen}: sizes of authorities are held from {FIRST} to {LAST}")
    keys = ["year", "authority"]
    table = published.authority_series()[[*keys, "referrals", *COUNTS]]
    table = table.merge(published.authority_sizes(), on=keys).sort_values(keys)
    for name in (*SIZES, *COUNTS):
        table[name] = table[name].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    zero = table[list(SIZES)] == 0
    table["filled"] = _filled(table[list(SIZES)].isna() | zero)
    table[list(SIZES)] = table[list(SIZES)].mask(zero, 1.0)
    for name in ("referrals", "assessments"):
        table[name] = table.groupby("authority")[name].transform(
            lambda values: values.interpolate(limit_direction="both")
        )
    table = table[table["year"].isin(chosen)].reset_index(drop=True)
    _fill_children(table)
    table["financial_year"] = year_labels(table["year"])
    places = pd.concat([published.authorities(), published.later_authorities()])
    table = table.merge(places[["authority", "authority_name", "region"]], on="authority")
    names = ["authority", "authority_name", "region", "financial_year"]
    return table[[*names, *SIZES, *COUNTS, "filled"]]


def _filled(gone: pd.DataFrame) -> list[str]:
    """The names of the sizes that are not as published, row by row."""
    return [", ".join(name for name in SIZES if row[name]) for _, row in gone.iterrows()]


def _fill_children(table: pd.DataFrame) -> None:
    """What the others leave of England's children, in proportion to referrals."""
    whole = published.official_series()["children_aged_0_17"]
    for year, rows in table.groupby("year"):
        gone = rows["children"].isna()
        if gone.any():
            left = float(whole.loc[year]) - float(rows["children"].sum())
            weights = rows.loc[gone, "referrals"]
            table.loc[weights.index, "children"] = left * weights / weights.sum()
