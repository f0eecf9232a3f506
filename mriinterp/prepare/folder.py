"""Prepared scans as a folder of BIDS derivatives: their files, and whether those are the ones wanted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import mriinterp
from mriinterp.areas.atlas import load_atlas
from mriinterp.base.atomic import replacing, write_text
from mriinterp.base.files import read_json
from mriinterp.base.fingerprint import file_digest
from mriinterp.base.labels import subject_labels
from mriinterp.image.nifti import read_labels, read_volume, to_source
from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.prepare.picture import preparation_png, thumbnail
from mriinterp.prepare.pipeline import Prepared
from mriinterp.prepare.quality import Quality
from mriinterp.prepare.transform import Transform, Warp
from mriinterp.subjects.images import RESULTS_MARK

__all__ = [
    "AREAS",
    "PreparedFiles",
    "file_labels",
    "hide_folder",
    "is_current",
    "judged",
    "open_prepared",
    "read_prepared",
    "request_of",
    "write_prepared",
]

SPACE = "MNI152NLin2009aSym"
AREAS = "AAL"
"""Atlas whose areas are written on the scan's own grid."""
IMAGE_ENDING = re.compile(r"(_T1w)?\.(nii(\.gz)?|mg[hz]|zip)$", re.I)
BIDS_NAME = re.compile(r"sub-[A-Za-z0-9]+(?:_ses-[A-Za-z0-9]+)?(?![A-Za-z0-9])")


@dataclass(frozen=True)
class PreparedFiles:
    """Paths of one prepared scan.

    Parameters
    ----------
    out : Path
    key : str
        Label of the scan: ``sub-01``, ``sub-01_ses-m12``.
    """

    out: Path
    key: str

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self.out.joinpath(*self.key.split("_"), "anat")

    def _named(self, rest: str) -> Path:
        return self.folder / f"{self.key}_{rest}"

    @property
    def scan(self) -> Path:
        """The prepared scan, on the network's grid."""
        return self._named(f"space-{SPACE}_desc-brain_T1w.nii.gz")

    @property
    def mask(self) -> Path:
        """The brain mask, on the scan's own grid and voxel order."""
        return self._named("desc-brain_mask.nii.gz")

    @property
    def areas(self) -> Path:
        """Areas of the atlas, on the scan's own grid and voxel order."""
        return self._named(f"desc-{AREAS}_dseg.nii.gz")

    @property
    def transform(self) -> Path:
        """Points of the template to points of the scan, affine, ITK."""
        return self._named(f"from-T1w_to-{SPACE}_mode-image_xfm.txt")

    @property
    def warp(self) -> Path:
        """The warp before that affine, ITK; only of a nonlinear preparation."""
        return self._named(f"from-T1w_to-{SPACE}_mode-image_desc-warp_xfm.nii.gz")

    @property
    def quality(self) -> Path:
        """The quality report; it is written last and marks the scan as done."""
        return self._named("desc-qc_T1w.json")

    @property
    def picture(self) -> Path:
        """The picture to judge it by."""
        return self._named("desc-qc_T1w.png")


def file_labels(names: Iterable[str]) -> dict[str, str]:
    """Return the label of each scan from the name of its file or folder; ``sub-…_ses-…`` at the beginning is understood.

    Examples
    --------
    >>> file_labels(["sub-01_ses-2_T1w.nii.gz", "head scan.mgz"])
    {'sub-01_ses-2_T1w.nii.gz': 'sub-01_ses-2', 'head scan.mgz': 'sub-headscan'}
    """
    labels = {}
    for name in names:
        found = BIDS_NAME.match(name)
        plain = found[0] if found else IMAGE_ENDING.sub("", name)
        (labels[name],) = subject_labels([plain]).values()
    return labels


