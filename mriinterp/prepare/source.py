"""Open raw scans: NIfTI, MGZ, a DICOM folder, a .zip of either."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from mriinterp.base.progress import Cancel, Progress, check_cancel
from mriinterp.base.scratch import scratch_folder
from mriinterp.image.formats import is_dicom as dicom_bytes
from mriinterp.image.nifti import read_volume, read_volume_bytes
from mriinterp.image.volume import Volume
from mriinterp.prepare.archive import kept_ending, unpack
from mriinterp.prepare.dicom import choose_series, convert_series
from mriinterp.prepare.dicom_series import Series, find_series

__all__ = [
    "FileBytes",
    "RawScan",
    "describe_choice",
    "holds_image",
    "is_dicom",
    "open_raw",
    "open_raw_files",
    "series_in",
]

IMAGES = (".nii", ".nii.gz", ".mgz", ".mgh")
ZIP = b"PK\x03\x04"

FileBytes = tuple[str, bytes]
"""Name and content of an uploaded file; the name is not used for anything on disk."""


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
    series: int | str | None = None,
    allow_unknown_space: bool = False,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> RawScan:
    """Read a raw scan.

    Parameters
    ----------
    path : path
        .nii, .nii.gz, .mgz, .mgh; a folder of DICOM files; a .zip of either.
    series : int or str, optional
        Number or description of the DICOM series (`mriinterp.prepare.dicom.choose_series`), where several may be meant.
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
            with scratch_folder() as folder:
                unpack(path, folder, cancel=cancel)
                return _from_folder(folder, series, progress, cancel)
        if is_dicom(path):
            (only,) = find_series([path])
            if only.slices == 1:
                raise ValueError(
                    f"expected a whole DICOM series, got one of its images; name its folder instead: {path.parent}"
                )
            return _converted(choose_series([only], series), 1, cancel)
    return RawScan(read_volume(path, allow_unknown_space=allow_unknown_space), "One image file.")


def holds_image(files: Sequence[FileBytes]) -> bool:
    """Return whether uploaded files are one image file, and not what a scanner writes: DICOM, or a .zip."""
    return len(files) == 1 and files[0][1][:4] != ZIP and not dicom_bytes(files[0][1][:132], files[0][0])


def series_in(files: Sequence[FileBytes], *, cancel: Cancel | None = None) -> list[Series]:
    """Return the series in uploaded DICOM files or in a .zip of them; empty where a .zip holds an image file.

    The paths of their files are gone when this returns.

    Raises
    ------
    ValueError
        As of `open_raw`.
    """
    with _laid_out(files, cancel) as folder:
        if _images(folder):
            return []
        return find_series(sorted(folder.iterdir()), cancel=cancel)


def open_raw_files(
    files: Sequence[FileBytes], *, series: int | str | None = None, cancel: Cancel | None = None
) -> RawScan:
    """Read a raw scan, as `open_raw` does, from uploaded files: an image, a .zip, or the DICOM files of a folder.

    Parameters
    ----------
    files : sequence of (str, bytes)
    series : int or str, optional
        As of `open_raw`.
    """
    if holds_image(files):
        name, data = files[0]
        return RawScan(read_volume_bytes(data, name), "One image file.")
    with _laid_out(files, cancel) as folder:
        return _from_folder(folder, series, None, cancel)


@contextmanager
def _laid_out(files: Sequence[FileBytes], cancel: Cancel | None) -> Iterator[Path]:
    """Write uploaded files into a folder, under neutral names; it is removed at the end."""
    with scratch_folder() as folder:
        if len(files) == 1 and files[0][1][:4] == ZIP:
            unpack(BytesIO(files[0][1]), folder, cancel=cancel)
        else:
            for number, (file, data) in enumerate(files):
                check_cancel(cancel)
                if data[:4] == ZIP:
                    raise ValueError("expected one .zip, or files that belong together, got a .zip among other files")
                (folder / f"{number:05d}{kept_ending(file)}").write_bytes(data)
        yield folder


def _images(folder: Path) -> list[Path]:
    found = (path for path in sorted(folder.rglob("*")) if path.name.lower().endswith(IMAGES))
    return [path for path in found if path.is_file() and not path.is_symlink()]


def _from_folder(folder: Path, series: int | str | None, progress: Progress | None, cancel: Cancel | None) -> RawScan:
    images = _images(folder)
    if len(images) == 1:
        return RawScan(read_volume(images[0]), "One image file.")
    if images:
        raise ValueError(f"expected one scan, got {len(images)} image files; give one of them alone")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    found = find_series(files, progress=progress, cancel=cancel)
    return _converted(choose_series(found, series), len(found), cancel)


def _converted(series: Series, count: int, cancel: Cancel | None) -> RawScan:
    return RawScan(convert_series(series, cancel=cancel), describe_choice(series, count), series)


def describe_choice(series: Series, count: int) -> str:
    """Return which of so many series is taken, in a sentence."""
    return f"{'1 series' if count == 1 else f'{count} series'}; taken as the T1 scan: {series}."
