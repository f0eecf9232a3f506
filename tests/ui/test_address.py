"""Runs of a page that overlap: the browser asks anew before an earlier run has come to where it stops."""

import threading
from types import SimpleNamespace

import pytest

from mriinterp.ui import address, keys


class Stopped(BaseException):
    """As Streamlit ends a run that another has replaced."""


@pytest.fixture
def written(monkeypatch):
    """Numbers of the runs that wrote the address, in a session without Streamlit."""

    def stop():
        raise Stopped

    runs = []
    page = SimpleNamespace(session_state={}, stop=stop)
    monkeypatch.setattr(address, "st", page)
    monkeypatch.setattr(keys, "st", page)
    monkeypatch.setattr(address, "_enter", lambda state, name: None)
    monkeypatch.setattr(address, "_leave", lambda state: runs.append(threading.current_thread().name))
    return runs


def start(name, *, until, ended, end):
    """Run a page in a thread: wait in it for `until`, then end it."""

    def run():
        try:
            with address.address_of_page("page"):
                began[name].set()
                until.wait(5)
                end()
        except Stopped:
            pass
        finally:
            ended.set()

    began = {name: threading.Event()}
    thread = threading.Thread(target=run, name=name)
    thread.start()
    assert began[name].wait(5)
    return thread


@pytest.mark.parametrize("how", ["stopped", "ended"])
def test_the_end_of_an_earlier_run_leaves_the_later_one_its_address(written, how):
    early, late, first_ended, second_ended = (threading.Event() for _ in range(4))
    first = start(
        "first", until=early, ended=first_ended, end=address.st.stop if how == "stopped" else address.end_page
    )
    second = start("second", until=late, ended=second_ended, end=address.end_page)
    early.set()
    assert first_ended.wait(5)
    late.set()
    assert second_ended.wait(5)
    first.join()
    second.join()
    assert written == ["second"]


def test_outside_of_a_page_there_is_nothing_to_write(written):
    with pytest.raises(Stopped):
        address.end_page()
    assert written == []
