"""Prepare a raw T1 scan for a network: brain mask, registration, one resampling, quality."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.image.preparation import Preparation
from mriinterp.image.template import native_template
from mriinterp.image.volume import Grid, Volume, resample
from mriinterp.models import choose_device
from mriinterp.prepare.quality import Quality, judge, load_references
from mriinterp.prepare.register import register_affine, register_warp
from mriinterp.prepare.source import open_raw
from mriinterp.prepare.transform import Transform

__all__ = ["PIPELINE_VERSION", "PrepareOptions", "Prepared", "pipeline_digest", "prepare_scan", "prepare_volume"]

PIPELINE_VERSION = "1"

# Shares of the whole time, in hundredths, as measured on two cores (benchmarks/prepare.py).
READ, FOUND, MASKED, REGISTERED, DONE = 1, 5, 20, 92, 100
REGISTRATION_SECONDS, WARP_SECONDS = 15.0, 40.0


@dataclass(frozen=True)
class PrepareOptions:
    """How scans are prepared.

    Parameters
    ----------
    nonlinear : bool
        Warp the brain onto the template after the affine registration. It
        also removes part of what distinguishes an atrophied brain.
    threads : int
        Of the registration. One thread gives the same bytes each time; with
        more, transforms differ by some hundredths of a millimetre.
    device : str
        Where the brain extraction runs: auto, cpu, cuda.
    """

    nonlinear: bool = False
    threads: int = 1
    device: str = "auto"

    @property
    def kind(self) -> str:
        """Of the registration: linear or nonlinear, as model cards have it."""
        return "nonlinear" if self.nonlinear else "linear"

    @property
    def preparation(self) -> Preparation:
        """What prepared scans are marked with, and what a network trained on them expects."""
        return Preparation(self.kind, pipeline_digest(self))


@dataclass(frozen=True, eq=False)
class Prepared:
    """A scan on a network's grid, and how it came there.

    Parameters
    ----------
    volume : Volume
        The brain's original intensities in template space, 0 outside the
        brain, float32, on the grid asked for.
    mask : Volume
        Brain mask on the scan's own grid, bool.
    transform : Transform
        Template to scan; leads maps home (`to_scan`).
    qc : Quality
    scan : Volume
        The scan as it came, RAS+.
    digests : dict of str to str
        ``scan`` and ``pipeline``.
    """

    volume: Volume
    mask: Volume
    transform: Transform
    qc: Quality
    scan: Volume
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def brain(self) -> Volume:
        """The scan as it came, 0 outside the brain, float32."""
        return self.scan.with_data(np.where(self.mask.data, self.scan.data, 0).astype(np.float32))

    def on(self, grid: Grid) -> Prepared:
        """Return the scan prepared for another network's grid: what preparing it anew would give."""
        if grid.matches(self.volume.grid):
            return self
        moved = self.transform.scan_on(self.brain, grid)
        return replace(self, volume=replace(moved, notes=self.volume.notes, preparation=self.volume.preparation))

    def to_scan(self, volume: Volume, *, order: int = 1) -> Volume:
        """Interpolate a map or label image in template space on the scan's own grid, once.

        Parameters
        ----------
        volume : Volume
        order : int
            0 for labels and masks, 1 for maps.
        """
        return self.transform.map_on(volume, self.scan.grid, order=order)


@lru_cache(maxsize=8)
def _digest(nonlinear: bool) -> str:
    from mriinterp.prepare.brain import weights_digest

    entries = {
        "pipeline": PIPELINE_VERSION,
        "nonlinear": nonlinear,
        "weights": weights_digest(),
        "greedy": _version("picsl-greedy"),
        "template": native_template().digest,
    }
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()


