"""Run the benchmarks, print them, and keep them as JSON and as a picture.

python -m tests.bench [JOB ...] [--runs 5] [--rows 10000000] [--threads 1,2] [--out FOLDER]

Jobs that are not named keep the results that the folder has of them. ``growth`` times a link at
several sizes (--sizes); ``rules`` is what rules cost beside the plain link, ``tally`` what tables
of rates and curves do, ``report`` the whole command.
"""

from __future__ import annotations

import argparse
import json
import pathlib
from typing import Any

from tests.bench import growth, machine, picture, printing, report, rules, runner, tally
from tests.bench.catalogue import JOBS
from tests.bench.data import folder_of
from tests.bench.runner import SMALL_ROWS

OTHERS = {"rules": rules.run, "tally": tally.run, "report": report.run}
FORM = 2  # of what is kept
BENCHMARKS = [*JOBS, "growth", *OTHERS]


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("which", nargs="*", metavar="JOB", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--runs", type=int, default=5, help="of each engine, interleaved (5)")
    parser.add_argument("--rows", type=int, default=10_000_000, help="outcome events (10 million)")
    parser.add_argument("--threads", type=numbers, default=[1, 2], help="to be tried (1,2)")
    parser.add_argument("--sizes", type=numbers, help="rows for growth (a tenth of rows, and rows)")
    parser.add_argument("--engines", help="only those with one of these texts (a,b) in the name")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out/bench"))
    parser.add_argument("--data", type=pathlib.Path, help="where inputs are kept (OUT/data)")
    parser.add_argument("--make-data", action="store_true", help="make the inputs, measure nothing")
    found = parser.parse_args()
    unknown = set(found.which) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no job is called {', '.join(sorted(unknown))}; {parser.format_help()}")
    if found.data is None:
        found.data = found.out / "data"
    return found


def numbers(text: str) -> list[int]:
    """Numbers with commas between."""
    return sorted({int(number) for number in text.split(",")})


def kept(path: pathlib.Path) -> dict[str, Any]:
    """Results of before, unless they were kept in another form."""
    found = json.loads(path.read_text()) if path.exists() else {}
    return found if found.get("form") == FORM else {"form": FORM, "jobs": {}}


def main() -> None:
    """Run what is asked for, one after the other; results are kept after each."""
    given = arguments()
    which = given.which or BENCHMARKS
    wanted = given.engines.split(",") if given.engines else [""]
    sizes = given.sizes or [given.rows // 10, given.rows]
    if given.make_data:
        both = given.rows, SMALL_ROWS
        needed = [(JOBS[name], rows) for name in which if name in JOBS for rows in both]
        needed += [(JOBS["link"], rows) for rows in sizes if "growth" in which]
        for job, rows in needed:
            folder_of(given.data, job.data, job.rows(rows))
        return
    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / "bench.json"
    results = kept(path)
    results["machine"] = machine.describe()
    printing.machine(results["machine"])
    for name in which:
        if name in JOBS:
            found = runner.measure(name, given.rows, given.runs, given.threads, given.data, wanted)
            results["jobs"][name] = found
            printing.job(name, found)
        elif name == "growth":
            results[name] = growth.run(sizes, given.runs, max(given.threads), given.data)
        else:
            results[name] = OTHERS[name](given.runs, given.rows)
        path.write_text(json.dumps(results, indent=1) + "\n")
    if results["jobs"]:
        printing.overview(results["jobs"])
        picture.draw(results, given.out / "bench.png")
    print(f"\nkept in {given.out}")


if __name__ == "__main__":
    main()
