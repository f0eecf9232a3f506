"""Where scans come from, small enough to be sent to other processes and machines."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import mriinterp
from mriinterp.base.fingerprint import file_stamp
from mriinterp.image.nifti import read_volume
from mriinterp.image.scanset import as_scan
from mriinterp.image.template import DEMO_GRID, template
from mriinterp.image.volume import Volume
from mriinterp.prepare import PrepareJob, files_of
from mriinterp.simulation.subjects import SimulationSettings, simulate_subject
from mriinterp.study.kept_scans import shipped_scan

__all__ = ["FileScan", "InputsScan", "PreparedScan", "SimulatedScan", "TemplateScan"]


def _digest(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


@dataclass(frozen=True)
class FileScan:
    """A scan in a file."""

    path: Path
    allow_unknown_space: bool = False

    def load(self) -> Volume:
        """Read it."""
        return read_volume(self.path, allow_unknown_space=self.allow_unknown_space)

    def fingerprint(self) -> str:
        """Return a text that changes when the file is written again; reads no voxel. OSError if there is no file."""
        stat = os.stat(self.path)
        return _digest(Path(self.path).name, stat.st_size, stat.st_mtime_ns, self.allow_unknown_space)

    def stamp(self) -> str:
        """Return `fingerprint`, which also distinguishes files of one size and time; on this machine only."""
        return _digest(self.fingerprint(), file_stamp([self.path], read=0))


@dataclass(frozen=True)
class PreparedScan:
    """A raw scan in a file, prepared for the study's network when it is wanted first, and kept.

    Parameters
    ----------
    job : PrepareJob
    numbers : tuple of (str, float)
        Of the scan, that the network reads beside the image.
    """

    job: PrepareJob
    numbers: tuple[tuple[str, float], ...] = ()

    def load(self) -> Volume:
        """Read the prepared scan; prepare it before if need be. ValueError if its quality is refused."""
        scan = self.job.load()
        return as_scan({"image": scan} | dict(self.numbers)) if self.numbers else scan

    def is_ready(self) -> bool:
        """Return whether it was prepared already; OSError if the raw scan is gone."""
        return self.job.is_done()

    def fingerprint(self) -> str:
        """Return a text that changes when the raw file, or any of its folder, or how it would be prepared, does; reads no voxel."""
        job = self.job
        raw = [FileScan(path, job.allow_unknown_space).fingerprint() for path in files_of(job.path)]
        series = [] if job.series is None else [job.series]
        return _digest(*raw, job.options.preparation.entry, job.shape, job.affine, *series, *self.numbers)

    def stamp(self) -> str:
        """Return `fingerprint`, which also distinguishes files of one size and time; on this machine only."""
        return _digest(self.fingerprint(), file_stamp(files_of(self.job.path), read=0))


@dataclass(frozen=True)
class InputsScan:
    """A scan of several images, or with numbers.

    Parameters
    ----------
    images : tuple of (str, FileScan)
    numbers : tuple of (str, float)
    """

    images: tuple[tuple[str, FileScan], ...]
    numbers: tuple[tuple[str, float], ...] = ()

    def load(self) -> Volume:
        """Read all images."""
        return as_scan({name: image.load() for name, image in self.images} | dict(self.numbers))

    def fingerprint(self) -> str:
        """Return what changes when a file is written again, or with a number; read no voxel. OSError if one is missing."""
        return _digest(*((name, image.fingerprint()) for name, image in self.images), *self.numbers)

    def stamp(self) -> str:
        """Return `fingerprint`, which also distinguishes files of one size and time; on this machine only."""
        return _digest(*((name, image.stamp()) for name, image in self.images), *self.numbers)


@dataclass(frozen=True)
class SimulatedScan:
    """A scan that is simulated when it is wanted."""

    settings: SimulationSettings
    subject: str

    def load(self) -> Volume:
        """Simulate it, or read the one that comes with the package."""
        found = shipped_scan(self.settings, self.subject)
        return simulate_subject(self.settings, self.subject).volume if found is None else found[0]

    def fingerprint(self) -> str:
        """Return a text that changes with the settings and with the version of this package."""
        return _digest("simulated", self.settings, self.subject, mriinterp.__version__)

    stamp = fingerprint


@dataclass(frozen=True)
class TemplateScan:
    """The template brain on the demo study's grid."""

    def load(self) -> Volume:
        """Resample it."""
        return template(DEMO_GRID)

    def fingerprint(self) -> str:
        """Return a text that is always the same."""
        return _digest("template", mriinterp.__version__)

    stamp = fingerprint
