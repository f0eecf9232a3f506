"""``cohort``: methods over all scans of a study."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mriinterp.base.notices import SIMULATED_ONLY
from mriinterp.cohort import CohortResult, choose_methods, default_workers, run_cohort
from mriinterp.commands.options import add_study_trust, read_settings
from mriinterp.commands.terminal import ProgressLine, print_error, print_line
from mriinterp.image.space import MNI_CORRELATION
from mriinterp.methods import get_method, listed_methods, method_names, preset_names
from mriinterp.models import choose_device
from mriinterp.study import Study, load_study

__all__ = ["add_parser"]


DESCRIPTION = """\
Explain every scan of a study and average the maps of each group.

The folder DIR (BIDS derivatives) holds, when the run is over
  sub-*/anat/                  a signed map a scan and method (.nii.gz), what it is (.json), relevance per area (.tsv)
  groups/                      mean, standard deviation and count a group and method, of the signed maps and of
                               the method's reading
  areas.parquet                scan × method × area
  subjects.tsv, groups.tsv     prediction, correct or not, training scan or not, failures; counts and the share of
                               correct predictions
  run.json                     study, network, parameters, versions, times

Stop it at any time: the same command goes on where it was."""

EXAMPLES = """\
examples:
  mriinterp cohort demo --methods sensitivity,occlusion --out demo_cohort
  mriinterp cohort adni.toml --methods occlusion --set occlusion.size=20 --split all --target CN --out all
  mriinterp cohort demo --methods recommended --out /tmp/demo --pack mriinterp/cohort/shipped/demo
  mriinterp cohort adni.toml --methods sensitivity --scheduler tcp://10.0.0.1:8786 --out /shared/cohort"""


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "cohort",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", metavar="STUDY", help="demo, or a study file (.toml)")
    parser.add_argument(
        "--methods",
        required=True,
        metavar="A,B,C",
        help=f"methods, separated by commas: {', '.join(method_names())}; recommended: {', '.join(listed_methods('cohort'))}",
    )
    what = parser.add_argument_group("what to compute")
    what.add_argument(
        "--split", metavar="NAME", help="only this split of the study, or all (default: test if there is one, else all)"
    )
    what.add_argument(
        "--out-of-fold",
        action="store_true",
        help="explain every scan of a cross-validation by the network that never saw its patient; STUDY is the study "
        "file that train wrote. DIR becomes a cohort of all scans, with area statistics, figure 1 and tables 1 and 2; "
        "each fold is a cohort of its own in it",
    )
    what.add_argument(
        "--target",
        metavar="positive|predicted|true|CLASS",
        help="the output to explain: positive, the class of the positive group, for all scans; the name of another "
        "one; predicted, what the network says of each scan, as in Rieke et al. 2018; or true, the class of each scan's "
        "group. Groups are compared only with one output for all (default: positive, with the logit margin as score; "
        "with --preset: predicted)",
    )
    what.add_argument("--n", type=int, metavar="N", help="only N scans in all, drawn evenly from the groups")
    what.add_argument("--seed", type=int, default=0, help="of that draw (default: %(default)s)")
    what.add_argument(
        "--set", action="append", default=[], metavar="METHOD.NAME=VALUE", help="e.g. --set occlusion.size=20; repeat"
    )
    what.add_argument("--preset", metavar="NAME", help=f"parameters of a publication: {', '.join(preset_names())}")
    what.add_argument(
        "--groups",
        nargs=2,
        metavar=("A", "B"),
        help="compare group A with group B (default: the study's positive with its reference group)",
    )
    what.add_argument("--no-maps", action="store_true", help="keep averages and tables, not a map a scan")
    what.add_argument(
        "--pack",
        metavar="SMALL",
        help="also write averages, tables and the figures of a test of every voxel into the folder SMALL, rounded to a few "
        "MB, to be sent round; mriinterp/cohort/shipped/demo is made so",
    )
    how = parser.add_argument_group("how to compute")
    how.add_argument("--out", metavar="DIR", help="output folder (default: cohort or out_of_fold in the study's own)")
    where = how.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="N", help="processes (default: one a processor core; on a GPU 1)")
    where.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="a Dask scheduler; needs mriinterp[cluster]")
    how.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads a worker (default: %(default)s)")
    how.add_argument("--device", default="auto", metavar="auto|cpu|cuda", help="default: %(default)s")
    what.add_argument(
        "--no-space-check", action="store_true", help="also explain scans that do not look like MNI space"
    )
    add_study_trust(how)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the cohort; 1 if scans had to be left out."""
    asked = listed_methods("cohort") if args.methods == "recommended" else args.methods.split(",")
    methods = [name.strip() for name in asked if name.strip()]
    params = _parameters(args.set, methods)
    choose_methods(methods, params, args.preset)
    if args.threads < 1:
        raise ValueError(f"expected --threads of 1 or more, got {args.threads}")
    if args.out_of_fold and args.split:
        raise ValueError(
            "expected either --split or --out-of-fold, which explains each fold's own test scans; got both"
        )
    if args.out_of_fold and args.pack:
        raise ValueError("expected either --pack or --out-of-fold, whose folds have networks of their own; got both")
    study = load_study(args.study, trust_code=args.trust_code)
    name = "out_of_fold" if args.out_of_fold else "cohort"
    out = Path(args.out) if args.out else study.output / name if study.output else None
    if out is None:
        raise ValueError(f"expected an output folder for study {study.name}, got none; use --out DIR")
    progress = ProgressLine(f"{study.name}: maps and averages")
    with ExitStack() as stack:
        workers, executor = args.workers, None
        if args.scheduler:
            executor, workers = _dask(args.scheduler, stack)
        elif workers is None:
            workers = default_workers(study.model("cpu").grid, choose_device(args.device))
        options = {
            "target": args.target,
            "n": args.n,
            "seed": args.seed,
            "params": params,
            "preset": args.preset,
            "maps": not args.no_maps,
            "workers": workers,
            "executor": executor,
            "device": args.device,
            "threads": args.threads,
            "pair": args.groups,
            "check_space": False if args.no_space_check else None,
            "progress": progress,
        }
        if args.out_of_fold:
            return _out_of_fold(study, methods, out, options)
        result = run_cohort(study, methods, out=out, split=args.split, **options)
    progress.close()
    report(result)
    if args.pack:
        _pack(result, study, Path(args.pack))
    return 1 if result.failures else 0


def _pack(result: CohortResult, study: Study, out: Path) -> None:
    """Write the small folder; every voxel is tested as on the page Cohort, where groups may be compared and maps are kept."""
    from mriinterp.cohort.packed import pack_cohort
    from mriinterp.cohort.voxels import compare_voxels
    from mriinterp.image.volume import resample

    mask = study.brain_mask()
    mask = resample(mask.with_data(mask.data > 0), result.grid, order=0)
    tested = [m for m in result.methods if result.positive and result.has_maps and not result.why_no_test(m)]
    found = []
    for method in tested:
        progress = ProgressLine(f"voxels of {method}")
        found.append(compare_voxels(result, method, mask, kind="signed", progress=progress))
        progress.close()
    packed = pack_cohort(result, study, out, found)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    print_line(f"wrote {packed.folder}, {size / 1e6:.1f} MB")


def _out_of_fold(study: Study, methods: list[str], out: Path, options: dict[str, Any]) -> int:
    """Explain each fold's own test scans; write averages, area statistics, figure and tables of all together."""
    from mriinterp.commands.paper import averages_of, write_outputs
    from mriinterp.commands.statistics import write_areas
    from mriinterp.crossval.outoffold import run_out_of_fold

    found = run_out_of_fold(study, methods, out=out, **options)
    options["progress"].close()
    for name, result in found.folds.items():
        print_line(f"{name}: {result.run['scans']} scans")
    pooled = found.pooled
    report(pooled)
    for method in pooled.methods:
        print_line(f"{method}: {pooled.agreement_words(method)}")
    write_areas(pooled, pooled.folder / "statistics")
    progress = ProgressLine("figures and tables")
    averages = averages_of(pooled, study.background(), study.atlas())
    shown = tuple(method for method in pooled.methods if any(method in maps for maps in averages.means.values()))
    write_outputs(
        pooled.folder / "paper",
        averages,
        methods=shown,
        animation=False,
        progress=progress,
        cancel=options.get("cancel"),
    )
    progress.close()
    print_line(f"wrote {pooled.folder / 'statistics'}, {pooled.folder / 'paper'}")
    return 1 if pooled.failures else 0


