"""Register a brain to the ICBM152 template with an affine transform.

The recipe was compared on real scans beside professional preparations (docs/prepare.md). Where the result does not look
like a brain in place, the header's orientation is doubted: the registration starts anew from the 24 orientations that
axes can have, and from tilted heads.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import nibabel as nib
import numpy as np
import scipy

from mriinterp.base.progress import Cancel, check_cancel
from mriinterp.image.blocks import block_means
from mriinterp.image.space import mni_correlation
from mriinterp.image.template import native_template
from mriinterp.image.volume import Grid, Volume, resample
from mriinterp.prepare.greedy import run_greedy
from mriinterp.prepare.transform import Warp

__all__ = ["RESTART_BELOW", "Registration", "move", "register_affine", "register_warp"]

AFFINE = "-a -dof 12 -m NCC 4x4x4 -n 100x40x0 -seed 1"
WARP = "-m NCC 2x2x2 -n 100x50x0 -s 2vox 0.7vox -seed 1"
RESTART_BELOW = 0.6
"""Correlation with the template below which other orientations are tried."""
TILTS = (-35, 0, 35)  # degrees about the left-right axis
COARSE_MM = 6.0
ROUGH_CANDIDATES = 12  # orientations that a quick rigid fit is given
CANDIDATES = 2  # starts that are followed to the end


@dataclass(frozen=True, eq=False)
class Registration:
    """How a scan lies in template space.

    Parameters
    ----------
    matrix : array, shape (4, 4)
        Template mm to scan mm, both RAS+.
    correlation : float
        Of the moved scan with the template (`mni_correlation`).
    turned : bool
        Whether the orientation found differs from the header's by 45 degrees or more.
    """

    matrix: np.ndarray
    correlation: float
    turned: bool = False


def move(volume: Volume, matrix: np.ndarray) -> Volume:
    """Return a scan with its affine led to template space; its voxels stay as they are.

    Parameters
    ----------
    volume : Volume
    matrix : array, shape (4, 4)
        Template mm to scan mm.
    """
    return Volume(volume.data, np.linalg.inv(matrix) @ volume.affine)


def register_affine(
    brain: Volume,
    *,
    threads: int = 1,
    cancel: Cancel | None = None,
    waiting: Callable[[float], None] | None = None,
) -> Registration:
    """Register a brain to the template, twelve degrees of freedom.

    Parameters
    ----------
    brain : Volume
        Intensities inside the brain, 0 outside.
    threads : int
        One gives the same result each time; more do not, to some hundredths of a millimetre.
    cancel : callable, optional
    waiting : callable, optional
        ``waiting(seconds)`` while the registration works.

    Returns
    -------
    Registration
    """

    def run(start: np.ndarray | None) -> Registration:
        matrix = _affine(brain, start, threads, cancel, waiting)
        return Registration(matrix, mni_correlation(move(brain, matrix)))

    first = run(None)
    if first.correlation >= RESTART_BELOW:
        return first
    found = [first, *(run(start) for start in _best_starts(brain, cancel))]
    best = max(found, key=lambda registration: registration.correlation)
    angle = _angle(best.matrix)
    return Registration(best.matrix, best.correlation, turned=angle >= 45)


def register_warp(
    brain: Volume,
    matrix: np.ndarray,
    *,
    threads: int = 1,
    cancel: Cancel | None = None,
    waiting: Callable[[float], None] | None = None,
) -> Warp:
    """Warp the template onto a brain that an affine transform has led there.

    Parameters
    ----------
    brain : Volume
        As for `register_affine`.
    matrix : array, shape (4, 4)
        Its result.

    Returns
    -------
    Warp
        At every second voxel of the template's grid: it is computed at 2 mm, and smooth.
    """
    fixed = native_template()

    def read(folder) -> np.ndarray:
        shift = np.asarray(nib.Nifti1Image.from_filename(folder / "warp.nii").dataobj, dtype=np.float32).reshape(
            *fixed.data.shape, 3
        )
        to_ras = np.array([-1, -1, 1], np.float32)  # from ITK's LPS
        return np.ascontiguousarray(np.moveaxis(shift[::2, ::2, ::2] * to_ras, -1, 0))

    affine = "\n".join(" ".join(format(value, ".12g") for value in row) for row in matrix)
    shift = run_greedy(
        f"{WARP} -i fixed.nii moving.nii -it affine.mat -o warp.nii",
        {"fixed": fixed, "moving": brain},
        read,
        texts={"affine.mat": affine},
        threads=threads, cancel=cancel, waiting=waiting,
    )  # fmt: skip
    return Warp(shift, Grid(shift.shape[1:], fixed.affine @ np.diag([2, 2, 2, 1.0])))


def _affine(brain: Volume, start: np.ndarray | None, threads: int, cancel, waiting) -> np.ndarray:
    """Run greedy once: template mm to scan mm, from a start or from the images' centres."""
    begin = "-ia-image-centers" if start is None else "-ia-identity"
    moved = run_greedy(
        f"{AFFINE} {begin} -i fixed.nii moving.nii -o affine.mat",
        {"fixed": native_template(), "moving": brain if start is None else move(brain, start)},
        lambda folder: np.loadtxt(folder / "affine.mat"),
        threads=threads, cancel=cancel, waiting=waiting,
    )  # fmt: skip
    return moved if start is None else start @ moved


