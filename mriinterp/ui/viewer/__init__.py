"""The relevance viewer: linked planes of a scan with maps over it, drawn in the browser."""

from mriinterp.ui.viewer.component import pack_ahead, viewer
from mriinterp.ui.viewer.layer import Contour, Layer, Patch, ViewerState

__all__ = ["Contour", "Layer", "Patch", "ViewerState", "pack_ahead", "viewer"]
