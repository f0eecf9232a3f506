"""Files that a browser gave go from the server's memory when the browser has gone."""

import inspect
import time
import urllib.request
from pathlib import Path

import pytest
from streamlit.runtime.memory_session_storage import MemorySessionStorage

from mriinterp.ui.session.life import LOOK_SECONDS

SIZE = 100_000


@pytest.fixture
def url(serve):
    return serve(Path(__file__).with_name("upload_app.py"))


def held(url):
    """Return the bytes of uploaded files in the server's memory, as Streamlit counts them."""
    with urllib.request.urlopen(f"{url}/_stcore/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return sum(int(line.split()[-1]) for line in lines if "UploadedFileManager" in line)


def upload(page, url):
    page.goto(url)
    page.get_by_text("Nothing is here.").wait_for()
    page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(
        {"name": "scan.nii", "mimeType": "application/octet-stream", "buffer": bytes(SIZE)}
    )
    page.get_by_text("It is here.").wait_for()


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def pump(page):
    """Let the browser's events reach their listeners."""
    page.wait_for_timeout(50)
    return True


def test_files_go_some_time_after_their_browser_has_gone(chromium, url):
    context = chromium.new_context()
    upload(context.new_page(), url)
    assert held(url) == SIZE
    context.close()
    wait_until(lambda: held(url) == 0)


def test_a_connection_that_comes_back_keeps_its_files_until_it_leaves(chromium, url):
    context = chromium.new_context()
    page = context.new_page()
    connections = []

    def connect(route):
        route.connect_to_server()
        connections.append(route)

    page.route_web_socket("**/_stcore/stream", connect)
    upload(page, url)
    connections[0].close()
    wait_until(lambda: pump(page) and len(connections) == 2)
    page.wait_for_timeout(3000)  # longer than a session that has left is kept
    page.get_by_text("It is here.").wait_for()
    assert held(url) == SIZE
    context.close()
    wait_until(lambda: held(url) == 0)


def test_sessions_are_closed_while_streamlit_still_finds_them():
    found_for = inspect.signature(MemorySessionStorage).parameters["ttl_seconds"].default
    assert found_for - 10 >= 2 * LOOK_SECONDS
