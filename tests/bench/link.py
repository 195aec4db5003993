"""Linkage beside DuckDB and pandas: first event within 365 days, unsorted int64 ids.

Every engine gets the same arrays, runs on one thread in a process of its own, and must agree on the
number of matches and the sum of their gaps before a time counts. Making the data is not timed;
coding the ids is. ``python -m tests.bench.link ENGINE ROWS`` is one run.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import sys
import time
from typing import Any

import numpy as np
from tests.bench.runner import in_process, interleaved, median, table

ENGINES = ["rereferral", "duckdb", "pandas"]
DAYS = 365


def data(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Ids and days of `rows` referrals, and of half as many index events."""
    random = np.random.default_rng(20160401)
    children = max(rows * 35 // 100, 1)
    ids = random.permutation(10 * children)[:children]
    first, last = 16_000, 19_000
    events = ids[random.integers(0, children, rows)], random.integers(first, last, rows)
    index = ids[random.integers(0, children, rows // 2)], random.integers(first, last, rows // 2)
    return (*events, *index)


def with_rereferral(child: Any, day: Any, index_child: Any, index_day: Any) -> np.ndarray:
    """`rereferral.link`, ledger and all."""
    import rereferral as rr

    links = rr.link(
        {"child": index_child, "closed": index_day},
        {"child": child, "referred": day},
        person="child",
        index_date="closed",
        event_date="referred",
        window=DAYS,
        followup="ignored",
    )
    return links.gap_days


def with_duckdb(child: Any, day: Any, index_child: Any, index_day: Any) -> np.ndarray:
    """The hash join, which beats the as-of join."""
    import duckdb

    database = duckdb.connect(config={"threads": 1, "preserve_insertion_order": False})
    refs = {"child": child, "d": day}
    idx = {"row": np.arange(len(index_child)), "child": index_child, "d": index_day}
    database.register("ref", refs)
    database.register("idx", idx)
    found = database.execute(
        "SELECT i.row AS row, min(r.d) - any_value(i.d) AS gap FROM idx i JOIN ref r "
        f"ON r.child = i.child AND r.d > i.d AND r.d <= i.d + {DAYS} GROUP BY i.row"
    ).fetchnumpy()
    gap = np.full(len(index_child), -1, np.int32)
    gap[found["row"]] = found["gap"]
    return gap


def with_pandas(child: Any, day: Any, index_child: Any, index_day: Any) -> np.ndarray:
    """Merge, filter, minimum by row."""
    import pandas as pd

    refs = pd.DataFrame({"child": child, "rd": day.astype(np.int32)})
    rows = np.arange(len(index_child), dtype=np.int32)
    idx = pd.DataFrame({"row": rows, "child": index_child, "d": index_day.astype(np.int32)})
    pairs = idx.merge(refs, on="child", sort=False)
    gap = (pairs["rd"] - pairs["d"]).to_numpy()
    keep = (gap > 0) & (gap <= DAYS)
    best = np.full(len(index_child), np.iinfo(np.int32).max, np.int32)
    np.minimum.at(best, pairs["row"].to_numpy()[keep], gap[keep])
    best[best == np.iinfo(np.int32).max] = -1
    return best


def one_run(engine: str, rows: int) -> dict[str, Any]:
    """Time one engine on data made here."""
    arrays = data(rows)
    work = {"rereferral": with_rereferral, "duckdb": with_duckdb, "pandas": with_pandas}[engine]
    work(*(array[:1000] for array in arrays))  # imports and first calls are not what is measured
    begin = time.perf_counter()
    gap = work(*arrays)
    seconds = time.perf_counter() - begin
    return {
        "seconds": seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "matches": int((gap >= 0).sum()),
        "gaps": int(gap[gap >= 0].sum(dtype=np.int64)),
    }


def run(runs: int, rows: int) -> dict[str, Any]:
    """All engines in turn; print and return the medians."""
    present = [name for name in ENGINES if importlib.util.find_spec(name) is not None]
    for name in set(ENGINES) - set(present):
        print(f"link: {name} is not installed and is left out")
    print(f"\nlink: {rows:,} referrals, {rows // 2:,} index events, int64 ids, one thread")
    results = interleaved(present, runs, lambda name: in_process("tests.bench.link", name, rows))
    answers = {(run["matches"], run["gaps"]) for found in results.values() for run in found}
    if len(answers) != 1:
        raise RuntimeError(f"the engines disagree: {answers}")
    ours = median(results["rereferral"], "seconds")
    lines = [("engine", "median s", "least s", "to ours", "peak MB")]
    for name, found in results.items():
        seconds = median(found, "seconds")
        lines.append(
            (
                name,
                f"{seconds:.2f}",
                f"{min(run['seconds'] for run in found):.2f}",
                f"{seconds / ours:.1f} x",
                f"{median(found, 'peak_mb'):.0f}",
            )
        )
    table(lines)
    return {name: {"runs": found} for name, found in results.items()}


if __name__ == "__main__":
    print(json.dumps(one_run(sys.argv[1], int(sys.argv[2]))))
