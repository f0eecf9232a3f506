"""``statistics``: the groups of a cohort compared, area by area and voxel by voxel."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from mriinterp.base.atomic import write_text
from mriinterp.base.map_parts import PARTS
from mriinterp.base.tables import csv_text
from mriinterp.cohort.kinds import PART_KINDS
from mriinterp.cohort.result import CohortResult, open_cohort
from mriinterp.cohort.sample import COVARIATES
from mriinterp.cohort.statistics import compare_areas
from mriinterp.commands.options import add_study_trust
from mriinterp.commands.terminal import ProgressLine, print_line

__all__ = ["add_parser", "write_areas"]

DESCRIPTION = """\
Compare the groups of a cohort that explains one output in all scans.

First the total relevance of a scan, then the mean relevance of each area (Welch's t, or an analysis of covariance
with age and sex held fixed; false discovery rate over areas), and with --voxels each voxel of the brain (largest
|t| under permuted people). Shares of relevance are not tested: more in one area is less in others by arithmetic.

Writes into the folder statistics inside DIR
  METHOD_areas.csv, .json      the total in the first row, then the areas; what it is
  METHOD_voxels_t.nii.gz       Student's t of every voxel of the brain
  METHOD_voxels_p.nii.gz       its family-wise p
  METHOD_voxels.csv, .json     areas with significant voxels; what it is
  METHOD_COLUMN.csv, _people.csv, .json    with --number: a row an area; what was compared; what it is
With --part supports, say, they begin with METHOD_supports."""

EXAMPLES = """\
examples:
  mriinterp cohort demo --methods occlusion --out demo_cohort
  mriinterp statistics demo_cohort
  mriinterp statistics demo_cohort --number age
  mriinterp statistics demo_cohort --number hippocampus_ml --table volumes.csv
  mriinterp statistics demo_cohort --voxels --permutations 5000 --covariates age"""


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "statistics",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", help="folder that the command cohort filled")
    parser.add_argument("--methods", metavar="A,B,C", help="default: all of the cohort")
    parser.add_argument(
        "--groups", nargs=2, metavar=("A", "B"), help="compare A with B (default: as the cohort has it)"
    )
    parser.add_argument(
        "--covariates",
        metavar="fold,age,sex|none",
        help="held fixed; scans of which one is unknown are left out (default: those known of every scan; the fold only of "
        "a cohort explained out of fold)",
    )
    parser.add_argument("--hemispheres", action="store_true", help="left and right areas apart")
    parser.add_argument(
        "--part",
        choices=(*PARTS, "reading"),
        default="both",
        help="what of the maps is compared: both signs, as on the page Cohort; only what supports the explained output, or "
        "only what speaks against it, by size; or each method's reading, as published (default: %(default)s)",
    )
    numbers = parser.add_argument_group("a number of each scan")
    numbers.add_argument(
        "--number",
        metavar="COLUMN",
        help="also correlate age, a score, a volume with the relevance of every area (Spearman's ρ with interval, false "
        "discovery rate over areas): a column of the cohort's subjects.tsv, or of --table",
    )
    numbers.add_argument("--table", metavar="FILE", help="CSV or TSV with a column of scans or people, and the number")
    numbers.add_argument(
        "--all-together",
        action="store_true",
        help="rank people of all groups together; by default within groups, so that a difference of the groups alone "
        "correlates with nothing",
    )
    voxels = parser.add_argument_group("voxels")
    voxels.add_argument("--voxels", action="store_true", help="test every voxel of the brain as well; needs kept maps")
    voxels.add_argument("--permutations", type=int, default=1000, metavar="N", help="default: %(default)s")
    voxels.add_argument("--seed", type=int, default=0, help="of the permutations (default: %(default)s)")
    voxels.add_argument(
        "--study", metavar="STUDY", help="demo or a study file: its brain mask (default: the template's)"
    )
    add_study_trust(voxels)
    parser.add_argument("--out", metavar="DIR", help="where to write (default: the folder statistics inside DIR)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare the groups, write the tables, and print what was found."""
    from mriinterp.export.comparison import area_words, sample_words, total_words, value_words, write_comparison

    result = open_cohort(args.folder, pair=args.groups)
    methods = [name.strip() for name in (args.methods or ",".join(result.methods)).split(",") if name.strip()]
    for method in methods:
        reason = result.why_no_test(method)
        if reason:
            raise ValueError(f"{method}: {reason}")
    if args.table and not args.number:
        raise ValueError("expected --number COLUMN with --table, got none; name the column that is compared")
    options = {"kind": PART_KINDS.get(args.part, args.part), "covariates": _covariates(args.covariates)}
    out = Path(args.out) if args.out else result.folder / "statistics"
    if result.simulated:
        print_line("simulated scans")
    written = []
    for method in methods:
        found = compare_areas(result, method, merge_hemispheres=not args.hemispheres, **options)
        written += write_comparison(out, result, found, _stem(method, args.part))
        print_line(f"{method}, {result.explained_words(method)}:")
        words = value_words(result, method, found.kind, found.sample.ids)
        for sentence in (*words, total_words(found), area_words(found), *sample_words(found.sample)):
            print_line(f"  {sentence}")
        if args.number:
            written += _number(args, result, method, out, options["kind"])
        if args.voxels:
            written += _voxels(args, result, method, out, options)
    for path in written:
        print_line(f"wrote {path}")
    return 0


