"""Find the app's scripts: inside the installed package, or at the root of a checkout."""

from __future__ import annotations

from pathlib import Path

__all__ = ["app_script", "page_scripts"]

PACKAGE = Path(__file__).resolve().parents[1]


def app_script() -> Path:
    """Return the script that Streamlit runs; its pages lie beside it, in ``pages/``.

    Raises
    ------
    FileNotFoundError
        A package without its app.
    """
    for path in (PACKAGE / "ui" / "scripts" / "app.py", PACKAGE.parent / "app.py"):
        if path.is_file():
            return path
    raise FileNotFoundError("expected the app's scripts in the package, got none; install mriinterp anew")


def page_scripts() -> list[Path]:
    """Return the scripts of all pages, in the order in which the app names them."""
    app = app_script()
    text = app.read_text(encoding="utf-8")
    return sorted((app.parent / "pages").glob("*.py"), key=lambda script: text.find(f"pages/{script.name}"))
