"""Kaplan-Meier and cluster sums by group, beside the fastest numpy idiom, on the same data.

Answers are compared before anything is timed; all jobs run in turn in one process.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from tests.bench.printing import table
from tests.bench.runner import median

from rereferral.curves import cells_of, core_causes, curve_table, risks
from rereferral.groups import Groups
from rereferral.rates import rate_table

LAST_DAY = 365
GROUPS = 3_060


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


def run(runs: int, rows: int) -> dict[str, Any]:
    """Print the medians and their ratios to the idiom; four rows for ten of the linkage."""
    n_rows = rows * 4 // 10
    random = np.random.default_rng(1)
    group = random.integers(0, GROUPS, n_rows, dtype=np.int32)
    event = random.random(n_rows) < 0.25
    day = np.where(event, random.integers(1, LAST_DAY + 1, n_rows), LAST_DAY).astype(np.int32)
    early = ~event & (random.random(n_rows) < 0.3)
    day[early] = random.integers(0, LAST_DAY + 1, int(early.sum()))
    person = random.integers(0, n_rows * 3 // 4, n_rows, dtype=np.uint32)
    cause = np.where(event, 1, np.where(early & (person % 3 == 0), 2, 0)).astype(np.int8)
    groups = Groups(group, pd.DataFrame({"group": np.arange(GROUPS)}))
    wide_group, wide_day = group.astype(np.int64), day.astype(np.int64)

    def core() -> Any:
        cells = cells_of(group, GROUPS, day, core_causes(event), 1, None)
        return cells, risks(cells).risk[:, 0]

    cells, risk = core()
    expected = bincount_idiom(wide_group, wide_day, event, GROUPS)
    there = ~np.isnan(risk)  # null where the group has no rows
    np.testing.assert_allclose(
        risk[there], expected[cells.group, cells.day][there], rtol=0, atol=1e-12
    )

    jobs = {
        "bincount idiom, risk alone": lambda: bincount_idiom(wide_group, wide_day, event, GROUPS),
        "core: at risk, risk, standard error": core,
        "curve_table: limits and DataFrame too": lambda: curve_table(groups, day, event),
        "curve_table, two causes that compete": lambda: curve_table(
            groups, day, cause, cause_names=["event", "exit"]
        ),
        "curve_table, persons as clusters": lambda: curve_table(groups, day, event, cluster=person),
        "rate_table, no clusters": lambda: rate_table(groups, event, None),
        "rate_table, persons as clusters": lambda: rate_table(groups, event, None, person),
    }

    def once(name: str) -> dict[str, Any]:
        begin = time.perf_counter()
        jobs[name]()
        return {"seconds": time.perf_counter() - begin}

    print(f"\ntally: {n_rows:,} rows, {GROUPS:,} groups")
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in jobs}
    for _ in range(runs):
        for name in jobs:
            results[name].append(once(name))
    idiom = median(results["bincount idiom, risk alone"], "seconds")
    lines = [("job", "median s", "to the idiom")]
    for name, found in results.items():
        seconds = median(found, "seconds")
        lines.append((name, f"{seconds:.3f}", f"{seconds / idiom:.2f} x"))
    table(lines)
    return {name: {"runs": found} for name, found in results.items()}
