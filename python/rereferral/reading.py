"""CSV in: a file becomes typed columns, or an error that says where it cannot."""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias, overload

import numpy as np
import pandas as pd

from rereferral import _core
from rereferral.archives import Archive, archive_of
from rereferral.choosing import KINDS, choose
from rereferral.errors import CSVError, RereferralError, RuleError
from rereferral.frames import frame_of, text_array
from rereferral.progress import Progress, reporting
from rereferral.text import Text

__all__ = ["Columns", "read_columns", "read_csv", "read_header", "read_records"]

Path: TypeAlias = str | os.PathLike[str]

# The numbers are those of rr_csv_kind and rr_csv_encoding.
SKIP = 0
ENCODINGS = {"utf-8": 0, "iso8859-1": 1, "cp1252": 2}


class Columns(dict[str, Any]):
    """The columns of a file by name, and what was met on the way.

    Attributes
    ----------
    file : str
        The path as it was given.
    rows : int
        Rows in each column.
    blank_lines : int
        Blank lines that were skipped (none in a file of one column, where they are values).
    bad_rows : int
        Rows that were left out because something in them could not be read.
    """

    def __init__(self, file: str, rows: int, blank_lines: int, bad_rows: int) -> None:
        super().__init__()
        self.file = file
        self.rows = rows
        self.blank_lines = blank_lines
        self.bad_rows = bad_rows


@overload
def read_csv(
    path: Path,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    date_format: str = "ISO",
    encoding: str = "utf-8",
    on_error: Literal["raise"] = "raise",
    progress: Progress | bool | None = None,
) -> pd.DataFrame: ...
@overload
def read_csv(
    path: Path,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    date_format: str = "ISO",
    encoding: str = "utf-8",
    *,
    on_error: Literal["collect"],
    progress: Progress | bool | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]: ...
