"""``methods``: the relevance methods that there are."""

from __future__ import annotations

import argparse

from mriinterp.commands.options import add_model_options, chosen_model
from mriinterp.commands.terminal import print_line
from mriinterp.methods import get_method, method_names
from mriinterp.methods.cam import model_layers

__all__ = ["add_parser"]


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("methods")
    parser.add_argument("name", nargs="?", metavar="NAME", help="only this method, in full")
    add_model_options(parser, required=False)
    parser.set_defaults(run=list_methods)


def list_methods(args: argparse.Namespace) -> int:
    """List all methods, or one with its parameters and, for a network, the layers that they may name."""
    for name in [args.name] if args.name else method_names():
        method = get_method(name)
        print_line(f"{name:<22s} {method.label} ({method.reference})")
        if not args.name:
            continue
        print_line(f"  {method.summary}")
        print_line(f"  values: {method.unit}; read by their {method.reading} value")
        print_line(f"  caution: {method.caution}")
        for heading, text in method.entries().items():
            print_line(f"  {heading.lower()}: {text}")
        for parameter in method.parameters.values():
            print_line(f"  --set {parameter.name}={parameter.default}  {parameter.describe()}. {parameter.param.help}")
        for preset, values in method.presets.items():
            print_line(f"  --preset {preset}: {', '.join(f'{k}={v}' for k, v in values.items())}")
        if args.model and any(p.param.options == "layers" for p in method.parameters.values()):
            print_line(f"  layers of {args.model}, the last first: {', '.join(model_layers(chosen_model(args)))}")
    return 0
