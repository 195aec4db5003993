"""The numbers that are put into the model, one set for each calibration."""

from __future__ import annotations

from dataclasses import dataclass

from rereferral.errors import RuleError

__all__ = ["CALIBRATIONS", "Parameters", "find_calibration"]


@dataclass(frozen=True)
class Parameters:
    """What is put in, not found. Lengths and gaps are in days.

    Attributes
    ----------
    name : str
        `official` or `report`.
    below_threshold_factor : float
        Below-threshold share of all referrals, as a multiple of the official share.
    stepped_down_share : float
        Share of below-threshold closures that are stepped down to early help.
    frailty_shape : float
        Shape of the child's frailty, a Gamma variable with mean 1.
    gap_shape : float
        Weibull shape of the gap from closure to the next referral.
    return_other, return_below_threshold : float
        Type's multiplier of the return rate: after NFA and in need; after below threshold.
    assessment_shape, assessment_mean : float
        Gamma length from referral to authorised assessment.
    closing_days : int
        Closure follows assessment (or an NFA referral) by 0 to this many days.
    in_need_shortest, in_need_median, in_need_sigma : float
        Length of an episode of need: shortest, plus a lognormal variable.
    gap_unit : float
        Days that a gap of 1 stands for.
    """

    name: str
    below_threshold_factor: float
    gap_shape: float
    return_other: float
    return_below_threshold: float
    in_need_median: float
    in_need_sigma: float
    stepped_down_share: float = 0.15
    frailty_shape: float = 0.8
    assessment_shape: float = 2.2
    assessment_mean: float = 31.0
    closing_days: int = 7
    in_need_shortest: float = 20.0
    gap_unit: float = 365.0


CALIBRATIONS = {
    "official": Parameters(
        name="official",
        below_threshold_factor=1.0,
        gap_shape=0.6412,
        return_other=0.3673,
        return_below_threshold=0.2097,
        in_need_median=146.1,
        in_need_sigma=1.427,
    ),
    "report": Parameters(
        name="report",
        below_threshold_factor=1.637,
        gap_shape=0.6361,
        return_other=0.4213,
        return_below_threshold=0.2165,
        in_need_median=239.5,
        in_need_sigma=1.322,
    ),
}


def find_calibration(name: str) -> Parameters:
    """Parameters of the calibration; RuleError for an unknown name."""
    if name not in CALIBRATIONS:
        raise RuleError(f"calibration: {name!r} is not one of {', '.join(CALIBRATIONS)}")
    return CALIBRATIONS[name]
