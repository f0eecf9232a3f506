"""The outputs of a network for the scan itself, from the pass that the method needs anyway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mriinterp.gradient import Gradients
from mriinterp.incremental import clean_outputs
from mriinterp.incremental.shared import SMALL_IMAGE
from mriinterp.methods.cam_steps import outputs_with_layer
from mriinterp.methods.guard import ExactFloat32
from mriinterp.methods.method import Method

__all__ = ["outputs_for"]


def outputs_for(method: Method, module: nn.Module, x: Tensor, params: Mapping[str, Any]) -> Tensor:
    """Return the outputs (outputs,) of a network for an image, float32 on the CPU.

    Within `mriinterp.incremental.shared.clean_passes` the method finds the
    pass that was run for them.
    """
    with ExactFloat32():
        found: Tensor | None = None
        if x.numel() >= SMALL_IMAGE and method.incremental:
            found = clean_outputs(module, x)
        elif x.numel() >= SMALL_IMAGE and method.kind in ("gradient", "propagation"):
            # methods that count their passes go to other images
            steps = Gradients(module, x, whole=method.kind == "propagation")
            found = steps.outputs(x, again=not method.counted)
        elif method.kind == "activation":
            found = outputs_with_layer(module, x, params.get("depth", 1), params.get("layer", ""))
        if found is None:
            with torch.inference_mode():
                found = module(x.clone())
    return found[0].float().cpu()
