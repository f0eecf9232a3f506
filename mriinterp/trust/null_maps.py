"""Null maps: four maps that know nothing of the network, shown beside every method.

A method that does not do better than all of them has shown nothing about
the network, however good its map looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    from torch import Tensor


__all__ = ["NULL_MAPS", "NullMap", "null_map", "present_name"]

BLUR_SIGMA = 6.0  # voxels: about as smooth as class activation maps


@dataclass(frozen=True)
class NullMap:
    """A null map: its label, how its maps are read, and what it is for."""

    label: str
    reading: str
    about: str


NULL_MAPS = {
    "null_random": NullMap("Null map: white noise", "absolute", "white noise: the level of chance"),
    "null_edges": NullMap("Null map: edge filter", "absolute", "edges of the scan (Sobel): what looks like anatomy"),
    "null_intensity": NullMap("Null map: |x|", "absolute", "the scan's own intensities, as the network gets them"),
    "null_blur": NullMap(
        "Null map: blurred noise", "positive", "white noise, blurred by 6 voxels: the level of chance for smooth maps"
    ),
}


_EARLIER = {name.replace("null_", "control_"): name for name in NULL_MAPS}


def present_name(name: str) -> str:
    """Return the present name of a method or null map; earlier results have ``control_edges`` for ``null_edges``."""
    return _EARLIER.get(name, name)


def null_map(name: str, x: Tensor, seed: int = 0) -> np.ndarray:
    """Return a null map of a prepared scan.

    Parameters
    ----------
    name : str
        A key of `NULL_MAPS`.
    x : Tensor, shape (1, C, i, j, k)
    seed : int
        Of the noise.

    Returns
    -------
    array, shape (i, j, k), float64
    """
    import torch

    from mriinterp.methods.fills import gaussian_blur

    if name not in NULL_MAPS:
        raise KeyError(f"expected a null map, got {name!r}; available: {', '.join(NULL_MAPS)}")
    scan = x[0].sum(0).detach().cpu().double()
    if name == "null_intensity":
        return scan.abs().numpy()
    if name == "null_edges":
        return scipy.ndimage.generic_gradient_magnitude(scan.numpy(), scipy.ndimage.sobel)
    noise = torch.from_numpy(np.random.default_rng(seed).standard_normal(tuple(scan.shape)))
    if name == "null_random":
        return noise.numpy()
    return gaussian_blur(noise[None, None], BLUR_SIGMA)[0, 0].numpy()
