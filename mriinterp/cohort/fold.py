"""Group means: maps are streamed through, in the order of the plan, whatever order they were made in."""

from __future__ import annotations

import hashlib
import json
import logging
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mriinterp.base.atomic import replacing, write_text
from mriinterp.base.progress import Cancel, check_cancel
from mriinterp.base.reading import apply_reading
from mriinterp.cohort.layout import Layout
from mriinterp.image.nifti import read_volume, write_volume
from mriinterp.image.volume import Grid, Volume
from mriinterp.stats import Moments

__all__ = ["Fold", "fold_group", "folded_keys", "members_digest", "read_moments"]

SLAB = 1 << 16  # voxels: a slab of all running sums stays in the processor's cache

logger = logging.getLogger(__name__)


class MapMoments:
    """Mean and deviation of maps, voxel by voxel; slab by slab it is several times as fast.

    Parameters
    ----------
    parts : tuple of str
        Readings of which moments are kept.
    """

    def __init__(self, parts: tuple[str, ...]):
        self.parts = parts
        self.count = 0
        self.shape: tuple[int, ...] | None = None
        self._slabs: dict[str, list[Moments]] = {}

    def add(self, data: np.ndarray) -> None:
        """Take one more signed map into account."""
        if self.shape is None:
            self.shape = data.shape
            n = -(-data.size // SLAB)
            self._slabs = {part: [Moments() for _ in range(n)] for part in self.parts}
        elif data.shape != self.shape:
            raise ValueError(f"expected a map of shape {self.shape}, got {data.shape}")
        flat = data.reshape(-1)
        if not np.isfinite(flat).all():
            raise ValueError("expected a map of finite values, got NaN or infinity")
        for index, start in enumerate(range(0, flat.size, SLAB)):
            piece = flat[start : start + SLAB]
            for part in self.parts:
                self._slabs[part][index].add(apply_reading(piece, part))
        self.count += 1

    def mean(self, part: str) -> np.ndarray:
        """Mean of a reading, shape of a map, float64."""
        return np.concatenate([m.average() for m in self._slabs[part]]).reshape(self.shape)

    def deviation(self, part: str) -> np.ndarray:
        """Sample standard deviation of a reading, shape of a map, float64."""
        return np.concatenate([m.deviation() for m in self._slabs[part]]).reshape(self.shape)

    def state(self) -> dict[str, np.ndarray]:
        """Arrays from which `from_state` makes the same again."""
        arrays = {"count": np.array(self.count)}
        for part in self.parts:
            arrays[f"{part}_mean"] = self.mean(part)
            arrays[f"{part}_m2"] = np.concatenate([m.m2 for m in self._slabs[part]]).reshape(self.shape)
        return arrays

    @classmethod
    def from_state(cls, parts: tuple[str, ...], state) -> MapMoments:
        """The moments saved by `state`."""
        made = cls(parts)
        made.count = int(state["count"])
        for part in parts:
            mean, m2 = state[f"{part}_mean"], state[f"{part}_m2"]
            made.shape = mean.shape
            made._slabs[part] = [
                Moments.from_state(
                    {"count": made.count, "mean": mean.reshape(-1)[s : s + SLAB], "m2": m2.reshape(-1)[s : s + SLAB]}
                )
                for s in range(0, mean.size, SLAB)
            ]
        return made


@dataclass(frozen=True)
class Fold:
    """One group and method to average.

    Parameters
    ----------
    layout : Layout
    method, group, label : str
        `group` is the group's name, `label` its label in file names.
    parts : tuple of str
    members : tuple of (str, str)
        Label and key of every map, in order.
    keep_maps : bool
    affine : tuple of tuple of float
        Of the maps.
    about : dict
        For the record.
    """

    layout: Layout
    method: str
    group: str
    label: str
    parts: tuple[str, ...]
    members: tuple[tuple[str, str], ...]
    keep_maps: bool
    affine: tuple[tuple[float, ...], ...]
    finish: bool = True


def members_digest(members) -> str:
    """SHA-256 over keys, in order."""
    return hashlib.sha256("\n".join(key for _, key in members).encode()).hexdigest()


def read_moments(
    layout: Layout, method: str, label: str, parts: tuple[str, ...]
) -> tuple[MapMoments, list[str]] | None:
    """Running moments of maps that are not kept, and their keys in order; None if there are none."""
    path = layout.moments(method, label)
    try:
        with np.load(path, allow_pickle=False) as state:
            return MapMoments.from_state(parts, state), [str(key) for key in state["members"]]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        logger.warning("running means of %s, %s are damaged and will be made again: %s", method, label, error)
        return None


def folded_keys(layout: Layout, method: str, label: str) -> list[str]:
    """Keys of the maps that are in a group's running moments, in order."""
    try:
        with np.load(layout.moments(method, label), allow_pickle=False) as state:
            return [str(key) for key in state["members"]]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return []


def fold_group(fold: Fold, cancel: Cancel | None = None) -> int:
    """Average the maps of a group; the number that went in.

    Maps that are kept are read again, in order. Of maps that are not, those
    in the scratch folder are added to the running moments, which are saved
    before the maps are removed.
    """
    if is_finished(fold):
        return len(fold.members)
    if fold.keep_maps:
        moments = MapMoments(fold.parts)
        for label, _ in fold.members:
            check_cancel(cancel)
            moments.add(read_volume(fold.layout.map(label, fold.method), allow_constant=True).data)
    else:
        moments = _fold_scratch(fold, cancel)
    if fold.finish:
        _write_group(fold, moments)
    return moments.count


def _fold_scratch(fold: Fold, cancel: Cancel | None) -> MapMoments:
    layout = fold.layout
    known = read_moments(layout, fold.method, fold.label, fold.parts)
    moments, keys = known if known is not None else (MapMoments(fold.parts), [])
    inside, added = set(keys), []
    for label, key in fold.members:
        if key in inside:
            continue
        check_cancel(cancel)
        moments.add(np.load(layout.scratch(label, fold.method), allow_pickle=False))
        keys.append(key)
        added.append(label)
    if added:
        state = moments.state()
        with replacing(layout.moments(fold.method, fold.label)) as temporary, temporary.open("wb") as stream:
            np.savez(stream, members=np.array(keys), **state)
    for label, key in fold.members:
        if key in inside or label in added:
            layout.scratch(label, fold.method).unlink(missing_ok=True)
    return moments


def is_finished(fold: Fold) -> bool:
    """Whether the group's files are those of these very maps."""
    try:
        known = json.loads(fold.layout.group_record(fold.method, fold.label).read_text(encoding="utf-8"))
        files = _files(fold)
        return known["members_sha256"] == members_digest(fold.members) and all(
            path.stat().st_size == known["bytes"][path.name] for path in files.values()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _files(fold: Fold) -> dict[tuple[str, str], Path]:
    """Files of a group that are there when it has enough maps: by part and what."""
    layout, n = fold.layout, len(fold.members)
    files = {("", "count"): layout.group(fold.method, fold.label, "", "count")} if n else {}
    for part in fold.parts:
        if n >= 1:
            files[part, "mean"] = layout.group(fold.method, fold.label, part, "mean")
        if n >= 2:
            files[part, "std"] = layout.group(fold.method, fold.label, part, "std")
    return files


def _write_group(fold: Fold, moments: MapMoments) -> None:
    """Write mean, deviation and count, and the record last; what a smaller group lacks is removed."""
    layout = fold.layout
    record = layout.group_record(fold.method, fold.label)
    record.unlink(missing_ok=True)
    files = _files(fold)
    every = [(part, what) for part in fold.parts for what in ("mean", "std")] + [("", "count")]
    for part, what in every:
        if (part, what) not in files:
            layout.group(fold.method, fold.label, part, what).unlink(missing_ok=True)
    sizes = {}
    for (part, what), path in files.items():
        if what == "count":
            data = np.full(moments.shape, moments.count, np.int32)
        else:
            data = moments.mean(part) if what == "mean" else moments.deviation(part)
        write_volume(Volume(data, np.array(fold.affine)), path, space="mni")
        sizes[path.name] = path.stat().st_size
    entries = {
        "method": fold.method,
        "group": fold.group,
        "n": moments.count,
        "parts": list(fold.parts),
        "std": "sample standard deviation (divided by n − 1), from two maps on",
        "members_sha256": members_digest(fold.members),
        "bytes": sizes,
    }
    write_text(record, json.dumps(entries, indent=1, ensure_ascii=False) + "\n")


def fold_all(layout: Layout, method: str, groups: dict[str, int], parts: tuple[str, ...], grid: Grid) -> None:
    """Write mean and count over all groups, from the groups' own means."""
    total = sum(groups.values())
    files = {part: layout.group(method, "", part, "mean") for part in parts}
    count = layout.group(method, "", "", "count")
    if not total:
        for path in (*files.values(), count):
            path.unlink(missing_ok=True)
        return
    for part, path in files.items():
        mean = np.zeros(grid.shape)
        for label, n in groups.items():
            if n:
                mean += read_volume(layout.group(method, label, part, "mean"), allow_constant=True).data * (n / total)
        write_volume(Volume(mean, grid.affine), path, space="mni")
    write_volume(Volume(np.full(grid.shape, total, np.int32), grid.affine), count, space="mni")
