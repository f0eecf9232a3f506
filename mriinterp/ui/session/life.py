"""The life of a session: what belongs to one session alone ends with it.

Streamlit reports that a browser has gone by releasing what it cached for the
session. The browser may come back (a lost connection), so there is a time of
grace; then work that no other session can join is cancelled, and scans that were
uploaded are removed from memory. A browser can come back without a run of the
page, and then nothing reports that it leaves again: a session that has left once
is looked at until it is closed.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mriinterp.base.allocator import give_back

__all__ = ["Session", "current_session", "forgotten_with_uploads"]

GRACE_SECONDS = 20.0  # between the end of a connection and the end of the session's own work
LOOK_SECONDS = 50.0  # absent in two looks, it is closed; after 120 Streamlit no longer finds it, and keeps its files

_sessions: dict[str, Session] = {}
_lock = threading.Lock()
_looks: dict[str, asyncio.TimerHandle] = {}  # at sessions that left; of the server's own thread alone
_private_caches: list[Callable[[], None]] = []


def forgotten_with_uploads(cached):
    """Mark a cached function whose results can hold parts of an uploaded scan; they go with the last of them.

    A decorator, outside of Streamlit's own.
    """
    _private_caches.append(cached.clear)
    return cached


class Session:
    """What belongs to one browser tab alone.

    Parameters
    ----------
    name : str
        Streamlit's id of the session.
    """

    def __init__(self, name: str):
        self.name = name
        self.holds_scan = False
        self._ending: threading.Timer | None = None
        self._at_end: list[weakref.WeakMethod] = []

    def at_end(self, method: Callable[[], object]) -> None:
        """Call a method when the session has ended, if its object still lives then."""
        self._at_end = [known for known in self._at_end if known() is not None] + [weakref.WeakMethod(method)]

    def stay(self) -> None:
        """Cancel the end: the browser is connected."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def leave(self) -> None:
        """End after a grace period, unless the browser reconnects."""
        self.stay()
        self._ending = threading.Timer(GRACE_SECONDS, self._end_if_gone)
        self._ending.daemon = True
        self._ending.start()

    def _end_if_gone(self) -> None:
        """End, or wait as long again where the browser has come back without a run."""
        if _is_connected(self.name):
            self.leave()
        else:
            self.end()

    def end(self) -> None:
        """End what belongs to the session alone."""
        with _lock:
            _sessions.pop(self.name, None)
        calls, self._at_end = self._at_end, []
        for method in (call() for call in calls):
            if method is not None:
                method()
        if self.holds_scan:
            self.holds_scan = False
            for clear in _private_caches:
                clear()
            give_back(collect=True)


def current_session() -> Session:
    """Return the session that is running; call it in every run, so that a browser that has come back is noticed."""
    context = get_script_run_ctx()
    name = "" if context is None else context.session_id  # "": a script run without a server
    with _lock:
        session = _sessions.setdefault(name, Session(name))
    session.stay()
    if context is not None:
        _lease(name)
    return session


def _left(name: str) -> None:
    """Note that the connection of a session has ended."""
    with _lock:
        session = _sessions.get(name)
    if session is None:
        return
    session.leave()
    with suppress(RuntimeError):  # no server: nothing to close
        _look_later(name, session.holds_scan, absent=False)


def _look(name: str, held_scan: bool, absent: bool) -> None:
    """Close a session that was absent before and still is, so that Streamlit drops its state and its files."""
    connected = _is_connected(name)
    if connected or not absent:
        _look_later(name, held_scan, absent=not connected)
        return
    del _looks[name]
    runtime.get_instance().close_session(name)
    if held_scan:
        threading.Thread(target=give_back, kwargs={"collect": True}, daemon=True).start()


def _look_later(name: str, held_scan: bool, absent: bool) -> None:
    loop = asyncio.get_running_loop()
    if name in _looks:  # it left before, and came back
        _looks[name].cancel()
    _looks[name] = loop.call_later(LOOK_SECONDS, _look, name, held_scan, absent)


def _is_connected(name: str) -> bool:
    return runtime.exists() and runtime.get_instance().is_active_session(name)


@st.cache_resource(scope="session", show_spinner=False, on_release=_left)
def _lease(name: str) -> str:
    return name
