"""The anatomies that simulated people are made of: four real brains, each led to the template area by area.

``anatomies/README.md`` says where their files are from and how they were made.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import nibabel as nib
import numpy as np
import scipy

from mriinterp.image.template import DEMO_GRID
from mriinterp.image.volume import Volume, resample
from mriinterp.simulation.tissues import Tissues, tissues_of

__all__ = ["ANATOMIES", "FLUID", "FOLDER", "GREY", "WHITE", "Anatomy", "anatomy"]

FOLDER = Path(__file__).with_name("anatomies")
ANATOMIES = ("ds002748_sub-52", "ds002748_sub-53", "ds002748_sub-54", "ds002748_sub-55")

FLUID, GREY, WHITE = 68.0, 166.0, 222.0
"""Levels of the tissues in the files, those of the template."""


@dataclass(frozen=True, eq=False)
class Anatomy:
    """A real brain in template space.

    Parameters
    ----------
    coefficients : array, float32
        Of the cubic spline through its voxels; outside the brain is fluid.
    to_voxel : array, shape (4, 4)
        From mm to its voxels.
    inside : array, shape of `DEMO_GRID`, float32
        1 inside the brain.
    tissues : Tissues
    """

    coefficients: np.ndarray
    to_voxel: np.ndarray
    inside: np.ndarray
    tissues: Tissues

    def sample(self, points: np.ndarray) -> np.ndarray:
        """Return intensities at points (3, n) in mm: n values."""
        voxels = self.to_voxel[:3, :3] @ points + self.to_voxel[:3, 3:]
        return scipy.ndimage.map_coordinates(self.coefficients, voxels, order=3, mode="nearest", prefilter=False)


@lru_cache(maxsize=len(ANATOMIES))
def anatomy(number: int) -> Anatomy:
    """Return one of `ANATOMIES`; about 50 MB, kept.

    Raises
    ------
    FileNotFoundError
        If the package was installed without its files.
    """
    image = nib.Nifti1Image.from_filename(FOLDER / f"{ANATOMIES[number]}.nii.gz")
    data = np.asarray(image.dataobj, dtype=np.float32)
    filled = np.where(data > 0, data, np.float32(FLUID))
    demo = resample(Volume(filled, image.affine), DEMO_GRID, order=1)
    inside = resample(Volume((data > 0).astype(np.float32), image.affine), DEMO_GRID, order=1).data
    return Anatomy(
        scipy.ndimage.spline_filter(filled, order=3, output=np.float32),
        np.linalg.inv(image.affine).astype(np.float32),
        inside,
        tissues_of(demo.with_data(np.where(inside > 0.5, demo.data, 0))),
    )
