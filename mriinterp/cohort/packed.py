"""A cohort's averages and tables as a small folder, to be shipped with a package or sent round.

The folder is read by `mriinterp.cohort.open_cohort` like that of a run. It
lacks the maps of single scans and the deviations, so nothing that needs
these is offered. Means are rounded to a step that ``run.json`` states.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mriinterp
from mriinterp.base.atomic import replacing, write_text
from mriinterp.base.errors import as_sentence
from mriinterp.base.fingerprint import file_digest
from mriinterp.base.tables import none_for_missing, write_tsv
from mriinterp.cohort.group_means import sidecar_of
from mriinterp.cohort.layout import Layout
from mriinterp.cohort.provenance import write_provenance
from mriinterp.cohort.result import CohortResult, open_cohort
from mriinterp.cohort.voxels import VoxelComparison, voxel_entries
from mriinterp.compare import distance_matrix, paired_values
from mriinterp.image.nifti import read_volume
from mriinterp.image.volume import Volume, resample
from mriinterp.image.write import write_volume
from mriinterp.study import Study

__all__ = [
    "MOST_BYTES",
    "PACKED",
    "Packed",
    "pack_cohort",
    "packed_distances",
    "packed_of",
    "packed_truth",
    "shipped_folder",
    "stale_words",
]

PACKED = "packed"  # the entry of run.json
MOST_BYTES = 6_000_000  # of a folder that is shipped with the package
STEPS = 120  # between 0 and the percentile of the magnitudes below
PERCENTILE = 99.9
AREA_COLUMNS = ("id", "group", "method", "area", "label", "hemisphere", "voxels", "sum", "signed_sum")
DROPPED = ("started", "seconds", "maps_computed", "threads", "device")  # of the machine, not of the averages
TRUTH = "truth.nii.gz"
DISTANCE_KIND = "absolute"  # of which averages distances are packed: those of the size of both signs
SHIPPED = Path(__file__).parent / "shipped"


@dataclass(frozen=True)
class Packed:
    """What ``run.json`` says of a packed folder.

    Parameters
    ----------
    version : str
        Of the package that packed it.
    fingerprints : dict of str to str
        Of every scan, when it was explained.
    steps : dict of str to float
        By file: the step to which its values are rounded.
    voxels : dict of str to dict
        By method: what a test of every voxel found, see `mriinterp.cohort.voxels.voxel_entries`.
    truth_scans : int
        Scans of the positive group of which ``truth.nii.gz`` counts where
        disease changed tissue; 0 where that is not known.
    distances : dict of str to dict
        Euclidean distances of the averages of sizes: ``methods``, by group, of every two methods, and ``groups``, by
        method, of the compared ones. Reading ten averages to make them takes most of a second.
    """

    version: str
    fingerprints: dict[str, str]
    steps: dict[str, float]
    voxels: dict[str, dict[str, Any]]
    truth_scans: int = 0
    distances: dict[str, dict[str, Any]] = field(default_factory=dict)


def packed_of(result: CohortResult) -> Packed | None:
    """Return what is known of a packed folder; None of the folder of a run."""
    entries = result.run.get(PACKED)
    return None if entries is None else Packed(**entries)


def packed_distances(
    result: CohortResult, kind: str = DISTANCE_KIND
) -> tuple[dict[str, pd.DataFrame], pd.Series | None] | None:
    """Return Euclidean distances of averages: of every two methods, by group, and of the two groups, by method.

    None where they are not packed, or not of these groups.

    Parameters
    ----------
    result : CohortResult
    kind : str
        Of the averages, as for `CohortResult.mean`.
    """
    about = packed_of(result)
    if about is None or not about.distances or kind != DISTANCE_KIND:
        return None
    known, pair = about.distances["methods"], {result.positive, result.reference_group}
    if result.positive and pair != set(about.distances["pair"]):
        return None
    order = sorted(known, key=lambda group: group != result.positive)
    matrices = {group: pd.DataFrame(known[group], dtype=float).T for group in order}
    between = pd.Series(about.distances["groups"], dtype=float, name="euclidean")
    return matrices, between if result.positive else None


def packed_truth(result: CohortResult) -> tuple[Volume, int] | None:
    """Return in how many scans of the positive group disease changed each voxel, and of how many; None if unknown."""
    about = packed_of(result)
    if about is None or not about.truth_scans:
        return None
    return read_volume(result.folder / TRUTH, allow_constant=True), about.truth_scans


def shipped_folder(study: Study) -> Path | None:
    """Return the folder of a study's averages that is part of this package; None if there is none."""
    folder = SHIPPED / study.name
    return folder if study.simulated and study.output is None and (folder / "run.json").is_file() else None


def stale_words(result: CohortResult, study: Study, model_digest: str, atlas_digest: str) -> str:
    """Return why packed averages are not those of a study as it is now, in a sentence; "" if they are.

    Parameters
    ----------
    result : CohortResult
    study : Study
    model_digest, atlas_digest : str
        Of its network and its areas now.
    """
    about, changed = packed_of(result), []
    if about is None:
        return ""
    if result.run["model"]["sha256"] != model_digest:
        changed.append("the network")
    if result.run["atlas"]["sha256"] != atlas_digest:
        changed.append("the atlas")
    groups = dict(zip(result.subjects.index, result.subjects["group"], strict=True))
    now = {str(i): (study.source(i).fingerprint(), str(study.group_of(i))) for i in study.subjects.index}
    if now != {i: (about.fingerprints.get(i), group) for i, group in groups.items()}:
        changed.append("the scans")
    if about.version != mriinterp.__version__:
        changed.append(f"the version of the program ({about.version}, now {mriinterp.__version__})")
    return as_sentence(f"since they were made, {' and '.join(changed)} changed") if changed else ""


