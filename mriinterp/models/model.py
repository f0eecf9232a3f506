"""A network ready for use: on a device, with its grid, classes and lock."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mriinterp.image.intensity import measure_intensities
from mriinterp.image.scanset import as_scan
from mriinterp.image.volume import Grid, Volume
from mriinterp.models.card import ModelCard
from mriinterp.models.channels import channel_of, images_of, numbers_of
from mriinterp.models.device import choose_device
from mriinterp.models.heads import Head
from mriinterp.models.normalisation import Normalisation, PerImage
from mriinterp.models.prediction import Prediction, find_target, read_outputs

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from mriinterp.models.closing import Closing

__all__ = ["Model"]

Scan = Volume | Mapping[str, Volume | float]


@dataclass(frozen=True, eq=False)
class Model:
    """A network and all that is needed to feed it.

    Parameters
    ----------
    module : nn.Module
        In eval mode, parameters without gradient, on `device`.
    card : ModelCard
    normalisation : Normalisation or PerImage
    digest : str
        SHA-256 over weights, architecture, grid, normalisation, mask, heads,
        and how the network has to be run.
    device : torch.device
    mask : Volume or None
        Brain mask on the model's grid; voxels outside become 0 on load.
    lock : threading.RLock
        Sessions share a model. They do not wait for each other, as each works
        on a copy of its own (`working_copy`); only a module that cannot be
        copied is used by one after the other, who holds the lock.
    independent : bool
        Whether a scan's output is the same whatever runs beside it in a
        batch; if not, scans and windows are run one by one.
    notes : tuple of str
        What was found out about the network when it was loaded and changes
        how it is run or read, in words.
    closing : Closing or None
        The softmax or sigmoid that it ends in, which is left out where logits
        are wanted.
    """

    module: nn.Module
    card: ModelCard
    normalisation: Normalisation | PerImage
    digest: str
    device: torch.device
    mask: Volume | None = None
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    independent: bool = True
    notes: tuple[str, ...] = ()
    closing: Closing | None = None

    @classmethod
    def from_module(
        cls,
        net: nn.Module,
        *,
        grid: Grid | Volume,
        classes: Sequence[str] | str,
        normalisation: str | Mapping[str, Any] | Normalisation | None = None,
        output: str | None = None,
        centres: Sequence[float] = (),
        pick: str | int | None = None,
        images: Sequence[str] = (),
        numbers: Sequence[str] | Mapping[str, Mapping[str, float]] = (),
        numbers_as: str = "vector",
        name: str | None = None,
        device: str | torch.device | None = None,
        mask: Volume | None = None,
        space: str = "MNI152",
        skull_stripped: bool = True,
    ) -> Model:
        """Make a model of a network in memory.

        Parameters
        ----------
        net : nn.Module
            Reads (n, C, i, j, k). It is copied, so that it may be trained on;
            the copy is in eval mode. Wrappers of DataParallel and
            `torch.compile` are taken off.
        grid : Grid or Volume
            The lattice it reads, or a scan that lies on it.
        classes : sequence of str
            Names of the outputs, in their order; of a binary network with one
            output both classes, the one that it stands for last; of a scale
            or of bins the one name.
        normalisation : str, mapping or Normalisation, optional
            A kind (``"scan_zscore"``), ``{"kind": …, …}`` as a model card has
            it, or such an entry for each image by name. Default: none.
        output : str, optional
            ``"logits"``, ``"probabilities"``, ``"log_probabilities"``,
            ``"logit"``, ``"sigmoid"``, ``"scale"`` or ``"bins"``. Default:
            found out, and stated in `notes` where it is not the usual.
        centres : sequence of float
            Of bins: the value that each stands for.
        pick : str or int, optional
            Which entry is meant, of a network that returns several.
        images : sequence of str
            Names of its input channels; a scan is then ``{"t1": …, "gm": …}``.
        numbers : sequence or mapping
            What it reads beside images: names, or ``{"age": {"mean": 70, "std": 8}}``.
        numbers_as : {"vector", "keywords"}
            ``net(x, numbers)`` with numbers (n, k), or ``net(x, age=…)`` with (n, 1) each.
        name : str, optional
            Default: the name of its class.
        device : str or torch.device, optional
            Default: where the network is.
        mask : Volume, optional
            Brain mask; voxels outside become 0.
        space, skull_stripped
            As on a model card.

        Returns
        -------
        Model

        Raises
        ------
        ValueError
            If the network does not read this grid, or returns something else than the card states.

        Examples
        --------
        >>> model = Model.from_module(net, grid=scan, classes=["CN", "AD"])  # doctest: +SKIP
        >>> explain(model, scan, "occlusion")  # doctest: +SKIP
        """
        import torch

        from mriinterp.models.assembly import assemble
        from mriinterp.models.own_module import apart_from, in_memory

        lattice = grid.grid if isinstance(grid, Volume) else grid
        about: dict[str, Any] = {"output": output or "", "centres": list(centres), "pick": pick, "images": list(images)}
        about |= {"numbers": numbers, "numbers_as": numbers_as, "space": space, "skull_stripped": skull_stripped}
        named = [classes] if isinstance(classes, str) else list(classes)
        own, card, code = in_memory(net, lattice, named, normalisation, about, name)
        first = next(own.parameters(), torch.empty(0)).device
        target = first if device is None else choose_device(str(device))
        given = normalisation if isinstance(normalisation, Normalisation) else None
        with apart_from(net):
            return cls(**assemble(own, card, target, code, False, normalisation=given, mask=mask))

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

    def prepare(self, volume: Scan) -> Tensor:
        """Return a scan as the network expects it.

        Parameters
        ----------
        volume : Volume or mapping
            Of several images, or of numbers beside them, all by name, as `mriinterp.explain` takes them.

        Returns
        -------
        Tensor, shape (1, C, i, j, k), float32, on the model's device
            Each image resampled to the model's grid by affine (one on that
            grid is passed bitwise), masked and normalised.

        Raises
        ------
        ValueError
            If the scan lacks an image, lies elsewhere, is not finite, or cannot be normalised.
        """
        import torch

        channels = [
            channel_of(image, self.card, self.normalisation.of(name), self.mask, name)
            for name, image in images_of(as_scan(volume), self.card).items()
        ]
        return torch.from_numpy(np.stack(channels))[None].to(self.device)

    def warnings_of(self, volume: Scan) -> tuple[str, ...]:
        """Return what is unusual about a scan for this network: its intensities, and how it was prepared."""
        volume = as_scan(volume)
        found = []
        for name, image in images_of(volume, self.card).items():
            rule, stripped = self.normalisation.of(name), self.card.skull_stripped
            which = f"{name}: " if name else ""
            found += [f"{which}{text}" for text in rule.warnings_of(measure_intensities(image), stripped=stripped)]
        expected = self.card.preparation
        other = expected.mismatch(volume.preparation) if expected is not None else ""
        return (*found, other) if other else tuple(found)

    def predict(self, volume: Scan) -> Prediction:
        """Run the network on a scan, of several inputs ``{"t1": volume, "age": 71}``."""
        volume = as_scan(volume)
        return self.predict_tensor(self.prepare(volume), volume)

    def predict_tensor(self, x: Tensor, volume: Scan | None = None) -> Prediction:
        """Run the network on a prepared input.

        Parameters
        ----------
        x : Tensor, shape (1, C, i, j, k)
            It is not changed.
        volume : Volume or mapping, optional
            The scan that it was made from, which is judged, and whose numbers count.
        """
        import torch

        volume = None if volume is None else as_scan(volume)
        with self.own_module(scan=volume) as module, torch.inference_mode():
            output = module(x.clone())[0].float().cpu()
        return self.describe(output, volume)

    def describe(self, output: Tensor, volume: Volume | None = None) -> Prediction:
        """Return the output vector of the network, shape (outputs,), as a prediction, with warnings about the scan."""
        prediction = self.read_outputs(output)
        if volume is None:
            return prediction
        return replace(prediction, warnings=(*volume.notes, *self.warnings_of(volume)))

    def read_outputs(self, output: Tensor) -> Prediction:
        """Describe the output vector of the network, shape (outputs,), as a prediction."""
        return read_outputs(self.heads, output)

    def find_target(self, target: str | int | None, prediction: Prediction) -> tuple[Head, int]:
        """Return the head and the index within it that a target names; see `mriinterp.models.prediction.find_target`."""
        return find_target(self.heads, target, prediction)

    def working_copy(
        self, head: Head | None = None, *, raw: bool = False, scan: Volume | None = None
    ) -> tuple[nn.Module, threading.RLock]:
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
        scan : Volume, optional
            Whose numbers (age and the like) the network is to read; default:
            those of a mean scan.
        """
        from mriinterp.models.assembly import refilled
        from mriinterp.models.batch import mark_alone
        from mriinterp.models.copies import shared_copy

        with self.lock:  # a module that another caller has hooked would be copied with its hooks
            copied = shared_copy(self.module)
        module, lock = (self.module, self.lock) if copied is None else (copied, threading.RLock())
        if self.card.numbers and scan is not None:
            module = refilled(module, self.card.numbers, numbers_of(scan, self.card))
        if not self.independent:
            mark_alone(module)
        return (module if head is None else self.view(module, head, raw=raw)), lock

    def view(self, module: nn.Module, head: Head, *, raw: bool = False) -> nn.Module:
        """Return a working copy through a head's outputs, as logits unless they are wanted raw; the copy may change."""
        from mriinterp.models.batch import mark_alone
        from mriinterp.models.closing import without_layer
        from mriinterp.models.output_view import OutputView

        own = all(part is not self.module for part in module.modules())
        closing = None if raw and not head.centres else self.closing
        read, inside = head.reader(raw=raw), head.reader(raw=raw, inside=True)
        if closing is not None and closing.layer and own:
            without_layer(module, closing)
            closing, read = None, inside
        if len(self.heads) > 1 or read is not None or closing is not None:
            module = OutputView(module, slice(head.start, head.stop), read, closing, inside)
        if not self.independent:
            mark_alone(module)
        return module

    @contextmanager
    def own_module(
        self, head: Head | None = None, *, raw: bool = False, scan: Volume | None = None
    ) -> Iterator[nn.Module]:
        """Yield the module of `working_copy`, with its lock held."""
        module, lock = self.working_copy(head, raw=raw, scan=scan)
        with lock:
            yield module
