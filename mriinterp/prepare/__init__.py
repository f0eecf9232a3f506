"""From the scanner to a network's grid: brain mask, registration, quality, and the way back."""

from typing import TYPE_CHECKING

from mriinterp.base.first_use import import_on_first_use

if TYPE_CHECKING:
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

import_on_first_use(
    __name__,
    {
        "batch": ("PrepareJob", "default_jobs", "files_of", "prepare_all"),
        "pipeline": ("Prepared", "PrepareOptions", "prepare_scan", "prepare_volume"),
        "quality": ("Finding", "Quality"),
    },
)
