"""Means over blocks of voxels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mriinterp.image.volume import Volume

__all__ = ["block_means"]


def block_means(volume: Volume, block: Sequence[int]) -> Volume:
    """Average a volume over whole blocks of voxels; what is left over at the far ends is dropped.

    Parameters
    ----------
    volume : Volume
    block : sequence of 3 int
        Voxels of a block along i, j, k, at least 1 and at most the volume's.

    Returns
    -------
    Volume
        float32, shape of the volume divided by that of a block, rounded down;
        the affine leads to the centres of the blocks.

    Examples
    --------
    >>> volume = Volume(np.arange(8.0).reshape(4, 2, 1), np.eye(4))
    >>> means = block_means(volume, (2, 2, 1))
    >>> means.data.ravel().tolist(), means.affine[:3, 3].tolist()
    ([1.5, 5.5], [0.5, 0.5, 0.0])
    """
    counts = [n // b for n, b in zip(volume.data.shape, block, strict=True)]
    (i, j, k), (ni, nj, nk) = block, counts
    whole = volume.data[: ni * i, : nj * j, : nk * k].reshape(ni, i, nj, j, nk, k)
    to_block = np.diag([*map(float, block), 1.0])
    to_block[:3, 3] = [(b - 1) / 2 for b in block]
    return Volume(whole.mean(axis=(1, 3, 5), dtype=np.float32), volume.affine @ to_block)
