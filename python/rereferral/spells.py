"""`rereferral.merge_spells`: overlapping or near spells of a person become one."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.dates import days_of
from rereferral.days import NULL_DAY, Days
from rereferral.errors import RuleError
from rereferral.frames import frame_of
from rereferral.keys import codes_of, key_names
from rereferral.kinds import Categories, Column, Dates
from rereferral.kinds import Days as DayColumn
from rereferral.ledger import Ledger
from rereferral.spans import OPEN, Span, parse_span
from rereferral.tables import Table, open_table
from rereferral.text import Text

__all__ = ["Spells", "merge_spells"]

Rows = npt.NDArray[np.int64]
Ranks = npt.NDArray[np.int32]

_PARTS = "parts"


class Spells:
    """Merged spells, and the rows that each was made of. Made by `rereferral.merge_spells`.

    It can be given to `rereferral.link` as it stands, as any table can.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a merged spell, in the order of their first rows in the table given: every column of
        the row that represents it, but the start and the end of the whole under their own names,
        and ``parts`` (int64), how many rows it was made of.
    representative_row : numpy.ndarray of int64, one a spell
        The position in the table given of the row that represents it.
    spell_of_row : numpy.ndarray of int64, one a row given
        The row of `table` that a row became part of; -1 for rows that were left out.
    ledger : pandas.DataFrame
        ``table``, ``step``, ``reason``, ``removed``, ``remaining``: from the rows given to the
        spells.
    """

    def __init__(
        self,
        *,
        table: pd.DataFrame,
        representative_row: Rows,
        spell_of_row: Rows,
        n_open: int,
        gap: Span,
        ledger: pd.DataFrame,
        notes: list[str],
    ) -> None:
        self.table = table
        self.representative_row = representative_row
        self.spell_of_row = spell_of_row
        self._n_open = n_open
        self._gap = gap
        self._ledger = ledger
        self._notes = notes
        self._in_order: tuple[Rows, Rows] | None = None
        for array in (representative_row, spell_of_row):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.representative_row)

    @property
    def ledger(self) -> pd.DataFrame:
        """What was left out, and why: a copy for the caller."""
        return self._ledger.copy()

    def rows_of(self, spell: int) -> Rows:
        """The rows of the table given that a spell was made of.

        Parameters
        ----------
        spell : int
            A row of `table`, from 0.

        Returns
        -------
        numpy.ndarray of int64
            Their positions, in the order of the table.

        Raises
        ------
        IndexError
            If there is no such spell.
        """
        if not 0 <= spell < len(self):
            raise IndexError(f"there is no spell {spell}; there are {len(self):,}, numbered from 0")
        if self._in_order is None:
            order = np.argsort(self.spell_of_row, kind="stable")
            first = np.searchsorted(self.spell_of_row[order], np.arange(len(self) + 1))
            order.flags.writeable = False
            self._in_order = order, first
        order, first = self._in_order
        return order[first[spell] : first[spell + 1]]

    def to_pandas(self) -> pd.DataFrame:
        """A copy of `table`."""
        return self.table.copy()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The columns of `table`, for any reader of Arrow."""
        from rereferral.arrow import export_stream

        return export_stream({name: self.table[name] for name in self.table}, requested_schema)

    def _in_short(self) -> str:
        given, left_out = len(self.spell_of_row), int(np.count_nonzero(self.spell_of_row < 0))
        what = f"{len(self):,} of {given - left_out:,} rows, merged within {self._gap}"
        what += f"; still open: {self._n_open:,}" if self._n_open else ""
        return what + (f"; rows left out: {left_out:,}" if left_out else "")

    def __repr__(self) -> str:
        return "\n".join([f"Spells: {self._in_short()}", *self._notes])

    def _repr_html_(self) -> str:
        counts = dict.fromkeys(("removed", "remaining"), "{:,}".format)
        told = "".join(f"<p>{html.escape(note)}</p>" for note in self._notes)
        ledger: str = self._ledger.to_html(index=False, border=0, formatters=counts)
        return f"<p><strong>Spells: {html.escape(self._in_short())}</strong></p>{told}{ledger}"


