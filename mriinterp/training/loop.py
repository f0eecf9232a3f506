"""One fit of a classifier on scans; killed at any time, it goes on from its last epoch."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.stats import roc_auc
from mriinterp.training.checkpoint import read_checkpoint, write_checkpoint
from mriinterp.training.dataset import ScanDataset

__all__ = ["FitSettings", "History", "class_weights", "fit", "margins"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FitSettings:
    """How a network is fitted.

    Parameters
    ----------
    epochs, batch : int
    learning_rate : float
        Of Adam; the peak of the one-cycle schedule.
    weight_decay : float
    smoothing : float
        Label smoothing of the cross-entropy.
    patience : int
        Stop when the validation loss has not fallen for so many epochs.
    seed : int
        Of the initial weights and the order of the scans.
    schedule : {"one_cycle", "constant"}
    keep : {"best", "last"}
        The epoch whose weights are kept: that of the smallest validation
        loss, or the last, and then nothing stops early.
    balanced : bool
        Each class counts the same in all, in the loss of the training scans
        and in that of the validation scans, which chooses the epoch.
    sampling : {"shuffled", "balanced"}
        An epoch has every scan once; or as many draws of each class, with
        replacement, instead of weights in the loss of the training scans.
    """

    epochs: int = 14
    batch: int = 4
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-4
    smoothing: float = 0.03
    patience: int = 6
    seed: int = 0
    schedule: str = "one_cycle"
    keep: str = "best"
    balanced: bool = False
    sampling: str = "shuffled"

    def __post_init__(self):
        known_as = {
            "schedule": ("one_cycle", "constant"),
            "keep": ("best", "last"),
            "sampling": ("shuffled", "balanced"),
        }
        for name, known in known_as.items():
            if getattr(self, name) not in known:
                raise ValueError(f"expected {name} of {' or '.join(known)}, got {getattr(self, name)!r}")
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected {name} of 1 or more, got {getattr(self, name)}")


@dataclass(frozen=True)
class History:
    """Losses and validation AUC, one entry an epoch; `best` is the epoch whose weights were kept."""

    train_loss: tuple[float, ...]
    validation_loss: tuple[float, ...]
    validation_auc: tuple[float, ...]
    best: int


def class_weights(labels: Sequence[int] | np.ndarray) -> Tensor:
    """Return the weight of each of two classes, shape (2,), so that both count the same and the mean weight is 1."""
    counts = np.bincount(np.asarray(labels, int), minlength=2)
    if len(counts) != 2 or not counts.all():
        raise ValueError(f"expected scans of both classes, got {counts.tolist()} of each")
    return torch.tensor(len(labels) / (2 * counts), dtype=torch.float32)


def margins(module: nn.Module, dataset: Dataset, *, progress: Progress | None = None) -> np.ndarray:
    """Return output 1 minus output 0 of every scan, shape (n,), in evaluation mode.

    Scans run one by one, as they do when the network is used: a network may
    mix what is in a batch.
    """
    module.eval()
    values = []
    with torch.inference_mode():
        loader = DataLoader(dataset, batch_size=1)
        for x, _ in loader:
            out = module(x.to(next(module.parameters()).device)).float().cpu()
            values.extend((out[:, 1] - out[:, 0]).tolist())
            tell(progress, len(values), len(loader))
    return np.array(values)


class _Fit:
    """A fit between two epochs: everything that decides how it goes on."""

    def __init__(self, module: nn.Module, train: ScanDataset, settings: FitSettings):
        self.module, self.settings = module, settings
        self.device = next(module.parameters()).device
        self.order = torch.Generator().manual_seed(settings.seed)
        drawn = settings.sampling == "balanced"
        each = class_weights(train.labels)[train.labels].tolist() if drawn else []
        sampler = WeightedRandomSampler(each, len(train), generator=self.order) if drawn else None
        self.batches = DataLoader(
            train, settings.batch, shuffle=not drawn, sampler=sampler, generator=self.order,
            drop_last=len(train) > settings.batch,
        )  # fmt: skip
        rate, steps = settings.learning_rate, settings.epochs * len(self.batches)
        self.optimiser = torch.optim.AdamW(module.parameters(), rate, weight_decay=settings.weight_decay)
        self.schedule = (
            torch.optim.lr_scheduler.OneCycleLR(self.optimiser, rate, total_steps=steps, pct_start=0.25)
            if settings.schedule == "one_cycle"
            else torch.optim.lr_scheduler.ConstantLR(self.optimiser, 1.0)
        )
        self.weights = class_weights(train.labels).to(self.device) if settings.balanced and not drawn else None
        self.mixed = self.device.type == "cuda"
        self.kind = torch.bfloat16 if self.mixed and torch.cuda.is_bf16_supported() else torch.float16
        self.scaler = torch.amp.GradScaler(enabled=self.mixed and self.kind == torch.float16)
        self.losses: list[float] = []
        self.checks: list[float] = []
        self.aucs: list[float] = []
        self.best, self.kept = -1, module.state_dict()

    @property
    def epoch(self) -> int:
        return len(self.losses)

    @property
    def over(self) -> bool:
        settings = self.settings
        waited = self.epoch - 1 - self.best
        return self.epoch >= settings.epochs or (settings.keep == "best" and waited >= settings.patience > 0)

    def step(self, x: Tensor, y: Tensor) -> float:
        """Take one step; return the loss."""
        with torch.autocast(self.device.type, self.kind, enabled=self.mixed):
            out = self.module(x.to(self.device))
        smoothing = self.settings.smoothing
        loss = F.cross_entropy(out.float(), y.to(self.device), self.weights, label_smoothing=smoothing)
        value = loss.item()
        if not np.isfinite(value):
            raise ValueError(
                f"expected a loss that is a number, got {value} in epoch {self.epoch + 1} of the training: lower the "
                "learning rate, or look for scans with extreme intensities (study check)"
            )
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.schedule.step()
        return value

    def close_epoch(self, loss: float, margin: np.ndarray, truth: np.ndarray) -> None:
        """Note an epoch's losses and keep its weights if they are the ones to be kept."""
        if not np.isfinite(margin).all():
            raise ValueError(
                f"expected outputs that are numbers, got NaN or infinity for validation scans after epoch "
                f"{self.epoch + 1}: lower the learning rate"
            )
        signed = torch.from_numpy(margin) * torch.from_numpy(2 * truth - 1)
        each = F.softplus(-signed)
        balanced = self.settings.balanced and 0 < truth.sum() < len(truth)
        weights = class_weights(truth)[torch.from_numpy(truth)] if balanced else torch.ones(len(truth))
        self.losses.append(loss)
        self.checks.append((each * weights).mean().item())
        self.aucs.append(roc_auc(truth, margin) if 0 < truth.sum() < len(truth) else float("nan"))
        log.info(
            "epoch %d: loss %.3f, validation loss %.3f, AUC %.3f",
            self.epoch, loss, self.checks[-1], self.aucs[-1],
        )  # fmt: skip
        if self.settings.keep == "last" or self.best < 0 or self.checks[-1] < self.checks[self.best]:
            self.best, self.kept = self.epoch - 1, copy.deepcopy(self.module.state_dict())

    def state(self) -> dict[str, Any]:
        """Return everything that decides how the fit goes on, as plain values and tensors."""
        found = {"losses": self.losses, "checks": self.checks, "aucs": self.aucs, "best": self.best, "kept": self.kept}
        parts = {name: getattr(self, name).state_dict() for name in ("module", "optimiser", "schedule", "scaler")}
        random = {"order": self.order.get_state(), "cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            random["cuda"] = torch.cuda.get_rng_state(self.device)
        return {**found, **parts, "random": random}

    def history(self) -> History:
        """Return what there is so far."""
        return History(tuple(self.losses), tuple(self.checks), tuple(self.aucs), self.best)

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        for name in ("module", "optimiser", "schedule", "scaler"):
            getattr(self, name).load_state_dict(state[name])
        for name in ("losses", "checks", "aucs", "best", "kept"):
            setattr(self, name, state[name])
        self.order.set_state(state["random"]["order"])
        torch.set_rng_state(state["random"]["cpu"])
        if "cuda" in state["random"] and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["random"]["cuda"], self.device)


