"""Columns from anything that speaks the Arrow C data interface, without pyarrow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rereferral import _core
from rereferral.days import NULL_DAY
from rereferral.errors import DataError
from rereferral.frames import lent
from rereferral.kinds import Categories, Column, Dates, Days, Mask, Numbers, native
from rereferral.text import Text, data_error

__all__ = ["ArrowColumn", "is_arrow", "read_column", "read_table"]

_ORDERED = 1  # the flag of a dictionary whose values carry an order

_NUMBERS = {
    "c": "i1",
    "C": "u1",
    "s": "i2",
    "S": "u2",
    "i": "i4",
    "I": "u4",
    "l": "i8",
    "L": "u8",
    "e": "f2",
    "f": "f4",
    "g": "f8",
}

_NULL_NARROW = np.int32(np.iinfo(np.int32).min)

_UNITS = {"s": "s", "m": "ms", "u": "us", "n": "ns"}

_OTHERS = {
    "z": "binary values",
    "Z": "binary values",
    "vz": "binary values",
    "w:": "binary values",
    "tt": "times of day",
    "tD": "durations",
    "ti": "intervals",
    "+r": "run-end encoded values; decode them first",
    "+l": "lists",
    "+L": "lists",
    "+v": "lists",
    "+w": "lists",
    "+s": "structs",
    "+m": "maps",
    "+u": "unions",
}


class Schema(NamedTuple):
    """An Arrow type, as the core hands it over."""

    format: str
    name: str
    flags: int
    children: list[Any]
    dictionary: Any


class Array(NamedTuple):
    """An Arrow array, as the core hands it over. The buffers are uint8, None for no validity."""

    length: int
    null_count: int
    offset: int
    buffers: list[Any]
    children: list[Any]
    dictionary: Any


class Piece(NamedTuple):
    """Rows `start` to `start` + `length` of an array; `outer`: validity of the table's own rows."""

    array: Array
    start: int
    length: int
    outer: Mask | None


def is_arrow(given: object) -> bool:
    """Whether an object hands out Arrow memory."""
    names = ("__arrow_c_stream__", "__arrow_c_array__")
    return any(hasattr(given, name) for name in names) or _is_old_chunks(given)


def _is_old_chunks(given: object) -> bool:
    """A ChunkedArray of pyarrow before 16, of which only a single array is handed out."""
    return type(given).__module__.startswith("pyarrow") and hasattr(given, "combine_chunks")


def _read(given: Any) -> tuple[Schema, list[Array]]:
    if hasattr(given, "__arrow_c_stream__"):
        schema, arrays = _core.arrow_import_stream(given.__arrow_c_stream__(None))
    elif _is_old_chunks(given):
        return _read(given.combine_chunks())
    else:
        schema, arrays = _core.arrow_import_array(*given.__arrow_c_array__(None))
    return Schema(*schema), [Array(*array) for array in arrays]


@dataclass(frozen=True, eq=False)
class ArrowColumn:
    """A column in the memory of its producer, read when it is asked for."""

    schema: Schema
    pieces: list[Piece]

    def __len__(self) -> int:
        return sum(piece.length for piece in self.pieces)

    def read(self) -> Column:
        """The column in one of the five kinds."""
        if self.schema.dictionary is not None:
            return _dictionary(self.schema, self.pieces)
        return _reader(self.schema)(self.pieces)


def read_table(given: object) -> dict[str, ArrowColumn]:
    """The columns of an Arrow table.

    Raises
    ------
    DataError
        It is not a table, or a name appears twice.
    """
    schema, arrays = _read(given)
    if schema.format != "+s":
        raise DataError(f"{type(given).__name__} is one Arrow column, not a table")
    columns: dict[str, ArrowColumn] = {}
    outer = [_validity(array, array.offset, array.length) for array in arrays]
    for position, child in enumerate(schema.children):
        field = Schema(*child)
        if field.name in columns:
            raise DataError(f"the column {field.name!r} appears twice")
        pieces = []
        for array, valid in zip(arrays, outer, strict=True):
            inner = Array(*array.children[position])
            if inner.length < array.offset + array.length:
                raise DataError(f"the column {field.name!r} is shorter than its table")
            pieces.append(Piece(inner, inner.offset + array.offset, array.length, valid))
        columns[field.name] = ArrowColumn(field, pieces)
    return columns


def read_column(given: object) -> Column:
    """A column from an Arrow array or a stream of arrays."""
    schema, arrays = _read(given)
    if schema.format == "+s":
        raise DataError(f"{type(given).__name__} is an Arrow table, not one column")
    return ArrowColumn(schema, [Piece(a, a.offset, a.length, None) for a in arrays]).read()


# ------------------------------------------------------------------------------------ buffers


