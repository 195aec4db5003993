"""England from the authorities that answered, and how sure that is."""

from rereferral.estimate.england import england
from rereferral.estimate.estimate import Estimate, estimate_total

__all__ = ["Estimate", "england", "estimate_total"]
