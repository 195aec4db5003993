"""The tables of the chain: how many stand on each step, by year, region and authority."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import published
from rereferral.curves import curve_table
from rereferral.days import add_span, by_day
from rereferral.groups import Groups
from rereferral.rates import rate_table
from rereferral.report.chain import (
    ABOVE,
    NOT_STEPPED_DOWN,
    STEPPED_DOWN,
    STEPS,
    Closures,
    labels_of,
)
from rereferral.tables import Table, open_table

__all__ = ["ALL_YEARS", "Places", "arms", "averages", "chain_tables", "children", "curve", "places"]

ALL_YEARS = "all years"
_COUNTS = (
    *("assessed", "below_threshold", "stepped_down", "not_stepped_down"),
    *("followed", "rereferred"),
)


def chain_tables(closures: Closures, place: Places) -> dict[str, pd.DataFrame]:
    """The chain in all, by financial year of closure, by region and by authority."""
    rates = _Rates(closures)
    in_all = rates.by({})
    years = labels_of(closures.year[closures.step >= ABOVE])
    label = f"{years[0]} to {years[-1]}" if len(years) > 1 else "".join(years)
    in_all.insert(0, "label", [label])
    average = in_all.assign(label="average a year", **averages(in_all.iloc[0], len(years)))
    by_authority = rates.by({"authority": place.column("authority", closures.row)})
    names = place.frame.set_index("authority")
    for position, column in enumerate(["authority_name", "region"], start=1):
        by_authority.insert(
            position, column, names[column].reindex(by_authority["authority"]).to_numpy()
        )
    return {
        "chain": pd.concat([in_all, average], ignore_index=True),
        "chain_by_year": rates.by({"financial_year": closures.year}),
        "chain_by_region": rates.by({"region": place.column("region", closures.row)}),
        "chain_by_authority": by_authority,
    }


def averages(total: Mapping[Any, Any], n_years: int) -> dict[str, Any]:
    """The counts of a row of the chain by year, half up: an average of counts is shown as a count.

    A count that is null stays so.
    """
    n = max(n_years, 1)
    return {column: (2 * total[column] + n) // (2 * n) for column in _COUNTS}


class _Rates:
    """Counts of the steps of groups beside the rates of those not stepped down."""

    def __init__(self, closures: Closures) -> None:
        self._step = closures.step
        self._counted = closures.counted
        self._linked = closures.gap_days[closures.counted] >= 0
        self._person = closures.person[closures.counted]
        self._area = closures.area[closures.counted]

    def by(self, by: dict[str, Any]) -> pd.DataFrame:
        """A row for each group of columns as long as the closures; of none, one row."""
        groups = open_table(by, "chain").groups(by) if by else None
        n_groups = 1 if groups is None else groups.n_groups
        cell = self._step.astype(np.int64)
        if groups is not None:
            cell += groups.codes * np.int64(len(STEPS))
        count = np.bincount(cell, minlength=n_groups * len(STEPS)).reshape(n_groups, len(STEPS))
        stepped_down, not_stepped_down = count[:, STEPPED_DOWN], count[:, NOT_STEPPED_DOWN]
        below = stepped_down + not_stepped_down
        assessed = count[:, ABOVE] + below
        share = np.full(n_groups, np.nan)
        np.divide(not_stepped_down, below, out=share, where=below > 0)
        rates = rate_table(
            None if groups is None else Groups(groups.codes[self._counted], groups.frame),
            self._linked,
            None,
            cluster=self._person,
            scope=self._area,
        )
        counts = {
            "assessed": assessed,
            "below_threshold": below,
            "stepped_down": stepped_down,
            "not_stepped_down": not_stepped_down,
            "share_not_stepped_down": share,
        }
        for place, (name, values) in enumerate(counts.items(), start=len(by)):
            rates.insert(place, name, values)
        rates = rates.rename(columns={"n": "followed", "linked": "rereferred"})
        return rates if groups is None else rates[assessed > 0].reset_index(drop=True)


def arms(closures: Closures) -> pd.DataFrame:
    """The rates of both arms, which are fixed on the closure day: stepped down, and not."""
    below = np.flatnonzero(closures.step >= STEPPED_DOWN)
    arm = pd.Categorical.from_codes(closures.step[below], categories=list(STEPS))
    return rate_table(
        open_table({"arm": arm}, "chain").groups(["arm"]),
        closures.gap_days[below] >= 0,
        closures.followed[below],
        cluster=closures.person[below],
        scope=closures.area[below],
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Places:
    """The authority of each row of a table, and what is known of it.

    Attributes
    ----------
    codes : numpy.ndarray of int32
        By row of the table, a row of `frame`.
    frame : pandas.DataFrame
        ``authority``, ``authority_name`` and ``region`` of each authority that occurs, each a
        categorical; the code is missing for rows without one. A code that is not known is its own
        name and has the region ``not known``.
    """

    codes: npt.NDArray[np.int32]
    frame: pd.DataFrame

    def column(self, name: str, rows: npt.NDArray[np.int64]) -> pd.Categorical:
        """A column of `frame` for some rows of the table."""
        found: pd.Categorical = self.frame[name].array[self.codes[rows]]
        return found


def places(table: Table) -> Places:
    """Look up the authorities of a table."""
    groups = table.groups("authority")
    codes = [None if pd.isna(code) else str(code) for code in groups.frame["authority"]]
    known = pd.concat([published.authorities(), published.later_authorities()])
    known = known.set_index("authority")
    names, regions = known["authority_name"].to_dict(), known["region"].to_dict()
    columns = {
        "authority": codes,
        "authority_name": [names.get(code, code) for code in codes],
        "region": [regions.get(code, "not known") for code in codes],
    }
    frame = {}
    for column, values in columns.items():
        distinct, labels = pd.factorize(np.array(values, dtype=object), sort=False)
        frame[column] = pd.Categorical.from_codes(distinct, categories=labels)
    return Places(groups.codes, pd.DataFrame(frame))


def children(closures: Closures) -> pd.DataFrame:
    """Closures that were not stepped down and followed, beside distinct children and re-referrals.

    A re-referral that follows two closures of a child is one re-referral and two closures.
    """
    counted = closures.counted
    person, event = closures.person[counted], closures.event_row[counted]
    year = closures.year[counted]
    lines = []
    for label in [*labels_of(year), ALL_YEARS]:
        mine: Any = slice(None) if label == ALL_YEARS else year == label
        persons, events = person[mine], event[mine]
        linked = events >= 0
        lines.append(
            {
                "financial_year": label,
                "closures": len(persons),
                "children": _distinct(persons),
                "rereferred_closures": int(np.count_nonzero(linked)),
                "rereferrals": _distinct(events[linked]),
                "rereferred_children": _distinct(persons[linked]),
            }
        )
    return pd.DataFrame(lines)


def _distinct(numbers: npt.NDArray[Any]) -> int:
    """How many different numbers there are; they are codes or rows, so they are small."""
    seen = np.zeros(int(numbers.max()) + 1 if len(numbers) else 0, np.bool_)
    seen[numbers] = True
    return int(np.count_nonzero(seen))


def curve(closures: Closures) -> pd.DataFrame:
    """Time to re-referral of the closures that were not stepped down, by year and in all.

    All of these were followed to the end of the window, and without a re-referral leave there.
    """
    counted = closures.counted
    gap, day = closures.gap_days[counted], closures.day[counted]
    window = closures.definition.window
    end = by_day(day, lambda start: add_span(start, window))
    event = gap >= 0
    duration = np.where(event, gap, (end - day).astype(np.int32))
    year = open_table({"financial_year": closures.year[counted]}, "chain").groups("financial_year")
    by_year = curve_table(year, duration, event)
    in_all = curve_table(None, duration, event)
    in_all.insert(0, "financial_year", ALL_YEARS)
    both = pd.concat([by_year.astype({"financial_year": object}), in_all], ignore_index=True)
    return both[both["risk"].notna()].reset_index(drop=True)