def read_csv(
    path: Path,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    date_format: str = "ISO",
    encoding: str = "utf-8",
    on_error: Literal["raise", "collect"] = "raise",
    progress: Progress | bool | None = None,
) -> pd.DataFrame | tuple[pd.DataFrame, pd.DataFrame]:
    r"""Read a CSV file with a header into a DataFrame.

    Parameters
    ----------
    path : str or path
        A file on disk: CSV as it is, or a gzip or zstd archive of one, which its first bytes tell.
        An archive is unpacked to a temporary file without a name in the folder that ``TMPDIR``
        names. zstd needs Python 3.14 or ``pip install 'rereferral[zstd]'``.
    columns : mapping or list of str, optional
        A list selects columns, in its order. A mapping from the standard name to the file's name
        renames, ``{"child_id": "PersonRef"}``, and keeps every other column as it is called. None
        reads all. Names are compared exactly.
    types : mapping, optional
        Name (after renaming) to ``"date"``, ``"int64"``, ``"float64"``, ``"bool"``, ``"text"`` or
        ``"category"``. The columns of an episodes table have fixed types, and another type for one
        of them is refused: category for `authority`, `referral_source`, `reason_for_closure`; text
        for `child_id`; bool for `referral_nfa`; date for the others. To read one otherwise, give it
        another name. Every other column is text unless `types` says otherwise.
    date_format : str
        ``"ISO"``, that is YYYY-MM-DD, or a pattern of ``%Y``, ``%m``, ``%d`` and separators, such
        as ``"%d/%m/%Y"``, in which day and month may have one digit. It holds for all date columns.
    encoding : {"utf-8", "latin-1", "cp1252"}
        How the bytes spell text. Names and texts that do not fit it are errors.
    on_error : {"raise", "collect"}
        Fail at the first row that cannot be read, or leave such rows out and return them in a
        second table.
    progress : callable or bool, optional
        ``progress(done_bytes, total_bytes)`` once a block, or True for a bar on standard error when
        that is a terminal. The bytes are those of the file on disk, packed or not; an archive has
        three quarters of them behind it when it is unpacked.

    Returns
    -------
    table : DataFrame
        Dates as datetime64[s], which holds the years 1 to 9999; int64, or Int64 with nulls;
        float64; bool, or boolean with nulls; text as string, held by pyarrow where that is
        installed; category with categories in the order of first appearance.
        ``table.attrs["rereferral"]`` has `file`, `rows`, `blank_lines` (skipped) and `bad_rows`
        (left out).
    bad : DataFrame
        With ``on_error="collect"`` only. One row for everything that is wrong: `line` (of the file,
        from 1, on which the value or the row begins), `row` (of the data, from 0, counting good and
        bad ones), `column` (of the file; null where it is the row as a whole), `value` (cut at
        1,000 bytes), `reason`. Rows left out: ``bad["row"].nunique()``.

    Raises
    ------
    CSVError
        The file is not well-formed: a quote that is not closed or stands inside an unquoted field,
        a row with another number of fields than the header, a NUL byte, a field of 1 MiB or more;
        it is empty, UTF-16, or compressed in another way than above; it changed while it was read;
        the archive is damaged or cut short, or nothing is installed that unpacks it.
    DataError
        A column is missing or there twice, or a value does not fit its column. The message names
        file, line, column and value, and so do the attributes of the error.
    RuleError
        An argument is not one of those above.
    OSError
        The file cannot be opened or read.

    Notes
    -----
    An empty field is null, quoted or not: an empty id too, which `link` leaves out and counts. Text
    keeps leading zeros and blanks; a value of blanks only is not empty. Bools are 0, 1, true, false
    in any case. A time of day is accepted if it is midnight. Numbers are decimal, with a point;
    "nan" and "inf" are none. In a file of one column a blank line is an empty field, elsewhere it
    is skipped and counted. A byte order mark is skipped. Lines may end in LF, CRLF or CR. A column
    name that stands twice is an error if it is read. Columns that are not read are not converted,
    but their quotes and their NUL bytes count.

    After a row that cannot be read for its quotes or its number of fields, ``"collect"`` goes on
    with the line after the one that the row began on. What is wrong with the header is an error
    in either case.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from rereferral.reading import read_csv
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "episodes.csv"
    >>> _ = path.write_text("PersonRef,closure_date\n007,2019-02-28\n008,2019-02-29\n")
    >>> table, bad = read_csv(path, columns={"child_id": "PersonRef"}, on_error="collect")
    >>> table
      child_id closure_date
    0      007   2019-02-28
    >>> print(bad.loc[0, "line"], bad.loc[0, "column"], bad.loc[0, "value"], bad.loc[0, "reason"])
    3 closure_date 2019-02-29 is not a date: there is no such day
    """
    given = path, columns, types, date_format, encoding, on_error, progress
    found, bad = _read(*given, in_seconds=True)
    facts = {
        "file": found.file,
        "rows": found.rows,
        "blank_lines": found.blank_lines,
        "bad_rows": found.bad_rows,
    }
    table = frame_of(found)
    table.attrs["rereferral"] = facts
    return table if bad is None else (table, bad)


