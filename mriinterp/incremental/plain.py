"""Run the whole network once per region, in batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.incremental.boxes import Regions

__all__ = ["arranged", "flat_outputs", "plain_batch", "plain_outputs", "replace_region"]


def flat_outputs(out: object) -> Tensor:
    """Return the outputs of a network for n inputs as one (n, outputs) tensor.

    Several tensors (a tuple, list or mapping, as networks with several
    heads return) are flattened and put side by side in their order.
    """
    if isinstance(out, Tensor):
        return out.reshape(out.shape[0], -1) if out.ndim != 1 else out[:, None]
    if not isinstance(out, (Mapping, tuple, list)):
        raise ValueError(f"expected a network that returns tensors, got {type(out).__name__}")
    parts = out.values() if isinstance(out, Mapping) else out
    return torch.cat([flat_outputs(part) for part in parts], dim=1)


def arranged(images: Tensor, channels_last: bool) -> Tensor:
    """Return a copy of images (n, C, *spatial) in one of both arrangements in memory."""
    if not channels_last:
        return images.clone(memory_format=torch.contiguous_format)
    return images.movedim(1, -1).clone(memory_format=torch.contiguous_format).movedim(-1, 1)


def replace_region(image: Tensor, box: np.ndarray, mask: Tensor | None, fill: Tensor) -> None:
    """Replace a region of `image` (C, *spatial) by that of `fill`, which has its shape, in place."""
    inside = (slice(None), *(slice(lo, hi) for lo, hi in box.tolist()))
    new = fill[inside]
    image[inside] = new if mask is None else torch.where(mask.to(image.device), new, image[inside])


def plain_batch(x: Tensor, memory_limit: int | None) -> int:
    """Return how many whole images may run at once: few, since more do not run faster."""
    budget = 2**28 if memory_limit is None else memory_limit // 4
    # a first layer of 16 channels or so holds 16 images' worth of activations, twice
    return max(1, min(16, budget // (32 * 4 * max(1, x.numel()))))


def plain_outputs(
    run: Callable[[Tensor], Tensor],
    x: Tensor,
    regions: Regions,
    fill: Tensor,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    batch: int = 1,
    channels_last: bool = False,
) -> Tensor:
    """Return raw outputs (n_regions, n_outputs), float32 on the CPU, one full pass per region.

    `run` returns those of images, which it may change. `batch` regions run at once; a network whose flow depends on values would
    take one way for all of them. With `channels_last`, images lie so in
    memory.
    """
    rows = []
    for start in range(0, len(regions), batch):
        check_cancel(cancel)
        part = range(start, min(len(regions), start + batch))
        images = arranged(x.expand(len(part), *x.shape[1:]), channels_last)
        for image, index in zip(images, part, strict=True):
            replace_region(image, regions.boxes[index], regions.masks.get(index), fill)
        rows.append(run(images))
        tell(progress, part.stop, len(regions))
    return torch.cat(rows)
