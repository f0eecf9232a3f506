"""The original's file of mean maps, read and written.

Rieke et al. 2018 published their average relevance maps as one npz with keys
``avg_relevance_map_{AD,NC}_{backprop,guided,occlusion,area_occlusion,grad_cam}``.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mriinterp.base.arrays import Member, open_npz
from mriinterp.base.atomic import replacing
from mriinterp.base.files import parse_json
from mriinterp.image.headers import dims_text
from mriinterp.image.volume import Grid
from mriinterp.methods import get_method, method_names

__all__ = ["ORIGINAL_GRIDS", "OriginalMaps", "original_names", "read_original_npz", "write_original_npz"]

ORIGINAL_GRIDS = tuple(
    Grid(shape, np.array([[edge, 0, 0, x], [0, edge, 0, y], [0, 0, edge, z], [0, 0, 0, 1.0]]))
    for shape, edge, (x, y, z) in (
        ((113, 137, 113), 1.5, (-84, -120, -72)),
        ((193, 229, 193), 1.0, (-96, -132, -78)),
    )
)
"""Where the voxels of the original's maps lie: the files do not say."""

MAX_BYTES = 2**30  # ten maps at 1 mm, five methods of two groups, take a third of it
PIECE = 1 << 20
ABOUT, MOST_ABOUT = "mriinterp", 4096  # a key beside those of the maps, and bytes below it


