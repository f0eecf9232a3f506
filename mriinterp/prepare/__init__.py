"""From the scanner to a network's grid: brain mask, registration, quality, and the way back."""

from mriinterp.prepare.pipeline import Prepared, PrepareOptions, prepare_scan, prepare_volume
from mriinterp.prepare.quality import Finding, Quality

__all__ = ["Finding", "PrepareOptions", "Prepared", "Quality", "prepare_scan", "prepare_volume"]
