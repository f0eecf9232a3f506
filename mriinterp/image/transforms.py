"""The two transforms of a NIfTI header: which one counts, and whether they agree.

Both are computed as nifti1.h and its reference code (nifti1_io.c) do, which
take more than nibabel does: codes without a name, quaternions that rounding
made a little longer than 1, voxel edges of 0.
"""

from __future__ import annotations

import numpy as np
from nibabel.quaternions import quat2mat

from mriinterp.image.volume import Grid

__all__ = ["read_transforms", "scaled_affine"]

APART_MM = 1.0  # two transforms of one header that differ by more lead to different places
LONGEST = 1.01  # squared length of a quaternion's vector: what goes beyond is no rounding
NAMES = {1: "scanner", 2: "aligned", 3: "Talairach", 4: "MNI152", 5: "another template"}


def read_transforms(header, *, scale: float = 1.0) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Return the affine that counts, in the header's own unit, and what is doubtful about it.

    The matrix (sform) counts where it is coded and can be used, else the
    quaternion (qform); None if neither is coded, or what is coded is unusable
    and there is no other.

    Parameters
    ----------
    header : nibabel.Nifti1Header or Nifti2Header
    scale : float
        Millimetres of the header's unit of length, for the comparison of both.

    Returns
    -------
    affine : array, shape (4, 4), or None
        The matrix as it stands where both are unusable, so that the reader can name its fault.
    notes : tuple of str
    """
    codes = {form: int(header[f"{form}_code"]) for form in ("sform", "qform")}
    coded = [form for form, code in codes.items() if code > 0]
    if not coded:
        return None, ()
    affines = {form: _sform(header) if form == "sform" else _qform(header) for form in coded}
    shape = [max(int(n), 1) for n in header["dim"][1:4]]
    grids = {form: _grid(shape, affine, scale) for form, affine in affines.items()}
    usable = [form for form in coded if grids[form] is not None]
    used = usable[0] if usable else coded[0]
    names = {form: f"{form} ({NAMES.get(codes[form], f'code {codes[form]}')})" for form in coded}
    if len(coded) < 2 or not usable:
        return affines[used], ()
    if len(usable) < 2:
        other = next(form for form in coded if form != used)
        return affines[used], (f"the header's {names[other]} cannot be used; the {names[used]} is",)
    return affines[used], _disagreement(grids["sform"], grids["qform"], names)


def scaled_affine(affine: np.ndarray, factor: float) -> np.ndarray:
    """Return an affine that leads to lengths in another unit."""
    return np.diag([factor, factor, factor, 1.0]) @ affine


def _sform(header) -> np.ndarray:
    rows = [header[f"srow_{axis}"] for axis in "xyz"]
    return np.array([*rows, [0, 0, 0, 1]], np.float64)


def _qform(header) -> np.ndarray:
    """Return the affine of the quaternion; NaN where it is longer than rounding explains."""
    vector = np.array([header[f"quatern_{letter}"] for letter in "bcd"], np.float64)
    squared = float(vector @ vector)
    if squared > 1.0:  # a half turn, as the reference code has it
        vector = vector / np.sqrt(squared) if squared <= LONGEST else vector * np.nan
        squared = 1.0
    rotation = quat2mat([np.sqrt(max(0.0, 1.0 - squared)), *vector])
    edges = np.array(header["pixdim"][1:4], np.float64)
    edges = np.where(edges > 0, edges, 1.0)
    edges[2] *= -1 if header["pixdim"][0] < 0 else 1  # "qfac": 0, and all but negative, is 1
    affine = np.eye(4)
    affine[:3, :3] = rotation * edges
    affine[:3, 3] = [header[f"qoffset_{axis}"] for axis in "xyz"]
    return affine


def _grid(shape: list[int], affine: np.ndarray, scale: float) -> Grid | None:
    try:
        return Grid((shape[0], shape[1], shape[2]), scaled_affine(affine, scale))
    except ValueError:
        return None


def _disagreement(used: Grid | None, other: Grid | None, names: dict[str, str]) -> tuple[str, ...]:
    """Return a note if the quaternion leads to other places than the matrix, which is used."""
    assert used is not None
    assert other is not None
    ends = np.array(np.meshgrid(*[(0, n - 1) for n in used.shape])).reshape(3, -1).T
    apart = float(np.linalg.norm(used.to_mm(ends) - other.to_mm(ends), axis=1).max())
    turned = np.linalg.det(used.affine[:3, :3]) * np.linalg.det(other.affine[:3, :3]) < 0
    if not turned and apart <= APART_MM:
        return ()
    how = "one mirrors the other, " if turned else ""
    return (
        f"the header's two transforms disagree ({how}up to {apart:.1f} mm apart): {names['sform']} "
        f"{used.axis_codes} {_matrix(used.affine)}, which is used, and {names['qform']} {other.axis_codes} "
        f"{_matrix(other.affine)}; check which is right, and make them alike, for example with fslorient -copysform2qform",
    )


def _matrix(affine: np.ndarray) -> str:
    """Return the rows of an affine on a line."""
    return "[" + "; ".join(" ".join(f"{value + 0.0:.5g}" for value in row) for row in np.round(affine[:3], 6)) + "]"
