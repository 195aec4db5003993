"""Run the benchmarks, print them, and keep them as JSON.

python -m tests.bench [link] [rules] [tally] [report] [--runs 5] [--rows N] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import pathlib
import platform

from tests.bench import link, report, rules, tally

BENCHMARKS = {"link": link.run, "rules": rules.run, "tally": tally.run, "report": report.run}


def main() -> None:
    """Run what is asked for, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("which", nargs="*", choices=[*BENCHMARKS, []], help="default: all")
    parser.add_argument("--runs", type=int, default=5, help="of each, interleaved (5)")
    parser.add_argument("--rows", type=int, default=10_000_000, help="outcome events (10 million)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out/bench.json"))
    arguments = parser.parse_args()
    results = {"machine": {"processor": platform.machine(), "python": platform.python_version()}}
    for name in arguments.which or BENCHMARKS:
        results[name] = BENCHMARKS[name](arguments.runs, arguments.rows)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nkept in {arguments.out}")


if __name__ == "__main__":
    main()
