"""NumPy files, whose headers are checked before memory is used.

`numpy.load` makes room for what a header promises, and a few bytes can
promise an exabyte.
"""

from __future__ import annotations

import ast
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import numpy as np

from mriinterp.base.files import check_file

__all__ = ["ArrayHeader", "Member", "load_npy", "load_npz", "open_npz", "read_array_header"]

MAX_HEADER = 4096
MAX_MEMBERS = 1000
MAX_BYTES = 16 << 30  # of an npz, unpacked: running means of a cohort at 512×512×512 take 4 GiB


@dataclass(frozen=True)
class ArrayHeader:
    """What the header of an npy file says.

    Parameters
    ----------
    shape : tuple of int
    fortran : bool
        Whether the first index varies fastest.
    dtype : numpy.dtype
    length : int
        Bytes before the first value.
    """

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype
    length: int

    @property
    def count(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=object)) if self.shape else 1

    @property
    def size(self) -> int:
        """Bytes of the file that has it."""
        return self.length + self.count * self.dtype.itemsize


@dataclass(frozen=True)
class Member:
    """An array of an npz file: its entry in the archive, and its header."""

    info: zipfile.ZipInfo
    header: ArrayHeader


def read_array_header(stream: IO[bytes], name: str, *, kinds: str = "biufU") -> ArrayHeader:
    """Read the header at the beginning of an npy stream, without trust.

    Parameters
    ----------
    stream : binary file
    name : str
        For messages.
    kinds : str
        Kinds of values that are taken, as in `numpy.dtype.kind`; never objects.

    Raises
    ------
    ValueError
        If it is no such header, or of other values.
    """
    magic = stream.read(8)
    if len(magic) < 8 or magic[:6] != b"\x93NUMPY" or magic[6] not in (1, 2, 3):
        raise ValueError(f"expected an array in {name}, got something else")
    width = 2 if magic[6] == 1 else 4
    try:
        (length,) = struct.unpack("<H" if width == 2 else "<I", stream.read(width))
    except struct.error as error:
        raise ValueError(f"expected an array header in {name}, got a malformed one") from error
    if length > MAX_HEADER:
        raise ValueError(f"expected a header of at most {MAX_HEADER} bytes in {name}, got {length}")
    try:
        entries = ast.literal_eval(stream.read(length).decode("latin1"))
        shape, fortran, dtype = tuple(entries["shape"]), bool(entries["fortran_order"]), np.dtype(entries["descr"])
        usable = all(type(n) is int and 0 <= n < 2**31 for n in shape) and dtype.kind in kinds and not dtype.hasobject
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError) as error:
        raise ValueError(f"expected an array header in {name}, got a malformed one") from error
    if not usable:
        raise ValueError(f"expected numbers in {name}, got others, or a shape that is none")
    return ArrayHeader(shape, fortran, dtype, 8 + width + length)


def load_npy(path: str | os.PathLike, *, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Load the array of an npy file.

    Parameters
    ----------
    path : path
    shape : tuple of int, optional
        Which it must have.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it is no array of numbers, of another shape,
        or not as long as its header says.
    """
    path = check_file(path, "an array (.npy)")
    with path.open("rb") as stream:
        header = read_array_header(stream, path.name)
        size = os.fstat(stream.fileno()).st_size
    if header.size != size:
        raise ValueError(f"expected {header.size:,} bytes as the header of {path.name} says, got {size:,}")
    if shape is not None and header.shape != tuple(shape):
        raise ValueError(f"expected an array of shape {tuple(shape)} in {path.name}, got {header.shape}")
    return np.load(path, allow_pickle=False)


def load_npz(path: str | os.PathLike, keys: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Load the arrays of an npz file by key, all or those of `keys` that it has; errors of `open_npz`."""
    wanted = None if keys is None else keys.__contains__
    with open_npz(path, wanted=wanted) as (_, members), np.load(path, allow_pickle=False) as archive:
        return {key: archive[key] for key in members}


@contextmanager
def open_npz(
    path: str | os.PathLike, *, name: str = "", kinds: str = "biufU", wanted: Callable[[str], bool] | None = None
) -> Iterator[tuple[zipfile.ZipFile, dict[str, Member]]]:
    """Open an npz file and read the headers of its arrays, no value yet.

    Parameters
    ----------
    path : path
    name : str, optional
        For messages, where that of the file says nothing.
    kinds : str
        See `read_array_header`.
    wanted : callable, optional
        From a key to whether it is looked at; default: all are.

    Yields
    ------
    zipfile.ZipFile
    dict of str to Member
        By key.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it is no npz, or not as large as its headers
        say; also where that shows only when values are read.
    """
    path = check_file(path, "an npz file")
    name = name or path.name
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if len(infos) > MAX_MEMBERS:
                raise ValueError(f"expected at most {MAX_MEMBERS} arrays in {name}, got {len(infos)}")
            members: dict[str, Member] = {}
            for info in infos:
                key = info.filename.removesuffix(".npy")
                if wanted is not None and not (wanted(key) and info.filename.endswith(".npy")):
                    continue
                if key in members:
                    raise ValueError(f"expected each array once in {name}, got {key} twice")
                members[key] = Member(info, _member_header(archive, info, key, kinds))
            total = sum(member.info.file_size for member in members.values())
            if total > MAX_BYTES:
                raise ValueError(f"expected arrays of at most {MAX_BYTES:,} bytes in {name}, got {total:,}")
            yield archive, members
    except (zipfile.BadZipFile, EOFError, NotImplementedError, zlib.error, RuntimeError) as error:
        raise ValueError(f"expected an npz file, got a damaged or different one: {name} ({error})") from error


def _member_header(archive: zipfile.ZipFile, info: zipfile.ZipInfo, key: str, kinds: str) -> ArrayHeader:
    with archive.open(info) as stream:
        header = read_array_header(stream, key, kinds=kinds)
    if header.size != info.file_size:
        expected, got = header.size - header.length, info.file_size - header.length
        raise ValueError(f"expected {expected:,} bytes of data in {key}, got {got:,}")
    return header
