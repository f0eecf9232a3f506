"""``app``: start the pages in the browser."""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path

from mriinterp.base.scripts import app_script

__all__ = ["add_parser", "streamlit_arguments"]

DESCRIPTION = """\
Start the app and open it in the browser. It answers on this computer only and sends nothing out; everything is computed
here. Press Ctrl-C to stop it."""


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("app", description=DESCRIPTION)
    parser.add_argument(
        "study", nargs="?", metavar="STUDY.toml", help="a study file to offer (default: the demo study)"
    )
    parser.add_argument("--port", type=int, metavar="N", help="default: 8501, or the next that is free")
    parser.add_argument(
        "--allow-code",
        action="store_true",
        help="let people run the Python files and exported programs of studies, after the page has shown them and one of "
        "them has agreed; whoever reaches the app can",
    )
    parser.add_argument("--no-browser", action="store_true", help="start the server alone")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run Streamlit in this process until it is stopped."""
    sys.argv = streamlit_arguments(args.study, port=args.port, browser=not args.no_browser, code=args.allow_code)
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
    return 0


def streamlit_arguments(
    study: str | None = None, *, port: int | None = None, browser: bool = True, code: bool = False
) -> list[str]:
    """Return the arguments of Streamlit's own command line.

    Raises
    ------
    ValueError, FileNotFoundError
        What is named as a study is no study file; a port that cannot be one.
    """
    if port is not None and not 1 <= port <= 65535:
        raise ValueError(f"expected a port of 1 to 65535, got {port}")
    arguments = ["streamlit", "run", str(app_script())]
    if port is not None:
        arguments += ["--server.port", str(port)]
    if not browser:
        arguments += ["--server.headless", "true"]
    own = ["--allow-code"] if code else []
    if study is not None:
        path = Path(study)
        if path.suffix.lower() != ".toml":
            raise ValueError(f"expected a study file (.toml), got {study!r}; mriinterp study init writes one")
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file; check the spelling and the folder")
        own.append(str(path.resolve()))
    return [*arguments, "--", *own] if own else arguments
