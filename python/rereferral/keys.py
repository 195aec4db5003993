"""Keys of persons and areas: columns of either table to codes that are equal when the keys are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from rereferral import _core
from rereferral.errors import DataError, RuleError
from rereferral.tables import Category, FixedText, Integers, Key, Table
from rereferral.text import Text

__all__ = ["Book", "Codes", "codes_of", "encode", "key_names"]

_NULL = np.uint32(0xFFFFFFFF)

_CoreColumn: TypeAlias = tuple[object, ...]
Codes: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.uint32]]"


def key_names(given: object, what: str) -> tuple[list[str], list[str]]:
    """Read a key: a name, a list of names, or a pair (for the index, for the events) of either.

    Raises
    ------
    RuleError
        If it is none of these, or the two sides have different numbers of columns.
    """
    sides = given if isinstance(given, tuple) and len(given) == 2 else (given, given)
    names = []
    for side in sides:
        columns = [side] if isinstance(side, str) else side
        if (
            not isinstance(columns, list)
            or not columns
            or not all(isinstance(column, str) for column in columns)
        ):
            raise RuleError(
                f"{what}={given!r} is not a key; write a column, a list of columns, "
                "or a pair (index columns, event columns)"
            )
        names.append(list(columns))
    if len(names[0]) != len(names[1]):
        raise RuleError(
            f"{what} has {len(names[0])} columns in the index and {len(names[1])} in the events"
        )
    return names[0], names[1]


def encode(sides: Sequence[tuple[Table, list[str]]]) -> tuple[list[Codes], int]:
    """Give the rows of one or several tables codes over all of them.

    Parameters
    ----------
    sides : sequence of (Table, list of str)
        The tables and their key columns, which correspond by position.

    Returns
    -------
    codes : list of numpy.ndarray of uint32
        One array a table; 0xFFFFFFFF where a part of the key is missing.
    limit : int
        Every other code is below it.

    Raises
    ------
    DataError
        If a column is a number in one table and text in the other.
    """
    codes = [np.empty(table.n_rows, np.uint32) for table, _ in sides]
    limit = _core.encode(key_columns(sides), tuple(codes))
    return codes, limit


def key_columns(sides: Sequence[tuple[Table, list[str]]]) -> tuple[tuple[_CoreColumn, ...], ...]:
    """The key columns of one or several tables as the core takes them, of one kind in all tables.

    Raises
    ------
    DataError
        If a column is a number in one table and text in the other.
    """
    columns: list[list[_CoreColumn]] = [[] for _ in sides]
    for position in range(len(sides[0][1])):
        keys = [table.key(names[position]) for table, names in sides]
        for side, parts in enumerate(_alike(keys, sides, position)):
            columns[side].extend(parts)
    return tuple(map(tuple, columns))


def codes_of(table: Table, names: list[str]) -> tuple[Codes, int]:
    """The codes of a key within one table, and their limit; worked out once a table."""

    def work_out() -> tuple[Codes, int]:
        codes, limit = encode([(table, names)])
        return codes[0], limit

    found: tuple[Codes, int] = table.once(("codes", *names), work_out)
    return found


class NumberKey(NamedTuple):
    """Whole numbers in a narrow range as the core takes them for a key: less the least, each is its
    own code.
    """

    values: npt.NDArray[np.int64]
    valid: npt.NDArray[np.bool_] | None
    least: int


class TextKey(NamedTuple):
    """Key columns, text among them, as the core takes them; it puts rows in order without codes."""

    columns: tuple[_CoreColumn, ...]


#: What the core takes for the key of one side: codes of `encode`, or numbers that need none.
CoreKey: TypeAlias = "Codes | NumberKey"


def number_keys(sides: Sequence[tuple[Table, list[str]]]) -> tuple[list[NumberKey], int] | None:
    """Keys that need no codes: one column of whole numbers, in a narrow range over all tables.

    Returns the keys and the limit of their codes; None where they need codes.
    """
    keys = [_numbers_of(table, names) for table, names in sides]
    if any(key is None for key in keys):
        return None
    numbers = [key for key in keys if key is not None]
    ranges = [_core.number_range(key.values, key.valid) for key in numbers]
    known = [(least, most) for n, least, most in ranges if n]
    if not known:
        return None
    least = min(low for low, _ in known)
    limit = max(high for _, high in known) - least + 1
    if limit >= _NULL - 1:
        return None
    return [key._replace(least=least) for key in numbers], limit


def text_keys(sides: Sequence[tuple[Table, list[str]]]) -> list[TextKey] | None:
    """Keys with text, which need no codes; None where all columns are numbers or categories."""
    if not any(_is_text(table.key(name)) for table, names in sides for name in names):
        return None
    return [TextKey(columns) for columns in key_columns(sides)]


def _numbers_of(table: Table, names: list[str]) -> NumberKey | None:
    """A key of one column of whole numbers, from 0; they are widened where they are narrow."""
    key = table.key(names[0]) if len(names) == 1 else None
    if not isinstance(key, Integers) or key.unsigned_high:
        return None
    return NumberKey(key.values.astype(np.int64, copy=False), key.valid, 0)


class Book:
    """The keys of one table and their codes, to give other tables the same codes.

    Attributes
    ----------
    keys : NumberKey or numpy.ndarray of uint32
        The keys of the table, as the core takes them.
    limit : int
        Codes of keys are below it.
    """

    def __init__(self, table: Table, names: list[str]) -> None:
        self._table = table
        self._names = names
        self._book: object | None = None
        self._values: dict[int, object | None] = {}
        self.keys: CoreKey
        numbers = number_keys([(table, names)])
        if numbers is not None:
            (self.keys,), self.limit = numbers
            return
        columns: list[_CoreColumn] = []
        for position, name in enumerate(names):
            columns.extend(self._own_columns(position, table.key(name)))
        self.keys = np.empty(table.n_rows, np.uint32)
        self.limit, self._book = _core.key_book(tuple(columns), self.keys)

    def _own_columns(self, position: int, key: Key) -> list[_CoreColumn]:
        if not isinstance(key, Category):
            return _core_columns(key, isinstance(key, Integers) and key.unsigned_high)
        # Categories of other tables are looked up among these, and their rows need not be.
        values = key.categories
        meanings = np.empty(len(values), np.uint32)
        wide = isinstance(values, Integers) and values.unsigned_high
        _, self._values[position] = _core.key_book(tuple(_core_columns(values, wide)), meanings)
        return [("codes", key.codes, meanings)]

    def look_up(self, table: Table, names: list[str]) -> CoreKey:
        """The keys of another table; who is not in the book has `limit` as code."""
        numbers = _numbers_of(table, names)
        if isinstance(self.keys, NumberKey) and numbers is not None:
            return numbers._replace(least=self.keys.least)
        columns: list[_CoreColumn] = []
        for position, name in enumerate(names):
            found = None if self._book is None else self._as_own(position, table.key(name))
            if found is None:
                return self._encode_again(table, names)
            columns.extend(found)
        codes = np.empty(table.n_rows, np.uint32)
        _core.look_up(self._book, tuple(columns), codes)
        return codes

    def _as_own(self, position: int, key: Key) -> list[_CoreColumn] | None:
        """A column of another table as that of the book; None where one cannot be had from it."""
        own = self._table.key(self._names[position])
        own_values = own.categories if isinstance(own, Category) else own
        values = key.categories if isinstance(key, Category) else key
        wide = isinstance(own_values, Integers) and own_values.unsigned_high
        if _is_text(values) != _is_text(own_values) or (
            isinstance(values, Integers) and values.unsigned_high and not wide
        ):
            return None
        if not isinstance(own, Category):
            return None if isinstance(key, Category) else _core_columns(values, wide)
        book = self._values[position]
        if book is None:
            return None
        codes = np.empty(len(values), np.uint32)
        _core.look_up(book, tuple(_core_columns(values, wide)), codes)
        if isinstance(key, Category):
            return [("codes", key.codes, codes)]
        return [("ints", codes.astype(np.int64), codes != _NULL)]

    def _encode_again(self, table: Table, names: list[str]) -> Codes:
        """For keys of which there is no book: both tables are coded anew, and codes translated."""
        (own, other), n = encode([(self._table, self._names), (table, names)])
        translation = np.full(n, self.limit, np.uint32)
        known = own != _NULL
        translation[own[known]] = self._codes()[known]
        found = np.full(len(other), _NULL, np.uint32)
        known = other != _NULL
        found[known] = translation[other[known]]
        return found

    def _codes(self) -> Codes:
        if isinstance(self.keys, NumberKey):
            return (self.keys.values - self.keys.least).astype(np.uint32)
        return self.keys


def _alike(
    keys: list[Key], sides: Sequence[tuple[Table, list[str]]], position: int
) -> list[list[_CoreColumn]]:
    """Bring one column of every table into the same kind of core columns."""
    if all(isinstance(key, Category) for key in keys):
        return _share_categories(
            [key for key in keys if isinstance(key, Category)], sides, position
        )
    plain = [key.decode() if isinstance(key, Category) else key for key in keys]
    if any(isinstance(key, Integers) for key in plain):
        # A column without a value is of no kind; it has come as text.
        plain = [_as_integers(key) if key.is_null().all() else key for key in plain]
    _check_kinds(plain, sides, position)
    wide = any(isinstance(key, Integers) and key.unsigned_high for key in plain)
    return [_core_columns(key, wide) for key in plain]


def _share_categories(
    keys: list[Category], sides: Sequence[tuple[Table, list[str]]], position: int
) -> list[list[_CoreColumn]]:
    """Codes of categories to codes over all tables: only the distinct values are looked at."""
    if len(keys) == 1:
        return [[("codes", keys[0].codes, None)]]
    values = [key.categories for key in keys]
    _check_kinds(values, sides, position)
    wide = any(isinstance(key, Integers) and key.unsigned_high for key in values)
    shared = [np.empty(len(value), np.uint32) for value in values]
    _core.encode(tuple(tuple(_core_columns(value, wide)) for value in values), tuple(shared))
    return [[("codes", key.codes, meanings)] for key, meanings in zip(keys, shared, strict=True)]


def _is_text(key: Key) -> bool:
    return isinstance(key, Text | FixedText)


def _core_columns(key: Integers | Text | FixedText, wide: bool) -> list[_CoreColumn]:
    if isinstance(key, Text):
        return [("text", key.given_offsets, key.data, key.valid)]
    if isinstance(key, FixedText):
        return [("fixed", key.characters, key.width, key.valid)]
    columns: list[_CoreColumn] = [("ints", key.values, key.valid)]
    if wide:
        # The same 64 bits are a large unsigned number or a negative one: a second column tells.
        high = (key.values < 0) & key.unsigned_high
        columns.append(("ints", high.astype(np.int32), None))
    return columns


def _as_integers(nothing: Integers | Text | FixedText) -> Integers:
    """A column of nulls as one of numbers."""
    n = len(nothing)
    return Integers(np.zeros(n, np.int64), np.zeros(n, np.bool_))


def _check_kinds(
    keys: Sequence[Integers | Text | FixedText],
    sides: Sequence[tuple[Table, list[str]]],
    position: int,
) -> None:
    kinds = ["text" if _is_text(key) else "a number" for key in keys]
    if len(set(kinds)) > 1:
        places = " and ".join(
            f"{kind} in {table.role} (column {names[position]!r})"
            for kind, (table, names) in zip(kinds, sides, strict=True)
        )
        raise DataError(f"a key cannot be compared: it is {places}; make both the same kind")
