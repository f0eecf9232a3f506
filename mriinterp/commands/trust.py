"""``trust``: how far each method's maps can be believed, on a whole study."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from pathlib import Path

from mriinterp.base.progress import describe_seconds
from mriinterp.commands.terminal import ProgressLine, print_line
from mriinterp.simulation.subjects import VARIANTS

__all__ = ["add_parser"]

DESCRIPTION = """\
Measure how far relevance maps can be believed: by several measures, every method beside four null maps that know
nothing of the network (white noise, an edge filter of the scan, |x|, blurred noise).

The plan and its cost are printed first. Results are kept as they are made: the same command goes on where it
was interrupted. Writes into the output folder
  trust_results.csv   every number: measure, quantity, method, subject, value
  trust_summary.csv   means and 95% intervals over subjects, and which null maps are beaten
  report.md, .html    the table, figures, and what they mean in words
  leaderboard.csv, .json  a row a method, with all that is needed to make it again"""


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "trust",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example:\n  mriinterp trust demo --quick --out trust_quick",
    )
    parser.add_argument("study", metavar="STUDY", help="demo, or a study file (.toml)")
    parser.add_argument(
        "--methods",
        nargs="+",
        metavar="A,B,C",
        help="methods, separated by commas or blanks, with parameters if wished: 'occlusion[size=16,stride=8]' "
        "(default: all; with --quick six)",
    )
    parser.add_argument(
        "--method-file",
        action="append",
        default=[],
        metavar="FILE",
        help="Python file that registers methods of your own (see CONTRIBUTING.md); it is run. Without --methods these are "
        "measured, beside the null maps",
    )
    parser.add_argument(
        "--measures", nargs="+", metavar="A,B,C", help="measures, separated by commas or blanks (default: all)"
    )
    parser.add_argument(
        "--shortcut",
        "--trap",  # the name before
        choices=[name for name in VARIANTS if name != "plain"],
        help="no benchmark: how much relevance a network trained on this shortcut of the demo study puts where no disease "
        "is, beside the packaged network (writes shortcut_NAME.csv; --subjects: default 4)",
    )
    known = parser.add_argument_group("a positive control on the study's own scans")
    known.add_argument(
        "--known-area",
        metavar="AREA",
        help="no benchmark: networks are trained to distinguish scans with more in this area of the atlas (Hippocampus_L) from "
        "scans with less, and methods are measured by whether they find it (writes known_area.html)",
    )
    known.add_argument("--folds", type=int, default=4, metavar="N", help="networks (default: %(default)s)")
    known.add_argument("--scans", type=int, default=320, metavar="N", help="at most (default: %(default)s)")
    known.add_argument(
        "--expected",
        metavar="TABLE",
        help="no benchmark: how far relevance follows the weights of areas in this table (columns area and weight), for "
        "studies without ground truth (writes expected.html)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="few subjects and coarse settings: three minutes, not hours"
    )
    parser.add_argument("--subjects", type=int, metavar="N", help="subjects for cheap measures (default: 30; quick: 4)")
    parser.add_argument("--costly", type=int, metavar="N", help="subjects for costly measures (default: 6; quick: 2)")
    parser.add_argument("--replicates", metavar="DIR", help="folder with model cards of retrained networks")
    parser.add_argument(
        "--train-replicates", type=int, metavar="N", help="train N networks from other seeds first (hours), into DIR"
    )
    parser.add_argument(
        "--trust-code",
        action="store_true",
        help="run the Python file or open the exported program that the study file names; they may do anything",
    )
    parser.add_argument("--plan", action="store_true", help="print the plan and its cost, and stop")
    parser.add_argument("--out", required=True, metavar="DIR", help="output folder")
    parser.set_defaults(run=run)


def names_of(texts: Sequence[str] | None) -> list[str] | None:
    """Split names at commas or blanks; commas between brackets belong to a method's parameters."""
    if texts is None:
        return None
    names = [part.strip() for text in texts for part in re.split(r",(?![^\[]*\])", text)]
    return [name for name in names if name] or None


