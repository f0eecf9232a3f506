"""The original's file of mean maps, read and written.

Rieke et al. 2018 published their average relevance maps as one npz with keys
``avg_relevance_map_{AD,NC}_{backprop,guided,occlusion,area_occlusion,grad_cam}``.
"""

from __future__ import annotations

import ast
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mriinterp.base.atomic import replacing
from mriinterp.image.volume import Grid

__all__ = ["METHOD_KEYS", "ORIGINAL_GRIDS", "OriginalMaps", "read_original_npz", "write_original_npz"]

METHOD_KEYS = {
    "sensitivity": "backprop",
    "guided_backprop": "guided",
    "occlusion": "occlusion",
    "area_occlusion": "area_occlusion",
    "grad_cam": "grad_cam",
}
"""Our name of a method to the original's."""

_OURS = {theirs: ours for ours, theirs in METHOD_KEYS.items()}
_KEY = re.compile(rf"avg_relevance_map_(?P<group>.+?)_(?P<method>{'|'.join(sorted(_OURS, key=len, reverse=True))})")

ORIGINAL_GRIDS = tuple(
    Grid(shape, np.array([[edge, 0, 0, x], [0, edge, 0, y], [0, 0, edge, z], [0, 0, 0, 1.0]]))
    for shape, edge, (x, y, z) in (
        ((113, 137, 113), 1.5, (-84, -120, -72)),
        ((193, 229, 193), 1.0, (-96, -132, -78)),
    )
)
"""Where the voxels of the original's maps lie: the files do not say."""

MAX_BYTES = 4 * 2**30
MAX_HEADER = 4096
MAX_MEMBERS = 1000


@dataclass(frozen=True, eq=False)
class OriginalMaps:
    """Mean maps from an npz.

    Parameters
    ----------
    means : dict of group to dict of method to array, shape (i, j, k), float32
        Methods by our names.
    grid : Grid or None
        By the shape; None if it is neither of the original's two.
    unknown : list of str
        Keys that are no mean map; they were not read.
    """

    means: dict[str, dict[str, np.ndarray]]
    grid: Grid | None
    unknown: list[str] = field(default_factory=list)


def write_original_npz(path: str | os.PathLike, means: Mapping[str, Mapping[str, np.ndarray]]) -> Path:
    """Write mean maps under the original's keys.

    Parameters
    ----------
    path : path
        Written whole or not at all.
    means : mapping of group to mapping of method to array, shape (i, j, k)
        Methods by our names or the original's. Group names are free; the
        original's are AD and NC.

    Raises
    ------
    KeyError
        If the original has no such method.
    ValueError
        If the maps are not all of one shape, or there are none.
    """
    arrays: dict[str, np.ndarray] = {}
    for group, maps in means.items():
        for method, data in maps.items():
            theirs = method if method in _OURS else METHOD_KEYS.get(method)
            if theirs is None:
                raise KeyError(
                    f"expected a method of the original, got {method!r}; available: {', '.join(METHOD_KEYS)}"
                )
            arrays[f"avg_relevance_map_{group}_{theirs}"] = np.ascontiguousarray(data, dtype=np.float32)
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 3:
        raise ValueError(f"expected 3D maps of one shape, got {sorted(shapes) or 'no maps'}")
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
    return Path(path)


def read_original_npz(path: str | os.PathLike, *, max_bytes: int = MAX_BYTES) -> OriginalMaps:
    """Read mean maps; sizes are checked before memory is spent, objects are never unpickled.

    Parameters
    ----------
    path : path
    max_bytes : int
        Most bytes all maps together may take.

    Raises
    ------
    ValueError
        If the file is no npz, holds no mean map, or a map is not a finite
        array of numbers in three dimensions (a channel axis of length 1,
        first or last, is dropped), all of one shape.
    """
    path = Path(path)
    found: dict[str, dict[str, np.ndarray]] = {}
    unknown: list[str] = []
    shapes: dict[str, tuple] = {}
    total = 0
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise ValueError(f"expected at most {MAX_MEMBERS} arrays in {path.name}, got {len(members)}")
            for member in members:
                key = member.filename.removesuffix(".npy")
                match = _KEY.fullmatch(key)
                if match is None or not member.filename.endswith(".npy"):
                    unknown.append(key)
                    continue
                total += member.file_size
                if total > max_bytes:
                    raise ValueError(f"expected maps of at most {max_bytes:,} bytes in {path.name}, got more")
                data = _read_member(archive, member, key)
                shapes[key] = data.shape
                maps = found.setdefault(match["group"], {})
                if _OURS[match["method"]] in maps:
                    raise ValueError(f"expected each map once in {path.name}, got {key} twice")
                maps[_OURS[match["method"]]] = data
    except (zipfile.BadZipFile, EOFError, NotImplementedError, zlib.error, struct.error) as error:
        raise ValueError(f"expected an npz file, got a damaged or different one: {path.name} ({error})") from error
    if not found:
        listed = ", ".join(repr(key) for key in unknown[:10]) or "none"
        raise ValueError(f"expected keys avg_relevance_map_GROUP_METHOD in {path.name}; available: {listed}")
    if len(set(shapes.values())) > 1:
        raise ValueError(f"expected maps of one shape in {path.name}, got {shapes}")
    shape = next(iter(shapes.values()))
    grid = next((grid for grid in ORIGINAL_GRIDS if grid.shape == shape), None)
    return OriginalMaps(found, grid, unknown)


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, key: str) -> np.ndarray:
    with archive.open(member) as stream:
        shape, fortran, dtype, header = _header(stream, key)
        count = int(np.prod(shape, dtype=object))
        size = count * dtype.itemsize
        if header + size != member.file_size:
            raise ValueError(f"expected {size:,} bytes of data in {key}, got {member.file_size - header:,}")
        raw = stream.read(size)
    if len(raw) != size:
        raise ValueError(f"expected {size:,} bytes of data in {key}, got {len(raw):,}")
    data = np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")
    if data.ndim == 4:
        if data.shape[0] == 1:
            data = data[0]
        elif data.shape[-1] == 1:
            data = data[..., 0]
    if data.ndim != 3 or min(data.shape) < 2:
        raise ValueError(f"expected a map of three dimensions in {key}, got shape {shape}")
    data = np.ascontiguousarray(data, dtype=np.float32)
    if not np.isfinite(data).all():
        raise ValueError(f"expected finite numbers in {key}, got NaN or infinity")
    return data


def _header(stream, key: str) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, order, type and length of an npy header, read without trust."""
    magic = stream.read(8)
    if len(magic) < 8 or magic[:6] != b"\x93NUMPY" or magic[6] not in (1, 2, 3):
        raise ValueError(f"expected an array in {key}, got something else")
    width = 2 if magic[6] == 1 else 4
    (length,) = struct.unpack("<H" if width == 2 else "<I", stream.read(width))
    if length > MAX_HEADER:
        raise ValueError(f"expected a header of at most {MAX_HEADER} bytes in {key}, got {length}")
    try:
        entries = ast.literal_eval(stream.read(length).decode("latin1"))
        shape, fortran, dtype = tuple(entries["shape"]), bool(entries["fortran_order"]), np.dtype(entries["descr"])
        usable = all(type(n) is int and 0 <= n < 2**31 for n in shape) and dtype.kind in "fiu" and not dtype.hasobject
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError) as error:
        raise ValueError(f"expected an array header in {key}, got a malformed one") from error
    if not usable:
        raise ValueError(f"expected numbers in {key}, got shape {shape} of {dtype}")
    return shape, fortran, dtype, 8 + width + length
