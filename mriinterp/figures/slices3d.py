"""Three planes in space, with the brain's surface and surfaces of equal relevance."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from scipy import ndimage

from mriinterp.atlas import Atlas
from mriinterp.figures import colours
from mriinterp.figures.colours import Scale
from mriinterp.figures.surface import surface_net
from mriinterp.figures.theme import apply_theme, colour_bar
from mriinterp.volume import Grid, Volume, resample

__all__ = ["LEVELS", "peak_mm", "slices_figure"]

AXIS_TITLES = ("x / mm (L − · R +)", "y / mm (P − · A +)", "z / mm (I − · S +)")
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
START_LEVEL = 0.5
MAX_TRIANGLES = 24_000  # of all levels together; keeps the figure's JSON below 1.5 MB
SURFACE_MM = (3.0, 4.0, 5.0, 7.0, 10.0)
FLAT = {"ambient": 1.0, "diffuse": 0.0, "specular": 0.0, "fresnel": 0.0}  # colours as they are, no shading
CAMERA = {"eye": {"x": -1.2, "y": 1.3, "z": 0.7}, "center": {"x": 0, "y": 0, "z": -0.12}}


def peak_mm(relevance: Any, reading: str | None = None) -> tuple[float, float, float]:
    """Where a map is largest (by size, if signed), RAS+ mm: the first place to look at."""
    volume, _ = colours.shown(relevance, reading)
    voxel = np.unravel_index(np.abs(volume.data).argmax(), volume.data.shape)
    return tuple(float(v) for v in volume.grid.to_mm(voxel))


def slices_figure(
    scan: Volume,
    relevance: Any = None,
    *,
    scale: Scale | None = None,
    reading: str | None = None,
    mm: tuple[float, float, float] | None = None,
    atlas: Atlas | None = None,
    brain: Volume | None = None,
    surface: bool = True,
    spacing: float = 2.0,
    theme: str | None = None,
    height: int = 620,
) -> go.Figure:
    """Sagittal, coronal and axial plane through a point, standing in space.

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
        Names areas under the pointer.
    brain : Volume, optional
        Not zero inside the brain; None: where the scan differs from its
        corner. Its surface is drawn translucent.
    surface : bool
        Draw the brain's surface and the surfaces of equal relevance.
    spacing : float
        Distance of the points of a plane in mm; each shows the value of its
        nearest voxel.
    theme : {"light", "dark"}, optional
        None leaves colours to the page.

    Returns
    -------
    plotly.graph_objects.Figure
        Names of the traces: sagittal, coronal, axial, crosshair, the far half
        of the brain's surface, then one a level of relevance.
    """
    scan = scan.canonical()
    volume = None
    if relevance is not None:
        volume, reading = colours.shown(relevance, reading)
        scale = scale or colours.map_scale(relevance, reading)
        mm = mm or peak_mm(relevance, reading)
    elif mm is None:
        mm = tuple(float(v) for v in scan.grid.to_mm((np.array(scan.data.shape) - 1) / 2))
    mask = _mask(scan, brain)
    box = _box(mask)
    figure = go.Figure()
    window = colours.window(scan.data)
    for axis, name in enumerate(("sagittal", "coronal", "axial")):
        points, triangles = _lattice(box, axis, mm, spacing)
        points, triangles = _only(points, triangles, _nearest(mask, points, 0) > 0)
        figure.add_trace(_plane(name, points, triangles, scan, volume, scale, window, atlas))
    figure.add_trace(_crosshair(box, mm))
    if surface:
        figure.add_trace(_brain(mask))
        if volume is not None:
            _add_levels(figure, volume, scale)
    if volume is not None:
        figure.add_trace(_bar(scale))
    _layout(figure, box, mm, height, extra=0 if scale is None else 90)
    return apply_theme(figure, theme)


def _mask(scan: Volume, brain: Volume | None) -> Volume:
    """Where the brain is, on the scan's grid, without the holes inside it, uint8."""
    if brain is None:
        inside = (scan.data != scan.data[0, 0, 0]) & np.isfinite(scan.data)
    else:
        inside = resample(brain.with_data((brain.data != 0).astype(np.uint8)), scan.grid, order=0).data > 0
    if not inside.any():
        inside = np.ones(scan.data.shape, bool)
    return scan.with_data(ndimage.binary_fill_holes(inside).astype(np.uint8))


