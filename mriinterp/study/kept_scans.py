"""Simulated scans once made: kept in a folder of the user's, and the demo study's example, which comes with the package."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from mriinterp.base.atomic import write_text
from mriinterp.base.files import read_json
from mriinterp.image.nifti import read_volume
from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.simulation.subjects import DEMO, SimulationSettings

__all__ = ["EXAMPLE", "SHIPPED", "read_kept", "shipped_scan", "write_kept"]

EXAMPLE = "sim-003"
"""The subject that the demo study opens with: diseased, and recognised by the packaged network."""

SHIPPED = Path(__file__).with_name("shipped")

logger = logging.getLogger(__name__)


def _files(folder: Path, stem: str) -> tuple[Path, Path, Path]:
    return folder / f"{stem}_scan.nii.gz", folder / f"{stem}_truth.nii.gz", folder / f"{stem}_digests.json"


def read_kept(folder: Path, stem: str) -> tuple[Volume, Volume] | None:
    """Return a scan and its ground truth as they were written, bit by bit; None if they are not there or damaged."""
    scan, truth, note = _files(folder, stem)
    try:
        digests = read_json(note)
        volume, labels = read_volume(scan), read_volume(truth, allow_constant=True)
        found = Volume(volume.data, volume.affine), Volume(labels.data > 0, labels.affine)
        if digests != [one.digest for one in found]:
            raise ValueError("it is not what was written")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, OSError, RecursionError) as error:
        logger.warning("the kept scan %s is damaged and made again: %s", scan.name, error)
        return None
    return found


def write_kept(folder: Path, stem: str, volume: Volume, truth: Volume) -> None:
    """Write a scan and its ground truth into a folder; OSError if that cannot be done."""
    scan_file, truth_file, note = _files(folder, stem)
    write_volume(volume, scan_file)
    write_volume(truth, truth_file)
    write_text(note, json.dumps([volume.digest, truth.digest]))


def shipped_scan(settings: SimulationSettings, subject: str) -> tuple[Volume, Volume] | None:
    """Return scan and ground truth of a subject if they come with the package, else None.

    They are those that the simulation gives, which takes seconds; made by
    ``write_kept(SHIPPED, EXAMPLE, …)``, and made anew when it changes.
    """
    return read_kept(SHIPPED, EXAMPLE) if settings == DEMO and subject == EXAMPLE else None
