"""``train``: networks of a study's own scans by cross-validation; or the demo network again."""

from __future__ import annotations

import argparse
from pathlib import Path

from mriinterp.base.atomic import made_folder
from mriinterp.base.numerals import bytes_words
from mriinterp.base.progress import Cancelled, describe_seconds
from mriinterp.commands.options import add_study_trust
from mriinterp.commands.terminal import ProgressLine, print_error, print_line, quoted
from mriinterp.image.formats import image_stem
from mriinterp.image.nifti import read_volume
from mriinterp.study import DemoStudy, load_study
from mriinterp.study.consent import agreements

__all__ = ["add_parser"]

DESCRIPTION = """\
Train networks on the scans of a study file, one a fold, and measure each on patients it has not seen.

The study's network gives grid, brain mask, normalisation and architecture; its weights are not used.
Into DIR come
  fold1 ... foldN    weights and model card of each network
  study.toml         the study with these networks: mriinterp cohort DIR/study.toml, mriinterp app DIR/study.toml
  report.html        learning curves, ROC, calibration, confusion, and what age, sex and area means reach
  folds.tsv, predictions.tsv, measures.tsv, confusion.tsv (by sex, age and site)

"demo" with --folds trains on the simulated scans of the demo study, which are written into DIR/demo first:
  mriinterp train demo --folds 2 --epochs 3 --out DIR    takes a minute or two

Without a study, or with "demo" and no --folds, the packaged demo network is made again: demo.safetensors and
its card demo.json, which states accuracy and AUC with confidence intervals and, with --real, how the network's
margin follows the same atrophy applied to real scans."""

