"""Volumes: an array, and where its voxels lie in the head."""

from __future__ import annotations

import hashlib
import reprlib
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real

import numpy as np
import scipy
from nibabel.affines import voxel_sizes as _voxel_sizes
from nibabel.orientations import aff2axcodes, apply_orientation, inv_ornt_aff, io_orientation

from mriinterp.image.preparation import Preparation

__all__ = ["Grid", "Volume", "check_same_grid", "resample"]

AFFINE_TOLERANCE_MM = 1e-3
MAX_LENGTH = 2**31 - 1  # voxels along an axis
MIN_VOXEL_MM, MAX_VOXEL_MM = 1e-6, 1e6
FLATTEST = 1e-4  # volume of the cell spanned by the axes' directions: 1 at right angles, 0 in a plane


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def _whole_shape(shape) -> tuple[int, int, int]:
    """Return three positive whole numbers; a file may hold anything as a shape, 1e400 or a word included."""
    numbers = tuple(shape) if isinstance(shape, (tuple, list, np.ndarray)) else ()
    whole = all(isinstance(n, Real) and not isinstance(n, (bool, np.bool_)) and n % 1 == 0 for n in numbers)
    if len(numbers) != 3 or not whole or not 1 <= min(numbers) <= max(numbers) <= MAX_LENGTH:
        raise ValueError(f"expected a shape of three positive whole numbers, got {reprlib.repr(shape)}")
    i, j, k = (int(n) for n in numbers)
    return i, j, k


def _invertible(affine: np.ndarray) -> bool:
    """Return whether an affine can be inverted, whatever the size of its voxels, and is one of an image at all."""
    if np.abs(affine).max() > 1e9 or np.abs(affine[3] - [0, 0, 0, 1]).max() > 1e-6:
        return False
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    if sizes.min() < MIN_VOXEL_MM or sizes.max() > MAX_VOXEL_MM:
        return False
    return bool(abs(np.linalg.det(affine[:3, :3] / sizes)) > FLATTEST)


