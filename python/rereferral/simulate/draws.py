"""Tables to draw outcomes, reasons and sources from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rereferral.simulate.inputs import Inputs
from rereferral.simulate.parameters import Parameters

__all__ = [
    "NO_RETURN",
    "REASONS",
    "SOURCE_CODES",
    "TICKS",
    "outcome_limits",
    "reason_table",
    "scale_odds",
    "source_tables",
]

REASONS = ("RC1", "RC2", "RC3", "RC4", "RC5", "RC6", "RC7", "RC8", "RC9")

NO_RETURN = ("RC1", "RC2", "RC5", "RC6")
"""Reasons after which the child does not come back under the same id in the authority."""

# RC6 belongs to those who grow up, RC8 and RC9 to those who were not in need.
_NEED_REASONS = ("RC1", "RC2", "RC3", "RC4", "RC5", "RC7")

# Codes of a CIN return by published group of sources; a group is split evenly.
_SOURCES = {
    "individual": ("1A", "1B", "1C", "1D"),
    "schools": ("2A",),
    "education_services": ("2B",),
    "health_services": ("3A", "3B", "3C", "3D", "3E", "3F"),
    "housing": ("4",),
    "la_services": ("5A", "5B", "5C"),
    "police": ("6",),
    "other_legal_agency": ("7",),
    "other": ("8",),
    "anonymous": ("9",),
    "unknown": ("10",),
}

SOURCE_CODES = [code for codes in _SOURCES.values() for code in codes]

TICKS = 1 << 16
"""Length of a table of codes: a random 16-bit number picks each code with its share."""


def _table(shares: NDArray[np.float64], codes: NDArray[np.int8]) -> NDArray[np.int8]:
    limits = np.rint(np.cumsum(shares) / shares.sum() * TICKS).astype(np.int64)
    return np.repeat(codes, np.diff(limits, prepend=0))


def reason_table(inputs: Inputs) -> NDArray[np.int8]:
    """Positions in `REASONS` for episodes of need that end before the 18th birthday."""
    shares = np.array([inputs.reason_share[reason] for reason in _NEED_REASONS])
    return _table(shares, np.array([REASONS.index(r) for r in _NEED_REASONS], np.int8))


def source_tables(inputs: Inputs) -> list[NDArray[np.int8]]:
    """Positions in `SOURCE_CODES`, a table for each year."""
    groups = [_SOURCES[name] for name in inputs.source_groups]
    codes = np.array([SOURCE_CODES.index(c) for group in groups for c in group], np.int8)
    sizes = np.array([len(group) for group in groups])
    return [_table(np.repeat(share / sizes, sizes), codes) for share in inputs.source_share]


def scale_odds(
    share: NDArray[np.float64], weight: NDArray[np.float64], total: float
) -> NDArray[np.float64]:
    """Multiply the odds of every share by one factor, so that `weight` x share adds up to `total`.

    A share of 0 stays 0 and none passes 1, which a plain multiple would not keep.
    """
    low, high = -20.0, 20.0  # logarithm of the factor
    scaled = share
    for _ in range(60):
        middle = (low + high) / 2
        factor = np.exp(middle)
        scaled = share * factor / (1 - share + share * factor)
        if (scaled * weight).sum() < total:
            low = middle
        else:
            high = middle
    return scaled


def outcome_limits(inputs: Inputs, parameters: Parameters) -> NDArray[np.float64]:
    """Upper limits of a uniform draw for NFA, RC8 and stepped down; above them is in need.

    Each authority keeps its published shares of the year, with odds scaled so that England's
    are the official ones, times the calibration's factor for the below-threshold share.

    Returns
    -------
    ndarray of float64, shape (3, years, 152)
    """
    limits = np.empty((3, *inputs.referrals.shape))
    for y, volume in enumerate(inputs.referrals.astype(np.float64)):
        nfa = scale_odds(inputs.nfa_share[y], volume, inputs.nfa[y])
        total = inputs.not_in_need[y] * parameters.below_threshold_factor
        below = scale_odds(inputs.not_in_need_share[y], volume * (1 - nfa), total) * (1 - nfa)
        limits[:, y] = nfa, nfa + below * (1 - parameters.stepped_down_share), nfa + below
    return limits