@overload
def read_columns(
    path: Path,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    date_format: str = "ISO",
    encoding: str = "utf-8",
    on_error: Literal["raise"] = "raise",
    progress: Progress | bool | None = None,
) -> Columns: ...
@overload
def read_columns(
    path: Path,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    date_format: str = "ISO",
    encoding: str = "utf-8",
    *,
    on_error: Literal["collect"],
    progress: Progress | bool | None = None,
) -> tuple[Columns, pd.DataFrame]: ...
def read_columns(
    path: Path,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    date_format: str = "ISO",
    encoding: str = "utf-8",
    on_error: Literal["raise", "collect"] = "raise",
    progress: Progress | bool | None = None,
) -> Columns | tuple[Columns, pd.DataFrame]:
    r"""Read a CSV file with a header into a dict of columns, with no pandas in between.

    Errors and rules are those of `read_csv`, and so are the arguments.

    Parameters
    ----------
    path : str or path
        A file on disk, as it is or packed with gzip or zstd.
    columns : mapping or list of str, optional
        Renames (standard name to the file's name), or selects.
    types : mapping, optional
        Name to type, for columns that have no fixed one.
    date_format : str
        ``"ISO"``, or a pattern such as ``"%d/%m/%Y"``.
    encoding : {"utf-8", "latin-1", "cp1252"}
        How the bytes spell text.
    on_error : {"raise", "collect"}
        Fail at the first row that cannot be read, or leave such rows out and list them.
    progress : callable or bool, optional
        ``progress(done_bytes, total_bytes)``, or True for a bar on a terminal.

    Returns
    -------
    columns : Columns
        A dict of datetime64[D] (null: NaT), int64, float64 (null: NaN) and bool arrays of one
        dimension; int64 and bool with nulls are masked arrays; text is a `Text`; a category is a
        pandas Categorical. `Columns.rows`, `blank_lines` and `bad_rows` tell what was met.
    bad : DataFrame
        With ``on_error="collect"`` only, as in `read_csv`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from rereferral.reading import read_columns
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "early_help.csv"
    >>> _ = path.write_text("child_id,start_date\n007,01/04/2019\n,\n")
    >>> read = read_columns(path, types={"start_date": "date"}, date_format="%d/%m/%Y")
    >>> read["start_date"]
    array(['2019-04-01',        'NaT'], dtype='datetime64[D]')
    >>> read["child_id"][0], read["child_id"][1]
    ('007', None)
    """
    found, bad = _read(path, columns, types, date_format, encoding, on_error, progress)
    return found if bad is None else (found, bad)


def read_header(path: Path, encoding: str = "utf-8") -> list[str]:
    """Read the names of the columns of a CSV file, and nothing else of it.

    Parameters
    ----------
    path : str or path
        A file on disk, as it is or packed with gzip or zstd.
    encoding : {"utf-8", "latin-1", "cp1252"}
        As `read_csv` has it.

    Returns
    -------
    list of str
        In the file's order, as they stand there; none in an empty file.

    Raises
    ------
    CSVError, RuleError, OSError
        As `read_csv` says.
    """
    code = _encoding(encoding)
    with _opened(path) as file, _naming(file.name, []), file.head() as head:
        return _strings(_core.csv_header(head, code, 0))


def read_records(
    source: Path | bytes,
    *,
    header: Sequence[str] | None = None,
    encoding: str = "utf-8",
    block_size: int = 0,
) -> list[list[str]]:
    """Read the records of a CSV file as they are, all text and none of it null.

    Parameters
    ----------
    source : str, path or bytes
        A file, or its content.
    header : list of str, optional
        What the first record must be; it is then not among the records.
    encoding : {"utf-8", "latin-1", "cp1252"}
        As `read_csv` has it.
    block_size : int
        Bytes taken at a time; 0 is the usual size. The answer does not depend on it.

    Returns
    -------
    list of list of str

    Raises
    ------
    CSVError, DataError, OSError
        As `read_csv` says; CSVError too if the first record is not `header`.
    """
    code = _encoding(encoding)
    if isinstance(source, bytes):
        with _naming("<bytes>", []):
            return _records(source, header, code, block_size)
    with _opened(source) as file, _naming(file.name, []), file.content() as (descriptor, _):
        return _records(descriptor, header, code, block_size)


