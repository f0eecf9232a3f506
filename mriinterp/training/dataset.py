"""Scans as a network is trained on them: the part that it sees, varied at random."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

__all__ = ["Load", "ScanDataset", "visible_shape"]

Load = Callable[[int], np.ndarray]


def visible_shape(shape: Sequence[int], blocks: Sequence[tuple[int, int]] = ((3, 2), (3, 3), (3, 2), (3, 3))) -> tuple:
    """Return the part of its input that a stack of convolutions and poolings can see.

    Pooling drops what does not fill a last window; what only those voxels
    reach is never seen. `ClassificationModel3D` on 113×137×113 voxels sees
    the first 78×114×78 of them: on the grid of the demo study x ≤ 31.5 mm,
    y ≤ 49.5 mm, z ≤ 43.5 mm.

    Parameters
    ----------
    shape : sequence of int
        Voxels of the input.
    blocks : sequence of (kernel, pool)
        Unpadded convolutions of stride 1, each followed by a max pooling.

    Returns
    -------
    tuple of int
        Cutting the input to this many first voxels changes no output.
    """
    seen = []
    for n in shape:
        for kernel, pool in blocks:
            n = (n - kernel + 1) // pool
        if n < 1:
            raise ValueError(f"expected a shape that leaves at least one feature, got {tuple(shape)}")
        for kernel, pool in reversed(blocks):
            n = n * pool + kernel - 1
        seen.append(n)
    return tuple(seen)


class ScanDataset(Dataset):
    """Scans that are read when they are needed, optionally varied.

    Parameters
    ----------
    load : callable
        From the position in `labels` to the normalised scan, (i, j, k), any
        float type, 0 outside the brain.
    labels : sequence of int
        Class of each scan.
    crop : tuple of int, optional
        Keep only this many first voxels of each axis.
    flip, shift, intensity : bool, int, float
        Random left–right mirroring (along `axis`, which must be left–right),
        shifts of up to so many voxels, and changes of scale and offset of
        this standard deviation. All 0: scans as they are.
    seed : int
        Variation depends on (seed, epoch, position) only.
    axis : int
        Of left and right.
    """

    def __init__(self, load: Load, labels, *, crop=None, flip=False, shift=0, intensity=0.0, seed=0, axis=0):
        self.load, self.labels, self.crop = load, [int(v) for v in labels], crop
        self.flip, self.shift, self.intensity, self.seed = flip, shift, intensity, seed
        self.axis, self.epoch = axis, 0

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, position: int) -> tuple[Tensor, int]:
        data = np.asarray(self.load(position), np.float32)
        rng = np.random.default_rng([self.seed, self.epoch, position])
        if self.flip and rng.integers(2):
            data = np.flip(data, self.axis)
        if self.shift:
            data = _shifted(data, rng.integers(-self.shift, self.shift + 1, 3))
        if self.crop is not None:
            data = data[tuple(slice(n) for n in self.crop)]
        if self.intensity:
            scale, offset = 1 + self.intensity * rng.standard_normal(), self.intensity * rng.standard_normal()
            data = np.where(data != 0, data * np.float32(scale) + np.float32(offset), 0)
        return torch.from_numpy(np.ascontiguousarray(data, np.float32))[None], self.labels[position]


def _shifted(data: np.ndarray, by: Iterable[int]) -> np.ndarray:
    """Return an image moved by whole voxels; 0 comes in at the border."""
    out = np.zeros_like(data)
    target = tuple(slice(max(0, s), n + min(0, s)) for s, n in zip(by, data.shape, strict=True))
    source = tuple(slice(max(0, -s), n + min(0, -s)) for s, n in zip(by, data.shape, strict=True))
    out[target] = data[source]
    return out
