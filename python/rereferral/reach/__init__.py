"""How many children early help reaches, of all children, by authority and year."""

from rereferral.reach.reach import Reach, reach

__all__ = ["Reach", "reach"]
