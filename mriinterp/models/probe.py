"""Probe a network on two images when it is loaded: kind of output, batch independence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mriinterp.models.batch import ScanByScan, reason_to_run_alone
from mriinterp.models.chance import WatchRandom
from mriinterp.models.closing import Closing, find_closing
from mriinterp.models.entries import Entry, describe_returned, find_entry, vector_of
from mriinterp.models.heads import Head, as_logits
from mriinterp.models.outputs import LOGITS, detect_output, get_output_kind
from mriinterp.models.probe_errors import checked_outputs, run_network, widths_of

__all__ = ["Probe", "probe_network", "probe_of_logits"]

KEPT = 32
ONE = "logit"  # what one output of two classes is, unless it is a probability
ROUNDED = (torch.float16, torch.bfloat16)
EXTREMES = (0.0, 1.0, -1.0, 1e3, -1e3)  # factors on an image of noise, to see whether an output leaves 0–1

_known: dict[tuple[str, str, str], Probe] = {}


@dataclass(frozen=True)
class Probe:
    """Result of probing a network.

    Parameters
    ----------
    heads : tuple of Head
        With their kind of output.
    alone : str
        Why scans must run one by one; "" if they may share a batch.
    notes : tuple of str
        What a person should know, in words.
    pick : str, int or None
        Which entry of what the network returns is read.
    wrapped : bool
        Whether an `Entry` makes a vector of what it returns.
    closing : Closing or None
        The function that it ends in.
    """

    heads: tuple[Head, ...]
    alone: str
    notes: tuple[str, ...]
    pick: str | int | None = None
    wrapped: bool = False
    closing: Closing | None = None

    @property
    def marks(self) -> tuple[str, ...]:
        """What changes the numbers of a map, for the digest of the model; empty for the usual network."""
        kinds = [f"{head.name}: {head.output}" for head in self.heads if head.output not in ("", LOGITS)]
        entry = [] if self.pick is None else [f"entry {self.pick!r}"]
        return (*kinds, *entry, *(["one by one"] if self.alone else []))


def probe_of_logits(heads: Sequence[Head]) -> Probe:
    """Return what is found of a network of the usual layers that returns logits, without running it."""
    return Probe(as_logits(heads), "", ())


def probe_network(
    module: nn.Module,
    heads: Sequence[Head],
    shape: Sequence[int],
    device: torch.device,
    name: str,
    *,
    known_as: str = "",
    pick: str | int | None = None,
) -> Probe:
    """Run a network on images of noise, if need be each by itself and both in a batch.

    One forward pass is enough for a network of the usual layers that returns
    logits; the others take the time of four to six.

    Parameters
    ----------
    module : nn.Module
        In eval mode, on `device`.
    heads : sequence of Head
        As the card has them.
    shape : sequence of int
        Channels and voxels of a scan, (C, i, j, k), or voxels alone.
    name : str
        Of the network, for errors.
    known_as : str
        A digest of weights, code and card, by which the result is remembered
        while the process lives; "" where the code has no digest.
    pick : str, int or None
        Which entry of what the network returns is meant, as the card says.

    Raises
    ------
    ValueError
        If the network does not read this shape, returns other outputs than
        the card has or none that are finite, or outputs of another kind than
        the card says.
    """
    key = (known_as, f"{','.join(head.output for head in heads)}; {pick!r}", str(device))
    found = _known.get(key) if known_as else None
    if found is None:
        shape = (1, *shape) if len(shape) == 3 else tuple(shape)
        found = _probe(module, tuple(heads), shape, device, name, pick)
        if len(_known) >= KEPT:
            _known.clear()
        if known_as:
            _known[key] = found
    return found


def _images(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Return two images of noise of different brightness, shape (2, C, i, j, k)."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand((2, *shape), generator=generator)
    noise[1] *= 2
    return noise.to(device)


def _probe(
    module: nn.Module,
    heads: tuple[Head, ...],
    shape: tuple[int, ...],
    device: torch.device,
    name: str,
    pick: str | int | None,
) -> Probe:
    images = _images(shape, device)
    watch, chance = ScanByScan(module), WatchRandom()

    def watched(image: Tensor) -> object:
        with watch, chance:
            return module(image)

    with torch.inference_mode():
        returned = run_network(watched, images[:1], name)
        pick, chosen = find_entry(returned, pick, widths_of(heads), name)
        first = checked_outputs(vector_of(returned, pick, 1), returned, heads, name)
        wrapped = pick is not None or getattr(returned, "shape", None) != first.shape
        random = bool(chance.calls) and not torch.equal(
            first, vector_of(run_network(module, images[:1], name), pick, 1)
        )
    read = Entry(module, pick) if wrapped else module
    guessed = heads[-1].stop != first.shape[1]
    heads = (replace(heads[0], output=ONE),) if guessed else heads  # one output for two classes
    plain = all(_is_number(h) or {h.output, detect_output(h.of(first))} <= {"", LOGITS} for h in heads)
    if returned is not watch.weighted:
        plain = plain and not any(h.width > 1 and bool((h.of(first) >= 0).all()) for h in heads)  # may be shares
    notes = [f"of {describe_returned(returned)} it is the entry {pick!r} that is read"] if chosen else []
    notes += [chance.in_words()] if random else []
    notes += [_rounded(first)] if first.dtype in ROUNDED else []
    if plain and watch.proven:
        return Probe(tuple(_with_output(head, first, name) for head in heads), "", tuple(notes), pick, wrapped)
    with torch.inference_mode():
        second = run_network(read, images[1:], name)
        outputs = torch.cat([first, checked_outputs(second, second, heads, name)])
        closing = find_closing(read, images, outputs)
        bounded = guessed and _stays_within(read, images, closing)
        found = tuple(_with_output(head, outputs, name, guessed, bounded) for head in heads)

        def run(index: list[int]) -> Tensor:
            return _comparable(read(images[index]), found)

        reason = "" if watch.proven else reason_to_run_alone(run, _comparable(outputs, found))
    notes += _kinds_in_words(found, guessed)
    if reason:
        notes.append(f"{reason}: scans and occlusion windows are run one by one")
    used = closing if len(found) == 1 and closing and found[0].output_kind.closing == closing.function else None
    return Probe(found, reason, (*notes, *_doubts(found, outputs, closing)), pick, wrapped, used)


def _rounded(output: Tensor) -> str:
    """Return that outputs are coarse, in words."""
    kind = str(output.dtype).removeprefix("torch.")
    return (
        f"its outputs are {kind}: small changes, as of a hidden box, are lost in rounding; have forward return float32"
    )


def _is_number(head: Head) -> bool:
    """Return whether a head is a single number that stands for itself."""
    return head.kind == "scale" and not head.centres


def _with_output(head: Head, outputs: Tensor, name: str, guessed: bool = False, bounded: bool = False) -> Head:
    """Return a head with its kind of output: the card's if it says one, else the one found."""
    if _is_number(head):
        return head
    if guessed or not head.output:
        return replace(head, output=_found(head, head.of(outputs), bounded))
    if not head.output_kind.fits(head.of(outputs)):
        raise ValueError(
            f"{name}: expected {head.output_kind.label}, as the card says of {head.name} ({head.output!r}), got "
            f"{head.of(outputs).tolist()}; correct 'output' on the card, or leave it out"
        )
    return head


