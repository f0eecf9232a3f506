"""The clean maps that stay while windows run, with the padding their readers want around them."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from mriinterp.incremental.copying import allocate, narrow, pad
from mriinterp.incremental.network import Network
from mriinterp.incremental.steps import Step

__all__ = ["Kept", "kept_bytes"]

Margins = dict[float, tuple[np.ndarray, np.ndarray]]


class Kept:
    """Clean maps of one image.

    Parameters
    ----------
    network : Network
    like : Tensor
        A tensor of the image's data type and device.

    Attributes
    ----------
    maps : dict of (Step, float) to Tensor
        The maps by what their padding holds.
    """

    def __init__(self, network: Network, like: Tensor):
        self.margins = _margins(network)
        self.maps: dict[tuple[Step, float], Tensor] = {}
        self._like = like

    def __contains__(self, step: Step) -> bool:
        return step in self.margins

    @property
    def nbytes(self) -> int:
        """Memory of the maps."""
        return sum(value.numel() * value.element_size() for value in self.maps.values())

    def keep(self, step: Step, value: Tensor) -> Tensor:
        """Store a clean map with the margins its readers want; returns it without them."""
        for filling, (before, after) in self.margins.get(step, {}).items():
            padded = self.maps.get((step, filling))
            if padded is None:
                padded = self.maps[step, filling] = pad(value, tuple(before), tuple(after), filling)
            value = narrow(padded, before, np.array(step.shape))
        return value

    def room(self, step: Step) -> Tensor:
        """Return where to write a clean map so that `keep` need not copy it."""
        for filling, (before, after) in self.margins.get(step, {}).items():
            shape = np.array(step.shape) + before + after
            padded = self.maps[step, filling] = allocate(1, step.channels, shape, self._like)
            if before.any() or after.any():
                padded.fill_(filling)
            return narrow(padded, before, np.array(step.shape))
        return allocate(1, step.channels, step.shape, self._like)

    def keep_zeros(self) -> None:
        """Fill the maps with zeros, for timing only."""
        for step, margins in self.margins.items():
            for filling, (before, after) in margins.items():
                shape = np.array(step.shape) + before + after
                self.maps[step, filling] = self._like.new_zeros((1, *shape, step.channels)).movedim(-1, 1)

    def source(self, step: Step, filling: float, before: tuple[int, ...]) -> tuple[Tensor, np.ndarray]:
        """Return the kept map to read from, and what to add to coordinates that count `before` padding."""
        margins = self.margins[step]
        if filling not in margins:  # asked for without padding: any copy serves
            filling = next(iter(margins))
        return self.maps[step, filling], margins[filling][0] - before

    def box(self, step: Step, start: np.ndarray, length: np.ndarray, before, filling: float) -> Tensor:
        """Return a box of a clean map, its start in coordinates that count `before` padding."""
        source, shift = self.source(step, filling, before)
        return narrow(source, start + shift, length)


def _margins(network: Network) -> dict[Step, Margins]:
    """Return for every map that boxes are gathered from: the padding around it, by the value it holds."""
    found: dict[Step, Margins] = {}

    def want(source: Step, filling: float, before, after) -> None:
        margins = found.setdefault(source, {})
        low, high = margins.get(filling, (np.zeros(len(before), int), np.zeros(len(after), int)))
        margins[filling] = np.maximum(low, before), np.maximum(high, after)

    plain: list[Step] = list(network.border)
    for step in network.steps[1:]:
        if step.windowed and max(*step.window.before, *step.window.after) > 0:
            want(step.inputs[0], step.filling, step.window.before, step.window.after)
        elif step.windowed or len(step.inputs) > 1 or step.inputs[0].kind == "input":
            plain.extend(step.inputs)
    for step in plain:
        if step not in found:
            want(step, 0.0, (0,) * len(step.shape), (0,) * len(step.shape))
    return found


def kept_bytes(network: Network, itemsize: int) -> int:
    """Return the memory of the clean maps that stay while windows run, their padding included."""
    sizes = [
        int(np.prod(np.array(step.shape) + before + after)) * step.channels
        for step, margins in _margins(network).items()
        for before, after in margins.values()
    ]
    return itemsize * sum(sizes)
