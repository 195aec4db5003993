"""Pictures: functions of a result, each with `ax` to draw in. They need matplotlib."""

from rereferral.plots.chain import chain, flow
from rereferral.plots.curves import curve
from rereferral.plots.estimates import estimates
from rereferral.plots.regions import regions
from rereferral.plots.spending import changes, spending
from rereferral.plots.tiles import tile_map
from rereferral.plots.variation import funnel, league, trend

__all__ = [
    "chain",
    "changes",
    "curve",
    "estimates",
    "flow",
    "funnel",
    "league",
    "regions",
    "spending",
    "tile_map",
    "trend",
]
