"""Where the disease of a simulated scan is, as an outline on its map.

The viewer names an outline below the planes and has a switch for it among its
display settings, which the address holds.
"""

from __future__ import annotations

from mriinterp.image.volume import Volume
from mriinterp.ui.sources.resources import on_grid_of
from mriinterp.ui.viewer import Contour

__all__ = ["scan_truth"]

CHANGED = "where the simulated disease changed tissue"


def scan_truth(truth: Volume | None, like: Volume) -> list[Contour]:
    """Return the outline of the known place of the disease of one scan, on the grid of a map; none where none is known."""
    if truth is None or not truth.data.any():
        return []
    place = on_grid_of(truth, like, order=0)
    return [Contour(CHANGED, Volume(place.data.astype("f4"), place.affine))]