def _records(
    source: int | bytes, header: Sequence[str] | None, encoding: int, block_size: int
) -> list[list[str]]:
    width = len(_strings(_core.csv_header(source, encoding, block_size)))
    if width == 0:
        if header is not None:
            raise CSVError("the file is empty; a header is expected")
        return []
    kinds = np.full(width, KINDS["text"], np.int32)
    columns, _, rows, _, _, _ = _core.csv_read(
        source, kinds, "ISO", encoding, False, False, block_size, None
    )
    texts = [_strings(column) for column in columns]
    records = [[text[row] for text in texts] for row in range(rows)]
    if header is not None:
        if records[0] != list(header):
            error = CSVError(f"the header is {records[0]}, not {list(header)}")
            error.line = 1
            raise error
        del records[0]
    return records


def _read(
    path: Path,
    columns: Mapping[str, str] | Sequence[str] | None,
    types: Mapping[str, str] | None,
    date_format: str,
    encoding: str,
    on_error: str,
    progress: Progress | bool | None,
    in_seconds: bool = False,
) -> tuple[Columns, pd.DataFrame | None]:
    """Read columns; dates as pandas holds them, in seconds, or as numpy does, in days."""
    if on_error not in ("raise", "collect"):
        raise RuleError(f'on_error must be "raise" or "collect", not {on_error!r}')
    _check_date_format(date_format)
    code = _encoding(encoding)
    collect = on_error == "collect"
    with _opened(path) as file, reporting(progress, os.path.basename(file.name)) as tell:
        name = file.name
        with _naming(name, []), file.head() as head:
            header = _strings(_core.csv_header(head, code, 0))
        if not header:
            raise CSVError(f"{name}: the file is empty; a header is expected")
        if header == [""]:
            raise CSVError(f"{name}, line 1: the header is empty")
        wanted = choose(name, header, columns, types)
        kinds = np.full(len(header), SKIP, np.int32)
        for column in wanted:
            kinds[column.position] = KINDS[column.kind]
        with _naming(name, header), file.content(tell) as (descriptor, told):
            arrays, complaints, rows, _, blank_lines, bad_rows = _core.csv_read(
                descriptor, kinds, date_format, code, True, collect, 0, told, 0, in_seconds
            )
    found = Columns(name, rows, blank_lines, bad_rows)
    for column in wanted:
        found[column.name] = _column(column.kind, arrays[column.position], in_seconds)
    return found, _bad_table(complaints, header) if collect else None


def _check_date_format(date_format: str) -> None:
    """Refuse a format that the core would refuse, before a file is opened."""
    if not isinstance(date_format, str) or "\0" in date_format:
        raise RuleError(f'date_format must be "ISO" or a pattern, not {date_format!r}')
    kinds = np.array([KINDS["date"]], np.int32)
    try:
        _core.csv_read(b"", kinds, date_format, ENCODINGS["utf-8"], False, False, 0, None)
    except RereferralError as error:
        raise RuleError(f"date_format {date_format!r}: {error}") from None


def _encoding(encoding: str) -> int:
    try:
        code = ENCODINGS.get(codecs.lookup(encoding).name)
    except (LookupError, TypeError):
        code = None
    if code is None:
        raise RuleError(f"encoding {encoding!r} is not read; it must be utf-8, latin-1 or cp1252")
    return code


@dataclass(frozen=True)
class _File:
    """An open file, and what its bytes are packed in."""

    name: str
    descriptor: int
    archive: Archive | None

    def head(self) -> AbstractContextManager[int | bytes]:
        """What `_core.csv_header` is to be given."""
        return nullcontext(self.descriptor) if self.archive is None else self.archive.head()

    def content(
        self, tell: Progress | None = None
    ) -> AbstractContextManager[tuple[int, Progress | None]]:
        """What `_core.csv_read` is to be given, and whom it is to tell how far it is."""
        if self.archive is None:
            return nullcontext((self.descriptor, tell))
        return self.archive.unpacked(tell)


