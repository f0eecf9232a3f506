"""Training of classifiers on scans: data set and fit under one name, and a cross-validation in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from torch import nn

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.training.dataset import ScanDataset, visible_shape
from mriinterp.training.loop import FitSettings, History, fit, margins
from mriinterp.training.metrics import Performance, measure

__all__ = [
    "FitSettings",
    "History",
    "ScanDataset",
    "cross_validate",
    "fit",
    "margins",
    "patient_folds",
    "visible_shape",
]

USUAL = FitSettings()


def patient_folds(patients: Sequence, labels: Sequence[int] | np.ndarray, k: int, seed: int = 0) -> list[np.ndarray]:
    """Return the positions of the scans of each of k folds; all scans of a patient are in one fold.

    Patients are dealt out group by group, so folds have like shares of each
    group (a patient counts with the label of the first scan).
    """
    people, groups = np.asarray(patients), np.asarray(labels)
    names, first = np.unique(people, return_index=True)
    if not 2 <= k <= len(names):
        raise ValueError(f"expected between 2 and {len(names)} folds (the number of patients), got {k}")
    rng = np.random.default_rng(seed)
    dealt = np.concatenate([rng.permutation(names[groups[first] == label]) for label in np.unique(groups[first])])
    return [np.flatnonzero(np.isin(people, dealt[fold::k])) for fold in range(k)]


def cross_validate(
    build: Callable[[int], nn.Module],
    dataset: Callable[[np.ndarray, bool], ScanDataset],
    labels: Sequence[int],
    patients: Sequence,
    k: int = 5,
    settings: FitSettings = USUAL,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> tuple[Performance, np.ndarray]:
    """Run patient-wise k-fold cross-validation.

    Fold f is the test set of round f, fold f + 1 its validation set; a test
    scan never chooses an epoch.

    Parameters
    ----------
    build : callable
        From the round to a fresh network.
    dataset : callable
        From positions and whether they are trained on (and may be varied) to
        a data set of those scans.
    labels, patients : sequences, one entry a scan

    Returns
    -------
    Performance, array (n,)
        Over all scans, each judged by the network that never saw its
        patient, and those margins.
    """
    truth = np.asarray(labels)
    folds = patient_folds(patients, truth, k, settings.seed)
    result = np.full(len(truth), np.nan)
    for round_, test in enumerate(folds):
        check_cancel(cancel)
        chosen = folds[(round_ + 1) % k] if k > 2 else np.setdiff1d(np.arange(len(truth)), test)
        rest = np.setdiff1d(np.arange(len(truth)), np.concatenate([test, chosen] if k > 2 else [test]))
        module = build(round_)
        fit(module, dataset(rest, True), dataset(chosen, False), settings, cancel=cancel)
        result[test] = margins(module, dataset(test, False))
        tell(progress, round_ + 1, k)
    return measure(result, truth == 1), result
