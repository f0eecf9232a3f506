"""What the viewer is given, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mriinterp.image.volume import Volume

__all__ = ["Layer", "Patch", "ViewerState"]


@dataclass(frozen=True, eq=False)
class Layer:
    """One map to show over a scan.

    Parameters
    ----------
    name : str
        Headline of the map, e.g. the method.
    volume : Volume, shape (i, j, k)
        On the grid of the scan.
    unit : str
        What a value means, e.g. ``"change of P(AD) when occluded"``.
    signed : bool
        Diverging colours, symmetric about 0; otherwise sequential ones, and
        values below 0 are not shown.
    range : (float, float), optional
        Values at the two ends of the colour scale. Of a signed map the larger
        magnitude counts for both sides. None: the map's own, where extreme
        outliers (above the 99.9th percentile) do not stretch the scale.
    scan : Volume, optional
        Another scan under this map, e.g. of another subject or visit.
    """

    name: str
    volume: Volume
    unit: str = ""
    signed: bool = True
    range: tuple[float, float] | None = None
    scan: Volume | None = None


@dataclass(frozen=True)
class Patch:
    """An occlusion window to draw around the crosshair, edge and stride in voxels.

    With `published`, half the size rounded down to both sides, as in Rieke
    et al. 2018: an odd size is then one voxel narrower.
    """

    size: tuple[int, int, int]
    stride: tuple[int, int, int]
    published: bool = False

    def __post_init__(self):
        if min(self.size) < 1 or min(self.stride) < 1 or len(self.size) != 3 or len(self.stride) != 3:
            raise ValueError(f"expected three positive numbers of voxels each, got {self.size} and {self.stride}")


@dataclass(frozen=True)
class ViewerState:
    """Where the reader last was, and how things were shown.

    Parameters
    ----------
    cursor_mm : tuple of 3 float or None
        Crosshair in RAS+ mm; None before the first click when Python set none.
    cursor_voxel : tuple of 3 int or None
        The same as voxel of the scan, in the order of its array.
    clicked : bool
        Whether the position comes from the reader rather than from Python.
    settings : dict
        Threshold, opacity, view and so on at that moment, under the names of
        the keyword arguments of :func:`viewer`.
    """

    cursor_mm: tuple[float, float, float] | None
    cursor_voxel: tuple[int, int, int] | None
    clicked: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
