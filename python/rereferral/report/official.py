"""What was found beside what was published: the headline, the official series, the claims."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rereferral import published
from rereferral.links import Links
from rereferral.report.chain import Chain
from rereferral.report.counts import places
from rereferral.rounding import percent

__all__ = ["claims", "headline", "reconciliation"]

_ENGLAND = 150  # authorities from which on a table is held against England as a whole


def headline(tables: dict[str, pd.DataFrame], simulated: bool) -> pd.DataFrame:
    """The report's figures beside ours. Counts are closures and re-referrals, not children."""
    chain = tables["chain"].iloc[0]
    n_years = len(tables["chain_by_year"])
    children = tables["children"].iloc[-1]
    figures = published.figures()["too_little_too_late"]
    put_in = "put in" if simulated else "found"
    rereferred = int(chain["rereferred"])
    lines = [
        (
            "Below the threshold and closed without early help",
            "85 %",
            figures["not_stepped_down_rate"]["value"] * 100,
            _share(chain["not_stepped_down"], chain["below_threshold"]),
            "percent",
            put_in,
            "share of the closures below the threshold",
        ),
        (
            "Closures without early help",
            "1.26 million",
            figures["not_stepped_down"]["value"],
            int(chain["not_stepped_down"]),
            "count",
            put_in,
            f"closures in {n_years} years, not children",
        ),
        (
            "Re-referred within 12 months",
            "25 %",
            figures["re_referred_rate"]["value"] * 100,
            _share(chain["rereferred"], chain["followed"]),
            "percent",
            put_in,
            f"of {int(chain['followed']):,} closures with all 12 months observed",
        ),
        (
            "Closures followed by a re-referral",
            "320,000",
            figures["re_referred"]["value"],
            rereferred,
            "count",
            "arithmetic",
            f"{int(children['rereferrals']):,} distinct re-referrals of "
            f"{int(children['rereferred_children']):,} distinct children",
        ),
        (
            "Closures followed by a re-referral, a year",
            "64,000",
            figures["re_referred_a_year"]["value"],
            _average(rereferred, n_years),
            "count",
            "arithmetic",
            f"average of {n_years} years",
        ),
    ]
    columns = ["figure", "published", "published_value", "ours", "unit", "kind", "note"]
    return pd.DataFrame(lines, columns=columns)


def _share(x: Any, n: Any) -> float:
    return float(percent(int(x), int(n))) if n else float("nan")


def _average(total: int, n_years: int) -> int:
    return (2 * total + n_years) // (2 * n_years) if n_years else 0


def reconciliation(
    chain: Chain, tables: dict[str, pd.DataFrame], lookback: Links | None
) -> tuple[pd.DataFrame, str]:
    """Our counts beside the official series by year, and a sentence on what is compared.

    Returns
    -------
    table : pandas.DataFrame
        ``financial_year``, ``measure``, ``official``, ``ours``, ``ratio`` (ours to official).
    note : str
        Whether the official figures are those of England or of the authorities in the table.
    """
    authorities = set(places(chain.table)["authority"].dropna().unique())
    official, note = _official(authorities)
    referral = chain.table.days("referral_date")
    lines = []
    for row in tables["chain_by_year"].itertuples():
        year = int(str(row.financial_year)[:4]) + 1
        begin, end = (
            int(np.datetime64(f"{y}-04-01").astype("datetime64[D]").astype(np.int64))
            for y in (year - 1, year)
        )
        in_year = (referral >= begin) & (referral < end)
        ours: dict[str, int | None] = {"referrals": int(np.count_nonzero(in_year))}
        ours["re_referrals"] = None
        if lookback is not None:
            ours["re_referrals"] = int(np.count_nonzero(in_year & (lookback.gap_days >= 0)))
        if chain.table.has("referral_nfa"):
            nfa = chain.table.mask({"referral_nfa": True})
            ours["no_further_action"] = int(np.count_nonzero(in_year & nfa))
        ours["not_in_need"] = int(row.below_threshold)
        for measure, count in ours.items():
            value = official[measure].get(year, pd.NA)
            known = count is not None and not pd.isna(value) and value > 0
            lines.append(
                {
                    "financial_year": row.financial_year,
                    "measure": _MEASURES[measure],
                    "official": None if pd.isna(value) else int(value),
                    "ours": count,
                    "ratio": count / value if known else np.nan,
                }
            )
    table = pd.DataFrame(lines, columns=["financial_year", "measure", "official", "ours", "ratio"])
    return table.astype({"official": "Int64", "ours": "Int64"}), note


