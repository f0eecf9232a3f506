"""Write the fill of regions into gathered boxes of the image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mriinterp.incremental.boxes import Regions
from mriinterp.incremental.copying import runs

__all__ = ["filler"]


def filler(regions: Regions, index: np.ndarray, fill: Tensor) -> Callable[[Tensor, np.ndarray], None]:
    """Return a function that writes the fill of regions `index` into gathered boxes of the image."""
    boxes = regions.boxes[index]
    one = all(step == 0 or n == 1 for step, n in zip(fill.stride(), fill.shape, strict=True))
    number = fill[(0,) * fill.ndim].item() if one else None
    masked = any(int(i) in regions.masks for i in index)

    def paste(out: Tensor, offset: np.ndarray) -> None:
        inside = boxes - offset[:, :, None]
        low = np.maximum(inside[..., 0], 0)
        high = np.minimum(inside[..., 1], out.shape[2:])
        high = np.maximum(low, high)
        if number is not None and not masked:
            for first, last in runs(np.concatenate([low, high], axis=1)):
                out[(slice(first, last), slice(None), *_slices(low[first], high[first]))] = number
            return
        for row, i in enumerate(index.tolist()):
            target = out[row][:, *_slices(low[row], high[row])]
            new = fill[(slice(None), *_slices(low[row] + offset[row], high[row] + offset[row]))]
            if i in regions.masks:
                own = _slices(low[row] - inside[row, :, 0], high[row] - inside[row, :, 0])
                new = torch.where(regions.masks[i][own].to(out.device), new, target)
            target.copy_(new)

    return paste


def _slices(low: np.ndarray, high: np.ndarray) -> tuple[slice, ...]:
    return tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))
