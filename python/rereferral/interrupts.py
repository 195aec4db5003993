"""Ctrl-C that is not lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["Interrupts"]


class Interrupts:
    """Ctrl-C, raised as always and remembered.

    Python raises KeyboardInterrupt wherever it happens to be. In callbacks, as those that imports
    leave behind, it is dropped, and code in C++ makes other errors of it. So `heard` is put about
    a command, which ends as interrupted whatever became of it, and `later` about what others wrote
    and takes no longer than a moment.
    """

    def __init__(self) -> None:
        self._asked = False
        self._waits = False

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Raise KeyboardInterrupt from the block if Ctrl-C was pressed in it, and it fails."""
        before: Any = None
        if threading.current_thread() is threading.main_thread():
            before = signal.signal(signal.SIGINT, self._note)
        try:
            yield
        except Exception:
            self.check()
            raise
        finally:
            if before is not None:
                signal.signal(signal.SIGINT, before)

    @contextmanager
    def later(self) -> Iterator[None]:
        """Let Ctrl-C wait for the end of a block."""
        self._waits = True
        try:
            yield
        finally:
            self._waits = False
        self.check()

    def check(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed before."""
        if self._asked:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        if not self._waits:
            raise KeyboardInterrupt
