"""Scans in memory: read two at a time, and those that were uploaded held no larger than networks need them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from cachetools import LRUCache

from mriinterp.base.allocator import give_back
from mriinterp.base.progress import Cancel, Progress
from mriinterp.image.nifti import read_volume_bytes
from mriinterp.image.space import check_mni_space, check_skull_stripped
from mriinterp.image.volume import Grid, Volume, resample
from mriinterp.models import Model
from mriinterp.prepare import Prepared, PrepareOptions, Quality, prepare_volume
from mriinterp.prepare.dicom import AmbiguousSeries, choose_series
from mriinterp.prepare.dicom_series import Series
from mriinterp.prepare.folder import judged
from mriinterp.prepare.picture import load_drawing_beside, preparation_png
from mriinterp.prepare.source import FileBytes, describe_choice, holds_image, open_raw_files, series_in
from mriinterp.ui.base.words import words_of
from mriinterp.ui.sources.scan_names import called, name_with_ending, safe_name

__all__ = [
    "READING",
    "HeldScan",
    "Preparation",
    "Upload",
    "way_back",
]

READING = threading.BoundedSemaphore(2)  # a file of a few megabytes can unpack to half a gigabyte
GRIDS_HELD = 2  # of networks, for which an uploaded scan is in memory: about 7 MB each at 1.5 mm
BYTES_HELD = 64 << 20  # of an uploaded file; a larger one is asked for again where a network has another grid
NEEDED = (
    "What is needed: a T1-weighted scan of the whole brain, in a file .nii, .nii.gz or .mgz, as it was scanned or in MNI "
    "space{stripped}; or all DICOM images of one such scan, as files or in a .zip. To go back to the study, remove the file "
    "from the list at the left."
)


@dataclass(frozen=True, eq=False)
class HeldScan(Volume):
    """A scan on the grid of a network, in RAS+ order, under the digest of the whole scan.

    What is explained and shown is on that grid; the whole scan can be a hundred times as large.

    Parameters
    ----------
    whole : str
        Digest of the scan as it is in its file.
    """

    whole: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the whole scan, 64 hexadecimal digits."""
        return self.whole


@dataclass(frozen=True)
class _Refusal:
    """Why a file cannot be explained; no exception, whose traceback would hold the voxels."""

    words: str
    note: str
    raw: bool = False  # whether preparing the scan may help

    def error(self) -> ValueError:
        error = ValueError(self.words)
        error.add_note(self.note)
        return error


@dataclass(frozen=True, eq=False)
class Preparation:
    """A raw scan that was prepared here: the scan for the network, and how well that went."""

    scan: Volume
    made: Prepared
    picture: bytes
    found: str

    @property
    def qc(self) -> Quality:
        """How well it went."""
        return self.made.qc


