"""``fetch``: bring what others have published openly."""

from __future__ import annotations

import argparse
import sys

from mriinterp.commands.terminal import ProgressLine, print_line, quoted
from mriinterp.fetch import fetch, fetched_study, get_publication, publication_names

__all__ = ["add_parser"]

DESCRIPTION = """\
Fetch an openly published network or data set, compare every file with its known digest, and write a study file for it.

The licence is shown first and has to be accepted. Nothing else is sent, and once fetched no connection is needed.
Without NAME: list what there is."""


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "fetch",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help=", ".join(publication_names()))
    parser.add_argument(
        "--from", dest="source", metavar="URL|DIR", help="a mirror's address, or a folder that holds the files"
    )
    parser.add_argument("--accept-licence", action="store_true", help="accept the licence without being asked")
    parser.add_argument(
        "--age-matched", action="store_true", help="oasis1: name the study file of pairs of the same age"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List publications, or ask and fetch one."""
    if args.name is None:
        for name in publication_names():
            publication = get_publication(name)
            known = fetched_study(name)
            state = f"fetched: {known}" if known else f"{publication.size_words}, licence {publication.licence}"
            print_line(f"{name}  {publication.title} ({state})")
            print_line(f"    {publication.about}")
        return 0
    publication = get_publication(args.name)
    accepted = args.accept_licence or _ask(publication)
    progress = ProgressLine(f"fetching {publication.name}, bytes")
    try:
        variant = "age-matched" if args.age_matched else ""
        study = fetch(publication.name, accept_licence=accepted, source=args.source, variant=variant, progress=progress)
    finally:
        progress.close()
    print_line(f"wrote {study}")
    for name, file in publication.variants.items():
        print_line(f"{name}: {study.with_name(file)}")
    print_line("next:")
    for step in publication.steps:
        print_line(f"  {step.format(study=quoted(study), card=quoted(study.with_name('card.json')))}")
    return 0


def _ask(publication) -> bool:
    """Show the licence and ask; on no terminal, ValueError."""
    if not sys.stdin.isatty():
        raise ValueError(
            f"expected the licence of {publication.title} ({publication.licence}) to be accepted, got no terminal to ask "
            "on; read it at the address below and add --accept-licence\n"
            + (publication.licence_address or publication.base)
        )
    print_line(publication.licence_text)
    print_line(f"{publication.title}: {publication.size_words}, from {publication.base}")
    return input("Accept this licence? [y/N] ").strip().lower() in ("y", "yes")
