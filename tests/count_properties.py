"""Count on how many random linkages `rr.link` and the reference differ.

python tests/count_properties.py --cases 2000 --seed 1
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from hypothesis import HealthCheck, Phase, given, seed, settings

from clothes import Case
from comparing import disagreements, run_reference
from linking_cases import dressed_cases
from reference import RefusedError


def describe(case: Case) -> list[str]:
    """What a case is an example of."""
    try:
        linked = run_reference(case)
    except RefusedError:
        return ["refused by both or by one"]
    found = [f"outcome {name}" for name in set(linked.outcome)]
    found.append("the same table twice" if case.same_table else "two tables")
    found += ["an empty table"] if not (case.index_rows and case.event_rows) else []
    for name in ("direction", "followup"):
        found.append(f"{name} {case.rules.get(name, 'by default')}")
    for table in ("index", "events"):
        looks = case.looks.get(table, {})
        found += [f"container {looks['container']}"] if looks else []
        found += [f"key as {looks[name]}" for name in ("child", "person") if name in looks]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--show", type=int, default=1, help="how many differences of a kind to print"
    )
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    different: dict[str, list[tuple[int, str]]] = {}

    @seed(options.seed)
    @settings(
        max_examples=options.cases,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(dressed_cases())
    def count(case: Case) -> None:
        counts["cases"] += 1
        counts.update(set(describe(case)))
        faults = disagreements(case)
        if faults:
            text = "\n  ".join([repr(case), *faults])
            size = len(case.index_rows) + len(case.event_rows)
            different.setdefault(" ".join(faults[0].split()[:6]), []).append((size, text))

    count()
    for what, number in sorted(counts.items(), key=lambda item: (item[0] != "cases", item[0])):
        print(f"{number:8,}  {what}")
    print(f"{sum(map(len, different.values())):8,}  disagreements")
    for kind, examples in different.items():
        print(f"{len(examples):8,}  {kind}")
        for _, text in sorted(examples)[: options.show]:
            print(text)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
