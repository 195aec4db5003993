"""Pictures: functions of a result, each with `ax` to draw in. They need matplotlib."""

from rereferral.plots.estimates import estimates
from rereferral.plots.spending import changes, spending
from rereferral.plots.variation import funnel, league, trend

__all__ = ["changes", "estimates", "funnel", "league", "spending", "trend"]
