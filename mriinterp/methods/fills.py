"""Fills: values that replace a hidden part of a scan."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["fill_values", "gaussian_blur"]

BLUR_SIGMA = 6.0  # voxels: removes gyri, keeps the head's shape


def fill_values(fill: str, x: Tensor, reference: Tensor | None = None) -> Tensor | float:
    """Return the values to put in the place of hidden voxels.

    Parameters
    ----------
    fill : str
    x : Tensor, shape (1, C, *spatial)
        The network's input.
    reference : Tensor, shape (1, C, *spatial), optional
        E.g. the mean of the controls; needed by ``"reference"``.

    Returns
    -------
    float or Tensor
        Broadcasts to (1, C, *spatial); ``"mean"`` is taken channel by channel.
    """
    if fill == "zero":
        return 0.0
    if fill == "mean":
        return x.mean(dim=tuple(range(2, x.ndim)), keepdim=True)
    if fill == "blur":
        return gaussian_blur(x, BLUR_SIGMA)
    if fill != "reference":
        raise ValueError(f"expected a fill of zero, mean, blur or reference, got {fill!r}")
    if reference is None:
        raise ValueError(
            "expected a reference scan for fill 'reference', got none; name one (--reference on the command line, "
            "reference=… in Python)"
        )
    if reference.shape != x.shape:
        raise ValueError(f"expected a reference of shape {tuple(x.shape)}, got {tuple(reference.shape)}")
    return reference


def gaussian_blur(x: Tensor, sigma: float) -> Tensor:
    """Blur (n, C, *spatial) with a separable Gaussian, 2D or 3D; edges are repeated.

    Parameters
    ----------
    sigma : float
        Standard deviation in voxels; cut at 3 σ.
    """
    radius = max(1, round(3 * sigma))
    offsets = torch.arange(-radius, radius + 1)
    weights = torch.exp(-0.5 * (offsets.to(x.dtype) / sigma) ** 2)
    weights = weights / weights.sum()
    for axis in range(2, x.ndim):
        # A product with a band matrix: many times the speed of a convolution of one channel.
        n = x.shape[axis]
        columns = (torch.arange(n)[:, None] + offsets).clamp(0, n - 1)
        band = torch.zeros(n, n, dtype=x.dtype).scatter_add_(1, columns, weights.expand(n, -1))
        x = torch.tensordot(x, band.to(x.device), ([axis], [1])).movedim(-1, axis)
    return x
