"""Outputs of a network for many versions of one image, each with one region replaced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mriinterp.incremental.boxes import Box, read_regions
from mriinterp.incremental.plain import flat_outputs, plain_outputs
from mriinterp.progress import Cancel, Progress, tell

__all__ = ["Occluder", "occluded_outputs"]


class Occluder:
    """One network and one image, ready for any number of occlusions.

    The clean pass runs once, when the object is made; `run` may be called
    many times with other regions and fills.

    Parameters
    ----------
    module : nn.Module
        In eval mode; the caller holds its lock. It is not changed.
    x : Tensor, shape (1, C, *spatial)
        The image, 2D or 3D, on the module's device.
    memory_limit : int, optional
        Bytes that activations may take, about.
    exact : bool
        Full float32 on every device. False lets CUDA use TF32.

    Attributes
    ----------
    clean : Tensor, shape (n_outputs,), float32 on the CPU
        Raw outputs for the image itself.

    Raises
    ------
    ValueError
        If the module is in training mode or `x` is not one image.
    """

    def __init__(self, module: nn.Module, x: Tensor, *, memory_limit: int | None = None, exact: bool = True):
        if module.training:
            raise ValueError("expected a module in eval mode, got one in training mode")
        if x.ndim not in (4, 5) or x.shape[0] != 1:
            raise ValueError(f"expected one image (1, C, *spatial) in 2D or 3D, got shape {tuple(x.shape)}")
        self.module, self.x, self.memory_limit, self.exact = module, x.detach(), memory_limit, exact
        with torch.inference_mode():
            self.clean = flat_outputs(module(self.x))[0].float().cpu()

    def run(
        self,
        regions: Sequence[Box | np.ndarray | Tensor],
        fill: float | Tensor = 0.0,
        *,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Tensor:
        """Raw outputs with each region replaced; see `occluded_outputs`."""
        found = read_regions(regions, self.x.shape[2:])
        if not found:
            tell(progress, 0, 0)
            return self.clean.new_empty(0, self.clean.numel())
        with torch.inference_mode():
            values = self._fill(fill)
            return plain_outputs(
                self.module, self.x, found, values, progress=progress, cancel=cancel, memory_limit=self.memory_limit
            )

    def _fill(self, fill: float | Tensor) -> Tensor:
        values = torch.as_tensor(fill, dtype=self.x.dtype, device=self.x.device)
        try:
            return values.expand_as(self.x)[0]
        except RuntimeError:
            raise ValueError(
                f"expected a number or a fill that broadcasts to {tuple(self.x.shape)}, got shape {tuple(values.shape)}"
            ) from None


def occluded_outputs(
    module: nn.Module,
    x: Tensor,
    regions: Sequence[Box | np.ndarray | Tensor],
    fill: float | Tensor = 0.0,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    memory_limit: int | None = None,
    exact: bool = True,
) -> Tensor:
    """Raw outputs of a network for an image with one region replaced at a time.

    Parameters
    ----------
    module : nn.Module
        In eval mode; the caller holds its lock. It is not changed.
    x : Tensor, shape (1, C, *spatial)
        The image, 2D or 3D, on the module's device.
    regions : sequence of Box or boolean mask
        What to replace: one (start, stop) pair of voxel indices per spatial
        axis (cut at the border; empty boxes are allowed), or a boolean array
        or tensor of the spatial shape. Every channel is replaced.
    fill : float or Tensor
        What to put there: a number, or a tensor that broadcasts to `x` (a
        blurred scan, the mean of control scans).
    progress, cancel : callable, optional
        `progress(done, total)` counts regions; `cancel()` is asked between
        batches.
    memory_limit : int, optional
        Bytes that activations may take, about.
    exact : bool
        Full float32 on every device. False lets CUDA use TF32.

    Returns
    -------
    Tensor, shape (n_regions, n_outputs), float32 on the CPU
        Raw outputs, in the order of `regions`; several heads side by side.

    Raises
    ------
    ValueError
        If the module is in training mode, `x` is not one image, or a region
        or the fill has another shape.
    Cancelled
        If `cancel()` returned True.
    """
    occluder = Occluder(module, x, memory_limit=memory_limit, exact=exact)
    return occluder.run(regions, fill, progress=progress, cancel=cancel)
