"""What a server was started with: study files, and whether it may run code that comes with studies."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

__all__ = ["ALLOW_CODE", "check_arguments", "code_allowed"]

ALLOW_CODE = "--allow-code"


def code_allowed() -> bool:
    """Return whether the server was started with ``--allow-code``."""
    return ALLOW_CODE in sys.argv[1:]


def check_arguments(script: str) -> None:
    """Refuse to start with arguments that mean nothing: one misspelt would be left out without a word.

    Nothing is checked where another program, as uvicorn, was started.

    Parameters
    ----------
    script : str
        The app's, of ``streamlit run app.py -- ARGUMENTS``.

    Raises
    ------
    SystemExit
        Code 2, after the reason on stderr.
    """
    if not sys.argv or Path(sys.argv[0]).resolve() != Path(script).resolve():
        return
    parser = argparse.ArgumentParser(prog="streamlit run app.py --", allow_abbrev=False)
    parser.add_argument(
        ALLOW_CODE, action="store_true", help="let people run the code of studies once they have agreed"
    )
    parser.add_argument("studies", nargs="*", metavar="STUDY.toml", help="study files to offer")
    for name in parser.parse_args(sys.argv[1:]).studies:
        if not name.lower().endswith(".toml"):
            parser.error(f"expected a study file (.toml), got {name!r}")
        if not Path(name).is_file():
            parser.error(f"{name}: no such file; check the spelling and the folder")
