"""Gradients of a network's score: by the steps it was taken apart into, or by autograd where it cannot be."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mriinterp.gradient.backward import run_backward
from mriinterp.gradient.forward import Passed, run_forward
from mriinterp.gradient.guided import GuidedReLU
from mriinterp.gradient.view import base_of, reader_of, without_closing
from mriinterp.incremental.digest import digest_of
from mriinterp.incremental.network import Network
from mriinterp.incremental.remember import keep, recall
from mriinterp.incremental.shared import SMALL_IMAGE, claim, offer
from mriinterp.incremental.steps import MapShape, Step
from mriinterp.incremental.traced import take_apart
from mriinterp.models.output_view import OutputView

__all__ = ["Gradients", "agree", "by_autograd", "by_steps", "every_output", "noise_like"]

log = logging.getLogger(__name__)

AGREE = 1e-4
"""Of the largest gradient: by how much nearly all voxels may differ from autograd's through rounding."""

NEARLY_ALL = 0.999

Score = Callable[[Tensor], Tensor]


def _as_it_is(found: Any) -> Tensor:
    return found


@dataclass(frozen=True, eq=False)
class _ForScore:
    """A pass that remembers nothing for the way back."""

    passed: Passed


class Gradients:
    """The gradient of scores of one network with respect to images of one kind.

    Before the first image of a network both ways are tried on noise, half of
    it a background without any: only where they agree are the steps used. That
    holds for all networks of the same layers, whatever their weights.

    Parameters
    ----------
    module : nn.Module
        In eval mode; it must not change while the object is in use.
    like : Tensor, shape (1, C, *spatial)
        An image.
    keep : tuple of int
        Channels and spatial shape of maps that `inside` is asked for.
    whole : bool
        Compute the ends of maps that nothing reads as well.

    Attributes
    ----------
    reason : str or None
        Why autograd is used; None if it is not.
    network : Network or None
        The steps; None where autograd is used.
    maps : list of Step
        Steps whose maps have the shape `keep`, in order of computation.
    """

    def __init__(self, module: nn.Module, like: Tensor, *, keep: MapShape = (), whole: bool = False):
        self.module, self.maps = module, list[Step]()
        self.network: Network | None = None
        self._key: tuple[Hashable, ...] = ()
        self.reason = self._why_not(like)
        if self.reason is None:
            self.reason = self._take_apart(like, keep, whole)
        if self.reason is not None:
            log.debug("gradients by autograd: %s", self.reason)

    def __call__(self, x: Tensor, score: Score, *, guided: bool = False) -> tuple[Tensor, int]:
        """Return the gradient of the score, shape of `x`, and how many ReLUs of the network were met.

        Parameters
        ----------
        x : Tensor, shape (1, C, *spatial)
            It is not changed.
        score : callable
            From outputs (1, classes) to one number an image.
        guided : bool
            Let every ReLU pass positive gradients only.
        """
        if self.network is None or not self.usable(guided):
            return by_autograd(self.module, x, score, guided=guided)
        return by_steps(self.network, x, score, read=self._read, guided=guided)

    def usable(self, guided: bool = False) -> bool:
        """Return whether gradients go by the steps."""
        return self.network is not None and self.agreed(guided, partial(self._try, guided))

    def agreed(self, what: Hashable, compare: Callable[[Tensor], bool]) -> bool:
        """Return whether steps and autograd agree on this network or, else, on one of the same layers.

        Parameters
        ----------
        what : hashable
            What is computed both ways.
        compare : callable
            Computes it for an image of noise, half of it a background without
            any, and returns whether the results are the same. It is called
            once for all networks of the same layers.
        """
        agreed = recall((*self._key, what))
        if agreed is None:
            kind = ("gradient", digest_of(base_of(self.module), values=False), *self._form, what)
            agreed = recall(kind)
            if agreed is None:
                agreed = compare(noise_like(*self._form))
                if not agreed:
                    log.warning("gradients by autograd: those of the steps of this network differ from it")
                keep(kind, agreed)
            keep((*self._key, what), agreed)
        return agreed

    def _try(self, guided: bool, noise: Tensor) -> bool:
        assert self.network is not None  # where there are no steps there is nothing to try
        found, _ = by_steps(self.network, noise, every_output, read=self._read, guided=guided)
        expected, _ = by_autograd(self.module, noise, every_output, guided=guided)
        return agree(found, expected)

    def inside(self, x: Tensor, score: Score, step: Step) -> tuple[Tensor, Tensor]:
        """Return one of the `maps` for an image, and the gradient of the score there; whoever asks compares them with autograd's.

        Returns
        -------
        values, gradient : Tensor, shape (1, channels, *cells)
        """
        assert self.network is not None  # where there are no steps there are no maps
        passed = claim(Passed, self.network, x) or self._forward(x)
        return passed.border[step], self.back_to(step, passed, score)

    def back_to(self, step: Step, passed: Passed, score: Score) -> Tensor:
        """Return the gradient of the map of a step, given the pass of an image."""
        slopes, _ = _slopes(passed, score, self._read, guided=False)
        return run_backward(passed, slopes, to=step)

    def _forward(self, x: Tensor, again: bool = True) -> Passed:
        assert self.network is not None
        first = self.maps[0] if self.maps else None
        return run_forward(self.network, x.detach(), to=first if again else self.network.steps[-1])

    def value(self, x: Tensor, score: Score) -> float:
        """Return the score of an image."""
        if self.network is None:
            with torch.no_grad():
                return float(score(self.module(x.detach().clone())))
        known = claim(_ForScore, self.network, x)
        return self.value_of(known.passed if known else self._forward(x, again=False), score)

    def value_of(self, passed: Passed, score: Score) -> float:
        """Return the score, given the pass of an image."""
        with torch.no_grad():
            return float(score(self._read(passed.run_tail())))

    def outputs(self, x: Tensor, *, again: bool = True) -> Tensor | None:
        """Return what the network itself returns for an image, and offer the pass to the gradient; None if by autograd.

        Parameters
        ----------
        again : bool
            Whether the gradient at this image is wanted afterwards; otherwise
            nothing is remembered for it, and the pass serves `value`.
        """
        if self.network is None:
            return None
        passed = self._forward(x, again)
        offer(passed if again else _ForScore(passed), self.network, x)
        with torch.no_grad():
            return passed.run_tail()

    def _why_not(self, x: Tensor) -> str | None:
        if x.device.type != "cpu":
            return f"the steps have no gradients on {x.device.type}"
        if x.ndim not in (4, 5) or x.shape[0] != 1:
            return "the steps take one image at a time"
        if x.numel() < SMALL_IMAGE:
            return "the images are small"
        if any(part.training for part in self.module.modules()):
            return "the network is in training mode"
        return None

    def _take_apart(self, x: Tensor, keep: MapShape, whole: bool) -> str | None:
        apart = take_apart(base_of(self.module), x, keep, whole=whole)
        if apart.network is None:
            return apart.reason
        if apart.key is None:
            return "nothing tells whether two networks are the same"
        network: Network | None = apart.network
        if isinstance(self.module, OutputView) and self.module.closing is not None:
            network = without_closing(apart.network)
            if network is None:
                return "the function that the network ends in is not its last step"
        self.network = network
        self.maps = [step for step in apart.network.steps if step.map_shape == keep and step in apart.network.border]
        self._form = tuple(x.shape), x.dtype
        self._key = ("gradient", apart.key)
        self._read = reader_of(self.module)
        return None


