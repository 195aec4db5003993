"""How many threads the core may use."""

from __future__ import annotations

import os

from rereferral import _core
from rereferral.errors import RuleError

__all__ = ["get_num_threads", "set_num_threads"]

_MOST = 256


def set_num_threads(n: int) -> None:
    """Set how many threads each call may use from now on.

    At first it is the number of processors that this process may run on, or what the environment
    variable ``REREFERRAL_THREADS`` says when the package is imported. No result depends on it.

    Parameters
    ----------
    n : int
        From 1 to 256.

    Raises
    ------
    RuleError
        If it is not such a number.

    Examples
    --------
    >>> import rereferral as rr
    >>> before = rr.get_num_threads()
    >>> rr.set_num_threads(1)
    >>> rr.get_num_threads()
    1
    >>> rr.set_num_threads(before)
    """
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= _MOST:
        raise RuleError(
            f"n={n!r} is not a number of threads; write a whole number from 1 to {_MOST}"
        )
    _core.set_threads(n)


def get_num_threads() -> int:
    """How many threads each call may use.

    Returns
    -------
    int
    """
    return _core.get_threads()


def _first_setting() -> int:
    wanted = os.environ.get("REREFERRAL_THREADS", "").strip()
    if wanted:
        if not wanted.isdecimal() or not 1 <= int(wanted) <= _MOST:
            raise RuleError(
                f"REREFERRAL_THREADS={wanted!r} is not a number of threads; "
                f"in the environment, write a whole number from 1 to {_MOST}, or unset it"
            )
        return int(wanted)
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(available or 1, _MOST)


_core.set_threads(_first_setting())
