"""Long work beside the page: told, cancelled, and never lost from sight."""

import threading

import pytest
from streamlit.testing.v1 import AppTest

from mriinterp.base.progress import check_cancel, tell
from mriinterp.ui.jobs import Job


def page():
    """A page with one piece of work; what it does is in the session."""
    import streamlit as st

    from mriinterp.ui.jobs import start_job, watch

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

    from mriinterp.ui.jobs import start_job

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
