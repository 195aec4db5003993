"""How the time of a link grows with the rows."""

from __future__ import annotations

import pathlib
from typing import Any

from tests.bench.data import folder_of
from tests.bench.printing import table
from tests.bench.runner import SMALL_ROWS, check_alike, median, once, spelled

KEPT = ("seconds", "first_seconds", "peak_bytes", "input_bytes")
ENGINES = ["rereferral", "DuckDB", "polars streaming"]
MOST_ROWS = {"polars streaming": 30_000_000}  # it holds all pairs of both tables at once
LIMIT = 12.0  # times as long for ten times as many rows, for the largest step


def run(sizes: list[int], runs: int, threads: int, root: pathlib.Path) -> dict[str, Any]:
    """Time the job ``link`` at each size; print seconds and nanoseconds a row."""
    small = folder_of(root, "link", SMALL_ROWS)
    found: dict[str, dict[str, Any]] = {engine: {} for engine in ENGINES}
    for rows in sizes:
        folders = folder_of(root, "link", rows), small
        engines = [name for name in ENGINES if rows <= MOST_ROWS.get(name, rows)]
        every: dict[str, list[dict[str, Any]]] = {name: [] for name in engines}
        for _ in range(runs):
            for name in engines:
                every[name].append(once("link", name, folders, threads))
                check_alike("growth", [(engine, run) for engine in every for run in every[engine]])
        for name, timed in every.items():
            found[name][str(rows)] = [
                {key: run[key] for key in ("seconds", "first_seconds", "peak_bytes", "input_bytes")}
                for run in timed
            ]
    print(f"\ngrowth: link N / 2 index events to N events, {threads} threads")
    lines = [("engine", "rows", "median s", "ns a row", "to the last size", "peak GB", "to inputs")]
    for name, by_rows in found.items():
        last = 0.0
        for rows, timed in by_rows.items():
            seconds = median(timed)
            peak, weigh = median(timed, "peak_bytes"), median(timed, "input_bytes")
            lines.append(
                (
                    name,
                    spelled(int(rows)),
                    f"{seconds:.3f}",
                    f"{seconds / int(rows) / 1.5 * 1e9:.1f}",
                    f"{seconds / last:.1f} x" if last else "",
                    f"{peak / 1e9:.2f}",
                    f"{peak / weigh:.2f} x" if weigh else "",
                )
            )
            last = seconds
    table(lines)
    print(f"limit: {LIMIT:g} times as long for ten times as many rows")
    return {"sizes": sizes, "threads": threads, "limit": LIMIT, "engines": found}
