"""Three planes in space, with the brain's surface and surfaces of equal relevance."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import scipy

from mriinterp.areas.atlas import Atlas
from mriinterp.base.errors import capital
from mriinterp.base.numerals import format_value
from mriinterp.figures import colours
from mriinterp.figures.colours import Scale
from mriinterp.figures.meshes import (
    LEVELS,
    box_of,
    brain_surface,
    head_mask,
    level_surfaces,
    mesh,
    outline,
    sheet,
)
from mriinterp.figures.theme import apply_theme, colour_bar, plain, plain_area
from mriinterp.image.volume import Volume

__all__ = ["SURFACES", "peak_mm", "slices_figure"]

AXIS_TITLES = ("x / mm (L − · R +)", "y / mm (P − · A +)", "z / mm (I − · S +)")
START_LEVEL = 0.5
FLAT = {"ambient": 1.0, "diffuse": 0.0, "specular": 0.0, "fresnel": 0.0}  # colours as they are, no shading
CENTER = {"x": 0, "y": 0, "z": -0.16}
UP: dict[str, float] = {"x": 0, "y": 0, "z": 1}
FORWARD: dict[str, float] = {"x": 0, "y": 1, "z": 0}
EYES = {True: {"x": -1.5, "y": 1.67, "z": 0.89}, False: {"x": -1.5, "y": -1.67, "z": 0.89}}
"""Where the figure is first seen from: the front, where the patient's left is on the right (radiological), or the back; far enough for the axes' titles."""
FAR = 1.6
VIEWS: dict[str, tuple[dict[str, float], dict[str, float]]] = {
    "Left": ({"x": -FAR, "y": 0, "z": 0}, UP),
    "Right": ({"x": FAR, "y": 0, "z": 0}, UP),
    "Front": ({"x": 0, "y": FAR, "z": 0}, UP),
    "Back": ({"x": 0, "y": -FAR, "z": 0}, UP),
    "Top": ({"x": 0, "y": 0, "z": FAR}, FORWARD),
    "Feet": ({"x": 0, "y": 0, "z": -FAR}, FORWARD),
}
SURFACES = ("far half", "whole", "off")
TRUTH_COLOUR = "#ff6cf4"
OFFSET_MM = 0.4  # of an outline before either side of its plane


def peak_mm(relevance: Any, reading: str | None = None) -> tuple[float, float, float]:
    """Return where a map is largest (by size, if signed), RAS+ mm: the first place to look at.

    Where many voxels share the largest value, as in occluded boxes and areas,
    the one nearest to the middle of the largest connected part of them.
    """
    volume, _ = colours.shown(relevance, reading)
    size = np.abs(volume.data)
    tied = size == size.max()
    voxels = np.argwhere(tied)
    if len(voxels) < np.prod(np.ptp(voxels, axis=0) + 1):  # a full box is connected
        parts, _ = scipy.ndimage.label(tied)
        voxels = np.argwhere(parts == 1 + np.argmax(np.bincount(parts[tied])[1:]))
    middle = np.square(voxels - voxels.mean(axis=0)).sum(axis=1).argmin()
    x, y, z = (float(v) for v in volume.grid.to_mm(voxels[middle]))
    return x, y, z


def slices_figure(
    scan: Volume,
    relevance: Any = None,
    *,
    scale: Scale | None = None,
    reading: str | None = None,
    mm: tuple[float, float, float] | None = None,
    atlas: Atlas | None = None,
    brain: Volume | None = None,
    truth: Volume | None = None,
    surface: str = SURFACES[0],
    levels: bool = True,
    crosshair: bool = True,
    radiological: bool = True,
    theme: str | None = None,
    height: int = 560,
) -> go.Figure:
    """Draw the sagittal, coronal and axial plane through a point, standing in space.

    Parameters
    ----------
    scan : Volume
        Drawn in grey.
    relevance : RelevanceMap or Volume, optional
        Drawn over it in colour, on any grid.
    scale : Scale, optional
        None: `mriinterp.figures.colours.map_scale`.
    reading : {"absolute", "positive", "signed"}, optional
        How the map is looked at; None: the method's own reading.
    mm : tuple of 3 float, optional
        The point, RAS+ mm; None: the peak of relevance.
    atlas : Atlas, optional
        Names areas under the pointer, where relevance is drawn.
    brain : Volume, optional
        Not zero inside the brain; None: where the scan differs from its
        corner. Its surface is drawn translucent.
    truth : Volume, optional
        Not zero where an outline is drawn around, such as the known place of
        a disease.
    surface : {"far half", "whole", "off"}
        What is drawn of the brain's surface.
    levels : bool
        Draw surfaces of equal relevance.
    crosshair : bool
    radiological : bool
        Whether it is first seen from the front, with the patient's left on
        the right, or from the back.
    theme : {"light", "dark"}, optional
        None leaves colours to the page.

    Returns
    -------
    plotly.graph_objects.Figure
        Names of the traces: sagittal, coronal, axial, crosshair, outline, the
        brain's surface, then one a level of relevance. A plane has a point for
        each voxel, which shows the value of its nearest voxel.
    """
    if surface not in SURFACES:
        raise ValueError(f"expected a surface of {', '.join(SURFACES)}, got {surface!r}")
    scan = scan.canonical()
    volume = None
    if relevance is not None:
        volume, reading = colours.shown(relevance, reading)
        scale = scale or colours.map_scale(relevance, reading)
        mm = mm or peak_mm(relevance, reading)
    elif mm is None:
        x, y, z = (float(v) for v in scan.grid.to_mm((np.array(scan.data.shape) - 1) / 2))
        mm = x, y, z
    mask = head_mask(scan, brain)
    box = box_of(mask)
    figure = go.Figure()
    window = colours.window(scan.data)
    for axis, name in enumerate(("Sagittal", "Coronal", "Axial")):
        points, triangles = sheet(mask, axis, mm, float(min(scan.grid.voxel_sizes)))
        figure.add_trace(_plane(name, points, triangles, scan, volume, scale, window, atlas))
    if crosshair:
        figure.add_trace(_crosshair(box, mm))
    if truth is not None and truth.data.any():
        figure.add_trace(_outlines(truth.canonical(), mm))
    eye = EYES[radiological]
    if surface != "off":
        figure.add_trace(brain_surface(mask, surface, eye))
    if levels and volume is not None and scale is not None:
        _add_levels(figure, volume, scale)
    if volume is not None and scale is not None:
        figure.add_trace(_bar(scale))
    _layout(figure, box, mm, height, eye, extra=0 if scale is None else 90)
    return apply_theme(figure, theme)


def _nearest(volume: Volume, points: np.ndarray, outside: float) -> np.ndarray:
    """Return the value of the voxel nearest to each point."""
    voxels = np.floor(volume.grid.to_voxel(points) + 0.5).astype(np.int64)
    inside = np.all((voxels >= 0) & (voxels < volume.data.shape), axis=1)
    values = volume.data[tuple(np.where(inside[:, None], voxels, 0).T)]
    return np.where(inside, values, outside)


def _plane(name, points, triangles, scan, volume, scale, window, atlas) -> go.Mesh3d:
    grey = _nearest(scan, points, scan.data[0, 0, 0])
    values = None if volume is None else _nearest(volume, points, 0.0)
    rgb = colours.overlay(grey, values, scale, window).astype(np.int64)
    hex_rgb = (rgb[:, 0] << 16) | (rgb[:, 1] << 8) | rgb[:, 2]
    lines = ["x %{x:.1f}, y %{y:.1f}, z %{z:.1f} mm"]
    if values is not None:
        lines.append("relevance %{customdata:.3~g}")
    surface = mesh(
        points,
        triangles,
        name=name,
        vertexcolor=[f"#{value:06x}" for value in hex_rgb.tolist()],
        customdata=None if values is None else values.astype(np.float32),
        lighting=FLAT,
        showlegend=True,
    )
    if atlas is not None:
        named = np.ones(len(points), bool) if values is None else ~scale.hidden(values)
        surface.text = np.where(named, [plain_area(area) for area in atlas.names_at(points)], "").tolist()
        lines.append("%{text}")
    surface.hovertemplate = "<br>".join(lines) + f"<extra>{name}</extra>"
    return surface


def _crosshair(box: np.ndarray, mm) -> go.Scatter3d:
    lines = np.full((9, 3), np.nan)
    for axis in range(3):
        for end in range(2):
            lines[3 * axis + end] = mm
            lines[3 * axis + end, axis] = box[end, axis]
    x, y, z = ([None if np.isnan(v) else round(float(v), 2) for v in column] for column in lines.T)
    line = {"color": "#56B4E9", "width": 3}
    return go.Scatter3d(
        x=x, y=y, z=z, mode="lines", line=line, hoverinfo="skip", name="crosshair", showlegend=False, connectgaps=False
    )  # fmt: skip


def _outlines(truth: Volume, mm) -> go.Scatter3d:
    """Return the border of a mask in the three planes, before either side of each."""
    lines = [np.full((1, 3), np.nan)]
    for axis in range(3):
        border = outline(truth, axis, mm)
        for side in (-OFFSET_MM, OFFSET_MM):
            lines.append(border + side * np.eye(3)[axis])
    x, y, z = np.round(np.concatenate(lines), 1).astype(np.float32).T
    line = {"color": TRUTH_COLOUR, "width": 3}
    return go.Scatter3d(
        x=x, y=y, z=z, mode="lines", line=line, hoverinfo="skip", name="Disease", showlegend=True, connectgaps=False
    )  # fmt: skip


def _add_levels(figure: go.Figure, volume: Volume, scale: Scale) -> None:
    """Add surfaces of equal relevance, one level visible, and the slider that picks the level in the browser."""
    surfaces = level_surfaces(volume, scale)
    if not any(len(triangles) for meshes in surfaces for _, triangles, _ in meshes):
        return
    first = len(figure.data)
    level_of = []
    for level, meshes in zip(LEVELS, surfaces, strict=True):
        for points, triangles, value in meshes:
            r, g, b = scale.rgb(value).tolist()
            sign = scale.end_words()[0 if value < 0 else 1]
            text = f"{plain(capital(sign)) or 'relevance'} {'≤' if value < 0 else '≥'} {format_value(value)}"
            surface = mesh(points, triangles, name=text, color=f"rgb({r},{g},{b})", opacity=0.55)
            surface.hovertemplate = text + "<br>x %{x:.0f}, y %{y:.0f}, z %{z:.0f} mm<extra></extra>"
            surface.update(visible=level == START_LEVEL, showlegend=True)
            surface.lighting = {"ambient": 0.55, "diffuse": 0.7, "specular": 0.2}
            figure.add_trace(surface)
            level_of.append(level)
    traces = list(range(first, len(figure.data)))
    steps = [
        {
            "method": "restyle",
            "label": f"{level:.0%}" if level else "off",
            "args": [{"visible": [own == level for own in level_of]}, traces],
        }
        for level in (0.0, *LEVELS)
    ]
    current = {"prefix": "Surface at ", "suffix": f" of the colour scale's end, {format_value(scale.end)}"}
    figure.update_layout(
        sliders=[
            {
                "active": 1 + LEVELS.index(START_LEVEL),
                "steps": steps,
                "currentvalue": current,
                "pad": {"t": 0, "l": 20, "r": 20},
                "y": 0,
            }
        ]
    )


def _bar(scale: Scale) -> go.Scatter3d:
    """Return a trace that shows only the colour bar of the relevance."""
    marker = {"color": [scale.low, scale.high], "size": 0.001, "opacity": 0, **colour_bar(scale)}
    return go.Scatter3d(
        x=[None, None], y=[None, None], z=[None, None], mode="markers", marker=marker, hoverinfo="skip",
        name="scale", showlegend=False,
    )  # fmt: skip


def _layout(figure: go.Figure, box: np.ndarray, mm, height: int, eye: dict[str, float], extra: int) -> None:
    axes = {}
    for axis, title in zip("xyz", AXIS_TITLES, strict=True):
        n = "xyz".index(axis)
        low, high = min(box[0, n], mm[n]) - 4, max(box[1, n], mm[n]) + 4
        axes[f"{axis}axis"] = {
            "title": {"text": title}, "range": [float(low), float(high)], "showbackground": False,
            "showspikes": False, "zeroline": False,
        }  # fmt: skip
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": extra, "t": 40, "b": 85 if figure.layout.sliders else 10},
        scene={**axes, "aspectmode": "data", "camera": {"eye": eye, "center": CENTER}, "uirevision": "camera"},
        uirevision="slices3d",
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "top", "bgcolor": "rgba(0,0,0,0)"},
        updatemenus=[
            {
                "type": "buttons", "direction": "right", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom",
                "pad": {"t": 0, "b": 4}, "showactive": False,
                "buttons": [_view(name, *view) for name, view in VIEWS.items()],
            }
        ],
    )  # fmt: skip


def _view(name: str, eye: dict[str, float], up: dict[str, float]) -> dict[str, Any]:
    """Return a button that turns the scene to a standard view."""
    camera = {"eye": eye, "up": up, "center": {"x": 0, "y": 0, "z": 0}}
    return {"label": name, "method": "relayout", "args": [{"scene.camera": camera}]}
