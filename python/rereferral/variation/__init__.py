"""How areas differ: by chance, by more than chance, and by more than areas ordinarily do."""

from rereferral.variation.funnel import Funnel, funnel
from rereferral.variation.league import League, league
from rereferral.variation.trend import trend

__all__ = ["Funnel", "League", "funnel", "league", "trend"]