def run(args: argparse.Namespace) -> int:
    """Plan a benchmark, measure, and report."""
    for name in ("subjects", "costly", "train_replicates", "folds", "scans"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            raise ValueError(f"expected --{name.replace('_', '-')} of 1 or more, got {getattr(args, name)}")
    chosen = [name for name in ("shortcut", "known_area", "expected") if getattr(args, name)]
    if len(chosen) > 1:
        raise ValueError(f"expected one of --{' and --'.join(chosen)}".replace("_", "-") + ", got them together")
    work = {"shortcut": _shortcut, "known_area": _known_area, "expected": _expected}
    return work[chosen[0]](args) if chosen else _benchmark(args)


def _known_area(args: argparse.Namespace) -> int:
    """Train on the label of an area and print which methods find the area."""
    from mriinterp.crossval.known_area import KnownAreaOptions, run_known_area
    from mriinterp.crossval.known_area_report import write_known_area
    from mriinterp.study import load_study
    from mriinterp.trust.benchmark_plan import chosen_explainers

    study = load_study(args.study, trust_code=args.trust_code)
    options = KnownAreaOptions(
        args.known_area, args.folds, args.scans, **({"explained": args.subjects} if args.subjects else {})
    )
    progress = ProgressLine(f"known area: {args.known_area}")
    explainers = chosen_explainers(names_of(args.methods), quick=args.quick)
    try:
        found = run_known_area(study, options, explainers, args.out, progress=progress)
    finally:
        progress.close()
    for sentence in write_known_area(found, options, study, args.out):
        print_line(f"- {sentence}")
    print_line(f"wrote {Path(args.out) / 'known_area.html'}")
    return 0


def _expected(args: argparse.Namespace) -> int:
    """Report how far relevance follows expected weights of areas."""
    from mriinterp.study import load_study
    from mriinterp.trust.benchmark_plan import chosen_explainers
    from mriinterp.trust.expected import measure_expected, read_expected, write_expected

    study = load_study(args.study, trust_code=args.trust_code)
    weights = read_expected(args.expected, study.atlas())
    progress = ProgressLine("expected pattern")
    explainers = chosen_explainers(names_of(args.methods), quick=args.quick)
    try:
        table = measure_expected(study, weights, explainers, subjects=args.subjects, progress=progress)
    finally:
        progress.close()
    for sentence in write_expected(table, study, args.out, Path(args.expected).name):
        print_line(f"- {sentence}")
    print_line(f"wrote {Path(args.out) / 'expected.html'}")
    return 0


def _shortcut(args: argparse.Namespace) -> int:
    """Print the shares of a shortcut, and what they mean."""
    from mriinterp.trust.benchmark_plan import chosen_explainers
    from mriinterp.trust.shortcut_results import measure_shortcut, shortcut_findings, shortcut_path, shortcut_summary

    if args.study != "demo":
        raise ValueError(f"expected the demo study for a shortcut, got {args.study!r}: shortcuts are simulated")
    explainers = chosen_explainers(names_of(args.methods), quick=args.quick)
    progress = ProgressLine(f"shortcut: {args.shortcut}")
    table = measure_shortcut(args.shortcut, explainers, args.out, subjects=args.subjects, progress=progress)
    progress.close()
    for sentence in shortcut_findings(args.shortcut, shortcut_summary(table)):
        print_line(f"- {sentence}")
    print_line(f"wrote {shortcut_path(args.out, args.shortcut)}")
    return 0


def _benchmark(args: argparse.Namespace) -> int:
    """Run the benchmark."""
    from mriinterp.study import DemoStudy, load_study
    from mriinterp.trust.bench import Bench
    from mriinterp.trust.benchmark import run_benchmark
    from mriinterp.trust.benchmark_plan import make_plan
    from mriinterp.trust.benchmark_report import write_report
    from mriinterp.trust.cost import estimate_seconds
    from mriinterp.trust.findings import findings
    from mriinterp.trust.method_files import register_files
    from mriinterp.trust.replicates import find_replicates, train_replicates
    from mriinterp.trust.summary import summary
    from mriinterp.trust.words import CAVEAT

    study, out = load_study(args.study, trust_code=args.trust_code), Path(args.out)
    model = study.model()
    if args.train_replicates:
        if not isinstance(study, DemoStudy):
            raise ValueError(
                f"expected the demo study to train replicates of, got {study.name!r}; "
                "pass retrained networks as --replicates DIR"
            )
        from mriinterp.training.demo import Recipe  # training is not worth loading otherwise

        progress = ProgressLine("training replicates")
        trained = Path(args.replicates or out / "replicates")
        train_replicates(trained, args.train_replicates, Recipe(study=study.settings), progress=progress)
        progress.close()
    folder = args.replicates or (out / "replicates" if args.train_replicates else None)
    replicates = find_replicates(model, folder)
    own = register_files(args.method_file)
    plan = make_plan(
        study,
        methods=names_of(args.methods) or list(own) or None,
        method_files=own,
        measures=names_of(args.measures),
        quick=args.quick,
        subjects=args.subjects,
        costly=args.costly,
        replicates=len(replicates),
    )
    out.mkdir(parents=True, exist_ok=True)
    bench = Bench(study, model, plan.reference_scans, out)
    for line in plan.lines(estimate_seconds(plan, bench)):
        print_line(line)
    if args.plan:
        return 0
    start = time.monotonic()
    progress = ProgressLine("control mean")
    bench.reference(progress)
    progress.close()
    progress = ProgressLine("maps and measures")
    run_benchmark(plan, bench, out, replicates=replicates, progress=progress)
    progress.close()
    written = write_report(out)
    print_line()
    for sentence in findings(summary(out)):
        print_line(f"- {sentence}")
    print_line(CAVEAT)
    print_line(
        f"wrote {', '.join(path.name for path in written)} to {out} ({describe_seconds(time.monotonic() - start)})"
    )
    return 0
