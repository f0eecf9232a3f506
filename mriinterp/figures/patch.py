"""The occlusion patch on the scan, at its real size and stride."""

from __future__ import annotations

from itertools import product

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mriinterp.figures import colours, planes
from mriinterp.figures.theme import apply_theme
from mriinterp.methods.occlusion import axis_ranges
from mriinterp.volume import Grid, Volume

__all__ = ["patch_boxes", "patch_figure", "patch_words"]

BOX = "#E69F00"
AXIS_WORDS = ("x / mm", "y / mm", "z / mm")


def patch_boxes(grid: Grid, size: int, stride: int, *, published: bool = False) -> list[list[tuple[int, int]]]:
    """Hidden ranges (start, stop) along i, j, k of the network's grid, as occlusion takes them."""
    return [axis_ranges(n, size, stride, published=published) for n in grid.shape]


def patch_words(grid: Grid, size: int, stride: int, *, published: bool = False) -> str:
    """Size, step and number of boxes, in voxels and mm."""
    counts = [len(ranges) for ranges in patch_boxes(grid, size, stride, published=published)]
    width = size - size % 2 if published else size
    edges = " × ".join(f"{width * edge:.3g}" for edge in grid.voxel_sizes)
    steps = " × ".join(f"{stride * edge:.3g}" for edge in grid.voxel_sizes)
    return (
        f"Box of {width} voxels an edge ({edges} mm), moved by {stride} voxels ({steps} mm): "
        f"{' × '.join(map(str, counts))} = {int(np.prod(counts)):,} positions"
    )


def patch_figure(
    scan: Volume,
    grid: Grid,
    size: int,
    stride: int,
    *,
    mm: tuple[float, float, float] | None = None,
    published: bool = False,
    radiological: bool = False,
    theme: str | None = None,
    height: int = 330,
) -> go.Figure:
    """Three planes of the scan with the hidden box nearest to a point, and the centres of all boxes.

    Parameters
    ----------
    scan : Volume
        On any grid.
    grid : Grid
        Of the network: `size` and `stride` count its voxels.
    size, stride : int
        Of the occlusion, in voxels.
    mm : tuple of 3 float, optional
        The planes pass through the centre of the box nearest to this point;
        None: the middle of the grid.
    published : bool
        Half-width int(size / 2), as in Rieke et al. 2018.
    radiological : bool
        Patient's left on the screen's right.
    """
    scan = scan.canonical()
    boxes = patch_boxes(grid, size, stride, published=published)
    centres = [np.arange(len(ranges)) * stride for ranges in boxes]
    point = grid.to_voxel(mm if mm is not None else grid.to_mm((np.array(grid.shape) - 1) / 2))
    index = [int(np.abs(c - p).argmin()) for c, p in zip(centres, point, strict=True)]
    edges = np.array([boxes[axis][n] for axis, n in enumerate(index)]) - 0.5
    corners = grid.to_mm(np.array(list(product(*edges))))
    low, high = corners.min(axis=0), corners.max(axis=0)
    middle = np.clip(grid.to_mm([c[n] for c, n in zip(centres, index, strict=True)]), low, high)
    dots = grid.to_mm(np.array(list(product(*centres))))

    figure = make_subplots(
        rows=1, cols=3, horizontal_spacing=0.06, subplot_titles=[n.capitalize() for n in planes.AXES]
    )
    window = colours.window(scan.data)
    for column, plane in enumerate(planes.PLANES, 1):
        where = {"row": 1, "col": column}
        figure.add_trace(_slice(scan, plane, middle[plane.axis], window), **where)
        seen = np.unique(np.round(dots[:, [plane.across, plane.up]], 2), axis=0)
        figure.add_trace(_dots(seen, first=column == 1), **where)
        figure.add_shape(
            type="rect",
            x0=low[plane.across], x1=high[plane.across], y0=low[plane.up], y1=high[plane.up],
            line={"color": BOX, "width": 2}, fillcolor="rgba(230, 159, 0, 0.3)", **where,
        )  # fmt: skip
        _axes(figure, plane, where, radiological)
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        showlegend=False,
    )
    return apply_theme(figure, theme)


def _slice(scan: Volume, plane: planes.Plane, mm: float, window) -> go.Heatmap:
    lines = [np.array([planes.position(scan, axis, n) for n in range(scan.data.shape[axis])]) for axis in range(3)]
    index = int(np.abs(lines[plane.axis] - mm).argmin())
    picture = np.ascontiguousarray(np.take(scan.data, index, axis=plane.axis).T)
    return go.Heatmap(
        x=lines[plane.across].astype(np.float32), y=lines[plane.up].astype(np.float32), z=colours.grey(picture, window),
        zmin=0, zmax=255, colorscale=[[0, "#000"], [1, "#fff"]], showscale=False, hoverinfo="x+y",
    )  # fmt: skip


def _dots(seen: np.ndarray, *, first: bool) -> go.Scatter:
    return go.Scatter(
        x=seen[:, 0], y=seen[:, 1], mode="markers", name="centres of the boxes", legendgroup="dots", showlegend=first,
        marker={"color": "#56B4E9", "size": 5}, hovertemplate="centre of a box: %{x:.1f}, %{y:.1f} mm<extra></extra>",
    )  # fmt: skip


def _axes(figure: go.Figure, plane: planes.Plane, where: dict, radiological: bool) -> None:
    left, right, _, _ = planes.letters(plane.axis, radiological=radiological)
    flipped = radiological and plane.across == 0
    figure.update_xaxes(
        title={"text": f"{left} · {AXIS_WORDS[plane.across]} · {right}", "standoff": 4},
        autorange="reversed" if flipped else True, constrain="domain", showgrid=False, zeroline=False, **where,
    )  # fmt: skip
    n = where["col"]
    figure.update_yaxes(
        title={"text": AXIS_WORDS[plane.up], "standoff": 2}, scaleanchor="x" if n == 1 else f"x{n}", constrain="domain",
        showgrid=False, zeroline=False, **where,
    )  # fmt: skip
