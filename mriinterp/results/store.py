"""Store of relevance maps on disk, by the keys of `mriinterp.results.maps`.

Files appear whole or not at all, and what is read back is verified: an image
or a description that is not what was written is a miss.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

import mriinterp
from mriinterp.base.atomic import remove_unfinished, write_text
from mriinterp.base.files import check_file, read_json
from mriinterp.base.fingerprint import file_digest
from mriinterp.base.labels import image_labels, plain_label
from mriinterp.image.nifti import read_volume_bytes
from mriinterp.image.volume import Grid, Volume
from mriinterp.image.write import write_volume
from mriinterp.relevance_map import RelevanceMap
from mriinterp.results.home import default_folder, try_to_keep
from mriinterp.results.maps import Maps, MemoryMaps
from mriinterp.results.sidecar import from_sidecar, to_sidecar, typed
from mriinterp.results.verified import check_seal, sealed

__all__ = ["Store"]

DEFAULT_LIMIT = 4 * 2**30  # bytes

logger = logging.getLogger(__name__)


def _remove(*paths: Path) -> None:
    """Remove files; one that another session has open (Windows) stays until the next time."""
    for path in paths:
        with suppress(OSError):
            path.unlink()


class Store(Maps):
    """A folder of relevance maps by key; in memory, where the disk does not take them.

    Parameters
    ----------
    folder : Path, optional
        Default: `mriinterp.results.home.default_folder`.
    limit : int
        Bytes to keep; the maps not asked for the longest go first.
    shipped : Path, optional
        Home of a store that comes with the package; it is read where a map is
        not in this one, and stays as it is.
    """

    def __init__(
        self, folder: Path | str | None = None, limit: int = DEFAULT_LIMIT, *, shipped: Path | str | None = None
    ):
        self.home = Path(folder) if folder else default_folder()
        self._shipped = None if shipped is None else Store(shipped)
        self.folder = self.home / "maps"
        self.limit = limit
        self._unkept = MemoryMaps()

    def _paths(self, key: str) -> tuple[Path, Path]:
        folder = self.folder / key[:2]
        return folder / f"{key}.nii.gz", folder / f"{key}.json"

    def __contains__(self, key: str) -> bool:
        own = key in self._unkept or os.path.isfile(self._paths(key)[1])
        return own or (self._shipped is not None and key in self._shipped)

    def get(self, key: str) -> RelevanceMap | None:
        """Return the map of a key, or None."""
        unkept = self._unkept.get(key)
        if unkept is not None:
            return unkept
        image, description = self._paths(key)
        if not os.path.isfile(description):  # False also where one may not look
            return None if self._shipped is None else self._shipped._read(key)
        found = self._read(key)
        if found is None:
            _remove(description, image)
            return None
        with suppress(OSError):  # a folder one may only read from
            os.utime(description)
        return found

    def _read(self, key: str) -> RelevanceMap | None:
        """Return a map from the folder, which stays as it is; None where it is not there or not what was written."""
        try:
            return _read(key, *self._paths(key))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError) as error:
            logger.warning("stored map %s is damaged and will be computed again: %s", key[:12], error)
            return None

    def put(self, key: str, relevance: RelevanceMap) -> None:
        """Write a map. Its description is written last: without it the map does not exist."""
        image, description = self._paths(key)
        _remove(description)  # an older one must not vouch for the new image
        write_volume(relevance.volume, image)
        parts = {}
        for name, label in image_labels(relevance.images).items():
            write_volume(relevance.images[name], _part_path(image, label))
            parts[name] = {"label": label, "sha256": file_digest(_part_path(image, label))}
        more: dict[str, Any] = {"images": parts} if parts else {}
        entries = sealed(to_sidecar(relevance, key=key, image_sha256=file_digest(image), **more))
        write_text(description, json.dumps(entries, indent=1, ensure_ascii=False))
        self.prune()

    def prune(self) -> None:
        """Remove unfinished files, then the maps used least recently until the folder is within its limit."""
        remove_unfinished(self.folder.glob("*/.*.part"))
        entries = []
        for image in self.folder.glob("*/*.nii.gz"):
            description = image.with_name(image.name.removesuffix(".nii.gz").partition("_")[0] + ".json")
            try:
                used = (description if description.is_file() else image).stat().st_mtime
                entries.append((used, image.stat().st_size, image, description))
            except FileNotFoundError:  # another session removed it meanwhile
                continue
        total = sum(size for _, size, _, _ in entries)
        for _, size, image, description in sorted(entries, key=lambda entry: entry[0]):
            if total <= self.limit:
                return
            _remove(description, image)
            total -= size

    def keep(self, key: str, relevance: RelevanceMap) -> None:
        """Keep a map that was just made, as `put`; one that cannot be written is kept in memory."""
        if not try_to_keep(self.home, "maps", lambda: self.put(key, relevance)):
            self._unkept.keep(key, relevance)


def _read(key: str, image: Path, description: Path) -> RelevanceMap:
    """Read and verify an entry of a store; OSError, ValueError or KeyError if it is not what was written."""
    entries = read_json(description)
    data = check_file(image, "an image").read_bytes()
    grid = typed(entries, "grid", dict)
    for name, value, wanted in (
        ("key", typed(entries, "key", str), key),
        ("version", typed(typed(entries, "versions", dict), "mriinterp", str), mriinterp.__version__),
        ("digest of the image", typed(entries, "image_sha256", str), hashlib.sha256(data).hexdigest()),
    ):
        if value != wanted:
            raise ValueError(f"expected {name} {wanted[:12]}, got {value[:12]}")
    volume = read_volume_bytes(data, image.name, allow_constant=True)
    if not volume.grid.matches(_grid(grid)):
        raise ValueError(f"expected a map on the grid {grid}, got {volume.grid}")
    check_seal(entries)
    parts = typed(entries, "images", dict) if "images" in entries else {}
    return from_sidecar(entries, volume, {name: _read_part(image, parts[name], volume.grid) for name in parts})


def _part_path(image: Path, label: str) -> Path:
    """Return the file of the relevance of one image beside that of the whole map."""
    return image.with_name(f"{image.name.removesuffix('.nii.gz')}_{label}.nii.gz")


def _read_part(image: Path, entries: Any, grid: Grid) -> Volume:
    """Read and verify the relevance of one image of a scan of several."""
    label, digest = typed(entries, "label", str), typed(entries, "sha256", str)
    if label != plain_label(label):
        raise ValueError(f"expected a label of letters and digits, got {label!r}")
    data = _part_path(image, label).read_bytes()
    if hashlib.sha256(data).hexdigest() != digest:
        raise ValueError(f"expected digest of the image {label} {digest[:12]}, got another")
    volume = read_volume_bytes(data, image.name, allow_constant=True)
    if not volume.grid.matches(grid):
        raise ValueError(f"expected the relevance of {label} on the grid {grid}, got {volume.grid}")
    return volume


def _grid(entries: dict[str, Any]) -> Grid:
    """Return the grid of a stored description; ValueError if it is none."""
    try:
        return Grid(tuple(typed(entries, "shape", list)), np.array(typed(entries, "affine", list), float))
    except (TypeError, OverflowError) as error:
        raise ValueError(f"expected a grid, got {entries}") from error