def _bits(buffer: npt.NDArray[np.uint8], start: int, length: int) -> Mask:
    first = start // 8
    bits = np.unpackbits(
        buffer[first : (start + length + 7) // 8],
        count=start - 8 * first + length,
        bitorder="little",
    )
    return bits[start - 8 * first :].view(np.bool_)


def _validity(array: Array, start: int, length: int) -> Mask | None:
    if array.null_count == 0 or not array.buffers or array.buffers[0] is None:
        return None
    valid = _bits(array.buffers[0], start, length)
    return None if valid.all() else valid


def _valid_of(piece: Piece) -> Mask | None:
    own = _validity(piece.array, piece.start, piece.length)
    if own is None or piece.outer is None:
        return piece.outer if own is None else own
    return own & piece.outer


def _valid(pieces: list[Piece]) -> Mask | None:
    masks = [_valid_of(piece) for piece in pieces]
    if all(mask is None for mask in masks):
        return None
    return np.concatenate(
        [
            np.ones(piece.length, np.bool_) if mask is None else mask
            for piece, mask in zip(pieces, masks, strict=True)
        ]
    )


def _fixed(pieces: list[Piece], dtype: str) -> npt.NDArray[Any]:
    """The values of fixed width; by reference where there is one piece."""
    wanted = np.dtype(dtype)
    parts = [
        p.array.buffers[1][p.start * wanted.itemsize : (p.start + p.length) * wanted.itemsize].view(
            wanted
        )
        for p in pieces
    ]
    if len(parts) == 1:
        return native(parts[0])
    return np.concatenate(parts) if parts else np.empty(0, wanted)


# ------------------------------------------------------------------------------------ readers


def _reader(schema: Schema) -> Callable[[list[Piece]], Column]:
    kind = schema.format
    if kind in _NUMBERS:
        return lambda pieces: Numbers(_widen(_fixed(pieces, _NUMBERS[kind])), _valid(pieces))
    if kind == "b":
        return _booleans
    if kind == "u":
        return lambda pieces: _joined([_text(piece, np.dtype(np.int32)) for piece in pieces])
    if kind == "U":
        return lambda pieces: _joined([_text(piece, np.dtype(np.int64)) for piece in pieces])
    if kind == "vu":
        return lambda pieces: _joined([_views(piece) for piece in pieces])
    if kind == "n":
        return lambda pieces: Text.nulls(sum(piece.length for piece in pieces))
    if kind == "tdD":
        return _days
    if kind == "tdm":
        return lambda pieces: Dates(_moments(pieces, "ms"))
    if kind[:2] == "ts" and kind[2:3] in _UNITS and kind[3:4] == ":":
        return lambda pieces: Dates(_moments(pieces, _UNITS[kind[2]]), kind[4:])
    if kind[:2] == "d:":
        return lambda pieces: _decimals(pieces, kind)
    what = _OTHERS.get(kind[:2], _OTHERS.get(kind[:1], "values"))
    raise DataError(f"Arrow {what} (format {kind!r}) are neither dates, numbers nor text")


def _widen(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values.astype(np.float32) if values.dtype == np.float16 else values


def _booleans(pieces: list[Piece]) -> Numbers:
    parts = [_bits(piece.array.buffers[1], piece.start, piece.length) for piece in pieces]
    return Numbers(np.concatenate(parts) if parts else np.empty(0, np.bool_), _valid(pieces))


def _days(pieces: list[Piece]) -> Days:
    days, valid = _fixed(pieces, "i4"), _valid(pieces)
    if valid is None:
        return Days(days, none_missing=True)
    if days.min(where=valid, initial=0) == _NULL_NARROW:  # a day, if a far one, and not null
        days = days.astype(np.int64)
    return Days(np.where(valid, days, NULL_DAY if days.dtype == np.int64 else _NULL_NARROW))


def _moments(pieces: list[Piece], unit: str) -> npt.NDArray[np.datetime64]:
    ticks = _fixed(pieces, "i8")
    valid = _valid(pieces)
    if valid is not None:
        ticks = np.where(valid, ticks, NULL_DAY)
    return ticks.view(f"M8[{unit}]")


def _decimals(pieces: list[Piece], kind: str) -> Numbers:
    """Decimals of 128 bits without a fraction, which is how SQL has very wide integers."""
    precision, scale, *rest = kind[2:].split(",")
    if int(scale) != 0 or rest not in ([], ["128"]):
        raise DataError(
            f"decimals with a fraction (precision {precision}, scale {scale}) are neither whole "
            "numbers nor doubles; cast them to one of these"
        )
    pairs = _fixed(pieces, "V16").view("<i8").reshape(-1, 2)
    low, high = pairs[:, 0], pairs[:, 1]
    valid = _valid(pieces)
    signed = high == low >> 63
    unsigned = high == 0
    if valid is not None:
        signed, unsigned = signed | ~valid, unsigned | ~valid
    if signed.all():
        return Numbers(native(low), valid)
    if unsigned.all():
        return Numbers(native(low).view(np.uint64), valid)
    row = int((~(signed if not unsigned[signed].all() else unsigned)).argmax())
    value = (int(high[row]) << 64) | (int(low[row]) & (1 << 64) - 1)
    raise data_error(f"{value} does not fit 64 bits beside the other values", row, value)


# --------------------------------------------------------------------------------------- text


def _text(piece: Piece, width: np.dtype[Any]) -> Text:
    if piece.length == 0:
        return Text.nulls(0)
    size = width.itemsize
    offsets, data = piece.array.buffers[1:3]
    stop = piece.start + piece.length
    own = lent(offsets.ctypes.data, data.ctypes.data)
    if own is not None and size == own.given_offsets.itemsize and stop <= len(own):
        return own._with_mask(piece.start, stop, _valid_of(piece))
    offsets = offsets[piece.start * size : (stop + 1) * size].view(width)
    return Text(native(offsets), data, _valid_of(piece))


def _views(piece: Piece) -> Text:
    views = piece.array.buffers[1][16 * piece.start : 16 * (piece.start + piece.length)]
    valid = _valid_of(piece)
    offsets = np.empty(piece.length + 1, np.int64)
    data = _core.text_from_views(views, valid, list(piece.array.buffers[2:-1]), offsets)
    return Text(offsets, data, valid)


def _joined(parts: list[Text]) -> Text:
    """One column after the other."""
    if len(parts) == 1:
        return parts[0]
    n = sum(len(part) for part in parts)
    offsets = np.empty(n + 1, np.int64)
    offsets[0] = 0
    valid = None if all(part.valid is None for part in parts) else np.ones(n, np.bool_)
    data = []
    row = at = 0
    for part in parts:
        first, last = int(part.offsets[0]), int(part.offsets[-1])
        end = row + len(part)
        np.add(part.offsets[1:], at - first, out=offsets[row + 1 : end + 1])
        data.append(part.data[first:last])
        if valid is not None and part.valid is not None:
            valid[row:end] = part.valid
        row, at = end, at + last - first
    joined = np.concatenate(data) if data else np.empty(0, np.uint8)
    return Text._trusted(offsets, joined, valid)


# --------------------------------------------------------------------------------- dictionary


def _dictionary(schema: Schema, pieces: list[Piece]) -> Categories:
    """Codes into the dictionaries of all pieces, one after the other where they differ."""
    if schema.format not in _NUMBERS or schema.format in "efg":
        raise DataError("an Arrow dictionary has codes that are not whole numbers")
    field = Schema(*schema.dictionary)
    if field.dictionary is not None:
        raise DataError("an Arrow dictionary of dictionaries is neither dates, numbers nor text")
    dtype = _NUMBERS[schema.format]
    codes: list[npt.NDArray[Any]] = []
    dictionaries: list[Array] = []
    base = 0
    for piece in pieces:
        own = Array(*piece.array.dictionary)
        if not dictionaries or not _same_memory(own, dictionaries[-1]):
            base = sum(one.length for one in dictionaries)
            dictionaries.append(own)
        part = _codes_of(piece, dtype, own.length)
        codes.append(part if base == 0 else np.where(part < 0, -1, part.astype(np.int64) + base))
    values = ArrowColumn(field, [Piece(d, d.offset, d.length, None) for d in dictionaries]).read()
    joined = codes[0] if len(codes) == 1 else np.concatenate([np.empty(0, np.int8), *codes])
    ordered = bool(schema.flags & _ORDERED) and len(dictionaries) <= 1
    return Categories(joined, values, ordered)


def _codes_of(piece: Piece, dtype: str, n_values: int) -> npt.NDArray[Any]:
    """The codes of one piece, -1 where null, in a signed type; by reference where they are that."""
    part = _fixed([piece], dtype)
    valid = _valid_of(piece)
    if valid is None and (len(part) == 0 or (part.min() >= 0 and part.max() < n_values)):
        outside = None
    else:
        outside = (part < 0) | (part >= n_values)
        if valid is not None:
            outside &= valid
    if outside is not None and outside.any():
        raise DataError(f"an Arrow dictionary has a code, {part[outside][0]}, without a value")
    if part.dtype.kind == "u":
        # What stands for a value is in range; what stands under a null may be anything.
        wider = {1: np.int16, 2: np.int32}.get(part.itemsize, np.int64)
        small = n_values <= np.iinfo(np.int32).max
        part = part.view(np.int32) if part.itemsize == 4 and small else part.astype(wider)
    return part if valid is None else np.where(valid, part, part.dtype.type(-1))


def _same_memory(a: Array, b: Array) -> bool:
    """Whether two dictionaries are one, as they are when a producer repeats it for every piece."""
    return (
        (a.length, a.offset) == (b.length, b.offset)
        and len(a.buffers) == len(b.buffers)
        and all(_one_place(x, y) for x, y in zip(a.buffers, b.buffers, strict=True))
    )


def _one_place(x: npt.NDArray[np.uint8] | None, y: npt.NDArray[np.uint8] | None) -> bool:
    if x is None or y is None:
        return x is y
    return x.size == y.size and (x.ctypes.data == y.ctypes.data or bool(np.array_equal(x, y)))
