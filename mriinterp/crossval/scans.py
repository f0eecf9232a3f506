"""The scans of a cross-validation, read once and kept in one file as float16."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mriinterp.areas.index import area_index
from mriinterp.base.atomic import write_text
from mriinterp.base.files import read_json
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.image.preparation import Preparation
from mriinterp.image.volume import Volume, resample
from mriinterp.models import Model
from mriinterp.study import TableStudy
from mriinterp.study.training import scan_marks

__all__ = ["KeptScans", "keep_scans", "scans_digest"]

HIGHEST = 1024.0  # of a kept scan: far from where float16 overflows or loses digits


@dataclass(frozen=True, eq=False)
class KeptScans:
    """Scans on the network's grid, masked, not normalised.

    Parameters
    ----------
    ids : tuple of str
    data : array, shape (n, i, j, k), float16
        Read from the file on demand.
    scale : array, shape (n,)
        What a scan was divided by, a power of two.
    areas : array, shape (n, areas)
        Mean of each area of the atlas; of intensities divided by the scan's
        mean above 0.
    failed : dict of str to str
        Scans that could not be read, and why.
    preparation : Preparation or None
        How the scans were brought into template space, if all agree.
    """

    ids: tuple[str, ...]
    data: np.ndarray
    scale: np.ndarray
    areas: np.ndarray
    failed: dict[str, str]
    preparation: Preparation | None

    def __getitem__(self, subject: str) -> np.ndarray:
        """Return a scan, (i, j, k), float32."""
        at = self.ids.index(subject)
        return self.data[at].astype(np.float32) * np.float32(self.scale[at])

    def areas_of(self, subjects: Sequence[str]) -> np.ndarray:
        """Return the area means of some scans, shape (n, areas)."""
        return self.areas[[self.ids.index(name) for name in subjects]]


def keep_scans(
    study: TableStudy,
    model: Model,
    ids: Sequence[str],
    folder: Path,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> KeptScans:
    """Read scans onto the network's grid into a file of a folder, or use what is there of the same scans.

    Raises
    ------
    ValueError
        If no scan can be read, or two patients have the same image.
    """
    note, path = folder / "scans.json", folder / "scans.npy"
    digest = scans_digest(study, model, ids)
    try:
        about = read_json(note)
        if about["digest"] == digest:
            return _opened(about, path)
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        pass  # not there, or damaged: read again
    about = _read(study, model, ids, path, progress, cancel)
    write_text(note, json.dumps({"digest": digest, **about}))
    return _opened(about, path)


def _opened(about: dict, path: Path) -> KeptScans:
    way = about["preparation"]
    return KeptScans(
        tuple(about["ids"]),
        np.load(path, mmap_mode="r", allow_pickle=False),
        np.asarray(about["scale"], float),
        np.asarray(about["areas"], float),
        about["failed"],
        None if way is None else Preparation(*way),
    )


def scans_digest(study: TableStudy, model: Model, ids: Sequence[str]) -> str:
    """Return SHA-256 over the names and marks of scans' files, grid, mask and atlas: what decides what is kept."""
    digest = hashlib.sha256(json.dumps([list(model.grid.shape), model.grid.affine.tolist()]).encode())
    digest.update(b"" if model.mask is None else model.mask.digest.encode())
    digest.update(study.atlas().digest.encode())
    digest.update(scan_marks(study, ids))
    return digest.hexdigest()


def _read(study: TableStudy, model: Model, ids: Sequence[str], path: Path, progress, cancel) -> dict:
    path.parent.mkdir(parents=True, exist_ok=True)
    index = area_index(study.atlas(), model.grid)
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(len(ids), *model.grid.shape))
    read: dict = {"ids": [], "scale": [], "areas": [], "failed": {}}
    owners: dict[str, str] = {}
    ways: set[Preparation | None] = set()
    for done, subject in enumerate(ids, 1):
        check_cancel(cancel)
        try:
            scan = study.scan(subject)
            data = _on_grid(model, scan)
        except (OSError, ValueError) as error:
            read["failed"][subject] = str(error)
            tell(progress, done, len(ids))
            continue
        _check_owner(owners, hashlib.sha256(data.tobytes()).hexdigest(), subject, study)
        scale = float(2.0 ** np.ceil(np.log2(np.abs(data).max() / HIGHEST)))
        out[len(read["ids"])] = data / np.float32(scale)
        above = data[data > 0]
        unit = float(above.mean()) if above.size else 1.0
        read["areas"].append((index.means(data) / unit).tolist())
        read["ids"].append(subject)
        read["scale"].append(scale)
        ways.add(scan.preparation)
        tell(progress, done, len(ids))
    out.flush()
    if not read["ids"]:
        why = "; ".join(f"{name}: {text}" for name, text in list(read["failed"].items())[:3])
        raise ValueError(f"{study.name}: expected scans that can be read, got none of {len(ids)} ({why})")
    way = ways.pop() if len(ways) == 1 else None
    return {**read, "preparation": None if way is None else [way.kind, way.pipeline]}


def _on_grid(model: Model, scan: Volume) -> np.ndarray:
    """Return a scan as a normalisation meets it: on the network's grid, masked; ValueError for an empty one."""
    data = resample(scan, model.grid, order=1).data.astype(np.float32, copy=False)
    if model.mask is not None:
        data = data * (model.mask.data > 0)
    if not data.any() or not np.isfinite(data).all():
        raise ValueError(f"expected finite intensities within the network's field of view ({model.grid})")
    return np.ascontiguousarray(data)


def _check_owner(owners: dict[str, str], image: str, subject: str, study: TableStudy) -> None:
    """Raise ValueError if the same image stands under two patients: it could train and test at once."""
    other = owners.setdefault(image, subject)
    patients = study.subjects.loc[[other, subject], "subject"]
    if patients.iloc[0] != patients.iloc[1]:
        raise ValueError(
            f"{study.name}: expected an image of one patient only, got the same one as {other} (patient "
            f"{patients.iloc[0]}) and {subject} (patient {patients.iloc[1]}): it could train and test at once; "
            "correct the table"
        )
