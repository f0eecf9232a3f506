"""``model``: what can be explained of a network."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from mriinterp.base.files import parse_json
from mriinterp.base.notices import SIMULATED_ONLY
from mriinterp.commands.options import add_trust_code, are_simulated, named_scan
from mriinterp.commands.terminal import ProgressLine, print_error, print_line, quoted
from mriinterp.methods import method_names
from mriinterp.models import architecture_names, load_code, write_card
from mriinterp.models.outputs import OUTPUT_KINDS

__all__ = ["add_parser"]

EXAMPLE = """\
an exported program of which nothing is known yet:
  mriinterp model check net.pt2 --trust-code --scan scan.nii.gz --classes CN AD --normalisation scan_zscore --write-card
a network of your own Python file:
  mriinterp model check my_net --trust-code my_net.py --weights my_net.pt --scan scan.nii.gz --classes CN AD --write-card"""


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("model", description="Check a network.")
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    check = parts.add_parser(
        "check",
        help="try every method on a network and a scan",
        description="Load a network, find out what it returns and whether it mixes the scans of a batch or is random, "
        "run every relevance method on a scan, and print what works, what does not and why, and how fast.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXAMPLE,
    )
    known = ", ".join(architecture_names())
    check.add_argument("net", metavar="NET", help=f"model card (.json), exported program (.pt2), or a name ({known})")
    check.add_argument(
        "--scan",
        nargs="+",
        required=True,
        metavar="FILE",
        help="a scan the network reads; of several inputs NAME=FILE and NAME=NUMBER each, e.g. t1=t1.nii gm=gm.nii age=71",
    )
    check.add_argument(
        "--weights", nargs="+", default=[], metavar="FILE", help="weights files (.pth, .pt, .safetensors)"
    )
    check.add_argument(
        "--device", default="auto", metavar="auto|cpu|cuda", help="where to compute (default: %(default)s)"
    )
    add_trust_code(check)
    card = check.add_argument_group("what a model card would say")
    card.add_argument("--classes", nargs="+", metavar="NAME", help="names of the outputs, in their order")
    kinds = ", ".join([*OUTPUT_KINDS, "scale", "bins"])
    card.add_argument("--output", metavar="KIND", help=f"what it returns, if it is not found out: {kinds}")
    card.add_argument("--centres", nargs="+", type=float, metavar="X", help="of bins: the value each stands for")
    card.add_argument(
        "--normalisation", metavar="KIND|JSON", help='e.g. scan_zscore, or \'{"kind": "percentile", "upper": 98}\''
    )
    card.add_argument("--pick", metavar="NAME|N", help="which entry, of a network that returns several")
    card.add_argument("--images", nargs="+", metavar="NAME", help="names of its input channels, in their order")
    card.add_argument("--numbers", nargs="+", metavar="NAME", help="numbers it reads beside images, in their order")
    card.add_argument(
        "--order", choices=("file", "ras"), default="file", help="voxel order it reads scans in (default: %(default)s)"
    )
    card.add_argument(
        "--write-card",
        nargs="?",
        const="",
        metavar="FILE",
        help="write a model card; default: beside the network's file",
    )
    card.add_argument("--overwrite", action="store_true", help="replace a card that is there")
    check.add_argument("--methods", metavar="A,B", help=f"only these: {', '.join(method_names())}")
    check.add_argument("--json", action="store_true", help="print the result as JSON")
    check.set_defaults(run=run_check)


def run_check(args: argparse.Namespace) -> int:
    """Check a network; 1 if no method works."""
    from mriinterp.network_check import card_path, check_network, open_network

    target = None
    if args.write_card is not None:
        target = Path(args.write_card) if args.write_card else card_path(args.net, args.weights or [args.net])
        if target.exists() and not args.overwrite:
            raise ValueError(f"expected a new model card, got one that exists: {target}; name another, or --overwrite")
    if isinstance(args.trust_code, str):
        load_code(args.trust_code)
    scan = named_scan(args.scan)
    model, guessed = open_network(
        args.net,
        scan,
        args.weights,
        about=_about(args),
        trust_code=bool(args.trust_code),
        device=args.device,
        order=args.order,
    )
    for words in guessed:
        print_error(f"guessed: {words}")
    progress = ProgressLine("trying methods")
    methods = args.methods.split(",") if args.methods else None
    caution = SIMULATED_ONLY if model.card.simulated and not are_simulated(args.scan) else ""
    found = check_network(model, scan, methods=methods, caution=caution, progress=progress)
    progress.close()
    print_line(
        json.dumps({**found.to_json(), "guessed": list(guessed)}, indent=2, ensure_ascii=False)
        if args.json
        else found.text()
    )
    if target is not None:
        write_card(model.card, target)
        print_error(f"wrote {target}; next: {_next(args, target)}")
    return 0 if found.works else 1


def _about(args: argparse.Namespace) -> dict[str, Any]:
    """Return the entries of a card that the options name."""
    about = {key: getattr(args, key) for key in ("classes", "output", "centres", "images", "numbers")}
    pick = int(args.pick) if args.pick is not None and args.pick.isdecimal() else args.pick
    return {**about, "pick": pick, "normalisation": _normalisation(args.normalisation)}


def _normalisation(text: str | None) -> dict[str, Any] | None:
    if text is None or not text.lstrip().startswith("{"):
        return None if text is None else {"kind": text}
    return parse_json(text, "--normalisation", "a kind, or its entries")


def _next(args: argparse.Namespace, card: Path) -> str:
    """Return the command that explains a scan with the card, with the flags it needs."""
    trust = f" --trust-code {quoted(args.trust_code)}" if isinstance(args.trust_code, str) else ""
    trust = " --trust-code" if args.trust_code is True else trust
    scan = " ".join(map(quoted, args.scan))
    return f"mriinterp explain {scan} --model {quoted(card)}{trust} --method occlusion --out results"
