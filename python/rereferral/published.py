"""Published figures that results stand beside; where they come from is in `data/README.md`."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pandas as pd

__all__ = [
    "authorities",
    "authority_series",
    "authority_sizes",
    "authority_tiles",
    "figures",
    "later_authorities",
    "official_series",
    "regional_series",
]

_SYMBOLS = ["c", "x", "u"]


def official_series() -> pd.DataFrame:
    """England's referrals, re-referrals and outcomes by financial year, 2013 to 2025.

    Returns
    -------
    DataFrame
        Indexed by `year` (the year it ends in): `referrals`, `re_referrals`,
        `re_referrals_percent`, `no_further_action`, `not_in_need`, `not_in_need_percent`,
        `children_referred`, `children_re_referred`, `assessments_completed`,
        `children_aged_0_17`. Counts are rounded to 10 and Int64, null where not published;
        percentages are 0 to 100.

    Examples
    --------
    >>> from rereferral import published
    >>> int(published.official_series().loc[2016:2020, "referrals"].sum())
    3217130
    """
    return _series("official_series.csv").set_index("year")


def regional_series() -> pd.DataFrame:
    """The nine regions' referrals and outcomes by year, 2013 to 2024.

    Returns
    -------
    DataFrame
        `year`, `region_code`, `region`, `referrals`, `re_referrals`, `re_referrals_percent`,
        `no_further_action`, `not_in_need`.
    """
    return _series("regional_series.csv")


def authority_series() -> pd.DataFrame:
    """The authorities' referrals and outcomes by year, 2013 to 2024, under the codes of the year.

    Returns
    -------
    DataFrame
        `year`, `authority`, `referrals`, `re_referrals`, `no_further_action`, `not_in_need`;
        null where suppressed (`c`), not available (`x`) or of low reliability (`u`).
    """
    return _series("authority_series.csv")


def authority_sizes() -> pd.DataFrame:
    """Assessments completed and children by authority and year, 2013 to 2024, codes of the year.

    Returns
    -------
    DataFrame
        `year`, `authority`, `assessments` (from 2014), `children` (aged 0 to 17, in the middle of
        the calendar year in which the financial year begins); null where not published.
    """
    return _series("authority_sizes.csv")


def authorities() -> pd.DataFrame:
    """Codes, names and regions of the 152 authorities of 2019.

    Returns
    -------
    DataFrame
        `authority`, `authority_name`, `region_code`, `region`.
    """
    return _places("authorities.csv")


def later_authorities() -> pd.DataFrame:
    """Codes, names and regions of the authorities that came after 2019, to 2024.

    Returns
    -------
    DataFrame
        The columns of `authorities`, and `first_year`, the first financial year of the code.
    """
    return _places("later_authorities.csv")


def _places(name: str) -> pd.DataFrame:
    with (files("rereferral") / "data" / name).open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype="string")


def authority_tiles() -> pd.DataFrame:
    """Where each authority lies on a map of tiles, for all codes since 2013; of our own.

    Returns
    -------
    DataFrame
        `authority`; `row` and `column` of its tile, from 0 in the north west; `width`, how many
        tiles it has from there on; `short`, a name of two or three letters.
    """
    with (files("rereferral") / "data" / "authority_tiles.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype={"authority": "string", "short": "string"})


def figures() -> dict[str, Any]:
    """Figures of *Too little, too late*, and the three rates within 12 months.

    Returns
    -------
    dict
        `too_little_too_late` and `rates_within_12_months`: by key a dict with `value` (rates 0
        to 1) and `wording`, and a `source`.

    Examples
    --------
    >>> from rereferral import published
    >>> published.figures()["too_little_too_late"]["re_referred"]["value"]
    320000
    """
    text = (files("rereferral") / "data" / "published.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _series(name: str) -> pd.DataFrame:
    with (files("rereferral") / "data" / name).open(encoding="utf-8") as file:
        table = pd.read_csv(file, na_values=_SYMBOLS)
    for column in table.columns:
        number = pd.api.types.is_numeric_dtype(table[column])
        if number and column != "year" and not column.endswith("_percent"):
            table[column] = table[column].astype("Int64")
    return table