@lru_cache(maxsize=1)
def _coarse_template() -> Volume:
    return _coarsened(native_template())


def _coarsened(volume: Volume) -> Volume:
    """Average over blocks of about `COARSE_MM`."""
    return block_means(volume, [max(1, round(COARSE_MM / size)) for size in volume.grid.voxel_sizes])


def _best_starts(brain: Volume, cancel: Cancel | None) -> list[np.ndarray]:
    """Return starts that match the template best after a quick rigid fit: template mm to scan mm."""
    moving, fixed = _coarsened(brain), _coarse_template()
    centre_fixed, centre_moving = _centre(fixed), _centre(moving)

    def unlike(parameters: np.ndarray, rotation: np.ndarray) -> float:
        return -_likeness(move(moving, _rigid(parameters, rotation, centre_fixed, centre_moving)), fixed)

    still = np.zeros(6)
    rough = sorted(_orientations(), key=lambda rotation: unlike(still, rotation))[:ROUGH_CANDIDATES]
    scored: list[tuple[float, int, np.ndarray]] = []
    for rotation in rough:
        check_cancel(cancel)
        fit = scipy.optimize.minimize(
            unlike, still, (rotation,), method="Powell", options={"maxfev": 150, "xtol": 0.01}
        )
        scored.append((fit.fun, len(scored), _rigid(fit.x, rotation, centre_fixed, centre_moving)))
    return [matrix for _, _, matrix in sorted(scored, key=lambda entry: entry[:2])[:CANDIDATES]]


def _rigid(parameters: np.ndarray, rotation: np.ndarray, centre_fixed: np.ndarray, centre_moving: np.ndarray):
    """Return template mm to scan mm: three angles (units of 0.1 rad) and three shifts (cm) about a start."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation @ scipy.spatial.transform.Rotation.from_rotvec(0.1 * parameters[:3]).as_matrix()
    matrix[:3, 3] = centre_moving + 10 * parameters[3:] - matrix[:3, :3] @ centre_fixed
    return matrix


def _likeness(moved: Volume, fixed: Volume) -> float:
    """Return the correlation over the template's field of view."""
    values = resample(moved, fixed.grid).data.ravel()
    return float(np.corrcoef(values, fixed.data.ravel())[0, 1]) if values.any() else -1.0


def _centre(volume: Volume) -> np.ndarray:
    """Return the centre of intensity, mm."""
    return volume.grid.to_mm(np.array(scipy.ndimage.center_of_mass(np.maximum(volume.data, 0))))


def _orientations() -> Iterator[np.ndarray]:
    """Yield rotations (3, 3): the 24 that map axes onto axes, each tilted forwards and backwards."""
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            axes = np.zeros((3, 3))
            axes[order, range(3)] = signs
            if np.linalg.det(axes) < 0:
                continue  # a mirrored brain: left and right cannot be recognised in voxels
            for tilt in np.radians(TILTS):
                turn = np.eye(3)
                turn[1:, 1:] = [[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]]
                yield axes @ turn


def _angle(matrix: np.ndarray) -> float:
    """Return the rotation of an affine, degrees."""
    u, _, v = np.linalg.svd(matrix[:3, :3])
    return float(np.degrees(np.arccos(np.clip((np.trace(u @ v) - 1) / 2, -1, 1))))
