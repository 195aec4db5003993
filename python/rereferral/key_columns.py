"""Columns as parts of a key: whole numbers, text, or categories of either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.dates import days_of, of_categories
from rereferral.days import NULL_DAY
from rereferral.errors import DataError
from rereferral.kinds import Categories, Column, Numbers, native
from rereferral.text import Text, data_error, frozen

__all__ = ["Category", "FixedText", "Integers", "Key", "key_in_place", "key_of"]


@dataclass(frozen=True, eq=False)
class Integers:
    """A key column of whole numbers.

    Attributes
    ----------
    values : int64 or int32 array, contiguous
        Anything where null.
    valid : bool array or None
        False where null; None: no value is null.
    unsigned_high : bool
        The bits are those of unsigned numbers, one of which at least is 2**63 or more.
    """

    values: npt.NDArray[np.int64] | npt.NDArray[np.int32]
    valid: npt.NDArray[np.bool_] | None
    unsigned_high: bool = False

    def __len__(self) -> int:
        return len(self.values)

    def is_null(self) -> npt.NDArray[np.bool_]:
        """True where the value is null."""
        return np.zeros(len(self), np.bool_) if self.valid is None else ~self.valid


@dataclass(frozen=True, eq=False)
class FixedText:
    """A key column of ASCII text as numpy holds it, read where it lies.

    Attributes
    ----------
    characters : uint8 or uint32 array, contiguous
        `width` of them a text, padded with NUL.
    width : int
        From 1 to `WIDEST`.
    valid : bool array or None
        False where null; None: no value is null.
    """

    characters: npt.NDArray[Any]
    width: int
    valid: npt.NDArray[np.bool_] | None

    def __len__(self) -> int:
        return len(self.characters) // self.width

    def is_null(self) -> npt.NDArray[np.bool_]:
        """True where the value is null."""
        return np.zeros(len(self), np.bool_) if self.valid is None else ~self.valid

    def __iter__(self) -> Iterator[str | None]:
        kind = "S" if self.characters.itemsize == 1 else "U"
        texts = self.characters.view(f"{kind}{self.width}").astype(f"U{self.width}").tolist()
        null = self.is_null().tolist()
        return (None if gone else text for text, gone in zip(texts, null, strict=True))


@dataclass(frozen=True, eq=False)
class Category:
    """A key column of codes into distinct `categories`, none of them null.

    The codes are int32, int16 or int8; one below 0 is null.
    """

    codes: npt.NDArray[Any]
    categories: Integers | Text

    def __len__(self) -> int:
        return len(self.codes)

    def is_null(self) -> npt.NDArray[np.bool_]:
        """True where the value is null."""
        return self.codes < 0

    def decode(self) -> Integers | Text:
        """The column without categories: the value of each row."""
        null = self.is_null()
        rows = np.where(null, 0, self.codes)
        valid = ~null if null.any() else None
        if isinstance(self.categories, Text):
            if len(self.categories) == 0:
                return Text.nulls(len(self))
            plain = self.categories.take(rows)
            return Text._trusted(plain.offsets, plain.data, valid)
        if len(self.categories) == 0:
            return Integers(np.zeros(len(self), np.int64), valid)
        return Integers(self.categories.values[rows], valid, self.categories.unsigned_high)


Key: TypeAlias = Integers | Text | FixedText | Category

#: Characters of the widest text that the core reads in place.
WIDEST = 16


def key_in_place(given: object) -> tuple[FixedText, int] | None:
    """The key of a column that the core can read as the caller holds it, and its blank values.

    That is numpy's text of a fixed width (dtype S or U), if it is narrow, contiguous and ASCII;
    None for anything else.
    """
    if type(given) is not np.ndarray or given.dtype.kind not in "SU" or given.ndim != 1:
        return None
    size = 4 if given.dtype.kind == "U" else 1
    width = given.dtype.itemsize // size
    plain = given.flags.c_contiguous and given.flags.aligned and given.dtype.isnative
    if not plain or not 1 <= width <= WIDEST or len(given) == 0:
        return None
    characters = given.view(np.uint32 if size == 4 else np.uint8)
    blank = _core.text_fixed_check(characters, width, None, None)
    if blank is None:
        return None
    present = None
    if blank:
        present = np.empty(len(given), np.bool_)
        _core.text_fixed_check(characters, width, None, present)
    return FixedText(frozen(characters), width, present), blank


def key_of(column: Column) -> tuple[Key, int]:
    if isinstance(column, Text):
        return column.present()
    if isinstance(column, Categories):
        return _category(column)
    if isinstance(column, Numbers):
        return _integers(column), 0
    days = days_of(column)
    valid = days != NULL_DAY
    return Integers(days, None if valid.all() else valid), 0


def _integers(column: Numbers) -> Integers:
    values, valid = column.values, column.valid
    if values.dtype.kind == "f":
        whole = np.empty(len(values), np.int64)
        present = np.empty(len(values), np.bool_)
        numbers = values.astype(np.float64, copy=False)
        if valid is not None:
            numbers = np.where(valid, numbers, np.nan)
        try:
            nulls = _core.whole_from_double(numbers, whole, present)
        except DataError as error:
            row = error.row or 0
            raise data_error(
                f"{values[row]} is {error}, so it is no key", row, values[row]
            ) from None
        if values.dtype == np.float32:
            _check_singles(whole, present)
        return Integers(whole, present if nulls else None)
    if values.dtype == np.int32:
        return Integers(frozen(values), valid)
    if values.dtype != np.uint64:
        return Integers(frozen(values.astype(np.int64, copy=False)), valid)
    bits = values.view(np.int64)
    high = bits < 0 if valid is None else (bits < 0) & valid
    return Integers(frozen(bits), valid, bool(high.any()))


def _check_singles(whole: npt.NDArray[np.int64], present: npt.NDArray[np.bool_]) -> None:
    """Single precision tells whole numbers apart up to 2**24; two ids above it may be one here."""
    lost = present & ((whole > 2**24) | (whole < -(2**24)))
    if lost.any():
        row = int(lost.argmax())
        raise data_error(
            f"{whole[row]} is beyond 2**24, where float32 no longer tells whole numbers apart, so "
            "it is no key; read the column again as int64 or float64",
            row,
            whole[row],
        )


def _category(column: Categories) -> tuple[Category, int]:
    values, _ = of_categories(column, key_of)
    codes = column.codes
    # The readers make no categories of categories.
    assert not isinstance(values, Category | FixedText)
    # Null or blank categories become null, and repeated ones become one.
    distinct, kept = values, None
    if values.valid is not None or not column.distinct:
        distinct, kept = _distinct(values)
    blank = 0
    if kept is not None:
        if isinstance(column.values, Text) and isinstance(values, Text):
            was = column.values.valid
            now = values.valid
            gone = np.zeros(len(values), np.bool_) if now is None else ~now
            if was is not None:
                gone &= was
            blank = int(np.append(gone, False)[codes].sum())
        codes = np.append(kept, np.int32(-1))[codes]
    if codes.dtype not in (np.int32, np.int16, np.int8):
        codes = codes.astype(np.int32)
    return Category(native(codes), distinct), blank


def _distinct(
    values: Integers | Text,
) -> tuple[Integers | Text, npt.NDArray[np.int32] | None]:
    """The distinct values that are not null, and the new code of each; None if nothing changes."""
    n = len(values)
    if isinstance(values, Text):
        codes, distinct = values.codes()
        return (values, None) if len(distinct) == n else (distinct, codes)
    found, uniques = pd.factorize(values.values)
    if values.valid is None and len(uniques) == n:
        return values, None
    if values.valid is not None:
        present = values.valid
        found, uniques = pd.factorize(values.values[present])
        codes = np.full(n, -1, np.int32)
        codes[present] = found
        return Integers(np.asarray(uniques, np.int64), None, values.unsigned_high), codes
    some = Integers(np.asarray(uniques, np.int64), None, values.unsigned_high)
    return some, found.astype(np.int32)
