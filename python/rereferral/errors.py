"""What the package raises, beside MemoryError, OSError and KeyboardInterrupt."""

from __future__ import annotations

__all__ = ["CSVError", "DataError", "RereferralError", "RuleError"]


class RereferralError(ValueError):
    """Base of every error of this package.

    Attributes
    ----------
    row : int or None
        Data row, from 0, where the error lies in a table.
    line : int or None
        Line of a file, from 1; the header is line 1.
    byte : int or None
        Offset in the file.
    column : str, int or None
        Column: its name, or its position from 0 where it has none.
    value : str or None
        The offending value, cut short if it is long.
    """

    row: int | None = None
    line: int | None = None
    byte: int | None = None
    column: str | int | None = None
    value: str | None = None


class CSVError(RereferralError):
    """A file is not well-formed CSV."""


class DataError(RereferralError):
    """A table lacks a column, or a column holds something that it must not."""


class RuleError(RereferralError):
    """A rule or an argument is unknown, out of range, or contradicts another."""


_CLASSES = {cls.__name__: cls for cls in (RereferralError, CSVError, DataError, RuleError)}


def from_core(
    name: str,
    message: str,
    value: str,
    row: int | None,
    line: int | None,
    byte: int | None,
    column: int | None,
) -> RereferralError:
    """Make the exception for an error that the C core reports; called by the extension."""
    error = _CLASSES[name](message)
    error.row, error.line, error.byte, error.column = row, line, byte, column
    error.value = value or None
    return error
