"""Untrusted image files: a checked header, and the voxels in small pieces.

An uploaded scan may be truncated, may be a DICOM, may promise a
terabyte, or may unpack to one. So the header is checked first, and voxels are
then read in pieces of a megabyte: never more than the header promised, never
more than `MAX_VOXELS`.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase

import numpy as np

from mriinterp.image.gzipped import GZIP_MAGIC, GzipStream
from mriinterp.image.headers import MAX_VOXELS, Header, dims_text, read_header
from mriinterp.image.volume import Grid

__all__ = ["MAX_VOXELS", "ImageFile"]

CHUNK_BYTES = 1 << 20
MAX_TRAILER = 4 << 20  # what may follow the voxels (.mgz keeps tags there)
MAX_DEFLATE_RATIO = 1032  # deflate cannot pack tighter: 258 bytes in 2 bits
LEAST_HEAD, HEAD_BYTES = 284, 1024  # the shortest header, of .mgh; what is looked at


@dataclass(frozen=True, eq=False)
class ImageFile:
    """An image on disk or in memory, not read yet.

    Parameters
    ----------
    name : str
        For messages.
    header : Header
    stream : binary file
        Where the bytes come from, as on disk.
    compressed : bool
        Whether the stream is gzip.
    """

    name: str
    header: Header
    stream: BufferedIOBase
    compressed: bool

    @classmethod
    def open(cls, stream: BufferedIOBase, size: int, name: str, *, allow_unknown_space: bool = False) -> ImageFile:
        """Check a stream of `size` bytes by its header; ValueError says what is wrong with it."""
        if size == 0:
            raise ValueError(f"{name}: the file is empty (0 bytes); copy or download it again")
        compressed = stream.read(2) == GZIP_MAGIC
        stream.seek(0)
        head = _read_head(GzipStream(stream) if compressed else stream, name)
        header = read_header(head, name, allow_unknown_space=allow_unknown_space)
        promised = header.offset + int(np.prod(header.grid.shape, dtype=object)) * header.dtype.itemsize
        holds_at_most = size * MAX_DEFLATE_RATIO if compressed else size
        if promised > holds_at_most:
            raise ValueError(
                f"{name}: truncated: the header promises {promised} bytes ({dims_text(header.grid.shape)} voxels of "
                f"{header.dtype.name}), the file holds {size}{' compressed ones, too few for that' if compressed else ''}"
            )
        return cls(name, header, stream, compressed)

    @property
    def grid(self) -> Grid:
        """Shape and affine as on disk."""
        return self.header.grid

    def chunks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield the stored numbers in the order on disk (first index fastest), a megabyte at a time.

        Yields
        ------
        slice
            Where the piece belongs in the flat array.
        array, 1D, of the header's type
            Valid until the next step.

        Raises
        ------
        ValueError
            If the stream ends early, is damaged, or goes on far beyond what
            the header promised (a decompression bomb). What follows the gzip
            member in which the image ends is not read.
        """
        self.stream.seek(0)
        unpacked = GzipStream(self.stream) if self.compressed else self.stream
        dtype, offset = self.header.dtype, self.header.offset
        _skip(unpacked, offset, self.name)
        total = int(np.prod(self.grid.shape))
        step = CHUNK_BYTES // dtype.itemsize
        buffer = bytearray(step * dtype.itemsize)
        for start in range(0, total, step):
            stop = min(start + step, total)
            piece = memoryview(buffer)[: (stop - start) * dtype.itemsize]
            got = _read_into(unpacked, piece, self.name)
            if got < len(piece):
                have = offset + start * dtype.itemsize + got
                raise ValueError(
                    f"{self.name}: truncated: the header promises {dims_text(self.grid.shape)} voxels of {dtype.name} "
                    f"({offset + total * dtype.itemsize} bytes), the file holds {have}"
                )
            yield slice(start, stop), np.frombuffer(piece, dtype)
        if isinstance(unpacked, GzipStream):
            with _in_words(self.name):
                surplus = unpacked.end_member(MAX_TRAILER)
            if surplus > MAX_TRAILER:
                raise ValueError(
                    f"{self.name}: unpacks to far more than its header promises ({dims_text(self.grid.shape)} voxels of "
                    f"{dtype.name}); not read any further"
                )


@contextmanager
def _in_words(name: str) -> Iterator[None]:
    """Turn failures of a gzip stream into ValueErrors that name the file."""
    try:
        yield
    except EOFError as error:
        raise ValueError(f"{name}: truncated: the compressed data break off; copy or download it again") from error
    except zlib.error as error:
        raise ValueError(
            f"{name}: the compressed data are damaged ({error}); copy or download the file again"
        ) from error


def _read_into(stream: BufferedIOBase | GzipStream, view: memoryview, name: str) -> int:
    """Fill a buffer; fewer bytes at the end of the stream."""
    filled = 0
    while filled < len(view):
        with _in_words(name):
            got = stream.readinto(view[filled:])
        if not got:
            break
        filled += got
    return filled


def _read_head(stream: BufferedIOBase | GzipStream, name: str) -> bytes:
    """Read the first bytes of a stream, as many as there are before its end or a fault."""
    head, piece = b"", memoryview(bytearray(HEAD_BYTES))
    while len(head) < HEAD_BYTES:
        try:
            with _in_words(name):
                got = stream.readinto(piece[: HEAD_BYTES - len(head)])
        except ValueError:
            if len(head) < LEAST_HEAD:
                raise
            break  # behind a small image, where it does no harm; else it shows when the voxels are read
        if not got:
            break
        head += bytes(piece[:got])
    return head


def _skip(stream: BufferedIOBase | GzipStream, count: int, name: str) -> None:
    buffer = bytearray(min(count, CHUNK_BYTES))
    while count > 0:
        got = _read_into(stream, memoryview(buffer)[: min(count, len(buffer))], name)
        if not got:
            raise ValueError(f"{name}: truncated: the file ends before its first voxel")
        count -= got


def open_bytes(data: bytes) -> tuple[BufferedIOBase, int]:
    """Return a stream over an upload held in memory, and its size."""
    return io.BytesIO(data), len(data)
