"""The meshes of the planes in space: lattices, the brain's surface, surfaces of equal relevance."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import scipy

from mriinterp.figures.colours import Scale
from mriinterp.figures.surface import surface_net
from mriinterp.image.volume import Grid, Volume, resample

__all__ = ["LEVELS", "box_of", "brain_surface", "head_mask", "level_surfaces", "mesh", "outline", "sheet"]

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MAX_TRIANGLES = 5_000  # of all levels together; keeps the figure's JSON below 1.5 MB
SURFACE_MM = (3.0, 4.0, 5.0, 7.0, 10.0)
BRAIN_MM = 8.0
BORDER_VOXELS = 0.8  # standard deviation with which the border of a plane is smoothed
HALF = 0.5


def head_mask(scan: Volume, brain: Volume | None) -> Volume:
    """Return where the brain is, on the scan's grid, without the holes inside it, uint8."""
    if brain is None:
        inside = (scan.data != scan.data[0, 0, 0]) & np.isfinite(scan.data)
    else:
        inside = resample(brain.with_data((brain.data != 0).astype(np.uint8)), scan.grid, order=0).data > 0
    if not inside.any():
        inside = np.ones(scan.data.shape, bool)
    return scan.with_data(scipy.ndimage.binary_fill_holes(inside).astype(np.uint8))


def box_of(mask: Volume) -> np.ndarray:
    """Return lowest and highest corner of the brain in mm, shape (2, 3)."""
    where = np.argwhere(mask.data)
    low, high = where.min(axis=0), where.max(axis=0)
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    places = mask.grid.to_mm(corners)
    return np.stack([places.min(axis=0), places.max(axis=0)])


