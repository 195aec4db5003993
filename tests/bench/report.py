"""The whole job: ``rereferral report`` on simulated England, from CSV to page.

The simulation is made once and not timed. Time and memory are those of the whole command.
"""

from __future__ import annotations

import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from tests.bench.printing import table


def command(*arguments: object) -> tuple[float, float]:
    """Seconds and peak megabytes of one ``rereferral`` command."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "rereferral", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"rereferral {arguments[0]} failed:\n{output}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return time.perf_counter() - begin, peak


def run(runs: int, rows: int) -> dict[str, Any]:
    """Simulate once, report several times; print and return the medians."""
    del rows  # England has as many as it has
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        found = []
        simulate = ["simulate", "--calibration", "report", "--seed", "1"]
        command(*simulate, "--out", folder / "data")
        episodes = folder / "data" / "episodes.csv"
        with episodes.open("rb") as file:
            lines = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
        megabytes = episodes.stat().st_size / 1e6
        print(f"\nreport: {lines - 1:,} episodes, {megabytes:.0f} MB of CSV, to the page")
        for _ in range(runs):
            seconds, peak = report_once(episodes, folder / "report")
            found.append({"seconds": seconds, "peak_mb": peak})
    seconds = [run["seconds"] for run in found]
    table(
        [
            ("", "median s", "least s", "peak MB"),
            (
                "rereferral report",
                f"{statistics.median(seconds):.1f}",
                f"{min(seconds):.1f}",
                f"{max(run['peak_mb'] for run in found):.0f}",
            ),
        ]
    )
    return {"episodes": lines - 1, "megabytes": megabytes, "runs": found}


def report_once(episodes: pathlib.Path, out: pathlib.Path) -> tuple[float, float]:
    """One ``rereferral report`` in a process whose own children are none but it."""
    code = (
        "import json, sys; from tests.bench.report import command; "
        "print(json.dumps(command(*sys.argv[1:])))"
    )
    arguments = ["report", episodes, "--years", "2016-2020", "--observed-until", "2021-03-31"]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments), "--out", str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    seconds, peak = json.loads(done.stdout)
    return seconds, peak
