"""Dates on which persons stop being at risk, and what follows for each index event."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from rereferral.days import NULL_DAY, Days, birthday
from rereferral.definition import Definition
from rereferral.ledger import Ledger
from rereferral.rule_values import Birthday, Exit
from rereferral.sides import Mask, Side
from rereferral.tables import Table
from rereferral.windows import Reach

__all__ = [
    "NOBODY",
    "FirstExit",
    "exit_names",
    "first_exit",
    "leaves_between",
    "remove_exits",
]

NOBODY = -1
"""The code of a row without an exit."""


@dataclasses.dataclass(frozen=True, eq=False)
class FirstExit:
    """The exit that comes first in each row's window.

    Attributes
    ----------
    code : ndarray of int8
        Its position in `exit_names`, NOBODY for none.
    last : ndarray of int64
        The last day at risk; null for none.
    """

    code: npt.NDArray[np.int8]
    last: Days


def exit_names(definition: Definition) -> tuple[str, ...]:
    """The exits that leave an index event in the cohort, in the order given."""
    exits = definition.exits or {}
    return tuple(name for name, one in exits.items() if one.treatment != "exclude")


def remove_exits(definition: Definition, index: Side, ledger: Ledger, reach: Reach) -> None:
    """Leave out the rows with an exit that excludes."""
    for name, one in (definition.exits or {}).items():
        if one.treatment == "exclude":
            leaves = _matters(_date_of(index.table, one), reach)
            ledger.remove("exits", f"{name} in the window", leaves)


def first_exit(definition: Definition, table: Table, reach: Reach) -> FirstExit | None:
    """The exit of each row that comes first, of those that do not exclude; None without any."""
    names = exit_names(definition)
    if not names:
        return None
    exits = definition.exits
    code = np.full(len(reach.dates), NOBODY, np.int8)
    last = np.full(len(reach.dates), NULL_DAY)
    for place, name in enumerate(names):
        date = _date_of(table, exits[name])
        at_risk = date - isinstance(exits[name].when, Birthday)
        first = _matters(date, reach) & ((code == NOBODY) | (at_risk < last))
        code[first], last[first] = place, at_risk[first]
    return FirstExit(code, last)


def leaves_between(definition: Definition, table: Table, after: Days, until: Days) -> Mask:
    """Whether any exit, whatever it does, lies after one day and not after another."""
    leaves = np.zeros(len(after), np.bool_)
    for one in (definition.exits or {}).values():
        date = _date_of(table, one)
        leaves |= (date > after) & (date <= until)
    return leaves


def _date_of(table: Table, one: Exit) -> Days:
    days = table.days(one.column)
    return birthday(days, one.when.age) if isinstance(one.when, Birthday) else days


def _matters(date: Days, reach: Reach) -> Mask:
    """An exit matters after the index day and not after the window's end."""
    return np.asarray((date > reach.anchor) & (date <= reach.end))
