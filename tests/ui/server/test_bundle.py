"""Files of Streamlit's front end are what Streamlit would send; everything else is left to it."""

import asyncio
from pathlib import Path

import pytest
import streamlit as st
from streamlit.web.server.starlette.starlette_static_routes import create_streamlit_static_handler

from mriinterp.ui.server import bundle
from mriinterp.ui.server.bundle import BundledFiles

FRONT = Path(st.__file__).parent / "static"
KINDS = ("js/*.js", "css/*.css", "media/*.woff2")


def name_of(kind):
    return min(FRONT.glob(f"static/{kind}")).relative_to(FRONT).as_posix()


SCRIPT = name_of(KINDS[0])


def ask(app, path, method="GET", headers=()):
    """Return status, headers and body of an answer."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": list(headers)}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(message.get("body", b"") for message in sent[1:])


async def receive():
    await asyncio.Event().wait()


async def behind(scope, receive, send):
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"Streamlit"})


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_sent_as_streamlit_sends_it(kind):
    name = name_of(kind)
    status, headers, body = ask(BundledFiles(behind), f"/{name}")
    expected = ask(create_streamlit_static_handler(str(FRONT), None), f"/{name}")
    assert (status, body) == (200, expected[2]) == (expected[0], (FRONT / name).read_bytes())
    for header in (b"content-type", b"content-length", b"cache-control"):
        assert headers[header] == expected[1][header], header


@pytest.mark.parametrize(
    ("path", "method", "header"),
    [
        ("/", "GET", b"accept"),
        ("/index.html", "GET", b"accept"),
        ("/static/js/none.js", "GET", b"accept"),
        ("/static/../index.html", "GET", b"accept"),
        (f"/{SCRIPT}", "HEAD", b"accept"),
        (f"/{SCRIPT}", "GET", b"range"),
        (f"/{SCRIPT}", "GET", b"if-none-match"),
    ],
)
def test_all_else_is_left_to_streamlit(path, method, header):
    assert ask(BundledFiles(behind), path, method, [(header, b"1")])[2] == b"Streamlit"


def test_an_address_below_another_is_known(monkeypatch):
    monkeypatch.setattr(st, "get_option", lambda name: "/lab/app/")
    assert ask(BundledFiles(behind), f"/lab/app/{SCRIPT}")[0] == 200


def test_a_file_that_has_gone_is_left_to_streamlit(monkeypatch, tmp_path):
    monkeypatch.setattr(bundle, "_bundled", lambda: {"/static/js/old.js": tmp_path / "old.js"})
    assert ask(BundledFiles(behind), "/static/js/old.js")[2] == b"Streamlit"
