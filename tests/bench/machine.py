"""The machine: what it is, how two threads scale on it, and how fast it copies memory."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

PACKAGES = ["rereferral", "numpy", "pandas", "pyarrow", "duckdb", "polars"]
TRIES = 5


def processor() -> str:
    """What the processor calls itself."""
    info = pathlib.Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def processors() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def r_version() -> str | None:
    """R and data.table, if both are there."""
    if shutil.which("Rscript") is None:
        return None
    code = 'cat(as.character(getRversion()), as.character(packageVersion("data.table")))'
    done = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None
    version, data_table = done.stdout.split()[-2:]
    return f"{data_table} on R {version}"


def versions() -> dict[str, str | None]:
    """Of everything that is measured; None for what is not installed."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found | {"data.table": r_version()}


def seconds_of(work: Callable[[int], object], threads: int) -> float:
    """Least time in which each of `threads` threads has done the work; they are numbered from 0."""
    least = float("inf")
    for _ in range(TRIES):
        workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
        begin = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        least = min(least, time.perf_counter() - begin)
    return least


def copy_seconds(n_bytes: int) -> float:
    """Least time in which one thread copies so many bytes, both sides in memory."""
    source, target = np.ones((2, max(n_bytes, 1)), np.uint8)
    return seconds_of(lambda _: np.copyto(target, source), 1)


def scaling() -> dict[str, float]:
    """Times as much work as one thread that two do, of two kinds of work, and the copy's speed."""
    size = 200_000_000
    source, target = np.ones((2, 2, size), np.uint8)
    block = bytes(1 << 20)

    def copy(n: int) -> None:
        np.copyto(target[n], source[n])

    def compute(n: int) -> None:
        for _ in range(100):
            hashlib.sha256(block).digest()

    one_copy = seconds_of(copy, 1)
    return {
        "copy_gb_per_second": size / one_copy / 1e9,
        "two_threads_memory": 2 * one_copy / seconds_of(copy, 2),
        "two_threads_compute": 2 * seconds_of(compute, 1) / seconds_of(compute, 2),
    }


def describe() -> dict[str, Any]:
    """Everything about the machine that a ratio may depend on."""
    memory = pathlib.Path("/proc/meminfo")
    kilobytes = int(memory.read_text().split()[1]) if memory.exists() else 0
    return {
        "processor": processor(),
        "architecture": platform.machine(),
        "processors": processors(),
        "memory_gb": round(kilobytes / 1e6, 1),
        **{name: round(value, 2) for name, value in scaling().items()},
        "versions": versions(),
    }


if __name__ == "__main__":
    print(json.dumps({"seconds": copy_seconds(int(sys.argv[1]))}))
