"""The plain way: the whole network once per region, in batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mriinterp.incremental.boxes import Region
from mriinterp.progress import Cancel, Progress, check_cancel, tell

__all__ = ["flat_outputs", "plain_batch", "plain_outputs"]


def flat_outputs(out: object) -> Tensor:
    """Whatever a network returns for n inputs as one (n, outputs) tensor.

    Several tensors (a tuple, list or mapping, as networks with several
    heads return) are flattened and put side by side in their order.
    """
    if isinstance(out, Tensor):
        return out.reshape(out.shape[0], -1) if out.ndim != 1 else out[:, None]
    parts = out.values() if isinstance(out, Mapping) else out
    if not isinstance(out, (Mapping, tuple, list)):
        raise ValueError(f"expected a network that returns tensors, got {type(out).__name__}")
    return torch.cat([flat_outputs(part) for part in parts], dim=1)


def apply_region(image: Tensor, region: Region, fill: Tensor) -> None:
    """Replace a region of `image` (C, *spatial) by that of `fill`, which broadcasts to the image, in place."""
    inside = (slice(None), *(slice(lo, hi) for lo, hi in region.box))
    values = fill.expand_as(image)[inside]
    if region.mask is None:
        image[inside] = values
    else:
        image[inside] = torch.where(region.mask.to(image.device), values, image[inside])


def plain_batch(x: Tensor, memory_limit: int | None) -> int:
    """How many whole images to run at once: few, since more do not run faster."""
    budget = 2**28 if memory_limit is None else memory_limit // 4
    # a first layer of 16 channels or so holds 16 images' worth of activations, twice
    return max(1, min(16, budget // (32 * 4 * max(1, x.numel()))))


def plain_outputs(
    module: nn.Module,
    x: Tensor,
    regions: Sequence[Region],
    fill: Tensor,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    memory_limit: int | None = None,
) -> Tensor:
    """Raw outputs (n_regions, n_outputs), float32 on the CPU, one full pass per region."""
    batch = plain_batch(x, memory_limit)
    rows = []
    for start in range(0, len(regions), batch):
        check_cancel(cancel)
        part = regions[start : start + batch]
        images = x.repeat(len(part), *(1,) * (x.ndim - 1))
        for image, region in zip(images, part, strict=True):
            apply_region(image, region, fill)
        rows.append(flat_outputs(module(images)).float().cpu())
        tell(progress, start + len(part), len(regions))
    return torch.cat(rows)
