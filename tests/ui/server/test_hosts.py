"""Requests under foreign names and from foreign pages are refused, by settings alone."""

import asyncio
import multiprocessing
import os
import sys
import tomllib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from mriinterp.ui.server import hosts
from mriinterp.ui.server.hosts import KnownHosts
from mriinterp.ui.sources.allowance import check_arguments

ROOT = Path(__file__).parents[3]
CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


@pytest.fixture
def settings(monkeypatch):
    """The app's own settings, and changes to them."""
    values = {
        "server.allowedHosts": CONFIG["server"]["allowedHosts"],
        "server.enableCORS": True,
        "server.corsAllowedOrigins": [],
        "browser.serverAddress": None,
    }
    monkeypatch.setattr(hosts.st, "get_option", values.__getitem__)
    return values


def ask(host, origin=None, kind="http", method="GET"):
    """Status that a request gets: 200 is that of the app behind."""
    sent = []

    async def behind(scope, receive, send):
        sent.append({"status": 200})

    async def send(message):
        sent.append(message)

    headers = [(b"host", host.encode())] if host is not None else []
    headers += [(b"origin", origin.encode())] if origin else []
    scope = {"type": kind, "headers": headers, "method": method, "path": "/"}
    asyncio.run(KnownHosts(behind)(scope, None, send))
    return 403 if sent[0].get("type") == "websocket.close" else sent[0]["status"]


def test_the_settings_name_this_computer_alone():
    assert set(CONFIG["server"]["allowedHosts"]) == {"localhost", "127.0.0.1", "[::1]", "::1"}
    assert CONFIG["server"]["address"] == "localhost"


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8501", "127.0.0.1:8501", "[::1]:8501", "[::1]", "localhost."])
def test_this_computers_names_are_answered(settings, kind, host):
    assert ask(host, kind=kind) == 200


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "localhost.evil.example", "evil-localhost", "127.0.0.1.evil.example", "user@localhost",
        "localhost:port", "", None, "[::2]", "127.0.0.2", "0.0.0.0", "localhost:80:80", "[::1", "*",
    ],
)  # fmt: skip
def test_foreign_names_are_refused(settings, kind, host):
    assert ask(host, kind=kind) == 403


@pytest.mark.parametrize("name", [b"host", b"origin"])
@pytest.mark.parametrize("first", [True, False])
def test_a_header_that_stands_twice_is_refused(settings, name, first):
    """Which of the two counts would be a guess."""
    values = {b"host": (b"localhost", b"evil.example"), b"origin": (b"http://localhost", b"http://evil.example")}[name]
    headers = [(name, value) for value in (values if first else values[::-1])]
    headers += [(b"host", b"localhost")] if name == b"origin" else []
    answers = KnownHosts._answers({"type": "http", "method": "GET", "headers": headers})
    assert not answers


@pytest.mark.parametrize("hosts", [[], None])
def test_without_names_in_the_settings_this_computers_are_taken(settings, hosts):
    settings["server.allowedHosts"] = hosts
    assert ask("localhost:8501") == 200
    assert ask("evil.example") == 403


def test_a_host_name_is_added_in_the_settings(settings):
    settings["server.allowedHosts"] = ["Maps.Lab.org", "*.clinic.org"]
    assert ask("maps.lab.org:443") == 200
    assert ask("a.clinic.org") == 200
    assert ask("clinic.org") == 403
    assert ask("evilclinic.org") == 403
    assert ask("localhost") == 403
    settings["server.allowedHosts"] = ["*"]
    assert ask("any.example") == 200
    assert ask(None) == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://localhost:8501", 200),
        ("http://127.0.0.1:8501", 200),
        ("http://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("null", 403),
        ("http://localhost@evil.example", 403),
    ],
)
def test_a_websocket_of_a_foreign_page_is_refused_before_anything_is_looked_up(settings, origin, status):
    assert ask("localhost:8501", origin, "websocket") == status
    assert ask("localhost:8501", origin, method="PUT") == status  # an upload
    assert ask("localhost:8501", origin) == 200  # reading; the browser keeps it from the foreign page


