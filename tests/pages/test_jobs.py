"""Long work beside the page: told, cancelled, and never lost from sight."""

import gc
import threading
import weakref

import pytest
from streamlit.testing.v1 import AppTest

from mriinterp.base.progress import check_cancel, tell
from mriinterp.ui.base.jobs import Job, start_job, watch
from mriinterp.ui.session import life
from mriinterp.ui.session.life import Session, current_session


def page():
    """A page with one piece of work; what it does is in the session."""
    import streamlit as st

    from mriinterp.ui.base.jobs import start_job, watch

    if st.button("Start", key="start"):
        start_job("here", "The work", "a", st.session_state["work"], kept="Half of it is kept.")
    st.text("working" if watch("here", st.session_state.get("shown")) else "idle")


@pytest.fixture
def step():
    """Work that goes one step each time it is let, until it is cancelled; let(2) lets it take two."""
    gate = threading.Semaphore(0)

    def work(progress, cancel):
        for n in range(4):
            gate.acquire(timeout=30)
            check_cancel(cancel)
            tell(progress, n + 1, 4)
        return "done"

    work.let = lambda steps: [gate.release() for _ in range(steps)]
    return work


@pytest.fixture
def app(step):
    app = AppTest.from_function(page, default_timeout=60)
    app.session_state["work"] = step
    return app.run()


def job_of(app):
    return app.session_state["_job_here"]


def test_work_ends_and_nothing_is_told_of_it(app, step):
    app.button(key="start").click().run()
    assert app.text[0].value == "working"
    step.let(4)
    job = job_of(app)
    job.wait(30)
    assert job.result == "done"
    app.run()
    assert app.text[0].value == "idle"
    assert not app.info
    assert not app.error


def test_a_cancel_is_told_until_the_next_start(app, step):
    """Two runs may follow each other at once; the second must not take the message away."""
    app.button(key="start").click().run()
    app.button(key="cancel_here").click().run()
    step.let(1)
    job_of(app).wait(30)
    for _ in range(3):
        app.run()
        assert [info.value for info in app.info] == ["The work was cancelled. Half of it is kept."]
    app.button(key="start").click().run()
    assert not app.info
    step.let(4)
    job_of(app).wait(30)


def test_how_work_for_something_else_ended_is_not_told(app, step):
    app.button(key="start").click().run()
    job = job_of(app)
    job.cancel()
    step.let(1)
    job.wait(30)
    app.session_state["shown"] = "b"
    assert not app.run().info


def test_a_failure_is_told_with_its_words_escaped(app):
    def fail(progress, cancel):
        raise ValueError("expected *one* scan")

    app.session_state["work"] = fail
    app.button(key="start").click().run()
    job_of(app).wait(30)
    for _ in range(2):
        app.run()
        assert [error.value for error in app.error] == [r"The work failed\: expected \*one\* scan"]


def test_status_tells_steps_and_then_that_it_stops(step):
    job = Job("The work", "a", step)
    step.let(1)
    while not job.fraction:
        threading.Event().wait(0.01)
    assert job.status.startswith("The work: 1 of 4, ")
    job.cancel()
    assert job.status == "The work: stopping …"
    step.let(1)
    job.wait(30)
    assert job.cancelled
    assert job.ended_early


def test_a_page_loaded_again_joins_the_work_that_goes_on(step):
    import streamlit as st

    first = start_job("one", "The work", "the same", step, shared=True)
    st.session_state.clear()
    assert start_job("other", "The work", "the same", step, shared=True) is first
    own = start_job("own", "The work", "the same", step)
    assert own is not first
    first.cancel()
    again = start_job("again", "The work", "the same", step, shared=True)
    assert again not in (first, own)  # what is stopping, and what is for one session only, is not joined
    step.let(20)
    for job in (first, own, again):
        job.cancel()
        job.wait(30)


@pytest.fixture
def tabs(monkeypatch):
    """tabs("a"): from now on the code runs in the browser tab of that name, each with a memory of its own."""
    import streamlit as st

    known = {}

    def enter(name):
        session, state = known.setdefault(name, (Session(name), {}))
        monkeypatch.setattr("mriinterp.ui.base.jobs.current_session", lambda: session)
        monkeypatch.setattr(st, "session_state", state)
        return session

    return enter


@pytest.fixture
def shown():
    """Keys of jobs by slot, as watched."""
    import streamlit as st

    return lambda slot: st.session_state.get(f"_job_{slot}")


def test_a_new_tab_on_the_link_of_work_under_way_sees_it_and_can_cancel_it(tabs, shown, step):
    tabs("first")
    job = start_job("single", "The map", "map 1", step, shared=True)
    tabs("second")
    assert not watch("single", "map 2")
    assert shown("single") is None
    assert watch("single", "map 1")
    assert shown("single") is job
    shown("single").cancel()
    step.let(1)
    job.wait(30)
    assert job.cancelled
    tabs("first")
    assert not watch("single", "map 1")  # says that it was cancelled


def test_who_waits_for_one_of_several_results_sees_the_work_that_makes_them(tabs, shown, step):
    tabs("compare")
    job = start_job("compare", "3 maps", "all three", step, shared=True, makes=["map 1", "map 2", "map 3"])
    tabs("single")
    assert watch("single", "map 2")
    assert shown("single") is job
    tabs("other columns")
    assert watch("compare", wanted=["map 3", "map 4"])
    job.cancel()
    step.let(1)
    job.wait(30)


