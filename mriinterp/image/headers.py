"""Check the header of an image before a voxel is read.

The text fields of a header can hold a patient's name; nothing here reads them but the mark of a preparation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from mriinterp.image.formats import FORMATS, PAIR_HELP, foreign_format
from mriinterp.image.preparation import Preparation
from mriinterp.image.transforms import read_transforms, scaled_affine
from mriinterp.image.volume import Grid

__all__ = ["MAX_VOXELS", "Header", "dims_text", "read_header"]

MAX_VOXELS = 512**3

MAX_OFFSET = 64 << 20  # header extensions before the voxels: kilobytes in practice
MGH_DATA_OFFSET = 284
SUPPORTED = "b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"

LENGTHS = {1: ("metres", 1000.0), 3: ("micrometres", 0.001)}  # NIfTI's codes other than millimetres (2) and unknown (0)
PLAUSIBLE_MM = 0.05, 20.0  # edge of a voxel

UNKNOWN_NIFTI = (
    "the header does not say where the voxels lie in the head (NIfTI: sform and qform codes are both 0), so left and "
    "right cannot be known; export the image again from the program that made it"
)
UNKNOWN_MGH = (
    "the header does not say where the voxels lie in the head (FreeSurfer: goodRASFlag is 0), so left and right cannot "
    "be known; take the image it was made from, or state its orientation, for example: "
    "mri_convert --in_orientation LIA IN.mgz OUT.mgz, with the letters of this image"
)


@dataclass(frozen=True, eq=False)
class Header:
    """What the header of an image says, checked.

    Parameters
    ----------
    grid : Grid
        Shape and affine as on disk, in mm.
    dtype : numpy.dtype
        Type of a voxel on disk, with its byte order.
    offset : int
        Bytes before the first voxel, after decompression.
    slope, intercept : float
        Stored value × slope + intercept = value.
    notes : tuple of str
        What is doubtful, in words.
    preparation : Preparation, optional
        Of a scan that `mriinterp.prepare` made.
    """

    grid: Grid
    dtype: np.dtype
    offset: int
    slope: float = 1.0
    intercept: float = 0.0
    notes: tuple[str, ...] = ()
    preparation: Preparation | None = None


def read_header(head: bytes, name: str, *, allow_unknown_space: bool = False) -> Header:
    """Read the header in the first bytes of an image; ValueError if it is not usable."""
    foreign = foreign_format(head, name)
    if foreign:
        raise ValueError(f"{name}: expected a NIfTI or FreeSurfer image, got {foreign[0]}; {foreign[1]}")
    if head[:4] in (b"\x5c\x01\x00\x00", b"\x00\x00\x01\x5c"):
        if len(head) < 348:
            raise ValueError(f"{name}: truncated: expected a header of 348 bytes, got {len(head)}")
        if head[344:348] == b"ni1\0":
            raise ValueError(
                f"{name}: expected a NIfTI image in one file, got the header of a .hdr/.img pair; {PAIR_HELP}"
            )
        if head[344:348] != b"n+1\0":
            raise ValueError(
                f"{name}: expected NIfTI, got an Analyze 7.5 header, which does not say where left is; export the image "
                f"as NIfTI from the program that made it; {FORMATS}"
            )
        return _parse_nifti(head, name, allow_unknown_space)
    if head[:4] in (b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c"):
        if len(head) < 540 or head[4:8] != b"n+2\0":
            raise ValueError(f"{name}: truncated or damaged NIfTI-2 header")
        return _parse_nifti(head, name, allow_unknown_space)
    if head[:4] == b"\x00\x00\x00\x01":
        if len(head) < MGH_DATA_OFFSET:
            raise ValueError(f"{name}: truncated: expected a header of {MGH_DATA_OFFSET} bytes, got {len(head)}")
        return _parse_mgh(head, name, allow_unknown_space)
    if not head:
        raise ValueError(f"{name}: the file holds no data; copy or download it again")
    raise ValueError(f"{name}: not an image this program can read; {FORMATS} (DICOM: convert it with dcm2niix)")


def dims_text(shape) -> str:
    """Return dimensions as text: ``"7×8×9"``."""
    return "×".join(str(int(n)) for n in shape)


def _parse_nifti(head: bytes, name: str, allow_unknown_space: bool) -> Header:
    """Parse a NIfTI-1 or NIfTI-2 header."""
    kind = nib.Nifti1Header if 348 in (int.from_bytes(head[:4], e) for e in ("little", "big")) else nib.Nifti2Header
    size = kind.sizeof_hdr
    header = kind(head[:size], endianness="<" if int.from_bytes(head[:4], "little") == size else ">", check=False)
    count = int(header["dim"][0])
    if not 1 <= count <= 7:
        raise ValueError(f"{name}: damaged header: expected 1 to 7 dimensions, got {count}")
    dims = [int(n) for n in header["dim"][1 : count + 1]]
    shape = _one_frame(dims[:3] + [n or 1 for n in dims[3:]], name)  # some write 0 for axes that are not used
    dtype = _check_dtype(header, name)
    offset = float(header["vox_offset"]) or float(kind.single_vox_offset)
    if not kind.single_vox_offset <= offset <= MAX_OFFSET:
        raise ValueError(f"{name}: damaged header: voxels begin at byte {offset:g}")
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or not np.isfinite(slope):
        slope, intercept = 1.0, 0.0  # the standard's "no scaling"
    if not np.isfinite(intercept):
        raise ValueError(f"{name}: damaged header: intensities are scaled by {slope:g} plus {intercept}")
    grid, notes = _nifti_grid(header, shape, name, allow_unknown_space)
    preparation = Preparation.from_mark(bytes(header["descrip"]).rstrip(b"\0").decode("latin-1"))
    return Header(grid, dtype, int(offset), slope, intercept, notes, preparation)


def _nifti_grid(header, shape, name: str, allow_unknown_space: bool) -> tuple[Grid, tuple[str, ...]]:
    """Return where the voxels of a NIfTI image lie by the transform that counts, and what is doubtful about it."""
    unit, factor = LENGTHS.get(int(header["xyzt_units"]) & 7, ("", 1.0))
    found, notes = read_transforms(header, scale=factor)
    if found is None:
        if not allow_unknown_space:
            raise ValueError(f"{name}: {UNKNOWN_NIFTI}")
        found = header.get_base_affine()
    grid = _grid(shape, lambda: found, name)
    if unit:
        grid = _in_millimetres(grid, unit, factor, name)
        notes = (f"the header gives lengths in {unit}; they are read as such and given in mm", *notes)
    return grid, notes


def _in_millimetres(grid: Grid, unit: str, factor: float, name: str) -> Grid:
    """Return a grid in millimetres where its header has another unit; ValueError if that cannot be meant."""
    edges = np.array(grid.voxel_sizes) * factor
    rounded = np.round(edges, 4)  # headers hold 32 bits
    if PLAUSIBLE_MM[0] <= rounded.min() and rounded.max() <= PLAUSIBLE_MM[1]:
        return Grid(grid.shape, scaled_affine(grid.affine, factor))
    raise ValueError(
        f"{name}: expected lengths in millimetres, got a header that gives them in {unit} (xyzt_units), with voxels of "
        f"{' × '.join(f'{edge:g}' for edge in edges)} mm by that; if they are millimetres, correct the unit, for example "
        "in Python: image.header.set_xyzt_units('mm'), then nibabel.save"
    )


def _parse_mgh(head: bytes, name: str, allow_unknown_space: bool) -> Header:
    """Parse a FreeSurfer header."""
    shape = _one_frame([int.from_bytes(head[at : at + 4], "big", signed=True) for at in (4, 8, 12, 16)], name)
    header = nib.freesurfer.mghformat.MGHHeader(head[:MGH_DATA_OFFSET], check=False)
    dtype = _check_dtype(header, name)
    known = int.from_bytes(head[28:30], "big", signed=True) > 0  # "goodRASFlag"; nibabel fills in a guess where it is 0
    if not (known or allow_unknown_space):
        raise ValueError(f"{name}: {UNKNOWN_MGH}")
    return Header(_grid(shape, header.get_affine, name), dtype, MGH_DATA_OFFSET)


def _one_frame(dims: list[int], name: str) -> tuple[int, int, int]:
    """Return three axes of a header's dimensions; further ones must be of length 1."""
    if min(dims) < 1:
        raise ValueError(f"{name}: damaged header: dimensions {dims_text(dims)}")
    frames = int(np.prod(dims[3:], dtype=object)) if len(dims) > 3 else 1
    if frames > 1:
        raise ValueError(
            f"{name}: expected one 3D image, got {frames} frames ({dims_text(dims)}); take one of them out first, for "
            "example with fslroi IN OUT 0 1"
        )
    if len(dims) < 3:
        raise ValueError(f"{name}: expected a 3D image, got {len(dims)} dimensions ({dims_text(dims)})")
    voxels = dims[0] * dims[1] * dims[2]
    if voxels > MAX_VOXELS:
        raise ValueError(f"{name}: expected at most {MAX_VOXELS} voxels (512×512×512), got {dims_text(dims[:3])}")
    return dims[0], dims[1], dims[2]


def _check_dtype(header, name: str) -> np.dtype:
    try:
        dtype = header.get_data_dtype()
    except (HeaderDataError, KeyError) as error:
        raise ValueError(f"{name}: damaged header: unknown type of voxel") from error
    if dtype.str[1:] not in SUPPORTED:
        kind = {"c": "complex numbers", "V": "colours"}.get(dtype.kind, str(dtype))
        raise ValueError(f"{name}: expected one real number a voxel (8 to 64 bit), got {kind}")
    return dtype


def _grid(shape, get_affine: Callable[[], np.ndarray], name: str) -> Grid:
    try:
        return Grid(shape, get_affine())
    except (HeaderDataError, ValueError, np.linalg.LinAlgError) as error:
        raise ValueError(f"{name}: the header's affine cannot be used: {error}") from error