FOLDS, DEMO_SCANS = 5, 20
NAMED = 8  # patients or sites in a warning


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "train",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", nargs="?", default=DemoStudy.name, metavar="STUDY", help="study file (.toml)")
    parser.add_argument("--out", required=True, metavar="DIR", help="output folder")
    group = parser.add_argument_group("training on a study")
    group.add_argument("--folds", type=int, metavar="N", help=f"default: {FOLDS}")
    group.add_argument("--preset", default="recommended", metavar="NAME", help="recommended (default) or rieke2018")
    group.add_argument("--architecture", metavar="NAME", help="default: that of the study's network")
    group.add_argument("--epochs", type=int, metavar="N", help="at most; default: those of the preset")
    group.add_argument("--batch", type=int, metavar="N", help="scans a step; default: that of the preset")
    group.add_argument(
        "--balance",
        metavar="weights|sampling|none",
        help="how classes of different size come to count the same (default: that of the preset)",
    )
    group.add_argument("--seed", type=int, default=0, metavar="N", help="of the folds (default: %(default)s)")
    group.add_argument(
        "--stratify", default="", metavar="COLUMNS", help="spread evenly besides the diagnosis, e.g. sex,age,site"
    )
    group.add_argument("--device", default="auto", metavar="auto|cpu|cuda", help="default: %(default)s")
    group.add_argument("--resume", action="store_true", help="go on with a training that was stopped or killed")
    group.add_argument(
        "--check-leakage", action="store_true", help="train on permuted labels too, which must fall to chance"
    )
    group.add_argument("--scans", type=int, metavar="N", help=f"of the demo study, the first N (default: {DEMO_SCANS})")
    trust = group.add_mutually_exclusive_group()
    add_study_trust(trust)
    trust.add_argument(
        "--agreed-code", action="store_true", help="run such code only if a person has agreed to it in the app"
    )
    demo = parser.add_argument_group("the demo network")
    demo.add_argument(
        "--real", nargs="*", default=[], metavar="SCAN", help="real scans in MNI space, skull-stripped, for the check"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train on a study, or make the demo network."""
    demo = args.study == DemoStudy.name
    if args.scans is not None and not (demo and args.folds):
        raise ValueError("expected --scans with the demo study and --folds only: mriinterp train demo --folds 2 …")
    return _run_demo(args) if demo and args.folds is None else _run_study(args)


def _demo_file(args: argparse.Namespace) -> Path:
    """Write the scans of the demo study and return its study file."""
    from mriinterp.cohort.lock import only_run
    from mriinterp.crossval.state import WORK, TrainNotes, stop_asked
    from mriinterp.study.demo_files import write_demo_study

    out = made_folder(args.out)
    progress = ProgressLine("simulating scans")
    with only_run(out / WORK):
        notes = TrainNotes(out, progress)
        notes.begin("simulating scans")
        file = write_demo_study(out / DemoStudy.name, args.scans or DEMO_SCANS, progress=notes, cancel=stop_asked(out))
    progress.close()
    return file


def _run_study(args: argparse.Namespace) -> int:
    from mriinterp.crossval import plan_training, run_plan
    from mriinterp.crossval.train_check import check_patients
    from mriinterp.subjects import Report  # training's imports are not worth waiting for elsewhere

    file = _demo_file(args) if args.study == DemoStudy.name else args.study
    study = load_study(file, trust_code=frozenset(agreements()) if args.agreed_code else args.trust_code)
    plan = plan_training(
        study,
        folds=FOLDS if args.folds is None else args.folds,
        preset=args.preset,
        architecture=args.architecture,
        epochs=args.epochs,
        batch=args.batch,
        balance=args.balance,
        seed=args.seed,
        stratify=tuple(filter(None, args.stratify.split(","))),
        device=args.device,
    )
    for line in plan.lines():
        print_line(line)
    risks = Report()
    check_patients(plan, risks)
    for finding in risks.of("warning"):
        print_line(f"warning: {finding.text(NAMED)}")
    seconds = plan.seconds() * (1 + args.check_leakage)
    print_line(
        f"at most {describe_seconds(max(1.0, seconds))} on {plan.device}, and {bytes_words(plan.kept_bytes)} in {args.out}"
    )
    progress = ProgressLine("training")
    try:
        result = run_plan(plan, args.out, resume=args.resume, check_leakage=args.check_leakage, progress=progress)
    except (Cancelled, KeyboardInterrupt):
        print_error(f"stopped; go on: the same command with --resume (finished epochs are in {args.out})")
        raise
    finally:
        progress.close()
    _print_result(result, code=bool(args.trust_code or args.agreed_code))
    return 0


def _print_result(result, code: bool) -> None:
    """Print what was found, and the command that goes on; `code`: the study comes with code that may run."""
    rows = result.measures
    for where in ("pooled", "test"):
        part = rows[(rows["set"] == where) & rows["measure"].isin(("auc", "balanced_accuracy"))]
        if len(part):
            print_line("out of fold:" if where == "pooled" else "held out:")
        for row in part.itertuples():
            measure = {"auc": "AUC", "balanced_accuracy": "balanced accuracy"}[row.measure]
            print_line(f"  {row.classifier}: {measure} {row.value:.3f} (95% CI {row.low:.3f}–{row.high:.3f})")
    for text in result.verdicts:
        print_line(text)
    print_line(f"wrote {result.folder / 'report.html'}")
    option = " --trust-code" if code else ""
    print_line(
        f"go on: mriinterp cohort {quoted(result.study_file)} --methods sensitivity --out-of-fold{option} --out DIR"
    )


def _run_demo(args: argparse.Namespace) -> int:
    """Train the demo network, measure it and write it."""
    from mriinterp.training.demo import train_demo

    real = {image_stem(path): read_volume(path) for path in args.real}
    progress = ProgressLine("training")
    model = train_demo(Path(args.out), real_scans=real or None, progress=progress)
    progress.close()
    performance = model.card.about.get("performance", {})
    print_line(f"wrote {Path(args.out) / 'demo.json'}")
    for measure, value in performance.items():
        print_line(f"  {measure}: {value}")
    return 0
