"""Say in words why a network cannot be read: an error in its forward, or outputs that are not those of the card."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from mriinterp.base.errors import words_of
from mriinterp.models.entries import OF_VOXELS, counts, describe_returned
from mriinterp.models.heads import Head

__all__ = ["checked_outputs", "run_network", "widths_of"]

PACKAGE = Path(__file__).resolve().parents[1]


def widths_of(heads: tuple[Head, ...]) -> set[int]:
    """Return the numbers of outputs that fit: one head of two classes may have one, unless the card says otherwise."""
    either = len(heads) == 1 and heads[0].kind == "classes" and len(heads[0].classes) == 2 and not heads[0].output
    return {heads[-1].stop} | ({1} if either else set())


def run_network(run: Callable[[Tensor], object], image: Tensor, name: str) -> object:
    """Return what a network returns for an image; ValueError in words if it fails."""
    try:
        return run(image.clone())
    except MemoryError:
        raise
    except Exception as error:  # own code raises anything
        channels = f"{image.shape[1]} channels of " if image.shape[1] > 1 else ""
        raise ValueError(
            f"{name}: expected a network that reads {channels}{tuple(image.shape[2:])}, got an error in its forward"
            f"{_line_of(error)}: {type(error).__name__}: {' '.join(words_of(error).split())}"
            f"{_known_cause(str(error), image) or _what_it_got(image)}"
        ) from error


def _known_cause(error: str, image: Tensor) -> str:
    """Return what to do about an error whose cause is known, in words; "" for others."""
    if re.search(r"missing \d+ required (positional|keyword-only) argument", error):
        return (
            ". It was called with the scan alone: numbers of a scan, such as age, are named with numbers=[…] in Python, "
            '"numbers" on the card; anything else goes into a module whose forward(x) hands it on'
        )
    if re.search(r"same d?type|Input type .* bias type", error):
        return ". Scans and its weights are float32 here: convert with x.to(weight.dtype), not x.double() or x.half()"
    return _other_size(error, image)


def _other_size(error: str, image: Tensor) -> str:
    """Return what to do where a network reads other channels or voxels than it was given; "" for other errors."""
    found = re.search(r"to have (?P<channels>\d+) channels|size\(\)\[(?P<axis>\d)\] == (?P<size>\d+)", error)
    if found is None:
        return ""
    axis, size = int(found["axis"] or 1), int(found["channels"] or found["size"])
    if axis == 1 and size != image.shape[1]:
        return (
            f". It reads {size} channels, each an image of a scan: name them, images=[…] in Python, "
            '"images": ["t1", "gm"] on the card'
        )
    if axis > 1 and axis < image.ndim and size != image.shape[axis]:
        return f". It was exported for {size} voxels along axis {axis - 2}: name the grid of its training scans"
    return ""


def _what_it_got(image: Tensor) -> str:
    """Return what a network was called with, and what to do where it wants something else."""
    return (
        f". It was called with one tensor of shape {tuple(image.shape)}: scans, channels, voxels; one that reads something "
        "else goes into a module whose forward(x) hands it on"
    )


def _line_of(error: BaseException) -> str:
    """Return the last line of a user's code that an error came through, in words; "" if there is none."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _is_library(f.filename)]
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


def _is_library(filename: str) -> bool:
    path = Path(filename)
    return filename.startswith("<") or bool({"site-packages", "torch"} & set(path.parts)) or PACKAGE in path.parents


def checked_outputs(output: object, returned: object, heads: tuple[Head, ...], name: str) -> Tensor:
    """Return outputs (1, outputs) for an image; ValueError if they are not what the card says."""
    if not isinstance(output, Tensor) or output.shape[1] not in widths_of(heads):
        raise ValueError(
            f"{name}: expected {counts(widths_of(heads))} as on the card ({_outputs_of_card(heads)}), got "
            f"{describe_returned(returned)}{_way_out(heads, output, returned)}"
        )
    if not output.is_floating_point():
        kind = str(output.dtype).removeprefix("torch.")
        raise ValueError(
            f"{name}: expected outputs that are real numbers with a gradient, got {kind}: have its forward return the "
            "logits or probabilities that the class is chosen by"
        )
    if not torch.isfinite(output).all():
        raise ValueError(f"{name}: expected finite outputs for an image of noise, got {output[0].tolist()}")
    return output


def _outputs_of_card(heads: tuple[Head, ...]) -> str:
    return "; ".join(f"{', '.join(head.classes)}{f' as {head.output}' if head.output else ''}" for head in heads)


def _way_out(heads: tuple[Head, ...], output: object, returned: object) -> str:
    """Return what to do about another number of outputs, in words."""
    if isinstance(returned, Tensor) and returned.ndim > 3 and returned[0, 0].numel() > 1:
        return f". {OF_VOXELS}"
    got = output.shape[1] if isinstance(output, Tensor) else 0
    if len(heads) != 1 or got < 1:
        return ""
    if heads[0].centres:
        return f". Its {got} outputs are bins: give the centre of each, {got} centres"
    if heads[0].output and got == len(heads[0].classes) > 1:
        return f". It returns one output a class: leave out output {heads[0].output!r}, or say another"
    if got == 1 and heads[0].kind == "classes":
        return '. One output stands for two classes: name both, with output "logit" or "sigmoid"'
    if heads[0].kind == "scale" and not heads[0].centres:
        return '. Several outputs are classes, each with a name, or bins: output "bins" with their centres'
    return f". Name all {got} classes, in the order of the outputs"
