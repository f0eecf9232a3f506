"""Training of classifiers on scans: data sets, one fit, cross-validation."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.stats import roc_auc
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

log = logging.getLogger(__name__)

Load = Callable[[int], np.ndarray]


def visible_shape(shape: Sequence[int], blocks: Sequence[tuple[int, int]] = ((3, 2), (3, 3), (3, 2), (3, 3))) -> tuple:
    """Return the part of its input that a stack of convolutions and poolings can see.

    Pooling drops what does not fill a last window; what only those voxels
    reach is never seen. `ClassificationModel3D` on 113×137×113 voxels sees
    the first 78×114×78 of them: on the grid of the demo study x ≤ 31.5 mm,
    y ≤ 49.5 mm, z ≤ 43.5 mm.

    Parameters
    ----------
    shape : sequence of int
        Voxels of the input.
    blocks : sequence of (kernel, pool)
        Unpadded convolutions of stride 1, each followed by a max pooling.

    Returns
    -------
    tuple of int
        Cutting the input to this many first voxels changes no output.
    """
    seen = []
    for n in shape:
        for kernel, pool in blocks:
            n = (n - kernel + 1) // pool
        if n < 1:
            raise ValueError(f"expected a shape that leaves at least one feature, got {tuple(shape)}")
        for kernel, pool in reversed(blocks):
            n = n * pool + kernel - 1
        seen.append(n)
    return tuple(seen)


class ScanDataset(Dataset):
    """Scans that are read when they are needed, optionally varied.

    Parameters
    ----------
    load : callable
        From the position in `labels` to the normalised scan, (i, j, k), any
        float type, 0 outside the brain.
    labels : sequence of int
        Class of each scan.
    crop : tuple of int, optional
        Keep only this many first voxels of each axis.
    flip, shift, intensity : bool, int, float
        Random left–right mirroring (axis 0, which must be left–right),
        shifts of up to so many voxels, and changes of scale and offset of
        this standard deviation. All 0: scans as they are.
    seed : int
        Variation depends on (seed, epoch, position) only.
    """

    def __init__(self, load: Load, labels, *, crop=None, flip=False, shift=0, intensity=0.0, seed=0):
        self.load, self.labels, self.crop = load, [int(v) for v in labels], crop
        self.flip, self.shift, self.intensity, self.seed = flip, shift, intensity, seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, position: int) -> tuple[Tensor, int]:
        data = np.asarray(self.load(position), np.float32)
        rng = np.random.default_rng([self.seed, self.epoch, position])
        if self.flip and rng.integers(2):
            data = data[::-1]
        if self.shift:
            data = _shifted(data, rng.integers(-self.shift, self.shift + 1, 3))
        if self.crop is not None:
            data = data[tuple(slice(n) for n in self.crop)]
        if self.intensity:
            scale, offset = 1 + self.intensity * rng.standard_normal(), self.intensity * rng.standard_normal()
            data = np.where(data != 0, data * np.float32(scale) + np.float32(offset), 0)
        return torch.from_numpy(np.ascontiguousarray(data, np.float32))[None], self.labels[position]


def _shifted(data: np.ndarray, by: Sequence[int]) -> np.ndarray:
    """Return an image moved by whole voxels; 0 comes in at the border."""
    out = np.zeros_like(data)
    target = tuple(slice(max(0, s), n + min(0, s)) for s, n in zip(by, data.shape, strict=True))
    source = tuple(slice(max(0, -s), n + min(0, -s)) for s, n in zip(by, data.shape, strict=True))
    out[target] = data[source]
    return out


@dataclass(frozen=True)
class FitSettings:
    """How a network is fitted.

    Parameters
    ----------
    epochs, batch : int
    learning_rate : float
        Peak of the one-cycle schedule of Adam.
    weight_decay : float
    smoothing : float
        Label smoothing of the cross-entropy.
    patience : int
        Stop when the validation loss has not fallen for so many epochs.
    seed : int
        Of the initial weights and the order of the scans.
    """

    epochs: int = 14
    batch: int = 4
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-4
    smoothing: float = 0.03
    patience: int = 6
    seed: int = 0


@dataclass(frozen=True)
class History:
    """Losses and validation AUC, one entry an epoch; `best` is the epoch whose weights were kept."""

    train_loss: tuple[float, ...]
    validation_loss: tuple[float, ...]
    validation_auc: tuple[float, ...]
    best: int


def margins(module: nn.Module, dataset: Dataset, *, progress: Progress | None = None) -> np.ndarray:
    """Return output 1 minus output 0 of every scan, shape (n,), in evaluation mode.

    Scans run one by one, as they do when the network is used: a network may
    mix what is in a batch.
    """
    module.eval()
    values = []
    with torch.inference_mode():
        for x, _ in DataLoader(dataset, batch_size=1):
            out = module(x.to(next(module.parameters()).device)).float().cpu()
            values.extend((out[:, 1] - out[:, 0]).tolist())
            tell(progress, len(values), len(dataset))
    return np.array(values)


def fit(
    module: nn.Module,
    train: ScanDataset,
    validation: ScanDataset,
    settings: FitSettings = FitSettings(),
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> History:
    """Fit a two-class network; it ends with the weights of the best epoch.

    Parameters
    ----------
    module : nn.Module
        Scans (n, 1, i, j, k) to logits (n, 2). Changed in place, left in
        evaluation mode.
    train, validation : ScanDataset
        The validation set chooses the epoch and decides when to stop.
    progress : callable
        Steps done, steps in all (an early stop ends below).
    """
    device = next(module.parameters()).device
    order = torch.Generator().manual_seed(settings.seed)
    batches = DataLoader(train, settings.batch, shuffle=True, generator=order, drop_last=len(train) > settings.batch)
    steps = settings.epochs * len(batches)
    optimiser = torch.optim.AdamW(module.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, total_steps=steps, pct_start=0.25)
    truth = torch.tensor(validation.labels)
    losses, checks, aucs, best, kept = [], [], [], -1, None
    for epoch in range(settings.epochs):
        train.epoch = epoch
        module.train()
        total = 0.0
        for step, (x, y) in enumerate(batches):
            check_cancel(cancel)
            loss = F.cross_entropy(module(x.to(device)), y.to(device), label_smoothing=settings.smoothing)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
            tell(progress, epoch * len(batches) + step + 1, steps)
        margin = margins(module, validation)
        losses.append(total / len(batches))
        signed = torch.from_numpy(margin) * (2 * truth - 1)
        checks.append(F.softplus(-signed).mean().item())
        aucs.append(roc_auc(truth.numpy(), margin) if 0 < truth.sum() < len(truth) else float("nan"))
        log.info("epoch %d: loss %.3f, validation loss %.3f, AUC %.3f", epoch, losses[-1], checks[-1], aucs[-1])
        if best < 0 or checks[-1] < checks[best]:
            best, kept = epoch, copy.deepcopy(module.state_dict())
        elif epoch - best >= settings.patience:
            break
    module.load_state_dict(kept)
    module.eval()
    return History(tuple(losses), tuple(checks), tuple(aucs), best)


def patient_folds(patients: Sequence, labels: Sequence[int], k: int, seed: int = 0) -> list[np.ndarray]:
    """Return the positions of the scans of each of k folds; all scans of a patient are in one fold.

    Patients are dealt out group by group, so folds have like shares of each
    group (a patient counts with the label of the first scan).
    """
    patients, labels = np.asarray(patients), np.asarray(labels)
    names, first = np.unique(patients, return_index=True)
    if not 2 <= k <= len(names):
        raise ValueError(f"expected between 2 and {len(names)} folds (the number of patients), got {k}")
    rng = np.random.default_rng(seed)
    dealt = np.concatenate([rng.permutation(names[labels[first] == label]) for label in np.unique(labels[first])])
    return [np.flatnonzero(np.isin(patients, dealt[fold::k])) for fold in range(k)]


def cross_validate(
    build: Callable[[int], nn.Module],
    dataset: Callable[[np.ndarray, bool], ScanDataset],
    labels: Sequence[int],
    patients: Sequence,
    k: int = 5,
    settings: FitSettings = FitSettings(),
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
    labels = np.asarray(labels)
    folds = patient_folds(patients, labels, k, settings.seed)
    result = np.full(len(labels), np.nan)
    for round_, test in enumerate(folds):
        check_cancel(cancel)
        chosen = folds[(round_ + 1) % k] if k > 2 else np.setdiff1d(np.arange(len(labels)), test)
        rest = np.setdiff1d(np.arange(len(labels)), np.concatenate([test, chosen] if k > 2 else [test]))
        module = build(round_)
        fit(module, dataset(rest, True), dataset(chosen, False), settings, cancel=cancel)
        result[test] = margins(module, dataset(test, False))
        tell(progress, round_ + 1, k)
    return measure(result, labels == 1), result
