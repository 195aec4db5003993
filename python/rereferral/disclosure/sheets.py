"""Tables of a release as disclosure control sees them: groups, counts, and what follows."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from rereferral.errors import DataError
from rereferral.small_tables import small_table

__all__ = [
    "GROUPS",
    "HIDES",
    "METHOD",
    "WORDS",
    "Sheet",
    "is_derived",
    "is_group",
    "is_median",
    "is_proportion",
    "read_sheets",
    "row_label",
    "said",
    "tell_each_other",
]

METHOD = "method"
"""Text that says how limits were made, and with it something of how many there were."""
WORDS = frozenset({"label", METHOD, "note", "notes", "status", "kind", "sentence"})
"""Text that describes a row but is no group."""
GROUPS = frozenset({"year", "financial_year", "month", "quarter", "age", "level", "window"})
"""Columns that are groups though they may hold whole numbers."""

HIDES = r"[A-Za-z*.\-\u2013:#~]{1,2}|low|<\s*\d+|suppressed|"
"""What publishers put in the place of a number, as a pattern."""

_NUMBER = r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?\s*%?"
_PROPORTIONS = re.compile(r"(rate|risk|share|lower|upper|std_error)(_.*)?")
_MEDIANS = re.compile(r"median(_.*)?")
_PART_OF = {"share_not_stepped_down": ("not_stepped_down", "below_threshold")}
_RATES = (
    ("rereferred", "followed"),
    ("stepped_down_rereferred", "stepped_down_followed"),
    ("re_referrals", "looked_back"),
    ("linked", "n"),
)  # the first whose columns a table has
_COUNTS = frozenset({*itertools.chain.from_iterable(_RATES), "children", "rereferrals", "persons"})
_OF_RATE = ("rate", "risk", "deff", "std_error", "lower", "upper")


@dataclasses.dataclass(frozen=True, eq=False)
class Sheet:
    """One table of a release.

    Attributes
    ----------
    name : str
        Of the table.
    frame : DataFrame
        Rows from 0 on.
    by : tuple of str
        Columns that say what a row is about.
    keys : tuple of str
        Those of them that tell rows apart; the others follow from these, as the region of an
        authority.
    counts : tuple of str
        Columns of whole numbers that disclosure control looks after.
    derived : dict of str to tuple of str
        Columns computed from counts: from which of them. Where one of these is hidden, so is it.
    total : bool
        Whether a row is of several areas together.
    known : dict of str to sequence of str
        What other tables say of the rows: columns of `by` that this one has not.
    """

    name: str
    frame: pd.DataFrame
    by: tuple[str, ...]
    keys: tuple[str, ...]
    counts: tuple[str, ...]
    derived: Mapping[str, tuple[str, ...]]
    total: bool
    known: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)

    @cached_property
    def members(self) -> dict[str, Sequence[str]]:
        """What each group column says, by row."""
        return {
            column: self.known[column]
            if column in self.known
            else [said(cell) for cell in self.frame[column]]
            for column in self.by
        }

    def member(self, row: int, column: str) -> str:
        """What a group column says of a row."""
        return self.members[column][row]


def said(cell: Any) -> str:
    """What a cell of a group says, however pandas holds it: 2019, 2019.0 and "2019 " are one."""
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        return str(int(cell))
    if isinstance(cell, (pd.Timestamp, np.datetime64)) and not pd.isna(cell):
        stamp = pd.Timestamp(cell)
        return str(stamp.date() if stamp == stamp.normalize() else stamp)
    return str(cell).strip()


def tell_each_other(sheets: Sequence[Sheet]) -> list[Sheet]:
    """The tables, each with the groups that follow from its own by what another says.

    If one table has the region of each authority, everybody knows it of the others.
    """
    follows: dict[tuple[str, str], dict[str, str] | None] = {}
    for sheet in sheets:
        for one, other in itertools.permutations(sheet.by, 2):
            found = follows.setdefault((one, other), {})
            for member, said_of_it in zip(sheet.members[one], sheet.members[other], strict=True):
                if found is not None and found.setdefault(member, said_of_it) != said_of_it:
                    found = follows[one, other] = None
    told = []
    for sheet in sheets:
        known: dict[str, Sequence[str]] = {}
        for (one, other), found in follows.items():
            if one not in sheet.keys or not found or other in (*sheet.frame.columns, *known):
                continue
            if found.keys() >= set(sheet.members[one]):
                known[other] = [found[member] for member in sheet.members[one]]
        told.append(dataclasses.replace(sheet, by=(*sheet.by, *known), known=known))
    return told


def row_label(sheet: Sheet, row: int) -> str:
    """A row in words: its groups."""
    return ", ".join(sheet.member(row, key) for key in sheet.keys) or "all"


def read_sheets(
    tables: Mapping[str, Any],
    *,
    by: Mapping[str, Sequence[str]],
    counts: Mapping[str, Sequence[str]],
    area: str | None,
    always: Collection[str] = (),
    published: bool = False,
) -> list[Sheet]:
    """The tables of a release, each column with its part.

    Parameters
    ----------
    tables : mapping of str to table
        By name.
    by : mapping
        Group columns of tables for which they are not to be guessed: by default every column of
        text, the area, and whole numbers called year, financial_year, month, quarter, age or
        level.
    counts : mapping
        Count columns of tables for which they are not to be guessed: by default every other column
        of whole numbers, stored as integers or as floats.
    area : str or None
        The column of areas. Tables without it are totals of several; None: nothing is a total.
    always : collection of str
        Group columns that tell rows apart even where they follow from another.
    published : bool, default False
        Whether numbers may be text, with symbols among them; then `by` and `counts` name all.

    Raises
    ------
    DataError
        A table has no such column, two rows of the same groups, numbers as text, or numbers with
        no count beside them.
    """
    for what, given in (("by", by), ("counts", counts)):
        unknown = set(given) - set(tables)
        if unknown:
            raise DataError(f'{what} names the table "{min(unknown)}", which is not given')
    frames = {name: small_table(table, f'table "{name}"') for name, table in tables.items()}
    groups = frozenset([*always, *([] if area is None else [area])])
    return [
        _sheet(
            name,
            frame,
            by.get(name),
            counts.get(name),
            area,
            (frozenset(always), groups),
            published,
        )
        for name, frame in frames.items()
    ]


def _sheet(
    name: str,
    frame: pd.DataFrame,
    by: Sequence[str] | None,
    counts: Sequence[str] | None,
    area: str | None,
    always_and_groups: tuple[frozenset[str], frozenset[str]],
    published: bool,
) -> Sheet:
    always, groups = always_and_groups
    guessed = by is None
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise DataError(f'table "{name}" has two columns "{twice[0]}"')
    for column in [*(by or ()), *(counts or ())]:
        if column not in frame.columns:
            have = ", ".join(map(str, frame.columns))
            raise DataError(f'table "{name}" has no column "{column}"; it has {have}')
    if by is None:
        by = [
            column
            for column in frame.columns
            if column not in (counts or ())
            and (column in groups or is_group(frame[column], str(column)))
        ]
    if guessed and not published:
        _refuse_numbers_as_text(frame, [c for c in by if c not in groups], name)
    if counts is None:
        counts = [
            column
            for column in frame.columns
            if column not in by and _is_count(frame[column], str(column))
        ]
    keys = _keys(frame, list(by), always)
    repeated = frame[keys].astype(str).duplicated() if keys else frame.index > 0
    if np.any(repeated):
        row = int(np.flatnonzero(repeated)[0])
        error = DataError(
            f'table "{name}", row {row}: a second row of the same groups '
            f"({', '.join(keys) or 'none'}); name the columns that tell rows apart with by="
        )
        error.row = row
        raise error
    rest = [c for c in frame.columns if c not in by and c not in counts and c not in WORDS]
    if not published:
        labels = [c for c in rest if is_group(frame[c], str(c))]
        _refuse_numbers_as_text(frame, labels, name)
        rest = [c for c in rest if c not in labels]
        _refuse_broken_counts(frame, rest, name)
    if rest and not counts:
        raise DataError(
            f'table "{name}", column "{rest[0]}": numbers with no count beside them, so nobody can '
            "tell what they give away; leave the table out, or name its counts with counts="
        )
    return Sheet(
        name,
        frame,
        tuple(by),
        tuple(keys),
        tuple(counts),
        {column: _sources(str(column), counts) for column in rest},
        area is not None and area not in frame.columns,
    )


def is_proportion(column: str) -> bool:
    """Whether a column runs from 0 to 1, by its name."""
    return _PROPORTIONS.fullmatch(column) is not None


def is_median(column: str) -> bool:
    """Whether a column holds medians, by its name."""
    return _MEDIANS.fullmatch(column) is not None


def is_derived(column: str) -> bool:
    """Whether a name is that of something computed from counts."""
    return column == "deff" or is_proportion(column) or is_median(column)


def is_group(column: pd.Series, name: str) -> bool:
    """Whether a column says what a row is about."""
    if name in WORDS:
        return False
    if pd.api.types.is_bool_dtype(column.dtype) or not pd.api.types.is_numeric_dtype(column.dtype):
        return True
    return name in GROUPS


def _is_count(column: pd.Series, name: str) -> bool:
    """Whether a column holds counts: whole numbers, be they stored as floats, as beside nulls."""
    if pd.api.types.is_integer_dtype(column.dtype):
        return True
    if is_derived(name) or not pd.api.types.is_float_dtype(column.dtype):
        return False
    known = column.dropna().to_numpy(float)
    return bool(len(known)) and bool((known == known.round()).all())


def _refuse_numbers_as_text(frame: pd.DataFrame, by: Sequence[str], name: str) -> None:
    """Counts as text would pass for groups, and be shown as they are."""
    for column in by:
        text = frame[column].dropna().astype(str).str.strip(" []")
        numbers = text.str.fullmatch(_NUMBER)
        is_code = column in GROUPS or str(column).endswith(("code", "id"))
        if not numbers.any() or not (numbers | text.str.fullmatch(HIDES)).all() or is_code:
            continue
        where, odd = f'table "{name}", column "{column}"', text[~numbers]
        what = f", row {odd.index[0]}: {odd.iloc[0]!r} among" if len(odd) else ":"
        raise DataError(
            f"{where}{what} numbers as text; make them numbers, with nulls where there is none, or "
            "name the columns of groups with by="
        )


def _refuse_broken_counts(frame: pd.DataFrame, columns: Iterable[str], name: str) -> None:
    """What is a count by its name, and holds a fraction, would pass for computed, and be shown."""
    for column in columns:
        if column not in _COUNTS:
            continue
        values = frame[column].to_numpy(float)
        wrong = np.flatnonzero(~np.isnan(values) & (values != np.round(values)))
        if len(wrong):
            row = int(wrong[0])
            error = DataError(
                f'table "{name}", column "{column}", row {row}: {values[row]:g} is not a count'
            )
            error.row, error.column, error.value = row, column, f"{values[row]:g}"
            raise error


def _keys(frame: pd.DataFrame, by: list[str], always: frozenset[str]) -> list[str]:
    """Group columns without those that follow from another one."""
    if len(frame) < 2:
        return [column for column in by if column in always] or by[:1]
    codes = {column: pd.factorize(frame[column].astype(str))[0] for column in by}
    kept = list(by)
    for column in reversed([name for name in by if name not in always]):
        for other in by:
            if other == column or other not in kept or column not in kept:
                continue
            both = len(set(zip(codes[other], codes[column], strict=True)))
            finer = both == len(set(codes[other]))
            coarser = len(set(codes[column])) < both
            # Of two columns that say the same, the first one stays.
            if finer and (coarser or by.index(other) < by.index(column)):
                kept.remove(column)
    return kept


def _sources(column: str, counts: Sequence[str]) -> tuple[str, ...]:
    """The counts that a column is computed from; all of the row where that is not known."""
    if column in _PART_OF and set(_PART_OF[column]) <= set(counts):
        return _PART_OF[column]
    if column.startswith(_OF_RATE):
        for part, whole in _RATES:
            if part in counts and whole in counts:
                return part, whole
    return tuple(counts)