@dataclass(frozen=True, eq=False)
class Grid:
    """A lattice of voxels in space.

    Parameters
    ----------
    shape : tuple of 3 int
        Number of voxels along i, j, k.
    affine : array, shape (4, 4), float64
        Maps voxel indices (i, j, k, 1) to RAS+ millimetres.

    Raises
    ------
    ValueError
        If the shape is not three positive numbers, or the affine is not a
        finite, invertible 4×4 matrix.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray

    def __post_init__(self):
        shape = _whole_shape(self.shape)
        try:
            affine = np.array(self.affine)
        except (TypeError, ValueError):  # ragged, or nested beyond reason
            affine = np.array(None)
        if affine.shape != (4, 4) or affine.dtype.kind not in "iuf":
            raise ValueError(f"expected a 4×4 affine of numbers, got shape {affine.shape} of {affine.dtype}")
        affine = affine.astype(np.float64)
        if not np.isfinite(affine).all():
            raise ValueError(f"expected a finite 4×4 affine, got {affine.tolist()}")
        if not _invertible(affine):
            raise ValueError(
                f"expected an invertible affine with voxels of {MIN_VOXEL_MM:g} to {MAX_VOXEL_MM:g} mm, "
                f"got {affine.tolist()}"
            )
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "affine", _read_only(affine))

    @property
    def voxel_sizes(self) -> tuple[float, float, float]:
        """Edge of a voxel along i, j, k in mm."""
        i, j, k = (float(v) for v in _voxel_sizes(self.affine))
        return i, j, k

    @property
    def voxel_volume(self) -> float:
        """Volume of a voxel in mm³."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @property
    def axis_codes(self) -> str:
        """Where i, j, k point to, e.g. ``"RAS"`` or ``"LAS"``."""
        return "".join(aff2axcodes(self.affine))

    def to_mm(self, voxels) -> np.ndarray:
        """Convert voxel indices, shape (..., 3), to RAS+ mm, shape (..., 3)."""
        return np.asarray(voxels, float) @ self.affine[:3, :3].T + self.affine[:3, 3]

    def to_voxel(self, mm) -> np.ndarray:
        """Convert RAS+ mm, shape (..., 3), to fractional voxel indices, shape (..., 3)."""
        inverse = np.linalg.inv(self.affine)
        return np.asarray(mm, float) @ inverse[:3, :3].T + inverse[:3, 3]

    def matches(self, other: Grid) -> bool:
        """Return whether both name the same voxels, to a micrometre at every corner."""
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape])).reshape(3, -1).T
        return bool(np.abs(self.to_mm(corners) - other.to_mm(corners)).max() <= AFFINE_TOLERANCE_MM)

    def __str__(self) -> str:
        sizes = "×".join(f"{s:g}" for s in np.round(self.voxel_sizes, 3))
        origin = ", ".join(f"{v:g}" for v in np.round(self.affine[:3, 3], 3))
        return f"{'×'.join(map(str, self.shape))} at {sizes} mm, {self.axis_codes}, origin ({origin})"


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3D image: read-only voxels and their affine.

    Parameters
    ----------
    data : array, shape (i, j, k)
        Floating-point data become float32; integer data (labels) and
        booleans (masks) keep their type.
    affine : array, shape (4, 4), float64
        Voxel indices to RAS+ mm.
    source : Grid, optional
        The lattice of the file this volume came from, when the voxel order
        was changed on reading; maps go back there on request.
    notes : tuple of str
        What is doubtful about the file, in words; whoever reads a scan for
        they are passed on.
    preparation : Preparation, optional
        How a scan was brought into template space, where that is known.
    """

    data: np.ndarray
    affine: np.ndarray
    source: Grid | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    preparation: Preparation | None = None

    def __post_init__(self):
        data = np.asarray(self.data)
        if data.ndim != 3:
            raise ValueError(f"expected a 3D array, got shape {data.shape}")
        if data.dtype.kind not in "biuf":
            raise ValueError(f"expected numbers, got an array of {data.dtype}")
        if data.dtype.kind == "f":
            data = data.astype(np.float32, copy=False)
        object.__setattr__(self, "data", _read_only(data))
        object.__setattr__(self, "affine", Grid(data.shape, self.affine).affine)

    @cached_property
    def grid(self) -> Grid:
        """The lattice of the voxels."""
        return Grid(self.data.shape, self.affine)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over type, shape, affine and voxels, notes and preparation if there are any, 64 hexadecimal digits.

        So results of a doubtful file, which hold its notes, are never taken for
        those of a file with the same voxels that is not.
        """
        digest = hashlib.sha256(f"{self.data.dtype.str}{self.data.shape}".encode())
        digest.update(self.affine.tobytes())
        digest.update(np.ascontiguousarray(self.data).data)
        digest.update("".join(f"\n{note}" for note in self.notes).encode())
        if self.preparation is not None:
            digest.update(repr(self.preparation.entry).encode())
        return digest.hexdigest()

    def with_data(self, data: np.ndarray) -> Volume:
        """Return a volume of other values on the same grid."""
        return Volume(data, self.affine, self.source, self.notes, self.preparation)

    def canonical(self) -> Volume:
        """Return the same voxels in the order closest to RAS+ (exact, no resampling)."""
        orientation = io_orientation(self.affine)
        if np.array_equal(orientation, [[0, 1], [1, 1], [2, 1]]):
            return self
        data = np.ascontiguousarray(apply_orientation(self.data, orientation))
        affine = self.affine @ inv_ornt_aff(orientation, self.data.shape)
        return Volume(data, affine, self.source or self.grid, self.notes, self.preparation)


def check_same_grid(a: Volume | Grid, b: Volume | Grid, a_name: str = "first", b_name: str = "second") -> None:
    """Raise ValueError, naming both sides, unless two volumes share a grid."""
    grid_a = a if isinstance(a, Grid) else a.grid
    grid_b = b if isinstance(b, Grid) else b.grid
    if not grid_a.matches(grid_b):
        raise ValueError(
            f"expected {a_name} and {b_name} on one grid, got {a_name}: {grid_a}; {b_name}: {grid_b}; "
            "resample one of them first"
        )


