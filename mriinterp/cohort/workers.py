"""Workers: explain scans in this process, in others, or by the executor of a cluster."""

from __future__ import annotations

import logging
import math
import multiprocessing
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from mriinterp.base.processes import cores, memory_bytes, start_worker
from mriinterp.base.progress import Cancel, Cancelled, Progress, tell
from mriinterp.cohort.cohort_plan import Item, Task
from mriinterp.image.volume import Grid

if TYPE_CHECKING:
    import torch

    from mriinterp.cohort.explain_scans import Outcome

__all__ = ["Workers", "default_workers", "explain_all", "run_all"]

POLL = 0.3  # seconds
AHEAD = 2  # pieces of work waiting for each worker
MOST_SCANS = 8  # in a piece of work
PIECES = 4  # at least so many pieces for each worker, so that all end together
WORKER_BYTES, VOXEL_BYTES = 400 * 2**20, 800  # measured: what a worker takes, and more for each voxel of the grid
MOST = 61  # Windows waits for no more processes at once

logger = logging.getLogger(__name__)


def default_workers(grid: Grid, device: torch.device) -> int:
    """Return how many processes to use: one a processor core, as far as memory goes; on a GPU one.

    Parameters
    ----------
    grid : Grid
        Of the network: what a worker holds grows with its voxels.
    device : torch.device
    """
    if device.type != "cpu":
        return 1
    most, memory = min(cores(), MOST), memory_bytes()
    if memory is None:
        return most
    each = WORKER_BYTES + VOXEL_BYTES * math.prod(grid.shape)
    return max(1, min(most, int(0.75 * memory / each)))


class Workers:
    """An executor that can be made anew when one of its processes dies.

    Parameters
    ----------
    n : int
        Processes; 1 computes in this process.
    executor : concurrent.futures.Executor, optional
        E.g. of a Dask cluster: used, never shut down.
    """

    def __init__(self, n: int = 1, executor: Executor | None = None):
        import torch

        if n < 1:
            raise ValueError(f"expected a number of workers of 1 or more, got {n}")
        self.n = n
        self._given = executor
        self._own: Executor | None = None
        self._threads = torch.get_num_threads()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        import torch

        self.close()
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)

    @property
    def executor(self) -> Executor:
        """The executor, started when first asked for."""
        if self._given is not None:
            return self._given
        if self._own is None and self.n == 1:
            self._own = ThreadPoolExecutor(1, "cohort")
        elif self._own is None:
            context = multiprocessing.get_context("spawn")
            self._own = ProcessPoolExecutor(self.n, mp_context=context, initializer=start_worker)
        return self._own

    @property
    def here(self) -> bool:
        """Whether the work is done on this machine, for all that is known."""
        return self._given is None

    @property
    def separate(self) -> bool:
        """Whether a dying worker leaves this process alive."""
        return self._given is None and self.n > 1

    def close(self) -> None:
        """Wait for what runs and let the processes go."""
        if self._own is not None:
            self._own.shutdown(wait=True, cancel_futures=True)
            self._own = None


class _Signals:
    """Files through which work that runs elsewhere reports how far it is, and is stopped."""

    def __init__(self, folder: Path):
        self.folder = folder / "signals"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.run = uuid.uuid4().hex[:8]

    def maps_done(self, token: str) -> int:
        try:
            return (self.folder / f"{token}.done").stat().st_size
        except OSError:
            return 0

    def forget(self, token: str) -> None:
        (self.folder / f"{token}.done").unlink(missing_ok=True)

    def stop(self) -> None:
        (self.folder / f"{self.run}.cancel").touch()

    def clear(self) -> None:
        for path in self.folder.glob(f"{self.run}*"):
            path.unlink(missing_ok=True)