def _box(mask: Volume) -> np.ndarray:
    """Lowest and highest corner of the brain in mm, shape (2, 3)."""
    where = np.argwhere(mask.data)
    low, high = where.min(axis=0), where.max(axis=0)
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    places = mask.grid.to_mm(corners)
    return np.stack([places.min(axis=0), places.max(axis=0)])


def _lattice(box: np.ndarray, axis: int, mm, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Points of a plane through `mm`, one of them exactly there, and the triangles between them."""
    others = [a for a in range(3) if a != axis]
    lines = []
    for a in others:
        before = max(0, int(np.ceil((mm[a] - box[0, a]) / spacing)))
        after = max(0, int(np.ceil((box[1, a] - mm[a]) / spacing)))
        lines.append(mm[a] + spacing * np.arange(-before, after + 1))
    points = np.full((len(lines[0]), len(lines[1]), 3), float(mm[axis]))
    points[..., others[0]], points[..., others[1]] = lines[0][:, None], lines[1][None, :]
    number = np.arange(points.shape[0] * points.shape[1]).reshape(points.shape[:2])
    a, b, c, d = number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return points.reshape(-1, 3), triangles


def _only(points: np.ndarray, triangles: np.ndarray, keep: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The triangles with all three points kept, and the points they use."""
    triangles = triangles[keep[triangles].all(axis=1)]
    used, triangles = np.unique(triangles, return_inverse=True)
    return points[used], triangles.reshape(-1, 3)


def _nearest(volume: Volume, points: np.ndarray, outside: float) -> np.ndarray:
    """The value of the voxel nearest to each point."""
    voxels = np.floor(volume.grid.to_voxel(points) + 0.5).astype(np.int64)
    inside = np.all((voxels >= 0) & (voxels < volume.data.shape), axis=1)
    values = volume.data[tuple(np.where(inside[:, None], voxels, 0).T)]
    return np.where(inside, values, outside)


def _plane(name, points, triangles, scan, volume, scale, window, atlas) -> go.Mesh3d:
    grey = _nearest(scan, points, scan.data[0, 0, 0])
    values = None if volume is None else _nearest(volume, points, 0.0)
    rgb = colours.overlay(grey, values, scale, window).astype(np.int64)
    hex_rgb = (rgb[:, 0] << 16) | (rgb[:, 1] << 8) | rgb[:, 2]
    lines = ["x %{x:.1f}, y %{y:.1f}, z %{z:.1f} mm", "scan %{customdata[0]:.4~g}"]
    data = [grey]
    if values is not None:
        data.append(values)
        lines.append("relevance %{customdata[1]:.3~g}")
    mesh = _mesh(
        points,
        triangles,
        name=name,
        vertexcolor=[f"#{value:06x}" for value in hex_rgb.tolist()],
        customdata=np.stack(data, axis=1).astype(np.float32),
        lighting=FLAT,
        showlegend=False,
    )
    if atlas is not None:
        mesh.text = [str(area).replace("_", " ") for area in atlas.names_at(points)]
        lines.append("%{text}")
    mesh.hovertemplate = "<br>".join(lines) + f"<extra>{name}</extra>"
    return mesh


def _mesh(points: np.ndarray, triangles: np.ndarray, **more) -> go.Mesh3d:
    """A mesh in few bytes: tenths of a millimetre, and the smallest indices that will do."""
    x, y, z = np.round(np.asarray(points), 1).astype(np.float32).T
    kind = np.uint16 if len(points) < 2**16 else np.uint32
    i, j, k = np.asarray(triangles).astype(kind).T
    return go.Mesh3d(x=x, y=y, z=z, i=i, j=j, k=k, **more)


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


def _aligned(volume: Volume, spacing: float, box: np.ndarray) -> Volume:
    """A smoothed volume on a lattice along the mm axes that covers a box."""
    sigma = [0.5 * spacing / edge for edge in volume.grid.voxel_sizes]
    smooth = volume.with_data(ndimage.gaussian_filter(volume.data.astype(np.float32), sigma))
    shape = tuple(int(n) for n in np.ceil((box[1] - box[0]) / spacing).astype(int) + 3)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = box[0] - spacing
    return resample(smooth, Grid(shape, affine), order=1)


def _brain(mask: Volume) -> go.Mesh3d:
    """The half of the brain's surface that lies behind the planes as first seen.

    Plotly finds what is under the pointer by depth alone: a surface in front
    would hide the planes' values, however clear it is.
    """
    coarse = _aligned(mask.with_data(mask.data.astype(np.float32)), 5.0, _box(mask))
    vertices, triangles = surface_net(coarse.data, 0.5)
    points = coarse.grid.to_mm(vertices)
    a, b, c = (points[triangles[:, n]] for n in range(3))
    low, high = points.min(axis=0), points.max(axis=0)
    eye = (low + high) / 2 + np.prod(high - low) ** (1 / 3) * np.array([CAMERA["eye"][axis] for axis in "xyz"])
    away = np.einsum("ij,ij->i", np.cross(b - a, c - a), eye - (a + b + c) / 3) < 0
    points, triangles = _only(points, triangles[away], np.ones(len(points), bool))
    return _mesh(
        points,
        triangles,
        name="brain surface (far half)",
        color="#9aa5b1",
        opacity=0.25,
        hoverinfo="skip",
        showlegend=True,
        lighting={"ambient": 0.6, "diffuse": 0.8, "specular": 0.1},
    )


def _add_levels(figure: go.Figure, volume: Volume, scale: Scale) -> None:
    """Surfaces of equal relevance, one level visible, and the slider that picks the level in the browser."""
    surfaces = _level_surfaces(volume, scale)
    if not any(len(triangles) for meshes in surfaces for _, triangles, _ in meshes):
        return
    first = len(figure.data)
    level_of = []
    for level, meshes in zip(LEVELS, surfaces, strict=True):
        for points, triangles, value in meshes:
            r, g, b = scale.rgb(value).tolist()
            text = f"relevance {'≤' if value < 0 else '≥'} {colours.format_value(value)}"
            mesh = _mesh(points, triangles, name=text, color=f"rgb({r},{g},{b})", opacity=0.55)
            mesh.hovertemplate = text + "<br>x %{x:.0f}, y %{y:.0f}, z %{z:.0f} mm<extra></extra>"
            mesh.update(visible=level == START_LEVEL, showlegend=True)
            mesh.lighting = {"ambient": 0.55, "diffuse": 0.7, "specular": 0.2}
            figure.add_trace(mesh)
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
    current = {"prefix": "Surface at ", "suffix": f" of the colour scale's end, {colours.format_value(scale.high)}"}
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


def _level_surfaces(volume: Volume, scale: Scale) -> list[list[tuple[np.ndarray, np.ndarray, float]]]:
    """Points, triangles and value for every level (and sign), as fine as the budget allows."""
    signs = (1.0, -1.0) if scale.signed else (1.0,)
    data = np.clip(volume.data, -scale.high if scale.signed else 0, scale.high)
    box = _extent(volume.with_data(np.where(np.abs(data) >= 0.5 * LEVELS[0] * scale.high, 1, 0).astype(np.uint8)))
    for spacing in SURFACE_MM:
        coarse = _aligned(volume.with_data(data), spacing, box)
        surfaces = []
        for level in LEVELS:
            meshes = []
            for sign in signs:
                vertices, triangles = surface_net(sign * coarse.data, level * scale.high)
                if len(triangles):
                    meshes.append((coarse.grid.to_mm(vertices), triangles, sign * level * scale.high))
            surfaces.append(meshes)
        if sum(len(triangles) for meshes in surfaces for _, triangles, _ in meshes) <= MAX_TRIANGLES:
            break
    return surfaces


def _extent(mask: Volume) -> np.ndarray:
    return _box(mask if mask.data.any() else mask.with_data(np.ones_like(mask.data)))


def _bar(scale: Scale) -> go.Scatter3d:
    """Nothing but the colour bar of the relevance."""
    marker = {"color": [scale.low, scale.high], "size": 0.001, "opacity": 0, **colour_bar(scale)}
    return go.Scatter3d(
        x=[None, None], y=[None, None], z=[None, None], mode="markers", marker=marker, hoverinfo="skip",
        name="scale", showlegend=False,
    )  # fmt: skip


def _layout(figure: go.Figure, box: np.ndarray, mm, height: int, extra: int) -> None:
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
        margin={"l": 0, "r": extra, "t": 10, "b": 85},
        scene={**axes, "aspectmode": "data", "camera": CAMERA, "uirevision": "camera"},
        uirevision="slices3d",
        legend={"x": 0, "y": 1, "bgcolor": "rgba(0,0,0,0)"},
    )