PLANES = 4  # resampled at once: more leave the processor's cache, fewer wait more often for Python's lock


def _taps(scale: float, shift: float, size: int, length: int, order: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the neighbours of scale · index + shift on one axis, and their weights; neighbour `length` is 0 outside."""
    places = scale * np.arange(size) + shift
    below = np.floor(places + 0.5 if order == 0 else places)
    share = np.zeros(size) if order == 0 else places - below
    taps = [(below, 1 - share)] if order == 0 else [(below, 1 - share), (below + 1, share)]
    return [(np.where((at >= 0) & (at < length), at, length).astype(np.intp), weight) for at, weight in taps]


def _along_axes(
    data: np.ndarray, scale: np.ndarray, shift: np.ndarray, shape: tuple[int, ...], order: int
) -> np.ndarray:
    """Return what SciPy's affine_transform does where no axis mixes with another, in a quarter of its time: a few planes at once."""
    first, *others = (
        _taps(scale[axis], shift[axis], shape[axis], data.shape[axis], order) for axis in range(data.ndim)
    )
    kind = data.dtype if order == 0 else np.float64
    out = np.empty(shape, data.dtype)
    for start in range(0, shape[0], PLANES):
        some = slice(start, min(start + PLANES, shape[0]))
        planes = np.zeros((some.stop - start, *(length + 1 for length in data.shape[1:])), kind)
        for at, weight in first:
            inside = at[some] < len(data)
            taken = data[at[some][inside]]
            planes[inside, :-1, :-1] += taken * np.expand_dims(weight[some][inside].astype(kind), (1, 2))
        for axis, taps in enumerate(others, start=1):
            across = [np.expand_dims(weight.astype(kind), (0, 3 - axis)) for _, weight in taps]
            planes = sum(planes.take(at, axis) * weight for (at, _), weight in zip(taps, across, strict=True))
        out[some] = planes
    return out


def resample(volume: Volume, grid: Grid, order: int = 1) -> Volume:
    """Interpolate a volume at the voxels of another grid, by both affines.

    Parameters
    ----------
    volume : Volume
    grid : Grid
        Where values are wanted.
    order : int
        0 nearest neighbour (labels), 1 trilinear, 3 cubic spline.

    Returns
    -------
    Volume
        Shape of `grid`; 0 outside the field of view. On the same grid the
        voxels are passed on bitwise; a mere change of voxel order is exact.

    Notes
    -----
    The volume is taken to go on with zeros behind its last voxels, so values
    fade to 0 over one voxel (splines over a few) beyond the centre of the
    outermost one, and labels reach to its outer face. A sum over voxels, times their volume, is
    then the same on a finer grid. SciPy's mode "constant", which nilearn uses,
    gives 0 at once beyond that centre and drops the outer half of those
    voxels; between the outermost centres both are equal.
    """
    if order not in (0, 1, 2, 3):
        raise ValueError(f"expected an interpolation order of 0, 1, 2 or 3, got {order}")
    if volume.grid.matches(grid):
        return Volume(volume.data, grid.affine, volume.source, volume.notes, volume.preparation)
    matrix = np.linalg.inv(volume.affine) @ grid.affine
    rounded = np.round(matrix)
    if np.abs(matrix - rounded).max() < 1e-6:
        matrix, order = rounded, 0  # voxel centres coincide: read, do not interpolate
    data = volume.data.astype(np.uint8) if volume.data.dtype == bool else volume.data
    apart = not np.any(matrix[:3, :3] - np.diag(np.diag(matrix[:3, :3])))  # no axis mixes with another
    if apart and (order == 0 or (order == 1 and data.dtype.kind == "f")):
        out = _along_axes(data, np.diag(matrix), matrix[:3, 3], grid.shape, order)
    else:
        out = scipy.ndimage.affine_transform(
            data, matrix[:3, :3], matrix[:3, 3], output_shape=grid.shape, order=order, mode="grid-constant"
        )
    values = out.astype(volume.data.dtype, copy=False)
    return Volume(values, grid.affine, notes=volume.notes, preparation=volume.preparation)
