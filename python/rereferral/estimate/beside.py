"""What stands beside an estimate from areas that chose to answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["bounds", "responders", "tipping"]

Floats: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]


def responders(
    answered: Mask, top: Floats, bottom: Floats, names: tuple[str, str], level_of: str
) -> pd.DataFrame:
    """A published rate of those who answered beside that of all, where both parts are known.

    Parameters
    ----------
    answered : ndarray of bool, shape (areas,)
        Who answered.
    top, bottom : ndarray of float64, shape (areas, years)
        The published counts, NaN where they are missing.
    names : tuple of str
        Their columns.
    level_of : str
        What all areas together are called.

    Returns
    -------
    DataFrame
        ``who``, ``areas``, the two counts, ``rate``, and ``share``, of the lower count.
    """
    known = np.isfinite(top) & np.isfinite(bottom)
    rows = []
    whole = float(bottom[known].sum())
    for who, mask in (
        ("answered", answered),
        ("did not answer", ~answered),
        (level_of, np.ones_like(answered)),
    ):
        use = known & mask[:, None]
        above, below = float(top[use].sum()), float(bottom[use].sum())
        rows.append(
            {
                "who": who,
                "areas": int((use.any(1)).sum()),
                names[0]: above,
                names[1]: below,
                "rate": above / below if below else np.nan,
                "share": below / whole if whole else np.nan,
            }
        )
    return pd.DataFrame(rows)


def tipping(
    value: float,
    rests: Floats,
    n_areas: int,
    moves: Sequence[tuple[str, float]],
) -> pd.DataFrame:
    """How strongly answering would have to go with the rate to move an estimate so far.

    The estimate lies off by ``rho * sigma * sqrt((N - n) / n)``, where `rho` is the correlation
    over all N areas between having answered and the area's part of the estimate, and `sigma` the
    standard deviation of that part: an identity for means (X.-L. Meng, Statistical paradises and
    paradoxes in big data (I), Annals of Applied Statistics 12, 2018, 685-726, formula 2.4), and
    right to the first order for ratios, whose part is the count less what the size leads one to
    expect.

    Parameters
    ----------
    value : float
        The estimate.
    rests : ndarray of float64, shape (answered,)
        The pull of each area that answered on the estimate (totals.py).
    n_areas : int
        N.
    moves : sequence of (str, float)
        What would be so, and the estimate then.

    Returns
    -------
    DataFrame
        ``if_it_were``, ``estimate``, ``move``, ``rho``; ``chances``, the same in standard
        deviations of what random samples give, 1 / sqrt(N - 1); and ``possible``: no correlation
        is beyond 1.
    """
    n = len(rests)
    # A pull is the area's part less the mean, over n: the parts have n times its deviation.
    spread = float(np.std(rests, ddof=1)) if n > 1 else np.nan
    sigma = n * spread * math.sqrt((n_areas - 1) / n_areas)
    reach = sigma * math.sqrt((n_areas - n) / n)
    rows = []
    for what, then in moves:
        rho = (value - then) / reach if reach else np.nan
        rows.append(
            {
                "if_it_were": what,
                "estimate": then,
                "move": then - value,
                "rho": rho,
                "chances": rho * math.sqrt(n_areas - 1),
                "possible": bool(abs(rho) <= 1) if np.isfinite(rho) else False,
            }
        )
    return pd.DataFrame(rows)


def bounds(
    known: float, others: Floats, rates: Floats, names: Sequence[str], rates_of: str
) -> pd.DataFrame:
    """The total if all who did not answer had the lowest rate there is, or the highest.

    Parameters
    ----------
    known : float
        What was answered.
    others : ndarray of float64
        The sizes of those who did not answer.
    rates : ndarray of float64, shape (areas,)
        Rates of areas, in terms of that size; NaN where there is none.
    names : sequence of str
        The areas.
    rates_of : str
        Whose rates they are.

    Returns
    -------
    DataFrame
        ``others_at``, ``rates_of``, ``rate``, ``of``, the area with that rate, and ``estimate``.
    """
    rows = []
    for others_at, place in (("the lowest", np.nanargmin), ("the highest", np.nanargmax)):
        at = int(place(rates))
        rows.append(
            {
                "others_at": others_at,
                "rates_of": rates_of,
                "rate": float(rates[at]),
                "of": names[at],
                "estimate": known + float(np.nansum(others)) * float(rates[at]),
            }
        )
    return pd.DataFrame(rows)
