"""Image files of unknown goodwill: what a header promises, and its voxels in small pieces.

A scan that somebody uploads may be truncated, may be a DICOM, may promise a
terabyte, or may unpack to one. So the header is judged first, and voxels are
then read in pieces of a megabyte: never more than the header promised, never
more than `MAX_VOXELS`. The text fields of a header can hold a patient's name;
nothing here reads them.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from mriinterp.image.volume import Grid

__all__ = ["MAX_VOXELS", "ImageFile"]

MAX_VOXELS = 512**3

CHUNK_BYTES = 1 << 20
MAX_OFFSET = 64 << 20  # header extensions before the voxels: kilobytes in practice
MAX_TRAILER = 4 << 20  # what may follow the voxels (.mgz keeps tags there)
MAX_DEFLATE_RATIO = 1032  # deflate cannot pack tighter: 258 bytes in 2 bits
MGH_DATA_OFFSET = 284
SUPPORTED = "b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"
FORMATS = "available: .nii, .nii.gz, .mgh, .mgz"
DICOM_HELP = "convert the whole series to NIfTI first, for example with dcm2niix"


@dataclass(frozen=True, eq=False)
class ImageFile:
    """What the header of an image says, checked.

    Parameters
    ----------
    name : str
        For messages.
    grid : Grid
        Shape and affine as on disk.
    dtype : numpy.dtype
        Type of a voxel on disk, with its byte order.
    offset : int
        Bytes before the first voxel, after decompression.
    slope, intercept : float
        Stored value × slope + intercept = value.
    stream : binary file
        Where the bytes come from, as on disk.
    compressed : bool
        Whether the stream is gzip.
    size : int
        Bytes in the stream.
    """

    name: str
    grid: Grid
    dtype: np.dtype
    offset: int
    slope: float
    intercept: float
    stream: BinaryIO
    compressed: bool
    size: int

    @classmethod
    def open(cls, stream: BinaryIO, size: int, name: str, *, allow_unknown_space: bool = False) -> ImageFile:
        """Judge a stream by its header; ValueError says what is wrong with it."""
        if size == 0:
            raise ValueError(f"{name}: the file is empty (0 bytes); copy or download it again")
        compressed = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        head = _read_up_to(_unpacked(stream, compressed), 1024, name)
        parse = _recognise(head, name)
        grid, dtype, offset, slope, intercept = parse(head, name, allow_unknown_space)
        promised = offset + int(np.prod(grid.shape, dtype=object)) * dtype.itemsize
        holds_at_most = size * MAX_DEFLATE_RATIO if compressed else size
        if promised > holds_at_most:
            raise ValueError(
                f"{name}: truncated: the header promises {promised} bytes ({_dims(grid.shape)} voxels of "
                f"{dtype.name}), the file holds {size}{' compressed ones, too few for that' if compressed else ''}"
            )
        return cls(name, grid, dtype, offset, slope, intercept, stream, compressed, size)

    def chunks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Stored numbers in the order on disk (first index fastest), a megabyte at a time.

        Yields
        ------
        slice
            Where the piece belongs in the flat array.
        array, 1D, of `dtype`
            Valid until the next step.

        Raises
        ------
        ValueError
            If the stream ends early, is damaged, or goes on far beyond what
            the header promised (a decompression bomb).
        """
        self.stream.seek(0)
        unpacked = _unpacked(self.stream, self.compressed)
        _skip(unpacked, self.offset, self.name)
        total = int(np.prod(self.grid.shape))
        step = CHUNK_BYTES // self.dtype.itemsize
        buffer = bytearray(step * self.dtype.itemsize)
        for start in range(0, total, step):
            stop = min(start + step, total)
            piece = memoryview(buffer)[: (stop - start) * self.dtype.itemsize]
            got = _read_into(unpacked, piece, self.name)
            if got < len(piece):
                have = self.offset + start * self.dtype.itemsize + got
                raise ValueError(
                    f"{self.name}: truncated: the header promises {_dims(self.grid.shape)} voxels of {self.dtype.name} "
                    f"({self.offset + total * self.dtype.itemsize} bytes), the file holds {have}"
                )
            yield slice(start, stop), np.frombuffer(piece, self.dtype)
        if self.compressed:
            self._refuse_bomb(unpacked, buffer)

    def _refuse_bomb(self, unpacked: BinaryIO, buffer: bytearray) -> None:
        """Read on to the end of a gzip stream (this checks its checksum), but not far."""
        surplus = 0
        while got := _read_into(unpacked, memoryview(buffer), self.name):
            surplus += got
            if surplus > MAX_TRAILER:
                raise ValueError(
                    f"{self.name}: unpacks to far more than its header promises ({_dims(self.grid.shape)} voxels of "
                    f"{self.dtype.name}); not read any further"
                )