_MEASURES = {
    "referrals": "referrals",
    "re_referrals": "re-referrals within 12 months (look-back)",
    "no_further_action": "no further action",
    "not_in_need": "assessed not in need (ours: closed below the threshold, by year of closure)",
}


def _official(authorities: set[str]) -> tuple[pd.DataFrame, str]:
    known = published.authority_series()
    if len(authorities & set(known["authority"])) >= _ENGLAND:
        return published.official_series(), "Official figures are those of England."
    mine = known[known["authority"].isin(authorities)]
    measures = [name for name in _MEASURES if name in mine.columns]
    # A sum over authorities of which one is not published is not published either.
    sums = mine.groupby("year")[measures].agg(lambda column: column.sum(skipna=False))
    n = len(authorities & set(known["authority"]))
    which = "one authority" if n == 1 else f"{n} authorities"
    return sums, f"Official figures are those of the table's {which} that DfE lists."


def claims(tables: dict[str, pd.DataFrame], simulated: bool) -> pd.DataFrame:
    """What can be said of the report's figures from this table and from official counts.

    Returns
    -------
    pandas.DataFrame
        ``figure``, ``published``, ``ours``, ``kind``, ``verdict``, ``sentence``.
    """
    series = published.official_series().loc[2016:2020]
    not_in_need = int(series["not_in_need"].sum())
    before = not_in_need + int(series["no_further_action"].sum())
    head = tables["headline"]
    share, rate = (float(head["ours"].iloc[position]) for position in (0, 2))
    kind = "put in" if simulated else "found"
    simulated_note = (
        " The simulation was made to meet this figure, so it shows that the code counts right, not "
        "that the figure is."
        if simulated
        else ""
    )
    lines = [
        ("closed without early help", "85 %", f"{share:.1f} %", kind, _agrees(share, 85),
         "Computed from the closures of this table." + simulated_note),
        ("re-referred within 12 months", "25 %", f"{rate:.1f} %", kind, _agrees(rate, 25),
         "Computed with complete follow-up." + simulated_note),
        ("closures below the threshold", "1.482 million (1.26 m / 0.85)",
         f"{not_in_need:,} official", "restated", "not borne out",
         f"DfE counts {not_in_need:,} referrals assessed as not in need in 2015-16 to 2019-20, and "
         f"{before:,} with every referral closed before assessment; a wider definition must be "
         "behind the published figure."),
        ("closures without early help", "1.26 million",
         f"{_half_up(not_in_need * 85, 100):,} on official counts", "arithmetic",
         "not borne out", "0.85 times the official count of assessments that found no need."),
        ("re-referrals", "320,000", "315,000", "arithmetic", "consistent within rounding",
         "0.25 times 1.26 million is 315,000; 320,000 needs 25.4 %."),
        ("re-referrals a year", "64,000", "closures, not children", "arithmetic",
         "consistent within rounding", "A fifth of 320,000. It counts closures that a referral "
         "followed; a child with two such closures counts twice."),
    ]  # fmt: skip
    columns = ["figure", "published", "ours", "kind", "verdict", "sentence"]
    return pd.DataFrame(lines, columns=columns)


def _half_up(x: int, n: int) -> int:
    return (2 * x + n) // (2 * n)


def _agrees(ours: float, published_percent: int) -> str:
    if np.isnan(ours):
        return "cannot be tested"
    # The published figure is a whole percentage, so anything that rounds to it agrees.
    near = published_percent - 0.5 <= ours < published_percent + 0.5
    return "agrees" if near else "differs"