def pipeline_digest(options: PrepareOptions = PrepareOptions()) -> str:
    """Return the SHA-256 over what shapes a preparation: version, options, weights and programs."""
    return _digest(options.nonlinear)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def prepare_scan(
    path: str | os.PathLike,
    *,
    grid: Grid | None = None,
    series: int | str | None = None,
    allow_unknown_space: bool = False,
    options: PrepareOptions = PrepareOptions(),
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Prepared:
    """Prepare a raw T1 scan from a file or a DICOM folder.

    Parameters
    ----------
    path : path
        NIfTI or MGZ file, a folder of DICOM files, or a .zip of one.
    grid : Grid, optional
        Of the network, in MNI space; default: the template's own, 1 mm.
    series : int or str, optional
        Number or description of the DICOM series, where several may be meant.
    allow_unknown_space : bool
        Take a NIfTI file whose header does not say where its voxels lie.
    options : PrepareOptions
    progress, cancel : callable, optional
        ``progress(done, total)``, in hundredths; ``cancel()`` returning True
        raises `mriinterp.base.progress.Cancelled` within a second or, while
        the brain is sought, within some seconds.

    Returns
    -------
    Prepared
        Also where the quality is refused: look at ``qc.verdict``.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file; not a T1 scan of one head; no brain found.

    Notes
    -----
    Left and right cannot be recognised in voxels: the header is trusted.
    """
    tell(progress, 0, DONE)
    raw = open_raw(path, series=series, allow_unknown_space=allow_unknown_space, cancel=cancel)
    return prepare_volume(raw.volume, grid=grid, options=options, progress=progress, cancel=cancel)


def prepare_volume(
    scan: Volume,
    *,
    grid: Grid | None = None,
    options: PrepareOptions = PrepareOptions(),
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Prepared:
    """Prepare a raw T1 scan that is in memory; see `prepare_scan`."""
    from mriinterp.prepare.brain import find_brain

    scan = scan.canonical()
    threads = options.threads
    tell(progress, READ, DONE)
    check_cancel(cancel)
    mask = find_brain(
        scan,
        device=choose_device(options.device),
        found=lambda: tell(progress, FOUND, DONE),
        cancel=cancel,
    )
    tell(progress, MASKED, DONE)
    check_cancel(cancel)
    brain = scan.with_data(np.where(mask.data, scan.data, 0).astype(np.float32))
    affine_share = REGISTRATION_SECONDS / (REGISTRATION_SECONDS + WARP_SECONDS) if options.nonlinear else 1
    placed = MASKED + int(affine_share * (REGISTERED - MASKED))
    waiting = _creeping(progress, MASKED, placed, REGISTRATION_SECONDS)
    loading = threading.Thread(target=load_references, daemon=True)
    loading.start()
    registration = register_affine(brain, threads=threads, cancel=cancel, waiting=waiting)
    loading.join()
    tell(progress, placed, DONE)
    check_cancel(cancel)
    transform = Transform(registration.matrix)
    if registration.turned:  # the brain extraction expects heads the right way up
        mask = _upright_mask(scan, transform, options, cancel)
        brain = scan.with_data(np.where(mask.data, scan.data, 0).astype(np.float32))
    if options.nonlinear:
        waiting = _creeping(progress, placed, REGISTERED, WARP_SECONDS)
        warp = register_warp(brain, registration.matrix, threads=threads, cancel=cancel, waiting=waiting)
        transform = Transform(registration.matrix, warp)
    moved = transform.scan_on(brain, native_template().grid if grid is None else grid)
    volume = replace(moved, notes=scan.notes, preparation=options.preparation)
    quality = judge(scan, mask, transform, turned=registration.turned)
    tell(progress, DONE, DONE)
    return Prepared(
        volume=volume,
        mask=mask,
        transform=transform,
        qc=quality,
        scan=scan,
        digests={"scan": scan.digest, "pipeline": pipeline_digest(options)},
    )


def _upright_mask(scan: Volume, transform: Transform, options: PrepareOptions, cancel: Cancel | None) -> Volume:
    """Return the brain mask of a scan whose header turns the head, found anew the right way up."""
    from mriinterp.prepare.brain import find_brain

    moved = Volume(scan.data, transform.inverse @ scan.affine)
    mask = find_brain(moved.canonical(), device=choose_device(options.device), cancel=cancel)
    return scan.with_data(resample(mask, moved.grid, order=0).data)  # a change of voxel order: exact


def _creeping(progress: Progress | None, start: int, end: int, usual: float) -> Callable[[float], None]:
    """Report progress of a registration by the time that it takes as a rule, short of the next step's mark."""

    def waiting(seconds: float) -> None:
        share = 1 - 1 / (1 + seconds / usual)
        tell(progress, int(start + (end - start - 1) * min(1.0, 1.6 * share)), DONE)

    return waiting
