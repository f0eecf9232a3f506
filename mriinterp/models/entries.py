"""Which entry of what a network returns is meant, as one vector a scan."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor, nn

__all__ = ["OF_VOXELS", "Entry", "counts", "describe_returned", "find_entry", "vector_of"]

OF_VOXELS = (
    "A number for each voxel is no output of a scan: have its forward return one for the scan, for example the mean over "
    "space of the class that is meant"
)
LISTED = 12
DEPTH = 3
"""How far entries of entries are looked into."""


class Entry(nn.Module):
    """A network seen through one entry of what it returns, a vector for each scan.

    Parameters
    ----------
    module : nn.Module
    pick : str, int or None
        Key, attribute or place, ``"out.logits"`` for an entry of an entry;
        None for a network that returns a tensor.
    """

    def __init__(self, module: nn.Module, pick: str | int | None):
        super().__init__()
        self.module, self.pick = module, pick
        self.training = module.training

    def forward(self, x: Tensor) -> Tensor:
        """Map scans (n, C, *spatial) to outputs (n, outputs)."""
        return vector_of(self.module(x), self.pick, x.shape[0])


def vector_of(returned: object, pick: str | int | None, scans: int) -> Tensor:
    """Return an entry of what a network returned for so many scans, (scans, outputs)."""
    entry: Any = returned if pick is None else _entries_of(returned)[pick]
    return entry.reshape(scans, -1)


def _entries_of(returned: object, depth: int = DEPTH) -> dict[str | int, object]:
    """Return what a network returns, by name or place, entries of entries as ``"out.logits"``; a tensor has none."""
    own = _own_entries(returned)
    inner: dict[str | int, object] = {
        f"{key}.{name}": leaf
        for key, value in own.items()
        if depth > 1 and not isinstance(value, Tensor)
        for name, leaf in _entries_of(value, depth - 1).items()
    }
    return {**own, **inner}


def _own_entries(returned: object) -> dict[str | int, object]:
    if isinstance(returned, Mapping):
        return dict(returned)
    if isinstance(returned, (tuple, list)):
        named = dict(zip(getattr(returned, "_fields", ()), returned, strict=False))
        return {**dict(enumerate(returned)), **named}
    if dataclasses.is_dataclass(returned) and not isinstance(returned, type):
        return {entry.name: getattr(returned, entry.name) for entry in dataclasses.fields(returned)}
    return {}


def describe_returned(returned: object) -> str:
    """Return what a network returns, in words: shapes of tensors, names of entries."""
    if isinstance(returned, Tensor):
        return f"a tensor of shape {tuple(returned.shape)}"
    entries = _entries_of(returned)
    if not entries:
        return f"a {type(returned).__name__}"
    parts = [
        f"{key!r}: {tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__}"
        for key, value in list(entries.items())[:LISTED]
    ]
    return f"a {type(returned).__name__} with {', '.join(parts)}"


def find_entry(
    returned: object, pick: str | int | None, widths: Collection[int], name: str
) -> tuple[str | int | None, bool]:
    """Return the entry that is meant for one scan, and whether it was chosen because only it fits.

    Parameters
    ----------
    returned : object
        For one scan.
    pick : str, int or None
        What the card says.
    widths : collection of int
        Numbers of outputs that would fit the card.
    name : str
        Of the network, for errors.

    Raises
    ------
    ValueError
        If there is no such entry, or none or several fit; all entries are named.
    """
    entries = _entries_of(returned)
    if pick is not None:
        if pick not in entries or not isinstance(entries[pick], Tensor):
            raise ValueError(
                f"{name}: expected a network that returns a tensor as its entry {pick!r}, got {describe_returned(returned)}"
            )
        return pick, False
    if isinstance(returned, Tensor):
        return None, False
    fitting = _fitting(_own_entries(returned), widths) or _fitting(entries, widths)
    if len(fitting) != 1:
        way = 'name the entry that is meant: pick=… in Python, "pick" on the card'
        if not any(isinstance(value, Tensor) for value in entries.values()):
            way = "have its forward return a tensor of PyTorch, one row of outputs a scan"
        raise ValueError(
            f"{name}: expected a network that returns a tensor of {counts(widths)}, "
            f"got {describe_returned(returned)}; {way}"
        )
    return next(iter(fitting.values())), True


def _fitting(entries: Mapping[str | int, object], widths: Collection[int]) -> dict[int, str | int]:
    """Return the first name of each tensor that has a number of outputs that fits."""
    found: dict[int, str | int] = {}
    for key, value in entries.items():
        if isinstance(value, Tensor) and value.numel() in widths:
            found.setdefault(id(value), key)
    return found


def counts(widths: Collection[int]) -> str:
    """Return numbers of outputs in words.

    Examples
    --------
    >>> counts({2, 1}), counts(range(1, 65)), counts({1})
    ('1 or 2 outputs', '1 to 64 outputs', '1 output')
    """
    numbers = sorted(widths)
    many = len(numbers) > 3 and numbers[-1] - numbers[0] == len(numbers) - 1
    words = f"{numbers[0]} to {numbers[-1]}" if many else " or ".join(map(str, numbers))
    return f"{words} output{'s' if numbers != [1] else ''}"
