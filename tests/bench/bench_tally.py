"""Kaplan-Meier and cluster sums by group, beside the fastest numpy idiom, on the same data.

Run by hand: ``python tests/bench/bench_tally.py [rows] [groups]``. Answers are compared before
anything is timed; each time is the median of seven, all of one process and one thread.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.curves import cells_of, curve_table, kaplan_meier
from rereferral.groups import Groups
from rereferral.rates import rate_table

LAST_DAY = 365


def bincount_idiom(
    group: npt.NDArray[np.int64], day: npt.NDArray[np.int64], event: npt.NDArray[np.bool_], n: int
) -> npt.NDArray[np.float64]:
    """Risk by group and day: two bincounts, a reversed cumulative sum, a cumulative product."""
    days = LAST_DAY + 1
    key = group * days + day
    left = np.bincount(key, minlength=n * days).reshape(n, days)
    events = np.bincount(key[event], minlength=n * days).reshape(n, days)
    at_risk = left[:, ::-1].cumsum(axis=1)[:, ::-1]
    return 1 - np.cumprod(1 - events / np.maximum(at_risk, 1), axis=1)


def median_seconds(call: Callable[[], Any]) -> float:
    """Median of seven runs."""
    times = []
    for _ in range(7):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main(n_rows: int = 4_000_000, n_groups: int = 3_060) -> None:
    """Print the times and their ratios."""
    random = np.random.default_rng(1)
    group = random.integers(0, n_groups, n_rows, dtype=np.int32)
    event = random.random(n_rows) < 0.25
    day = np.where(event, random.integers(1, LAST_DAY + 1, n_rows), LAST_DAY).astype(np.int32)
    early = ~event & (random.random(n_rows) < 0.3)
    day[early] = random.integers(0, LAST_DAY + 1, int(early.sum()))
    person = random.integers(0, n_rows * 3 // 4, n_rows, dtype=np.uint32)
    groups = Groups(group, pd.DataFrame({"group": np.arange(n_groups)}))
    wide_group, wide_day = group.astype(np.int64), day.astype(np.int64)

    def core() -> Any:
        cells = cells_of(group, n_groups, day, event, None)
        return cells, *kaplan_meier(cells)

    cells, _, risk, _ = core()
    expected = bincount_idiom(wide_group, wide_day, event, n_groups)
    np.testing.assert_allclose(risk, expected[cells.group, cells.day], rtol=0, atol=1e-12)

    idiom = median_seconds(lambda: bincount_idiom(wide_group, wide_day, event, n_groups))
    jobs = {
        "bincount idiom, risk alone": lambda: bincount_idiom(wide_group, wide_day, event, n_groups),
        "core, at risk, risk and standard error": core,
        "curve_table, limits and DataFrame included": lambda: curve_table(groups, day, event),
        "rate_table, no clusters": lambda: rate_table(groups, event, None),
        "rate_table, persons as clusters": lambda: rate_table(groups, event, None, person),
    }
    print(f"{n_rows:,} rows, {n_groups:,} groups, numpy {np.__version__}, pandas {pd.__version__}")
    for name, job in jobs.items():
        seconds = median_seconds(job)
        print(f"{name:44} {seconds:7.3f} s {seconds / idiom:7.2f} of the idiom")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
