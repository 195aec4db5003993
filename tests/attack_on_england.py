"""The attack on a simulated England, with all tables of the chain: naive, and protected.

python tests/attack_on_england.py [--seed 1] [--rule DFE]

Naive is what many do: counts from 1 to 5 are hidden, with the rates that are made of them. Twice
the same tables are released both ways: those that a ministry might publish together (authorities
and regions by year and in all, England, windows of 6 and 12 months, and curves where the rule
allows them), and all tables of a report. Prints how many small counts are found, and how long it
takes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import pandas as pd

import rereferral as rr
from rereferral.report.pieces import equations, parts, pieces
from rereferral.rules import Rule

_KEYS = {"person": "child_id", "scope": "authority"}
_CHAIN = ("chain_by_year", "chain_by_region", "chain_by_authority")


def england(
    seed: int, authorities: list[str] | None = None
) -> tuple[rr.Report, dict[str, pd.DataFrame]]:
    """A report on a simulated England, and tables as a ministry might publish them together."""
    simulated = rr.simulate(seed=seed, authorities=authorities)
    episodes, until = simulated.episodes, "2021-03-31"
    report = rr.missed_opportunities(
        episodes,
        simulated.early_help,
        years=range(2016, 2021),
        observed_until=until,
        observed_from=simulated.observed_from,
    )
    tables = {name: report.tables[name] for name in _CHAIN}
    tables["chain"] = report.tables["chain"].head(1)
    place = report.tables["chain_by_authority"].set_index("authority")["region"].astype(str)
    links = rr.link(
        episodes,
        episodes,
        **_KEYS,
        index_filter={"reason_for_closure": ["RC8", "RC9"]},
        index_date="closure_date",
        event_date="referral_date",
        window=["6 months", "12 months"],
        observed_until=until,
        observed_from="2015-04-01",
    )
    by_year = links["12 months"].rates(by=["authority", "financial_year"])
    by_year.insert(1, "region", by_year["authority"].astype(str).map(place))
    regions = by_year.groupby(["region", "financial_year"], as_index=False, observed=True)
    tables["returns_by_authority_and_year"] = by_year
    tables["returns_by_region_and_year"] = regions[["n", "linked"]].sum()
    tables["returns_by_authority_and_window"] = links.rates(by="authority")
    tables["returns_by_year"] = links["12 months"].rates(by="financial_year")
    tables["returns"] = links["12 months"].rates()
    tables["curves"] = links["12 months"].curve(by="authority")
    tables["referrals"] = report.tables["completeness"][["authority", "region", "referrals"]]
    return report, tables


def naive(tables: dict[str, pd.DataFrame], rule: Rule) -> dict[str, pd.DataFrame]:
    """The tables with small counts hidden, and the rates that are made of them, and no more."""
    published = {}
    for name, table in tables.items():
        if name == "curves":
            continue
        shown = table.astype(object)
        counts = [c for c in table.columns if pd.api.types.is_integer_dtype(table[c].dtype)]
        for column in counts:
            small = table[column].between(*rule.small)
            shown.loc[small, column] = rule.symbol
            rates = [c for c in table.columns if c.startswith(("rate", "share", "lower", "upper"))]
            shown.loc[small, rates] = rule.symbol
        for column in table.columns:
            if column.startswith(("rate", "share", "lower", "upper")):
                shown[column] = [
                    f"{value:.3f}" if isinstance(value, float) else value for value in shown[column]
                ]
        published[name] = shown.drop(columns=["deff"], errors="ignore")
    return published


def main() -> int:
    """Attack both; 1 if a protected count is found, or no naive one."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rule", default="DFE", choices=["DFE", "OPENSAFELY", "CCWIP"])
    options = parser.parse_args()
    rule: Rule = getattr(rr.rules, options.rule)
    begin = time.perf_counter()
    report, tables = england(options.seed)
    if rule.zeroed:
        del tables["curves"]
    rows = sum(len(table) for table in tables.values())
    print(f"SIMULATED England: {len(tables)} tables, {rows:,} rows. {rule}.", flush=True)
    print(f"  simulated and counted in {time.perf_counter() - begin:.0f} s", flush=True)
    simple = Rule("naive", small=rule.small, symbol=rule.symbol)
    passed = _attack_both(
        "Ministry", rr.attack(naive(tables, rule), simple), lambda: rr.protect(tables, rule)
    )
    mine = {piece.name: piece.frame for piece in pieces(report.tables)}
    found = rr.attack(
        naive(mine, rule),
        simple,
        equations=equations(report.tables, mine),
        parts=parts(report.tables),
    )
    return (
        0 if _attack_both("Report", found, lambda: report.protect(rule).release) and passed else 1
    )


def _attack_both(name: str, before: rr.Attack, protect: Callable[[], rr.Release]) -> bool:
    print(f"{name}, naive. {before.words()}", flush=True)
    begin = time.perf_counter()
    release = protect()
    print(f"{name}, protected. {release.words()}", flush=True)
    print(f"  {release.attack().words()}\n  {time.perf_counter() - begin:.1f} s", flush=True)
    return release.attack().passed and not before.passed


if __name__ == "__main__":
    sys.exit(main())
