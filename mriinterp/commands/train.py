"""``train``: make the demo network again."""

from __future__ import annotations

import argparse
from pathlib import Path

from mriinterp.commands.terminal import ProgressLine, say
from mriinterp.image.formats import image_stem
from mriinterp.image.nifti import read_volume

__all__ = ["add_parser"]

DESCRIPTION = """\
Train the demo network on simulated scans and measure it on subjects used for nothing else.

Writes demo.safetensors and its model card demo.json. The card tells accuracy and AUC with confidence
intervals and, with --real, how the network's margin follows the same atrophy applied to real scans."""


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "train",
        help="train the demo network on simulated scans",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="output folder")
    parser.add_argument(
        "--real", nargs="*", default=[], metavar="SCAN", help="real scans in MNI space, skull-stripped, for the check"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train the network, measure it and write it."""
    from mriinterp.training.demo import train_demo  # training's imports are not worth waiting for in other commands

    real = {image_stem(path): read_volume(path) for path in args.real}
    progress = ProgressLine("training")
    model = train_demo(Path(args.out), real_scans=real or None, progress=progress)
    progress.close()
    performance = model.card.about.get("performance", {})
    say(f"wrote {Path(args.out) / 'demo.json'}")
    for measure, value in performance.items():
        say(f"  {measure}: {value}")
    return 0
