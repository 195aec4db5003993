"""A SIMULATED England: no child-level data is public, so this stands in for it."""

from rereferral.simulate.simulation import Simulation, simulate

__all__ = ["Simulation", "simulate"]
