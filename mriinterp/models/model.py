"""A network ready for use: on a device, with its grid, classes and lock."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np
import torch
from torch import Tensor, nn

from mriinterp.image.intensity import measure_intensities
from mriinterp.image.volume import Grid, Volume, resample
from mriinterp.models.batch import mark_alone
from mriinterp.models.card import Head, ModelCard
from mriinterp.models.normalisation import Normalisation
from mriinterp.models.outputs import OutputView

__all__ = ["Model", "Prediction", "choose_device"]


def choose_device(name: str | None = None) -> torch.device:
    """Choose a device: ``"auto"`` (CUDA if there is one, else CPU), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``."""
    if name in (None, "auto"):
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"expected a device like auto, cpu, cuda, cuda:1 or mps, got {name!r}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError("expected a machine with CUDA for device 'cuda', got none; use 'auto' or 'cpu'")
    return device


@dataclass(frozen=True)
class Prediction:
    """What a network says of a scan.

    Parameters
    ----------
    outputs : dict of str to float
        What the network returned, by name, over all heads.
    probabilities : dict of str to float
        Within each head of classes; scales have none.
    predicted : str
        Of the first head: the class of largest output, or the scale's name.
    warnings : tuple of str
        What is doubtful about the scan, so that the numbers may be wrong: the
        notes on its file, and intensities and a preparation other than the
        network expects.
    """

    outputs: dict[str, float]
    probabilities: dict[str, float]
    predicted: str
    warnings: tuple[str, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "warnings", tuple(self.warnings))  # JSON has lists only


@dataclass(frozen=True, eq=False)
class Model:
    """A network and all that is needed to feed it.

    Parameters
    ----------
    module : nn.Module
        In eval mode, parameters without gradient, on `device`.
    card : ModelCard
    normalisation : Normalisation
    digest : str
        SHA-256 over weights, architecture, grid, normalisation, mask, heads,
        and how the network has to be run.
    device : torch.device
    mask : Volume or None
        Brain mask on the model's grid; voxels outside become 0 on load.
    lock : threading.RLock
        Sessions share a model. They do not wait for each other, as each works
        on a copy of its own (`lend`); only a module that cannot be
        copied is used by one after the other, who holds the lock.
    independent : bool
        Whether a scan's output is the same whatever runs beside it in a
        batch; if not, scans and windows are run one by one.
    notes : tuple of str
        What was found out about the network when it was loaded and changes
        how it is run or read, in words.
    """

    module: nn.Module
    card: ModelCard
    normalisation: Normalisation
    digest: str
    device: torch.device
    mask: Volume | None = None
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    independent: bool = True
    notes: tuple[str, ...] = ()

    @property
    def grid(self) -> Grid:
        """The lattice the network reads, in its own voxel order."""
        return self.card.grid

    @property
    def heads(self) -> tuple[Head, ...]:
        """Groups of outputs; the first is explained by default."""
        return self.card.heads

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the outputs of the first head."""
        return self.heads[0].classes

    def prepare(self, volume: Volume) -> Tensor:
        """Return a scan as the network expects it.

        Returns
        -------
        Tensor, shape (1, 1, i, j, k), float32, on the model's device
            Resampled to the model's grid by affine (a scan on that grid is
            passed bitwise), masked and normalised.

        Raises
        ------
        ValueError
            If the scan lies elsewhere, is not finite, or cannot be normalised.
        """
        data = resample(volume, self.grid, order=1).data.astype(np.float32, copy=False)
        if not data.any():
            raise ValueError(
                f"expected a scan that overlaps the model's field of view ({self.grid}), got one that lies outside it "
                f"({volume.grid}): is it in {self.card.space} space?"
            )
        if not np.isfinite(data).all():
            raise ValueError("expected a scan of finite intensities, got NaN or infinity; read_volume removes them")
        if self.mask is not None:
            data = data * (self.mask.data > 0)
        data = self.normalisation.apply(np.ascontiguousarray(data))
        return torch.from_numpy(np.array(data))[None, None].to(self.device)

    def warnings_of(self, volume: Volume) -> tuple[str, ...]:
        """Return what is unusual about a scan for this network: its intensities, and how it was prepared."""
        found = self.normalisation.warnings_of(measure_intensities(volume), stripped=self.card.skull_stripped)
        expected = self.card.preparation
        other = expected.mismatch(volume.preparation) if expected is not None else ""
        return (*found, other) if other else found

    def predict(self, volume: Volume) -> Prediction:
        """Run the network on a scan."""
        return self.predict_tensor(self.prepare(volume), volume)

    def predict_tensor(self, x: Tensor, volume: Volume | None = None) -> Prediction:
        """Run the network on a prepared input.

        Parameters
        ----------
        x : Tensor, shape (1, 1, i, j, k)
            It is not changed.
        volume : Volume, optional
            The scan that it was made from, which is judged.
        """
        with self.own_module() as module, torch.inference_mode():
            prediction = self.read_outputs(module(x.clone())[0].float().cpu())
        if volume is None:
            return prediction
        return replace(prediction, warnings=(*volume.notes, *self.warnings_of(volume)))

    def read_outputs(self, output: Tensor) -> Prediction:
        """Describe the output vector of the network, shape (outputs,), as a prediction."""
        outputs: dict[str, float] = {}
        probabilities: dict[str, float] = {}
        for head in self.heads:
            values = output[head.start : head.stop]
            outputs |= dict(zip(head.classes, values.tolist(), strict=True))
            if head.kind == "classes":
                found = head.output_kind.probabilities(values)
                probabilities |= dict(zip(head.classes, found.tolist(), strict=True))
        first = self.heads[0]
        return Prediction(outputs, probabilities, max(first.classes, key=outputs.__getitem__))

    def find_target(self, target: str | int | None, prediction: Prediction) -> tuple[Head, int]:
        """Return the head and the index within it that a target names.

        Parameters
        ----------
        target : str, int or None
            Name of an output; its index in the network's output vector; or
            None for the predicted class of the first head.
        prediction : Prediction
        """
        target = prediction.predicted if target is None else target
        for head in self.heads:
            for index, name in enumerate(head.classes):
                if target == name or (isinstance(target, (int, np.integer)) and target == head.start + index):
                    return head, index
        names: Sequence[str] = [name for head in self.heads for name in head.classes]
        raise ValueError(f"expected a target class, got {target!r}; available: {', '.join(names)}")

    def lend(self, head: Head | None = None, *, raw: bool = False) -> tuple[nn.Module, threading.RLock]:
        """Return a module that may be hooked and differentiated under its lock, while others use the model too.

        It is a copy that shares weights and buffers, so it costs no memory and
        a few milliseconds, with a lock of its own; only where the module
        cannot be copied (a lab's own may hold an open file) it is the model's
        module with the model's lock.

        Parameters
        ----------
        head : Head, optional
            Only this head's outputs, as logits (see `OutputKind.to_logits`);
            default: all, as the network returns them.
        raw : bool
            The head's outputs, too, as the network returns them.
        """
        with self.lock:  # a module that another caller has hooked would be copied with its hooks
            copied = _share_weights(self.module)
        module, lock = (self.module, self.lock) if copied is None else (copied, threading.RLock())
        if head is not None:
            to_logits = None if raw else head.output_kind.to_logits
            if len(self.heads) > 1 or to_logits is not None:
                module = OutputView(module, slice(head.start, head.stop), to_logits)
        if not self.independent:
            mark_alone(module)
        return module, lock

    @contextmanager
    def own_module(self, head: Head | None = None, *, raw: bool = False) -> Iterator[nn.Module]:
        """Yield the module of `lend`, with its lock held."""
        module, lock = self.lend(head, raw=raw)
        with lock:
            yield module


def _share_weights(module: nn.Module) -> nn.Module | None:
    """Return a copy of a module with the same parameters and buffers; None if it cannot be copied."""
    shared = {id(tensor): tensor for tensor in chain(module.parameters(), module.buffers())}
    try:
        return copy.deepcopy(module, shared)
    except (TypeError, RuntimeError, NotImplementedError, AttributeError):
        return None
