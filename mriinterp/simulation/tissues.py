"""The fluid and white matter of a brain in MNI space, judged by its intensities, as atrophy needs them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from mriinterp.image.blocks import block_means
from mriinterp.image.template import csf_fraction, tissue
from mriinterp.image.volume import Grid, Volume
from mriinterp.simulation.areas import part_labels

__all__ = ["Tissues", "blurred", "tissues_of"]

COARSE_MM = 2.8  # edge of the voxels on which displacements are computed: they are smooth
REACH = 2  # coarse voxels beyond the brain that interpolating and differences within it read
EDGE_MM = 0.8  # areas pass into each other over this width


def blurred(values: np.ndarray, grid: Grid, millimetres: float) -> np.ndarray:
    """Return an image on a grid, Gaussian-blurred by a standard deviation in mm; beyond the border is 0."""
    sigma = [millimetres / size for size in grid.voxel_sizes]
    return scipy.ndimage.gaussian_filter(values, sigma, mode="constant", truncate=3.0)


@dataclass(frozen=True, eq=False)
class Tissues:
    """The fluid and white matter of a brain in MNI space, on a grid coarse enough for what is smooth.

    Parameters
    ----------
    grid : Grid
    fluid, solid, white, takers : array, float32
        Shares, 0–1; takers are fluid in and around the brain.
    near : array of bool
        The brain and `REACH` voxels more.
    labels : array of uint8, shape of the fine grid
        Of `part_labels`.
    block : int
        Voxels of the fine grid along an edge of one of this.
    """

    grid: Grid
    fluid: np.ndarray
    solid: np.ndarray
    white: np.ndarray
    takers: np.ndarray
    near: np.ndarray
    labels: np.ndarray
    block: int

    def rates(self, by_part: np.ndarray) -> np.ndarray:
        """Return values by number as an image on this grid, passing into each other at edges."""
        image = Volume(by_part.astype(np.float32)[self.labels], np.eye(4))
        return blurred(block_means(image, (self.block,) * 3).data, self.grid, EDGE_MM)


def tissues_of(volume: Volume) -> Tissues:
    """Return the tissues of a skull-stripped T1 scan in MNI space, judged by its intensities.

    Raises
    ------
    ValueError
        If the scan shows no fluid where ventricles are.
    """
    block = max(1, round(COARSE_MM / min(volume.grid.voxel_sizes)))

    def coarse(values: np.ndarray) -> Volume:
        return block_means(volume.with_data(values.astype(np.float32)), (block,) * 3)

    inside = volume.data > 0
    fluid = csf_fraction(volume)
    solid = coarse(np.where(inside, 1 - fluid, 0))
    white = tissue("wm", solid.grid).data * solid.data
    takers = coarse(np.where(inside, fluid, 1)).data
    labels = part_labels(volume.grid)
    near = scipy.ndimage.binary_dilation(coarse(inside).data > 0, np.ones((3, 3, 3)), iterations=REACH)
    return Tissues(solid.grid, coarse(fluid).data, solid.data, white, takers, near, labels, block)
