"""Runs of a page that overlap: the browser asks anew before an earlier run has come to where it stops."""

import threading
from types import SimpleNamespace

import pytest

from mriinterp.ui.base import address
from mriinterp.ui.session import keys


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


def test_a_widget_that_was_away_for_a_run_comes_back_with_its_value():
    """The browser draws it as a new one: without its value, unless the server sends that."""
    from streamlit.testing.v1 import AppTest

    def page():
        import streamlit as st

        from mriinterp.ui.base.address import address_of_page
        from mriinterp.ui.base.linked import flag, linked

        with address_of_page("p"):
            if not st.session_state.get("away"):
                st.toggle("T", key=linked("t", True, cast=flag))
            else:  # what a server does of widgets whose state persists
                st.session_state["t"] = st.session_state["t"]

    app = AppTest.from_function(page).run()
    app.session_state["away"] = True
    app.run()
    app.session_state["away"] = False
    app.run()
    assert (app.toggle[0].value, app.toggle[0].proto.set_value) == (True, True)
    app.run()
    assert not app.toggle[0].proto.set_value  # the reader's own changes are not written over
