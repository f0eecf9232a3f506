"""Relevance maps on disk, found again by what made them.

A map's key is the digest of everything that shapes it: scan, weights, method,
every parameter, target, atlas, version. Same key, same map; anything else
is computed anew. Files appear whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Any

import mriinterp
from mriinterp.areas.atlas import Atlas, load_atlas
from mriinterp.base.atomic import write_text
from mriinterp.base.progress import Cancel, Progress
from mriinterp.explain import RelevanceMap, explain
from mriinterp.image.nifti import read_volume, write_volume
from mriinterp.image.volume import Volume
from mriinterp.methods import get_method
from mriinterp.models import Model
from mriinterp.results.sidecar import from_sidecar, to_sidecar

__all__ = ["Maps", "Store", "default_folder", "request_key"]

DEFAULT_LIMIT = 4 * 2**30  # bytes

logger = logging.getLogger(__name__)


def default_folder() -> Path:
    """Where the app keeps results: ``$MRIINTERP_HOME``, else the user's cache folder."""
    if home := os.environ.get("MRIINTERP_HOME"):
        return Path(home)
    base = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "mriinterp"


def request_key(
    model: Model,
    volume: Volume,
    method: str,
    *,
    target: str | int | None = None,
    atlas: Atlas | None = None,
    reference: Volume | None = None,
    preset: str | None = None,
    **params: Any,
) -> str:
    """SHA-256 over everything that shapes a map, 64 hexadecimal digits.

    Takes what `mriinterp.explain.explain` takes, and fails as it does on a
    wrong parameter.
    """
    entry = get_method(method)
    scale = model.heads[0].kind == "scale" and target in (None, *model.heads[0].classes)
    values = entry.resolve({"score": "raw", **params} if scale else params, preset)
    parts: dict[str, Any] = {
        "version": mriinterp.__version__,
        "scan": volume.digest,
        "model": model.digest,
        "method": method,
        "params": values,
        "preset": preset,
        "target": target,
    }
    if "labels" in entry.injected:
        parts["atlas"] = (load_atlas("AAL") if atlas is None else atlas).digest
    if reference is not None and "reference" in values.values():
        parts["reference"] = reference.digest
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _remove(*paths: Path) -> None:
    """Remove files; one that another session has open (Windows) stays until the next time."""
    for path in paths:
        with suppress(OSError):
            path.unlink()


class Maps(ABC):
    """Relevance maps by key, made once."""

    @abstractmethod
    def get(self, key: str) -> RelevanceMap | None:
        """The map of a key, or None."""

    @abstractmethod
    def keep(self, key: str, relevance: RelevanceMap) -> None:
        """Keep a map that was just made."""

    def explain(
        self,
        model: Model,
        volume: Volume,
        method: str,
        *,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
        **request: Any,
    ) -> RelevanceMap:
        """`mriinterp.explain.explain`, unless the same map was made before."""
        key = request_key(model, volume, method, **request)
        found = self.get(key)
        if found is None:
            found = explain(model, volume, method, progress=progress, cancel=cancel, **request)
            self.keep(key, found)
        return found


class Store(Maps):
    """A folder of relevance maps by key.

    Parameters
    ----------
    folder : Path, optional
        Default: `default_folder`.
    limit : int
        Bytes to keep; the maps not asked for the longest go first.
    """

    def __init__(self, folder: Path | str | None = None, limit: int = DEFAULT_LIMIT):
        self.folder = (Path(folder) if folder else default_folder()) / "maps"
        self.limit = limit
        self._unkept: dict[str, RelevanceMap] = {}

    def _paths(self, key: str) -> tuple[Path, Path]:
        folder = self.folder / key[:2]
        return folder / f"{key}.nii.gz", folder / f"{key}.json"

    def __contains__(self, key: str) -> bool:
        return key in self._unkept or self._paths(key)[1].is_file()

    def get(self, key: str) -> RelevanceMap | None:
        """The map of a key, or None. A damaged entry is removed and reported in the log."""
        if key in self._unkept:
            return self._unkept[key]
        image, description = self._paths(key)
        if not description.is_file():
            return None
        try:
            entries = json.loads(description.read_text(encoding="utf-8"))
            found = from_sidecar(entries, read_volume(image, allow_constant=True))
            os.utime(description)
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("stored map %s is damaged and will be computed again: %s", key[:12], error)
            _remove(description, image)
            return None
        return found

    def put(self, key: str, relevance: RelevanceMap) -> None:
        """Keep a map. Its description is written last: without it the map does not exist."""
        image, description = self._paths(key)
        write_volume(relevance.volume, image)
        write_text(description, json.dumps(to_sidecar(relevance), indent=1, ensure_ascii=False))
        self.prune()

    def prune(self) -> None:
        """Remove the maps used least recently until the folder is within its limit."""
        entries = []
        for image in self.folder.glob("*/*.nii.gz"):
            description = image.with_name(image.name.removesuffix(".nii.gz") + ".json")
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
        """`put`; a map that cannot be written (a full disk) is found by `get` as long as this store lives."""
        try:
            self.put(key, relevance)
        except OSError as error:
            logger.warning("the map could not be kept in %s: %s", self.folder, error)
            self._unkept = {key: relevance}  # only the latest: memory stays flat