@contextmanager
def _opened(path: Path) -> Iterator[_File]:
    """Open a regular file, under its name as the caller wrote it."""
    if not isinstance(path, (str, os.PathLike)):
        raise RuleError(f"path must be a str or a path, not {type(path).__name__}")
    name = os.fspath(path)
    if stat.S_ISFIFO(os.stat(name).st_mode):
        raise CSVError(f"{name}: a pipe cannot be read; save what it carries to a file first")
    with open(name, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise CSVError(f"{name}: not a regular file")
        with _naming(name, []):
            archive = archive_of(file)
        yield _File(name, file.fileno(), archive)


def _date_hint(value: str) -> str:
    """How to ask for dates that are written as this one seems to be."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return '; date_format="ISO" may read it'
    if re.fullmatch(r"\d{8}", value):
        return '; date_format="%Y%m%d" may read it'
    parts = re.fullmatch(r"(\d\d?)([/.-])(\d\d?)\2\d{4}", value)
    if parts is None:
        return "; date_format says how dates are written"
    sign, american = parts[2], int(parts[3]) > 12
    first, second = ("%m", "%d") if american else ("%d", "%m")
    return f'; date_format="{first}{sign}{second}{sign}%Y" may read it'


@contextmanager
def _naming(file: str, header: list[str]) -> Iterator[None]:
    """Put the names of file and column into what the core raises."""
    try:
        yield
    except RereferralError as error:
        column = error.column
        if isinstance(column, int):
            column = header[column] if column < len(header) else f"{column + 1}"
        where = file
        if error.line is not None:
            where += f", line {error.line}"
        if column is not None:
            where += f", column {column}"
        subject = f'"{error.value}" ' if error.value is not None else ""
        if column is not None and not subject:
            subject = "the field "
        hint = _date_hint(str(error.value)) if "is not a date (want" in str(error) else ""
        named = type(error)(f"{where}: {subject}{error}{hint}")
        named.row, named.line, named.byte = error.row, error.line, error.byte
        named.column, named.value = column, error.value
        raise named from None
    except OSError as error:
        if error.filename is None:
            raise OSError(error.errno, error.strerror, file) from None
        raise


Arrays: TypeAlias = tuple[Any, Any, Any, Any, bool]
"""The values, valid, offsets and data of a column, None for what its kind does not have; and
whether every byte of a text is visible."""


def _text(arrays: Arrays) -> Text:
    _, valid, offsets, data, visible = arrays
    return Text._read(offsets, data, valid, visible)


def _strings(arrays: Arrays) -> list[str]:
    """Each value as a str; a null is empty."""
    _, _, offsets, data, _ = arrays
    joined = data.tobytes()
    return [joined[start:end].decode() for start, end in pairwise(offsets.tolist())]


def _column(kind: str, arrays: Arrays, in_seconds: bool) -> Any:
    values, valid, *_ = arrays
    if kind == "text":
        return _text(arrays)
    if kind == "category":
        # The core has checked the codes and made them as narrow as pandas wants them: no copy.
        categories = pd.Index(_strings(arrays), dtype=str)
        return pd.Categorical.from_codes(values, categories=categories, validate=False)
    if kind == "date":
        return values.view("datetime64[s]" if in_seconds else "datetime64[D]")
    if valid is not None:
        return np.ma.MaskedArray(values, mask=~valid)
    return values


def _bad_table(complaints: list[Arrays], header: list[str]) -> pd.DataFrame:
    line, row, column, value, reason = complaints
    codes, known = column[0], column[1]
    if known is not None:
        codes = np.where(known, codes, -1)
    names = list(dict.fromkeys(header))
    by_position = np.array([names.index(name) for name in header])
    codes = np.where(codes < 0, -1, by_position[codes])
    reasons = pd.Categorical.from_codes(reason[0], categories=pd.Index(_strings(reason), dtype=str))
    return pd.DataFrame(
        {
            "line": line[0],
            "row": row[0],
            "column": pd.Categorical.from_codes(codes, categories=pd.Index(names, dtype=str)),
            "value": text_array(_text(value)),
            "reason": reasons.remove_unused_categories(),
        }
    )
