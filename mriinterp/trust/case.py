"""A case: one scan and one network, with all that measures of trust need.

Everything here is on the model's grid and in its voxel order.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mriinterp.base.progress import Cancel, Progress

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mriinterp.incremental import Occluder

__all__ = ["SMALLEST_AREA", "TIED", "VISIBLE", "Case", "tied", "visible_box"]

SMALLEST_AREA = 8  # voxels an area must have inside the mask to be ranked
VISIBLE = 0.5  # share of an area that must lie inside the mask for its rank to be judged
TIED = 0.01  # logits: effects smaller than this are no effect, and tie


@dataclass(frozen=True, eq=False)
class Case:
    """A network, a prepared scan, and what is known of both.

    Parameters
    ----------
    module : nn.Module
        Logits (n, classes), as `Model.working_copy` gives them whatever the network
        returns, or (n, 1) for a scale; in eval mode.
    x : Tensor, shape (1, C, i, j, k)
        The prepared scan.
    target : int
        The explained output.
    mask : array of bool, shape (i, j, k)
        Ω: the brain, as far as the network can see it.
    areas : array of int, shape (i, j, k)
        Label of the area of every voxel, 0 outside all.
    reference : Tensor, shape of `x`
        What hidden tissue is replaced by: the control mean.
    score : str
        f: ``"margin"``, or ``"raw"`` for a network with one output.
    truth : array of bool, optional
        Where the disease is.
    atrophy : array, shape (i, j, k), optional
        How much the disease changed each voxel, 0 and more.
    twin : Tensor, shape of `x`, optional
        The same scan without the disease, brought to the network by the constants of `x`.
    diseased : array of bool, shape (labels + 1,), optional
        Whether the area of each label is one of the disease's, the same for all subjects.
    labels : Tensor of int, shape (2, i, j, k), optional
        As area occlusion takes them; made from `areas` if not given.
    others : sequence of Tensor
        Prepared scans of other subjects.
    replicates : sequence of nn.Module
        Networks of the same kind, retrained.
    name : str
        The subject; seeds whatever is random.
    lock : threading.RLock
        Held while the network runs; the model's where the module could not be copied.
    kept : dict
        What measures computed of this scan, whatever the method.
    """

    module: nn.Module
    x: Tensor
    target: int
    mask: np.ndarray
    areas: np.ndarray
    reference: Tensor
    score: str = "margin"
    truth: np.ndarray | None = None
    atrophy: np.ndarray | None = None
    twin: Tensor | None = None
    diseased: np.ndarray | None = None
    labels: Tensor | None = None
    others: Sequence[Tensor] = ()
    replicates: Sequence[nn.Module] = ()
    name: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    kept: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self):
        import torch

        shape = tuple(self.x.shape[2:])
        for name in ("mask", "areas", "truth", "atrophy"):
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise ValueError(f"expected {name} of shape {shape}, got {array.shape}")
        for name in ("reference", "twin"):
            tensor = getattr(self, name)
            if tensor is not None and tensor.shape != self.x.shape:
                raise ValueError(f"expected a {name} of shape {tuple(self.x.shape)}, got {tuple(tensor.shape)}")
        if not self.mask.any():
            raise ValueError("expected a mask with at least one voxel inside, got an empty one")
        if self.labels is None:
            apart = torch.from_numpy(self.areas.astype(np.int64))
            object.__setattr__(self, "labels", torch.stack([apart, apart]))

    def offers(self, need: str) -> bool:
        """Return whether the case has what a measure needs (see `mriinterp.trust.NEEDS`)."""
        if need == "truth":
            return self.truth is not None and bool((self.truth & self.mask).any())
        if need == "atrophy":
            return self.atrophy is not None and bool((self.atrophy[self.mask] > 0).any())
        known = {"twin": self.twin is not None, "areas": self.diseased is not None}
        return {**known, "subjects": len(self.others) > 0, "models": len(self.replicates) > 0}.get(need, False)

    def rng(self, purpose: str) -> np.random.Generator:
        """Return random numbers that depend on the subject and what they are for, and on nothing else."""
        digest = hashlib.sha256(f"{self.name}/{purpose}".encode()).digest()
        return np.random.default_rng(list(digest[:16]))

    @cached_property
    def _occluder(self) -> Occluder:
        from mriinterp.incremental import Occluder
        from mriinterp.methods.guard import frozen

        with self.lock, frozen(self.module):
            return Occluder(self.module, self.x)

    @cached_property
    def clean(self) -> float:
        """f(x)."""
        from mriinterp.methods.score import score_of

        return float(score_of(self._occluder.clean.double()[None], self.target, self.score)[0])

    def scores(
        self,
        regions: Sequence,
        fill: float | Tensor | None = None,
        *,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> np.ndarray:
        """Return f of the scan with one region replaced at a time, exact, shape (regions,), float64.

        Parameters
        ----------
        regions : sequence of boxes or boolean masks
        fill : float or Tensor, optional
            Default: the reference.
        """
        from mriinterp.methods.guard import frozen
        from mriinterp.methods.score import score_of

        with self.lock, frozen(self.module):
            outputs = self._occluder.run(
                regions, self.reference if fill is None else fill, progress=progress, cancel=cancel
            )
        return score_of(outputs.double(), self.target, self.score).numpy()

    @cached_property
    def area_labels(self) -> np.ndarray:
        """Labels of the areas with at least `SMALLEST_AREA` voxels inside the mask, ascending."""
        labels, counts = np.unique(self.areas[self.mask], return_counts=True)
        return labels[(labels > 0) & (counts >= SMALLEST_AREA)]

    @cached_property
    def visible(self) -> np.ndarray:
        """Which of `area_labels` the network sees by `VISIBLE` or more of their voxels, bool."""
        whole = np.bincount(self.areas.ravel(), minlength=self.areas.max() + 1)[self.area_labels]
        inside = np.bincount(self.areas[self.mask], minlength=self.areas.max() + 1)[self.area_labels]
        return inside >= VISIBLE * whole

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what is the same for every method, made when it is first asked for."""
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def area_drops(self, fill: float | Tensor | None = None, cancel: Cancel | None = None) -> np.ndarray:
        """Return Δ_j = f(x) − f(x with area j replaced), shape (areas,); kept for the default fill."""

        def drops() -> np.ndarray:
            return self.clean - self.scores([self.areas == label for label in self.area_labels], fill, cancel=cancel)

        return self.once("drops", drops) if fill is None else drops()

    def area_sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of a map in each of `area_labels`, float64."""
        sums = np.bincount(self.areas.ravel(), values.ravel().astype(np.float64), minlength=self.areas.max() + 1)
        return sums[self.area_labels]

    @cached_property
    def area_sizes(self) -> np.ndarray:
        """Voxels in each of `area_labels`."""
        return self.area_sums(np.ones(self.areas.shape))


def tied(effects: np.ndarray) -> np.ndarray:
    """Return effects on the score with those below `TIED` logits set to 0, so that ranks tie them.

    Where none reaches it the output has another scale: 1% of the largest effect takes its place.
    """
    size = np.abs(effects)
    largest = float(size.max(initial=0.0))
    return np.where(size < (TIED if largest >= TIED else largest / 100), 0.0, effects)


def visible_box(module: nn.Module, x: Tensor, target: int = 0) -> np.ndarray:
    """Return the part of its input that a network sees: the box outside which its gradient is 0.

    Poolings drop what does not fill a last window; relevance there is 0 by
    construction, and ranking it says nothing about a method. Judged by the
    gradients of the raw output for the scan and for two images of noise.

    Returns
    -------
    array of bool, shape (i, j, k)
        True inside the box; True everywhere if no gradient was found.
    """
    import torch

    from mriinterp.methods.guard import frozen
    from mriinterp.methods.score import gradient_of_score

    generator = torch.Generator().manual_seed(0)
    shape = tuple(x.shape[2:])
    seen = np.zeros(shape, bool)
    with frozen(module):
        for k in range(3):
            noise = torch.randn(x.shape, generator=generator).to(x)
            gradient = gradient_of_score(module, noise if k else x, target, "raw")
            seen |= (gradient[0] != 0).any(0).cpu().numpy()
    box = np.ones(shape, bool)
    for axis in range(len(shape)):
        hit = np.flatnonzero(seen.any(axis=tuple(a for a in range(len(shape)) if a != axis)))
        if hit.size:
            line = np.zeros(shape[axis], bool)
            line[hit[0] : hit[-1] + 1] = True
            box &= line.reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return box
