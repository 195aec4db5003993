"""The results as a picture: how many times as long as ours the peers take, by job."""

from __future__ import annotations

import pathlib
from typing import Any

from tests.bench.catalogue import JOBS
from tests.bench.runner import median

#: Okabe and Ito's colours, which people who confuse red and green can tell apart.
BLUE, ORANGE, GREY, BLACK = "#0072B2", "#E69F00", "#999999", "#000000"


def draw(results: dict[str, Any], path: pathlib.Path) -> None:
    """Save it; each row is a job, the scale is logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    jobs = {name: results["jobs"][name] for name in JOBS if name in results["jobs"]}
    figure, axes = plt.subplots(figsize=(11, 1.6 + 0.6 * len(jobs)), layout="constrained")
    for row, result in enumerate(jobs.values()):
        draw_job(axes, row, result)
    axes.set_yticks(range(len(jobs)), [label(name, jobs[name]) for name in jobs])
    axes.invert_yaxis()
    axes.set_xscale("log")
    ticks = [0.25, 0.5, 1, 2, 4, 8, 16, 32]
    axes.set_xticks(ticks, [f"{tick:g} ×" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(0.2, 45)
    axes.axvline(1, color=BLACK, linewidth=0.8)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    machine = results["machine"]
    axes.set_title(
        f"Times as long as rereferral takes: {machine['processor']}, "
        f"{machine['processors']} processors",
        loc="left",
        fontsize=11,
    )
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(
        unique.values(), unique.keys(), loc="outside lower center", ncols=5, frameon=False
    )
    figure.savefig(path, dpi=150)
    plt.close(figure)


def label(name: str, result: dict[str, Any]) -> str:
    """The job, its seconds, and the peer that the bar goes to with its own."""
    threads = result["summary"]["threads"]
    if not threads:
        return f"{name}\nmissing"
    most = threads[max(threads, key=int)]
    theirs = most["ratio"] * most["seconds"]
    return f"{name}  {most['seconds']:.2f} s\n{most['against']}  {theirs:.2f} s"


def draw_job(axes: Any, row: int, result: dict[str, Any]) -> None:
    """A bar to the best peer, a dot for every other, marks for least and aim."""
    found = result["summary"]
    for kind, marker in (("least", "|"), ("aim", "D")):
        if found[kind] is not None:
            axes.scatter(
                found[kind],
                row,
                marker=marker,
                s=170 if kind == "least" else 42,
                **({"color": BLACK} if kind == "least" else {"fc": "none", "ec": BLACK}),
                linewidths=2 if kind == "least" else 1.2,
                zorder=4,
                label=f"{kind} asked for",
            )
    if not found["threads"]:
        return
    most = found["threads"][max(found["threads"], key=int)]
    axes.barh(
        row, most["ratio"] - 1, left=1, height=0.5, color=BLUE, label="the peer named, all threads"
    )
    for engine, runs in result["engines"].items():
        if engine not in result["ours"]:
            seconds = median(runs[max(runs, key=int)])
            axes.scatter(
                min(seconds / most["seconds"], 43),
                row,
                s=16,
                color=GREY,
                zorder=3,
                label="every peer",
            )
    if "1" in found["threads"]:
        axes.scatter(
            found["threads"]["1"]["ratio"],
            row,
            marker="s",
            s=34,
            color=ORANGE,
            edgecolors=BLACK,
            linewidths=0.5,
            zorder=5,
            label="the best peer, one thread each",
        )
