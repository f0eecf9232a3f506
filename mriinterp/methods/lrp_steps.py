"""Layer-wise relevance propagation by the steps that a network was taken apart into.

Relevance takes the way of the gradient, and what a rule divides by is needed
only where a max pooling took an element: nothing else carries any. So the
maps in front of a pooling, the largest of a network, are never stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mriinterp.gradient.backward import back_convolution, back_max
from mriinterp.gradient.forward import Passed, between_map, in_slabs
from mriinterp.gradient.maxima import conv_at_codes, rows_in_cache
from mriinterp.incremental.copying import pad
from mriinterp.incremental.kernels import apply_windowed, convolve
from mriinterp.incremental.network import Network
from mriinterp.incremental.steps import Step
from mriinterp.methods.lrp_rules import Layer, Parts, Rule, with_bias

__all__ = ["back_by_steps", "count_layers", "has_rules"]

LAYERS = ("conv", "convmax")
ROWS = 8
"""Slices of a map between a convolution and its pooling whose mean size is taken at a time."""


def count_layers(network: Network) -> int:
    """Return how many of the steps are layers with weights."""
    return sum(step.kind in LAYERS for step in network.steps)


def has_rules(network: Network) -> bool:
    """Return whether every step has a rule here: convolutions, max pooling, batch norm behind them, ReLU, concatenation."""
    return all(_has_rule(step, network) for step in network.steps[1:])


def _has_rule(step: Step, network: Network) -> bool:
    if step.kind in LAYERS:
        return step.groups == 1 and step.filling == 0 and step.weight.dtype == torch.float32
    if step.kind == "affine":
        return _normed(step, network) is not None
    leaky = isinstance(step.function, nn.LeakyReLU) and step.function.negative_slope >= 0
    return step.kind in ("max", "cat") or step.is_relu or (step.kind == "map" and leaky)


def _normed(norm: Step, network: Network) -> Step | None:
    """Return the layer that a batch norm belongs to: max pooling, at most, lies between, and nothing else reads either."""
    step = norm.inputs[0]
    while step.kind == "max" and step.users == 1 and step not in network.border:
        step = step.inputs[0]
    return step if step.kind in LAYERS and step.users == 1 and step not in network.border else None


@dataclass(eq=False)
class _StepLayer(Layer):
    """A convolution of the network, with values at the elements that its pooling took where that is part of the step."""

    step: Step = field(kw_only=True)
    kept: Any = field(kw_only=True)

    def through(self, parts: Parts):
        """Return what `Layer.through` returns, by the step."""
        x, step = self._joined(parts)
        return self._values(step, x), lambda gradient: back_convolution(step, gradient, self.kept).split(
            [part.shape[1] for part, _ in parts], dim=1
        )

    def usual_size(self, total: Tensor, parts: Parts, bias: Tensor | None) -> Tensor:
        """Return the mean size of all outputs of the convolution, those that the pooling dropped included."""
        if self.step.kind == "conv":
            return super().usual_size(total, parts, bias)
        x, step = self._joined(parts)
        size = sum(float(with_bias(part, bias).abs_().sum(dtype=torch.float64)) for part in _between_in_slabs(step, x))
        return total.new_tensor(size / (total.shape[1] * int(np.prod(step.between[0]))))

    def _joined(self, parts: Parts) -> tuple[Tensor, Step]:
        """Return the parts' inputs as channels of one, and the step with their weights."""
        x = parts[0][0] if len(parts) == 1 else torch.cat([part for part, _ in parts], dim=1)
        weights = [weight for _, weight in parts if weight is not None]
        return x, _with_weight(self.step, weights[0] if len(weights) == 1 else torch.cat(weights, dim=1))

    def _values(self, step: Step, x: Tensor) -> Tensor:
        x = pad(x, step.window.before, step.window.after, 0.0)
        if step.kind == "conv":
            return apply_windowed(step, x)
        if not isinstance(self.kept, Tensor):
            taken, _ = self.kept
            return between_map(step, x).flatten(2).gather(2, taken.flatten(2)).view(taken.shape)
        codes, rows = self.kept, rows_in_cache(step, x.element_size())

        def compute(part: Tensor, origin: np.ndarray) -> Tensor:
            first = int(origin[0, 0])
            return conv_at_codes(step, part, origin, codes[:, :, first : first + rows])

        return in_slabs(step, x, rows, compute)


def _with_weight(step: Step, weight: Tensor) -> Step:
    """Return the step with other weights and without its bias."""
    source = Step("input", [], weight.shape[1], step.inputs[0].shape)
    return replace(step, inputs=[source], weight=weight, bias=None, cache={})


def _between_in_slabs(step: Step, x: Tensor) -> Iterator[Tensor]:
    """Yield the whole map between a convolution and its pooling, some slices at a time."""
    inner, shape = step.inner, np.array(step.between[0])
    before = np.array(step.window.before) - np.array(inner.stride) * step.pool.before
    needed = (shape - 1) * inner.stride + inner.extent
    x = pad(x, before.tolist(), (needed - before - x.shape[2:]).tolist(), 0.0)
    stride, extent = inner.stride[0], int(inner.extent[0])
    for row in range(0, int(shape[0]), ROWS):
        last = min(int(shape[0]), row + ROWS)
        yield convolve(step, inner, x[:, :, row * stride : (last - 1) * stride + extent])


def back_by_steps(passed: Passed, relevance: dict[Step, Tensor], first: Rule, convolution: Rule) -> Tensor:
    """Return the relevance of the image from that of the maps that the rest of the network reads.

    Parameters
    ----------
    passed : Passed
        The image's way forward, by steps for which `has_rules` holds.
    relevance : dict of Step to Tensor
        Of maps of the border, each of the map's shape.
    first, convolution : Rule
        Of the first layer and of the others.
    """
    steps, network = passed.network.steps, passed.network
    norms = {_normed(step, network): step for step in steps if step.kind == "affine"}
    first_layer = next((step for step in steps if step.kind in LAYERS), None)
    found = dict(relevance)
    with torch.no_grad():
        for step in reversed(steps[1:]):
            given = found.pop(step, None)
            if given is None:
                continue
            if step.kind in LAYERS:
                rule = first if step is first_layer else convolution
                parts = [_layer(step, norms.get(step), passed, rule).propagate(passed.read[step], given)]
            elif step.kind == "max":
                parts = [back_max(step, given, passed.kept[step])]
            else:
                parts = list(given.split([source.channels for source in step.inputs], dim=1))
            for source, part in zip(step.inputs, parts, strict=True):
                found[source] = part if source not in found else found[source] + part
        image = steps[0]
        if image not in found:
            return next(iter(relevance.values())).new_zeros((1, image.channels, *image.shape))
        return found[image].contiguous()


def _layer(step: Step, norm: Step | None, passed: Passed, rule: Rule) -> _StepLayer:
    scale, shift = (None, None) if norm is None else (norm.weight, norm.bias)

    def values(x: Tensor, weight: Tensor | None) -> Tensor:
        return layer.through([(x, weight)])[0]

    layer = _StepLayer(values, step.weight, step.bias, rule, scale, shift, step=step, kept=passed.kept.get(step))
    return layer
