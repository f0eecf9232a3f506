"""Whether windows may share a batch."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mriinterp.incremental.remember import remembered
from mriinterp.incremental.trace import UNTRACED
from mriinterp.incremental.traced import Apart
from mriinterp.models.batch import MIXES, is_marked_alone, reason_to_run_alone

__all__ = ["why_alone"]

log = logging.getLogger(__name__)

Maps = dict[Any, Tensor]


def why_alone(
    module: nn.Module,
    apart: Apart,
    maps: Callable[[], Maps],
    outputs: Callable[[Maps], Tensor],
    clean: Tensor,
    alone_anyway: bool,
) -> str:
    """Return why windows must not share a batch; "" if they may.

    Some networks mix what is in a batch: this is tried out with the image
    and a darker, flipped one, once for a network. What comes before the border keeps images
    apart.

    Parameters
    ----------
    module : nn.Module
    apart : Apart
        The module taken apart.
    maps : callable
        Makes what the rest of the network reads of the clean image.
    outputs : callable
        Outputs (n, outputs) of the rest of the network, which may overwrite
        what it is given.
    clean : Tensor, shape (outputs,)
        Outputs for the clean image.
    alone_anyway : bool
        Whether windows run one by one for another reason.
    """
    if apart.reason is not None and apart.reason.startswith(UNTRACED):
        return "its flow may depend on values"
    if apart.network is not None and apart.network.one_by_one:
        return "it was exported for one image at a time"
    if is_marked_alone(module):
        return MIXES
    if alone_anyway:
        return ""
    reason = remembered(None if apart.key is None else ("alone", apart.key), lambda: _mixes(maps, outputs, clean))
    if reason:
        log.warning("occlusion runs windows one by one: %s", reason)
    return reason


def _mixes(maps: Callable[[], Maps], outputs: Callable[[Maps], Tensor], clean: Tensor) -> str:
    """Try out whether images of a batch are mixed: the clean image and a darker, flipped one."""
    pairs = {step: torch.cat([values, values.flip(-1) / 2]) for step, values in maps().items()}

    def run(index: list[int]) -> Tensor:
        return outputs({step: pair[index] for step, pair in pairs.items()})

    return reason_to_run_alone(run, torch.cat([clean[None], run([1])]))
