"""``study``: check a study file, write one, fit its normalisation."""

from __future__ import annotations

import argparse
from pathlib import Path

from mriinterp.commands.options import add_study_trust, add_trust_code
from mriinterp.commands.terminal import ProgressLine, print_line, quoted
from mriinterp.models import architecture_names
from mriinterp.study import TableStudy, read_study_file

__all__ = ["add_parser"]

EXAMPLE = """\
from an ADNI folder and a state dict to the first maps:
  mriinterp study init --table ADNI.csv --images ADNI/ --weights weights.pt --out adni.toml
  mriinterp study check adni.toml
  mriinterp cohort adni.toml --methods sensitivity,occlusion --n 4 --out first"""


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "study",
        description="A study file (TOML) names table, images, network, atlas and groups.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXAMPLE,
    )
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    check = parts.add_parser("check", help="report everything that is wrong with a study file, at once")
    check.add_argument("file", metavar="FILE", help="study file (.toml)")
    check.add_argument("--scans", type=int, default=4, metavar="N", help="scans to open (default: %(default)s)")
    add_study_trust(check)
    check.set_defaults(run=run_check)
    init = parts.add_parser("init", help="write a study file from what is found")
    init.add_argument("--table", required=True, metavar="TABLE", help="CSV or TSV, or a BIDS folder")
    init.add_argument(
        "--images",
        nargs="+",
        metavar="DIR|IMAGE=DIR",
        help="folder below which the scans lie; of a network of several images the folder of each: t1=DIR gm=DIR",
    )
    init.add_argument(
        "--numbers",
        nargs="+",
        default=[],
        metavar="NAME=COLUMN",
        help="the table's column of each number that the network reads (default: of its name)",
    )
    init.add_argument("--weights", nargs="+", default=[], metavar="FILE", help="state dicts (.pth, .pt, .safetensors)")
    init.add_argument(
        "--model",
        metavar="NAME|CARD",
        help="model card, exported program (.pt2) with its card, or name, if it does not follow from the weights: "
        f"{', '.join(architecture_names())}",
    )
    init.add_argument(
        "--pattern",
        nargs="+",
        metavar="GLOB|IMAGE=GLOB",
        help="wildcards for the images' file names, e.g. 'mwp1*.nii', or gm='mwp1*.nii'",
    )
    add_trust_code(init)
    init.add_argument("--out", default="study.toml", metavar="FILE", help="default: %(default)s")
    init.add_argument("--overwrite", action="store_true", help="replace a study file that is there")
    init.set_defaults(run=run_init)
    normalise = parts.add_parser("normalise", help="fit mean and deviation of every voxel on the training scans")
    normalise.add_argument("file", metavar="FILE", help="study file (.toml)")
    add_study_trust(normalise)
    normalise.set_defaults(run=run_normalise)


def run_check(args: argparse.Namespace) -> int:
    """Report all findings; 1 if any is an error."""
    from mriinterp.study.check import check_study

    if args.scans < 0:
        raise ValueError(f"expected --scans of 0 or more, got {args.scans}")
    progress = ProgressLine("opening scans")
    report = check_study(args.file, scans=args.scans, trust_code=args.trust_code, progress=progress)
    progress.close()
    print_line(report.text())
    if report.ok:
        trust = " --trust-code" if args.trust_code else ""
        print_line(f"{args.file} is ready: mriinterp cohort {quoted(args.file)} --methods sensitivity{trust} --out DIR")
        return 0
    print_line(f"{len(report.errors)} error{'s' if len(report.errors) > 1 else ''} in {args.file}")
    return 1


def run_init(args: argparse.Namespace) -> int:
    """Write a study file and print the commands that come next."""
    from mriinterp.study.create import propose_study

    made = propose_study(
        args.table,
        _one_or_named(args.images, "--images", "DIR"),
        args.weights,
        args.model,
        args.out,
        _one_or_named(args.pattern, "--pattern", "GLOB"),
        numbers=_named(args.numbers, "--numbers", "COLUMN"),
        code=args.trust_code if isinstance(args.trust_code, str) else None,
        trust_code=bool(args.trust_code),
        overwrite=args.overwrite,
    )
    print_line(made.report.text())
    trust = " --trust-code" if made.runs_code else ""
    first = quoted(f"{made.path.stem}_first")
    print_line(f"wrote {made.path}; look at it, then")
    print_line(f"  mriinterp study check {quoted(made.path)}{trust}")
    print_line(f"  mriinterp cohort {quoted(made.path)} --methods sensitivity --n 2{trust} --out {first}")
    return 0


def _one_or_named(words: list[str] | None, option: str, what: str) -> str | dict[str, str] | None:
    """Return the one value of an option, or the values by name."""
    if not words:
        return None
    if len(words) == 1 and ("=" not in words[0] or Path(words[0]).exists()):
        return words[0]
    return _named(words, option, what)


def _named(words: list[str], option: str, what: str) -> dict[str, str]:
    """Return the values of an option by name; ValueError for a word that is not NAME=VALUE, or a name twice."""
    found: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not (name and sign and value) or name in found:
            raise ValueError(f"expected {option} NAME={what} with each name once, got {' '.join(words)}")
        found[name] = value
    return found


def run_normalise(args: argparse.Namespace) -> int:
    """Fit the normalisation of a study."""
    from mriinterp.study.training import fit_normalisation

    settings = read_study_file(args.file, trust_code=args.trust_code)
    study = TableStudy(settings)
    progress = ProgressLine("reading training scans")
    fitted = fit_normalisation(study, progress=progress)
    progress.close()
    print_line(f"fitted on {fitted.n} training scans; {fitted.flat:.1%} of the voxels never vary and become 0")
    for subject, why in fitted.failed.items():
        print_line(f"left out {subject}: {why}")
    print_line(f"wrote {fitted.card}")
    if settings.normalisation != "voxelwise":
        print_line(f'to use it, set under [model] in {Path(args.file).name}: normalisation = "voxelwise"')
    return 0
