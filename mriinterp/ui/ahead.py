"""Import what the first page needs while its browser starts: torch alone takes more than a second."""

from __future__ import annotations

import ast
import importlib
import logging
import threading

from mriinterp.base.scripts import app_script

__all__ = ["FIRST_PAGE", "import_ahead", "wait_for_imports"]

FIRST_PAGE = "single_scan.py"
_logger = logging.getLogger(__name__)
_threads: list[threading.Thread] = []


def import_ahead() -> None:
    """Start to import, in a thread of its own, what the first page imports; once in a process."""
    if not _threads:
        _threads.append(threading.Thread(target=_import, name="import-ahead", daemon=True))
        _threads[0].start()


def wait_for_imports() -> None:
    """Wait until the imports that have begun are done: two threads that import each other's modules meet halves of them."""
    for thread in _threads:
        thread.join()


def _import() -> None:
    try:
        for name in _modules():
            importlib.import_module(name)
    except Exception:  # the page imports it again, and shows what is wrong
        _logger.exception("what the first page needs could not be imported ahead of it")


def _modules() -> list[str]:
    """Return the modules of this package that the first page's script imports."""
    script = app_script().parent / "pages" / FIRST_PAGE
    tree = ast.parse(script.read_text(encoding="utf-8"))
    names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return ["mriinterp.ui.shell", *(name for name in names if name.split(".")[0] == "mriinterp")]
