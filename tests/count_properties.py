"""Count on how many random linkages `rr.link` and the reference differ, rule by rule.

python tests/count_properties.py --cases 2000 --seed 1
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, Phase, given, seed, settings

from clothes import Case, dress_plainly
from comparing import disagreements, run_reference
from linking_cases import dressed_cases
from preset_cases import preset_cases
from reference import PRESETS, RefusedError
from rule_cases import RULES, dressed_rule_cases


@dataclass
class Tally:
    """What the cases of one kind came to."""

    cases: int = 0
    refused: int = 0
    linked: int = 0
    different: list[Case] = field(default_factory=list)

    def add(self, case: Case) -> None:
        self.cases += 1
        try:
            answers = run_reference(case)
        except RefusedError:
            self.refused += 1
        else:
            answers = answers if isinstance(answers, list) else [answers]
            self.linked += any("linked" in linked.outcome for linked in answers)
        if faults_of(case):
            self.different.append(case)


def faults_of(case: Case) -> list[str]:
    """Disagreements, among which an error that nobody foresaw."""
    try:
        return disagreements(case)
    except Exception as error:  # of the package, to be counted and shown like a wrong answer
        return [f"{type(error).__name__}: {error}"]


def tally(strategy, cases: int, start: int) -> Tally:
    found = Tally()

    @seed(start)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def count(case: Case) -> None:
        found.add(case)

    count()
    return found


# ---------------------------------------------------------------- the smallest difference


def smaller_cases(case: Case):
    """The case with a row less, or a rule or an argument at its default."""
    tables = ["index_rows"] if case.same_table else ["index_rows", "event_rows"]
    for name in tables:
        rows = getattr(case, name)
        for i in range(len(rows)):
            less = replace(case, **{name: [*rows[:i], *rows[i + 1 :]]})
            if case.same_table:
                less.event_rows = less.index_rows
            yield less
    for name in case.rules if case.preset is None else []:
        yield replace(case, rules={k: v for k, v in case.rules.items() if k != name})
    for name in set(case.arguments) - {"person", "index_date", "event_date"}:
        yield replace(case, arguments={k: v for k, v in case.arguments.items() if k != name})
    if case.by is not None:
        yield replace(case, by=None)


def smallest(case: Case) -> Case:
    """Rows and rules taken away one by one while both still differ."""
    if not faults_of(dress_plainly(replace(case))):
        return case  # it differs in its own clothes alone
    found = case
    going = True
    while going:
        going = False
        for less in smaller_cases(found):
            if faults_of(dress_plainly(less)):
                found, going = less, True
                break
    return dress_plainly(found)


def show(case: Case) -> None:
    rows = " ".join(f"{row}" for row in case.index_rows)
    print(f"    index  {rows}")
    print("    events " + ("the same" if case.same_table else f"{case.event_rows}"))
    print(f"    asked  { ({k: v for k, v in case.arguments.items() if v is not None}) }")
    print(f"    rules  {case.rules}  by {case.by}, pairs {case.pairs}")
    for fault in faults_of(case):
        print(f"    FAULT  {fault}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000, help="how many in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one rule or definition")
    parser.add_argument("--show", type=int, default=2, help="how many differences of each to print")
    options = parser.parse_args()
    strategies = {"any containers": dressed_cases()}
    strategies |= {rule: dressed_rule_cases(rule) for rule in RULES}
    strategies |= {name: preset_cases(name) for name in PRESETS}
    if options.only:
        strategies = {options.only: strategies[options.only]}
    each = max(1, options.cases // len(strategies))
    total: Counter[str] = Counter()
    print(f"{'rule or definition':<22}{'cases':>9}{'linked':>9}{'refused':>9}{'different':>11}")
    for name, strategy in strategies.items():
        found = tally(strategy, each, options.seed)
        numbers = (found.cases, found.linked, found.refused, len(found.different))
        print(f"{name:<22}{numbers[0]:>9,}{numbers[1]:>9,}{numbers[2]:>9,}{numbers[3]:>11,}")
        total.update(dict(zip(["cases", "linked", "refused", "different"], numbers, strict=True)))
        kinds: dict[str, Case] = {}
        for case in found.different:
            least = smallest(case)
            kinds.setdefault(" ".join(faults_of(least)[0].split()[:2]), least)
        for case in list(kinds.values())[: options.show]:
            show(case)
    print(f"{total['cases']:,} cases, {total['different']:,} disagreements")
    return 1 if total["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