def write_areas(result: CohortResult, out: Path) -> list[Path]:
    """Compare the areas of the groups by every method for which they may be compared; print what was found."""
    from mriinterp.export.comparison import area_words, total_words, write_comparison

    written = []
    for method in result.methods if result.positive else ():
        if result.why_no_test(method):
            continue  # which the report says
        try:
            found = compare_areas(result, method)
        except ValueError as error:  # too few people
            print_line(f"{method}: groups are not compared: {error}")
            continue
        written += write_comparison(out, result, found, method)
        print_line(f"{method}: {total_words(found)} {area_words(found)}")
    return written


def _stem(method: str, part: str) -> str:
    """Return the beginning of the names of a method's files."""
    return method if part == "both" else f"{method}_{part}"


def _covariates(text: str | None) -> tuple[str, ...] | None:
    """Return ``"age,sex"`` as names; None where none are given."""
    if text is None or text.strip() == "none":
        return None if text is None else ()
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in COVARIATES]
    if unknown or not names:
        raise ValueError(f"expected covariates, got {text!r}; available: {', '.join(COVARIATES)}, none")
    return names


def _number(args: argparse.Namespace, result: CohortResult, method: str, out: Path, kind: str) -> list[Path]:
    """Correlate a number with the areas; return the files."""
    from mriinterp.cohort.number_comparison import compare_number, numbers_of
    from mriinterp.export.number_words import number_words, people_words, write_number
    from mriinterp.subjects import read_table

    values = None if args.table is None else numbers_of(result, read_table(args.table), args.number)
    found = compare_number(
        result,
        method,
        args.number,
        values,
        within=False if args.all_together else None,
        kind=kind,
        merge_hemispheres=not args.hemispheres,
    )
    for sentence in (people_words(found), number_words(found)):
        print_line(f"  {sentence}")
    return write_number(out, result, found, _stem(method, args.part))


def _voxels(args: argparse.Namespace, result: CohortResult, method: str, out: Path, options: dict) -> list[Path]:
    """Test every voxel of the brain; return the files."""
    from mriinterp.areas.atlas import load_atlas
    from mriinterp.cohort.voxels import LEVEL, compare_voxels, significant_areas
    from mriinterp.export.comparison import comparison_entries, voxel_words
    from mriinterp.image.template import brain_mask
    from mriinterp.image.volume import resample
    from mriinterp.image.write import write_volume
    from mriinterp.study import load_study

    name = args.study or ("demo" if result.run["study"] == "demo" else None)
    study = load_study(name, trust_code=args.trust_code) if name else None
    mask = study.brain_mask() if study else brain_mask(result.grid)
    mask = resample(mask.with_data(mask.data > 0), result.grid, order=0)
    progress = ProgressLine(f"voxels of {method}")
    found = compare_voxels(
        result, method, mask, n_permutations=args.permutations, seed=args.seed, progress=progress, **options
    )
    progress.close()
    print_line(f"  {voxel_words(found)}")
    stem = _stem(method, args.part)
    paths = [
        write_volume(volume, out / f"{stem}_voxels_{what}.nii.gz", space="mni")
        for what, volume in (("t", found.t), ("p", found.p))
    ]
    table, description = out / f"{stem}_voxels.csv", out / f"{stem}_voxels.json"
    atlas = study.atlas() if study else load_atlas("AAL")
    if atlas.digest == result.run["atlas"]["sha256"]:
        write_text(table, csv_text(significant_areas(found, atlas)))
        paths.append(table)
    statistics = found.statistics
    entries = comparison_entries(
        result,
        method,
        found.sample,
        found.kind,
        test="Student's t, family-wise p by max-T permutation of people (Westfall & Young; Freedman & Lane)",
        permutations=statistics.n_permutations,
        exhaustive=statistics.exhaustive,
        seed=args.seed,
        voxels=len(statistics.t),
        family_wise_level=LEVEL,
        threshold=statistics.threshold(LEVEL) if np.isfinite(statistics.threshold(LEVEL)) else None,
        found=int((statistics.p <= LEVEL).sum()),
    )
    write_text(description, json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    return [*paths, description]
