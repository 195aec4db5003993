"""Figures drawn by a process of their own, while this one goes on counting.

Drawing takes about two seconds of one core and holds Python all the while, so a thread would not
help. The tables of the figures are among the first that a report has; the linkages that come after
them take as long as the drawing. The bytes are the same wherever they are drawn, so whatever goes
wrong with the process has one answer: to draw here.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rereferral.report.drawing import TABLES, Drawn, draw

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FiguresBeside"]

# Without the folder in which it happens to start, and with the packages of this process.
_CHILD = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from rereferral.report.beside import _answer; _answer()"
)


class FiguresBeside:
    """A process that draws: it starts with the block, gets ready, and ends with it.

    Parameters
    ----------
    worthwhile : bool
        Without it no process starts, and the figures are drawn here.
    """

    def __init__(self, worthwhile: bool = True) -> None:
        self._worthwhile = worthwhile
        self._process: subprocess.Popen[bytes] | None = None
        self._asked: tuple[Any, ...] = ()
        self._reply: Future[tuple[bytes, bytes]] | None = None

    def __enter__(self) -> FiguresBeside:
        self._pool = ThreadPoolExecutor(1)
        if not self._worthwhile:
            return self
        with suppress(OSError, ValueError):
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _CHILD, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for this process, which then ends the other
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
        self._pool.shutdown()
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None and not pipe.closed:
                    pipe.close()
            self._process.wait()

    def ask(self, tables: Mapping[str, pd.DataFrame], *, source: str, simulated: bool) -> None:
        """Have the figures of a report drawn; arguments as of `drawing.draw`."""
        if self._process is None or self._reply is not None:
            return
        needed = {name: tables[name] for name in TABLES}
        self._asked = needed, source, simulated
        self._reply = self._pool.submit(self._process.communicate, pickle.dumps(self._asked))

    def draw(
        self, tables: Mapping[str, pd.DataFrame], *, source: str, simulated: bool
    ) -> dict[str, Drawn]:
        """The figures of a report, as `drawing.draw` gives them; drawn here if need be."""
        found = None
        if self._reply is not None and self._process is not None:
            asked, *how = self._asked
            out, _ = self._reply.result()
            same = all(tables[name] is table for name, table in asked.items())
            if same and how == [source, simulated] and self._process.returncode == 0:
                found = pickle.loads(out)
        return found or draw(tables, source=source, simulated=simulated)


def _answer() -> None:
    """What the process does: get ready, read what to draw, and write what was drawn."""
    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401

    tables, source, simulated = pickle.load(sys.stdin.buffer)
    drawn = draw(tables, source=source, simulated=simulated)
    sys.stdout.buffer.write(pickle.dumps(drawn))
