"""Figures drawn by two processes: half by this one, half by one of their own.

Drawing takes about two seconds of one core and holds Python all the while, so a thread would not
help. The other process gets ready while this one counts. The bytes are the same wherever they are
drawn, so whatever goes wrong with the process has one answer: to draw here.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

from rereferral.report.drawing import FIGURES, Drawn, draw

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FiguresBeside"]

# Without the folder in which it happens to start, and with the packages of this process.
_CHILD = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from rereferral.report.beside import _answer; _answer()"
)

_THEIRS = ("chain", "authorities")
"""The figures of the other process; these take as long as all others."""


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

    def draw(
        self, tables: Mapping[str, pd.DataFrame], *, source: str, simulated: bool
    ) -> dict[str, Drawn]:
        """The figures of a report, as `drawing.draw` gives them."""
        if self._process is None:
            return draw(tables, source=source, simulated=simulated, names=FIGURES)
        asked = pickle.dumps((tables, source, simulated))
        reply = self._pool.submit(self._process.communicate, asked)
        mine = [name for name in FIGURES if name not in _THEIRS]
        found = draw(tables, source=source, simulated=simulated, names=mine)
        out, _ = reply.result()
        if self._process.returncode == 0:
            found |= pickle.loads(out)
        else:
            found |= draw(tables, source=source, simulated=simulated, names=_THEIRS)
        return {name: found[name] for name in FIGURES if name in found}


def _answer() -> None:
    """What the process does: get ready, read what to draw, and write what was drawn."""
    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401

    tables, source, simulated = pickle.load(sys.stdin.buffer)
    drawn = draw(tables, source=source, simulated=simulated, names=_THEIRS)
    sys.stdout.buffer.write(pickle.dumps(drawn))
