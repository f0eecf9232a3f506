"""``methods`` and ``models``: what there is."""

from __future__ import annotations

import argparse
import json

from mriinterp.commands.options import add_model_options, chosen_model
from mriinterp.commands.terminal import say
from mriinterp.methods import get_method, method_names
from mriinterp.methods.cam import model_layers
from mriinterp.models import architecture_names, get_architecture, packaged_models, read_card

__all__ = ["add_parser"]


def add_parser(commands) -> None:
    """Add both commands to the parser."""
    methods = commands.add_parser("methods", help="list relevance methods and their parameters")
    methods.add_argument("name", nargs="?", metavar="NAME", help="only this method, in full")
    add_model_options(methods, required=False)
    methods.set_defaults(run=list_methods)
    models = commands.add_parser("models", help="list networks and what is known of them")
    models.add_argument("name", nargs="?", metavar="NAME", help="the whole model card of a packaged network")
    models.set_defaults(run=list_models)


def list_methods(args: argparse.Namespace) -> int:
    """List all methods, or one with its parameters and, for a network, the layers that they may name."""
    for name in [args.name] if args.name else method_names():
        method = get_method(name)
        say(f"{name:<22s} {method.label} ({method.reference})")
        if not args.name:
            continue
        say(f"  {method.summary}")
        say(f"  values: {method.unit}; read by their {method.reading} value")
        say(f"  caution: {method.caution}")
        for heading, text in method.entries().items():
            say(f"  {heading.lower()}: {text}")
        for parameter in method.parameters.values():
            say(f"  --set {parameter.name}={parameter.default}  {parameter.describe()}. {parameter.param.help}")
        for preset, values in method.presets.items():
            say(f"  --preset {preset}: {', '.join(f'{k}={v}' for k, v in values.items())}")
        if args.model and any(p.param.options == "layers" for p in method.parameters.values()):
            say(f"  layers of {args.model}, the last first: {', '.join(model_layers(chosen_model(args)))}")
    return 0


def list_models(args: argparse.Namespace) -> int:
    """Print all networks, or the card of one."""
    packaged = packaged_models()
    if args.name:
        if args.name not in packaged:
            raise KeyError(f"expected a packaged network, got {args.name!r}; available: {', '.join(packaged)}")
        say(json.dumps(json.loads(packaged[args.name].read_text(encoding="utf-8")), indent=2, ensure_ascii=False))
        return 0
    say("packaged networks (weights included):")
    for name, path in packaged.items():
        card = read_card(path)
        marks = f"{', simulated' if card.simulated else ''}{', LEARNED A SHORTCUT' if card.shortcut else ''}"
        say(f"  {name:<22s} {card.architecture}, {', '.join(card.classes)}, {card.grid}{marks}")
        if card.shortcut:
            say(f"  {'':<22s} {card.shortcut}")
    say("architectures (bring your own weights):")
    for name in architecture_names():
        say(f"  {name:<22s} {get_architecture(name).label}")
    return 0
