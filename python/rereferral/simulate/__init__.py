"""A SIMULATED England: no child-level data is public, so this stands in for it."""

from rereferral.simulate.simulation import Simulation, check_folder, simulate

__all__ = ["Simulation", "check_folder", "simulate"]