def pack_cohort(
    result: CohortResult, study: Study, out: Path | str, voxels: Sequence[VoxelComparison] = ()
) -> CohortResult:
    """Write means, tables and provenance of a finished cohort as a small folder; return it, opened.

    The same cohort gives the same bytes.

    Parameters
    ----------
    result : CohortResult
    study : Study
        Of the cohort.
    out : path
        A new folder, or one that was packed before.
    voxels : sequence of VoxelComparison, optional
        Tests of every voxel whose figures are kept.

    Raises
    ------
    ValueError
        If the folder holds something else, or scans were left out.
    """
    out = Path(out)
    if (out / "run.json").is_file() and PACKED not in open_cohort(out).run:
        raise ValueError(f"expected a new folder or one that was packed before, got {out}, which holds a run")
    if result.failures:
        raise ValueError(f"expected a cohort of all its scans, got one without {', '.join(result.failures)}")
    layout = Layout(out, result.layout.space)
    steps = {}
    for method in result.methods:
        for group in result.groups:
            for part in dict.fromkeys(("signed", result.reading(method))):
                path = layout.group(method, result.run["labels"][group], part, "mean")
                steps[path.name] = _write_mean(result, method, group, part, path)
    write_tsv(result.subjects.reset_index(drop=True), layout.subjects)
    write_tsv(result.group_table.reset_index(drop=True), layout.groups)
    _write_areas(result, layout.table)
    about = Packed(
        mriinterp.__version__,
        {str(i): study.source(i).fingerprint() for i in result.subjects.index},
        steps,
        {found.method: voxel_entries(found) for found in voxels},
        _write_truth(result, study, out / TRUTH),
    )
    run = {key: value for key, value in result.run.items() if key not in DROPPED}
    run["files_sha256"] = {path.name: file_digest(path) for path in (layout.subjects, layout.groups, layout.table)}
    entries = {**run, "maps": False, PACKED: vars(about)}
    packed = CohortResult(out, entries)  # distances are of the means as they are read
    write_provenance(layout.run, entries | {PACKED: vars(about) | {"distances": _distances(packed)}})
    return open_cohort(out)


def _distances(packed: CohortResult) -> dict[str, Any]:
    """Return distances of packed averages, as they are read, for `Packed.distances`; None where one has no meaning."""
    means = {group: packed.means(group, DISTANCE_KIND) for group in packed.groups}
    tables = {group: distance_matrix(maps, "euclidean", errors="nan") for group, maps in means.items()}
    pair = [packed.positive, packed.reference_group]
    one, two = (means.get(group, {}) for group in pair)
    between = paired_values(one, two, "euclidean", errors="nan") if set(one) & set(two) else pd.Series(dtype=float)
    return {
        "methods": {group: none_for_missing(table).to_dict("index") for group, table in tables.items()},
        "pair": pair,
        "groups": none_for_missing(between).to_dict(),
    }


def _write_mean(result: CohortResult, method: str, group: str, part: str, path: Path) -> float:
    """Write a mean map in whole steps; return the step."""
    volume = result.mean(method, group, part)
    size = np.abs(volume.data)
    reach = float(np.percentile(size[size > 0], PERCENTILE)) if size.any() else 1.0
    step = float(np.float32(max(reach / STEPS, float(size.max()) / 32000)))
    write_volume(volume, path, space="mni", step=step)
    entries = {"method": method, "group": group, "part": part, "n": result.n(method, group), "step": step}
    entries["sha256"] = file_digest(path)
    write_text(sidecar_of(path), json.dumps(entries) + "\n")
    return step


def _write_truth(result: CohortResult, study: Study, path: Path) -> int:
    """Write in how many scans of the positive group disease changed each voxel; return of how many, 0 if unknown."""
    scans = [i for i in result.subjects.index if result.subjects.loc[i, "group"] == result.positive]
    places = [study.truth(i) for i in scans] if study.simulated and result.positive else []
    known = [place for place in places if place is not None]
    if not known or len(known) < len(scans):
        path.unlink(missing_ok=True)
        return 0
    count = np.zeros(result.grid.shape, np.int16)
    for place in known:
        count += resample(place.with_data(place.data > 0), result.grid, order=0).data > 0
    write_volume(Volume(count, result.grid.affine), path, space="mni")
    return len(known)


def _write_areas(result: CohortResult, path: Path) -> None:
    """Write the table of areas with the columns that tests and figures use."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = [result.area_rows(method)[list(AREA_COLUMNS)] for method in result.methods]
    pieces = [pa.Table.from_pandas(t.astype({"sum": "f4", "signed_sum": "f4"}), preserve_index=False) for t in tables]
    with replacing(path) as temporary:
        pq.write_table(pa.concat_tables(pieces).replace_schema_metadata(), temporary, compression="zstd")
