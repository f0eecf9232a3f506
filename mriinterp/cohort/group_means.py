"""Group means: maps are streamed through, in the order of the plan, whatever order they were made in."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mriinterp.base.arrays import load_npy, load_npz
from mriinterp.base.atomic import replacing, write_text
from mriinterp.base.files import read_json
from mriinterp.base.fingerprint import file_digest
from mriinterp.base.notices import RESEARCH_USE
from mriinterp.base.progress import Cancel, check_cancel
from mriinterp.cohort.layout import Layout
from mriinterp.cohort.moments import MapMoments
from mriinterp.cohort.record import read_map
from mriinterp.image.volume import Grid, Volume
from mriinterp.image.write import write_volume
from mriinterp.results.verified import DamagedImage, read_verified

__all__ = [
    "GroupAverage",
    "average_group",
    "averaged_keys",
    "members_digest",
    "read_group_map",
    "read_moments",
    "sidecar_of",
    "write_group_map",
]

MEANING = {
    "count": "Number of maps that went into each voxel of the mean",
    "mean": "Mean of relevance maps",
    "std": "Sample standard deviation of relevance maps (divided by n - 1)",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class GroupAverage:
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
    explains : str
        Which output the maps explain, in words.
    finish : bool
        Whether the group's files are written; running moments are saved in any case.
    """

    layout: Layout
    method: str
    group: str
    label: str
    parts: tuple[str, ...]
    members: tuple[tuple[str, str], ...]
    keep_maps: bool
    affine: tuple[tuple[float, ...], ...]
    explains: str = ""
    finish: bool = True


def members_digest(members) -> str:
    """Return the SHA-256 over keys, in order."""
    return hashlib.sha256("\n".join(key for _, key in members).encode()).hexdigest()


def read_moments(
    layout: Layout, method: str, label: str, parts: tuple[str, ...]
) -> tuple[MapMoments, list[str]] | None:
    """Return the running moments of maps that are not kept, and their keys in order; None if there are none."""
    path = layout.moments(method, label)
    try:
        state = load_npz(path)
        return MapMoments.from_state(parts, state), [str(key) for key in state["members"]]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError) as error:
        logger.warning("running means of %s, %s are damaged and will be made again: %s", method, label, error)
        return None


def averaged_keys(layout: Layout, method: str, label: str) -> list[str]:
    """Return the keys of the maps that are in a group's running moments, in order."""
    try:
        return [str(key) for key in load_npz(layout.moments(method, label), ["members"])["members"]]
    except (OSError, ValueError, KeyError):
        return []


def average_group(average: GroupAverage, cancel: Cancel | None = None) -> int:
    """Average the maps of a group; return the number that went in.

    Maps that are kept are read again, in order. Of maps that are not, those
    in the scratch folder are added to the running moments, which are saved
    before the maps are removed. DamagedImage if kept maps are not those that
    were written; their records are removed, so that they are made again.
    """
    if is_finished(average):
        return len(average.members)
    if average.keep_maps:
        moments = _average_kept(average, cancel)
    else:
        moments = _average_scratch(average, cancel)
    if average.finish:
        _write_group(average, moments)
    return moments.count


def _average_kept(average: GroupAverage, cancel: Cancel | None) -> MapMoments:
    moments = MapMoments(average.parts)
    damaged: DamagedImage | None = None
    for label, _ in average.members:
        check_cancel(cancel)
        try:
            moments.add(read_map(average.layout, label, average.method)[0].data)
        except DamagedImage as error:
            damaged = error
            average.layout.record(label, average.method).unlink(missing_ok=True)
    if damaged is not None:
        raise damaged
    return moments


def _average_scratch(average: GroupAverage, cancel: Cancel | None) -> MapMoments:
    layout = average.layout
    known = read_moments(layout, average.method, average.label, average.parts)
    moments, keys = known if known is not None else (MapMoments(average.parts), [])
    inside, added = set(keys), []
    for label, key in average.members:
        if key in inside:
            continue
        check_cancel(cancel)
        moments.add(load_npy(layout.scratch(label, average.method)))
        keys.append(key)
        added.append(label)
    if added:
        state = moments.state()
        with replacing(layout.moments(average.method, average.label)) as temporary, temporary.open("wb") as stream:
            arrays: dict[str, Any] = {"members": np.array(keys), **state}
            np.savez(stream, **arrays)
    for label, key in average.members:
        if key in inside or label in added:
            layout.scratch(label, average.method).unlink(missing_ok=True)
    return moments


