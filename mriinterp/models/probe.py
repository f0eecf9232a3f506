"""What running a network on two images tells when it is loaded: kind of output, batch independence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mriinterp.models.batch import FAILURES, ScanByScan, reason_to_run_alone
from mriinterp.models.card import Head
from mriinterp.models.outputs import LOGITS, detect_output, get_output_kind

__all__ = ["Probe", "probe_network"]

KEPT = 32

_known: dict[tuple[str, str, str], Probe] = {}


@dataclass(frozen=True)
class Probe:
    """What was found out about a network.

    Parameters
    ----------
    heads : tuple of Head
        With their kind of output.
    alone : str
        Why scans must run one by one; "" if they may share a batch.
    notes : tuple of str
        What a person should know, in words.
    """

    heads: tuple[Head, ...]
    alone: str
    notes: tuple[str, ...]

    @property
    def marks(self) -> tuple[str, ...]:
        """What changes the numbers of a map, for the digest of the model; empty for the usual network."""
        kinds = [f"{head.name}: {head.output}" for head in self.heads if head.output not in ("", LOGITS)]
        return (*kinds, *(["one by one"] if self.alone else []))


def probe_network(
    module: nn.Module,
    heads: Sequence[Head],
    shape: Sequence[int],
    device: torch.device,
    name: str,
    *,
    known_as: str = "",
) -> Probe:
    """Run a network on images of noise, if need be each by itself and both in a batch.

    One forward pass is enough for a network of the usual layers that returns
    logits; the others take the time of four to six.

    Parameters
    ----------
    module : nn.Module
        In eval mode, on `device`. It reads (n, 1, *shape).
    heads : sequence of Head
        As the card has them.
    name : str
        Of the network, for errors.
    known_as : str
        A digest of weights, code and card, by which the result is remembered
        while the process lives; "" where the code has no digest.

    Raises
    ------
    ValueError
        If the network does not read this shape, returns other outputs than
        the card has or none that are finite, or outputs of another kind than
        the card says.
    """
    key = (known_as, ",".join(head.output for head in heads), str(device))
    found = _known.get(key) if known_as else None
    if found is None:
        found = _probe(module, tuple(heads), tuple(shape), device, name)
        if len(_known) >= KEPT:
            _known.clear()
        if known_as:
            _known[key] = found
    return found


def _images(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Return two images of noise of different brightness, shape (2, 1, *shape)."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand((2, 1, *shape), generator=generator)
    noise[1] *= 2
    return noise.to(device)


def _probe(
    module: nn.Module, heads: tuple[Head, ...], shape: tuple[int, ...], device: torch.device, name: str
) -> Probe:
    images = _images(shape, device)
    watch = ScanByScan(module)

    def watched(image: Tensor) -> Tensor:
        with watch:
            return module(image)

    with torch.inference_mode():
        first = _checked(watched, images[:1], heads, name)
    plain = all(h.kind == "scale" or {h.output, detect_output(_of(h, first))} <= {"", LOGITS} for h in heads)
    if plain and watch.proven:
        return Probe(tuple(_with_output(head, first, name) for head in heads), "", ())
    with torch.inference_mode():
        outputs = torch.cat([first, _checked(module, images[1:], heads, name)])
        found = tuple(_with_output(head, outputs, name) for head in heads)

        def run(index: list[int]) -> Tensor:
            return _comparable(module(images[index]), found)

        reason = "" if watch.proven else reason_to_run_alone(run, _comparable(outputs, found))
    notes = [
        f"it returns {h.output_kind.label} for {', '.join(h.classes)}" for h in found if h.output not in ("", LOGITS)
    ]
    if reason:
        notes.append(f"{reason}: scans and occlusion windows are run one by one")
    return Probe(found, reason, (*notes, *_doubts(found, outputs)))


def _of(head: Head, outputs: Tensor) -> Tensor:
    return outputs[:, head.start : head.stop]


def _checked(run: Callable[[Tensor], Tensor], image: Tensor, heads: tuple[Head, ...], name: str) -> Tensor:
    """Return the outputs (1, outputs) for an image; ValueError if they are not what the card says."""
    expected = heads[-1].stop
    try:
        output = run(image.clone())
    except FAILURES as error:
        raise ValueError(
            f"{name}: expected a network that reads {tuple(image.shape[2:])}, got an error: {error}"
        ) from error
    if not isinstance(output, Tensor) or tuple(output.shape) != (1, expected):
        got = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"
        raise ValueError(f"{name}: expected {expected} outputs as on the card, got {got}")
    if not torch.isfinite(output).all():
        raise ValueError(f"{name}: expected finite outputs for an image of noise, got {output[0].tolist()}")
    return output


def _with_output(head: Head, outputs: Tensor, name: str) -> Head:
    """Return a head with its kind of output: the card's if it says one, else the one found."""
    if head.kind == "scale":
        return head
    if not head.output:
        return replace(head, output=detect_output(_of(head, outputs)))
    if not head.output_kind.fits(_of(head, outputs)):
        raise ValueError(
            f"{name}: expected {head.output_kind.label}, as the card says of {head.name} ({head.output!r}), got "
            f"{_of(head, outputs).tolist()}; correct 'output' on the card, or leave it out"
        )
    return head


def _comparable(outputs: Tensor, heads: tuple[Head, ...]) -> Tensor:
    """Return outputs in which nothing saturates: logits where the network returns probabilities."""
    return torch.cat([head.output_kind.as_logits(_of(head, outputs)) for head in heads], dim=1)


def _doubts(heads: tuple[Head, ...], outputs: Tensor) -> list[str]:
    """Name the heads whose outputs look like another kind than the card says."""
    doubts = []
    for head in heads:
        seen = detect_output(_of(head, outputs)) if head.kind == "classes" else head.output
        if seen != head.output:
            doubts.append(
                f"its card says {head.output!r} for {head.name}, but the outputs look like {get_output_kind(seen).label}"
            )
    return doubts
