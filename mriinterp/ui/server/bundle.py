"""The files of Streamlit's front end, sent at once.

Streamlit has three threads' turns for every file: to look whether it is there,
to open and to read it. A page begins with sixty files, while threads import
and load what it shows, and each turn waits for them.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from mimetypes import guess_type
from pathlib import Path

import streamlit as st
from streamlit.web.server.starlette.starlette_server_config import STATIC_ASSET_CACHE_MAX_AGE_SECONDS

__all__ = ["FRONT", "BundledFiles"]

FRONT = Path(str(files("streamlit"))) / "static"
FOLDER = "static"  # in there: its files have their digests in their names
PARTLY = (b"range", b"if-range", b"if-none-match", b"if-modified-since")  # may not ask for all of a file
CACHE = f"public, immutable, max-age={STATIC_ASSET_CACHE_MAX_AGE_SECONDS}"


class BundledFiles:
    """ASGI middleware that sends a whole file of Streamlit's front end in one step, and leaves the rest to Streamlit."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        found = _asked(scope)
        if found is None:
            await self.app(scope, receive, send)
            return
        kind, body = found
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", CACHE.encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _asked(scope) -> tuple[str, bytes] | None:
    """Return kind and content of the file that is asked for as a whole; None if it is something else."""
    if scope["type"] != "http" or scope["method"] != "GET" or any(name in PARTLY for name, _ in scope["headers"]):
        return None
    base = st.get_option("server.baseUrlPath").strip("/")
    file = _bundled().get(scope["path"].removeprefix(f"/{base}" if base else ""))
    try:
        return None if file is None else (_kind(file.name), file.read_bytes())
    except OSError:  # Streamlit was replaced under the running server
        return None


@cache
def _bundled() -> dict[str, Path]:
    """Return the files by their paths in an address: no other file can be asked for."""
    return {f"/{file.relative_to(FRONT).as_posix()}": file for file in (FRONT / FOLDER).rglob("*") if file.is_file()}


def _kind(name: str) -> str:
    kind = guess_type(name)[0] or "text/plain"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
