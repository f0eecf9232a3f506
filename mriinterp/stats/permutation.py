"""Voxel-wise group differences with the family-wise error held by permutation.

nilearn's `permuted_ols` gives the same statistics and thresholds (a test
compares them), but takes all voxels of all scans at once, permutes scans
rather than patients and enumerates no small cohorts; so this is our own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.stats.linear import design_basis

__all__ = ["MaxT", "max_t"]

PERMUTATION_BLOCK = 128
TIE = 1e-9  # statistics this close are equal: the same sums in another order


@dataclass(frozen=True, eq=False)
class MaxT:
    """Result of `max_t`.

    Attributes
    ----------
    t : array, shape (n_voxels,), float32
        Student's t, first group minus second, covariates held fixed; 0 where no values differ.
    p : array, shape (n_voxels,), float32
        Family-wise corrected, two-sided.
    null : array, shape (n_permutations,)
        Largest |t| over all voxels in each permutation, ascending.
    n_permutations : int
        Permutations other than the labels as they are.
    exhaustive : bool
        Whether these are all there are.
    n_a, n_b : int
        Patients in each group.
    """

    t: np.ndarray
    p: np.ndarray
    null: np.ndarray
    n_permutations: int
    exhaustive: bool
    n_a: int
    n_b: int

    def threshold(self, alpha: float = 0.05) -> float:
        """Return the |t| from which on p ≤ alpha; infinite with too few permutations for that."""
        allowed = math.floor(alpha * (self.n_permutations + 1) + TIE) - 1
        if allowed < 0:
            return math.inf
        if allowed >= len(self.null):
            return 0.0
        return float(self.null[len(self.null) - 1 - allowed])


def _patients(in_a: np.ndarray, patients) -> tuple[np.ndarray, np.ndarray]:
    """Return the averaging matrix (n_patients, n_rows) and label of every patient."""
    if patients is None:
        return np.eye(len(in_a)), in_a
    patients = np.asarray(patients)
    if len(patients) != len(in_a):
        raise ValueError(f"expected one patient a row, got {len(patients)} patients for {len(in_a)} rows")
    names, first, member = np.unique(patients, return_index=True, return_inverse=True)
    mixed = sorted({str(p) for p in patients[in_a != in_a[first][member]]})
    if mixed:
        raise ValueError(f"expected one group a patient, got both for {len(mixed)}: {', '.join(mixed[:10])}")
    averaging = (member == np.arange(len(names))[:, None]).astype(np.float64)
    return averaging / averaging.sum(1, keepdims=True), in_a[first]


def _labellings(in_a: np.ndarray, n_permutations: int, seed: int) -> tuple[np.ndarray, bool]:
    """Return the other labellings of the patients, shape (m, n), bool, and whether these are all there are."""
    n, n_a = len(in_a), int(in_a.sum())
    if math.comb(n, n_a) - 1 <= n_permutations:
        every = np.zeros((math.comb(n, n_a), n), bool)
        for row, chosen in enumerate(combinations(range(n), n_a)):
            every[row, list(chosen)] = True
        return every[(every != in_a).any(1)], True
    rng = np.random.default_rng(seed)
    return rng.permuted(np.tile(in_a, (n_permutations, 1)), axis=1), False


@dataclass(frozen=True, eq=False)
class _Permutations:
    """Linear forms of a voxel's residuals under every permutation.

    Parameters
    ----------
    basis : array, shape (n, 1 + k)
        Orthonormal basis of intercept and covariates.
    group : array, shape (m, n)
        What of the group the covariates do not explain, of length 1, under
        each permutation.
    nuisance : array, shape (m, k, n)
        The covariates' part of the basis under the same permutations.
    exhaustive : bool
        Whether these are all permutations there are.
    """

    basis: np.ndarray
    group: np.ndarray
    nuisance: np.ndarray
    exhaustive: bool

    def observed(self, in_a: np.ndarray) -> np.ndarray:
        """Return the form of the labels as they are, shape (n,)."""
        return _unit(in_a - self.basis @ (self.basis.T @ in_a))

    def correlations(self, rows: slice, z: np.ndarray) -> np.ndarray:
        """Return the partial correlation of group and voxel, shape (rows, voxels), under some of the permutations.

        Residuals are permuted, and what the covariates explain of them anew is taken out (Freedman & Lane 1983).
        """
        r = self.group[rows] @ z
        if self.nuisance.shape[1]:
            explained = np.einsum("mkv->mv", np.square(self.nuisance[rows] @ z))
            r = r / np.sqrt(np.maximum(1 - explained, TIE))
        return r


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def _permutations(in_a: np.ndarray, covariates: np.ndarray | None, n_permutations: int, seed: int) -> _Permutations:
    basis = design_basis(np.empty((len(in_a), 0)) if covariates is None else covariates, in_a)
    if basis.shape[1] == 1:  # without covariates only the labels count, and there are fewer of them
        labels, exhaustive = _labellings(in_a, n_permutations, seed)
        group = _unit(labels - labels.mean(1, keepdims=True))
        return _Permutations(basis, group, np.empty((len(group), 0, len(in_a))), exhaustive)
    rng = np.random.default_rng(seed)
    order = rng.permuted(np.tile(np.arange(len(in_a)), (n_permutations, 1)), axis=1)
    group = _unit(in_a - basis @ (basis.T @ in_a))
    return _Permutations(basis, group[order], basis.T[1:, order].transpose(1, 0, 2), False)


def _standardised(chunk: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Return voxels without what intercept and covariates explain, of length 1; 0 where no values differ."""
    largest = np.abs(chunk).max(0)
    rest = chunk - chunk.mean(0)
    if basis.shape[1] > 1:
        rest -= basis @ (basis.T @ rest)
    length = np.linalg.norm(rest, axis=0)
    flat = length <= 1e-12 * largest * math.sqrt(len(chunk))
    rest /= np.where(flat, 1.0, length)
    rest[:, flat] = 0
    return rest


