"""Times a piece of work in a process of its own, with its peak memory."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Any


def in_process(module: str, *arguments: object) -> dict[str, Any]:
    """Run ``python -m module arguments`` and read the JSON object on its last line."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def interleaved(names: list[str], runs: int, once: Any) -> dict[str, list[dict[str, Any]]]:
    """Call ``once(name)`` for each name in turn, `runs` times over."""
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(runs):
        for name in names:
            results[name].append(once(name))
    return results


def median(results: list[dict[str, Any]], key: str) -> float:
    """The median of one figure over the runs."""
    return statistics.median(result[key] for result in results)


def table(lines: list[tuple[str, ...]]) -> None:
    """Print lines in columns, the first to the left."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        print("  ".join(cells))
