"""Make the anatomies of real brains that the simulation deforms.

    python docs/trust/anatomies.py SCANS_DIR              # SCANS_DIR: skull-stripped T1 scans in MNI space
    python docs/trust/anatomies.py SCANS_DIR --picture FILE.png   # and a picture of them beside the template

Each scan is registered to the ICBM152 template (affine, then warp), interpolated once on the template's grid, freed of
its bias field, and its intensities are led to the template's levels. ``mriinterp/simulation/anatomies`` gets a file a
person; a table shows how well each fits the template. Four people are used; the others of the data set stay unseen.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy import ndimage
from sklearn.mixture import GaussianMixture

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # the package beside this page, installed or not
# ruff: noqa: E402

from mriinterp import read_volume
from mriinterp.base.atomic import replacing
from mriinterp.image.template import SIDES, area_mask, native_template, tissue, ventricle
from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.prepare.register import register_affine, register_warp
from mriinterp.prepare.transform import Transform
from mriinterp.simulation.anatomy import ANATOMIES, FLUID, FOLDER, GREY, WHITE

SCAN = "{}_space-MNI152_desc-brain_T1w.nii.gz"

TOP = 1.18, 262.0  # the brightest tissue: a multiple of the level of white matter, and the intensity it is led to
BIAS_MM, BIAS_STEP, BIAS_ROUNDS = 20.0, 4, 4  # width of the Gaussian that smooths the bias field; voxels skipped
BEYOND_MM = 2  # how far a brain may reach beyond the template's
CLOSING_MM = 3
STEP = 2  # of the intensities in the files: far below the noise of a scan
SAMPLE = 20000  # voxels that the mixture of three tissues is fitted to


@lru_cache(maxsize=1)
def maps() -> dict[str, np.ndarray]:
    """Return where the template is surely fluid, grey or white, bool, and its tissue classes, 0 to 3."""
    template = native_template()
    inside = template.data > 0
    grey, white = (tissue(kind, template.grid).data for kind in ("gm", "wm"))
    fluid = np.logical_or(*(ventricle(side).data for side in SIDES)) | (inside & (grey + white < 0.1))
    return {
        "fluid": fluid,
        "grey": grey > 0.9,
        "white": ndimage.binary_erosion(white > 0.9),
        "classes": np.where(inside, 1 + np.argmax([1 - grey - white, grey, white], axis=0), 0),
        "near": ndimage.distance_transform_edt(~inside) <= BEYOND_MM,
        "hippocampus": np.logical_or(*(area_mask("Hippocampus", side, template.grid).data for side in SIDES)),
    }


def filled(mask: np.ndarray) -> np.ndarray:
    """Return the largest part of a mask, its clefts of some millimetres closed and its holes filled."""
    labels, _ = ndimage.label(np.pad(mask, 2 * CLOSING_MM))
    closed = ndimage.binary_closing(labels == 1 + np.argmax(np.bincount(labels.flat)[1:]), iterations=CLOSING_MM)
    return ndimage.binary_fill_holes(closed)[(slice(2 * CLOSING_MM, -2 * CLOSING_MM),) * 3]


def edgeless(scan: Volume) -> tuple[Volume, Volume]:
    """Return a scan that goes on with the intensity at the brain's edge, and its brain mask, 0 or 1.

    A spline through the step at the edge would swing.
    """
    mask = filled(scan.data > 0)
    nearest = ndimage.distance_transform_edt(scan.data <= 0, return_distances=False, return_indices=True)
    return Volume(scan.data[tuple(nearest)], scan.affine), Volume(mask.astype(np.float32), scan.affine)


def on_template(whole: Volume, mask: Volume, transform: Transform) -> np.ndarray:
    """Return what `edgeless` gave on the template's grid, interpolated once with a cubic spline, 0 outside the brain."""
    near = maps()["near"]
    at = whole.grid.to_voxel(transform.to_scan(native_template().grid.to_mm(np.argwhere(near)))).T
    values, inside = np.zeros(near.shape, np.float32), np.zeros(near.shape, bool)
    values[near] = ndimage.map_coordinates(whole.data, at, order=3, mode="nearest")
    inside[near] = ndimage.map_coordinates(mask.data, at, order=1) > 0.5
    return np.where(filled(inside) & near, np.maximum(values, 1), 0)


def unbiased(values: np.ndarray) -> np.ndarray:
    """Divide a scan by its bias field: how the intensity of white matter varies over tens of millimetres."""
    every = (slice(None, None, BIAS_STEP),) * 3  # the field is smooth: some of the voxels are enough
    surely, sigma = maps()["white"][every], BIAS_MM / BIAS_STEP
    for _ in range(BIAS_ROUNDS):
        some = values[every]
        level = np.median(some[surely & (some > 0)])
        white = surely & (np.abs(some / level - 1) < 0.2)
        weight = ndimage.gaussian_filter(white.astype(np.float32), sigma)
        ratio = ndimage.gaussian_filter(np.log(np.where(white, some, level) / level), sigma)
        field = ratio / np.maximum(weight, 1e-3)
        field = ndimage.affine_transform(field, [1 / BIAS_STEP] * 3, 0, values.shape, order=1, mode="nearest")
        values = values / np.exp(field)
    return values


