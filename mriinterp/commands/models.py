"""``models``: the networks that there are, and their cards."""

from __future__ import annotations

import argparse
import json

from mriinterp.commands.terminal import print_line
from mriinterp.models import architecture_names, get_architecture, packaged_models, read_card

__all__ = ["add_parser"]


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("models")
    parser.add_argument("name", nargs="?", metavar="NAME", help="the whole model card of a packaged network")
    parser.set_defaults(run=list_models)


def list_models(args: argparse.Namespace) -> int:
    """Print all networks, or the card of one."""
    packaged = packaged_models()
    if args.name:
        if args.name not in packaged:
            raise KeyError(f"expected a packaged network, got {args.name!r}; available: {', '.join(packaged)}")
        print_line(
            json.dumps(json.loads(packaged[args.name].read_text(encoding="utf-8")), indent=2, ensure_ascii=False)
        )
        return 0
    print_line("packaged networks (weights included):")
    for name, path in packaged.items():
        card = read_card(path)
        marks = f"{', simulated' if card.simulated else ''}{', LEARNED A SHORTCUT' if card.shortcut else ''}"
        print_line(f"  {name:<22s} {card.architecture}, {', '.join(card.classes)}, {card.grid}{marks}")
        if card.shortcut:
            print_line(f"  {'':<22s} {card.shortcut}")
    print_line("architectures (bring your own weights):")
    for name in architecture_names():
        print_line(f"  {name:<22s} {get_architecture(name).label}")
    return 0
