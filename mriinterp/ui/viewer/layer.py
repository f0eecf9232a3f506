"""What the viewer is given, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from nibabel.orientations import inv_ornt_aff, io_orientation

from mriinterp.image.volume import Grid, Volume
from mriinterp.incremental import BoxGrid

__all__ = ["Contour", "Layer", "Patch", "ViewerState"]


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
    part : {"both", "positive", "negative"}
        Of a signed map: the sign of the values it holds. With one of them the
        colour bar ends at 0; colours stay those of the whole scale.
    ends : (str, str), optional
        What values below and above 0 mean, e.g. ``("speaks against AD",
        "supports AD")``; stands at the ends of the colour bar.
    """

    name: str
    volume: Volume
    unit: str = ""
    signed: bool = True
    range: tuple[float, float] | None = None
    scan: Volume | None = None
    part: Literal["both", "positive", "negative"] = "both"
    ends: tuple[str, str] | None = None


@dataclass(frozen=True, eq=False)
class Contour:
    """An outline to draw on every map, e.g. of the tissue that a disease changed.

    Parameters
    ----------
    name : str
        What lies inside.
    volume : Volume, shape (i, j, k)
        On the grid of the scan; what is not 0 lies inside. Values that are
        not finite lie outside.
    color : str
        Of the line, as ``"#rrggbb"``.
    """

    name: str
    volume: Volume
    color: str = "#ff6cf4"


@dataclass(frozen=True, eq=False)
class Patch:
    """The boxes of an occlusion: those near the crosshair are drawn.

    Parameters
    ----------
    boxes : BoxGrid
    grid : Grid
        Whose voxels the boxes count, in any order of axes; it covers the
        same voxels as the scan.
    """

    boxes: BoxGrid
    grid: Grid

    def __post_init__(self):
        if self.boxes.shape != self.grid.shape:
            raise ValueError(f"expected boxes on a grid of {self.grid.shape} voxels, got {self.boxes.shape}")

    @property
    def viewer_grid(self) -> Grid:
        """The grid in the viewer's order of axes, closest to RAS+."""
        turned = io_orientation(self.grid.affine)
        i, j, k = (self.grid.shape[axis] for axis in turned[:, 0].argsort())
        return Grid((i, j, k), self.grid.affine @ inv_ornt_aff(turned, self.grid.shape))

    def placed(self) -> dict[str, list]:
        """Return ranges (start, stop) and centres of the boxes along the axes of `viewer_grid`."""
        ranges: list = [None] * 3
        centres: list = [None] * 3
        for axis, (to, direction) in enumerate(io_orientation(self.grid.affine).astype(int)):
            n, forward = self.grid.shape[axis], direction > 0
            own, at = self.boxes.ranges[axis], self.boxes.centres[axis]
            ranges[to] = [[start, stop] if forward else [n - stop, n - start] for start, stop in own]
            centres[to] = [c if forward else n - 1 - c for c in at]
        return {"ranges": ranges, "centres": centres}


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
        the keyword arguments of :func:`viewer`, and the display settings of
        its `look`.
    """

    cursor_mm: tuple[float, float, float] | None
    cursor_voxel: tuple[int, int, int] | None
    clicked: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
