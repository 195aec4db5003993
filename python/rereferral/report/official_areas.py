"""Official figures beside computed ones, by authority and year, from DfE's own tables."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.errors import DataError
from rereferral.lineage import one_area
from rereferral.report.chain import STEPPED_DOWN, Chain, Closures
from rereferral.report.counts import Places
from rereferral.report.three_rates import LookBack
from rereferral.symbols import SYMBOLS
from rereferral.verdicts.open_data import OpenData, Table

__all__ = ["DEFINITIONS", "OfficialAreas", "read"]

#: What stands beside what, in the order of the table.
DEFINITIONS = (
    (
        "Referrals",
        "Official: referrals that the authority received in the year; here: episodes with a "
        "referral date in the year, an episode that comes again counted once.",
    ),
    (
        "Re-referral rate",
        "Official: the share of the year's referrals within 12 months of an earlier referral of "
        "the same child; here: the same, of the referrals whose 12 months before are in the data.",
    ),
    (
        "Assessed, not in need",
        "Official: referrals that were assessed and found not in need; here: episodes closed below "
        "the threshold after an assessment, by year of closure.",
    ),
)
_COLUMNS = {"Referrals": "referrals", "Re_referrals": "re-referrals", "Not_in_Need": "not in need"}
_MEASURES = ("referrals", "re_referral_rate", "not_in_need")
_OF_RATE = ["re_referrals", "looked_back"]


def read(folder: str | os.PathLike[str]) -> OfficialAreas:
    """Find the Department for Education's table of referrals (C1) in a folder.

    Raises
    ------
    DataError
        It is not there, or cannot be read.
    """
    data = OpenData.read(folder)
    if data.referrals is None:
        raise DataError(
            f"{os.fspath(folder)} does not hold table C1 of children in need, referrals and "
            "re-referrals"
        )
    return OfficialAreas(data.referrals, data.paths["referrals"])


@dataclass(frozen=True, eq=False)
class OfficialAreas:
    """What was published of authorities, to stand beside what a report counts.

    Attributes
    ----------
    table : Table
        Table C1.
    path : pathlib.Path
        The file.
    """

    table: Table
    path: Path

    def beside(
        self, chain: Chain, closures: Closures, place: Places, looked_back: LookBack | None
    ) -> pd.DataFrame:
        """Referrals, re-referral rates and closures below the threshold, official and here.

        Returns
        -------
        DataFrame
            ``authority``, ``authority_name``, ``financial_year``; of ``referrals``,
            ``re_referral_rate`` (0 to 1) and ``not_in_need`` the count or rate here, with
            ``_official`` the published one and with ``_difference`` here less official;
            ``re_referrals`` and ``looked_back``, of which the rate here is made;
            ``official_missing``, the symbols that stand for what was not published.
        """
        grid = _Grid(place, chain.years)
        episodes = chain.table.mask({"episode_counts": True})
        rows = np.arange(chain.table.n_rows)
        referrals = grid.count(rows, chain.referral_year, episodes)
        below = grid.count(closures.row, closures.year, closures.step >= STEPPED_DOWN)
        part = whole = None
        if looked_back is not None:
            part = grid.count(rows, chain.referral_year, looked_back.rereferred)
            whole = grid.count(rows, chain.referral_year, looked_back.counted)
        lines = []
        for at, area in enumerate(grid.areas):
            for of_year, label in enumerate(chain.years):
                cell = at, of_year
                if referrals[cell] or below[cell]:
                    x, n = (pd.NA if count is None else int(count[cell]) for count in (part, whole))
                    rate = np.nan if n is pd.NA or n == 0 else x / n
                    line = self._line(grid, area, label, [referrals[cell], rate, below[cell]])
                    lines.append(line | {"re_referrals": x, "looked_back": n})
        return _table(lines)

    def _line(self, grid: _Grid, area: str, label: str, ours: list[Any]) -> dict[str, Any]:
        rows = self.table.authorities(int(label[:4]) + 1)
        mine = rows[[one_area(code, "own") == area for code in rows["new_la_code"]]]
        official: list[Any] = [pd.NA, np.nan, pd.NA]
        missing = f"not in the table of {label}"
        code, name = area, grid.names[area]
        if len(mine) == 1:
            row = mine.iloc[0]
            code, name = str(row["new_la_code"]), str(row["la_name"])
            official = [
                row["Referrals"],
                row["Re_referrals"] / row["Referrals"] if row["Referrals"] else np.nan,
                row["Not_in_Need"],
            ]
            symbols = {
                shown: self.table.symbol(int(mine.index[0]), column)
                for column, shown in _COLUMNS.items()
                if pd.isna(row[column])
            }
            missing = "; ".join(
                f"{shown} {SYMBOLS.get(symbol, 'empty')}" for shown, symbol in symbols.items()
            )
        line: dict[str, Any] = {
            "authority": code,
            "authority_name": name,
            "financial_year": label,
        }
        for name, here, theirs in zip(_MEASURES, ours, official, strict=True):
            line[name] = here
            line[f"{name}_official"] = theirs
            line[f"{name}_difference"] = here - theirs
        line["official_missing"] = missing
        return line


def _table(lines: list[dict[str, Any]]) -> pd.DataFrame:
    columns = ["authority", "authority_name", "financial_year"]
    for name in _MEASURES:
        columns += [name, f"{name}_official", f"{name}_difference"]
        if name == "re_referral_rate":
            columns += _OF_RATE
    table = pd.DataFrame(lines, columns=[*columns, "official_missing"])
    kinds = {
        f"{name}{end}": "float64" if name == "re_referral_rate" else "Int64"
        for name in _MEASURES
        for end in ("", "_official", "_difference")
    }
    return table.astype(kinds | dict.fromkeys(_OF_RATE, "Int64"))


class _Grid:
    """Counts by area and year; codes that are one area count as one."""

    def __init__(self, place: Places, years: list[str]) -> None:
        codes = [None if pd.isna(code) else str(code) for code in place.frame["authority"]]
        named = zip(codes, place.frame["authority_name"], strict=True)
        self.names = {one_area(code, "own"): str(name) for code, name in named if code}
        self.areas = sorted(self.names)
        self.years = years
        position = {area: at for at, area in enumerate(self.areas)}
        area_of = [-1 if code is None else position[one_area(code, "own")] for code in codes]
        self._area = np.array(area_of, np.int64)[place.codes]

    def count(
        self, rows: npt.NDArray[np.int64], year: pd.Categorical, chosen: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.int64]:
        """How many chosen rows each area has in each year."""
        column = pd.Index(self.years).get_indexer(year.categories)
        at = np.append(column, -1)[year.codes]  # the last is for null, which is -1
        area = self._area[rows]
        use = chosen & (at >= 0) & (area >= 0)
        shape = len(self.areas), len(self.years)
        cells = area[use] * shape[1] + at[use]
        return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