def sheet(mask: Volume, axis: int, mm, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a plane through `mm` as far as the brain reaches, with a smooth border.

    Parameters
    ----------
    mask : Volume
        1 inside the brain.
    axis : int
        Along which the plane lies at ``mm[axis]``.
    mm : sequence of 3 float
        A point of the plane's lattice.
    spacing : float
        Distance of neighbouring points, mm.

    Returns
    -------
    points : array, shape (n, 3)
        In mm; those at the border lie on the half level of the smoothed mask.
    triangles : array, shape (m, 3)
    """
    points, triangles = _lattice(box_of(mask), axis, mm, spacing)
    smooth = scipy.ndimage.gaussian_filter(mask.data.astype(np.float32), BORDER_VOXELS)
    level = scipy.ndimage.map_coordinates(smooth, mask.grid.to_voxel(points).T, order=1, mode="constant")
    inside = level >= HALF
    triangles = triangles[inside[triangles].any(axis=1)]
    moved, count = np.zeros_like(points), np.zeros(len(points))
    for a, b in ((0, 1), (1, 2), (2, 0), (1, 0), (2, 1), (0, 2)):
        outer, inner = triangles[:, a], triangles[:, b]
        crosses = ~inside[outer] & inside[inner]
        outer, inner = outer[crosses], inner[crosses]
        share = ((HALF - level[outer]) / (level[inner] - level[outer]))[:, None]
        np.add.at(moved, outer, points[outer] + share * (points[inner] - points[outer]))
        np.add.at(count, outer, 1)
    pulled = count > 0
    points[pulled] = moved[pulled] / count[pulled, None]
    return only(points, triangles)


def _lattice(box: np.ndarray, axis: int, mm, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of a plane through `mm`, one of them exactly there, and the triangles between them."""
    others = [a for a in range(3) if a != axis]
    lines = []
    for other in others:
        before = max(0, int(np.ceil((mm[other] - box[0, other]) / spacing))) + 1
        after = max(0, int(np.ceil((box[1, other] - mm[other]) / spacing))) + 1
        lines.append(mm[other] + spacing * np.arange(-before, after + 1))
    points = np.full((len(lines[0]), len(lines[1]), 3), float(mm[axis]))
    points[..., others[0]], points[..., others[1]] = lines[0][:, None], lines[1][None, :]
    number = np.arange(points.shape[0] * points.shape[1]).reshape(points.shape[:2])
    a, b, c, d = number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return points.reshape(-1, 3), triangles


def outline(mask: Volume, axis: int, mm) -> np.ndarray:
    """Return the border of a mask in a plane along the edges of its voxels: lines between rows that are not numbers.

    Parameters
    ----------
    mask : Volume
        On a grid whose axes lie along those of the millimetres.
    axis, mm
        The plane, as in `sheet`.

    Returns
    -------
    array, shape (n, 3)
        In mm: two ends and a row of NaN for each edge.
    """
    at = int(np.floor(mask.grid.to_voxel(np.asarray(mm, float)[None])[0, axis] + 0.5))
    if not 0 <= at < mask.data.shape[axis]:
        return np.empty((0, 3))
    inside = np.pad(np.take(mask.data, at, axis=axis) > 0, 1)
    others = [a for a in range(3) if a != axis]
    lines = []
    for along in (0, 1):
        cells = np.argwhere(np.diff(inside.astype(np.int8), axis=along) != 0)
        ends = np.full((len(cells), 3, 3), np.nan)
        for end in (0, 1):
            corner = cells.astype(float) - 0.5  # the lower edges, in voxels of the plane without its padding
            corner[:, 1 - along] += end - 1.0
            ends[:, end, axis] = at
            ends[:, end, others[0]], ends[:, end, others[1]] = corner[:, 0], corner[:, 1]
        lines.append(ends.reshape(-1, 3))
    found = mask.grid.to_mm(np.concatenate(lines))
    found[:, axis] = np.where(np.isnan(found[:, axis]), np.nan, mm[axis])
    return found


def only(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the points that triangles use, and the triangles between these."""
    used, triangles = np.unique(triangles, return_inverse=True)
    return points[used], triangles.reshape(-1, 3)


def mesh(points: np.ndarray, triangles: np.ndarray, **more) -> go.Mesh3d:
    """Return a mesh in few bytes: tenths of a millimetre, and the smallest indices that will do."""
    x, y, z = np.round(np.asarray(points), 1).astype(np.float32).T
    kind = np.uint16 if len(points) < 2**16 else np.uint32
    i, j, k = np.asarray(triangles).astype(kind).T
    return go.Mesh3d(x=x, y=y, z=z, i=i, j=j, k=k, **more)


def _aligned(volume: Volume, spacing: float, box: np.ndarray) -> Volume:
    """Return a smoothed volume on a lattice along the mm axes that covers a box."""
    sigma = [0.5 * spacing / edge for edge in volume.grid.voxel_sizes]
    smooth = volume.with_data(scipy.ndimage.gaussian_filter(volume.data.astype(np.float32), sigma))
    i, j, k = (int(n) for n in np.ceil((box[1] - box[0]) / spacing).astype(int) + 3)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = box[0] - spacing
    return resample(smooth, Grid((i, j, k), affine), order=1)


def brain_surface(mask: Volume, part: str, eye: dict[str, float]) -> go.Mesh3d:
    """Return the brain's surface, translucent.

    Parameters
    ----------
    mask : Volume
    part : {"far half", "whole"}
        The far half lies behind the planes as first seen. Plotly finds what
        is under the pointer by depth alone: a surface in front hides the
        planes' values, however clear it is.
    eye : dict
        Where the figure is first seen from, as Plotly has it.
    """
    coarse = _aligned(mask.with_data(mask.data.astype(np.float32)), BRAIN_MM, box_of(mask))
    vertices, triangles = surface_net(coarse.data, HALF)
    points = coarse.grid.to_mm(vertices)
    if part == "far half":
        a, b, c = (points[triangles[:, n]] for n in range(3))
        low, high = points.min(axis=0), points.max(axis=0)
        place = (low + high) / 2 + np.prod(high - low) ** (1 / 3) * np.array([eye[axis] for axis in "xyz"])
        away = np.einsum("ij,ij->i", np.cross(b - a, c - a), place - (a + b + c) / 3) < 0
        points, triangles = only(points, triangles[away])
    return mesh(
        points,
        triangles,
        name=f"Brain surface ({part})",
        color="#9aa5b1",
        opacity=0.25,
        hoverinfo="skip",
        showlegend=True,
        lighting={"ambient": 0.6, "diffuse": 0.8, "specular": 0.1},
    )


def level_surfaces(volume: Volume, scale: Scale) -> list[list[tuple[np.ndarray, np.ndarray, float]]]:
    """Return points, triangles and value for every level (and sign), as fine as the budget allows."""
    signs = (1.0, -1.0) if scale.signed else (1.0,)
    data = np.clip(volume.data, -scale.end if scale.signed else 0, scale.end)
    box = _extent(volume.with_data(np.where(np.abs(data) >= 0.5 * LEVELS[0] * scale.end, 1, 0).astype(np.uint8)))
    for spacing in SURFACE_MM:
        coarse = _aligned(volume.with_data(data), spacing, box)
        surfaces = []
        for level in LEVELS:
            meshes = []
            for sign in signs:
                vertices, triangles = surface_net(sign * coarse.data, level * scale.end)
                if len(triangles):
                    meshes.append((coarse.grid.to_mm(vertices), triangles, sign * level * scale.end))
            surfaces.append(meshes)
        if sum(len(triangles) for meshes in surfaces for _, triangles, _ in meshes) <= MAX_TRIANGLES:
            break
    return surfaces


def _extent(mask: Volume) -> np.ndarray:
    return box_of(mask if mask.data.any() else mask.with_data(np.ones_like(mask.data)))
