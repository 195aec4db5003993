"""Results as text."""

from __future__ import annotations

from typing import Any

from tests.bench.catalogue import JOBS
from tests.bench.runner import median

Results = dict[str, Any]


def table(lines: list[tuple[str, ...]]) -> None:
    """Print lines in columns, the first to the left."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        print("  ".join(cells).rstrip())


def machine(found: Results) -> None:
    """What the times were taken on."""
    print(
        f"{found['processor']}, {found['processors']} processors, {found['memory_gb']} GB; "
        f"one thread copies {found['copy_gb_per_second']} GB a second; two threads do "
        f"{found['two_threads_memory']} times as much where memory is the bound, "
        f"{found['two_threads_compute']} times where computing is"
    )
    parts = [f"{name} {version or 'missing'}" for name, version in found["versions"].items()]
    print(", ".join(parts))


def job(name: str, result: Results) -> None:
    """The times of every engine, and what they come to."""
    print(f"\n{name}: {result['title']}")
    counts = sorted({int(n) for runs in result["engines"].values() for n in runs})
    head = ["engine"]
    for n in counts:
        head += [f"{n} thread{'s' * (n > 1)}: median", "least", "first call", "runs", "peak MB"]
    lines = [tuple(head)]
    for engine, runs in result["engines"].items():
        cells = [engine]
        for n in counts:
            every = runs.get(str(n))
            if every is None:
                cells += ["", "", "", "", ""]
                continue
            least = min(run["seconds"] for run in every)
            first, peak = median(every, "first_seconds"), median(every, "peak_bytes") / 1e6
            cells += [f"{median(every):.3f}", f"{least:.3f}", f"{first:.3f}"]
            cells += [str(len(every)), f"{peak:,.0f}"]
        lines.append(tuple(cells))
    table(lines)
    for engine, why in result["missing"].items():
        print(f"missing: {engine}, {why}")
    copy = result["memcpy"]
    print(f"memcpy of {copy['bytes'] / 1e6:,.0f} MB in and out: {copy['seconds']:.3f} s")
    verdict(name, result)


def verdict(name: str, result: Results) -> None:
    """Ratios, least and aim; and what bounds it where the aim is not reached."""
    found = result["summary"]
    for n, line in found["threads"].items():
        print(
            f"{found['ours']} on {n} thread{'s' * (n != '1')}: {line['against']} takes "
            f"{line['ratio']:.2f} times as long, {line['first_ratio']:.2f} times on the first "
            f"call; {line['to_memcpy']:.1f} times memcpy"
        )
    if "peak_to_inputs" in found:
        print(f"peak memory: {found['peak_to_inputs']:.2f} times the bytes of the inputs")
    if found["least"] is not None:
        reached = {
            "aim": "the aim is reached",
            "least": "the least is reached, the aim is not",
            "no": "NOT reached",
            "missing": "MISSING",
        }[found["reached"]]
        print(f"least {found['least']:g} times, aim {found['aim']:g} times: {reached}")
    if found["reached"] in ("aim", "missing"):
        return
    for engine, functions in result["profile"].items():
        parts = [f"{line['function']} {line['seconds']:.3f} s" for line in functions[:6]]
        print(f"time of {engine} by function: {'; '.join(parts)}")
    if result["bound"]:
        print(f"bound: {result['bound']}")


def overview(jobs: dict[str, Results]) -> None:
    """The table of all jobs."""
    head = "job, ours s, best peer, its s, ratio, least, aim, reached, first call, 1 thread, peak"
    lines = [tuple(head.split(", "))]
    for name in [name for name in JOBS if name in jobs]:
        result = jobs[name]
        found = result["summary"]
        threads = found["threads"]
        if not threads:
            asked = mark(found["least"]), mark(found["aim"])
            lines.append((name, "", "", "", "", *asked, "missing", "", "", ""))
            continue
        most = threads[max(threads, key=int)]
        one = threads.get("1")
        lines.append(
            (
                name,
                f"{most['seconds']:.3f}",
                most["against"],
                f"{most['ratio'] * most['seconds']:.3f}",
                f"{most['ratio']:.2f} x",
                mark(found["least"]),
                mark(found["aim"]),
                found["reached"],
                f"{most['first_ratio']:.2f} x",
                f"{one['ratio']:.2f} x" if one else "",
                f"{found['peak_to_inputs']:.2f} x" if "peak_to_inputs" in found else "",
            )
        )
    print("\nall jobs, most threads; peak: resident memory to the bytes of the inputs")
    table(lines)


def mark(number: float | None) -> str:
    """A least or an aim."""
    return "" if number is None else f"{number:g} x"
