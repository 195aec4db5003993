"""The published figures that the model needs, for the 152 authorities of 2019."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from rereferral.errors import RuleError

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "Authorities",
    "Inputs",
    "find_authorities",
    "first_year",
    "later_authorities",
    "read_changes",
    "read_inputs",
    "read_multipliers",
    "referrals_of",
]

FIRST_YEAR = 2013
"""The first financial year (ending 31 March 2013) of the official series."""

LAST_YEAR = 2024
"""The last year that is held by authority."""

_COUNTS = ("referrals", "re_referrals", "no_further_action", "not_in_need")
_SUPPRESSED = 3.0  # `c` stands for 1 to 5


@dataclass(frozen=True)
class Authorities:
    """Codes, names and regions of authorities, in the order of their codes."""

    code: list[str]
    name: list[str]
    region_code: list[str]
    region: list[str]

    def take(self, positions: list[int]) -> Authorities:
        """Those at the positions."""
        return Authorities(*([column[i] for i in positions] for column in astuple(self)))


@dataclass(frozen=True)
class Inputs:
    """Published figures, years in rows (2013 to 2024) and authorities in columns.

    Attributes
    ----------
    authorities : Authorities
        The 152 authorities of 2019.
    years : ndarray of int64
        Financial years, named by the year they end in.
    referrals : ndarray of int64, shape (years, 152)
        Referrals in the year; each row adds up to the national series.
    nfa_share : ndarray of float64, shape (years, 152)
        Share of referrals that ended in no further action.
    not_in_need_share : ndarray of float64, shape (years, 152)
        Share of *assessed* referrals found not in need.
    nfa, not_in_need : ndarray of float64, shape (years,)
        England's referrals with no further action, and assessed not in need.
    month_share : ndarray of float64, shape (years, 12)
        England's share of the year's referrals by month, April first.
    source_share : ndarray of float64, shape (years, 11)
        England's share of the year's referrals by source group, `source_groups`.
    source_groups : list of str
        Names of the groups of sources.
    reason_share : dict of str to float
        Share of ended episodes of need by reason, RC1 to RC7, 2016 to 2020, known reasons.
    """

    authorities: Authorities
    years: NDArray[np.int64]
    referrals: NDArray[np.int64]
    nfa_share: NDArray[np.float64]
    not_in_need_share: NDArray[np.float64]
    nfa: NDArray[np.float64]
    not_in_need: NDArray[np.float64]
    month_share: NDArray[np.float64]
    source_share: NDArray[np.float64]
    source_groups: list[str]
    reason_share: dict[str, float]


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("rereferral") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def read_changes() -> list[dict[str, str]]:
    """Rows of `crosswalk.csv` that carry an authority on: all but that of a part (Christchurch)."""
    return [row for row in _rows("crosswalk.csv") if row["kind"] != "part"]


def first_year(change: dict[str, str]) -> int:
    """The first financial year of the successor, by the year that it ends in."""
    return int(change["effective_date"][:4]) + 1


def later_authorities() -> dict[str, tuple[str, str, str]]:
    """Name, code of the region and region of the authorities that came after 2019, by code."""
    rows = _rows("later_authorities.csv")
    return {r["authority"]: (r["authority_name"], r["region_code"], r["region"]) for r in rows}


def referrals_of(year: int, codes: list[str]) -> NDArray[np.float64]:
    """Published referrals of a year by authority, under the codes of the year."""
    rows = {r["authority"]: r for r in _rows("authority_series.csv") if int(r["year"]) == year}
    return np.array([_number(rows[code]["referrals"]) for code in codes])


def _authorities() -> Authorities:
    rows = _rows("authorities.csv")
    return Authorities(
        [r["authority"] for r in rows],
        [r["authority_name"] for r in rows],
        [r["region_code"] for r in rows],
        [r["region"] for r in rows],
    )


def _number(symbol: str) -> float:
    if symbol == "c":
        return _SUPPRESSED
    if symbol in ("x", "u"):
        return np.nan
    return float(symbol)


def _published(codes: list[str], years: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Counts by year and authority of 2019, NaN where they were not published."""
    by_code = {
        (int(r["year"]), r["authority"]): np.array([_number(r[c]) for c in _COUNTS])
        for r in _rows("authority_series.csv")
    }
    successors: dict[str, list[dict[str, str]]] = {}
    for change in read_changes():
        successors.setdefault(change["predecessor"], []).append(change)
    part: dict[str, float] = {}
    for code, changes in successors.items():
        if changes[0]["kind"] == "merge":
            year, joint = first_year(changes[0]) - 1, changes[0]["successor"]
            both = [c for c, s in successors.items() if s[0]["successor"] == joint]
            part[code] = by_code[year, code][0] / sum(by_code[year, c][0] for c in both)

    def counts(year: int, code: str) -> NDArray[np.float64]:
        if (year, code) in by_code:
            return by_code[year, code]
        heirs = [by_code[year, s["successor"]] for s in successors[code]]
        return np.asarray(np.sum(heirs, axis=0) * part.get(code, 1.0))

    table = np.array([[counts(int(y), code) for code in codes] for y in years])
    return {name: table[:, :, i] for i, name in enumerate(_COUNTS)}


