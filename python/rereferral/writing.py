"""CSV out: columns become a file, all of it or none."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.choosing import KINDS
from rereferral.errors import DataError, RereferralError
from rereferral.progress import Progress
from rereferral.text import Text

__all__ = ["write_csv"]

Part: TypeAlias = npt.NDArray[Any] | None
Form: TypeAlias = tuple[int, Part, Part, Part, Part]


def write_csv(
    path: str | os.PathLike[str], columns: Mapping[str, object], progress: Progress | None = None
) -> None:
    r"""Write columns to a CSV file with a header.

    The file appears under its name when it is complete; a failure leaves what was there before.

    Parameters
    ----------
    path : str or path
        Where the file is to be; its folder must exist.
    columns : mapping
        Name to column, all of one length: datetime64[D] arrays (NaT: null), integers, floats (NaN:
        null), bools, each masked where something is null; `Text`; a pandas Categorical of text, or
        a pair of int32 codes (-1: null) and a list of distinct values.
    progress : callable, optional
        ``progress(done_rows, total_rows)`` now and then.

    Raises
    ------
    DataError
        A column is of another kind or length, or holds what CSV cannot carry: a day outside the
        years 1 to 9999, an infinite number, a NUL byte.
    OSError
        The file cannot be written.

    Notes
    -----
    Dates are written as YYYY-MM-DD, bools as 0 and 1, floats with the fewest digits that read back
    the same, nulls as nothing, and so is empty text. A field is quoted if it holds a comma, a quote
    or an end of line (RFC 4180). Every line ends in LF.

    Examples
    --------
    >>> import numpy as np, pathlib, tempfile
    >>> from rereferral.writing import write_csv
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "closures.csv"
    >>> days = np.array(["2019-04-01", "NaT"], "datetime64[D]")
    >>> write_csv(path, {"closure_date": days, "reason_for_closure": ([1, 0], ["RC8", "RC9"])})
    >>> path.read_text()
    'closure_date,reason_for_closure\n2019-04-01,RC9\n,RC8\n'
    """
    forms = {name: _form(name, column) for name, column in columns.items()}
    if not forms:
        raise DataError("a CSV file needs at least one column")
    lengths = {name: _length(form) for name, form in forms.items()}
    rows = next(iter(lengths.values()))
    for name, length in lengths.items():
        if length != rows:
            first = next(iter(lengths))
            raise _about(f'column "{name}" has {length} rows, column "{first}" {rows}', name)
    names = _strings(list(forms))
    with _replacing(path) as descriptor:
        try:
            _core.csv_write(descriptor, names, list(forms.values()), rows, progress)
        except RereferralError as error:
            name = list(forms)[error.column] if isinstance(error.column, int) else ""
            value = f'"{error.value}" ' if error.value is not None else ""
            where = "" if error.row is None else f", row {error.row}"
            raise _about(f'column "{name}"{where}: {value}{error}', name, error.row) from None
        except OSError as error:
            raise OSError(error.errno, error.strerror, os.fspath(path)) from None


def _length(form: Form) -> int:
    _, values, _, offsets, _ = form
    if values is not None:
        return len(values)
    assert offsets is not None
    return len(offsets) - 1


def _about(message: str, column: str, row: int | None = None) -> DataError:
    error = DataError(message)
    error.column, error.row = column, row
    return error


def _form(name: str, column: object) -> Form:
    """The column as the core takes it: kind, values, valid, offsets, data."""
    if isinstance(column, Text):
        return KINDS["text"], None, column.valid, column.offsets, column.data
    if isinstance(column, pd.Categorical):
        return _category(name, column.codes, list(column.categories))
    if isinstance(column, tuple) and len(column) == 2:
        return _category(name, column[0], list(column[1]))
    valid = None
    if isinstance(column, np.ma.MaskedArray):
        valid = ~np.ma.getmaskarray(column)
        column = np.ma.getdata(column)
    if not isinstance(column, np.ndarray) or column.ndim != 1:
        raise _about(f'column "{name}" cannot be written: {type(column).__name__}', name)
    if column.dtype == np.dtype("datetime64[D]"):
        return KINDS["date"], np.ascontiguousarray(column).view(np.int64), valid, None, None
    for kind, dtype, accepted in (
        ("bool", np.bool_, "b"),
        ("int64", np.int64, "iu"),
        ("float64", np.float64, "f"),
    ):
        if column.dtype.kind in accepted and np.can_cast(column.dtype, dtype):
            return KINDS[kind], np.ascontiguousarray(column, dtype), valid, None, None
    raise _about(f'column "{name}" cannot be written: dtype {column.dtype}', name)


def _category(name: str, codes: Any, values: list[Any]) -> Form:
    for value in values:
        if not isinstance(value, str):
            raise _about(f'column "{name}" has the category {value!r}, which is no text', name)
    _, _, _, offsets, data = _strings(values)
    return KINDS["category"], np.ascontiguousarray(codes, np.int32), None, offsets, data


def _strings(values: list[str]) -> Form:
    encoded = [value.encode() for value in values]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(value) for value in encoded], out=offsets[1:])
    data = np.frombuffer(b"".join(encoded), np.uint8)
    return KINDS["text"], None, None, offsets, data


@contextmanager
def _replacing(path: str | os.PathLike[str]) -> Iterator[int]:
    """Yield a descriptor of a new file beside `path`, which takes its place at the end."""
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    beside = os.path.join(folder, f".{name}.{secrets.token_hex(8)}.tmp")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        os.replace(beside, target)
    except BaseException:
        os.unlink(beside)
        raise
