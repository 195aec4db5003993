"""Areas that changed their code: which codes are one space of ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from rereferral import published
from rereferral.errors import RuleError
from rereferral.grouping import codes_in_use
from rereferral.key_columns import Key, key_of
from rereferral.kinds import Categories, Column
from rereferral.tables import Table
from rereferral.text import Text

__all__ = ["IDS", "Areas", "area_notes", "check_ids", "crosswalk", "joined_areas", "one_area"]

IDS = ("own", "carried over")
"""Whether a child kept the id when the area changed: `own`, only where the code alone changed."""


def crosswalk() -> pd.DataFrame:
    """Authorities of England with children's services that changed since 2013, and into what.

    Returns
    -------
    DataFrame
        ``predecessor``, ``predecessor_name``, ``successor``, ``successor_name`` (ONS codes and
        names), ``effective_date`` (datetime64: the first day of the successor) and ``kind``:

        * ``recode``: the same area under another code; DfE's number of the authority stayed;
        * ``merge``: the whole predecessor became part of the successor;
        * ``split``: the successor is a part of the predecessor and nothing else;
        * ``part``: a part of the predecessor became a part of the successor.

    Notes
    -----
    `link` joins recodes. The others it joins with ``ids="carried over"``: predecessors numbered
    their children each for itself, so one id may stand for two children.

    Sources: codes and DfE's numbers by year, Department for Education, *Children in need*, 2024;
    days, the Structural Changes Orders (legislation.gov.uk). Open Government Licence v3.0.

    Examples
    --------
    >>> import rereferral as rr
    >>> table = rr.crosswalk()
    >>> table.loc[table["kind"] == "recode", "predecessor_name"].tolist()
    ['Buckinghamshire', 'North Yorkshire', 'Somerset']
    """
    with (files("rereferral") / "data" / "crosswalk.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file, dtype="string")
    places = pd.concat([published.authorities(), published.later_authorities()])
    names = places.set_index("authority")["authority_name"]
    table["effective_date"] = table["effective_date"].to_numpy(dtype="M8[s]")
    table.insert(1, "predecessor_name", table["predecessor"].map(names).astype("string"))
    table.insert(3, "successor_name", table["successor"].map(names).astype("string"))
    return table


# ------------------------------------------------------------------------------- which are one


@dataclass(frozen=True)
class _Change:
    predecessor: str
    successor: str
    day: str
    kind: str


@cache
def _changes() -> tuple[_Change, ...]:
    table = crosswalk()
    days = table["effective_date"].dt.strftime("%Y-%m-%d")
    columns = (table["predecessor"], table["successor"], days, table["kind"])
    return tuple(_Change(*row) for row in zip(*columns, strict=True))


def _joins(change: _Change, ids: str) -> bool:
    return change.kind == "recode" or ids == "carried over"


@cache
def _area_of(ids: str) -> dict[str, str]:
    """The code that stands for the area of each code of the crosswalk that is joined to another."""
    area: dict[str, str] = {}
    for change in _changes():
        if _joins(change, ids):
            one, other = (area.get(c, c) for c in (change.predecessor, change.successor))
            keep, gone = min(one, other), max(one, other)
            area |= dict.fromkeys((change.predecessor, change.successor), keep)
            area |= {code: keep for code, held in area.items() if held == gone}
    return area


def check_ids(ids: object) -> None:
    """Refuse what is not one of `IDS`."""
    if ids not in IDS:
        raise RuleError(f'ids={ids!r} is not a choice; write "own" or "carried over"')


def one_area(code: Any, ids: str) -> Any:
    """What stands for the area of a code: itself, unless it is joined to others."""
    return _area_of(ids).get(code, code) if isinstance(code, str) else code


# ------------------------------------------------------------------------------- in a table


@dataclass(frozen=True, eq=False)
class Areas:
    """A table whose areas are joined.

    Attributes
    ----------
    table : Table
        The table given, in which the scope column as a key is that of the joined areas. The column
        itself stays, so filters, groups and dates by area go by the codes as they were given.
    occurring : frozenset of str
        Codes of the crosswalk that occur in it.
    """

    table: Table
    occurring: frozenset[str] = frozenset()


def joined_areas(table: Table, scope: Sequence[str] | None, ids: str) -> Areas:
    """Make the codes that are one area one key.

    Parameters
    ----------
    table : Table
        The rows.
    scope : list of str or None
        The scope columns. Several of them, numbers and names stay as they are.
    ids : {"own", "carried over"}
        `own` joins recodes alone; `carried over` also merges, splits and parts.

    Returns
    -------
    Areas

    Raises
    ------
    RuleError
        `ids` is neither of these, or carried over in a scope that holds no codes.
    """
    check_ids(ids)
    name = scope[0] if scope is not None and len(scope) == 1 else None
    column = None if name is None else table.column(name)
    text = isinstance(column.values if isinstance(column, Categories) else column, Text)
    if not text:
        if ids == "carried over":
            raise RuleError(
                'ids="carried over" joins areas by their ONS codes; give a scope of one column of '
                'them, or ids="own"'
            )
        return Areas(table)
    found = table.once(("areas", name, ids), lambda: _join(table.column(name), ids))
    if found is None:
        return Areas(table)
    key, blank, occurring = found
    return Areas(table.with_key(name, key, blank, ids), occurring)


def _join(column: Column | None, ids: str) -> tuple[Key, int, frozenset[str]] | None:
    """The key of joined areas, its blank values, and the codes of the crosswalk that occur."""
    used = None  # every value that was found in the rows is
    if isinstance(column, Text):
        codes, values = column.codes()
        column = Categories(codes, values)
        used = np.ones(len(values), np.bool_)
    assert isinstance(column, Categories)
    assert isinstance(column.values, Text)
    known = {code for change in _changes() for code in (change.predecessor, change.successor)}
    listed = np.flatnonzero(column.values.isin(sorted(known)))
    if len(listed) == 0:
        return None
    if used is None:
        used = codes_in_use(column.codes, len(column.values))
    occurring = frozenset(str(column.values[row]) for row in listed if used[row])
    labels = column.values.to_numpy()
    for row in listed:
        labels[row] = one_area(labels[row], ids)
    return *key_of(Categories(column.codes, Text.from_any(labels))), occurring


# ------------------------------------------------------------------------------- in words


def area_notes(ids: str, *areas: Areas) -> list[str]:
    """What was joined, and what was not though one became the other, in sentences.

    Parameters
    ----------
    ids : {"own", "carried over"}
        As given to `joined_areas`.
    *areas : Areas
        What it gave for each table.
    """
    occurring = frozenset().union(*(side.occurring for side in areas))
    notes = []
    joined = _together(occurring, [c for c in _changes() if _joins(c, ids)])
    for codes, changes in joined:
        only_codes = all(change.kind == "recode" for change in changes)
        doubt = "" if only_codes else ": an id that occurs in several is taken for one person"
        notes.append(f"{_listed(codes)} are one area ({_what(changes)}){doubt}.")
    apart = [c for c in _changes() if not _joins(c, ids)]
    met = [c for c in apart if {c.predecessor, c.successor} <= occurring]
    for codes, changes in _together(occurring, met):
        notes.append(
            f"{_listed(codes)} are areas of their own, though one became another "
            f"({_what(changes)}): no id is followed across; if the children kept theirs, give "
            'ids="carried over".'
        )
    if ids == "carried over" and not joined:
        notes.append(
            'ids="carried over" joins nothing: no two codes occur that rr.crosswalk() connects.'
        )
    return notes


def _together(
    occurring: frozenset[str], changes: list[_Change]
) -> list[tuple[list[str], list[_Change]]]:
    """The codes that occur and that changes connect, and the changes, one pair a set of codes."""
    groups: list[tuple[list[str], list[_Change]]] = []
    for area in dict.fromkeys(one_area(c.predecessor, "carried over") for c in changes):
        of_area = [c for c in changes if one_area(c.predecessor, "carried over") == area]
        ends = {code for c in of_area for code in (c.predecessor, c.successor)} & occurring
        told = [c for c in of_area if c.predecessor in ends or c.successor in ends]
        if len(ends) > 1:
            groups.append((sorted(ends), told))
    return groups


def _what(changes: list[_Change]) -> str:
    kinds = _listed(dict.fromkeys(change.kind for change in changes))
    return f"{kinds} of {_listed(dict.fromkeys(change.day for change in changes))}"


def _listed(words: Any) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else str(last)
