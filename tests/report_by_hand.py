"""A report made by hand, of any size, whose tables add up: for tests of the page and of saving."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from rereferral.definitions import ACTION_FOR_CHILDREN

REGIONS = (
    "North East",
    "North West",
    "Yorkshire and The Humber",
    "East Midlands",
    "West Midlands",
    "East of England",
    "London",
    "South East",
    "South West",
)
COUNTS = [
    "assessed",
    "below_threshold",
    "stepped_down",
    "not_stepped_down",
    "followed",
    "rereferred",
]


@dataclass
class ByHand:
    """Stands in for ``rereferral.report.Report``."""

    tables: dict[str, pd.DataFrame]
    options: dict[str, Any]
    definition: Any = ACTION_FOR_CHILDREN
    simulated: bool = True
    calibration: str | None = "report"
    notes: list[str] = field(default_factory=list)
    protected: list[str] = field(default_factory=list)
    release: None = None

    @property
    def shown(self) -> dict[str, pd.DataFrame]:
        return self.tables

    @property
    def headline(self) -> pd.DataFrame:
        return self.tables["headline"]


def limits(x: float, n: float, z: float) -> tuple[float, float]:
    """Wilson limits, written out once more so that the page is not tested against itself."""
    if n == 0:
        return math.nan, math.nan
    p, d = x / n, 1 + z * z / n
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d
    centre = (p + z * z / (2 * n)) / d
    return max(0.0, centre - half), min(1.0, centre + half)


def with_rates(table: pd.DataFrame) -> pd.DataFrame:
    """Add shares and limits to counts."""
    table = table.copy()
    below, n = table["below_threshold"], table["followed"]
    table["share_not_stepped_down"] = table["not_stepped_down"] / below.where(below > 0)
    table["rate"] = table["rereferred"] / n.where(n > 0)
    for name, z in (("95", 1.959964), ("99_8", 3.090232)):
        both = [limits(x, m, z) for x, m in zip(table["rereferred"], n, strict=True)]
        table[f"lower_{name}"] = [low for low, _ in both]
        table[f"upper_{name}"] = [high for _, high in both]
    table["deff"] = 1.0
    table["method"] = "Wilson"
    return table


def authority_rows(
    areas: int, years: int, size: int, seed: int = 0, names: list[tuple[str, str]] | None = None
) -> pd.DataFrame:
    """Counts by authority and year. `names`: pairs of authority name and region."""
    draw = np.random.default_rng(seed)
    rows = []
    for area in range(areas):
        if names:
            name, region = names[area % len(names)]
        else:
            name = f"Authority {area + 1:03d}"
            region = REGIONS[area * len(REGIONS) // max(areas, len(REGIONS))]
        rate = float(np.clip(draw.normal(0.25, 0.05), 0.05, 0.5))
        scale = size * float(draw.lognormal(0, 0.8))
        for year in range(years):
            assessed = int(draw.poisson(scale))
            below = int(draw.binomial(assessed, 0.48))
            kept = int(draw.binomial(below, 0.85))
            followed = kept if year < years - 1 else int(draw.binomial(kept, 0.97))
            rows.append(
                {
                    "authority": f"E{area:08d}",
                    "authority_name": name,
                    "region": region,
                    "financial_year": f"{2015 + year}-{(16 + year) % 100:02d}",
                    "assessed": assessed,
                    "below_threshold": below,
                    "stepped_down": below - kept,
                    "not_stepped_down": kept,
                    "followed": followed,
                    "rereferred": int(draw.binomial(followed, rate)),
                }
            )
    return pd.DataFrame(rows)


def curves(by_year: pd.DataFrame, step: int = 1) -> pd.DataFrame:
    """Risk curves that end at the rates of the years."""
    frames = []
    for label, n, x in by_year:
        day = np.arange(0, 366, step)
        at_risk_share = (day / 365.0) ** 0.644
        events = np.diff(np.round(x * at_risk_share), prepend=0).astype(np.int64)
        total = np.cumsum(events)
        risk = total / n if n else np.full(len(day), np.nan)
        error = np.sqrt(risk * (1 - risk) / n) if n else risk
        frames.append(
            pd.DataFrame(
                {
                    "financial_year": label,
                    "day": day,
                    "at_risk": n - total + events,
                    "events": events,
                    "censored": 0,
                    "risk": risk,
                    "std_error": error,
                    "lower": np.clip(risk - 1.96 * error, 0, 1),
                    "upper": np.clip(risk + 1.96 * error, 0, 1),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def arms(total: pd.Series) -> pd.DataFrame:
    """Rates of both arms."""
    rows = []
    for arm, n, x in (
        ("stepped down", total["stepped_down"], total["stepped_down"] // 5),
        ("not stepped down", total["followed"], total["rereferred"]),
    ):
        low, high = limits(float(x), float(n), 1.96)
        wide = limits(float(x), float(n), 3.09)
        rows.append(
            (arm, int(n), int(x), x / n if n else math.nan, low, high, *wide, 1.0, "Wilson")
        )
    names = ["arm", "n", "linked", "rate", "lower_95", "upper_95", "lower_99_8", "upper_99_8"]
    return pd.DataFrame(rows, columns=[*names, "deff", "method"])


def report(
    areas: int = 152,
    years: int = 5,
    size: int = 4000,
    *,
    simulated: bool = True,
    names: list[tuple[str, str]] | None = None,
    counts: pd.DataFrame | None = None,
) -> ByHand:
    """A whole report; `counts` replaces the drawn counts by authority and year."""
    rows = authority_rows(areas, years, size, names=names) if counts is None else counts
    by_year = rows.groupby("financial_year")[COUNTS].sum().reset_index()
    by_region = rows.groupby("region", sort=False)[COUNTS].sum().reset_index()
    keys = ["authority", "authority_name", "region"]
    by_authority = rows.groupby(keys, sort=False)[COUNTS].sum().reset_index()
    total = with_rates(pd.DataFrame([by_year[COUNTS].sum()]))
    n_years = len(by_year)
    first, last = by_year["financial_year"].iloc[0], by_year["financial_year"].iloc[-1]
    period = first if n_years == 1 else f"{first} to {last}"
    average = total.copy()
    average[COUNTS] = average[COUNTS] / n_years
    chain = pd.concat([total, average], ignore_index=True)
    chain.insert(0, "label", [period, "average a year"])
    t = total.iloc[0]

    def percent(x: float, n: float) -> float:
        return round(100 * x / n, 1) if n else math.nan

    headline = pd.DataFrame(
        [
            (
                "not stepped down to early help, of those below the threshold and closed",
                "85 %",
                85.0,
                percent(t["not_stepped_down"], t["below_threshold"]),
                "percent",
                "put in",
                "the calibration fits it",
            ),
            (
                "closures not stepped down",
                "1.26 million",
                1_260_000.0,
                float(t["not_stepped_down"]),
                "count",
                "put in",
                "occasions, not children",
            ),
            (
                "re-referred within 12 months",
                "25 %",
                25.0,
                percent(t["rereferred"], t["followed"]),
                "percent",
                "put in",
                "of the closures followed for 12 months",
            ),
            (
                "re-referred closures",
                "at least 320,000",
                320_000.0,
                float(t["rereferred"]),
                "count",
                "arithmetic",
                "25 % of 1.26 million is 315,000",
            ),
            (
                "re-referred closures, average a year",
                "64,000",
                64_000.0,
                float(t["rereferred"]) / n_years,
                "count",
                "arithmetic",
                "closures, not children",
            ),
        ],
        columns=["figure", "published", "published_value", "ours", "unit", "kind", "note"],
    )
    children = pd.DataFrame(
        {
            "financial_year": [*by_year["financial_year"], "all years"],
            "closures": [*by_year["not_stepped_down"], t["not_stepped_down"]],
        }
    )
    children["children"] = (children["closures"] * 0.93).astype(np.int64)
    children.loc[children.index[-1], "children"] = int(t["not_stepped_down"] * 0.8)
    again = [*by_year["rereferred"], t["rereferred"]]
    children["rereferred_closures"] = again
    children["rereferrals"] = [int(x * 0.98) for x in again]
    children["rereferred_children"] = [int(x * 0.9) for x in again]
    low, high = limits(float(t["rereferred"]), float(t["followed"]), 1.96)
    three_rates = pd.DataFrame(
        [
            (
                "DfE official statistic",
                "back",
                "every referral of the year",
                "a referral of the same child in the 12 months before",
                22.6,
                642_980,
                143_000,
                143_000 / 642_980,
                0.2214,
                0.2234,
                "Wilson",
                "The look-back rate is the lowest: the episode's own length comes before the gap.",
            ),
            (
                "Goldacre and others 2025",
                "forward",
                "closure of any episode",
                "the next referral, read off at 12 months",
                32.0,
                3_100_000,
                900_000,
                0.318,
                0.3175,
                0.3185,
                "Kaplan-Meier",
                "Every closure is counted for as long as it was observed.",
            ),
            (
                "Action for Children 2022",
                "forward",
                "closed below the threshold, not stepped down",
                "a referral within 12 months",
                25.0,
                int(t["followed"]),
                int(t["rereferred"]),
                t["rate"],
                low,
                high,
                "Wilson",
                "Only closures with 12 months of follow-up are counted.",
            ),
        ],
        columns=[
            "name",
            "looks",
            "from",
            "to",
            "published",
            "n",
            "linked",
            "rate",
            "lower_95",
            "upper_95",
            "method",
            "note",
        ],
    )
    reconciliation = pd.DataFrame(
        [
            (year, measure, official, int(official * ratio), ratio)
            for year in by_year["financial_year"]
            for measure, official, ratio in (
                ("referrals", 642_980, 1.001),
                ("assessed not in need", 194_190, 1.63),
                ("re-referrals within 12 months", 145_390, 0.99),
            )
        ],
        columns=["financial_year", "measure", "official", "ours", "ratio"],
    )
    claims = pd.DataFrame(
        [
            ("not stepped down", "85 %", "85.0 %", "put in", "agrees", "The calibration fits it."),
            (
                "authorities that cut early intervention spending",
                "nine in ten",
                "104 of 148",
                "restated",
                "not borne out",
                "In real terms, 2015-16 to 2019-20; 83 in cash terms.",
            ),
            (
                "reach of early help",
                "about 1 in 6 children, down to 2 %",
                "",
                "restated",
                "cannot be tested",
                "The counts by authority were not published.",
            ),
        ],
        columns=["figure", "published", "ours", "kind", "verdict", "sentence"],
    )
    given = int(rows["assessed"].sum() * 2)
    ledger = pd.DataFrame(
        [
            ("index", "given", "rows given", 0, given),
            ("index", "null key or date", "no closure date", given // 4, given - given // 4),
            (
                "index",
                "index filter",
                "not closed below the threshold",
                10,
                given - given // 4 - 10,
            ),
            ("events", "given", "rows given", 0, given),
            ("events", "null key or date", "no referral date", 0, given),
        ],
        columns=["table", "step", "reason", "removed", "remaining"],
    )
    completeness = by_authority[keys].copy()
    completeness["referrals"] = by_authority["assessed"] * 2
    completeness["first_full_month"] = "2012-04"
    completeness["last_full_month"] = "2021-03"
    completeness["lookback_short"] = [7 * (i % 50 == 49) for i in range(len(completeness))]
    completeness["followup_short"] = 0
    listed = [
        (row.financial_year, int(row.followed), int(row.rereferred)) for row in by_year.itertuples()
    ]
    listed.append(("all years", int(t["followed"]), int(t["rereferred"])))
    return ByHand(
        tables={
            "headline": headline,
            "chain": chain,
            "chain_by_year": with_rates(by_year),
            "chain_by_region": with_rates(by_region),
            "chain_by_authority": with_rates(by_authority),
            "arms": arms(t),
            "children": children,
            "three_rates": three_rates,
            "reconciliation": reconciliation,
            "claims": claims,
            "ledger": ledger,
            "completeness": completeness,
            "curve": curves(listed),
        },
        options={
            "years": [2016 + i for i in range(n_years)],
            "observed_until": "2021-03-31",
            "observed_from": "2012-04-01",
            "early_help_within": ["-30 days", "0 days"],
            "columns": None,
        },
        simulated=simulated,
        calibration="report" if simulated else None,
        notes=[
            "Not for publication: every count is exact, small ones too. Made by hand.",
            "RC9 did not exist before 2022-23, so step-down in these years is a what-if.",
        ],
    )
