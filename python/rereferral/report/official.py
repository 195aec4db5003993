"""What was found beside what was published: the headline, the official series, the claims."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import published
from rereferral.rates import wilson
from rereferral.report.chain import Chain
from rereferral.report.words import count, is_missing, share_of
from rereferral.verdicts.ranges import UNTESTED, exact, judge_limits, rounded
from rereferral.verdicts.too_little import (
    BELOW,
    KEPT,
    RE_REFERRED,
    RE_REFERRED_A_YEAR,
    Official,
    chain_lines,
)

__all__ = ["MEASURES", "YEARS", "claims", "headline", "is_england", "reconciliation"]

_ENGLAND = 150  # authorities from which on a table is held against England as a whole
_ENGLAND_ONLY = "England only"
YEARS = ["2015-16", "2016-17", "2017-18", "2018-19", "2019-20"]  # of the published counts


def headline(tables: dict[str, pd.DataFrame], simulated: bool) -> pd.DataFrame:
    """The report's figures beside ours. Counts are closures and re-referrals, not children.

    The published counts are those of England: they stand beside no table of a part of it. What is
    hidden in the tables is null here too.
    """
    chain = tables["chain"].iloc[0]
    years = list(tables["chain_by_year"]["financial_year"])
    children = tables["children"].iloc[-1]
    figures = published.figures()["too_little_too_late"]
    england = is_england(tables)
    put_in = "put in" if simulated else "found"
    n_years = len(years)
    spoken = "1 year" if n_years == 1 else f"{n_years} years"
    other = england and years != YEARS
    span = f"; published for {YEARS[0]} to {YEARS[-1]}" if other else ""

    def total(text: str, key: str) -> tuple[str, float]:
        return (text, figures[key]["value"]) if england else (_ENGLAND_ONLY, np.nan)

    lines = [
        (
            "Below the threshold and closed without early help",
            "85 %",
            figures["not_stepped_down_rate"]["value"] * 100,
            _percent(chain, "not_stepped_down", "below_threshold", "share_not_stepped_down"),
            "percent",
            put_in,
            "share of the closures below the threshold",
        ),
        (
            "Closures without early help",
            *total("1.26 million", "not_stepped_down"),
            _number(chain["not_stepped_down"]),
            "count",
            put_in,
            f"closures in {spoken}, not children{span}",
        ),
        (
            "Re-referred within 12 months",
            "25 %",
            figures["re_referred_rate"]["value"] * 100,
            _percent(chain, "rereferred", "followed", "rate"),
            "percent",
            put_in,
            f"of {_spoken(chain['followed'])} closures with all 12 months observed",
        ),
        (
            "Closures followed by a re-referral",
            *total("320,000", "re_referred"),
            _number(chain["rereferred"]),
            "count",
            "arithmetic",
            f"{_spoken(children['rereferrals'])} distinct re-referrals of "
            f"{_spoken(children['rereferred_children'])} distinct children{span}",
        ),
        (
            "Closures followed by a re-referral, a year",
            *total("64,000", "re_referred_a_year"),
            _number(tables["chain"]["rereferred"].iloc[-1]),
            "count",
            "arithmetic",
            f"average of {spoken}{span}",
        ),
    ]
    columns = ["figure", "published", "published_value", "ours", "unit", "kind", "note"]
    return pd.DataFrame(lines, columns=columns)


def _known(authorities: Any) -> set[str]:
    """Those of the codes that DfE lists."""
    return set(authorities) & set(published.authority_series()["authority"])


def is_england(tables: Mapping[str, pd.DataFrame]) -> bool:
    """Whether tables are of as many authorities as may be held against England."""
    return len(_known(tables["chain_by_authority"]["authority"].dropna())) >= _ENGLAND


def _number(count: Any) -> float:
    return np.nan if is_missing(count) else int(count)


def _spoken(value: Any) -> str:
    return "a number not shown of" if is_missing(value) else count(value)


def _percent(row: Any, part: str, whole: str, share: str) -> float:
    found = share_of(row[part], row[whole], row[share])
    return np.nan if found is None else float(found)


def reconciliation(
    chain: Chain,
    authorities: set[str],
    tables: dict[str, pd.DataFrame],
    rereferred: npt.NDArray[np.bool_] | None,
) -> tuple[pd.DataFrame, str]:
    """Our counts beside the official series by year, and a sentence on what is compared.

    Parameters
    ----------
    chain : Chain
        Of `build_chain`.
    authorities : set of str
        Codes of the authorities of the table.
    tables : dict of str to pandas.DataFrame
        Of `chain_tables`.
    rereferred : numpy.ndarray of bool, or None
        The re-referrals among the referrals, by the official look-back; None: not known.

    Returns
    -------
    table : pandas.DataFrame
        ``financial_year``, ``measure``, ``official``, ``ours``, ``ratio`` (ours to official).
    note : str
        Whether the official figures are those of England or of the authorities in the table.
    """
    official, note = _official(authorities)
    nfa = None
    if chain.table.has("referral_nfa"):
        nfa = chain.table.truths("referral_nfa")
    episodes = chain.table.mask({"episode_counts": True})
    lines = []
    for row in tables["chain_by_year"].itertuples():
        year = int(str(row.financial_year)[:4]) + 1
        in_year = np.asarray(chain.referral_year == row.financial_year) & episodes
        ours: dict[str, int | None] = {"referrals": int(np.count_nonzero(in_year))}
        ours["re_referrals"] = None
        if rereferred is not None:
            ours["re_referrals"] = int(np.count_nonzero(in_year & rereferred))
        if nfa is not None:
            ours["no_further_action"] = int(np.count_nonzero(in_year & nfa))
        ours["not_in_need"] = int(row.below_threshold)
        for measure, here in ours.items():
            value = official[measure].get(year, pd.NA)
            known = here is not None and not pd.isna(value) and value > 0
            lines.append(
                {
                    "financial_year": row.financial_year,
                    "measure": MEASURES[measure],
                    "official": None if pd.isna(value) else int(value),
                    "ours": here,
                    "ratio": here / value if known else np.nan,
                }
            )
    table = pd.DataFrame(lines, columns=["financial_year", "measure", "official", "ours", "ratio"])
    return table.astype({"official": "Int64", "ours": "Int64"}), note


MEASURES = {
    "referrals": "referrals",
    "re_referrals": "re-referrals within 12 months (look-back)",
    "no_further_action": "no further action",
    "not_in_need": "assessed not in need (ours: closed below the threshold, by year of closure)",
}


def _official(authorities: set[str]) -> tuple[pd.DataFrame, str]:
    known = _known(authorities)
    if len(known) >= _ENGLAND:
        return published.official_series(), "Official figures are those of England."
    series = published.authority_series()
    mine = series[series["authority"].isin(known)]
    measures = [name for name in MEASURES if name in mine.columns]
    # A sum over authorities of which one is not published is not published either.
    sums = mine.groupby("year")[measures].agg(lambda column: column.sum(skipna=False))
    if not known:
        return sums, "DfE lists no authority of this table, so no official count stands beside it."
    which = "one authority" if len(known) == 1 else f"{len(known)} authorities"
    return sums, f"Official figures are those of the table's {which} that DfE lists."


def claims(tables: dict[str, pd.DataFrame], simulated: bool) -> pd.DataFrame:
    """What can be said of the report's figures from this table and from official counts.

    A rate agrees with a published whole percentage if its 95 % limits reach into what rounds to
    it. Only a table of England is held against the figures of England.

    Returns
    -------
    pandas.DataFrame
        ``figure``, ``published``, ``ours`` (what the claim is held against: figures of this table
        are called "here"), ``kind``, ``verdict``, ``sentence``.
    """
    official = Official.printed()
    not_in_need, before = int(official.not_in_need.value), int(official.either.value)
    lines = {line.figure: line for line in chain_lines(official)}
    below, kept = lines[BELOW], lines[KEPT]
    again_in_all, again_a_year = lines[RE_REFERRED], lines[RE_REFERRED_A_YEAR]
    chain = tables["chain"].iloc[0]
    england = is_england(tables)
    same_years = england and list(tables["chain_by_year"]["financial_year"]) == YEARS
    kind = "put in" if simulated else "found"
    simulated_note = (
        " The simulation was made to meet this figure, so it shows that the code counts right, not "
        "that the figure is."
        if simulated
        else ""
    )
    put_in = " The count here was put in." if simulated and same_years else ""

    def here(ours: Any, beside: str) -> str:
        return f"{count(ours)} here; {beside}" if same_years else beside

    n, x = chain["below_threshold"], chain["not_stepped_down"]
    around = (np.nan, np.nan) if is_missing(n) or is_missing(x) else wilson(int(x), int(n))
    kept_here = share_of(x, n, chain["share_not_stepped_down"])
    share = _rate_claim(85, kept_here, around, "closures taken as independent", england)
    areas = pd.notna(chain.get("lower_scope_95", np.nan))
    low, high = (
        chain[f"{side}_scope_95" if areas else f"{side}_95"] for side in ("lower", "upper")
    )
    again = chain["rereferred"]
    how = "areas as clusters" if areas else "widened for children who come more than once"
    rate = _rate_claim(
        25, share_of(again, chain["followed"], chain["rate"]), (low, high), how, england
    )
    found = [
        ("closed without early help", "85 %", share[0], kind, share[1],
         f"Computed from the closures of this table.{share[2]}{simulated_note}"),
        ("re-referred within 12 months", "25 %", rate[0], kind, rate[1],
         f"Computed with complete follow-up.{rate[2]}{simulated_note}"),
        ("closures below the threshold", "1.482 million (1.26 m / 0.85)",
         here(n, f"{below.ours} official"), "restated", below.verdict,
         f"DfE counts {not_in_need:,} referrals assessed as not in need in 2015-16 to 2019-20, and "
         f"{before:,} with every referral closed before assessment; a wider definition must be "
         f"behind the published figure.{put_in}"),
        ("closures without early help", "1.26 million",
         here(x, f"{kept.ours} on official counts"), kept.kind, kept.verdict,
         f"0.85 times the official count of assessments that found no need.{put_in}"),
        ("re-referrals", "320,000", here(again, f"{again_in_all.ours} by arithmetic"),
         again_in_all.kind, again_in_all.verdict, again_in_all.reason),
        ("re-referrals a year", "64,000",
         here(tables["chain"]["rereferred"].iloc[-1], "closures, not children"),
         again_a_year.kind, again_a_year.verdict, again_a_year.reason),
    ]  # fmt: skip
    columns = ["figure", "published", "ours", "kind", "verdict", "sentence"]
    return pd.DataFrame(found, columns=columns)


def _rate_claim(
    published_percent: int,
    ours: Decimal | None,
    limits: tuple[float, float],
    how: str,
    england: bool,
) -> tuple[str, str, str]:
    """A rate as it is printed, the verdict on a published whole percentage, and the limits."""
    if ours is None:
        return "no rate here", UNTESTED, ""
    if any(is_missing(limit) for limit in limits):
        return f"{ours} % here", UNTESTED, " No limits are shown."
    low, high = (100 * exact(float(limit)) for limit in limits)
    shown = f"{ours} % here"
    sentence = f" 95 % limits, {how}: {float(low):.1f} to {float(high):.1f} %."
    if not england:
        return shown, UNTESTED, f"{sentence} The published figure is of England, this a part of it."
    return shown, judge_limits(rounded(published_percent, 1), low, high), sentence
