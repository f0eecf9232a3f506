"""Four maps that know nothing of the network: what every method is shown beside.

A method that does not do better than all of them has shown nothing about
the network, however good its map looks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from mriinterp.methods.fills import gaussian_blur

__all__ = ["CONTROLS", "Control", "control_map"]

BLUR_SIGMA = 6.0  # voxels: about as smooth as class activation maps


@dataclass(frozen=True)
class Control:
    """A control: its label, how its maps are read, and what it is for."""

    label: str
    reading: str
    about: str


CONTROLS = {
    "control_random": Control("Control: random map", "absolute", "white noise: the level of chance"),
    "control_edges": Control("Control: edge filter", "absolute", "edges of the scan (Sobel): what looks like anatomy"),
    "control_intensity": Control("Control: |x|", "absolute", "the scan's own intensities, as the network gets them"),
    "control_blur": Control(
        "Control: blurred map", "positive", "white noise, blurred by 6 voxels: the level of chance for smooth maps"
    ),
}


def control_map(name: str, x: Tensor, seed: int = 0) -> np.ndarray:
    """Return a control map of a prepared scan.

    Parameters
    ----------
    name : str
        A key of `CONTROLS`.
    x : Tensor, shape (1, C, i, j, k)
    seed : int
        Of the noise.

    Returns
    -------
    array, shape (i, j, k), float64
    """
    if name not in CONTROLS:
        raise KeyError(f"expected a control, got {name!r}; available: {', '.join(CONTROLS)}")
    scan = x[0].sum(0).detach().cpu().double()
    if name == "control_intensity":
        return scan.abs().numpy()
    if name == "control_edges":
        return ndimage.generic_gradient_magnitude(scan.numpy(), ndimage.sobel)
    noise = torch.from_numpy(np.random.default_rng(seed).standard_normal(tuple(scan.shape)))
    if name == "control_random":
        return noise.numpy()
    return gaussian_blur(noise[None, None], BLUR_SIGMA)[0, 0].numpy()
