"""Refit a calibration: `python tests/calibration/fit.py official [rounds]`.

Fits five parameters to five published figures by Newton's method, and each authority's
multiplier to its published look-back rate. Prints the parameters, to be entered in
`simulate/parameters.py`, and rewrites the calibration's column of `return_multipliers.csv`.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
from measure import Measured

from rereferral import published
from rereferral.simulate import Simulation, model
from rereferral.simulate.inputs import read_changes, read_inputs, read_multipliers
from rereferral.simulate.parameters import CALIBRATIONS, Parameters

DATA = Path(str(files("rereferral"))) / "data"
INPUTS = read_inputs()
SPAN = model.Span(2013, 2021)
YEARS = range(2016, 2021)
SEEDS = range(100, 104)  # not those that the tests assert
FITTED = (
    "return_other",
    "return_below_threshold",
    "gap_shape",
    "in_need_median",
    "in_need_sigma",
)
STEP = 0.05  # of a parameter's logarithm

# Look-back rate, any closure at 12 months and at 6 years, and after RC8, in per cent; cases open
# on 31 March 2020, in ten thousands. "At least 320,000" of 1.26 million is 25.3 % or more.
TARGETS = {
    "official": np.array([22.3, 32.3, 58.0, 25.0, 40.7]),
    "report": np.array([22.3, 32.3, 58.0, 25.3, 40.7]),
}
BELOW_THRESHOLD = 296_400  # closures a year that the report implies
SHRINKAGE = 50  # referrals at England's rate that are added to an authority's own
RELIABLE = 300  # referrals that make a multiplier move half as far as its rate says


def published_rates() -> np.ndarray:
    """Look-back rate of 2020 by authority of 2019, or of the latest year before it."""
    series = published.authority_series().set_index(["year", "authority"])
    series = series[["referrals", "re_referrals"]].astype(float).dropna()
    england = published.official_series()["re_referrals_percent"][2020] / 100
    heir = {change["predecessor"]: change["successor"] for change in read_changes()}
    rates = []
    for code in INPUTS.authorities.code:
        places = ((year, c) for year in range(2020, 2012, -1) for c in (code, heir.get(code)))
        n, x = series.loc[next(place for place in places if place in series.index)]
        rates.append((x + SHRINKAGE * england) / (n + SHRINKAGE))
    return np.array(rates)


def measure(parameters: Parameters, multipliers: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """The targets' figures, below-threshold closures a year, and rates by authority."""
    everywhere = list(range(len(multipliers)))
    rows = model.run(INPUTS, parameters, multipliers, SPAN, everywhere, seed)
    table = Simulation(rows, INPUTS.authorities, parameters, SPAN, YEARS, seed, "RC9")
    england = Measured(table.episodes, table.observed_until)
    closed = np.isin(england.closure_year, YEARS)
    left = closed & england.reason("RC8")
    back, pooled = england.looked_back(), np.isin(england.year, YEARS)
    day = int(np.datetime64("2020-03-31").astype(np.int64))
    still_open = (england.referral <= day) & ~(england.closed & (england.closure <= day))
    figures = [
        100 * back[pooled].mean(),
        100 * england.kaplan_meier(closed, 365),
        100 * england.kaplan_meier(np.isin(england.closure_year, range(2014, 2020)), 2191),
        100 * england.returned()[left].mean(),
        still_open.sum() / 10_000,
    ]
    # One year alone is noisy where an authority is small, and volumes that jump move single years.
    rates = [england.by_authority(back, rows)[1] for rows in (pooled, england.year == 2020)]
    below = closed & england.reason("RC8", "RC9")
    return {
        "figures": np.array(figures),
        "below": np.array(below.sum() / len(YEARS)),
        "rates": np.mean(rates, axis=0),
    }


def mean_of(parameters: Parameters, multipliers: np.ndarray, seeds: range) -> dict[str, np.ndarray]:
    found = [measure(parameters, multipliers, seed) for seed in seeds]
    return {key: np.mean([one[key] for one in found], axis=0) for key in found[0]}


def moved(parameters: Parameters, logarithms: np.ndarray) -> Parameters:
    changes = dict(zip(FITTED, np.exp(logarithms), strict=True))
    return replace(
        parameters, **{name: getattr(parameters, name) * by for name, by in changes.items()}
    )


def slopes(parameters: Parameters, multipliers: np.ndarray) -> np.ndarray:
    """How the figures answer to the logarithm of each parameter; the same seeds on both sides."""
    seeds = SEEDS[:2]
    base = mean_of(parameters, multipliers, seeds)["figures"]
    steps = np.eye(len(FITTED)) * STEP
    there = [mean_of(moved(parameters, step), multipliers, seeds)["figures"] for step in steps]
    return (np.array(there) - base).T / STEP


def fit(calibration: str, rounds: int) -> tuple[Parameters, np.ndarray]:
    parameters, multipliers = CALIBRATIONS[calibration], read_multipliers(calibration)
    wanted = published_rates()
    weight = INPUTS.referrals[INPUTS.years == 2020][0].astype(float)
    wanted_mean = np.average(wanted, weights=weight)
    slope = slopes(parameters, multipliers)
    for _ in range(rounds):
        got = mean_of(parameters, multipliers, SEEDS)
        print(np.round(got["figures"], 2), int(got["below"]), flush=True)
        change = np.linalg.solve(slope, TARGETS[calibration] - got["figures"])
        parameters = moved(parameters, np.clip(change, -0.15, 0.15))
        if calibration == "report":
            factor = parameters.below_threshold_factor * BELOW_THRESHOLD / float(got["below"])
            parameters = replace(parameters, below_threshold_factor=factor)
        # The rates' level is England's parameters' affair, their spread the multipliers'.
        aim = wanted * got["figures"][0] / 100 / wanted_mean
        ratio = np.log1p(-aim) / np.log1p(-np.maximum(got["rates"], 0.005))
        multipliers = multipliers * ratio ** (weight / (weight + RELIABLE))
        multipliers /= np.average(multipliers, weights=weight)
    return parameters, multipliers


def main() -> None:
    calibration = sys.argv[1]
    parameters, multipliers = fit(calibration, int(sys.argv[2]) if len(sys.argv) > 2 else 5)
    for name in (*FITTED, "below_threshold_factor"):
        print(f"{name}={getattr(parameters, name):.4g}")
    path = DATA / "return_multipliers.csv"
    rows = list(csv.DictReader(path.read_text().splitlines()))
    for row, value in zip(rows, multipliers, strict=True):
        row[calibration] = f"{value:.4f}"
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
