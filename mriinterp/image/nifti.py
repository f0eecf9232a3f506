"""Reading and writing images: .nii, .nii.gz, .mgh, .mgz, with their affine.

Images are read as closest-canonical RAS+; `Volume.source` keeps the lattice
on disk, and `to_source` brings a result back there. Files are distinguished by
their content, not by their names. The guards against damaged and hostile
files are in `mriinterp.image.imagefile`.
"""

from __future__ import annotations

import gzip
import logging
import os
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np

from mriinterp.base.atomic import replacing
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
    "write_volume",
]

SPACES = {"scanner": 1, "aligned": 2, "mni": 4}  # NIfTI's codes for what an affine leads to
INTEGRAL_TOLERANCE = 1e-3
GZIP_LEVEL = 4

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
        with both an sform and a qform the sform counts; a note tells where
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


def write_volume(
    volume: Volume, path: str | os.PathLike, *, dtype=None, space: str = "aligned", step: float | None = None
) -> Path:
    """Write a NIfTI-1 file in the volume's own voxel order.

    The same volume gives the same bytes. The header holds no text but the
    program's name and how a scan was prepared. A file already there is replaced in one step, so no other process
    reads half of one.

    Parameters
    ----------
    volume : Volume
    path : path
        Ends in .nii or .nii.gz; its folder is made if need be.
    dtype : numpy type, optional
        By default float32 for floats, uint8 for masks, and for labels the
        smallest of uint8, int16, int32 that holds them.
    space : {"aligned", "scanner", "mni"}
        What the affine leads to, as NIfTI's sform and qform codes 2, 1, 4.
    step : float, optional
        Round to whole multiples of it, stored as int16 with NIfTI's scaling:
        a fraction of the size, for averages that are sent round.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        For another ending, an unknown space, or a type that cannot hold the
        values.
    OSError
        If the folder cannot be made or written.
    """
    path = Path(path)
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        raise ValueError(f"expected a name that ends in .nii or .nii.gz, got {path.name}")
    if space not in SPACES:
        raise ValueError(f"expected a known space, got {space!r}; available: {', '.join(SPACES)}")
    if path.is_dir():
        raise ValueError(f"expected the name of a file to write, got a folder: {path}")
    data = _stored(volume.data, dtype) if step is None else _stored(np.rint(volume.data / step), "i2")
    header = _header(volume, data.dtype, SPACES[space])
    header.set_slope_inter(1 if step is None else step, 0)
    with replacing(path) as temporary, temporary.open("xb") as raw:
        if path.name.lower().endswith(".gz"):
            with gzip.GzipFile(filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=raw, mtime=0) as stream:
                _write(stream, header, data)
        else:
            _write(raw, header, data)
    return path


def _write(stream, header: nib.Nifti1Header, data: np.ndarray) -> None:
    stream.write(header.binaryblock)
    stream.write(bytes(4))  # no extensions
    for k in range(data.shape[2]):  # first index fastest; a slice at a time, so no second copy
        stream.write(data[:, :, k].tobytes(order="F"))


def _stored(data: np.ndarray, dtype) -> np.ndarray:
    """Return voxels in the type they are written in, little-endian."""
    if dtype is None and data.dtype.kind in "iu":
        low, high = (int(data.min()), int(data.max())) if data.size else (0, 0)
        fits = [t for t in ("u1", "i2", "i4", "i8") if np.iinfo(t).min <= low and high <= np.iinfo(t).max]
        dtype = fits[0] if fits else "u8"
    elif dtype is None:
        dtype = "u1" if data.dtype == bool else "f4"
    dtype = np.dtype(dtype).newbyteorder("<")
    with np.errstate(invalid="ignore", over="ignore"):
        stored = data.astype(dtype, copy=False)
    if dtype.kind in "iu" and data.dtype != bool and not np.array_equal(stored, data):
        raise ValueError(
            f"expected values that {dtype.name} can hold, got {data.dtype} from {data.min()} to {data.max()}"
        )
    return stored


def _header(volume: Volume, dtype: np.dtype, code: int) -> nib.Nifti1Header:
    grid = volume.grid
    header = nib.Nifti1Header(endianness="<")
    header.set_data_shape(grid.shape)
    header.set_data_dtype(dtype)
    header.set_sform(grid.affine, code)
    header.set_qform(grid.affine, code, strip_shears=True)
    if not Grid(grid.shape, header.get_qform()).matches(Grid(grid.shape, header.get_sform())):
        header.set_qform(header.get_qform(), 0)  # a quaternion cannot hold shears: leave the sform alone to speak
    header.set_xyzt_units("mm")
    header.set_slope_inter(1, 0)
    header["vox_offset"] = nib.Nifti1Header.single_vox_offset
    header["magic"] = nib.Nifti1Header.single_magic
    mark = volume.preparation.mark if volume.preparation is not None else ""
    header["descrip"] = (mark or "mriinterp").encode("ascii")
    return header
