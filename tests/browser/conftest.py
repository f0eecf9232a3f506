"""A real Chromium and running apps, shared by all browser tests.

Where there is no Chromium the tests are skipped with that reason; on the
integration server (``CI=true``) a missing browser is a failure.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from pathlib import Path
from urllib.parse import urlparse

import pytest

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90
HARMLESS = (
    "Unrecognized feature:",
    "was preloaded using link preload",
    # A page is asked first whether the server lives below its own address; the answer is no.
    "/_stcore/health",
    "/_stcore/host-config",
    # Plotly's planes in space, drawn without a graphics card.
    "GL Driver Message",
    "willReadFrequently",
)  # the browser's remarks on Streamlit's own page


def _on_server():
    return os.environ.get("CI", "").lower() in ("1", "true")


def _missing(reason):
    if _on_server():
        pytest.fail(reason)
    pytest.skip(reason)


def _chromium_path(playwright):
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    candidates = [os.environ.get("CHROMIUM_PATH"), playwright.chromium.executable_path, *map(shutil.which, names)]
    return next((path for path in candidates if path and Path(path).exists()), None)


@pytest.fixture(scope="package")
def chromium():
    """A headless browser, closed with this folder's tests: Playwright keeps an event loop running until then."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("Playwright is not installed (requirements-dev.txt)")
    with sync_playwright() as playwright:
        path = _chromium_path(playwright)
        if path is None:
            _missing("no Chromium found; set CHROMIUM_PATH or install one")
        quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            quiet.append("--no-sandbox")
        browser = playwright.chromium.launch(executable_path=path, args=quiet)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def serve(tmp_path_factory):
    """Start ``streamlit run FILE -- ARGUMENTS`` and give its address; each once, all ended with this folder's tests."""
    running = {}

    def start(file, *arguments, **environment):
        file = Path(file)
        if (file, arguments) not in running:
            log = tmp_path_factory.mktemp("streamlit") / "log.txt"
            running[file, arguments] = _start(file, arguments, environment, log)
        return running[file, arguments][0]

    yield start
    for _, process in running.values():
        process.terminate()
    for _, process in running.values():
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _start(file, arguments, environment, log):
    port = _free_port()
    options = {
        "server.port": port, "server.address": "127.0.0.1", "server.headless": "true",
        "server.fileWatcherType": "none", "browser.gatherUsageStats": "false",
    }  # fmt: skip
    command = [sys.executable, "-m", "streamlit", "run", str(file), *(f"--{k}={v}" for k, v in options.items())]
    command += ["--", *arguments] if arguments else []
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return _run(command, port, log, cwd=ROOT, env={**os.environ, "PYTHONPATH": paths, **environment})


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _run(command, port, log, **options):
    """Start a server; return its address and process once it answers."""
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, **options)
    url = f"http://127.0.0.1:{port}"
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return url, process
        except OSError:
            time.sleep(0.2)
    process.kill()
    said = log.read_text(encoding="utf-8")[-3000:]
    raise RuntimeError(f"{' '.join(map(str, command))} did not start within {START_SECONDS} s:\n{said}")


@pytest.fixture
def run_command(tmp_path):
    """Start ``mriinterp …`` with ``--port`` away from the checkout and give its address; ended with the test."""
    running = []

    def start(*arguments, **environment):
        port = _free_port()
        command = [sys.executable, "-m", "mriinterp", *arguments, "--port", str(port)]
        url, process = _run(command, port, tmp_path / "log.txt", cwd=tmp_path, env={**os.environ, **environment})
        running.append(process)
        return url

    yield start
    for process in running:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="package")
def app_url(serve, tmp_path_factory):
    """Address of the app itself, with results in a folder of its own."""
    return serve(ROOT / "app.py", MRIINTERP_HOME=str(tmp_path_factory.mktemp("home")))


@pytest.fixture
def new_page(chromium):
    """Make pages, options as of ``browser.new_context``; on leaving, none may have complained or left localhost."""
    contexts, complaints, strangers, pages = [], [], [], []

    def make(**options):
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        pages.append(page)
        page.set_default_timeout(90_000)  # of waiting, on a machine that runs other tests beside this one
        page.on(
            "console",
            lambda m: (
                complaints.append(f"{m.type}: {m.text} {m.location.get('url')}")
                if m.type in ("error", "warning")
                else None
            ),
        )
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.on("request", lambda request: strangers.append(request.url) if _is_stranger(request.url) else None)
        return page

    make.pages = pages
    yield make
    for context in contexts:
        context.close()
    assert not [c for c in complaints if not any(text in c for text in HARMLESS)]
    assert not strangers


def pytest_collection_modifyitems(items):
    """On the integration server a failed test is run once more, and listed as run again, as it shares two cores with others."""
    if _on_server():
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Tell with a failure what its pages showed then."""
    report = yield
    if report.when == "call" and report.failed:
        for page in getattr(item.funcargs.get("new_page"), "pages", ()):
            report.sections.append((f"page {page.url}", _seen(page)))
        if item.get_closest_marker("flaky"):  # of a test that is run once more only warnings are shown
            pages = "\n".join(text for _, text in report.sections)
            warnings.warn(f"{item.name} failed: {report.longreprtext[-1000:]}\n{pages[:3000]}", stacklevel=1)
    return report


def _seen(page):
    """Return the text of a page, how far its script is, and the states of its viewers."""
    from playwright.sync_api import Error

    try:
        state = page.get_by_test_id("stApp").first.get_attribute("data-test-script-state", timeout=5000)
        viewers = page.locator(".mriinterp-viewer").evaluate_all("all => all.map((one) => one.outerHTML.slice(0, 300))")
        return "\n".join([f"script: {state}", *viewers, page.locator("body").inner_text(timeout=5000)[:4000]])
    except Error as error:
        return f"could not be read: {error}"


def _is_stranger(url):
    parts = urlparse(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in ("127.0.0.1", "localhost")


@pytest.fixture
def page(new_page):
    """One page at 1280 × 900."""
    return new_page()
