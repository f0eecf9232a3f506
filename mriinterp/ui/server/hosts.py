"""Which requests the server answers: those under its own names, and WebSockets of its own pages.

A page of another site can have its host name lead to this computer (DNS
rebinding) or open a WebSocket to it. Streamlit compares host names only for
WebSockets, and looks up this computer's address on the web before it refuses a
foreign page. Here every request is judged first, by settings alone.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from mriinterp.ui.sources.allowance import code_allowed

__all__ = ["LOCAL_HOSTS", "KnownHosts"]

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
REFUSED = (
    "This server does not answer under this host name. Open it as http://localhost, or add the name to "
    "server.allowedHosts (see docs/server.md).\n"
)


def _names(option: str) -> list[str]:
    return [str(name).strip().lower().rstrip(".").strip("[]") for name in st.get_option(option) or []]


def _hostname(address: str) -> str:
    """Return the host name in ``//host:port`` or a whole address, in small letters; "" if there is none."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # ValueError for one that is no number
    except ValueError:
        return ""
    return "" if "@" in parts.netloc else (parts.hostname or "").rstrip(".")


def _known(hostname: str, names: list[str]) -> bool:
    """Return whether a host name is one of these; ``*.example.org`` is any below example.org, ``*`` any at all."""
    return any(
        bool(hostname) and (name in ("*", hostname) or (name.startswith("*.") and hostname.endswith(name[1:])))
        for name in names
    )


def _own_page(origin: str, host: str) -> bool:
    """Return whether a request comes from a page of this server, or of a site that the settings allow."""
    if not st.get_option("server.enableCORS") or urlsplit(origin).netloc.lower() == host.lower():
        return True
    named = [_hostname(f"//{st.get_option('browser.serverAddress')}")]
    named += [_hostname(address) for address in st.get_option("server.corsAllowedOrigins") or []]
    return _hostname(origin) in ("localhost", "127.0.0.1", *filter(None, named))


class KnownHosts:
    """ASGI middleware that refuses requests under foreign host names, and WebSockets and uploads of foreign pages.

    Names are those of ``server.allowedHosts``, ports are ignored; without any
    there, those of this computer. Where code of studies may be agreed to, no
    page of another site may frame this one: a click meant for something else
    would give permission.
    """

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] in ("http", "websocket") and not self._answers(scope):
            await _refuse(scope, send)
        else:
            await self.app(scope, receive, _unframed(send) if code_allowed() else send)

    @staticmethod
    def _answers(scope) -> bool:
        hosts, origins = (
            [v.decode("latin-1") for n, v in scope["headers"] if n == name] for name in (b"host", b"origin")
        )
        if len(hosts) != 1 or len(origins) > 1:  # which of them counts would be a guess
            return False
        host, origin = hosts[0], next(iter(origins), None)
        if not _known(_hostname(f"//{host}"), _names("server.allowedHosts") or list(LOCAL_HOSTS)):
            return False
        reading = scope["type"] == "http" and scope["method"] in ("GET", "HEAD", "OPTIONS")
        return origin is None or reading or _own_page(origin, host)


def _unframed(send):
    """Return `send` wrapped so that browsers show the answer in no frame of another site."""

    async def send_(message) -> None:
        if message["type"] == "http.response.start":
            own = [(b"content-security-policy", b"frame-ancestors 'self'"), (b"x-frame-options", b"SAMEORIGIN")]
            message = {**message, "headers": [*message.get("headers", ()), *own]}
        await send(message)

    return send_


async def _refuse(scope, send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the answer is 403
        return
    body = REFUSED.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
