"""Heads: groups of a network's outputs, with their names and what they mean."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mriinterp.models.outputs import LOGITS, ExpectedValue, OutputKind, get_output_kind

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BINS", "SCALES", "Head", "as_logits", "heads_of_card"]

BINS = "bins"
SCALES = ("scale", BINS)  # what a card may say of an output that stands for no class


@dataclass(frozen=True)
class Head:
    """A group of outputs that belong together.

    Parameters
    ----------
    name : str
    classes : tuple of str
        One name per output.
    kind : str
        ``"classes"``: outputs compete, a softmax gives probabilities.
        ``"scale"``: a single number, whose raw value is the score; with
        `centres` it is the expected value over bins.
    start : int
        Index of the first output in the network's output vector.
    note : str
        How to read the outputs, in words.
    output : str
        What the network returns for classes or bins, a key of
        `mriinterp.models.outputs.OUTPUT_KINDS`; "" if it is not known or
        looked yet. Two classes may share one output (``"logit"``,
        ``"sigmoid"``), which stands for the second.
    centres : tuple of float
        Of a scale that is returned as probabilities of bins: the value that
        each bin stands for.
    """

    name: str
    classes: tuple[str, ...]
    kind: str = "classes"
    start: int = 0
    note: str = ""
    output: str = field(default="", repr=False)  # the digest of a model holds the repr, and these by themselves
    centres: tuple[float, ...] = field(default=(), repr=False)

    def __post_init__(self):
        kind = get_output_kind(self.output)
        if self.kind not in ("classes", "scale"):
            raise ValueError(f"expected a head of kind 'classes' or 'scale', got {self.kind!r}")
        if self.kind == "scale" and len(self.classes) != 1:
            raise ValueError(f"expected one output for a scale, got {len(self.classes)}: {self.classes}")
        if self.kind == "classes" and len(self.classes) < 2:
            raise ValueError(
                f"expected two or more classes, got {self.classes}; a single output is a 'scale', or stands for the "
                "second of two classes, both of which are named"
            )
        if self.centres and (self.kind != "scale" or len(self.centres) < 2):
            raise ValueError(f"expected two or more centres of the bins of a scale, got {len(self.centres)}")
        if self.kind == "scale" and self.output and (kind.width == 1 or not self.centres):
            raise ValueError(f"expected a kind of output for classes, got {self.output!r} for the scale {self.name!r}")
        if kind.width == 1 and len(self.classes) != 2:
            raise ValueError(f"expected two classes for {kind.label}, got {len(self.classes)}: {self.classes}")

    @property
    def width(self) -> int:
        """Number of the network's outputs."""
        return len(self.centres) or self.output_kind.width or len(self.classes)

    @property
    def stop(self) -> int:
        """Index behind the last output."""
        return self.start + self.width

    def of(self, outputs: Tensor) -> Tensor:
        """Return its columns, (n, width), of a network's outputs (n, outputs)."""
        return outputs[:, self.start : self.stop]

    def each(self, outputs: Tensor) -> Tensor:
        """Return its columns (n, width) as one number a name, (n, classes), in the unit of what is returned."""
        if self.centres:
            return ExpectedValue(self.centres, self.output_kind)(outputs)
        return self.output_kind.each(outputs)

    def reader(self, *, raw: bool, inside: bool = False) -> Callable[[Tensor], Tensor] | None:
        """Return what turns its columns (n, width) into logits (n, classes), or a scale (n, 1); None for nothing.

        Parameters
        ----------
        raw : bool
            Into one number a name instead, as `each` does.
        inside : bool
            The columns are what goes into the network's last function.
        """
        if self.centres:
            kind = get_output_kind(LOGITS) if inside else self.output_kind
            return ExpectedValue(self.centres, kind)
        if raw:
            return self.output_kind.per_class
        return self.output_kind.inside if inside else self.output_kind.to_logits

    @property
    def output_kind(self) -> OutputKind:
        """What its outputs are; logits as long as nothing else is known."""
        return get_output_kind(self.output)

    def entries(self) -> dict:
        """Return it as a model card has it."""
        optional = {key: getattr(self, key) for key in ("output", "note") if getattr(self, key)}
        centres = {"centres": list(self.centres)} if self.centres else {}
        return {"name": self.name, "kind": self.kind, "classes": list(self.classes), **optional, **centres}


def as_logits(heads: Sequence[Head]) -> tuple[Head, ...]:
    """Return heads of a network that is known to return logits."""
    return tuple(replace(head, output=LOGITS) for head in heads)


def heads_of_card(entries: dict) -> tuple[Head, ...]:
    """Return heads as listed, or the one that `classes` describes."""
    if "heads" not in entries:
        classes = _names(entries["classes"])
        kind = "scale" if len(classes) == 1 or entries.get("output") in SCALES else "classes"
        return (_head({**entries, "name": "output", "kind": kind, "note": ""}, classes, 0),)
    if not isinstance(entries["heads"], list) or not all(isinstance(entry, dict) for entry in entries["heads"]):
        raise ValueError(f'expected a list of {{"name": …, "classes": […]}}, got {reprlib.repr(entries["heads"])}')
    heads, start = [], 0
    for entry in entries["heads"]:
        head = _head(entry, _names(entry["classes"]), start)
        heads.append(head)
        start = head.stop
    if not heads:
        raise ValueError("expected at least one head, got none")
    names = [name for head in heads for name in head.classes]
    if len(set(names)) != len(names):
        raise ValueError(f"expected different names for all outputs, got {reprlib.repr(names)}")
    return tuple(heads)


def _head(entry: dict, classes: tuple[str, ...], start: int) -> Head:
    output, centres = _text(entry, "output"), entry.get("centres", [])
    numbers = isinstance(centres, (list, tuple)) and all(type(n) in (int, float) and math.isfinite(n) for n in centres)
    if not numbers:
        raise ValueError(f"expected 'centres' of a head as a list of numbers, got {reprlib.repr(centres)}")
    if output == BINS and not centres:
        raise ValueError("expected 'centres' of the bins (the value that each output stands for), got none")
    kind = "scale" if output in SCALES else _text(entry, "kind", "classes")
    output = "" if output in SCALES else output
    name = _text(entry, "name", entry["name"])
    return Head(name, classes, kind, start, _text(entry, "note"), output, tuple(float(n) for n in centres))


def _text(entry: dict, key: str, default: str = "") -> str:
    if not isinstance(entry.get(key, default), str):
        raise ValueError(f"expected {key!r} of a head to be text, got {reprlib.repr(entry[key])}")
    return entry.get(key, default)


def _names(classes) -> tuple[str, ...]:
    if not isinstance(classes, (list, tuple)) or not all(isinstance(name, str) for name in classes):
        raise ValueError(f"expected a list of names, got {reprlib.repr(classes)}")
    if len(set(classes)) != len(classes):
        raise ValueError(f"expected different names for all outputs, got {reprlib.repr(list(classes))}")
    return tuple(classes)
