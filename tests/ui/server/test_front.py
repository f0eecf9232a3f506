"""The first page that the server sends has the app's style in it; everything else passes as it is."""

import asyncio
import re
from pathlib import Path

import pytest
import streamlit as st

from mriinterp.ui.server.front import ELEMENTS, IMPORTED, StyledFront, app_style, early_scripts

PAGE = b"<html><head><title>Streamlit</title></head><body><div></div></body></html>"
LINKS = "".join(f'<link rel="modulepreload" crossorigin href="./static/js/{name}">' for name in early_scripts())
STYLED = (
    PAGE.replace(b"<title>Streamlit<", b"<title>mriinterp<")
    .replace(b"</head>", LINKS.encode() + b"</head>")
    .replace(b"</body>", b"<style>" + app_style().encode() + b"</style></body>")
)


def answer(kind, accept, status=200, method="GET"):
    """Headers that reach the app behind, and what it sends, in two parts, as it arrives."""
    sent, asked = [], []

    async def behind(scope, receive, send):
        asked.extend(name for name, _ in scope["headers"])
        headers = [(b"content-type", kind), (b"content-length", str(len(PAGE)).encode()), (b"etag", b"1")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": PAGE[:60], "more_body": True})
        await send({"type": "http.response.body", "body": PAGE[60:]})

    async def send(message):
        sent.append(message)

    headers = [(b"accept", accept), (b"accept-encoding", b"gzip"), (b"if-none-match", b"1"), (b"host", b"localhost")]
    asyncio.run(StyledFront(behind)({"type": "http", "method": method, "headers": headers, "path": "/"}, None, send))
    return asked, dict(sent[0]["headers"]), b"".join(message.get("body", b"") for message in sent[1:])


def test_a_page_is_sent_whole_with_the_style_and_its_length():
    asked, headers, body = answer(b"text/html; charset=utf-8", b"text/html,*/*;q=0.8")
    assert body == STYLED
    assert headers[b"content-length"] == str(len(STYLED)).encode()
    assert b"etag" not in headers  # Streamlit's file may be the same where the style is another
    assert asked == [b"accept", b"host"]


@pytest.mark.parametrize(
    ("kind", "accept", "status", "method"),
    [
        (b"text/javascript", b"text/html,*/*", 200, "GET"),
        (b"text/html", b"*/*", 200, "GET"),
        (b"text/html", b"text/html", 404, "GET"),
        (b"text/html", b"text/html", 200, "HEAD"),
    ],
)
def test_all_else_is_sent_as_it_is(kind, accept, status, method):
    _, headers, body = answer(kind, accept, status, method)
    assert body == PAGE
    assert headers[b"etag"] == b"1"


def test_early_scripts_are_those_of_the_first_elements_and_all_that_these_import():
    front = Path(st.__file__).parent / "static"
    page = (front / "index.html").read_text(encoding="utf-8")
    scripts = early_scripts()
    assert [name.split(".")[0] for name in scripts[: len(ELEMENTS)]] == list(ELEMENTS)
    assert len(set(scripts)) == len(scripts)
    for name in scripts:
        assert name not in page  # Streamlit's own links
        imported = IMPORTED.findall((front / "static/js" / name).read_text(encoding="utf-8"))
        assert all(other in scripts or other in page for other in imported), name


def test_no_rule_makes_the_browser_match_the_whole_page_anew_for_every_label_of_a_chart():
    """A label then takes 27 ms instead of 0.3: two ``:has()`` in a selector, or one of everything or of ``:root``."""
    rules = re.sub(r"/\*.*?\*/", "", app_style(), flags=re.DOTALL)
    selectors = [s.strip() for s in re.findall(r"[^{};]+(?=\{)", rules) if ":has(" in s]
    assert len(selectors) > 5
    for selector in selectors:
        assert selector.count(":has(") == 1, selector
        assert not selector.startswith((":has(", ":root")), selector
