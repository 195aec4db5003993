"""Which columns of a file are read, under which names and as what."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rereferral.errors import DataError, RuleError

__all__ = ["EPISODES", "KINDS", "Wanted", "choose"]

EPISODES: dict[str, str] = {
    "authority": "category",
    "child_id": "text",
    "referral_date": "date",
    "referral_source": "category",
    "referral_nfa": "bool",
    "assessment_date": "date",
    "closure_date": "date",
    "reason_for_closure": "category",
    "date_of_birth": "date",
    "date_of_death": "date",
}
"""The columns of an episodes table and their types, which are always the same."""

# The numbers are those of rr_csv_kind.
KINDS = {"date": 1, "int64": 2, "float64": 3, "bool": 4, "text": 5, "category": 6}


class Wanted(NamedTuple):
    """A column to be read."""

    position: int  # in the file
    name: str  # in the result
    kind: str


def choose(
    file: str,
    header: list[str],
    columns: Mapping[str, str] | Sequence[str] | None,
    types: Mapping[str, str] | None,
) -> list[Wanted]:
    """Choose the columns that `read_csv` is asked for from the `header` of `file`.

    Raises
    ------
    DataError
        A column is not in the file, is there twice, or would be there twice under its new name.
    RuleError
        `columns` or `types` is not what `read_csv` takes.
    """
    names: dict[str, str] = {}  # the file's name to ours
    if columns is None:
        picked = list(header)
    elif isinstance(columns, Mapping):
        _check_names(columns.values())
        _check_names(columns.keys())
        names = {theirs: ours for ours, theirs in columns.items()}
        picked = list(header)
    elif isinstance(columns, str) or not isinstance(columns, Sequence):
        raise RuleError(
            "columns must be a list of names, or a mapping of the standard name to the file's, "
            f"not {columns!r}"
        )
    else:
        _check_names(columns)
        picked = list(columns)
        if not picked:
            raise RuleError("columns names no column")
    present = Counter(header)
    for theirs in [*names, *picked]:
        if theirs not in present:
            message = _missing(file, theirs, header)
            if names.get(theirs) in present:
                message += (
                    "; columns maps the standard name to the file's: "
                    f'write {{"{theirs}": "{names[theirs]}"}}'
                )
            raise _about(DataError(message), theirs)
        if present[theirs] > 1:
            message = f'{file}: the header has column "{theirs}" {present[theirs]} times'
            raise _about(DataError(message), theirs)
    ours = [names.get(theirs, theirs) for theirs in picked]
    for name, times in Counter(ours).items():
        if times > 1:
            message = f'{file}: a column is to be called "{name}", but the file has one already'
            raise _about(DataError(message), name)
    kinds = _kinds(file, ours, types)
    return [
        Wanted(header.index(theirs), name, kind)
        for theirs, name, kind in zip(picked, ours, kinds, strict=True)
    ]


def _kinds(file: str, names: list[str], types: Mapping[str, str] | None) -> list[str]:
    asked = {} if types is None else dict(types)
    for name, kind in asked.items():
        if kind not in KINDS:
            raise RuleError(f"the type of {name!r} must be one of {', '.join(KINDS)}, not {kind!r}")
        if EPISODES.get(name, kind) != kind:
            raise RuleError(
                f"{name} is always read as {EPISODES[name]}; to read the column as {kind}, give it "
                f'another name: columns={{"other_name": "{name}"}}'
            )
        if name not in names:
            message = f'{file}: types names column "{name}", which is not read'
            raise _about(DataError(message), name)
    return [asked.get(name, EPISODES.get(name, "text")) for name in names]


def _check_names(names: Any) -> None:
    for name, times in Counter(names).items():
        if not isinstance(name, str):
            raise RuleError(f"the name of a column must be a str, not {name!r}")
        if times > 1:
            raise RuleError(f'columns names "{name}" {times} times')


def _missing(file: str, name: str, header: list[str]) -> str:
    lower = {other.lower(): other for other in header}
    close = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.7)
    hint = f' (did you mean "{lower[close[0]]}"?)' if close else ""
    shown = ", ".join(header[:30]) + (", ..." if len(header) > 30 else "")
    if len(header) == 1 and ";" in header[0]:
        hint = " (the header is one column: fields must be parted by commas, not semicolons)"
    return f'{file}: no column "{name}"{hint}; the file has {shown}'


def _about(error: DataError, column: str) -> DataError:
    error.column = column
    return error
