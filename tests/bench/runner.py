"""Runs the engines of a job in turn, each run in a process of its own, and judges the times.

The first round shows whether all answers are alike; no time is given unless they are. An engine
that took several times as long as the best peer in it is not run again.
"""

from __future__ import annotations

import json
import os
import pathlib
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from tests.bench.bounds import BOUNDS
from tests.bench.catalogue import JOBS
from tests.bench.data import GROUPS, folder_of
from tests.bench.engines import Script

SMALL_ROWS = 20_000  # of the data that a process warms up on
SLOW = 3.0
R_SCRIPT = pathlib.Path(__file__).with_name("datatable.R")

Results = dict[str, Any]


def in_process(module: str, *arguments: object) -> Results:
    """Run ``python -m module arguments`` and read the JSON object on its last line."""
    return last_line([sys.executable, "-m", module, *map(str, arguments)], dict(os.environ))


def last_line(command: list[str], environment: dict[str, str]) -> Results:
    """The JSON object on the last line that a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    found: Results = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def limited(threads: int) -> dict[str, str]:
    """The environment in which every engine uses so many threads."""
    names = ("POLARS_MAX_THREADS", "REREFERRAL_THREADS", "OMP_NUM_THREADS", "ARROW_IO_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(threads))}


def once(
    job: str,
    engine: str,
    folders: tuple[pathlib.Path, pathlib.Path],
    threads: int,
    *more: str,
) -> Results:
    """One run of one engine."""
    chosen = JOBS[job].engines[engine]
    if isinstance(chosen, Script):
        command = ["Rscript", str(R_SCRIPT), job, *map(str, folders), str(threads)]
    else:
        command = [sys.executable, "-m", "tests.bench.one", job, engine]
        command += [*map(str, folders), str(threads), *more]
    return last_line(command, limited(threads))


def check_alike(job: str, results: Iterable[tuple[str, Results]]) -> Results:
    """The one answer that all gave; of R's script a part, which does no checksums of text."""
    first_name, first = "", None
    for name, result in results:
        if first is None:
            first_name, first = name, result["answer"]
        elif not result["answer"] or result["answer"].items() - first.items():
            raise RuntimeError(
                f"{job}: the answers differ: {first_name} has {first}, {name} {result['answer']}"
            )
    return first or {}


def median(runs: list[Results], key: str = "seconds") -> float:
    """The median of one figure over the runs."""
    return statistics.median(run[key] for run in runs)


