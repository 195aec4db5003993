"""One run of one engine: ``python -m tests.bench.one JOB ENGINE FOLDER SMALL THREADS``.

The engine does the job on a small data set first, so that imports are not what is measured; then
twice on the data. The answer of the first time is what is compared with those of other engines, and
shows its memory; the second time is what is judged, because analysts call more than once in a
notebook, and because what the first touch of memory costs differs much from machine to machine and
from minute to minute. Both times are kept. The last line of the output is a JSON object.
"""

from __future__ import annotations

import cProfile
import gc
import json
import pathlib
import pstats
import sys
import time
from typing import Any

from tests.bench import memory
from tests.bench.catalogue import JOBS
from tests.bench.engines import Engine, Loaded, Work

LINES = 8  # of a profile


def loaded(engine: Engine, folder: pathlib.Path, threads: int) -> Loaded:
    """The work of an engine on the data of a folder."""
    found = engine.load(folder, threads)
    return found if isinstance(found, Loaded) else Loaded(found)


def profile(work: Work) -> list[dict[str, Any]]:
    """Where the time goes: functions by the seconds spent in themselves."""
    profiler = cProfile.Profile()
    profiler.runcall(work)
    stats = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    by_time = sorted(stats.items(), key=lambda item: -item[1][2])[:LINES]
    return [
        {
            "function": name if file == "~" else f"{pathlib.Path(file).stem}.{name}",
            "seconds": round(seconds, 4),
            "calls": calls,
        }
        for (file, _, name), (_, calls, seconds, _, _) in by_time
    ]


def timed(work: Work) -> tuple[float, Any]:
    """How long it takes, and its result."""
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def run(
    job_name: str, engine_name: str, folder: pathlib.Path, small: pathlib.Path, threads: int
) -> dict[str, Any]:
    """Seconds, peak memory above the interpreter with its libraries, and the answer.

    `first_seconds` is the first call of the process on such data, `seconds` the second.
    """
    job = JOBS[job_name]
    engine = job.engines[engine_name]
    if not isinstance(engine, Engine):
        raise TypeError(f"{engine_name} is a script")
    loaded(engine, small, threads).work()
    gc.collect()
    before = memory.now()
    inputs = loaded(engine, folder, threads)
    gc.collect()
    memory.forget_peak()
    first_seconds, result = timed(inputs.work)
    peak = memory.peak() - before
    answer = job.answer(result, folder)
    del result
    gc.collect()
    seconds, result = timed(inputs.work)
    if job.answer(result, folder) != answer:
        raise RuntimeError(f"{engine_name}: the second answer differs from the first")
    return {
        "seconds": seconds,
        "first_seconds": first_seconds,
        "peak_bytes": peak,
        "input_bytes": inputs.input_bytes,
        "answer": answer,
    }


def main() -> None:
    """One run; with ``profile`` as the last argument, where its time goes."""
    job, engine, folder, small, threads, *more = sys.argv[1:]
    where = pathlib.Path(folder), pathlib.Path(small), int(threads)
    if more == ["profile"]:
        chosen = JOBS[job].engines[engine]
        assert isinstance(chosen, Engine)
        loaded(chosen, where[1], where[2]).work()
        print(json.dumps({"profile": profile(loaded(chosen, where[0], where[2]).work)}))
    else:
        print(json.dumps(run(job, engine, *where)))


if __name__ == "__main__":
    main()