def merge_spells(
    table: Any,
    *,
    person: Any,
    scope: Any = None,
    start: str,
    end: str | None,
    gap: Any = "1 day",
    representative: Any = "first",
) -> Spells:
    """Merge the spells of a person that overlap or lie near one another.

    Rows of a person are taken in the order of their starts. The next row belongs to the same spell
    if it starts on or before the latest end so far plus `gap`. A row without an end is still open:
    everything of the person that starts later belongs to its spell, which has no end either.

    Parameters
    ----------
    table : DataFrame, Arrow table, or dict of arrays
        One row a spell, a stay or an event. It is not changed.
    person : str or list of str
        The column that identifies a person; a list for a key of several columns.
    scope : str or list of str, optional
        The area within which the person's key holds (the authority). None merges across areas.
    start : str
        A column of calendar days.
    end : str or None
        A column of calendar days, the last of the spell. None, or the column `start` itself, for
        events of a single day; the last of them then stands in a column ``last_<start>``.
    gap : str or int, default "1 day"
        The longest way from an end to the next start: ``"1 day"``, ``"2 weeks"``, ``"1 month"``, a
        number of days. ``"0 days"`` merges what overlaps or touches. Months go to the same day of
        the month, or to its last.
    representative : {"first", "last"} or dict, default "first"
        The row whose other columns the merged spell carries: that with the earliest start (of
        several the first row of the table), that with the latest start (the last row), or by the
        values of a column from the most to the least important,
        ``{"severity": ["high", "medium", "low"]}``. Equal values are decided as by "first"; values
        that are missing or not in the list come last. A value may be a condition as in a filter,
        ``(">=", 8)``, and a second column decides where the first does not.

    Returns
    -------
    Spells
        The merged spells as a table, the rows that each was made of, and the ledger.

    Raises
    ------
    RuleError
        If an argument is not one of these.
    DataError
        If a column is not there, is of the wrong kind, or holds a value that it must not; or if the
        table has a column of the name of one that is to be added.

    Notes
    -----
    Rows without a key or a start, and rows that end before they start, are left out and counted.

    Examples
    --------
    >>> import pandas as pd, rereferral as rr
    >>> calls = pd.DataFrame({
    ...     "child": [1, 1, 1, 2],
    ...     "on": pd.to_datetime(["2019-05-01", "2019-05-02", "2019-08-01", "2019-05-03"]),
    ...     "severity": ["low", "high", "low", "low"],
    ... })
    >>> spells = rr.merge_spells(calls, person="child", start="on", end=None,
    ...                          representative={"severity": ["high", "low"]})
    >>> spells.table
       child         on    last_on severity  parts
    0      1 2019-05-01 2019-05-02     high      2
    1      1 2019-08-01 2019-08-01      low      1
    2      2 2019-05-03 2019-05-03      low      1
    >>> spells.rows_of(0)
    array([0, 1])
    """
    for what, name in (("start", start), ("end", end)):
        if not isinstance(name, str) and not (what == "end" and name is None):
            raise RuleError(f"{what}={name!r} is not the name of a column")
    person_names, scope_names = (
        _key(person, "person"),
        [] if scope is None else _key(scope, "scope"),
    )
    end = None if end == start else end
    span = parse_span(gap, "gap")
    if span == OPEN:
        raise RuleError(
            'gap=None would make one spell of everything of a person; write "0 days" to merge what '
            "overlaps or touches"
        )
    given = open_table(table, "table")
    _check_free(given, [_PARTS] if end is not None else [_PARTS, _last(start)])
    starts = given.days(start)
    ends = None if end is None else given.days(end)

    ledger = Ledger("spells", given.n_rows)
    for names, what in ((person_names, "person"), (scope_names, "scope")):
        for name in names:
            ledger.remove("null", f"{name} is missing ({what})", given.key(name).is_null())
    ledger.remove("null", f"{start} is missing", starts == NULL_DAY)
    if ends is not None:
        ledger.remove("order", f"{end} is before {start}", (ends != NULL_DAY) & (ends < starts))

    rank, notes = _rank(given, representative, ledger.kept)
    spell, n_spells = _merge(given, [*scope_names, *person_names], starts, ends, span, ledger.kept)
    found = _describe(starts, ends, rank, representative == "last", spell, n_spells)
    merged = ledger.kept.copy()
    merged[found.row] = False
    ledger.remove("merged", "part of the spell of another row", merged)
    return Spells(
        table=_merged_table(given, start, end, found),
        representative_row=found.row,
        spell_of_row=spell,
        n_open=0 if ends is None else int(np.count_nonzero(ends[found.end_row] == NULL_DAY)),
        gap=span,
        ledger=Ledger.frame(ledger),
        notes=notes,
    )


class _Found(NamedTuple):
    """By spell: the rows that hold what the merged spell carries, and how many rows it has."""

    row: Rows
    start_row: Rows
    end_row: Rows
    parts: Rows


def _key(given: object, what: str) -> list[str]:
    names, of_another_table = key_names(given, what)
    if names != of_another_table:
        raise RuleError(
            f"{what}={given!r} is a key of two tables; write a column or a list of them"
        )
    return names


def _last(start: str) -> str:
    return f"last_{start}"


def _check_free(table: Table, names: list[str]) -> None:
    for name in names:
        if table.has(name):
            raise table.fail(name, "the merged spells have a column of this name; rename yours")


