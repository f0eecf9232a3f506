"""The network of a fold that is asked about a known area: fitted, beside a linear model, and explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from mriinterp.base.atomic import replacing
from mriinterp.base.progress import check_cancel, tell
from mriinterp.crossval.coarse_scans import CoarseScans
from mriinterp.crossval.folds import Round
from mriinterp.models.normalisation import Normalisation
from mriinterp.training.dataset import ScanDataset
from mriinterp.training.loop import FitSettings, fit, margins
from mriinterp.trust.case import Case, visible_box
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.measures.localisation import localisation

__all__ = ["FoldData", "SmallNetwork", "explain_fold", "fit_fold", "ridge_fold"]

RIDGE = 10  # the penalty is the mean square length of a scan divided by this
FLOOR = 0.02  # of a scan's mean: voxels that vary less are divided by this more


class SmallNetwork(nn.Module):
    """One convolution, a pooling and one dense layer: as much as some hundred scans can teach about one area.

    Parameters
    ----------
    shape : sequence of int
        Voxels of the input.
    channels : int
    dropout : float
    """

    def __init__(self, shape: Sequence[int], channels: int = 4, dropout: float = 0.5):
        super().__init__()
        self.conv = nn.Conv3d(1, channels, 3, padding=1)
        self.norm = nn.BatchNorm3d(channels)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool3d(2)
        self.drop = nn.Dropout(dropout)
        self.dense = nn.Linear(channels * int(np.prod([n // 2 for n in shape])), 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map scans (n, 1, i, j, k) to logits (n, 2)."""
        return self.dense(self.drop(self.pool(self.relu(self.norm(self.conv(x)))).flatten(1)))


@dataclass(frozen=True, eq=False)
class FoldData:
    """What all folds of a known area share.

    Attributes
    ----------
    fitting : FitSettings
    explained : int
        Test scans a fold that are explained, of the upper half.
    scans : CoarseScans
    labels : Series
        1 for the upper half, by scan.
    truth, brain : array of bool, shape (i, j, k)
    areas : array of int, shape (i, j, k)
    occlusion : Tensor
        Labels as area occlusion takes them.
    """

    fitting: FitSettings
    explained: int
    scans: CoarseScans
    labels: pd.Series
    truth: np.ndarray
    brain: np.ndarray
    areas: np.ndarray
    occlusion: torch.Tensor

    def normalisation(self, one: Round) -> Normalisation:
        """Return the rule of each voxel's mean and deviation over the round's training scans."""
        data = self.scans.data[self.rows(one.train)]
        return Normalisation("voxelwise", {"mean": data.mean(axis=0), "std": data.std(axis=0) + np.float32(FLOOR)})

    def rows(self, ids: Sequence[str]) -> list[int]:
        """Return the positions of scans."""
        return [self.scans.ids.index(name) for name in ids]

    def dataset(self, rule: Normalisation, ids: Sequence[str], seed: int = 0) -> ScanDataset:
        """Return scans as the network reads them."""
        rows = self.rows(ids)
        return ScanDataset(lambda at: rule.apply(self.scans.data[rows[at]]), self.labels[list(ids)], seed=seed)


def fit_fold(control: FoldData, one: Round, rule: Normalisation, folder: Path, cancel) -> tuple[nn.Module, np.ndarray]:
    """Train a round's network, write its weights, and return it with its margins for the test scans."""
    from safetensors.torch import save

    settings = control.fitting
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed + one.number)
        module = SmallNetwork(control.scans.grid.shape)
        train, validation = (control.dataset(rule, ids, settings.seed) for ids in (one.train, one.validation))
        fit(module, train, validation, settings, cancel=cancel)
        values = margins(module, control.dataset(rule, one.test))
    content = save({key: value.contiguous() for key, value in module.state_dict().items()})
    with replacing(folder / f"known_area_fold{one.number}.safetensors") as temporary:
        temporary.write_bytes(content)
    return module.eval().requires_grad_(False), values


def ridge_fold(control: FoldData, one: Round, rule: Normalisation) -> dict[str, float]:
    """Return what ridge regression on the same voxels gives for the round's test scans."""
    from sklearn.linear_model import RidgeClassifier  # seconds to load

    train, test = (control.rows(ids) for ids in ([*one.train, *one.validation], one.test))
    x, y = (
        np.stack([rule.apply(control.scans.data[row]).ravel() for row in rows]).astype(float) for rows in (train, test)
    )
    labels = control.labels.iloc[train].to_numpy()
    model = RidgeClassifier((x**2).sum() / len(train) / RIDGE, fit_intercept=False).fit(x, labels)
    return dict(zip(one.test, model.decision_function(y), strict=True))


def explain_fold(
    control: FoldData, one: Round, rule, module, chosen, failed: dict[str, str], progress, cancel
) -> list[tuple]:
    """Return rows of the table: test scans of the upper half, every method and null map."""
    names = [name for name in one.test if control.labels[name] == 1][: control.explained]
    rows: list[tuple] = []
    for done, name in enumerate(names):
        x = torch.from_numpy(rule.apply(control.scans.data[control.rows([name])[0]]))[None, None]
        case = Case(
            module=module, x=x, target=1, mask=control.brain & visible_box(module, x, 1), areas=control.areas,
            reference=torch.zeros_like(x), truth=control.truth, labels=control.occlusion, name=name,
        )  # fmt: skip
        for explainer in chosen:
            check_cancel(cancel)
            try:
                relevance = explainer(case, cancel=cancel)
            except ValueError as error:
                failed[explainer.name] = str(error)
                continue
            for quantity, value in _numbers(case, explainer, relevance).items():
                rows.append((explainer.name, name, quantity, value))
        tell(progress, control.fitting.epochs + 10 * (done + 1), control.fitting.epochs + 10 * len(names))
    return rows


def _numbers(case: Case, explainer: Explainer, relevance: np.ndarray) -> dict[str, float]:
    values = localisation(case, explainer, relevance).values
    density = case.area_sums(explainer.read(relevance)) / case.area_sizes
    own = density[np.isin(case.area_labels, np.unique(case.areas[case.truth]))]
    place = float("nan")
    if len(own) and np.ptp(density) > 0:
        below, same = (density < own[0]).sum(), (density == own[0]).sum() - 1
        place = float((below + same / 2) / (len(density) - 1))
    return {"mass": values["mass_accuracy_read"], "auprc": values["auprc_read"], "place": place}
