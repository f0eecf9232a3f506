"""Choose the T1 scan among DICOM series, and convert it with dcm2niix, which handles vendors' variants and compressed images."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from mriinterp.base.progress import Cancel, check_cancel
from mriinterp.base.scratch import scratch_folder
from mriinterp.image.nifti import read_volume
from mriinterp.image.volume import Volume
from mriinterp.prepare.dicom_series import Series

__all__ = ["AmbiguousSeries", "choose_series", "convert_series"]

CHOICE = "--series N; in a study file series = N under [prepare]"


class AmbiguousSeries(ValueError):
    """The reader has to choose the T1 scan; `series` holds those that may be meant, of `count` in all."""

    def __init__(self, series: Sequence[Series], count: int):
        self.series, self.count = tuple(series), count
        if len(self.series) == 1:
            super().__init__(
                "expected a T1-weighted scan, got one 3D series that does not look like one: "
                f"{self.series[0]}; choose it by its number ({CHOICE}) if it is"
            )
            return
        listed = "; ".join(map(str, self.series))
        super().__init__(
            f"expected one T1 scan, got {len(self.series)} that may be meant; choose one by its number ({CHOICE}): {listed}"
        )


def choose_series(series: Iterable[Series], number: int | str | None = None) -> Series:
    """Choose the T1 scan among series.

    Parameters
    ----------
    series : iterable of Series
    number : int or str, optional
        The series' number, its uid or its description (wildcards, without
        case: ``*mprage*``), where the choice is not left to name and timing.

    Raises
    ------
    AmbiguousSeries
        Several series may be meant, or one that does not look like a T1 scan.
    ValueError
        None can be taken, or not the one asked for; each is listed with its
        reason.
    """
    series = list(series)
    count = len(series)
    if number is not None:
        wanted = [entry for entry in series if _is_meant(entry, number)]
        if not wanted:
            known = "; ".join(f"{entry.number} {entry.description!r}" for entry in series)
            raise ValueError(f"expected the number or description of a series, got {number}; available: {known}")
        if len(wanted) == 1 and not wanted[0].problem:
            return wanted[0]
        series = wanted
    usable = [entry for entry in series if not entry.problem]
    named = [entry for entry in usable if entry.t1]
    if len(named) == 1:
        return named[0]
    if not usable:
        reasons = "; ".join(f"{entry}: {entry.problem}" for entry in series[:8])
        raise ValueError(f"expected a 3D T1-weighted MR scan, got none among {len(series)} series: {reasons}")
    raise AmbiguousSeries(named or usable, count)


def _is_meant(series: Series, wanted: int | str) -> bool:
    """Return whether a series has this number, uid or description."""
    text = str(wanted).strip().lower()
    return text in (str(series.number), series.uid) or fnmatchcase(series.description.strip().lower(), text)


def convert_series(series: Series, *, cancel: Cancel | None = None) -> Volume:
    """Convert a series to voxels, RAS+ with its affine.

    Raises
    ------
    ValueError
        If dcm2niix does not make exactly one image of it.
    """
    try:
        import dcm2niix
    except ImportError as error:
        raise FileNotFoundError("expected the package dcm2niix; pip install -r requirements.txt") from error
    with scratch_folder() as folder:
        source, out = folder / "in", folder / "out"
        source.mkdir()
        out.mkdir()
        for number, path in enumerate(series.files):
            _link(path, source / f"{number:05d}.dcm")
        check_cancel(cancel)
        command = [
            str(dcm2niix.bin),
            "-b",
            "n",
            "-z",
            "n",
            "-x",
            "n",
            "-m",
            "n",
            "-f",
            "scan",
            "-o",
            str(out),
            str(source),
        ]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=300)
        made = sorted(out.glob("*.nii"))
        if len(made) > 1 and (equal := [path for path in made if "_Eq" in path.stem]):
            made = equal  # slices of varying distance, resampled to an even one
        if done.returncode not in (0, 8) or len(made) != 1:
            raise ValueError(
                f"expected one image of {series}, got {len(made)} from dcm2niix; convert it by hand and open the NIfTI file"
            )
        return read_volume(made[0])


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
