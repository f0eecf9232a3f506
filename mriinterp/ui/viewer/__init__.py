"""The relevance viewer: linked planes of a scan with maps over it, drawn in the browser."""

from mriinterp.ui.viewer.component import Layer, Patch, ViewerState, viewer

__all__ = ["Layer", "Patch", "ViewerState", "viewer"]