def measure(
    name: str,
    asked: int,
    runs: int,
    thread_counts: list[int],
    root: pathlib.Path,
    wanted: Sequence[str] = ("",),
) -> Results:
    """Everything about a job: the runs of all engines, and what they come to.

    Engines are left out if their name has none of the `wanted` texts in it.
    """
    job = JOBS[name]
    rows = job.rows(asked)
    folders = folder_of(root, job.data, rows), folder_of(root, job.data, job.rows(SMALL_ROWS))
    asked_for = [name for name in job.engines if any(text in name for text in wanted)]
    missing = {engine: job.engines[engine].missing() for engine in asked_for}
    present = [engine for engine, why in missing.items() if not why]
    # What uses one thread whatever it may is run with one.
    times = [
        (engine, threads)
        for threads in thread_counts
        for engine in present
        if job.engines[engine].threads or threads == min(thread_counts)
    ]
    found: dict[tuple[str, int], list[Results]] = {}
    for engine, threads in times:
        try:
            found[engine, threads] = [once(name, engine, folders, threads)]
        except RuntimeError as error:
            if job.engines[engine].ours:
                raise
            # A peer's next release must not cost the other results.
            missing[engine] = "it failed: " + str(error).strip().splitlines()[-1]
            continue
        check_alike(name, [(engine, run[0]) for (engine, _), run in found.items()])
    again = [key for key in found if is_near(name, key, found)]
    copies = []
    weight = input_bytes(name, found) + job.output_bytes(rows)
    for _ in range(runs - 1):
        again.reverse()  # so that nobody always comes after the same one
        for engine, threads in again:
            found[engine, threads].append(once(name, engine, folders, threads))
    for _ in range(runs):
        copies.append(in_process("tests.bench.machine", weight)["seconds"])
    answer = check_alike(name, [(key[0], run) for key, every in found.items() for run in every])
    engines: Results = {}
    for (engine, threads), every in found.items():
        for run in every:
            del run["answer"]
        engines.setdefault(engine, {})[str(threads)] = every
    first = next(engine for engine in job.engines if job.engines[engine].ours)
    profile = {}
    if first in present:
        threads = max(thread_counts)
        profile = {first: once(name, first, folders, threads, "profile")["profile"]}
    result = {
        "title": job.title.format(rows=spelled(rows), half=spelled(rows // 2), groups=GROUPS),
        "rows": rows,
        "engines": engines,
        "ours": [engine for engine in engines if job.engines[engine].ours],
        "missing": {engine: why for engine, why in missing.items() if why},
        "answer": answer,
        "input_bytes": input_bytes(name, found),
        "memcpy": {"bytes": weight, "seconds": statistics.median(copies)},
        "profile": profile,
        "bound": BOUNDS.get(name, ""),
    }
    return result | {"summary": summary(name, result, thread_counts)}


def spelled(n: int) -> str:
    """A number of rows, in millions where it is one."""
    return f"{n / 1e6:g} million" if n >= 1_000_000 else f"{n:,}"


def input_bytes(name: str, found: dict[tuple[str, int], list[Results]]) -> int:
    """What the inputs of the first of ours weigh, or of whoever says."""
    ours = [run for (engine, _), run in found.items() if JOBS[name].engines[engine].ours]
    return next((run[0]["input_bytes"] for run in ours if run[0].get("input_bytes")), 0)


def is_near(name: str, key: tuple[str, int], found: dict[tuple[str, int], list[Results]]) -> bool:
    """Whether an engine is worth more runs: ours, or not far behind the best peer."""
    engines = JOBS[name].engines
    if engines[key[0]].ours or key[0] == JOBS[name].against:
        return True
    rivals = [
        run[0]["seconds"]
        for (engine, threads), run in found.items()
        if not engines[engine].ours and threads == key[1]
    ]
    return bool(found[key][0]["seconds"] <= SLOW * min(rivals))


def summary(name: str, result: Results, thread_counts: list[int]) -> Results:
    """Ratios to the best peer and to memcpy, by number of threads, and whether they are enough."""
    job = JOBS[name]
    first = next(engine for engine in job.engines if job.engines[engine].ours)
    by_threads = {}
    for threads in thread_counts:
        every = {
            engine: runs.get(str(threads)) or next(iter(runs.values()))
            for engine, runs in result["engines"].items()
            if str(threads) in runs or not job.engines[engine].threads
        }
        times = {engine: median(runs) for engine, runs in every.items()}
        peers = {engine: s for engine, s in times.items() if not job.engines[engine].ours}
        if first not in times or not peers:
            continue
        best = min(peers, key=lambda engine: peers[engine])
        rival = job.against if job.against in peers else best
        at_first = {engine: median(runs, "first_seconds") for engine, runs in every.items()}
        first_rival = (
            rival if job.against in peers else min(peers, key=lambda engine: at_first[engine])
        )
        by_threads[str(threads)] = {
            "seconds": times[first],
            "best_peer": best,
            "best_peer_seconds": peers[best],
            "against": rival,
            "ratio": peers[rival] / times[first],
            "first_ratio": at_first[first_rival] / at_first[first],
            "to_memcpy": times[first] / result["memcpy"]["seconds"],
        }
    most = by_threads.get(str(max(thread_counts)))
    reached = "missing" if most is None else ""
    if most is not None and job.least is not None and job.aim is not None:
        ratio = most["ratio"]
        reached = "aim" if ratio >= job.aim else "least" if ratio >= job.least else "no"
    found = {"ours": first, "least": job.least, "aim": job.aim, "reached": reached}
    own = result["engines"].get(first, {}).get(str(max(thread_counts)))
    if own and result["input_bytes"]:
        found["peak_to_inputs"] = median(own, "peak_bytes") / result["input_bytes"]
    return found | {"threads": by_threads}
