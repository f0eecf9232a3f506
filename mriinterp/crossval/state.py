"""What a training has reached, written into its folder: whoever opens the folder can watch and stop it.

The process that trains holds a lock, writes ``work/state.json`` and looks for ``work/stop``. Nothing else is needed
to find it again: neither the process that started it nor its number.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mriinterp.base.atomic import write_text
from mriinterp.base.files import read_json
from mriinterp.base.progress import Cancel, Progress, TimeLeft, tell
from mriinterp.cohort.lock import is_held
from mriinterp.training.loop import History

__all__ = ["LOG", "RECORD", "WORK", "TrainNotes", "TrainState", "ask_to_stop", "read_state", "stop_asked"]

RECORD, WORK = "training.json", "work"
STATE, STOP, LOG = "state.json", "stop", "log.txt"
EVERY = 0.5  # seconds between two notes of steps; every epoch is noted
START_SECONDS = 90.0  # a process that does not hold the lock by then has ended
LOG_BYTES = 20_000


class TrainNotes:
    """Notes of a training, in its ``work`` folder; ``notes(done, total)`` is its progress.

    Parameters
    ----------
    folder : Path
        Of the training.
    progress : callable, optional
        Gets all steps as well.
    """

    def __init__(self, folder: Path, progress: Progress | None = None):
        self.path, self.progress = folder / WORK / STATE, progress
        self.entries: dict[str, Any] = {"stage": "", "done": 0, "total": 0, "left": None, "folds": {}}
        self._left, self._free, self._jump, self._last = TimeLeft(), 0, False, 0.0

    def __call__(self, done: int, total: int) -> None:
        tell(self.progress, done, total)
        if self._jump:  # what an earlier run has done, or an early stop has spared: no pace
            self._free, self._jump = self._free + done - self.entries["done"], False
        left = self._left.estimate(done - self._free, total - self._free)
        self.entries |= {"done": done, "total": total, "left": left}
        self._write(now=False)

    def begin(self, stage: str) -> None:
        """Note what is done now; the time left is counted anew, as steps of another kind take another time."""
        self._left, self._free, self._jump = TimeLeft(), self.entries["done"], True
        self.stage(stage)

    def stage(self, stage: str) -> None:
        """Note what is done now."""
        self.entries["stage"] = stage
        self._write()

    def skip(self) -> None:
        """Count the next steps reported as none of this run's."""
        self._jump = True

    def epochs_of(self, fold: str) -> Callable[[History], None]:
        """Return a function that notes the history of a fold."""

        def note(history: History) -> None:
            self.entries["folds"][fold] = asdict(history)
            self._write()

        return note

    def _write(self, now: bool = True) -> None:
        if now or time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            with suppress(OSError):  # a reader has it open (Windows); no note is worth a training
                write_text(self.path, json.dumps(self.entries))


@dataclass(frozen=True, eq=False)
class TrainState:
    """What a folder says of its training.

    Attributes
    ----------
    folder : Path
    state : {"none", "starting", "running", "stopping", "stopped", "failed", "finished"}
    stage : str
        What is done now, in words.
    done, total : int
        Steps.
    left : float or None
        Seconds.
    histories : dict of str to History
        By name: ``fold1`` …, ``permuted1`` ….
    error : str
        Why it failed.
    record : mapping
        What it was made with, as in ``training.json``; empty before it has begun.
    """

    folder: Path
    state: str
    stage: str = ""
    done: int = 0
    total: int = 0
    left: float | None = None
    histories: Mapping[str, History] = field(default_factory=dict)
    error: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def works(self) -> bool:
        """Whether a process is running."""
        return self.state in ("starting", "running", "stopping")


def read_state(folder: Path, *, ended: bool | None = None) -> TrainState:
    """Return what a folder says of its training; a folder without one is in state none.

    Parameters
    ----------
    folder : Path
    ended : bool, optional
        Whether the process that was started in the folder has ended, where that is known.
    """
    work = folder / WORK
    record = _entries(folder / RECORD)
    if record.get("finished") is True:
        return TrainState(folder, "finished", record=record)
    held = is_held(work)
    notes, log = _entries(work / STATE), _log_of(work)
    if not notes and log is None and not record and not held:
        return TrainState(folder, "none")
    error = "" if held or log is None else _error_in(log)
    if held:
        state = "stopping" if (work / STOP).exists() else "running"
    elif error:
        state = "failed"
    elif ended is False or (ended is None and log is not None and _is_fresh(work)):
        state = "starting"
    else:
        state = "stopped"
    histories = {name: _history(entry) for name, entry in notes.get("folds", {}).items()}
    return TrainState(
        folder, state, notes.get("stage", ""), notes.get("done", 0), notes.get("total", 0), notes.get("left"),
        histories, error, record,
    )  # fmt: skip


def _history(entry: Mapping[str, Any]) -> History:
    losses, checks, aucs = (tuple(entry[name]) for name in ("train_loss", "validation_loss", "validation_auc"))
    return History(losses, checks, aucs, entry["best"])


def _entries(path: Path) -> dict[str, Any]:
    """Return what is in a file of JSON; empty if there is none, or it is damaged."""
    with suppress(OSError, ValueError):
        found = read_json(path, "a note of a training")
        if isinstance(found, dict):
            return found
    return {}


def _log_of(work: Path) -> str | None:
    """Return the end of what the process has printed; None if there is no log."""
    try:
        with (work / LOG).open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - LOG_BYTES))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return None


def _error_in(log: str) -> str:
    """Return the words with which a process has ended in an error; "" if it was stopped, or killed."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    if last.startswith("mriinterp: ") and "interrupted" not in last:
        return last.removeprefix("mriinterp: ")
    if ": error: " in last:  # of the parser of arguments
        return last.partition(": error: ")[2]
    return last if "Traceback (most recent call last)" in log else ""


def _is_fresh(work: Path) -> bool:
    """Return whether the process may be about to take the lock."""
    with suppress(OSError):
        return time.time() - max(p.stat().st_mtime for p in (work / LOG, work / STATE) if p.exists()) < START_SECONDS
    return False


def ask_to_stop(folder: Path) -> None:
    """Ask the process that trains in a folder to stop after its present step."""
    (folder / WORK / STOP).touch()


def stop_asked(folder: Path, cancel: Cancel | None = None) -> Cancel:
    """Return a function that says whether a training is to stop: on request of `cancel`, or by `ask_to_stop`."""
    path = folder / WORK / STOP

    def asked() -> bool:
        if path.exists():
            path.unlink(missing_ok=True)  # or the next run would stop at once
            return True
        return cancel is not None and cancel()

    return asked
