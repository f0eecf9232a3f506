"""The page that the server sends first, with the app's style in it, and what its first elements need.

A style that comes with the app's own output arrives seconds later, and moves
what was drawn before it. The code of a kind of element is asked for when the
first of them arrives, in turns: here all of it is asked for with the page.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from mriinterp.ui.server.bundle import FRONT

__all__ = ["StyledFront", "app_style", "early_scripts"]

ELEMENTS = "BidiComponent", "Selectbox", "Button", "FileUploader", "NumberInput", "PageLink", "ButtonGroup"
"""Kinds of elements that the first page shows with its map, and before."""

IMPORTED = re.compile(r'(?:from|import)"\./([\w.-]+\.js)"')
HEAD = b"</head>"
END = b"</body>"  # behind the head, to which Streamlit appends its own rules: of equal ones the later count
TITLE = (b"<title>Streamlit</title>", b"<title>mriinterp</title>")
NOT_ASKED = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")


@cache
def app_style() -> str:
    """Return the app's style sheet."""
    return files("mriinterp.ui").joinpath("assets/app.css").read_text(encoding="utf-8")


@cache
def early_scripts() -> tuple[str, ...]:
    """Return the names of scripts that the first page's elements need, beside those that Streamlit loads at once."""
    scripts = {file.name: file for file in (FRONT / "static" / "js").glob("*.js")}
    known = set(re.findall(r"static/js/([\w.-]+\.js)", (FRONT / "index.html").read_text(encoding="utf-8")))
    found: dict[str, None] = {}
    wanted = [name for kind in ELEMENTS for name in scripts if name.split(".")[0] == kind]
    while wanted:
        name = wanted.pop(0)
        if name in scripts and name not in known and name not in found:
            found[name] = None
            wanted += IMPORTED.findall(scripts[name].read_text(encoding="utf-8"))
    return tuple(found)


@cache
def _links() -> bytes:
    link = '<link rel="modulepreload" crossorigin href="./static/js/{}">'
    return "".join(link.format(name) for name in early_scripts()).encode()


class StyledFront:
    """ASGI middleware that puts the app's style sheet, and links to early scripts, into the HTML that Streamlit sends."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        headers = scope.get("headers", ())
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or not any(name == b"accept" and b"text/html" in value for name, value in headers)
        ):
            await self.app(scope, receive, send)
            return
        # As a whole and plain: the style may be another one although Streamlit's file is the same.
        headers = [(name, value) for name, value in headers if name not in NOT_ASKED]
        await self.app({**scope, "headers": headers, "extensions": {}}, receive, _Styled(send))


class _Styled:
    """Send an answer on, HTML with the style in it."""

    def __init__(self, send):
        self.send, self.start, self.body = send, None, b""

    async def __call__(self, message) -> None:
        if message["type"] == "http.response.start" and _is_html(message):
            self.start = message
        elif self.start is None or message["type"] != "http.response.body":
            await self.send(message)
        else:
            self.body += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_styled(self.start)

    async def _send_styled(self, start) -> None:
        style = b"<style>" + app_style().encode() + b"</style>"
        body = self.body.replace(HEAD, _links() + HEAD, 1).replace(END, style + END, 1).replace(*TITLE, 1)
        left_out = (b"content-length", b"etag", b"last-modified")
        kept = [(name, value) for name, value in start["headers"] if name.lower() not in left_out]
        length = (b"content-length", str(len(body)).encode())
        await self.send({**start, "headers": [*kept, length]})
        await self.send({"type": "http.response.body", "body": body})


def _is_html(message) -> bool:
    return message["status"] == 200 and any(
        name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in message["headers"]
    )
