"""Sodium thiosulfate: pharmacokinetics on dialysis and off it, regimens, populations, and one patient's estimate.

Pure: no input, output or clock. Amounts are in mmol, volumes in L, times in h, clearances in L/h.
"""

from calcipath.thiosulfate.simulation import Simulation, simulate

__all__ = ["Simulation", "simulate"]
