"""A preparation that takes no time: the scan lies in place already; what its name says happens to it."""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.prepare import Finding, Prepared, PrepareJob, Quality, folder
from mriinterp.prepare import batch as module
from mriinterp.prepare.source import open_raw
from mriinterp.prepare.transform import Transform

GOOD = Quality(
    correlation=0.8, volume_ml=1400.0, border=0.0, coverage={"frontal": 1.0}, present={"frontal": 0.95},
    scales=(1.0, 1.1, 1.2), mirrored=False, turned=False, voxel_mm=(1.0, 1.0, 1.0), skull=0.01, contrast=0.3,
)  # fmt: skip
DOUBTFUL = replace(GOOD, findings=(Finding("look", "border", "The brain mask touches the border."),))
REFUSED = replace(GOOD, correlation=0.1, findings=(Finding("refuse", "correlation", "It does not lie in place."),))


def prepare_scan(path, *, grid, options, series=None, progress=None, cancel=None, **_):
    """As of `mriinterp.prepare.prepare_scan`; raises, dies or is judged as the file's name says."""
    name = Path(path).name
    if "broken" in name:
        raise ValueError("expected a T1 scan of a head, got an image in which no brain was found")
    if "deadly" in name:
        os._exit(9)
    scan = open_raw(path, series=series).volume
    for step in range(5):
        progress and progress(20 * step, 100)
        time.sleep(0.02 if "slow" in name else 0)
    moved = Transform(np.eye(4)).scan_on(scan, grid)
    quality = REFUSED if "refused" in name else DOUBTFUL if "doubtful" in name else GOOD
    volume = replace(moved, preparation=options.preparation)
    digests = {"scan": scan.digest, "pipeline": options.preparation.pipeline}
    return Prepared(volume, scan.with_data(scan.data > 0), Transform(np.eye(4)), quality, scan, digests)


def use(patch=setattr):
    """Put the stand-in in the place of the preparation."""
    patch(module, "prepare_scan", prepare_scan)
    patch(folder, "thumbnail", lambda picture: b"small " + picture)
    patch(folder, "preparation_png", lambda prepared, title="": f"picture of {title}".encode())


@dataclass(frozen=True)
class StandIn(PrepareJob):
    """A job that does so in any process."""

    def run(self, progress=None, cancel=None):
        use()
        super().run(progress, cancel)


def write_scan(path: Path, seed: int = 0) -> Path:
    """A small oblique scan, LAS on disk."""
    data = np.random.default_rng(seed).gamma(2.0, size=(14, 15, 13)).astype(np.float32)
    affine = np.array([[-12.0, 0.5, 0, 80], [0, 12.0, 0.3, -110], [0, 0, 12.0, -70], [0, 0, 0, 1]])
    return write_volume(Volume(data, affine), path)
