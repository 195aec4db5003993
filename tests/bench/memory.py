"""Resident memory of this process, as Linux counts it."""

from __future__ import annotations

import contextlib
import pathlib
import resource

STATUS = pathlib.Path("/proc/self/status")


def _field(name: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{STATUS} has no {name}")


def now() -> int:
    """Bytes that are resident now."""
    return _field("VmRSS") if STATUS.exists() else peak()


def forget_peak() -> None:
    """Let the peak begin anew, where the system can do that."""
    with contextlib.suppress(OSError):
        pathlib.Path("/proc/self/clear_refs").write_text("5")


def peak() -> int:
    """The most bytes that were resident."""
    if STATUS.exists():
        return _field("VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
