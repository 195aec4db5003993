"""How often limits of an estimated total hold it: by simulation, on England as it was.

python tests/coverage_of_limits.py [--draws 2000] [--answered 59] [--seed 1]

Of the authorities of 2020, so many are drawn, and England's referrals assessed as not in need are
estimated from theirs. They are drawn at random, or so that an authority whose rate is a standard
deviation higher is likelier to answer, by a log-odds of 0.25 and of 0.5. What is printed is what
was found: limits know nothing of a sample that chose itself.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

import rereferral as rr
from rereferral import published
from rereferral.estimate.limits import METHODS

YEAR = 2020
LOG_ODDS = (0.0, 0.25, 0.5)


def england() -> pd.DataFrame:
    """Referrals, and those assessed as not in need, of the authorities that published both."""
    table = published.authority_series()
    table = table[table["year"] == YEAR].dropna(subset=["referrals", "not_in_need"])
    return table[table["not_in_need"] > 0].reset_index(drop=True)


def drawn(
    rate: npt.NDArray[np.float64], n: int, draws: int, log_odds: float, seed: int
) -> Iterator[npt.NDArray[np.int64]]:
    """Samples of n, without replacement, the likelier the higher the rate.

    The n with the largest sum of a Gumbel number and the log of a weight are drawn one after
    another with probabilities in proportion to the weights.
    """
    score = (rate - rate.mean()) / rate.std()
    random = np.random.default_rng(seed)
    for _ in range(draws):
        keys = log_odds * score + random.gumbel(size=len(rate))
        yield np.argsort(-keys)[:n]


def coverage(
    draws: int,
    n: int,
    methods: list[str],
    *,
    log_odds: float = 0.0,
    fpc: bool = False,
    seed: int = 1,
    replicates: int = 1_000,
) -> pd.DataFrame:
    """By estimator and kind of limits: how often they hold the truth, and how far off they are."""
    whole = england()
    truth = float(whole["not_in_need"].sum())
    rate = (whole["not_in_need"] / whole["referrals"]).to_numpy(np.float64)
    found = []
    for rows in drawn(rate, n, draws, log_odds, seed):
        table = rr.estimate_total(
            *(whole.iloc[rows], whole),
            **{"count": "not_in_need", "scale": "referrals", "limits": methods},
            **{"fpc": fpc, "replicates": replicates, "seed": seed},
        ).table
        found.append(table)
    every = pd.concat(found)
    every["holds"] = (every["lower"] <= truth) & (truth <= every["upper"])
    every["below"], every["above"] = every["upper"] < truth, every["lower"] > truth
    every["off"] = every["estimate"] / truth - 1
    every["width"] = (every["upper"] - every["lower"]) / truth
    keys = ["estimator", "limits"]
    return every.groupby(keys, sort=False)[["holds", "below", "above", "off", "width"]].mean()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--answered", type=int, default=59)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    n_areas = len(england())
    print(f"{given.draws:,} draws of {given.answered} of {n_areas} authorities, year {YEAR}, 95 %")
    for log_odds in LOG_ODDS:
        how = "at random" if log_odds == 0 else f"log-odds {log_odds:g} a standard deviation"
        for fpc in (False, True):
            table = coverage(
                *(given.draws, given.answered, list(METHODS)),
                **{"log_odds": log_odds, "fpc": fpc, "seed": given.seed},
            )
            print(f"\nwho answered: {how}; finite population correction: {fpc}; per cent")
            print((table * 100).round(1).to_string())


if __name__ == "__main__":
    main()