class Upload:
    """A scan that a session has uploaded: its file, and what was read of it for networks.

    A file is read and checked once for each grid, and held on that grid. A
    refusal is remembered, too.

    Parameters
    ----------
    file_id : str
        Streamlit's id of the file.
    file_name : str
        As it was given.
    data : bytes or sequence of (str, bytes)
        Of one file; or the names and contents of several, as a scanner writes them.

    Attributes
    ----------
    name : str
        What the scan is called on pages, in downloads and links; at first as `safe_name` has it.
    file_name : str
        As it was given: shown nowhere.
    called : str
        What messages on its owner's page call it (`called`); logs have `safe_name` with its ending.
    accepted : bool
        Whether it could be read for a network.
    raw : bool
        Whether it has to be prepared, as far as it was read.
    kind : {"linear", "nonlinear"}
        How it is prepared, as the reader chose.
    """

    def __init__(self, file_id: str, file_name: str, data: bytes | Sequence[FileBytes]):
        self.file_id, self.file_name = file_id, file_name
        files = ((file_name, data),) if isinstance(data, bytes) else tuple(data)
        self.name, self.accepted = safe_name(file_name), False
        self.called = file_name if len(files) > 1 else called(file_name)
        self._read_as = file_name if len(files) > 1 else name_with_ending(file_name)
        self.raw, self.kind = False, "linear"
        files = ((self._read_as, files[0][1]),) if len(files) == 1 else files
        self._files: tuple[FileBytes, ...] | None = files
        self.series: tuple[Series, ...] = ()  # those that may be meant, where there is a choice
        self.found = ""  # which series there are, and which is taken
        self.chosen: str | None = None  # uid of the series that the reader chose
        self._held: LRUCache[tuple, HeldScan | _Refusal] = LRUCache(GRIDS_HELD)
        self._prepared: LRUCache[tuple, Preparation] = LRUCache(2 * GRIDS_HELD)  # each with and without a warp
        self._taken: set[tuple] = set()  # of the prepared ones, those that are explained
        self._lock = threading.Lock()  # a page and its work in the background may ask at once

    @property
    def several(self) -> bool:
        """Whether it came in several files."""
        return self._files is not None and len(self._files) > 1

    @property
    def released(self) -> bool:
        """Whether nothing of it is in memory any more, so that it must be uploaded again."""
        return self._files is None and not self._held and not self._prepared

    def release(self) -> None:
        """Drop the file and all that was read of it."""
        self._files = None
        self._held.clear()
        self._prepared.clear()

    def can_prepare(self, model: Model) -> bool:
        """Return whether the scan was refused as it came, and may be prepared for a network."""
        found = self._held.get(_key(model))
        return isinstance(found, _Refusal) and found.raw and self._files is not None

    def prepare(self, model: Model, progress: Progress | None, cancel: Cancel | None) -> None:
        """Prepare the raw scan for a network; a good result is taken at once, any other waits for `take_prepared`."""
        key, options = self._own_key(model), PrepareOptions(nonlinear=self.kind == "nonlinear")
        if self._files is None:
            raise ValueError("expected the file of the scan, got none; upload it again")
        load_drawing_beside()
        with READING:
            raw = open_raw_files(self._files, series=self.chosen, cancel=cancel)
        made = prepare_volume(raw.volume, grid=model.grid, options=options, progress=progress, cancel=cancel)
        found = _preparation(made, preparation_png(made), raw.found)
        with self._lock:
            self._prepared[key] = found
            if made.qc.verdict == "good":
                self._taken.add(key)
        give_back()

    def preparation(self, model: Model) -> Preparation | None:
        """Return how the scan was prepared for a network, if it was."""
        return self._prepared.get(self._own_key(model))

    def take_prepared(self, model: Model) -> None:
        """Explain the prepared scan."""
        with self._lock:
            self._taken.add(self._own_key(model))

    def _own_key(self, model: Model) -> tuple:
        return (*_key(model), self.kind)

    def _taken_for(self, model: Model) -> Volume | None:
        """Return the prepared scan that is explained, on the grid of a network: nothing is registered anew for another grid."""
        key = self._own_key(model)
        if key not in self._taken or key not in self._prepared:
            other = next((one for one in self._prepared if one in self._taken and one[-1] == self.kind), None)
            if other is None:
                return None
            given = self._prepared[other]
            self._prepared[key] = _preparation(given.made.on(model.grid), given.picture, given.found)
            self._taken.add(key)
        return self._prepared[key].scan

    def on(self, model: Model) -> Volume:
        """Return the scan on the grid of a network.

        Raises
        ------
        ValueError
            If the file cannot be read or is unfit for the network, with a note
            on what is needed; when asked again, without reading the file again.
        """
        key = _key(model)
        with self._lock:
            found: Volume | _Refusal | None = self._taken_for(model) or self._held.get(key)
            if found is None:
                found = self._held[key] = self._read(model)
                self.raw = isinstance(found, _Refusal) and found.raw
                give_back()
                large = self._files is not None and sum(len(data) for _, data in self._files) > BYTES_HELD
                if large and not (isinstance(found, _Refusal) and found.raw):
                    self._files = None
        if isinstance(found, _Refusal):
            raise found.error()
        self.accepted = True
        return found

    def _look(self) -> None:
        """Find the series among the files, and the T1 scan among them or those that may be meant."""
        series = series_in(self._files or ())
        self.series, self.found = (), "An image file in a .zip."
        try:
            if series:
                self.found = describe_choice(choose_series(series), len(series))
        except AmbiguousSeries as error:
            self.series = error.series
            self.found = f"{error.count} series." if error.count > 1 else "1 series."

    def _read(self, model: Model) -> HeldScan | _Refusal:
        raw = False
        try:
            if self._files is None:
                raise ValueError("it has to be uploaded again for a network of another grid")
            if not holds_image(self._files):
                with READING:
                    self._look()
                raw = True
                raise ValueError("it holds what a scanner writes")
            with READING:
                scan = read_volume_bytes(self._files[0][1], self._read_as)
                raw = True
                check_mni_space(scan, "it")
                if model.card.skull_stripped:
                    check_skull_stripped(scan, "it")
                return _held(scan, model.grid)
        except (ValueError, OSError, MemoryError) as error:
            words = words_of(error).removeprefix(f"{self._read_as}: ").rstrip(".")
            return _Refusal(
                f"{self.called} cannot be explained: {words}.",
                NEEDED.format(stripped=", skull-stripped" if model.card.skull_stripped else ""),
                raw,
            )


def way_back(made: Prepared, scan: Volume) -> Prepared:
    """Return a prepared scan with only what brings a map back to the raw scan: whole numbers as such."""
    data = made.scan.data
    whole = data.dtype.kind == "f" and np.abs(data).max() < 2**15 and bool((data == np.rint(data)).all())
    raw = made.scan.with_data(data.astype(np.int16)) if whole else made.scan
    return replace(made, volume=scan, scan=raw, digests={**made.digests, "home": f"{raw.digest} {scan.digest}"})


def _key(model: Model) -> tuple:
    return model.grid.shape, model.grid.affine.tobytes(), model.card.skull_stripped


def _preparation(made: Prepared, picture: bytes, found: str) -> Preparation:
    """Return a prepared scan as a session holds it."""
    usable = made.volume if made.qc.verdict == "refuse" else judged(made.volume, made.qc)
    small = usable.canonical()
    scan = HeldScan(small.data, small.affine, None, small.notes, small.preparation, whole=usable.digest)
    return Preparation(scan, way_back(made, scan), picture, found)


def _held(scan: Volume, grid: Grid) -> HeldScan:
    small = resample(scan, grid).canonical()
    return HeldScan(small.data, small.affine, scan.source or scan.grid, scan.notes, scan.preparation, whole=scan.digest)