def _found(head: Head, outputs: Tensor, bounded: bool) -> str:
    """Return the kind of outputs (scans, width) that the card does not state."""
    if head.width > 1:
        return detect_output(outputs)
    return "sigmoid" if bounded else "logit"


def _stays_within(read: nn.Module, images: Tensor, closing: Closing | None) -> bool:
    """Return whether a single output is a probability: the network ends in a sigmoid, or keeps to 0–1 on all input."""
    if closing is not None:
        return closing.function == "sigmoid"
    shown = torch.cat([images[:1] * factor for factor in EXTREMES])
    outputs = torch.cat([read(image[None]) for image in shown])
    return bool(((outputs >= 0) & (outputs <= 1)).all()) and bool((outputs != outputs[0]).any())


def _comparable(outputs: Tensor, heads: tuple[Head, ...]) -> Tensor:
    """Return outputs in which nothing saturates: logits where the network returns probabilities."""
    return torch.cat([head.output_kind.as_logits(head.of(outputs)) for head in heads], dim=1)


def _kinds_in_words(heads: tuple[Head, ...], guessed: bool) -> list[str]:
    """Describe what heads return where it is not logits, and what was guessed."""
    words = []
    for head in heads:
        if head.centres:
            words.append(
                f"{head.classes[0]} is the expected value over {len(head.centres)} bins, from {head.output_kind.label}"
            )
        elif head.output not in ("", LOGITS):
            guess = "; if that is not so, say 'output'" if guessed else ""
            words.append(f"it returns {head.output_kind.label} for {', '.join(head.classes)}{guess}")
    return words


def _doubts(heads: tuple[Head, ...], outputs: Tensor, closing: Closing | None) -> list[str]:
    """Name the heads whose outputs look like another kind than the card says."""
    doubts = []
    for head in heads:
        seen = head.output
        if head.width == 1 and head.output == ONE and closing is not None and closing.function == "sigmoid":
            seen = "sigmoid"
        elif head.width > 1:
            seen = detect_output(head.of(outputs))
        if seen != head.output:
            doubts.append(
                f"its card says {head.output!r} for {head.name}, but the outputs look like {get_output_kind(seen).label}"
            )
        elif head.output == LOGITS and head.width > 1 and (looks := _no_logits(head.of(outputs), closing)):
            doubts.append(f"its outputs for {', '.join(head.classes)} are taken for logits, but {looks}")
    return doubts


def _no_logits(outputs: Tensor, closing: Closing | None) -> str:
    """Return why outputs (scans, classes) look like no logits and like no kind that is known, in words; "" if they do not."""
    if closing is not None and closing.function == "sigmoid":
        return (
            "each ends in a sigmoid of its own: probabilities shown here are not those of the network; return what goes "
            "into it"
        )
    sums = outputs.double().sum(dim=1)
    alike = bool((outputs >= 0).all()) and bool(((sums - sums[0]).abs() <= 1e-3 * sums[0]).all())
    if len(outputs) > 1 and alike and float(sums[0]) > 0:
        return f"none is below 0 and they sum to {float(sums[0]):.4g} in every scan: they look like shares; divide by that sum"
    return ""