def _rank(
    table: Table, representative: Any, kept: npt.NDArray[np.bool_]
) -> tuple[Ranks | None, list[str]]:
    """The rank of each row, the lowest first, and what of the order met no row or left some out."""
    if isinstance(representative, str) and representative in ("first", "last"):
        return None, []
    if not isinstance(representative, Mapping) or not representative:
        raise RuleError(
            f'representative={representative!r} is not a choice; write "first", "last", or '
            '{"severity": ["high", "medium", "low"]}'
        )
    n_ranks = 1
    for name, values in representative.items():
        if not isinstance(values, list) or not values:
            raise RuleError(
                f"representative: the values of {name!r} must be a list, the most important first, "
                f"not {values!r}"
            )
        n_ranks *= len(values) + 1
        if n_ranks > np.iinfo(np.int32).max:
            raise RuleError("representative makes more than 2**31 - 1 ranks")
    rank = np.zeros(table.n_rows, np.int32)
    notes: list[str] = []
    for name, values in representative.items():
        place = np.full(table.n_rows, len(values), np.int32)
        # From the last to the first: where several conditions hold, the first is what counts.
        for position in range(len(values) - 1, -1, -1):
            met = table.mask({name: values[position]})
            if not (met & kept).any():
                notes.insert(0, f"No row has {name} {values[position]!r} (representative).")
            place[met] = position
        unlisted = int(np.count_nonzero((place == len(values)) & kept))
        if unlisted:
            notes.append(
                f"{name} is missing or not in the list in {unlisted:,} of "
                f"{np.count_nonzero(kept):,} rows (representative)."
            )
        rank = rank * np.int32(len(values) + 1) + place
    return rank, notes


def _merge(
    table: Table,
    key: list[str],
    starts: Days,
    ends: Days | None,
    gap: Span,
    kept: npt.NDArray[np.bool_],
) -> tuple[Rows, int]:
    """The spell of each row, -1 for rows that are not kept, and how many there are."""
    codes, limit = codes_of(table, key)
    parts = _core.order(codes, starts, kept, codes[:0], starts[:0], None, limit)
    spell = np.empty(table.n_rows, np.int64)
    return spell, _core.merge_spells(parts, ends, tuple(gap), spell)


def _describe(
    starts: Days,
    ends: Days | None,
    rank: Ranks | None,
    last: bool,
    spell: Rows,
    n_spells: int,
) -> _Found:
    found = _Found(*(np.empty(n_spells, np.int64) for _ in _Found._fields))
    _core.describe_spells(starts, ends, rank, last, spell, *found)
    return found


# ---------------------------------------------------------------------------- the table that leaves


def _merged_table(given: Table, start: str, end: str | None, found: _Found) -> pd.DataFrame:
    """The representative rows, with the start and the end of the whole."""
    columns = {}
    for name in given.names:
        row = found.row
        if name == start:
            row = found.start_row
        elif name == end:
            row = found.end_row
        columns[name] = _taken(given, name, row)
        if name == start and end is None:
            columns[_last(start)] = _taken(given, start, found.end_row)
    columns[_PARTS] = found.parts
    return frame_of(columns)


def _taken(given: Table, name: Any, rows: Rows) -> Any:
    """Rows of a column: of pandas' as it holds them, of others as `frame_of` takes them."""
    raw = given.raw(name)
    if isinstance(raw, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        return pd.Series(raw).iloc[rows].array
    return _taken_column(given.column(name), rows)


def _taken_column(column: Column, rows: Rows) -> Any:
    if isinstance(column, Text):
        return column.take(rows)
    if isinstance(column, Categories):
        return _taken_categories(column, rows)
    if isinstance(column, DayColumn):
        return days_of(column)[rows].view("datetime64[D]")
    values = column.values[rows]
    if isinstance(column, Dates):
        if column.zone:
            return pd.DatetimeIndex(values).tz_localize("UTC").tz_convert(column.zone)
        unit, step = np.datetime_data(values.dtype)
        return values if (unit, step) == ("D", 1) else values.astype(_pandas_unit(unit, step))
    if column.valid is None:
        return values
    valid = column.valid[rows]
    if values.dtype.kind == "f":
        return np.where(valid, values, np.nan)
    return np.ma.MaskedArray(values, ~valid)


def _pandas_unit(unit: str, step: int) -> str:
    return f"datetime64[{unit if step == 1 and unit in ('s', 'ms', 'us', 'ns') else 's'}]"


def _taken_categories(column: Categories, rows: Rows) -> Any:
    codes = column.codes[rows]
    every = np.arange(len(column.values), dtype=np.int64)
    labels = pd.Index(frame_of({"values": _taken_column(column.values, every)})["values"])
    if labels.is_unique and not labels.hasnans:
        return pd.Categorical.from_codes(codes, categories=labels, ordered=column.ordered)
    return labels.take(codes, allow_fill=True, fill_value=None).array
