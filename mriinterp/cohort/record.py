"""One map on disk: the image, what it is, and its table of areas."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mriinterp.areas.atlas import Atlas
from mriinterp.areas.table import area_index, area_table
from mriinterp.base.atomic import replacing, write_text
from mriinterp.base.files import read_json
from mriinterp.base.fingerprint import file_digest
from mriinterp.base.labels import image_labels
from mriinterp.base.tables import read_tsv, write_tsv
from mriinterp.cohort.layout import Layout
from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.models import Prediction
from mriinterp.relevance_map import RelevanceMap
from mriinterp.results.sidecar import read_warnings, to_sidecar
from mriinterp.results.verified import DamagedFile, DamagedImage, check_any_seal, read_verified, sealed

__all__ = ["AREA_COLUMNS", "Record", "read_areas", "read_map", "read_record", "write_areas", "write_record"]

AREA_COLUMNS = (
    "area", "label", "hemisphere", "sum", "signed_sum", "mean", "share", "voxels", "size_mm3",
    "peak", "peak_x", "peak_y", "peak_z",
)  # fmt: skip
DIGESTS = "files_sha256"  # of the files beside a record; its "sha256" is of what went into the map
DIGITS = 17  # of a float64, so that it is read back as it was

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Record:
    """What is written beside a map: enough to know whether it is the one wanted."""

    key: str
    atlas: str
    entries: dict[str, Any]

    @property
    def prediction(self) -> Prediction | None:
        """What the network says of the scan; None where that is withheld."""
        entry = self.entries.get("prediction")
        return None if entry is None else Prediction(**entry)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is doubtful about the scan and the map."""
        return (*read_warnings(self.entries, "scan"), *read_warnings(self.entries, "map"))

    @property
    def target(self) -> str:
        """The class that is explained."""
        return self.entries["target"]


def read_record(layout: Layout, label: str, method: str, keep_maps: bool) -> Record | None:
    """Return the record of a map, or None if there is none, it is damaged, or its files are not those it was written with.

    Sizes and the digest of the table of areas are compared always, that of
    the map only if it is newer than the record: reading every map of a large
    cohort would take minutes. Who reads a map verifies it
    (`mriinterp.results.verified`).
    """
    path = layout.record(label, method)
    try:
        entries = read_json(path)
        check_any_seal(entries)
        sizes = dict(entries["bytes"])
        record = Record(entries["key"], entries["atlas_sha256"], entries)
        _ = record.prediction, record.target, record.warnings
        if not keep_maps:
            sizes = {"areas": sizes["areas"]}
        elif "relevance" not in sizes:
            return None
        files = {"relevance": layout.map(label, method), "areas": layout.areas(label, method)}
        files |= _image_files(layout, label, method, entries.get("images", {}))
        if any(os.stat(files[name]).st_size != size for name, size in sizes.items()):
            return None
        written = os.stat(path).st_mtime_ns
        for name, digest in dict(entries.get(DIGESTS, {})).items():
            newer = name in sizes and os.stat(files[name]).st_mtime_ns > written
            if (newer or name == "areas") and file_digest(files[name]) != digest:
                return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record


def write_record(
    layout: Layout,
    label: str,
    relevance: RelevanceMap,
    key: str,
    atlas: Atlas,
    keep_maps: bool,
    withheld: bool = False,
    **more: Any,
) -> None:
    """Write map, areas and, last, the record. OSError if the disk does not take them.

    `withheld`: without what the network says of the scan.
    """
    method = relevance.method
    layout.record(label, method).unlink(missing_ok=True)  # an older one must not vouch for the new image
    files = {"areas": layout.areas(label, method)}
    if keep_maps:
        files["relevance"] = layout.map(label, method)
        write_volume(relevance.volume, files["relevance"], space="mni")
        more |= _write_images(layout, label, relevance)
        files |= _image_files(layout, label, method, more.get("images", {}))
    else:
        with replacing(layout.scratch(label, method)) as temporary, temporary.open("wb") as stream:
            np.save(stream, relevance.volume.data, allow_pickle=False)
    write_areas(layout, label, relevance, atlas)
    more |= {"SpatialReference": layout.space, "atlas": atlas.name, "atlas_sha256": atlas.digest}
    more["bytes"] = {name: file.stat().st_size for name, file in sorted(files.items(), reverse=True)}
    more[DIGESTS] = {name: file_digest(file) for name, file in sorted(files.items(), reverse=True)}
    entries = sealed(to_sidecar(relevance, with_prediction=not withheld, key=key, **more))
    write_text(layout.record(label, method), json.dumps(entries, indent=1, ensure_ascii=False) + "\n")


def _write_images(layout: Layout, label: str, relevance: RelevanceMap) -> dict[str, Any]:
    """Write the relevance of each image of a scan of several; returns what the record says of them."""
    labels = image_labels(relevance.images)
    for name, image in labels.items():
        write_volume(relevance.images[name], layout.image_map(label, relevance.method, image), space="mni")
        entries = {"image": name, "part_of": layout.record(label, relevance.method).name, "unit": relevance.unit}
        entries |= {"SpatialReference": layout.space}
        text = json.dumps(entries, indent=1, ensure_ascii=False) + "\n"
        write_text(layout.image_record(label, relevance.method, image), text)
    return {"images": labels} if labels else {}


def _image_files(layout: Layout, label: str, method: str, labels: dict[str, str]) -> dict[str, Path]:
    """Return the files of the relevance of each image as a record names them."""
    return {f"image {name}": layout.image_map(label, method, image) for name, image in dict(labels).items()}


def write_areas(layout: Layout, label: str, relevance: RelevanceMap, atlas: Atlas) -> None:
    """Write the table of areas, hemispheres apart, in the map's own unit."""
    table = area_table(relevance, atlas, merge_hemispheres=False, normalise=False)
    index = area_index(atlas, relevance.volume.grid)
    table["signed_sum"] = index.sums(np.nan_to_num(index.inside(relevance.volume.data)))
    write_tsv(table[list(AREA_COLUMNS)], layout.areas(label, relevance.method), digits=DIGITS)


def read_map(layout: Layout, label: str, method: str, image: str = "") -> tuple[Volume, dict[str, Any]]:
    """Return the map of a scan, verified, and the entries of its record.

    With `image`, the part of that image of a network of several.

    Raises
    ------
    KeyError
        If the record knows no such image.
    DamagedImage
        If a map is not the one written.
    """
    record = layout.record(label, method)
    entries = read_json(record)
    try:
        check_any_seal(entries)
    except DamagedFile as error:
        raise DamagedImage(f"{record.name}: {error}; run the cohort again") from error
    digests = entries.get(DIGESTS)
    path, name = layout.map(label, method), "relevance"
    if image:
        path, name = layout.image_map(label, method, entries["images"][image]), f"image {image}"
    return read_verified(path, digests.get(name) if isinstance(digests, dict) else None), entries


def read_areas(layout: Layout, label: str, method: str) -> pd.DataFrame:
    """Return the table of areas of one map, columns `AREA_COLUMNS`."""
    table = read_tsv(layout.areas(label, method), ["area", "hemisphere"])
    return table.fillna({"area": "", "hemisphere": ""})