def by_steps(
    network: Network, x: Tensor, score: Score, *, read: Callable[[Any], Tensor] = _as_it_is, guided: bool = False
) -> tuple[Tensor, int]:
    """Return what `Gradients` returns, by the steps of a network.

    Parameters
    ----------
    read : callable
        Outputs (1, classes) from what the network returns.
    """
    passed = claim(Passed, network, x) or run_forward(network, x.detach())
    slopes, relus = _slopes(passed, score, read, guided)
    relus += sum(step.is_relu for step in network.steps)
    return run_backward(passed, slopes, guided=guided), relus


def _slopes(passed: Passed, score: Score, read: Callable[[Any], Tensor], guided: bool) -> tuple[dict, int]:
    """Return the gradients of the maps that the rest of the network reads, and how many ReLUs were met in it."""
    with torch.enable_grad():
        leaves = passed.leaves()
        value, relus = _watched(lambda: score(read(passed.run_tail(leaves))), guided)
        found = torch.autograd.grad(value.sum(), list(leaves.values()), allow_unused=True)
    return {step: slope for step, slope in zip(leaves, found, strict=True) if slope is not None}, relus


def by_autograd(module: nn.Module, x: Tensor, score: Score, *, guided: bool = False) -> tuple[Tensor, int]:
    """Return what `Gradients` returns, by PyTorch's own autograd."""
    with torch.enable_grad():
        leaf = x.detach().clone().requires_grad_(True)
        # a copy: the network may change its input in place
        value, relus = _watched(lambda: score(module(leaf.clone())), guided)
        return torch.autograd.grad(value.sum(), leaf)[0], relus


def _watched(compute: Callable[[], Tensor], guided: bool) -> tuple[Tensor, int]:
    if not guided:
        return compute(), 0
    with GuidedReLU() as mode:
        return compute(), mode.found


def noise_like(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Return an image of noise, half of it a background without any."""
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    noise[:, :, : shape[2] // 2] = 0
    return noise


def every_output(outputs: Tensor) -> Tensor:
    """Return a score to which every output adds."""
    return outputs @ torch.linspace(-1, 2, outputs.shape[1], dtype=outputs.dtype)


def agree(found: Tensor, expected: Tensor) -> bool:
    """Return whether two gradients are equal on nearly all voxels, but for rounding."""
    within = (found - expected).abs() <= AGREE * expected.abs().max()
    return float(within.float().mean()) >= NEARLY_ALL
