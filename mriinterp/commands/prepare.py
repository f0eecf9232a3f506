"""``prepare``: raw scans onto a network's grid."""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import torch

from mriinterp.base.atomic import made_folder
from mriinterp.base.errors import words_with_kind
from mriinterp.base.files import read_json
from mriinterp.base.fingerprint import file_digest
from mriinterp.commands.terminal import ProgressLine, complain, say
from mriinterp.export.prepared import PreparedFiles, prepared_files, write_contact_sheet, write_prepared
from mriinterp.image.nifti import read_volume
from mriinterp.image.template import native_template
from mriinterp.image.volume import Grid
from mriinterp.models import load_model
from mriinterp.prepare import PrepareOptions, prepare_scan
from mriinterp.prepare.pipeline import pipeline_digest
from mriinterp.prepare.source import IMAGES
from mriinterp.study import load_study

__all__ = ["add_parser"]

DESCRIPTION = """\
Prepare raw T1 scans for a network: find the brain, register it to the ICBM152 template, write it on the network's grid.

SCAN is a NIfTI or MGZ file, a folder of DICOM files or a .zip of either; a folder of NIfTI files; or a study file (.toml),
whose scans are prepared. The output is a folder of BIDS derivatives with the quality of each scan (qc.html, qc.tsv).
A run that was stopped goes on where it ended. Left and right cannot be told from the image: the header is trusted."""

GIGABYTES_A_JOB = 2.0


@dataclass(frozen=True)
class Job:
    """One scan to prepare."""

    name: str
    path: Path
    out: Path
    shape: tuple[int, int, int]
    affine: tuple[tuple[float, ...], ...]
    options: PrepareOptions
    series: int | None = None
    workers: int = 1

    @property
    def files(self) -> PreparedFiles:
        return prepared_files(self.out, self.name)


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "prepare",
        help="bring raw T1 scans or DICOM folders onto a network's grid",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scans", nargs="+", metavar="SCAN|FOLDER|STUDY", help="what to prepare")
    parser.add_argument("--out", required=True, metavar="DIR", help="output folder")
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
    parser.add_argument("--series", type=int, metavar="N", help="the DICOM series, where several may be meant")
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help=f"scans at a time, about {GIGABYTES_A_JOB:.0f} GB each"
    )
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda", help="default: %(default)s")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prepare all scans; 1 if any failed or is refused."""
    if args.jobs < 1:
        raise ValueError(f"expected --jobs of 1 or more, got {args.jobs}")
    out = made_folder(args.out)
    grid = _grid(args.grid, args.weights)
    options = PrepareOptions(nonlinear=args.nonlinear, device=args.device)
    jobs = [_job(name, path, out, grid, options, args) for name, path in _scans(args.scans)]
    twice = {job.files.key for job in jobs if sum(other.files.key == job.files.key for other in jobs) > 1}
    if twice:
        raise ValueError(f"expected one scan a name, got several for {', '.join(sorted(twice)[:5])}; rename the files")
    failed = _prepare_all(jobs, args.jobs)
    table = write_contact_sheet(out, failed)
    for row in table.to_dict("records"):
        if row["verdict"] != "good":
            complain(f"{row['scan']}: {row['verdict']}: {row['findings']}")
    counts = table["verdict"].value_counts().to_dict()
    say(f"wrote {out}: " + ", ".join(f"{n} {verdict}" for verdict, n in counts.items()) + "; look at qc.html")
    return 1 if failed or "refuse" in counts else 0


def _grid(name: str | None, weights: list[str] | None) -> Grid:
    if name is None:
        return native_template().grid
    if name.lower().endswith(IMAGES):
        image = read_volume(name)
        return image.source or image.grid  # in the file's own voxel order
    return load_model(name, weights, "cpu").grid


def _scans(names: list[str]) -> Iterator[tuple[str, Path]]:
    """Yield names and paths of the scans that the arguments mean."""
    for name in names:
        path = Path(name)
        if path.suffix.lower() == ".toml":
            study = load_study(path)
            for subject in study.subjects.index:
                yield str(subject), Path(study.source(subject).path)
        elif path.is_dir() and (images := _images(path)):
            yield from ((image.name, image) for image in images)
        elif path.exists():
            yield path.name, path
        else:
            raise FileNotFoundError(f"{path}: no such file or folder; check the spelling")


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name.lower().endswith(IMAGES))


def _job(name: str, path: Path, out: Path, grid: Grid, options: PrepareOptions, args: argparse.Namespace) -> Job:
    affine = tuple(map(tuple, grid.affine.tolist()))
    return Job(name, path, out, grid.shape, affine, options, args.series, args.jobs)


def _prepare_all(jobs: list[Job], workers: int) -> dict[str, str]:
    """Prepare all scans; return the failures by scan."""
    failed: dict[str, str] = {}
    progress = ProgressLine("preparing")
    if workers == 1:
        for number, job in enumerate(jobs):
            _note(
                failed,
                job,
                _prepare_one(job, lambda done, total, n=number: progress(n * total + done, len(jobs) * total)),
            )
    else:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=spawn) as pool:
            running = {pool.submit(_prepare_one, job): job for job in jobs}
            for done, future in enumerate(as_completed(running), start=1):
                error = future.exception()
                _note(failed, running[future], future.result() if error is None else words_with_kind(error))
                progress(done, len(jobs))
    progress.close()
    return failed


def _note(failed: dict[str, str], job: Job, problem: str) -> None:
    if problem:
        failed[job.files.key] = problem


def _prepare_one(job: Job, progress=None) -> str:
    """Prepare and write one scan unless its files are there; what went wrong, or ""."""
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // job.workers))
    grid = Grid(job.shape, job.affine)
    source = _digest(job.path)
    if _done(job, grid, source):
        return ""
    try:
        prepared = prepare_scan(job.path, grid=grid, series=job.series, options=job.options, progress=progress)
        write_prepared(prepared, job.files, source_digest=source)
    except (ValueError, OSError, MemoryError) as error:
        return words_with_kind(error)
    return ""


def _digest(path: Path) -> str:
    """Return the SHA-256 over a file, or over all files of a folder with their places."""
    digest = hashlib.sha256()
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.is_file():
            digest.update(file.name.encode())
            digest.update(file_digest(file).encode())
    return digest.hexdigest()


def _done(job: Job, grid: Grid, source: str) -> bool:
    """Return whether a scan's files are there and are those that this run would write."""
    files = job.files
    try:
        report = read_json(files.quality)
        same_grid = Grid(tuple(report["Grid"]["shape"]), report["Grid"]["affine"]).matches(grid)
        return (
            same_grid
            and report["SourceDigest"] == source
            and report["PipelineDigest"] == pipeline_digest(PrepareOptions(nonlinear=job.options.nonlinear))
            and all(path.is_file() for path in (files.scan, files.mask, files.transform, files.picture))
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False
