"""Gradients on the straight line between two images, added up.

On a line from an image of zeros, x(t) = t · x, the first convolution without
its bias is t times that of x. A pooling behind it therefore takes the same
elements everywhere on the line, and the way back through both is the same
linear map. So the first layer, which costs most, is passed once forward and
once back, however many gradients are added.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mriinterp.gradient.backward import run_backward
from mriinterp.gradient.forward import Passed, run_first, run_forward
from mriinterp.gradient.run import Gradients, Score
from mriinterp.incremental.network import Network
from mriinterp.incremental.steps import Step

__all__ = ["Path"]


class Path:
    """The line from one image to another, and weighted gradients of a score on it.

    Parameters
    ----------
    gradients : Gradients
        Of the network.
    score : callable
        From outputs (1, classes) to one number an image.
    start, end : Tensor, shape (1, C, *spatial)
    """

    def __init__(self, gradients: Gradients, score: Score, start: Tensor, end: Tensor):
        self._gradients, self._score, self._start, self._end = gradients, score, start, end
        self._ray: _Ray | None = None
        self._total: Tensor | None = None
        network = gradients.network
        if network is not None and (first := _linear_first(network)) and gradients.usable() and not start.any():
            self._ray = _Ray(network, first, end)

    def add(self, place: float, weight: float) -> None:
        """Add the gradient at a place, 0 at the start and 1 at the end of the line, `weight` times; never at the start."""
        if self._ray is None:
            found = self._gradients(self._at(place), self._score)[0]
        else:
            found = self._gradients.back_to(self._ray.first, self._ray.at(place), self._score)
        if self._total is None:
            self._total = torch.zeros_like(found)
        self._total.add_(found, alpha=weight)

    def total(self) -> Tensor:
        """Return the sum of what was added, shape of the images."""
        if self._total is None:
            return torch.zeros_like(self._end)
        return self._total if self._ray is None else self._ray.back(self._total)

    def value(self, place: float) -> float:
        """Return the score at a place."""
        if self._ray is None or place == 1:  # the pass of the end may be known
            return self._gradients.value(self._at(place), self._score)
        return self._gradients.value_of(self._ray.at(place), self._score)

    def _at(self, place: float) -> Tensor:
        return self._start + place * (self._end - self._start) if place != 1 else self._end


def _linear_first(network: Network) -> Step | None:
    """Return the first step if it is a convolution that nothing else reads the image beside, and pads it with zeros."""
    image, first = network.steps[:2]
    alone = image.users == 1 and image not in network.border and first.inputs == [image]
    return first if alone and first.kind in ("conv", "convmax") and first.filling == 0 else None


class _Ray:
    """The images t · x, as the first step of a network maps them."""

    def __init__(self, network: Network, first: Step, x: Tensor):
        self.network, self.first = network, first
        self._passed, self._value = run_first(network, x.detach())
        bias = first.weight.new_zeros(first.channels) if first.bias is None else first.bias
        self._bias = bias.reshape(1, -1, *(1,) * len(first.shape))

    def at(self, place: float) -> Passed:
        """Return the way of t · x through the other steps."""
        with torch.no_grad():
            return run_forward(self.network, torch.lerp(self._bias, self._value, place), after=self.first)

    def back(self, gradient: Any) -> Tensor:
        """Return the gradient of the image from that of the first step's map."""
        return run_backward(self._passed, {self.first: gradient})
