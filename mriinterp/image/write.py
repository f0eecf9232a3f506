"""Write images as NIfTI files."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import nibabel as nib
import numpy as np

from mriinterp.base.atomic import replacing
from mriinterp.image.volume import Grid, Volume

__all__ = ["write_volume"]

SPACES = {"scanner": 1, "aligned": 2, "mni": 4}  # NIfTI's codes for what an affine leads to
GZIP_LEVEL = 3  # 4 takes up to twice as long, for maps that are hardly smaller


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
