"""Raw scans of ``explain --prepare``: prepared, judged, and the map written on the scan's own grid."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mriinterp.areas.atlas import Atlas
from mriinterp.commands.terminal import ProgressLine, print_error
from mriinterp.image.nifti import to_source
from mriinterp.image.volume import Grid, Volume
from mriinterp.image.write import write_volume
from mriinterp.prepare import Prepared, PrepareJob, PrepareOptions
from mriinterp.prepare.folder import file_labels, judged
from mriinterp.prepare.sheet import write_contact_sheet

__all__ = ["RawScans", "about_preparation", "add_prepare_options", "raw_scans", "write_on_raw_scan"]

FOLDER = "prepared"


def add_prepare_options(parser: argparse.ArgumentParser) -> None:
    """Add --prepare, --nonlinear and --series."""
    group = parser.add_argument_group("raw scans")
    group.add_argument(
        "--prepare",
        action="store_true",
        help="SCAN is raw: a NIfTI or MGZ file, a folder of DICOM files or a .zip of either. It is prepared for the "
        f"network first and kept in {FOLDER}/; maps and areas are also written on the scan's own grid",
    )
    group.add_argument("--nonlinear", action="store_true", help="with --prepare: warp the brain onto the template")
    group.add_argument(
        "--series",
        metavar="N|NAME",
        help="with --prepare: number or description of the DICOM series, where several may be meant; * stands for anything",
    )


def raw_scans(args: argparse.Namespace, grid: Grid) -> RawScans | None:
    """Return what the options ask for; None without --prepare."""
    if not args.prepare:
        for name in ("nonlinear", "series"):
            if getattr(args, name):
                raise ValueError(f"expected --prepare with --{name}, got --{name} alone")
        return None
    if args.no_space_check:
        raise ValueError("expected --prepare or --no-space-check, got both: a prepared scan is judged")
    return RawScans(Path(args.out) / FOLDER, grid, PrepareOptions(args.nonlinear, device=args.device), args.series)


@dataclass(frozen=True)
class RawScans:
    """How the raw scans of a call are prepared.

    Parameters
    ----------
    folder : Path
        Where prepared scans are kept.
    grid : Grid
        Of the network.
    options : PrepareOptions
    series : str, optional
    """

    folder: Path
    grid: Grid
    options: PrepareOptions
    series: str | None = None

    def open(self, path: Path) -> tuple[Prepared, Volume]:
        """Prepare a scan; return it, and its volume with a note where it is in doubt; ValueError where it is refused."""
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file or folder; check the spelling")
        name = path.resolve().name
        job = PrepareJob.of(
            path,
            self.folder,
            file_labels([name])[name],
            self.grid,
            options=self.options,
            series=self.series,
            hidden=True,
        )
        progress = ProgressLine(f"{name}: preparing")
        try:
            made = job.open(progress)
        finally:
            progress.close()
        write_contact_sheet(self.folder)
        scan = judged(made.volume, made.qc, f" See {job.files.picture}")
        for note in scan.notes:
            print_error(f"warning: {name}: {note}")
        return made, scan


def write_on_raw_scan(made: Prepared, relevance: Volume, atlas: Atlas, base: Path) -> None:
    """Write a map, and the areas, on the grid of the raw scan, in the voxel order of its file.

    Parameters
    ----------
    made : Prepared
    relevance : Volume
    atlas : Atlas
    base : Path
        Beginning of the files' names.
    """
    for volume, order, name in (
        (relevance, 1, f"{base.name}_relevance_scan.nii.gz"),
        (atlas.labels, 0, f"{base.name}_areas_scan.nii.gz"),
    ):
        home = made.to_scan(volume, order=order)
        write_volume(to_source(home, made.scan.source or made.scan.grid), base.with_name(name), space="scanner")


def about_preparation(made: Prepared) -> dict[str, Any]:
    """Return what the description of a map says of the preparation."""
    kind = made.volume.preparation
    return {"preparation": {**({} if kind is None else {"as": kind.entry}), **made.qc.as_dict()}}
