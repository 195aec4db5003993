"""Count on how many random linkages the package and the reference differ, rule by rule.

python tests/count_properties.py --cases 2000 --seed 1
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, Phase, given, seed, settings

from clothes import Case, dress_plainly
from comparing import disagreements, plain_reference, run_reference
from linking_cases import dressed_cases
from preset_cases import preset_cases
from reference import PRESETS, Linked, RefusedError
from rule_cases import RULES, dressed_rule_cases
from spell_cases import SpellCase, spell_cases, spell_faults


@dataclass
class Tally:
    """What the cases of one kind came to."""

    rule: str
    cases: int = 0
    refused: int = 0
    linked: int = 0
    decisive: int = 0
    rows: int = 0
    linked_rows: int = 0
    different: list[Case | SpellCase] = field(default_factory=list)

    def add(self, case: Case | SpellCase) -> None:
        self.cases += 1
        if isinstance(case, Case):
            self.describe(case)
        if faults_of(case):
            self.different.append(case)

    def describe(self, case: Case) -> None:
        answers = answers_of(case)
        if answers is None:
            self.refused += 1
        else:
            outcomes = [outcome for linked in answers for outcome in linked.outcome]
            self.linked += "linked" in outcomes
            self.linked_rows += outcomes.count("linked")
            self.rows += sum(sum(linked.followed) for linked in answers)
            self.decisive += is_decisive(self.rule, case, answers)

    def line(self) -> str:
        numbers = [self.cases, self.refused]
        shares = [share(self.linked, self.cases) if self.rows else ""]
        shares += [share(self.linked_rows, self.rows)]
        shares += [share(self.decisive, self.cases) if self.rule in WITHOUT else ""]
        cells = [f"{number:>9,}" for number in numbers] + [f"{cell:>10}" for cell in shares]
        return f"{self.rule:<22}{''.join(cells)}{len(self.different):>11,}"


HEAD = (
    f"{'rule or definition':<22}{'cases':>9}{'refused':>9}{'with link':>10}{'rows':>10}"
    f"{'decisive':>10}{'different':>11}"
)
LEGEND = """with link: cases with a linked row; rows: share of the rows counted that are linked;
decisive: cases in which leaving the rule out changes what is found; different: disagreements"""


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else ""


def answers_of(case: Case) -> list[Linked] | None:
    """The reference's answer for each window; None where the rules contradict each other."""
    try:
        answers = run_reference(case)
    except RefusedError:
        return None
    return answers if isinstance(answers, list) else [answers]


def without(*names: str):
    return lambda rules: {name: value for name, value in rules.items() if name not in names}


def not_asked(name: str, nothing):
    """Without one condition of the eligible."""
    return lambda rules: {**rules, "eligible": replace(rules["eligible"], **{name: nothing})}


WITHOUT = {
    "take": without("take"),
    "min_gap": without("min_gap", "within_gap"),
    "within_gap": without("within_gap"),
    "after": without("after"),
    "age at index": not_asked("age_at_index", {}),
    "age at event": not_asked("age_at_event", {}),
    "length": not_asked("length", {}),
    "history": not_asked("history", None),
    "history column": not_asked("history", None),
    "washout": without("washout", "rolling"),
    "rolling": without("rolling"),
    "select": without("select", "per"),
    "veto": without("veto"),
    "confirm": without("confirm"),
    "exits": without("exits"),
    "claim": without("claim"),
    "mediator": without("mediator"),
    "event_filter": without("event_filter"),
}


def is_decisive(rule: str, case: Case, answers: list[Linked]) -> bool:
    """Whether a rule changes what is found, or a mediator parts the rows that are counted."""
    if rule not in WITHOUT:
        return False
    others = answers_of(replace(case, rules=WITHOUT[rule](case.rules)))
    parted = {"mediated", "not mediated"} <= {arm for linked in answers for arm in linked.arm}
    return parted or (
        others is not None
        and any(
            plain_reference(linked) != plain_reference(other)
            for linked, other in zip(answers, others, strict=True)
        )
    )


def faults_of(case: Case | SpellCase) -> list[str]:
    """Disagreements, among which an error that nobody foresaw."""
    try:
        return disagreements(case) if isinstance(case, Case) else spell_faults(case)
    except Exception as error:  # of the package, to be counted and shown like a wrong answer
        return [f"{type(error).__name__}: {error}"]


def tally(rule: str, strategy, cases: int, start: int) -> Tally:
    found = Tally(rule)

    @seed(start)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def count(case: Case | SpellCase) -> None:
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


def smallest(case: Case | SpellCase) -> Case | SpellCase:
    """Rows and rules taken away one by one while both still differ."""
    if not isinstance(case, Case):
        return case
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


def show(case: Case | SpellCase) -> None:
    if isinstance(case, Case):
        show_linkage(case)
    else:
        print(f"    rows   {case.rows}\n    asked  {case.arguments}")
    for fault in faults_of(case):
        print(f"    FAULT  {fault}")


def show_linkage(case: Case) -> None:
    rows = " ".join(f"{row}" for row in case.index_rows)
    print(f"    index  {rows}")
    print("    events " + ("the same" if case.same_table else f"{case.event_rows}"))
    print(f"    asked  { ({k: v for k, v in case.arguments.items() if v is not None}) }")
    print(f"    rules  {case.rules}  by {case.by}, pairs {case.pairs}")


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
    strategies["merge_spells"] = spell_cases()
    if options.only:
        strategies = {options.only: strategies[options.only]}
    each = max(1, options.cases // len(strategies))
    cases = different = 0
    print(LEGEND)
    print(HEAD)
    for name, strategy in strategies.items():
        found = tally(name, strategy, each, options.seed)
        print(found.line(), flush=True)
        cases += found.cases
        different += len(found.different)
        kinds: dict[str, Case] = {}
        for case in found.different:
            least = smallest(case)
            kinds.setdefault(" ".join(faults_of(least)[0].split()[:2]), least)
        for case in list(kinds.values())[: options.show]:
            show(case)
    print(f"{cases:,} cases, {different:,} disagreements")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
