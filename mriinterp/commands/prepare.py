"""``prepare``: raw scans onto a network's grid."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mriinterp.base.atomic import made_folder
from mriinterp.commands.options import add_study_trust
from mriinterp.commands.terminal import ProgressLine, print_error, print_line
from mriinterp.image.nifti import read_volume
from mriinterp.image.template import native_template
from mriinterp.image.volume import Grid
from mriinterp.models import choose_device, load_model
from mriinterp.prepare import PrepareJob, PrepareOptions, default_jobs, prepare_all
from mriinterp.prepare.batch import JOB_BYTES
from mriinterp.prepare.folder import file_labels
from mriinterp.prepare.sheet import write_contact_sheet
from mriinterp.prepare.source import IMAGES
from mriinterp.study import TableStudy, load_study

__all__ = ["add_parser"]

DESCRIPTION = """\
Prepare raw T1 scans for a network: find the brain, register it to the ICBM152 template, write it on the network's grid.

SCAN is a NIfTI or MGZ file, a folder of DICOM files or a .zip of either; a folder of NIfTI files; or a study file (.toml),
whose scans are prepared. The output is a folder of BIDS derivatives with the quality of each scan (qc.html, qc.tsv).
A run that was stopped goes on where it ended. Left and right cannot be recognised in the image: the header is trusted.

A study file with a section [prepare] says itself how and for which network; its scans go where its cohort looks for them."""


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "prepare",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scans", nargs="+", metavar="SCAN|FOLDER|STUDY", help="what to prepare")
    parser.add_argument(
        "--out", metavar="DIR", help="output folder (default: of a study file with [prepare], in its own output folder)"
    )
    parser.add_argument(
        "--grid",
        metavar="NETWORK|IMAGE",
        help="the grid of a network (a name or model card, with --weights where it needs them) or of an image file; "
        "default: the template's own, 1 mm",
    )
    parser.add_argument("--weights", nargs="+", metavar="FILE", help="weights files of the network")
    parser.add_argument(
        "--nonlinear",
        action="store_true",
        help="warp the brain onto the template, for networks trained on such scans; it also removes part of an atrophy",
    )
    parser.add_argument(
        "--series",
        metavar="N|NAME",
        help="number or description of the DICOM series, where several may be meant; * stands for anything",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help=f"scans at a time, up to {JOB_BYTES / 2**30:.0f} GB each (default: one a processor core, as far as memory goes)",
    )
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda", help="default: %(default)s")
    add_study_trust(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prepare all scans; 1 if any failed or is refused."""
    if args.jobs is not None and args.jobs < 1:
        raise ValueError(f"expected --jobs of 1 or more, got {args.jobs}")
    choose_device(args.device)
    jobs, out = _study_jobs(args) or _jobs(args)
    if not jobs:
        raise ValueError("expected scans to prepare, got none")
    made_folder(out)
    progress = ProgressLine(f"preparing {len(jobs)} scan{'s' if len(jobs) > 1 else ''}")
    try:
        failed = prepare_all(jobs, args.jobs or default_jobs(), progress=progress)
    finally:
        progress.close()
    return report(out, failed)


def report(out: Path, failed: dict[str, str]) -> int:
    """Write the contact sheet and print the findings; 1 if any scan failed or is refused."""
    table = write_contact_sheet(out, failed)
    for row in table.to_dict("records"):
        if row["verdict"] != "good":
            print_error(f"{row['scan']}: {row['verdict']}: {row['findings']}")
    counts = table["verdict"].value_counts().to_dict()
    print_line(f"wrote {out}: " + ", ".join(f"{n} {verdict}" for verdict, n in counts.items()) + "; look at qc.html")
    return 1 if failed or "refuse" in counts else 0


def _study_jobs(args: argparse.Namespace) -> tuple[list[PrepareJob], Path] | None:
    """Return the scans of one study file that says how they are prepared; None for anything else."""
    if len(args.scans) != 1 or Path(args.scans[0]).suffix.lower() != ".toml":
        return None
    study = load_study(args.scans[0], trust_code=args.trust_code)
    if not isinstance(study, TableStudy) or study.settings.prepare is None:
        return None
    given = [name for name in ("grid", "weights", "nonlinear", "series") if getattr(args, name)]
    if given:
        raise ValueError(
            f"expected no --{given[0]} for a study with a section [prepare], got one; the file says how its scans are "
            "prepared"
        )
    given_out = Path(args.out) if args.out else None
    out = given_out or study.prepared_folder
    return [study.prepare_job(subject, given_out, args.device) for subject in study.subjects.index], out


def _jobs(args: argparse.Namespace) -> tuple[list[PrepareJob], Path]:
    if not args.out:
        raise ValueError("expected --out DIR with the output folder, got none")
    out, grid = Path(args.out), _grid(args.grid, args.weights)
    options = PrepareOptions(nonlinear=args.nonlinear, device=args.device)
    scans = list(_scans(args))
    labels = [label for label, _ in scans]
    twice = sorted(label for label, n in Counter(map(str.lower, labels)).items() if n > 1)
    if twice:
        raise ValueError(f"expected one scan a name, got several for {', '.join(twice[:5])}; rename the files")
    return [PrepareJob.of(path, out, label, grid, options=options, series=args.series) for label, path in scans], out


def _grid(name: str | None, weights: list[str] | None) -> Grid:
    if name is None:
        return native_template().grid
    if name.lower().endswith(IMAGES):
        image = read_volume(name)
        return image.source or image.grid  # in the file's own voxel order
    return load_model(name, weights, "cpu").grid


def _scans(args: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    """Yield labels and paths of the scans that the arguments mean."""
    for name in args.scans:
        path = Path(name)
        if path.suffix.lower() == ".toml":
            study = load_study(path, trust_code=args.trust_code)
            if not isinstance(study, TableStudy):
                raise ValueError(f"expected a study of scans in files, got {name}")
            yield from ((label, study.path_of(subject)) for subject, label in study.labels.items())
            continue
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file or folder; check the spelling")
        images = _images(path) if path.is_dir() else []
        paths = {image.name: image for image in images} or {path.resolve().name: path}
        if len(paths) < len(images):
            raise ValueError(
                f"expected images of different names in {path}, got some of the same name; name them one by one"
            )
        yield from ((label, paths[file]) for file, label in file_labels(paths).items())


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name.lower().endswith(IMAGES))
