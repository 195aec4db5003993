"""What a benchmark is made of: jobs, and the engines that do them.

An engine is a function that loads its inputs, in the form in which it is fastest, and returns the
work to be timed. What the work returns is brought to a common answer by its job, after the time.
"""

from __future__ import annotations

import importlib.util
import pathlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

#: Numbers that all engines must agree on.
Answer = dict[str, int]
Work = Callable[[], Any]


class Loaded(NamedTuple):
    """Work on inputs that are in memory."""

    work: Work
    input_bytes: int = 0  # of the columns it reads; 0 where nobody asks


Load = Callable[[pathlib.Path, int], Loaded | Work]


@dataclass(frozen=True)
class Engine:
    """One way to do a job.

    Attributes
    ----------
    load : callable
        ``load(folder, threads)`` gives the work and what its inputs weigh.
    module : str
        What must be installed.
    threads : bool
        Whether it uses more than one thread when it may.
    ours : bool
        Whether it is the package that is measured.
    lacks : callable
        Says why it cannot run here, or nothing.
    """

    load: Load
    module: str
    threads: bool = True
    ours: bool = False
    lacks: Callable[[], str] = str

    def missing(self) -> str:
        """Why it cannot run here; empty if it can."""
        if importlib.util.find_spec(self.module) is None:
            return f"{self.module} is not installed"
        return self.lacks()


@dataclass(frozen=True)
class Script:
    """A job done by R's data.table, in ``datatable.R``."""

    threads: bool = True
    ours: bool = False

    def missing(self) -> str:
        """Why it cannot run here; empty if it can."""
        return "" if shutil.which("Rscript") else "Rscript is not installed"


def ours(load: Load, lacks: Callable[[], str] = str) -> Engine:
    """An engine that is the package."""
    return Engine(load, "rereferral", ours=True, lacks=lacks)


@dataclass(frozen=True)
class Job:
    """A row of the table of results.

    Attributes
    ----------
    title : str
        What is done, with ``{rows}`` and ``{half}`` for the numbers of rows.
    data : str
        The kind of data set (`tests.bench.data`).
    engines : mapping
        By name. The first of ours is the one that is held to `least` and `aim`.
    answer : callable
        ``answer(result, folder)``: what all engines must agree on.
    output_bytes : callable
        Bytes of the answer as arrays, of the job's rows; memcpy moves these and the inputs.
    least, aim : float or None
        How many times as long as ours the best peer must take.
    share : float
        Rows of the data set, of the rows asked for.
    against : str
        The peer that the ratio is taken to; by default the best.
    """

    title: str
    data: str
    engines: Mapping[str, Engine | Script]
    answer: Callable[[Any, pathlib.Path], Answer]
    output_bytes: Callable[[int], int] = field(default=lambda rows: 0)
    least: float | None = None
    aim: float | None = None
    share: float = 1.0
    against: str = ""

    def rows(self, asked: int) -> int:
        """Rows of the data set."""
        return int(asked * self.share)