def _fill_shares(counts: NDArray[np.float64], national: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of the nation by authority, straight lines across the years not published."""
    share: NDArray[np.float64] = counts / national[:, None]
    year = np.arange(len(share))
    for column in share.T:
        known = ~np.isnan(column)
        column[~known] = np.interp(year[~known], year[known], column[known])
    return share


def whole_numbers(shares: NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Split `total` in proportion to `shares` by the largest remainder."""
    exact = shares / shares.sum() * total
    whole: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def read_inputs() -> Inputs:
    """Read the package data and treat what was suppressed or not published.

    `c` (1 to 5) counts as 3. `x` and `u` (not available, unreliable): the authority's share of
    England is taken from the nearest years by a straight line, its shares of outcomes from
    England. Volumes are then scaled to the national series, which is rounded to 10. Authorities
    abolished later are continued by their successors, as `crosswalk.csv` says.
    """
    authorities = _authorities()
    years = np.arange(FIRST_YEAR, LAST_YEAR + 1)
    counts = _published(authorities.code, years)
    official = {int(r["year"]): r for r in _rows("official_series.csv")}
    england = {name: np.array([float(official[int(y)][name]) for y in years]) for name in _COUNTS}

    shares = _fill_shares(counts["referrals"], england["referrals"])
    referrals = np.array(
        [whole_numbers(s, int(n)) for s, n in zip(shares, england["referrals"], strict=True)]
    )

    with np.errstate(invalid="ignore", divide="ignore"):
        nfa = counts["no_further_action"] / counts["referrals"]
        assessed = counts["referrals"] - counts["no_further_action"]
        not_in_need = counts["not_in_need"] / assessed
    english_nfa = england["no_further_action"] / england["referrals"]
    english_assessed = england["referrals"] - england["no_further_action"]
    english_not_in_need = england["not_in_need"] / english_assessed
    nfa = np.where(np.isfinite(nfa), np.minimum(nfa, 1), english_nfa[:, None])
    not_in_need = np.where(
        np.isfinite(not_in_need), np.clip(not_in_need, 0, 1), english_not_in_need[:, None]
    )

    months = _table("referrals_by_month.csv", years)
    sources = _table("referral_sources.csv", years)
    reasons = _reasons()
    return Inputs(
        authorities=authorities,
        years=years,
        referrals=referrals,
        nfa_share=nfa,
        not_in_need_share=not_in_need,
        nfa=england["no_further_action"],
        not_in_need=england["not_in_need"],
        month_share=months / months.sum(axis=1, keepdims=True),
        source_share=sources / sources.sum(axis=1, keepdims=True),
        source_groups=list(_rows("referral_sources.csv")[0])[1:],
        reason_share=reasons,
    )


def read_multipliers(calibration: str) -> NDArray[np.float64]:
    """The authorities' multipliers of the return rate, in the order of their codes."""
    return np.array([float(row[calibration]) for row in _rows("return_multipliers.csv")])


def _table(name: str, years: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rows of the table by year; years before its first get the first."""
    rows = {int(r["year"]): [float(v) for v in list(r.values())[1:]] for r in _rows(name)}
    return np.array([rows[max(int(y), min(rows))] for y in years])


def _reasons() -> dict[str, float]:
    total: dict[str, float] = {}
    for row in _rows("closure_reasons.csv"):
        if 2016 <= int(row["year"]) <= 2020:
            for code in ("RC1", "RC2", "RC3", "RC4", "RC5", "RC6", "RC7"):
                total[code] = total.get(code, 0.0) + float(row[code])
    known = sum(total.values())
    return {code: n / known for code, n in total.items()}


def find_authorities(names: object, authorities: Authorities) -> list[int]:
    """Positions of the authorities named by code or by name.

    Parameters
    ----------
    names : None, str or iterable of str
        Codes (`E09000007`) or names (`Camden`); None for all 152.
    authorities : Authorities
        Where to look.

    Raises
    ------
    RuleError
        A name that is no authority of 2019, or none at all.
    """
    if names is None:
        return list(range(len(authorities.code)))
    if isinstance(names, str):
        names = [names]
    if not isinstance(names, Iterable):
        raise RuleError(f"authorities: {names!r} is no list of codes or names")
    known = {c: i for i, c in enumerate(authorities.code)}
    known |= {n.casefold(): i for i, n in enumerate(authorities.name)}
    found = set()
    for name in names:
        position = known.get(name, known.get(name.casefold())) if isinstance(name, str) else None
        if position is None:
            raise RuleError(
                f"authorities: {name!r} is no code or name of the 152 authorities of 2019 "
                "(those in rereferral/data/authorities.csv)"
            )
        found.add(position)
    if not found:
        raise RuleError("authorities: name at least one, or None for all 152")
    return sorted(found)
