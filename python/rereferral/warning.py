"""Warnings that point at the line of the user, however deep in the package they are thought of."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

__all__ = ["in_one_line", "warn"]


class _Sentence(str):
    """The text of a warning of this package, by which it is known."""


_HERE = str(Path(__file__).parent / "_").removesuffix("_")


def warn(text: str) -> None:
    """Warn, as UserWarning, at the innermost line that is not of this package."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        level, frame = level + 1, frame.f_back
    warnings.warn(_Sentence(text), UserWarning, stacklevel=level)


@contextmanager
def in_one_line() -> Iterator[None]:
    """Print warnings of this package without a line of Python, and all others as they are.

    For the command line, whose users have written no Python.
    """
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if isinstance(message, Warning) and isinstance(
                next(iter(message.args), None), _Sentence
            ):
                print(f"warning: {message}", file=sys.stderr if file is None else file)
                return
            usual(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield
