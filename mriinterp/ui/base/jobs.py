"""Long work in a thread, watched and cancelled from the page.

A rerun would kill work done in the script itself. A job runs beside it, is
held by the session, and ends in the store or in `Job.result`, so that the
page stays usable and a finished result is there whatever happens meanwhile.
Work on an uploaded scan belongs to one session and ends with it; all other
work is shared: whoever opens a page that shows what it makes sees how far it
is, and may cancel it.
"""

from __future__ import annotations

import atexit
import logging
import threading
import weakref
from collections.abc import Callable, Collection
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mriinterp.base.allocator import give_back
from mriinterp.base.progress import Cancel, Cancelled, Progress, TimeLeft, describe_seconds
from mriinterp.ui.base.words import escape_markdown, words_of
from mriinterp.ui.session.keys import job_key
from mriinterp.ui.session.life import Session, current_session

__all__ = ["Job", "current_job", "forget_job", "start_job", "stop_all", "watch", "work_card"]

POLL_SECONDS = 0.5
EXIT_SECONDS = 5.0
NOTHING_KEPT = "Nothing was kept of it."

logger = logging.getLogger(__name__)


_jobs: weakref.WeakSet[Job] = weakref.WeakSet()


@atexit.register
def stop_all() -> None:
    """End all work: a thread inside torch when the interpreter goes down would abort the process."""
    for job in list(_jobs):
        job.cancel()
    for job in list(_jobs):
        job.wait(EXIT_SECONDS)


class Job:
    """One piece of work.

    Parameters
    ----------
    label : str
        What is being done, in words.
    key : str
        What it will make; two jobs of a key make the same.
    work : callable
        ``work(progress, cancel)``; its return value becomes `result`.
    percent : bool
        Tell the share done instead of counting steps.
    kept : str
        What is there after a cancel, in Markdown.
    shared : bool
        Other sessions may join.
    makes : collection of str
        Keys of single results, if there are several: who waits for one of
        them may join as well.
    """

    def __init__(
        self,
        label: str,
        key: str,
        work: Callable[[Progress, Cancel], Any],
        percent: bool = False,
        kept: str = NOTHING_KEPT,
        shared: bool = False,
        makes: Collection[str] = (),
    ):
        self.label, self.key, self.percent, self.kept, self.shared = label, key, percent, kept, shared
        self.makes = frozenset([key, *makes])
        self.watchers: weakref.WeakSet[Session] = weakref.WeakSet()
        self.result: Any = None
        self.error: str | None = None
        self.cancelled = False
        self._work = work
        self._stop = threading.Event()
        self._done, self._total = 0, 0
        self._left = TimeLeft()
        self._thread = threading.Thread(target=self._run, name=f"job {label}", daemon=True)
        _jobs.add(self)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._work(self._progress, self._stop.is_set)
        except Cancelled:
            self.cancelled = True
        except Exception as error:
            # The one place that takes any error: a crash in a method must leave the page usable.
            logger.exception("%s failed", self.label)
            self.error = words_of(error)
        finally:
            del self._work  # and with it scans that are not needed any more
            give_back()

    def _progress(self, done: int, total: int) -> None:
        self._done, self._total = done, total

    @property
    def running(self) -> bool:
        """Whether the work still goes on."""
        return self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.is_set()

    @property
    def ended_early(self) -> bool:
        """Whether it was cancelled or failed."""
        return not self.running and (self.cancelled or self.error is not None)

    @property
    def fraction(self) -> float:
        """Share done, 0 to 1."""
        return min(1.0, self._done / self._total) if self._total else 0.0

    @property
    def status(self) -> str:
        """Label, steps and time left in words."""
        if self.stopping:
            return f"{self.label}: stopping …"
        if not self._total:
            return f"{self.label} …"
        seconds = self._left.estimate(self._done, self._total)
        left = "" if seconds is None else f", {describe_seconds(seconds)} left"
        done = f"{self.fraction:.0%}" if self.percent else f"{self._done:,} of {self._total:,}"
        return f"{self.label}: {done}{left}"

    def wait(self, seconds: float) -> None:
        """Wait for the work to end, at most so long."""
        self._thread.join(seconds)

    def cancel(self) -> None:
        """Ask the work to stop at its next step."""
        self._stop.set()