def test_pages_that_the_settings_allow(settings):
    settings["server.allowedHosts"] = ["maps.lab.org"]
    assert ask("maps.lab.org", "https://maps.lab.org", "websocket") == 200
    assert ask("maps.lab.org", "https://maps.lab.org:8443", "websocket") == 403
    settings["browser.serverAddress"] = "maps.lab.org"
    assert ask("maps.lab.org", "https://maps.lab.org:8443", "websocket") == 200
    settings["server.corsAllowedOrigins"] = ["https://portal.lab.org"]
    assert ask("maps.lab.org", "https://portal.lab.org", "websocket") == 200
    assert ask("maps.lab.org", "https://evil.example", "websocket") == 403
    settings["server.enableCORS"] = False
    assert ask("maps.lab.org", "https://evil.example", "websocket") == 200


def test_the_refusal_says_what_to_do(settings):
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(KnownHosts(None)({"type": "http", "headers": [], "method": "GET"}, None, send))
    assert "server.allowedHosts" in sent[1]["body"].decode()


def test_what_is_no_request_is_passed_on(settings):
    seen = []

    async def behind(scope, receive, send):
        seen.append(scope["type"])

    asyncio.run(KnownHosts(behind)({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]


def test_the_server_is_found_and_judges_requests():
    from streamlit.web.server.app_discovery import discover_asgi_app

    found = discover_asgi_app(ROOT / "app.py")
    assert (found.is_asgi_app, found.app_name) == (True, "app")


def test_processes_of_a_cohort_open_no_page(monkeypatch):
    """They import the script of the page that starts them, under another name."""
    script = ModuleType("__main__")
    script.__file__ = str(ROOT / "app.py")
    monkeypatch.setitem(sys.modules, "__main__", script)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(os.path.basename, "a/b").result(60) == "b"
        assert pool.submit(_of_main, "app").result(60) is None
        assert pool.submit(_of_main, "__file__").result(60) == script.__file__


def _of_main(name):
    return getattr(sys.modules["__main__"], name, None)


@pytest.mark.parametrize("allowed", [True, False])
def test_no_other_site_frames_a_server_that_may_run_code(settings, monkeypatch, allowed):
    """A click that a reader means for another page must not give permission."""
    monkeypatch.setattr(sys, "argv", ["app.py", "--allow-code"] if allowed else ["app.py"])
    sent = []

    async def behind(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
        await send({"type": "http.response.body", "body": b"page"})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "headers": [(b"host", b"localhost")], "method": "GET", "path": "/"}
    asyncio.run(KnownHosts(behind)(scope, None, send))
    headers = dict(sent[0]["headers"])
    assert headers.pop(b"x") == b"y"
    assert (headers.get(b"content-security-policy") == b"frame-ancestors 'self'") is allowed
    assert bool(headers) is allowed
    assert sent[1]["body"] == b"page"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--alow-code"], "unrecognized arguments: --alow-code"),
        (["--allow"], "unrecognized arguments: --allow"),
        (["study.csv"], "expected a study file (.toml), got 'study.csv'"),
        (["nowhere.toml"], "nowhere.toml: no such file"),
    ],
)
def test_a_server_does_not_start_with_arguments_that_mean_nothing(monkeypatch, capsys, arguments, words):
    monkeypatch.setattr(sys, "argv", [str(ROOT / "app.py"), *arguments])
    with pytest.raises(SystemExit, match="2"):
        check_arguments(str(ROOT / "app.py"))
    assert words in capsys.readouterr().err


def test_a_server_starts_with_its_option_and_study_files_and_under_other_programs(monkeypatch, tmp_path):
    study = tmp_path / "study.toml"
    study.write_text("")
    for argv in ([str(ROOT / "app.py"), "--allow-code", str(study)], ["uvicorn", "app:app", "--port", "80"]):
        monkeypatch.setattr(sys, "argv", argv)
        check_arguments(str(ROOT / "app.py"))
