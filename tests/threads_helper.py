"""The same call on several numbers of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import rereferral as rr

T = TypeVar("T")

THREADS = (1, 2, 7)


@contextmanager
def threads(n: int) -> Iterator[None]:
    """So many threads for a while."""
    before = rr.get_num_threads()
    rr.set_num_threads(n)
    try:
        yield
    finally:
        rr.set_num_threads(before)


def on_threads(call: Callable[[], T]) -> list[T]:
    """What the call returns on 1, 2 and 7 threads."""
    answers = []
    for n in THREADS:
        with threads(n):
            answers.append(call())
    return answers
