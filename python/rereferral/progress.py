"""A progress bar on standard error, where that is a terminal; nothing elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO, TypeAlias

from rereferral.errors import RuleError

__all__ = ["Progress", "progress_bar", "reporting"]

Progress: TypeAlias = Callable[[int, int], object]
"""Called now and then with the work done and the whole, in one unit; the whole is 0 if unknown."""

WIDTH = 30
SECONDS = 0.1  # between two drawings


@contextmanager
def progress_bar(label: str, stream: TextIO | None = None) -> Iterator[Progress | None]:
    """Yield a callable that draws a bar on `stream`, or None if that is no terminal.

    Parameters
    ----------
    label : str
        What is being done, shown before the bar.
    stream : text stream, optional
        Standard error by default.
    """
    out = sys.stderr if stream is None else stream
    if out is None or not out.isatty():
        yield None
        return
    drawn = 0.0

    def draw(done: int, total: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if now - drawn < SECONDS and done < total:
            return
        drawn = now
        part = min(done / total, 1.0) if total > 0 else 0.0
        full = int(part * WIDTH)
        out.write(f"\r{label} [{'#' * full}{'.' * (WIDTH - full)}] {part:4.0%}")
        out.flush()

    try:
        yield draw
    finally:
        if drawn:
            out.write("\r\x1b[K")  # to the start of the line, which is cleared
            out.flush()


@contextmanager
def reporting(progress: Progress | bool | None, label: str) -> Iterator[Progress | None]:
    """Yield what the argument `progress` of a public function asks for.

    A callable is used as it is, True is a bar, None and False are nothing; anything else is a
    RuleError.
    """
    if progress is True:
        with progress_bar(label) as bar:
            yield bar
    elif progress is None or progress is False:
        yield None
    elif callable(progress):
        yield progress
    else:
        raise RuleError(f"progress must be True, None or callable(done, total), not {progress!r}")