def _dims(shape) -> str:
    return "×".join(str(int(n)) for n in shape)


def _unpacked(stream: BinaryIO, compressed: bool) -> BinaryIO:
    return gzip.GzipFile(fileobj=stream, mode="rb") if compressed else stream


def _read_into(stream: BinaryIO, view: memoryview, name: str) -> int:
    """Fill a buffer; fewer bytes at the end of the stream."""
    filled = 0
    try:
        while filled < len(view):
            got = stream.readinto(view[filled:])
            if not got:
                break
            filled += got
    except EOFError as error:
        raise ValueError(f"{name}: truncated: the compressed data break off; copy or download it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{name}: the compressed data are damaged ({error}); copy or download the file again"
        ) from error
    return filled


def _read_up_to(stream: BinaryIO, count: int, name: str) -> bytes:
    buffer = bytearray(count)
    return bytes(buffer[: _read_into(stream, memoryview(buffer), name)])


def _skip(stream: BinaryIO, count: int, name: str) -> None:
    buffer = bytearray(min(count, CHUNK_BYTES))
    while count > 0:
        got = _read_into(stream, memoryview(buffer)[: min(count, len(buffer))], name)
        if not got:
            raise ValueError(f"{name}: truncated: the file ends before its first voxel")
        count -= got


def _recognise(head: bytes, name: str):
    """The parser for what the first bytes look like."""
    if head[128:132] == b"DICM" or Path(name).suffix.lower() in (".dcm", ".dicom", ".ima"):
        raise ValueError(f"{name}: expected a NIfTI or FreeSurfer image, got a DICOM file; {DICOM_HELP}")
    if head[:4] in (b"\x5c\x01\x00\x00", b"\x00\x00\x01\x5c"):
        if len(head) < 348:
            raise ValueError(f"{name}: truncated: expected a header of 348 bytes, got {len(head)}")
        if head[344:348] == b"ni1\0":
            raise ValueError(f"{name}: expected a NIfTI image in one file, got the header of a .hdr/.img pair")
        if head[344:348] != b"n+1\0":
            raise ValueError(
                f"{name}: expected NIfTI, got an Analyze 7.5 header, which does not say where left is; {FORMATS}"
            )
        return _parse_nifti
    if head[:4] in (b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c"):
        if len(head) < 540 or head[4:8] != b"n+2\0":
            raise ValueError(f"{name}: truncated or damaged NIfTI-2 header")
        return _parse_nifti
    if head[:4] == b"\x00\x00\x00\x01":
        if len(head) < MGH_DATA_OFFSET:
            raise ValueError(f"{name}: truncated: expected a header of {MGH_DATA_OFFSET} bytes, got {len(head)}")
        return _parse_mgh
    if not head:
        raise ValueError(f"{name}: the file holds no data; copy or download it again")
    raise ValueError(f"{name}: not an image this program can read; {FORMATS} (DICOM: {DICOM_HELP})")


def _parse_nifti(head: bytes, name: str, allow_unknown_space: bool):
    """Grid, dtype, offset, slope, intercept of a NIfTI-1 or NIfTI-2 header."""
    kind = nib.Nifti1Header if 348 in (int.from_bytes(head[:4], e) for e in ("little", "big")) else nib.Nifti2Header
    size = kind.sizeof_hdr
    header = kind(head[:size], endianness="<" if int.from_bytes(head[:4], "little") == size else ">", check=False)
    count = int(header["dim"][0])
    if not 1 <= count <= 7:
        raise ValueError(f"{name}: damaged header: expected 1 to 7 dimensions, got {count}")
    shape = _one_frame([int(n) for n in header["dim"][1 : count + 1]], name)
    dtype = _check_dtype(header, name)
    offset = float(header["vox_offset"]) or float(kind.single_vox_offset)
    if not kind.single_vox_offset <= offset <= MAX_OFFSET:
        raise ValueError(f"{name}: damaged header: voxels said to begin at byte {offset:g}")
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or not np.isfinite(slope):
        slope, intercept = 1.0, 0.0  # the standard's "no scaling"
    if not np.isfinite(intercept):
        raise ValueError(f"{name}: damaged header: intensities are said to be scaled by {slope:g} plus {intercept}")
    known = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
    return _grid(shape, header.get_best_affine, known, name, allow_unknown_space), dtype, int(offset), slope, intercept


def _parse_mgh(head: bytes, name: str, allow_unknown_space: bool):
    """Grid, dtype, offset, slope, intercept of a FreeSurfer header."""
    shape = _one_frame([int.from_bytes(head[at : at + 4], "big", signed=True) for at in (4, 8, 12, 16)], name)
    header = nib.freesurfer.mghformat.MGHHeader(head[:MGH_DATA_OFFSET], check=False)
    dtype = _check_dtype(header, name)
    known = int.from_bytes(head[28:30], "big", signed=True) > 0  # "goodRASFlag"; nibabel fills in a guess where it is 0
    return _grid(shape, header.get_affine, known, name, allow_unknown_space), dtype, MGH_DATA_OFFSET, 1.0, 0.0


def _one_frame(dims: list[int], name: str) -> tuple[int, int, int]:
    """Three axes out of a header's dimensions; further ones must be of length 1."""
    if min(dims) < 1:
        raise ValueError(f"{name}: damaged header: dimensions {_dims(dims)}")
    frames = int(np.prod(dims[3:], dtype=object)) if len(dims) > 3 else 1
    if frames > 1:
        raise ValueError(
            f"{name}: expected one 3D image, got {frames} frames ({_dims(dims)}); take one of them out first"
        )
    if len(dims) < 3:
        raise ValueError(f"{name}: expected a 3D image, got {len(dims)} dimensions ({_dims(dims)})")
    voxels = dims[0] * dims[1] * dims[2]
    if voxels > MAX_VOXELS:
        raise ValueError(f"{name}: expected at most {MAX_VOXELS} voxels (512×512×512), got {_dims(dims[:3])}")
    return tuple(dims[:3])


def _check_dtype(header, name: str) -> np.dtype:
    try:
        dtype = header.get_data_dtype()
    except (HeaderDataError, KeyError) as error:
        raise ValueError(f"{name}: damaged header: unknown type of voxel") from error
    if dtype.str[1:] not in SUPPORTED:
        kind = {"c": "complex numbers", "V": "colours"}.get(dtype.kind, str(dtype))
        raise ValueError(f"{name}: expected one real number a voxel (8 to 64 bit), got {kind}")
    return dtype


def _grid(shape, get_affine, known: bool, name: str, allow_unknown_space: bool) -> Grid:
    if not (known or allow_unknown_space):
        raise ValueError(
            f"{name}: the header does not say where the voxels lie in the head (NIfTI: sform and qform codes are both "
            "0), so left and right cannot be told; export the image again from the program that made it"
        )
    try:
        return Grid(shape, get_affine())
    except (HeaderDataError, ValueError, np.linalg.LinAlgError) as error:
        raise ValueError(f"{name}: the header's affine cannot be used: {error}") from error


def open_bytes(data: bytes) -> tuple[BinaryIO, int]:
    """A stream over an upload held in memory, and its size."""
    return io.BytesIO(data), len(data)