def _t_of_r(r: np.ndarray, df: int) -> np.ndarray:
    r = np.clip(r, -1 + 1e-15, 1 - 1e-15)
    return r * np.sqrt(df / (1 - r * r))


def _chunks(values, n_rows: int, forms: int, memory: int) -> Iterator[np.ndarray]:
    """Yield pieces (n_rows, some voxels) whose float64 copies and products with `forms` stay within `memory` bytes."""
    width = max(1, memory // (8 * (3 * n_rows + (1 + forms) * PERMUTATION_BLOCK)))
    pieces = [values] if isinstance(values, np.ndarray) else values
    for piece in pieces:
        array = np.asarray(piece)
        if array.ndim != 2 or array.shape[0] != n_rows:
            raise ValueError(f"expected values of shape ({n_rows}, n_voxels), got {array.shape}")
        for start in range(0, array.shape[1], width):
            yield array[:, start : start + width]


def _raise_maxima(largest: np.ndarray, permutations: _Permutations, z: np.ndarray, cancel: Cancel | None) -> None:
    """Raise the largest |correlation| of every permutation so far by the voxels of one more chunk, in place."""
    for start in range(0, len(largest), PERMUTATION_BLOCK):
        check_cancel(cancel)
        rows = slice(start, start + PERMUTATION_BLOCK)
        r = permutations.correlations(rows, z)
        largest[rows] = np.maximum(largest[rows], np.maximum(r.max(1, initial=0), -r.min(1, initial=0)))


def max_t(
    values: np.ndarray | Iterable[np.ndarray],
    in_a,
    *,
    patients=None,
    covariates=None,
    n_permutations: int = 1000,
    seed: int = 0,
    n_voxels: int | None = None,
    memory: int = 128 * 2**20,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> MaxT:
    """Compare two groups voxel by voxel with max-T permutation (Westfall & Young 1993).

    PATIENTS are permuted: scans of one patient are averaged first and never
    torn apart. The statistic is Student's t with pooled variance; it grows
    with the correlation of voxel and label, so one matrix product gives it
    for a block of permutations. With covariates, the residuals of a voxel
    are permuted (Freedman & Lane 1983; Winkler et al. 2014).

    Parameters
    ----------
    values : array, shape (n_scans, n_voxels), or iterable of such pieces
        Relevance inside the mask. An iterable yields the voxels in pieces,
        all scans in each, and is read once: a memory-mapped array or a loop
        over slabs keeps memory bounded.
    in_a : sequence of n_scans bool
        Whether a scan belongs to the first group.
    patients : sequence of n_scans, optional
        Patient of every scan; without it every scan is a patient of its own.
    covariates : array, shape (n_scans, k), optional
        Numbers that are held fixed, such as age.
    n_permutations : int
        If there are no more labellings than that, all are used instead
        (without covariates).
    seed : int
    n_voxels : int, optional
        Voxels in all, for progress when `values` is an iterable.
    memory : int
        Bytes of working memory aimed at, besides results.
    progress, cancel : callable, optional
        Voxels done and in all; whether to stop.

    Returns
    -------
    MaxT
        p = (b + 1) / (m + 1) with b the permutations whose largest |t| reaches
        the voxel's, m the permutations: never 0.

    Raises
    ------
    ValueError
        For an empty group, fewer than three patients, a patient in both
        groups, values that are not finite, or covariates that are not finite
        or determine the group.
    Cancelled
    """
    in_a = np.asarray(in_a, bool)
    averaging, labels = _patients(in_a, patients)
    n, n_a = len(labels), int(labels.sum())
    if not 0 < n_a < n or n < 3:
        raise ValueError(f"expected two groups and at least 3 patients, got {n_a} and {n - n_a}")
    if n_permutations < 1:
        raise ValueError(f"expected at least 1 permutation, got {n_permutations}")
    if covariates is not None:
        covariates = np.asarray(covariates, np.float64).reshape(len(in_a), -1)
        covariates = averaging @ covariates
    permutations = _permutations(labels, covariates, n_permutations, seed)
    basis, observed = permutations.basis, permutations.observed(labels)
    largest = np.zeros(len(permutations.group))
    total = values.shape[1] if isinstance(values, np.ndarray) else n_voxels
    found, done = [], 0
    for chunk in _chunks(values, len(in_a), 2 * basis.shape[1], memory):
        chunk = chunk.astype(np.float64)
        if not np.isfinite(chunk).all():
            raise ValueError("expected finite values, got NaN or infinity in at least one voxel")
        z = _standardised(averaging @ chunk if patients is not None else chunk, basis)
        found.append(observed @ z)
        _raise_maxima(largest, permutations, z, cancel)
        done += chunk.shape[1]
        tell(progress, done, max(done, total or 0))
    r = np.concatenate(found) if found else np.zeros(0)
    null = np.sort(largest)
    reached = len(null) - np.searchsorted(null, np.abs(r) * (1 - TIE) - TIE, side="left")
    p = (reached + 1) / (len(null) + 1)
    df = n - 1 - basis.shape[1]
    t = _t_of_r(r, df).astype(np.float32)
    return MaxT(t, p.astype(np.float32), _t_of_r(null, df), len(null), permutations.exhaustive, n_a, n - n_a)
