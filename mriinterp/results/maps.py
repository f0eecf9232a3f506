"""Relevance maps by a digest of what made them, each made once; in memory here, on disk in `mriinterp.results.store`.

A map's key is the digest of everything that shapes it: scan, weights, method,
every parameter, target, atlas, version. Same key, same map; anything else
is computed anew.
"""

from __future__ import annotations

import hashlib
import json
import threading
from abc import ABC, abstractmethod
from typing import Any

from cachetools import LRUCache

import mriinterp
from mriinterp.areas.atlas import Atlas, load_atlas
from mriinterp.base.progress import Cancel, Progress
from mriinterp.image.volume import Volume
from mriinterp.methods import get_method
from mriinterp.methods.own_score import values_for
from mriinterp.models import Model
from mriinterp.relevance_map import RelevanceMap

__all__ = ["Maps", "MemoryMaps", "request_key"]

MOST_IN_MEMORY = 12  # maps, about 7 MB each


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
    """Return the SHA-256 over everything that shapes a map, 64 hexadecimal digits.

    Takes what `mriinterp.explain.explain` takes, and fails as it does on a
    wrong parameter.
    """
    entry = get_method(method)
    head = next((head for head in model.heads if target in head.classes), model.heads[0])
    values = values_for(entry, head, params, preset)
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


class Maps(ABC):
    """Relevance maps by key, made once."""

    @abstractmethod
    def __contains__(self, key: str) -> bool:
        """Return whether a map of a key was kept; `get` verifies that it is whole."""

    @abstractmethod
    def get(self, key: str) -> RelevanceMap | None:
        """Return the map of a key, or None."""

    @abstractmethod
    def keep(self, key: str, relevance: RelevanceMap) -> None:
        """Keep a map that was just made."""

    def find(self, key: str, model: Model, volume: Volume, method: str) -> RelevanceMap | None:
        """Return the map of a key, if it is one of this network, scan and method; else None."""
        found = self.get(key)
        if found is None:
            return None
        made_of = found.digests.get("model"), found.digests.get("scan"), found.method
        return found if made_of == (model.digest, volume.digest, method) else None

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
        """Explain a scan, as `mriinterp.explain.explain` does, unless the same map was made before."""
        from mriinterp.explain import explain

        key = request_key(model, volume, method, **request)
        found = self.find(key, model, volume, method)
        if found is None:
            found = explain(model, volume, method, progress=progress, cancel=cancel, **request)
            self.keep(key, found)
        return found


class MemoryMaps(Maps):
    """The latest maps, in memory only.

    Parameters
    ----------
    most : int
        Maps that are kept; the one not asked for the longest goes first.
    """

    def __init__(self, most: int = MOST_IN_MEMORY):
        self._maps: LRUCache[str, RelevanceMap] = LRUCache(most)
        self._lock = threading.Lock()

    def __contains__(self, key: str) -> bool:
        return key in self._maps

    def get(self, key: str) -> RelevanceMap | None:
        """Return the map of a key, or None."""
        with self._lock:
            return self._maps.get(key)

    def keep(self, key: str, relevance: RelevanceMap) -> None:
        """Keep a map."""
        with self._lock:
            self._maps[key] = relevance

    def clear(self) -> None:
        """Drop all maps."""
        with self._lock:
            self._maps.clear()
