"""The command line: one file a command in `mriinterp.commands`."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

import mriinterp
from mriinterp.base.allocator import keep_pages
from mriinterp.base.notices import RESEARCH_USE
from mriinterp.base.progress import Cancelled
from mriinterp.commands import Commands
from mriinterp.commands.terminal import print_error

__all__ = ["build_parser", "main"]

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def build_parser(wanted: str | None = None) -> argparse.ArgumentParser:
    """Build the parser of one command, with the names of the others; of all of them if none is wanted."""
    parser = argparse.ArgumentParser(
        prog="mriinterp",
        description="Relevance maps for 3D convolutional networks that read brain MRI.",
        epilog=f"The pages: mriinterp app.  {RESEARCH_USE}",
    )
    parser.add_argument("--version", action="version", version=f"mriinterp {mriinterp.__version__}")
    parser.add_argument("--verbose", action="store_true", help="print more of what happens")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    Commands(commands).add(wanted)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code (0 done, 1 something failed, 2 wrong usage)."""
    words = sys.argv[1:] if argv is None else argv
    keep_pages()
    try:
        wanted = next((word for word in words if not word.startswith("-")), "")
        args = build_parser(wanted).parse_args(words)
        logging.basicConfig(
            level=logging.INFO if args.verbose else logging.WARNING, format="%(levelname)s: %(message)s"
        )
        return args.run(args)
    except (ValueError, KeyError, FileNotFoundError, NotADirectoryError) as error:
        print_error(error)
        return WRONG_USAGE
    except OSError as error:  # a full disk, no permission: not the command line's fault
        print_error(error)
        return FAILED
    except (Cancelled, KeyboardInterrupt):
        print_error("interrupted; finished files are kept")
        return INTERRUPTED
