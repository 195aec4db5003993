"""Whether a result will fit into memory, asked before it is made."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["check_memory"]

_MEMINFO = Path("/proc/meminfo")


def check_memory(what: str, n_bytes: int, advice: str) -> None:
    """Refuse what cannot fit into memory.

    Linux promises more memory than there is, and ends a process that then uses it.

    Parameters
    ----------
    what : str
        What is to be made, for the message.
    n_bytes : int
        How many bytes it takes.
    advice : str
        What to do instead.

    Raises
    ------
    MemoryError
        If there is not so much memory free.
    """
    free = _free()
    if free is not None and n_bytes > free:
        raise MemoryError(
            f"{what} take {n_bytes / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB of memory are free; "
            f"{advice}"
        )


def _free() -> int | None:
    """Bytes that can be had without swapping; None where the system does not say."""
    if _MEMINFO.exists():
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