def _pieces(items: Sequence[Item], workers: int) -> deque[list[Item]]:
    size = MOST_SCANS if workers == 1 else max(1, min(MOST_SCANS, len(items) // (workers * PIECES)))
    return deque([list(items[start : start + size]) for start in range(0, len(items), size)])


def _died(error: BaseException | None) -> bool:
    """Return whether the process that did the work is gone (dask.distributed is not imported for that)."""
    return isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker"


def explain_all(
    task: Task,
    items: Sequence[Item],
    workers: Workers,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    finished: Callable[[list[Outcome]], None] | None = None,
) -> None:
    """Explain scans on all workers; `finished` gets the outcomes of each piece of work.

    When a process dies (out of memory, say), everything that was in flight is
    computed again one scan at a time, and the scan that ends its process is
    left out.
    """
    signals = _Signals(task.layout.work)
    queue = _pieces(items, workers.n)
    run = _Run(task, workers, signals, queue, sum(len(i.methods) for i in items), progress, finished)
    try:
        while run.queue or run.alone or run.futures:
            run.submit()
            run.collect()
            if cancel is not None and cancel():
                raise Cancelled("cancelled on request")
    except BaseException:
        signals.stop()
        for future in run.futures:
            future.cancel()
        wait([f for f in run.futures if not f.cancelled()], timeout=120)
        raise
    finally:
        signals.clear()


class _Run:
    """The state of `explain_all`."""

    def __init__(self, task, workers, signals, queue, total, progress, finished):
        self.task, self.workers, self.signals, self.queue = task, workers, signals, queue
        self.total, self.progress, self.finished = total, progress, finished
        self.futures: dict[Future, tuple[str, list[Item]]] = {}
        self.alone: deque[list[Item]] = deque()
        self.done = 0
        self.reported = -1

    def submit(self) -> None:
        """Keep every worker busy; scans that are to be computed alone go one at a time."""
        if self.alone:
            if not self.futures:
                self._send(self.alone.popleft())
            return
        while self.queue and len(self.futures) < self.workers.n * AHEAD:
            self._send(self.queue.popleft())

    def _send(self, piece: list[Item]) -> None:
        from mriinterp.cohort.explain_scans import explain_items, token_of

        token = token_of(self.signals.run, piece)
        try:
            future = self.workers.executor.submit(explain_items, self.task, piece, token)
        except BrokenExecutor:  # it died since the last look
            self.workers.close()
            future = self.workers.executor.submit(explain_items, self.task, piece, token)
        self.futures[future] = (token, piece)

    def collect(self) -> None:
        """Take what is finished; report progress."""
        ready, _ = wait(self.futures, timeout=POLL, return_when=FIRST_COMPLETED)
        lost: list[list[Item]] = []
        single = len(self.futures) == 1
        for future in ready:
            token, piece = self.futures.pop(future)
            error = future.exception()
            if _died(error):
                lost.append(piece)
            elif error is not None:
                raise error
            else:
                self._finish(piece, future.result())
            self.signals.forget(token)
        if lost:
            self._after_a_death(lost, single)
        done = min(self.total, self.done + sum(self.signals.maps_done(token) for token, _ in self.futures.values()))
        if done != self.reported:
            self.reported = done
            tell(self.progress, done, self.total)

    def _finish(self, piece: list[Item], outcomes: list[Outcome]) -> None:
        self.done += sum(len(item.methods) for item in piece)
        if self.finished is not None:
            self.finished(outcomes)

    def _after_a_death(self, lost: list[list[Item]], single: bool) -> None:
        """Compute all that was in flight again, one by one; leave out a scan that was alone."""
        from mriinterp.cohort.explain_scans import Outcome

        if self.workers.separate:
            lost += [piece for _, piece in self.futures.values()]
            self.futures.clear()
            self.workers.close()
        logger.warning("a worker died; %d scans are computed again, one at a time", sum(map(len, lost)))
        for piece in lost:
            if len(piece) == 1 and (single or not self.workers.separate):
                item = piece[0]
                why = "the process that computed it died (out of memory?)"
                self._finish(piece, [Outcome(item.id, None, {"scan": why})])
            else:
                self.alone.extend([item] for item in piece)


def run_all(
    workers: Workers,
    function: Callable[..., Any],
    jobs: Sequence[Any],
    *,
    progress: Progress | None,
    cancel: Cancel | None,
) -> list[Any]:
    """Call `function(job)` for every job, on all workers; return the results in order."""
    futures = [workers.executor.submit(function, job) for job in jobs]
    last = -1
    try:
        while True:
            wait(futures, timeout=POLL)
            done = sum(f.done() for f in futures)
            if done != last:
                last = done
                tell(progress, done, len(futures))
            if done == len(futures):
                return [f.result() for f in futures]
            if any(f.done() and f.exception() is not None for f in futures):
                return [f.result() for f in futures if f.done()]
            if cancel is not None and cancel():
                raise Cancelled("cancelled on request")
    finally:
        for future in futures:
            future.cancel()
