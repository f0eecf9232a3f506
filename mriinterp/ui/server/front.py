"""The page that the server sends first, with the app's style in it.

A style that comes with the app's own output arrives seconds later, and moves
what was drawn before it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["StyledFront", "app_style"]

END = b"</body>"  # behind the head, to which Streamlit appends its own rules: of equal ones the later count
TITLE = (b"<title>Streamlit</title>", b"<title>mriinterp</title>")
NOT_ASKED = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")


@cache
def app_style() -> str:
    """Return the app's style sheet."""
    return files("mriinterp.ui").joinpath("assets/app.css").read_text(encoding="utf-8")


class StyledFront:
    """ASGI middleware that puts the app's style sheet into the HTML that Streamlit sends."""

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
        body = self.body.replace(END, style + END, 1).replace(*TITLE, 1)
        left_out = (b"content-length", b"etag", b"last-modified")
        kept = [(name, value) for name, value in start["headers"] if name.lower() not in left_out]
        length = (b"content-length", str(len(body)).encode())
        await self.send({**start, "headers": [*kept, length]})
        await self.send({"type": "http.response.body", "body": body})


def _is_html(message) -> bool:
    return message["status"] == 200 and any(
        name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in message["headers"]
    )
