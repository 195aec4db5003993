"""Rows: keys, conditions, duplicates, the days of an area, and the ledger."""

from __future__ import annotations

import operator

SIGNS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def names_of(key, side: int) -> list[str]:
    """Column names of a key: a name, a list of names, or a pair (index, events) of either."""
    if isinstance(key, tuple):
        key = key[side]
    if key is None:
        return []
    return [key] if isinstance(key, str) else list(key)


def key_of(row: dict, names: list[str]):
    """The values of a key, or None if one of them is missing."""
    values = tuple(row[name] for name in names)
    return None if any(value is None for value in values) else values


def meets(value, wanted, limit=lambda limit: limit) -> bool:
    """Whether a value is the one wanted, one of a list, or on the right side of its limits.

    `limit` turns what a condition names into what the value is held against.
    """
    if value is None:
        return False
    if isinstance(wanted, tuple):
        pairs = zip(wanted[0::2], wanted[1::2], strict=True)
        return all(SIGNS[sign](value, limit(each)) for sign, each in pairs)
    if isinstance(wanted, list):
        return value in [limit(each) for each in wanted]
    return value == limit(wanted)


def passes(row: dict, conditions: dict | None) -> bool:
    """Whether a row meets every condition; a missing value meets none."""
    return all(meets(row[column], wanted) for column, wanted in (conditions or {}).items())


def first_of_each_id(rows: list[dict], positions: list[int], name: str) -> list[int]:
    """Rows whose id did not come before; a missing id identifies nothing and repeats nothing."""
    kept, seen = [], []
    for position in positions:
        value = rows[position][name]
        if value is None or value not in seen:
            seen.append(value)
            kept.append(position)
    return kept


def day_for(observed: int | dict | None, row: dict, area: list[str]) -> int | None:
    """The day until or from which a row's area is observed."""
    return observed[row[area[0]]] if isinstance(observed, dict) else observed


def area_days(observed_from, observed_until) -> list[tuple]:
    """The first and the last observed day of each area that has both."""
    if isinstance(observed_from, dict) and isinstance(observed_until, dict):
        return [(observed_from[area], observed_until[area]) for area in observed_from]
    if isinstance(observed_from, dict):
        return [(first, observed_until) for first in observed_from.values()]
    if isinstance(observed_until, dict):
        return [(observed_from, last) for last in observed_until.values()]
    return [(observed_from, observed_until)]


class Ledger:
    """Lines of (table, step, removed, remaining)."""

    def __init__(self):
        self.lines = []

    def given(self, table: str, n: int) -> list[int]:
        self.lines.append((table, "given", 0, n))
        return list(range(n))

    def keep(self, table: str, step: str, rows: list[int], condition) -> list[int]:
        """The rows that meet the condition; what it removes is a line."""
        kept = [i for i in rows if condition(i)]
        self.lines.append((table, step, len(rows) - len(kept), len(kept)))
        return kept


def open_elsewhere(episodes: list[dict], person, referral: str, closure: str) -> list[bool]:
    """Whether another episode of the same child is open at the end of an episode's closure day.

    A row without a child or a closure gets False; another row without a referral never is open.
    """
    names = names_of(person, 0)
    answers = []
    for i, row in enumerate(episodes):
        day = row[closure]
        answer = False
        for j, other in enumerate(episodes):
            if i == j or day is None or other[referral] is None or not key_of(row, names):
                continue
            same_child = key_of(other, names) == key_of(row, names)
            still_open = other[closure] is None or other[closure] > day
            if same_child and other[referral] <= day and still_open:
                answer = True
        answers.append(answer)
    return answers