def test_work_on_an_uploaded_scan_is_not_seen_by_others(tabs, shown, step):
    tabs("first")
    job = start_job("single", "The map", "map 1", step)
    tabs("second")
    assert not watch("single", "map 1")
    assert shown("single") is None
    job.cancel()
    step.let(1)
    job.wait(30)


def test_something_else_in_a_slot_ends_work_unless_another_tab_watches_it(tabs, step):
    tabs("first")
    alone = start_job("single", "The map", "map 1", step, shared=True)
    watched = start_job("compare", "Others", "map 2", step, shared=True)
    tabs("second")
    assert watch("compare", "map 2")
    tabs("first")
    others = [start_job("single", "The map", "map 3", step), start_job("compare", "Others", "map 4", step)]
    assert alone.stopping
    assert not watched.stopping
    for job in (watched, *others):
        job.cancel()
    step.let(20)


def test_work_on_an_uploaded_scan_ends_with_its_session_and_shared_work_goes_on(tabs, step):
    session = tabs("first")
    own = start_job("single", "The map of an upload", "map 1", step)
    shared = start_job("cohort", "A cohort", "cohort", step, shared=True)
    session.end()
    assert own.stopping
    assert not shared.stopping
    shared.cancel()
    step.let(20)


def test_a_connection_that_comes_back_in_time_ends_nothing(step, monkeypatch):
    monkeypatch.setattr(life, "GRACE_SECONDS", 0.3)
    session = current_session()  # without a server there is one
    job = start_job("single", "The map of an upload", "map 1", step)
    session.leave()
    assert current_session() is session
    threading.Event().wait(0.6)
    assert not job.stopping
    session.leave()
    threading.Event().wait(0.6)
    assert job.stopping
    assert current_session() is not session
    step.let(4)


class Server:
    """A server as far as sessions see it; its timers go off when told."""

    def __init__(self):
        self.timers, self.closed, self.connected = [], [], set()

    def is_active_session(self, name):
        return name in self.connected

    def close_session(self, name):
        self.closed.append(name)

    def call_later(self, seconds, function, *arguments):
        self.timers.append(Timer(lambda: function(*arguments)))
        return self.timers[-1]

    def next(self):
        for timer in [timer for timer in self.timers if timer.off]:
            off, timer.off = timer.off, None
            off()


class Timer:
    def __init__(self, off):
        self.off = off

    def cancel(self):
        self.off = None


@pytest.fixture
def watched(monkeypatch):
    """A server, and a session of it that has left."""
    server = Server()
    monkeypatch.setattr(life, "GRACE_SECONDS", 60)
    monkeypatch.setattr(life.asyncio, "get_running_loop", lambda: server)
    monkeypatch.setattr(life.runtime, "exists", lambda: True)
    monkeypatch.setattr(life.runtime, "get_instance", lambda: server)
    session = current_session()
    life._left(session.name)
    yield server, session
    session.stay()


def test_a_session_that_is_absent_in_two_looks_is_closed(watched):
    server, session = watched
    server.next()
    assert server.closed == []
    server.next()
    assert server.closed == [session.name]
    assert [timer for timer in server.timers if timer.off] == []


def test_a_session_that_comes_back_without_a_run_is_closed_when_it_leaves_unnoticed(watched):
    server, session = watched
    server.next()
    server.connected.add(session.name)
    for _ in range(3):
        server.next()
    server.connected.clear()
    server.next()
    assert server.closed == []
    server.next()
    assert server.closed == [session.name]


def test_a_session_that_left_again_is_looked_at_from_then(watched):
    server, session = watched
    server.next()
    life._left(session.name)
    server.next()
    assert server.closed == []
    server.next()
    assert server.closed == [session.name]


def test_the_work_of_a_session_that_came_back_without_a_run_goes_on(step, monkeypatch):
    connected = [True]
    monkeypatch.setattr(life, "GRACE_SECONDS", 0.2)
    monkeypatch.setattr(life, "_is_connected", lambda name: connected[0])
    session = current_session()
    job = start_job("single", "The map of an upload", "map 1", step)
    session.leave()
    threading.Event().wait(0.7)
    assert not job.stopping
    connected[0] = False
    threading.Event().wait(0.7)
    assert job.stopping
    step.let(4)


def test_a_job_that_ended_holds_nothing_of_its_work():
    scan = threading.Event()  # anything that a weak reference can follow
    watched = weakref.ref(scan)
    job = Job("The work", "a", lambda progress, cancel, scan=scan: None)
    del scan
    job.wait(30)
    gc.collect()
    assert watched() is None


def test_caches_that_can_hold_an_upload_are_emptied_when_its_session_ends(monkeypatch):
    import streamlit as st

    @life.forgotten_with_uploads
    @st.cache_resource(show_spinner=False)
    def packed(digest):
        return object()

    first = packed("scan")
    other = Session("without an upload")
    other.end()
    assert packed("scan") is first
    session = Session("with one")
    session.holds_scan = True
    session.end()
    assert packed("scan") is not first
