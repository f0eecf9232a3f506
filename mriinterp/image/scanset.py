"""Scans of several images: T1 and tissue maps, and the numbers that belong to them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real

from mriinterp.image.volume import Volume

__all__ = ["ScanSet", "as_scan"]


@dataclass(frozen=True, eq=False)
class ScanSet(Volume):
    """Images and numbers of one scan.

    As a volume it is its first image: that is what is shown, and whose space
    is judged.

    Parameters
    ----------
    images : dict of str to Volume
        By name, on any grids.
    numbers : dict of str to float
        Age, head size and the like.
    """

    images: Mapping[str, Volume] = field(default_factory=dict, repr=False)
    numbers: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all images and numbers, 64 hexadecimal digits."""
        digest = hashlib.sha256()
        for name, image in self.images.items():
            digest.update(f"{name}={image.digest}\n".encode())
        for name in sorted(self.numbers):
            digest.update(f"{name}={self.numbers[name]!r}\n".encode())
        return digest.hexdigest()


def as_scan(scan: Volume | Mapping[str, Volume | float]) -> Volume:
    """Return a scan as one object.

    Parameters
    ----------
    scan : Volume or mapping
        Images and numbers by name, ``{"t1": volume, "gm": volume, "age": 71}``;
        the first image is the one that is shown.

    Raises
    ------
    ValueError
        For a mapping without an image, or with an entry that is neither an image nor a finite number.
    """
    if isinstance(scan, Volume):
        return scan
    if not isinstance(scan, Mapping):
        raise ValueError(
            f"expected a scan as a Volume, or images and numbers by name, got a {type(scan).__name__}; "
            "read_volume(path) reads a file"
        )
    images = {str(name): value for name, value in scan.items() if isinstance(value, Volume)}
    numbers: dict[str, float] = {}
    for name, value in scan.items():
        if isinstance(value, Volume):
            continue
        if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
            raise ValueError(f"expected {name!r} of a scan as a Volume or a finite number, got {value!r}")
        numbers[str(name)] = float(value)
    if not images:
        raise ValueError(f"expected at least one image in a scan, got {', '.join(map(str, scan)) or 'nothing'}")
    first = next(iter(images.values()))
    notes = dict.fromkeys(note for image in images.values() for note in image.notes)
    return ScanSet(
        first.data, first.affine, first.source, tuple(notes), first.preparation, images=images, numbers=numbers
    )
