"""Open raw scans: NIfTI, MGZ, a DICOM folder, a .zip of either."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from mriinterp.base.progress import Cancel, Progress
from mriinterp.image.nifti import read_volume, read_volume_bytes
from mriinterp.image.volume import Volume
from mriinterp.prepare.archive import unpack
from mriinterp.prepare.dicom import Series, choose_series, convert_series, find_series

__all__ = ["RawScan", "is_dicom", "open_raw", "open_raw_bytes"]

IMAGES = (".nii", ".nii.gz", ".mgz", ".mgh")


@dataclass(frozen=True, eq=False)
class RawScan:
    """A raw scan and its source.

    Parameters
    ----------
    volume : Volume
    found : str
        What was found, a sentence for the reader.
    series : Series, optional
        Of a DICOM folder.
    """

    volume: Volume
    found: str
    series: Series | None = None


def is_dicom(path: Path) -> bool:
    """Return whether a file has the mark of a DICOM file."""
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def open_raw(
    path: str | os.PathLike,
    *,
    series: int | None = None,
    allow_unknown_space: bool = False,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> RawScan:
    """Read a raw scan.

    Parameters
    ----------
    path : path
        .nii, .nii.gz, .mgz, .mgh; a folder of DICOM files; a .zip of either.
    series : int, optional
        Number of the DICOM series, where several may be meant.
    allow_unknown_space : bool
        As of `mriinterp.image.nifti.read_volume`.

    Raises
    ------
    FileNotFoundError, ValueError
    """
    path = Path(path)
    if path.is_dir():
        return _from_folder(path, series, progress, cancel)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder; check the spelling")
    if path.is_file() and not path.name.lower().endswith(IMAGES):
        if zipfile.is_zipfile(path):
            with TemporaryDirectory(prefix="mriinterp-") as name:
                unpack(path, Path(name), cancel=cancel)
                return _from_folder(Path(name), series, progress, cancel)
        if is_dicom(path):
            (only,) = find_series([path])
            if only.slices == 1:
                raise ValueError(
                    f"expected a whole DICOM series, got one of its images; name its folder instead: {path.parent}"
                )
            return _converted(choose_series([only], series), 1, cancel)
    return RawScan(read_volume(path, allow_unknown_space=allow_unknown_space), "One image file.")


def open_raw_bytes(data: bytes, name: str, *, series: int | None = None, cancel: Cancel | None = None) -> RawScan:
    """Read a raw scan, as `open_raw` does, from the bytes of an uploaded file; its name is not used for a path."""
    if name.lower().endswith(".zip"):
        with TemporaryDirectory(prefix="mriinterp-") as folder:
            unpack(BytesIO(data), Path(folder), cancel=cancel)
            return _from_folder(Path(folder), series, None, cancel)
    return RawScan(read_volume_bytes(data, name), "One image file.")


def _from_folder(folder: Path, series: int | None, progress: Progress | None, cancel: Cancel | None) -> RawScan:
    images = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name.lower().endswith(IMAGES)]
    if len(images) == 1:
        return RawScan(read_volume(images[0]), "One image file.")
    if images:
        raise ValueError(f"expected one scan, got a folder with {len(images)} image files; name one of them")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    found = find_series(files, progress=progress, cancel=cancel)
    return _converted(choose_series(found, series), len(found), cancel)


def _converted(series: Series, count: int, cancel: Cancel | None) -> RawScan:
    many = "1 series" if count == 1 else f"{count} series"
    return RawScan(convert_series(series, cancel=cancel), f"{many}; taken as the T1 scan: {series}.", series)
