"""Read images: .nii, .nii.gz, .mgh, .mgz, with their affine.

Images are read as closest-canonical RAS+; `Volume.source` keeps the lattice
on disk, and `to_source` brings a result back there. Files are distinguished by
their content, not by their names. The guards against damaged and hostile
files are in `mriinterp.image.imagefile`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mriinterp.base.files import check_file
from mriinterp.image.formats import describe_folder
from mriinterp.image.imagefile import MAX_VOXELS, ImageFile, open_bytes
from mriinterp.image.volume import Grid, Volume, check_same_grid, resample

__all__ = [
    "MAX_VOXELS",
    "read_labels",
    "read_volume",
    "read_volume_bytes",
    "to_source",
]

INTEGRAL_TOLERANCE = 1e-3

logger = logging.getLogger(__name__)


def read_volume(
    path: str | os.PathLike,
    *,
    allow_unknown_space: bool = False,
    allow_constant: bool = False,
    grid: Grid | None = None,
) -> Volume:
    """Read a scan or map from disk.

    Parameters
    ----------
    path : path
        A .nii, .nii.gz, .mgh or .mgz file holding one 3D image; further axes
        of length 1 are dropped.
    allow_unknown_space : bool
        Take a NIfTI whose sform and qform codes are both 0, with the affine
        nibabel assumes for it (centred, first axis to the left).
    allow_constant : bool
        Take an image that is the same everywhere: a map without relevance,
        for example. A scan like that is an error.
    grid : Grid, optional
        Where the voxels of the file must lie; others are refused by their
        header.

    Returns
    -------
    Volume
        float32 in closest-canonical RAS+ order, intensity scaling applied,
        NaN and infinities set to 0 (their number is noted). `source` is the
        lattice on disk, `notes` what is doubtful about the file. Of a NIfTI
        with both an sform and a qform the sform counts; a note states where
        they differ by more than 1 mm or in handedness. Lengths in metres or
        micrometres become mm.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no such image, is damaged, promises more than it
        holds, holds more than one frame or `MAX_VOXELS`, has no usable
        affine, or nothing but zeros or NaN. Judged by the header wherever
        possible, before memory is spent.
    """
    return _from_path(path, lambda file: _scan(file, allow_constant), allow_unknown_space, grid)


def read_volume_bytes(
    data: bytes, name: str, *, allow_unknown_space: bool = False, allow_constant: bool = False
) -> Volume:
    """Read a volume, as `read_volume` does, from the bytes of an uploaded file called `name`."""
    file = ImageFile.open(*open_bytes(data), Path(name).name, allow_unknown_space=allow_unknown_space)
    return _scan(file, allow_constant)


def read_labels(path: str | os.PathLike, *, allow_unknown_space: bool = False) -> Volume:
    """Read a label image from disk: whole numbers, 0 is background.

    Numbers stored as floats or with scaling are taken if they are integral
    (to 0.001). Other errors as for `read_volume`.

    Returns
    -------
    Volume
        int16 or, where labels exceed that, int32; RAS+ order.
    """
    return _from_path(path, _labels, allow_unknown_space, None)


def _from_path(
    path: str | os.PathLike, read: Callable[[ImageFile], Volume], allow_unknown_space: bool, grid: Grid | None
) -> Volume:
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path}: expected an image file, got {describe_folder(path)}")
    try:
        with check_file(path, "an image file").open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            file = ImageFile.open(stream, size, path.name, allow_unknown_space=allow_unknown_space)
            if grid is not None:
                check_same_grid(file.grid, grid, path.name, "what is wanted")
            return read(file)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file; check the spelling and the folder") from None


def _scan(file: ImageFile, allow_constant: bool) -> Volume:
    """Read voxels as float32, piece by piece, so that 64-bit files need no 64-bit copy."""
    size, flat = int(np.prod(file.grid.shape)), None
    replaced, low, high = 0, np.inf, -np.inf
    for where, stored in file.chunks():
        values = _scaled(file, stored)
        with np.errstate(over="ignore"):
            values = values.astype(np.float32)
        finite = np.isfinite(values)
        if not finite.all():
            replaced += int(values.size - finite.sum())
            values[~finite] = 0
        smallest, largest = values.min(), values.max()
        low, high = min(low, smallest), max(high, largest)
        if smallest != 0 or largest != 0:
            if flat is None:  # not before there is something to keep: a blank of any size stays small
                flat = np.zeros(size, np.float32)
            flat[where] = values
    if replaced == size:
        raise ValueError(f"{file.name}: all voxels are NaN or infinite; the image was damaged when it was made")
    notes = (f"{replaced} of {size} voxels were NaN or infinite; set to 0",) if replaced else ()
    if low == high and not allow_constant:
        what = "all voxels are zero" if low == 0 else f"all voxels have the same value, {low:g}"
        raise ValueError(f"{file.name}: {what}; there is no image in this file")
    return _canonical(file, np.zeros(size, np.float32) if flat is None else flat, notes)


def _labels(file: ImageFile) -> Volume:
    size, flat = int(np.prod(file.grid.shape)), None
    largest, replaced = 0, 0
    for where, stored in file.chunks():
        values = _scaled(file, stored)
        if values.dtype.kind == "f":
            finite = np.isfinite(values)
            replaced += int(values.size - finite.sum())
            values = np.where(finite, values, 0)
            whole = np.rint(values)
            if np.abs(values - whole).max() > INTEGRAL_TOLERANCE:
                odd = values[np.abs(values - whole).argmax()]
                raise ValueError(f"{file.name}: expected a label image of whole numbers, got a voxel of {odd:g}")
            values = whole
        if values.min() < 0 or values.max() > np.iinfo(np.int32).max:
            raise ValueError(
                f"{file.name}: expected labels from 0 to {np.iinfo(np.int32).max}, got {values.min()} to {values.max()}"
            )
        largest = max(largest, int(values.max()))
        if largest > 0:
            if flat is None:
                flat = np.zeros(size, np.int32)
            flat[where] = values
    notes = (f"{replaced} of {size} labels were NaN or infinite; set to 0",) if replaced else ()
    if flat is None:
        raise ValueError(f"{file.name}: all voxels are zero; there are no labels in this file")
    return _canonical(file, flat.astype(np.int16) if largest <= np.iinfo(np.int16).max else flat, notes)


def _scaled(file: ImageFile, stored: np.ndarray) -> np.ndarray:
    slope, intercept = file.header.slope, file.header.intercept
    if slope == 1 and intercept == 0:
        return stored
    with np.errstate(over="ignore", invalid="ignore"):
        return stored * np.float64(slope) + intercept


def _canonical(file: ImageFile, flat: np.ndarray, notes: tuple[str, ...]) -> Volume:
    """Return the voxels in RAS+ order; log and keep what is doubtful about the file."""
    notes = file.header.notes + notes
    for note in notes:
        logger.warning("%s: %s", file.name, note)
    on_disk = Volume(flat.reshape(file.grid.shape, order="F"), file.grid.affine)
    volume = on_disk.canonical()
    return Volume(np.ascontiguousarray(volume.data), volume.affine, file.grid, notes, file.header.preparation)


def to_source(volume: Volume, source: Grid, order: int | None = None) -> Volume:
    """Resample a volume to the lattice of the file its scan came from.

    Exact where only the voxel order differs; otherwise interpolated.

    Parameters
    ----------
    volume : Volume
    source : Grid
        `Volume.source` of the scan.
    order : int, optional
        Of the interpolation; by default 0 for labels and masks, else 1.
    """
    if order is None:
        order = 1 if volume.data.dtype.kind == "f" else 0
    return resample(volume, source, order)