def is_finished(average: GroupAverage) -> bool:
    """Return whether the group's files are those of these very maps."""
    try:
        known = read_json(average.layout.group_record(average.method, average.label))
        files = _files(average)
        return known["members_sha256"] == members_digest(average.members) and all(
            file_digest(path) == known["sha256"][path.name] == read_json(sidecar_of(path))["sha256"]
            for path in files.values()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _files(average: GroupAverage) -> dict[tuple[str, str], Path]:
    """Return the files of a group for which it has enough maps, by part and what."""
    layout, n = average.layout, len(average.members)
    files = {("", "count"): layout.group(average.method, average.label, "", "count")} if n else {}
    for part in average.parts:
        if n >= 1:
            files[part, "mean"] = layout.group(average.method, average.label, part, "mean")
        if n >= 2:
            files[part, "std"] = layout.group(average.method, average.label, part, "std")
    return files


def sidecar_of(image: Path) -> Path:
    """Return the JSON beside an image that says what it is."""
    return image.with_name(image.name.removesuffix(".nii.gz") + ".json")


def write_group_map(volume: Volume, path: Path, what: str, space: str, **about: Any) -> str:
    """Write an image of a group, and what it is; return its digest."""
    sidecar_of(path).unlink(missing_ok=True)  # an older one must not vouch for the new image
    write_volume(volume, path, space="mni")
    known = {name: value for name, value in about.items() if value is not None} | {"sha256": file_digest(path)}
    entries = {"Description": MEANING[what], "SpatialReference": space, **known, "note": RESEARCH_USE}
    write_text(sidecar_of(path), json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    return known["sha256"]


def read_group_map(path: Path) -> Volume:
    """Return an image of a group; DamagedImage unless it is the one its sidecar was written for."""
    sidecar = sidecar_of(path)
    try:
        digest = read_json(sidecar).get("sha256")
    except (OSError, ValueError, AttributeError):
        digest = None
    if not isinstance(digest, str):
        raise DamagedImage(
            f"{path.name}: expected {sidecar.name} beside it with the digest of the image, got none; copy it, too, or run "
            "the cohort again"
        )
    return read_verified(path, digest)


def _remove_map(path: Path) -> None:
    for file in (path, sidecar_of(path)):
        file.unlink(missing_ok=True)


def _write_group(average: GroupAverage, moments: MapMoments) -> None:
    """Write mean, deviation and count, and the record last; what a smaller group lacks is removed."""
    layout = average.layout
    record = layout.group_record(average.method, average.label)
    record.unlink(missing_ok=True)
    files = _files(average)
    every = [(part, what) for part in average.parts for what in ("mean", "std")] + [("", "count")]
    for part, what in every:
        if (part, what) not in files:
            _remove_map(layout.group(average.method, average.label, part, what))
    digests = {}
    for (part, what), path in files.items():
        if what == "count":
            data = np.full(moments.shape or (), moments.count, np.int32)
        else:
            data = moments.mean(part) if what == "mean" else moments.deviation(part)
        about = {"method": average.method, "group": average.group, "part": part or None, "n": moments.count}
        about |= {"explains": average.explains}
        digests[path.name] = write_group_map(Volume(data, np.array(average.affine)), path, what, layout.space, **about)
    entries = {"group": average.group, "members_sha256": members_digest(average.members), "sha256": digests}
    write_text(record, json.dumps(entries, indent=1, ensure_ascii=False) + "\n")


def average_all(
    layout: Layout, method: str, groups: dict[str, int], parts: tuple[str, ...], grid: Grid, explains: str = ""
) -> None:
    """Write mean and count over all groups, from the groups' own means.

    Parameters
    ----------
    layout : Layout
    method : str
    groups : dict of str to int
        Maps in each group, by its label in file names.
    parts : tuple of str
    grid : Grid
        Of the maps.
    explains : str
        Which output the maps explain, in words.
    """
    total = sum(groups.values())
    files = {part: layout.group(method, "", part, "mean") for part in parts}
    count = layout.group(method, "", "", "count")
    if not total:
        for path in (*files.values(), count):
            _remove_map(path)
        return
    for part, path in files.items():
        mean = np.zeros(grid.shape)
        for label, n in groups.items():
            if n:
                mean += read_group_map(layout.group(method, label, part, "mean")).data * (n / total)
        about = {"method": method, "group": "all", "part": part, "n": total, "explains": explains}
        write_group_map(Volume(mean, grid.affine), path, "mean", layout.space, **about)
    about = {"method": method, "group": "all", "n": total, "explains": explains}
    write_group_map(Volume(np.full(grid.shape, total, np.int32), grid.affine), count, "count", layout.space, **about)