def tissue_levels(values: np.ndarray) -> tuple[float, float, float]:
    """Return the intensity of fluid, grey and white matter.

    The median of the voxels that the template and a mixture of three normal distributions agree about.
    """
    inside = values[values > 0]
    drawn = np.random.default_rng(0).choice(inside, SAMPLE, replace=False)[:, None]
    mixture = GaussianMixture(3, means_init=np.percentile(drawn, [8, 40, 80])[:, None], random_state=0).fit(drawn)
    rank = np.argsort(np.argsort(mixture.means_[:, 0]))
    levels = []
    for number, name in enumerate(("fluid", "grey", "white")):
        surely = values[maps()[name] & (values > 0)]
        levels.append(float(np.median(surely[rank[mixture.predict(surely[:, None])] == number])))
    return levels[0], levels[1], levels[2]


def anatomy(values: np.ndarray) -> np.ndarray:
    """Return a scan on the template's grid at the template's levels, uint8, in steps of `STEP`, 0 outside the brain."""
    fluid, grey, white = tissue_levels(values)
    levels = np.interp(values, [0, fluid, grey, white, TOP[0] * white], [0, FLUID, GREY, WHITE, TOP[1]])
    return np.where(values > 0, np.clip(STEP * np.rint(levels / STEP), STEP, 256 - STEP), 0).astype(np.uint8)


def check(data: np.ndarray) -> dict[str, float]:
    """Return how an anatomy fits the template: correlation, Dice of the tissues, and what fills the hippocampus."""
    template, known = native_template().data, maps()
    classes = np.digitize(data, [1, (FLUID + GREY) / 2, (GREY + WHITE) / 2])
    either = (data > 0) | (template > 0)

    def dice(number: int) -> float:
        one, other = classes == number, known["classes"] == number
        return 2 * np.sum(one & other) / (one.sum() + other.sum())

    return {
        "r": float(np.corrcoef(data[either], template[either])[0, 1]),
        "Dice grey": dice(2),
        "Dice white": dice(3),
        "hippocampus grey": float(np.mean(classes[known["hippocampus"]] == 2)),
        "hippocampus fluid": float(np.mean(classes[known["hippocampus"]] == 1)),
        "brain, cm³": np.sum(data > 0) / 1000,
    }


def write(data: np.ndarray, path: Path) -> None:
    """Write an anatomy, compressed as far as gzip goes; the same voxels give the same bytes."""
    volume = native_template().with_data(data)
    with tempfile.TemporaryDirectory() as folder:
        plain = write_volume(volume, Path(folder) / "anatomy.nii", dtype=np.uint8, space="mni").read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_bytes(gzip.compress(plain, 9, mtime=0))


def draw(anatomies: dict[str, np.ndarray], path: Path) -> None:
    """Draw the template and the anatomies side by side: axial, coronal and sagittal slices through the hippocampus."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(anatomies), 12), layout="constrained")
    for column, (name, data) in enumerate(anatomies.items()):
        slices = (data[:, :, 88].T, data[:, 114, :].T, data[126, :, :].T)  # z 16, y -20, x 28 mm
        for row, image in enumerate(slices):
            axes = figure.add_subplot(3, len(anatomies), 1 + row * len(anatomies) + column)
            axes.imshow(image, cmap="gray", origin="lower", vmin=0, vmax=255)
            axes.set_axis_off()
            axes.set_title(name if row == 0 else "")
    figure.savefig(path, dpi=80)


def main() -> None:
    """Make all of `ANATOMIES`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", type=Path, metavar="SCANS_DIR")
    parser.add_argument("--picture", type=Path, metavar="FILE")
    args = parser.parse_args()
    drawn = {"template": native_template().data}
    for name in ANATOMIES:
        scan = read_volume(args.scans / SCAN.format(name.removeprefix("ds002748_")))
        matrix = register_affine(scan).matrix
        warp = register_warp(scan, matrix)
        parts = edgeless(scan)
        for step, transform in (("affine", Transform(matrix)), ("warp", Transform(matrix, warp))):
            data = anatomy(unbiased(on_template(*parts, transform)))
            print(name, step, *(f"{what} {value:.4g}" for what, value in check(data).items()), sep="  ", flush=True)
        write(data, FOLDER / f"{name}.nii.gz")
        drawn[name] = data
    if args.picture is not None:
        draw(drawn, args.picture)


if __name__ == "__main__":
    main()
