"""Many scans prepared into one folder: several at a time, resumable; a scan that fails stops none of the others."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mriinterp.base.atomic import remove_unfinished
from mriinterp.base.errors import words_with_kind
from mriinterp.base.fingerprint import file_digest, file_stamp
from mriinterp.base.processes import cores, memory_bytes, start_worker
from mriinterp.base.progress import Cancel, Cancelled, Progress, tell
from mriinterp.image.volume import Grid, Volume
from mriinterp.prepare.folder import (
    PreparedFiles,
    hide_folder,
    is_current,
    open_prepared,
    read_prepared,
    request_of,
    write_prepared,
)
from mriinterp.prepare.picture import load_drawing_beside
from mriinterp.prepare.pipeline import Prepared, PrepareOptions, pipeline_digest, prepare_scan
from mriinterp.prepare.source import open_raw

__all__ = ["JOB_BYTES", "PrepareJob", "default_jobs", "files_of", "prepare_all"]

JOB_BYTES = 2 << 30
"""Memory that preparing one scan takes at most."""
HUNDREDTHS = 100  # steps of one scan
POLL = 0.3  # seconds
DIED = "the process that prepared it died (out of memory?)"


@dataclass(frozen=True)
class PrepareJob:
    """One scan to prepare; small, and can be sent to another process.

    Parameters
    ----------
    path : Path
        As of `prepare_scan`.
    out : Path
        Folder of prepared scans.
    label : str
        Of the scan in that folder, as of `mriinterp.base.labels.subject_labels`.
    shape, affine
        Of the network's grid.
    options : PrepareOptions
    series : int or str, optional
    allow_unknown_space : bool
    hidden : bool
        Whether searches for scans are to pass the folder over.
    """

    path: Path
    out: Path
    label: str
    shape: tuple[int, int, int]
    affine: tuple[tuple[float, ...], ...]
    options: PrepareOptions = field(default_factory=PrepareOptions)
    series: int | str | None = None
    allow_unknown_space: bool = False
    hidden: bool = False

    @classmethod
    def of(cls, path: Path, out: Path, label: str, grid: Grid, **more: Any) -> PrepareJob:
        """Return a job for a grid; further fields by name."""
        return cls(path, out, label, grid.shape, tuple(map(tuple, grid.affine.tolist())), **more)

    @property
    def grid(self) -> Grid:
        """Of the network."""
        return Grid(self.shape, np.array(self.affine))

    @property
    def files(self) -> PreparedFiles:
        """Where the scan goes."""
        return PreparedFiles(self.out, self.label)

    def request(self) -> dict[str, Any]:
        """Return the key under which the prepared scan is kept; OSError if there is no scan, ValueError for a pipe."""
        digest = _source_digest(self.path, _stamp(self.path))
        return request_of(digest, pipeline_digest(self.options), self.grid, self.series, self.allow_unknown_space)

    def is_done(self) -> bool:
        """Return whether the prepared scan is there and is the one asked for; OSError if the scan itself is gone."""
        return is_current(self.files, self.request())

    def run(self, progress: Progress | None = None, cancel: Cancel | None = None) -> None:
        """Prepare and write the scan, unless that is done; errors as of `prepare_scan`."""
        request = self.request()
        if is_current(self.files, request):
            return
        load_drawing_beside()
        made = prepare_scan(
            self.path, grid=self.grid, series=self.series, allow_unknown_space=self.allow_unknown_space,
            options=self.options, progress=progress, cancel=cancel,
        )  # fmt: skip
        if self.hidden:
            hide_folder(self.out)
        write_prepared(made, self.files, request)

    def load(self) -> Volume:
        """Read the prepared scan, made if need be; ValueError if its quality is refused."""
        self.run()
        return read_prepared(self.files)

    def open(self, progress: Progress | None = None, cancel: Cancel | None = None) -> Prepared:
        """Read the prepared scan with its way back, made if need be, whatever its quality."""
        self.run(progress, cancel)
        raw = open_raw(self.path, series=self.series, allow_unknown_space=self.allow_unknown_space, cancel=cancel)
        return open_prepared(self.files, raw.volume)


def _stamp(path: Path) -> str:
    return file_stamp(files_of(path), read=0)


def files_of(path: Path) -> list[Path]:
    """Return the file that a raw scan is, or all files of its folder."""
    return [path] if not path.is_dir() else sorted(file for file in path.rglob("*") if file.is_file())


@lru_cache(maxsize=4096)
def _source_digest(path: Path, stamp: str) -> str:
    """Return the SHA-256 over a file, or the files of a folder with their names (`stamp`: of them)."""
    if not path.is_dir():
        return file_digest(path)
    digest = hashlib.sha256()
    for file in files_of(path):
        digest.update(f"{file.relative_to(path).as_posix()}\n{file_digest(file)}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def default_jobs() -> int:
    """Return how many scans to prepare at a time: one a processor core, as far as memory goes."""
    memory = memory_bytes()
    return max(1, min(cores(), int(0.75 * memory / JOB_BYTES) if memory is not None else cores()))


def prepare_all(
    jobs: Sequence[PrepareJob],
    workers: int = 1,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> dict[str, str]:
    """Prepare scans, several at a time; what is there already is left as it is.

    Parameters
    ----------
    jobs : sequence of PrepareJob
    workers : int
        Processes, of one thread each; 1: in this process.
    progress : callable, optional
        ``progress(done, total)``, a hundred steps a scan.
    cancel : callable, optional

    Returns
    -------
    dict of str to str
        By label: why a scan could not be prepared. A scan whose quality is
        refused is none of these; see its report.

    Raises
    ------
    Cancelled
        What is finished stays.
    """
    for out in {job.out for job in jobs}:
        remove_unfinished(out.rglob(".*.part"))  # of a run that was killed
    workers = min(workers, len(jobs))
    if workers <= 1:
        return _one_after_the_other(jobs, progress, cancel)
    failed, lost = _side_by_side(jobs, workers, progress, cancel)
    for job in lost:  # whichever of them broke the pool breaks only its own process now
        again, dead = _side_by_side([job], 1, None, cancel)
        failed |= again | {one.label: DIED for one in dead}
    tell(progress, len(jobs) * HUNDREDTHS, len(jobs) * HUNDREDTHS)
    return failed


def _one_after_the_other(
    jobs: Sequence[PrepareJob], progress: Progress | None, cancel: Cancel | None
) -> dict[str, str]:
    failed, total = {}, len(jobs) * HUNDREDTHS
    for number, job in enumerate(jobs):

        def step(done: int, of: int, start: int = number * HUNDREDTHS) -> None:
            tell(progress, start + done * HUNDREDTHS // of, total)

        if why := _attempt(job, step, cancel):
            failed[job.label] = why
        tell(progress, (number + 1) * HUNDREDTHS, total)
    return failed


def _attempt(job: PrepareJob, progress: Progress | None, cancel: Cancel | None) -> str:
    """Prepare one scan; what went wrong, or ""."""
    try:
        job.run(progress, cancel)
    except Cancelled:
        raise
    except Exception as error:  # whatever is wrong with one scan is reported, and must not end a night's run
        return words_with_kind(error)
    return ""


class _Shared:
    """What the first process and a worker share: hundredths done of each job, and whether to stop."""

    done: Any = None
    stop: Any = None


def _start(done: Any, stop: Any) -> None:
    import torch

    start_worker()
    torch.set_num_threads(1)
    _Shared.done, _Shared.stop = done, stop


def _attempt_elsewhere(number: int, job: PrepareJob) -> str:
    def step(done: int, total: int) -> None:
        _Shared.done[number] = done * HUNDREDTHS // total

    return _attempt(job, step, _Shared.stop.is_set)


def _side_by_side(
    jobs: Sequence[PrepareJob], workers: int, progress: Progress | None, cancel: Cancel | None
) -> tuple[dict[str, str], list[PrepareJob]]:
    """Prepare in several processes; return failures, and jobs that were lost with a process that died."""
    context = multiprocessing.get_context("spawn")
    done, stop = context.Array("i", len(jobs), lock=False), context.Event()
    failed: dict[str, str] = {}
    lost: list[PrepareJob] = []
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(done, stop)) as pool:
        running: dict[Future[str], PrepareJob] = {
            pool.submit(_attempt_elsewhere, number, job): job for number, job in enumerate(jobs)
        }
        try:
            while not all(future.done() for future in running):
                wait(running, timeout=POLL)
                tell(progress, sum(done), len(jobs) * HUNDREDTHS)
                if cancel is not None and cancel():
                    raise Cancelled("cancelled on request")
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    for future, job in running.items():
        if isinstance(future.exception(), BrokenExecutor):
            lost.append(job)
        elif why := future.result():
            failed[job.label] = why
    return failed, lost