def current_job(slot: str) -> Job | None:
    """Return the session's job of a page's slot, running or just ended."""
    return job_key(slot).get()


def start_job(
    slot: str,
    label: str,
    key: str,
    work: Callable[[Progress, Cancel], Any],
    *,
    percent: bool = False,
    kept: str = NOTHING_KEPT,
    shared: bool = False,
    makes: Collection[str] = (),
) -> Job:
    """Start work in a slot; a job running there for another key is cancelled, one for the same key goes on.

    Parameters
    ----------
    shared : bool
        What the work makes is for all sessions: if one of them, or this page
        before it was loaded again, is at it already, this one joins. Work that
        is not shared is cancelled when the session ends.
    makes : collection of str
        See `Job`.
    """
    job = current_job(slot)
    if job is not None and job.running:
        if job.key == key:
            return job
        job.watchers.discard(current_session())
        if not job.watchers:
            job.cancel()
    job = _running_for(key) if shared else None
    if job is None:
        job = Job(label, key, work, percent, kept, shared, makes)
        if not shared:
            current_session().at_end(job.cancel)
    _take(slot, job)
    return job


def _running_for(*keys: str) -> Job | None:
    """Return the shared work that makes one of these, and goes on."""
    found = (job for job in list(_jobs) if job.shared and job.running and not job.stopping)
    return next((job for job in found if not job.makes.isdisjoint(keys)), None)


def _take(slot: str, job: Job) -> None:
    """Put a job into a slot of this session."""
    job.watchers.add(current_session())
    job_key(slot).put(job)


def forget_job(slot: str) -> None:
    """Clear a slot."""
    job_key(slot).take()


def work_card() -> DeltaGenerator:
    """Return where a page shows its work: a card over the window's lower corner, which moves nothing when it comes."""
    return st.container(key="work")


def watch(slot: str, key: str | None = None, wanted: Collection[str] = ()) -> bool:
    """Show a slot's job: bar, time left and a cancel button while it runs, else how it ended.

    If the slot is free, shared work that is under way for another session and
    makes what this page waits for is shown in it.

    A cancel or a failure is shown on every run of the page until the next job
    starts in the slot: a message shown once would be lost to the reader
    whenever two runs follow each other.

    Parameters
    ----------
    slot : str
    key : str, optional
        What the page shows now; how work for another key ended is no longer
        shown.
    wanted : collection of str
        Keys of everything the page waits for, if there are several.

    Returns
    -------
    bool
        Whether work is going on. When it ends the whole page runs again.
    """
    job = current_job(slot)
    if job is None or not job.running:
        joined = _running_for(*filter(None, (key, *wanted)))
        if joined is not None:
            _take(slot, joined)
            job = joined
    if job is None:
        return False
    if job.running:
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(width="stretch"):
                st.fragment(_poll, run_every=POLL_SECONDS)(slot, job)
            # Outside the fragment: a click there waits for a run of the page that is under way, and is lost if another
            # one follows. Here it starts a run at once, and that begins with the callback.
            st.button("Cancel", key=f"cancel_{slot}", icon=":material/stop_circle:", on_click=job.cancel)
        return True
    if not job.ended_early or (key is not None and key not in job.makes):
        forget_job(slot)
    elif job.error is not None:
        st.error(escape_markdown(f"{job.label} failed: {job.error}"), icon=":material/error:")
    else:
        st.info(f"{escape_markdown(job.label)} was cancelled. {job.kept}", icon=":material/cancel:")
    return False


def _poll(slot: str, job: Job) -> None:
    if current_job(slot) is not job:
        return  # a late tick of work that the page has done with
    if not job.running:
        st.rerun()
    st.progress(job.fraction, text=escape_markdown(job.status))