def original_names() -> dict[str, str]:
    """Return the original's name of every method that it has, by ours."""
    return {name: get_method(name).original for name in method_names() if get_method(name).original}


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
    about : dict
        What a file of this program says of its maps: ``simulated`` (bool),
        ``explains`` (words) and ``one_target`` (bool), whether groups may be
        compared. Empty for other files.
    """

    means: dict[str, dict[str, np.ndarray]]
    grid: Grid | None
    unknown: list[str] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)


def write_original_npz(
    path: str | os.PathLike, means: Mapping[str, Mapping[str, np.ndarray]], *, about: Mapping[str, Any] | None = None
) -> Path:
    """Write mean maps under the original's keys.

    Parameters
    ----------
    path : path
        Written whole or not at all.
    means : mapping of group to mapping of method to array, shape (i, j, k)
        Methods by our names or the original's. Group names are free; the
        original's are AD and NC.
    about : mapping, optional
        As in `OriginalMaps`; kept under a key of its own, which the
        original's code does not look at.

    Raises
    ------
    KeyError
        If the original has no such method.
    ValueError
        If the maps are not all of one shape, or there are none.
    """
    arrays: dict[str, np.ndarray] = {}
    names = original_names()
    for group, maps in means.items():
        for method, data in maps.items():
            theirs = method if method in names.values() else names.get(method)
            if theirs is None:
                raise KeyError(f"expected a method of the original, got {method!r}; available: {', '.join(names)}")
            arrays[f"avg_relevance_map_{group}_{theirs}"] = np.ascontiguousarray(data, dtype=np.float32)
    shapes = {array.shape for array in arrays.values()}
    if about:
        arrays[ABOUT] = np.frombuffer(json.dumps(dict(about)).encode(), np.uint8)
    if len(shapes) != 1 or len(next(iter(shapes))) != 3:
        raise ValueError(f"expected 3D maps of one shape, got {sorted(shapes) or 'no maps'}")
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
    return Path(path)


def read_original_npz(
    path: str | os.PathLike,
    *,
    max_bytes: int = MAX_BYTES,
    grids: Sequence[Grid] | None = None,
    name: str = "",
) -> OriginalMaps:
    """Read mean maps; shapes and sizes are checked before memory is spent, objects are never unpickled.

    Parameters
    ----------
    path : path
    max_bytes : int
        Most bytes all maps together may take, as float32.
    grids : sequence of Grid, optional
        Those that maps may lie on, by their shapes; default: any.
    name : str, optional
        Of the file, for messages; default: as `path` has it.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is no npz, holds no mean map, or a map is not a finite
        array of numbers in three dimensions (a channel axis of length 1,
        first or last, is dropped), all of one shape.
    """
    name = name or Path(path).name
    unknown: list[str] = []
    ours = {theirs: own for own, theirs in original_names().items()}
    methods = "|".join(sorted(ours, key=len, reverse=True))
    pattern = re.compile(rf"avg_relevance_map_(?P<group>.+?)_(?P<method>{methods})")

    def wanted(key: str) -> bool:
        known = pattern.fullmatch(key) is not None or key == ABOUT
        if not known:
            unknown.append(key)
        return known

    with open_npz(path, name=name, kinds="iuf", wanted=wanted) as (archive, members):
        about = _read_about(archive, members.pop(ABOUT, None))
        shape = _common_shape(members, unknown, name)
        _check_size(shape, len(members), max_bytes, grids, name)
        found: dict[str, dict[str, np.ndarray]] = {}
        for key, member in members.items():
            match = pattern.fullmatch(key)
            assert match is not None  # only wanted members are read
            found.setdefault(match["group"], {})[ours[match["method"]]] = _read_map(archive, member, shape, key)
    return OriginalMaps(found, next((grid for grid in ORIGINAL_GRIDS if grid.shape == shape), None), unknown, about)


def _read_about(archive: zipfile.ZipFile, member: Member | None) -> dict[str, Any]:
    """Return what a file of this program says of its maps; nothing where that is none of ours."""
    if member is None or member.header.count > MOST_ABOUT or member.header.dtype != np.uint8:
        return {}
    with archive.open(member.info) as stream:
        text = stream.read()[member.header.length :]
    try:
        entries = parse_json(text, ABOUT)
        kinds = {"simulated": bool, "explains": str, "one_target": bool}
        return {name: kind(entries[name]) for name, kind in kinds.items()}
    except (ValueError, KeyError, TypeError):
        return {}


def _common_shape(members: Mapping[str, Member], unknown: list[str], name: str) -> tuple[int, int, int]:
    """Return the shape of all maps by their headers, without a channel axis."""
    if not members:
        listed = ", ".join(repr(key) for key in unknown[:10]) or "none"
        raise ValueError(f"expected keys avg_relevance_map_GROUP_METHOD in {name}; available: {listed}")
    shapes = {}
    for key, member in members.items():
        shape = member.header.shape
        if len(shape) == 4 and 1 in (shape[0], shape[-1]):
            shape = shape[1:] if shape[0] == 1 else shape[:-1]
        if len(shape) != 3 or min(shape) < 2:
            raise ValueError(f"expected a map of three dimensions in {key}, got shape {member.header.shape}")
        shapes[key] = shape
    if len(set(shapes.values())) > 1:
        raise ValueError(f"expected maps of one shape in {name}, got {shapes}")
    return next(iter(shapes.values()))


def _check_size(shape, count: int, max_bytes: int, grids: Sequence[Grid] | None, name: str) -> None:
    if grids is not None and shape not in [grid.shape for grid in grids]:
        known = " or ".join(dims_text(grid.shape) for grid in grids)
        raise ValueError(f"expected maps on a grid of the original, {known}, in {name}, got {dims_text(shape)}")
    size = count * int(np.prod(shape, dtype=object)) * 4
    if size > max_bytes:
        raise ValueError(f"expected maps of at most {max_bytes:,} bytes in {name}, got {size:,}")


def _read_map(archive: zipfile.ZipFile, member: Member, shape: tuple[int, int, int], key: str) -> np.ndarray:
    """Read a map as float32, piece by piece, so that 64-bit files need no 64-bit copy."""
    dtype = member.header.dtype
    flat = np.empty(member.header.count, np.float32)
    step = max(1, PIECE // dtype.itemsize)
    with archive.open(member.info) as stream:
        stream.read(member.header.length)
        for start in range(0, flat.size, step):
            stop = min(start + step, flat.size)
            raw = stream.read((stop - start) * dtype.itemsize)
            if len(raw) != (stop - start) * dtype.itemsize:
                raise ValueError(f"expected {member.header.count} values in {key}, got fewer")
            with np.errstate(over="ignore"):
                flat[start:stop] = np.frombuffer(raw, dtype)
            if not np.isfinite(flat[start:stop]).all():
                raise ValueError(f"expected finite numbers in {key}, got NaN or infinity")
    return np.ascontiguousarray(flat.reshape(shape, order="F" if member.header.fortran else "C"))
