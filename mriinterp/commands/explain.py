"""``explain``: relevance maps of scans."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mriinterp.areas.atlas import Atlas
from mriinterp.areas.table import area_table, top_areas
from mriinterp.base.atomic import made_folder, write_text
from mriinterp.base.errors import words_of
from mriinterp.base.labels import image_labels
from mriinterp.base.names import composed, shortened
from mriinterp.base.notices import SIMULATED_ONLY
from mriinterp.base.tables import csv_text
from mriinterp.commands.options import (
    add_method_options,
    add_model_options,
    chosen_atlas,
    chosen_model,
    first_file,
    is_named,
    is_simulated,
    named_scan,
    read_settings,
)
from mriinterp.commands.raw import RawScans, about_preparation, add_prepare_options, raw_scans, write_on_raw_scan
from mriinterp.commands.terminal import ProgressLine, print_error, print_line, quoted
from mriinterp.cost import describe_cost
from mriinterp.explain import explain
from mriinterp.image.formats import image_stem
from mriinterp.image.nifti import read_volume, to_source
from mriinterp.image.space import (
    MNI_CORRELATION,
    check_mni_space,
    describe_space,
    looks_skull_stripped,
    mni_correlation,
)
from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.methods import Method, get_method, method_names
from mriinterp.methods.own_score import values_for
from mriinterp.models import Model
from mriinterp.relevance_map import RelevanceMap
from mriinterp.results.sidecar import to_sidecar

__all__ = ["add_parser"]

LONGEST_STEM = 150  # bytes of a scan's name in file names; a longer one ends in a digest

DESCRIPTION = """\
Explain what a network says of T1 scans in MNI space, or of raw ones (--prepare).

For every SCAN it writes into the output folder
  <scan>_<method>_relevance.nii.gz       the map, on the network's grid
  <scan>_<method>_relevance_scan.nii.gz  the map on the scan's own grid and voxel order, if that is another
  <scan>_<method>_relevance.json         method, parameters, target, prediction, digests, versions
  <scan>_<method>_<image>_relevance.nii.gz  of a network of several images: the part of each
  <scan>_<method>_areas.csv              relevance per brain area
  <scan>_<method>_areas_scan.nii.gz      with --prepare: the areas on the raw scan's own grid