def _parameters(settings: list[str], methods: list[str]) -> dict[str, dict[str, Any]]:
    """Read ``["occlusion.size=40"]`` as parameters by method."""
    found: dict[str, dict[str, Any]] = {}
    for setting in settings:
        method, dot, rest = setting.partition(".")
        if not dot or "=" not in rest or "=" in method:
            raise ValueError(f"expected --set METHOD.NAME=VALUE, got {setting!r}")
        if method not in methods:
            raise ValueError(f"expected --set for one of the methods {', '.join(methods)}, got {method!r}")
        found.setdefault(method, {}).update(read_settings([rest], get_method(method)))
    return found


def _dask(address: str, stack: ExitStack):
    """Connect to a Dask cluster; return its executor and number of threads."""
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise ValueError(
            "expected the package distributed for --scheduler; pip install 'mriinterp[cluster]'"
        ) from error
    client = stack.enter_context(Client(address, timeout="30s", set_as_default=False))
    client.wait_for_workers(1, timeout=120)
    workers = sum(client.nthreads().values())
    return stack.enter_context(client.get_executor(pure=False)), max(1, workers)


def report(result: CohortResult) -> None:
    """Print the groups, what the network got right, and what was left out."""
    run = result.run
    if result.simulated:
        print_line("simulated scans")
    print_line(
        f"{run['scans']} scans, {run['maps_computed']} maps computed in {run['seconds']:.0f} s; target: {result.target}; "
        f"split: {run['split']}"
    )
    if result.withheld:
        print_line(f"  {SIMULATED_ONLY}")
    for row in result.group_table.itertuples():
        parts = [f"{row.scans} scans"]
        if row.training:
            parts.append(f"{row.training} of them trained the network")
        if row.judged:
            parts.append(f"{row.correct} of {row.judged} predicted right ({row.share_correct:.0%})")
        maps = ", ".join(f"{m} {result.n(m, row.group)}" for m in result.methods)
        print_line(f"  {row.group}: {', '.join(parts)}; maps: {maps}")
    if auc := run["performance"].get("auc"):
        print_line(
            f"  AUC of {auc['of']}, {auc['positive']} against {auc['reference']}: {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})"
        )
    reasons = [result.why_no_test(method) for method in result.methods] if result.positive else []
    for reason in dict.fromkeys(filter(None, reasons)):
        print_line(f"  {reason}")
    for scan, why in result.failures.items():
        texts = (text if what == "scan" else f"{what}: {text}" for what, text in why.items())
        print_error(f"{scan} left out: {'; '.join(texts)}")
    if result.outside_space:
        scans = ", ".join(f"{scan} ({found:.2f})" for scan, found in result.outside_space.items())
        print_error(
            f"warning: scans that do not look like MNI space were explained all the same, as the space check was off "
            f"(correlation with the template, expected at least {MNI_CORRELATION:.2f}): {scans}"
        )
    for note in (*result.network_notes, *result.method_notes.values()):
        print_error(f"note: {note}")
    for line in result.warning_lines():
        print_error(f"warning: {line}")
    print_line(f"wrote {result.folder}")
