"""One way to run a page in tests: the whole app, opened by the page's own address."""

import functools
import time
from pathlib import Path

import pytest

from mriinterp.ui.base.address import SessionAddress
from mriinterp.ui.base.jobs import stop_all

ROOT = Path(__file__).resolve().parents[2]
FRONT = "pages/single_scan.py"
SLOTS = (
    "single",
    "compare",
    "cohort",
    "trust",
    "trust_subject",
    "series",
    "prepare",
    "fetch",
    "network",
    "train_check",
)  # of background work, one a page


@pytest.fixture(autouse=True)
def no_work_left():
    """End what a test's page still computes: it would run beside the next tests."""
    yield
    stop_all()


@pytest.fixture(scope="session", autouse=True)
def installed_packages_searched_once():
    """Look for components in all installed packages once, as a server does, and not for each app: half a second each time."""
    from streamlit.components.v2 import manifest_scanner

    patch = pytest.MonkeyPatch()
    patch.setattr(
        manifest_scanner, "scan_component_manifests", functools.cache(manifest_scanner.scan_component_manifests)
    )
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def no_background_predictions(monkeypatch):
    """Leave out the predictions of all subjects, which would take the processor from what a test waits for."""
    monkeypatch.setattr("mriinterp.ui.single.predictions.MOST", 0)


@pytest.fixture(autouse=True)
def no_head_start(monkeypatch):
    """Leave out the moment that a browser has to draw a viewer: here is none."""
    monkeypatch.setattr("mriinterp.ui.base.viewlink.HEAD_START", (0.0, 0.0))


def _run_app(path):
    """Run app.py, as a server does."""
    exec(compile(Path(path).read_text(encoding="utf-8"), path, "exec"), {"__name__": "__main__", "__file__": path})


@pytest.fixture
def open_page(monkeypatch):
    """open_page("pages/x.py", subject="sim-002") → the app on that page with that address."""
    from streamlit.runtime.scriptrunner import script_runner
    from streamlit.testing.v1 import AppTest

    # AppTest forgets from run to run that the app names its pages itself, and would run pages/x.py without app.py.
    monkeypatch.setattr(script_runner, "_mpa_v1", _run_app)

    def open_(page: str | None = None, **address):
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        for key, value in address.items():
            app.query_params[key] = value
        if page is not None:  # its first address is written too: no browser does it here
            app.session_state["_address"] = SessionAddress(fresh=False)
        if page not in (None, FRONT):  # which has no name of its own in the address
            app.switch_page(page)
        app.run()
        assert not app.exception, [e.value for e in app.exception]
        return app

    return open_


def _works(app):
    jobs = [app.session_state[f"_job_{slot}"] for slot in SLOTS if f"_job_{slot}" in app.session_state]
    return any(job.running for job in jobs)


@pytest.fixture
def finish():
    """Run a page until its background work is done."""

    def finish_(app, seconds: float = 120):
        end = time.monotonic() + seconds
        while _works(app) and time.monotonic() < end:
            time.sleep(0.3)
        app.run()
        assert not app.exception, [e.value for e in app.exception]
        return app

    return finish_


@pytest.fixture
def offered(monkeypatch):
    """What the page offers for download: names of files, and how they are made."""
    import streamlit as st

    files, button = {}, st.download_button

    def record(label, data, file_name, **options):
        files[file_name] = data
        return button(label, data, file_name, **options)

    monkeypatch.setattr(st, "download_button", record)
    return files