and prints the prediction and the ten most relevant areas."""


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "explain",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example:\n  mriinterp explain scan.nii.gz --model demo --method occlusion --set size=40 --out results",
    )
    parser.add_argument(
        "scans",
        nargs="+",
        metavar="SCAN",
        help=".nii, .nii.gz, .mgh or .mgz, registered to MNI152; or raw, see --prepare. For a network of several inputs "
        "one scan as NAME=FILE and NAME=NUMBER each, e.g. t1=t1.nii gm=gm.nii age=71",
    )
    add_model_options(parser)
    parser.add_argument(
        "--method", required=True, choices=method_names(), metavar="NAME", help=", ".join(method_names())
    )
    add_method_options(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="output folder, made if need be")
    add_prepare_options(parser)
    parser.add_argument("--no-space-check", action="store_true", help="accept scans that do not look like MNI space")
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class _Job:
    """What is the same for all scans of a call."""

    model: Model
    method: Method
    atlas: Atlas
    request: dict
    out: Path
    check_space: bool
    raw: RawScans | None = None
    inputs: tuple[str, ...] = ()


def run(args: argparse.Namespace) -> int:
    """Explain all scans; 1 if any failed."""
    inputs = tuple(args.scans) if is_named(args.scans) else ()
    scans = [first_file(args.scans)] if inputs else args.scans
    stems = _stems(scans)
    method = get_method(args.method)
    settings = read_settings(args.set, method)
    method.resolve(settings, args.preset)
    if "reference" in settings.values() and not args.reference:
        raise ValueError("expected --reference FILE with the scan to put in, got none; or choose another fill")
    reference = read_volume(args.reference) if args.reference else None
    model = chosen_model(args)
    if inputs and args.prepare:
        raise ValueError("expected prepared images for a network of several inputs, got --prepare; prepare each first")
    job = _Job(
        model=model,
        method=method,
        atlas=chosen_atlas(args),
        request={"target": args.target, "preset": args.preset, "reference": reference, **settings},
        out=Path(args.out),
        check_space=not args.no_space_check,
        raw=raw_scans(args, model.grid),
        inputs=inputs,
    )
    known = [name for head in job.model.heads for name in head.classes]
    if args.target is not None and args.target not in known:
        raise ValueError(f"expected a target class, got {args.target!r}; available: {', '.join(known)}")
    made_folder(job.out)
    values = values_for(method, job.model.heads[0], settings, args.preset)
    print_error(f"{method.label}: {describe_cost(job.model, method.name, values, job.atlas)} a scan")
    if warning := method.warning(job.model.grid.shape, values):
        print_error(f"warning: {warning}")
    for note in job.model.notes:
        print_error(f"note: network {job.model.card.name}: {note}")
    if reference is not None:
        _warn_of_intensities(job.model, reference, args.reference)
    return _explain_all(job, scans, stems)


def _explain_all(job: _Job, scans: list[str], stems: list[str]) -> int:
    """Explain scans one after the other; 1 if any failed. An interrupt lists what is done and what is not."""
    done: list[str] = []
    failed: list[str] = []
    for n, (scan, stem) in enumerate(zip(scans, stems, strict=True), 1):
        place = f"{n} of {len(scans)}: " if len(scans) > 1 else ""
        progress = ProgressLine(f"{place}{stem}: {job.method.label}")
        if place and not progress.terminal:
            print_error(f"{place}{stem}")
        try:
            _explain_scan(job, Path(scan), stem, progress)
        except (ValueError, OSError, RuntimeError, MemoryError) as error:  # out of memory is one scan's failure too
            progress.close()
            print_error(_about(scan, error))
            failed.append(scan)
        except KeyboardInterrupt:
            progress.close()
            _list_rest(done, failed, scans[n - 1 :])
            raise
        else:
            done.append(scan)
    if failed:
        print_error(f"{len(failed)} of {len(stems)} scans failed: {', '.join(failed)}")
    return 1 if failed else 0


def _list_rest(done: list[str], failed: list[str], rest: list[str]) -> None:
    """List what an interrupted call has done and what it has not, as one types it."""
    for what, scans in (("done", done), ("failed", failed), ("not done", rest)):
        if scans:
            print_error(f"{what} ({len(scans)}): {' '.join(map(quoted, scans))}")


def _about(scan: str, error: Exception) -> str:
    """Return what went wrong with a scan; many errors name the file themselves."""
    words = words_of(error)
    return words if words.startswith((scan, Path(scan).name)) else f"{scan}: {words}"


def _stems(scans: list[str]) -> list[str]:
    """Return the names of the outputs; ValueError before any work if two scans share one."""
    by_stem: dict[str, list[str]] = {}
    for scan in scans:
        by_stem.setdefault(composed(image_stem(scan.removesuffix(".zip"))).lower(), []).append(
            scan
        )  # Windows and macOS ignore case
    clashes = [" and ".join(paths) for paths in by_stem.values() if len(paths) > 1]
    if clashes:
        raise ValueError(
            f"expected scans of different names, got outputs that would overwrite each other: {'; '.join(clashes)}"
        )
    return [shortened(image_stem(scan.removesuffix(".zip")), LONGEST_STEM) for scan in scans]


def _explain_scan(job: _Job, path: Path, stem: str, progress: ProgressLine) -> None:
    made = None
    if job.inputs:
        scan = named_scan(list(job.inputs))
    elif job.raw is None:
        scan = read_volume(path)
    else:
        made, scan = job.raw.open(path)
    place = _check_scan(job, scan, path.name)
    _warn_of_intensities(job.model, scan, path.name)
    simulated = is_simulated(path)
    diagnosed = simulated or not job.model.card.simulated
    request = dict(job.request)
    if not diagnosed and request["target"] is None and job.model.heads[0].kind == "classes":
        request["target"] = job.model.classes[-1]  # always the same: the predicted one would be a diagnosis
    relevance = explain(job.model, scan, job.method.name, atlas=job.atlas, progress=progress, **request)
    progress.close()
    for text in relevance.doubts:
        print_error(f"warning: {path.name}: {text}")
    table = area_table(relevance, job.atlas)
    base = f"{stem}_{job.method.name}"
    write_volume(relevance.volume, job.out / f"{base}_relevance.nii.gz", space="mni")
    for name, label in image_labels(relevance.images).items():
        write_volume(relevance.images[name], job.out / f"{base}_{label}_relevance.nii.gz", space="mni")
    own = scan.source or scan.grid
    if made is not None:
        write_on_raw_scan(made, relevance.volume, job.atlas, job.out / base)
    elif not relevance.volume.grid.matches(own):
        write_volume(to_source(relevance.volume, own), job.out / f"{base}_relevance_scan.nii.gz", space="mni")
    write_text(job.out / f"{base}_areas.csv", csv_text(table))
    more = {"model": job.model.card.name, "simulated_scan": simulated, "atlas": job.atlas.name, "space_check": place}
    if made is not None:
        more |= about_preparation(made)
    sidecar = to_sidecar(relevance, with_prediction=diagnosed, **more)
    write_text(job.out / f"{base}_relevance.json", json.dumps(sidecar, indent=2, ensure_ascii=False) + "\n")
    _report(job, path.name, relevance, table, diagnosed)


def _check_scan(job: _Job, scan: Volume, name: str) -> dict[str, Any]:
    """Refuse a scan outside MNI space unless allowed, and warn of a skull; what is recorded of its place."""
    correlation = mni_correlation(scan)
    if job.check_space:
        try:
            check_mni_space(scan, name, correlation)
        except ValueError as error:
            raise ValueError(f"{error}. To explain it all the same: --no-space-check") from error
    elif correlation < MNI_CORRELATION:
        print_error(
            f"warning: {name} does not look like a scan in MNI space (correlation {correlation:.2f} with the ICBM152 "
            f"template, expected at least {MNI_CORRELATION:.2f}); explained all the same, as --no-space-check says. "
            "Areas and what the network says of it may mean nothing"
        )
    if job.model.card.skull_stripped and not looks_skull_stripped(scan):
        print_error(f"warning: {name} still shows skull or scalp; this network was trained on skull-stripped scans")
    return describe_space(correlation, checked=job.check_space)


def _warn_of_intensities(model: Model, scan: Volume, name: str) -> None:
    for text in model.warnings_of(scan):
        print_error(f"warning: {name}: {text}")


def _report(job: _Job, name: str, relevance: RelevanceMap, table, diagnosed: bool) -> None:
    """Print prediction and most relevant areas."""
    prediction = relevance.prediction
    print_line(f"{name}")
    if not diagnosed:
        print_line(f"  {SIMULATED_ONLY}")
    else:
        for head in job.model.heads:
            values = prediction.probabilities if head.kind == "classes" else prediction.outputs
            numbers = ", ".join(
                f"{c} {values[c]:.1%}" if head.kind == "classes" else f"{c} {values[c]:.3f}" for c in head.classes
            )
            print_line(
                f"  {'prediction' if len(job.model.heads) == 1 else head.name}: {numbers}{f'  ({head.note})' if head.note else ''}"
            )
    fixed = "" if diagnosed else " (always this one, whatever the network says)"
    print_line(f"  {job.method.label}: {relevance.unit}; target {relevance.target}{fixed}")
    for name, chosen in relevance.chosen.items():
        print_line(f"  {name}: {chosen}")
    print_line(f"  most relevant areas ({relevance.reading} relevance, share of all areas; peak in MNI mm):")
    for row in top_areas(table, 10).itertuples():
        peak = f"({row.peak_x:.0f}, {row.peak_y:.0f}, {row.peak_z:.0f})"
        print_line(f"    {row.area:<24s} {row.share:6.1%}   {peak}")