def fit(
    module: nn.Module,
    train: ScanDataset,
    validation: ScanDataset,
    settings: FitSettings = FitSettings(),
    *,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    on_epoch: Callable[[History], None] | None = None,
) -> History:
    """Fit a two-class network; it ends with the weights of the best epoch, or of the last (`settings.keep`).

    On CUDA it computes in mixed precision.

    Parameters
    ----------
    module : nn.Module
        Scans (n, 1, i, j, k) to logits (n, 2). Changed in place, left in
        evaluation mode.
    train, validation : ScanDataset
        The validation set chooses the epoch and decides when to stop.
    checkpoint : Path, optional
        File that is written after each epoch and, where it is there, gone on
        from: a fit that was killed ends with the same weights (on the CPU,
        with the same number of threads). The random state of torch is restored from it.
    progress : callable
        Steps done, steps in all (an early stop ends below).
    on_epoch : callable, optional
        Gets the history after each epoch, and once before where a checkpoint is gone on from.

    Raises
    ------
    ValueError
        If the loss is no longer a number, or the checkpoint is of another fit or damaged.
    """
    run = _Fit(module, train, settings)
    truth = np.asarray(validation.labels)
    if checkpoint is not None and checkpoint.is_file():
        run.restore(read_checkpoint(checkpoint, settings))
        if on_epoch is not None:
            on_epoch(run.history())
    steps = settings.epochs * len(run.batches)
    while not run.over:
        train.epoch = run.epoch
        module.train()
        total = 0.0
        for step, (x, y) in enumerate(run.batches):
            check_cancel(cancel)
            total += run.step(x, y)
            tell(progress, run.epoch * len(run.batches) + step + 1, steps)
        run.close_epoch(total / len(run.batches), margins(module, validation), truth)
        if checkpoint is not None:
            write_checkpoint(run.state(), settings, checkpoint)
        if on_epoch is not None:
            on_epoch(run.history())
    module.load_state_dict(run.kept)
    module.eval()
    return run.history()