def write_prepared(prepared: Prepared, files: PreparedFiles, request: Mapping[str, Any]) -> None:
    """Write one prepared scan.

    Parameters
    ----------
    prepared : Prepared
    files : PreparedFiles
    request : mapping
        What the files are made of, for `is_current`.
    """
    files.quality.unlink(missing_ok=True)  # until it is there again, the scan counts as not done
    write_volume(prepared.volume, files.scan, space="mni")
    own = prepared.scan.source or prepared.scan.grid
    write_volume(to_source(prepared.mask, own), files.mask, space="scanner")
    atlas = load_atlas(AREAS)
    write_volume(to_source(prepared.to_scan(atlas.labels, order=0), own), files.areas, space="scanner")
    kind = prepared.volume.preparation
    common = {"SkullStripped": True, "SpatialReference": SPACE}
    _write_json(_sidecar(files.scan), {**common, "Preparation": None if kind is None else kind.entry})
    _write_json(_sidecar(files.mask), {"Type": "Brain"})
    _write_json(_sidecar(files.areas), {"Atlas": AREAS, "AtlasDigest": atlas.digest})
    write_text(files.transform, prepared.transform.itk_text())
    files.warp.unlink(missing_ok=True)
    if prepared.transform.warp is not None:
        prepared.transform.warp.write(files.warp)
    picture = preparation_png(prepared, title=files.key)
    for path, data in ((files.picture, picture), (files.picture.with_suffix(".jpg"), thumbnail(picture))):
        with replacing(path) as temporary:
            temporary.write_bytes(data)
    entries = {
        **prepared.qc.as_dict(),
        "ScanDigest": prepared.digests["scan"],
        "Request": dict(request),
        "ImageDigest": file_digest(files.scan),
        "GeneratedBy": f"mriinterp {mriinterp.__version__}",
    }
    _write_json(files.quality, entries)


def _sidecar(image: Path) -> Path:
    return image.with_name(image.name.removesuffix(".nii.gz") + ".json")


def _write_json(path: Path, entries: Mapping) -> None:
    write_text(path, json.dumps(entries, indent=2, ensure_ascii=False) + "\n")


def is_current(files: PreparedFiles, request: Mapping[str, Any]) -> bool:
    """Return whether a scan's files are there, undamaged, and made of what is asked for."""
    try:
        report = read_json(files.quality)
        there = all(path.is_file() for path in (files.mask, files.areas, files.transform, files.picture))
        return there and report["Request"] == dict(request) and report["ImageDigest"] == file_digest(files.scan)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def read_prepared(files: PreparedFiles) -> Volume:
    """Read the prepared scan, with a note where its quality is in doubt.

    Raises
    ------
    ValueError
        If its quality is refused.
    OSError
        If it is not there.
    """
    return judged(read_volume(files.scan), Quality.from_dict(read_json(files.quality)), f" See {files.picture.name}.")


def judged(scan: Volume, quality: Quality, more: str = "") -> Volume:
    """Return a prepared scan, with a note where its quality is in doubt; ValueError in words if it is refused.

    Parameters
    ----------
    scan : Volume
    quality : Quality
    more : str
        Behind the words of an error.
    """
    if quality.verdict == "refuse":
        raise ValueError(f"its preparation is not usable: {quality.words}{more}")
    if quality.verdict == "good":
        return scan
    return replace(scan, notes=(*scan.notes, f"its preparation is in doubt: {quality.words.rstrip('.')}"))


def open_prepared(files: PreparedFiles, scan: Volume) -> Prepared:
    """Read what `write_prepared` wrote, with the raw scan that it was made of.

    Parameters
    ----------
    files : PreparedFiles
    scan : Volume
        As it came, RAS+.

    Raises
    ------
    OSError, ValueError, KeyError
        If a file is not there or is damaged.
    """
    report = read_json(files.quality)
    mask = read_labels(files.mask)
    return Prepared(
        volume=read_volume(files.scan),
        mask=mask.with_data(mask.data > 0),
        transform=Transform.from_itk_text(
            files.transform.read_text(encoding="utf-8"), Warp.read(files.warp) if files.warp.is_file() else None
        ),
        qc=Quality.from_dict(report),
        scan=scan,
        digests={"scan": report["ScanDigest"], "pipeline": report["Request"]["PipelineDigest"]},
    )


def hide_folder(out: Path) -> None:
    """Keep searches for raw scans out of a folder of prepared ones."""
    out.mkdir(parents=True, exist_ok=True)
    (out / RESULTS_MARK).touch()


def request_of(
    source_digest: str, pipeline: str, grid, series: int | str | None, unknown_space: bool
) -> dict[str, Any]:
    """Return what a prepared scan is made of: the key under which it is kept.

    Parameters
    ----------
    source_digest : str
        SHA-256 of the file or folder that the scan is read from.
    pipeline : str
        Digest of the pipeline: its version, options, weights and programs.
    grid : Grid
        Of the network.
    series : int, str or None
        The DICOM series asked for.
    unknown_space : bool
        Whether a file that does not say where its voxels lie is taken.
    """
    return {
        "SourceDigest": source_digest,
        "PipelineDigest": pipeline,
        "Grid": {"shape": list(grid.shape), "affine": np.round(grid.affine, 8).tolist()},
        "Series": None if series is None else str(series),
        "UnknownSpace": unknown_space,
    }
