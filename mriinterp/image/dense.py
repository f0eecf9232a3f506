"""The part of the brain in which a scattered mask is dense: a few clear outlines in place of hundreds of specks."""

from __future__ import annotations

import numpy as np
import scipy

from mriinterp.image.space import blur_inside
from mriinterp.image.template import brain_mask
from mriinterp.image.volume import Volume

__all__ = ["dense_part"]

NEARBY_MM = 3.0  # standard deviation of the Gaussian that says what is near
SHARE = 0.25  # of the brain nearby that is in the mask, at least
SMALLEST_ML = 1.0  # a part below this volume is left out


def dense_part(mask: Volume) -> Volume:
    """Return where in the brain at least a quarter of what is within some 3 mm belongs to a mask.

    Parameters
    ----------
    mask : Volume
        bool, in MNI space; on any grid with axes at right angles.

    Returns
    -------
    Volume
        bool, on the same grid; parts of less than 1 ml are left out.
    """
    found = np.asarray(mask.data) > 0
    if not found.any():
        return mask.with_data(found)
    brain = brain_mask(mask.grid).data | found
    sigma = [NEARBY_MM / size for size in mask.grid.voxel_sizes]
    labels, _ = scipy.ndimage.label(brain & (blur_inside(found, brain, sigma) >= SHARE))
    large = np.bincount(labels.ravel()) * mask.grid.voxel_volume >= 1000 * SMALLEST_ML
    large[0] = False
    return mask.with_data(large[labels])
