"""From the scanner to a network's grid: brain mask, registration, quality, and the way back."""

from mriinterp.prepare.batch import PrepareJob, default_jobs, files_of, prepare_all
from mriinterp.prepare.pipeline import Prepared, PrepareOptions, prepare_scan, prepare_volume
from mriinterp.prepare.quality import Finding, Quality

__all__ = [
    "Finding",
    "PrepareJob",
    "PrepareOptions",
    "Prepared",
    "Quality",
    "default_jobs",
    "files_of",
    "prepare_all",
    "prepare_scan",
    "prepare_volume",
]
