"""A positive control on scans as they are: a network asked about an area, and which methods find that area.

Siegel et al. 2025 (arXiv 2508.02560) train networks to predict something whose place in the brain is known, and look which
methods point there. Here the label is made from each scan by `mriinterp.crossval.known_label`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from mriinterp.areas import Atlas
from mriinterp.base.atomic import made_folder, replacing
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.crossval.coarse_scans import CoarseScans, read_coarse
from mriinterp.crossval.folds import Round, assign_rounds
from mriinterp.crossval.known_label import KnownLabel, known_label
from mriinterp.explain import occlusion_labels
from mriinterp.image.volume import Grid
from mriinterp.methods import get_method
from mriinterp.models.normalisation import Normalisation
from mriinterp.simulation.subjects import subjects_table
from mriinterp.stats.patients import PatientBootstrap
from mriinterp.stats.performance import Estimate
from mriinterp.study import DemoStudy, SimulatedScan, Study
from mriinterp.training.dataset import ScanDataset
from mriinterp.training.loop import FitSettings, fit, margins
from mriinterp.trust.beside_nulls import COLUMNS
from mriinterp.trust.case import Case, visible_box
from mriinterp.trust.explainers import Explainer, null_explainers
from mriinterp.trust.measures.localisation import localisation

__all__ = ["KnownArea", "KnownAreaOptions", "SmallNetwork", "run_known_area"]

LOW, HIGH = "low", "high"
LEAST_VOXELS = 8  # of the area on the coarse grid
BOX_MM, STRIDE_MM = 24.0, 12.0  # of occlusion, unless given
FLOOR = 0.02  # of a scan's mean: voxels that vary less are divided by this more


@dataclass(frozen=True)
class KnownAreaOptions:
    """What decides the control.

    Parameters
    ----------
    area : str
        A name of the study's atlas.
    folds, scans : int
        Networks; scans at most, as many of each group (of the demo study: simulated anew).
    explained : int
        Test scans a fold that are explained, of the upper half.
    components : int, optional
        See `known_label`.
    fitting : FitSettings
    """

    area: str
    folds: int = 4
    scans: int = 320
    explained: int = 8
    components: int | None = None
    fitting: FitSettings = field(
        default_factory=lambda: FitSettings(
            epochs=16, batch=8, learning_rate=1e-3, weight_decay=0.1, smoothing=0.0, keep="last"
        )
    )


@dataclass(frozen=True, eq=False)
class KnownArea:
    """What a control found.

    Attributes
    ----------
    label : KnownLabel
    table : DataFrame
        Columns method, subject, quantity, value.
    auc : Estimate
        Out of fold, of the networks that were asked; interval by patients.
    linear : Estimate
        The same of a linear model on the same voxels (ridge regression).
    chance : float
        The area's share of the voxels that the networks see.
    scans, voxels : int
        How many scans; voxels of the area on the coarse grid.
    edge_mm : float
        Of a coarse voxel.
    failed : dict of str to str
        Methods that cannot explain these networks, and why.
    """

    label: KnownLabel
    table: pd.DataFrame
    auc: Estimate
    linear: Estimate
    chance: float
    scans: int
    voxels: int
    edge_mm: float
    failed: dict[str, str]


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


def area_position(atlas: Atlas, area: str) -> int:
    """Return the row of an area in the atlas's table; KeyError with names that are alike."""
    names = [str(name) for name in atlas.areas["name"]]
    if area in names:
        return names.index(area)
    alike = [name for name in names if area.lower().split("_")[0] in name.lower()] or names
    raise KeyError(f"expected an area of the atlas {atlas.name}, got {area!r}; available: {', '.join(alike[:12])}")


def _people(study: Study, scans: int) -> tuple[pd.DataFrame, list[tuple[str, object]]]:
    """Return scans (id, subject), as many of each group as there are, and where they come from."""
    if isinstance(study, DemoStudy):
        settings = replace(study.settings, train=max(1, scans // len(study.settings.groups)))
        table = subjects_table(settings).query("split == 'train'")
    else:
        table = study.subjects.reset_index(drop=True).sort_values("id")
    most = max(1, scans // max(1, table["group"].nunique()))
    table = table.groupby("group", sort=True).head(most).sort_values("id", ignore_index=True)
    ids = table["id"].astype(str)
    people = pd.DataFrame({"id": ids, "subject": table["subject"].astype(str) if "subject" in table else ids})
    if isinstance(study, DemoStudy):
        return people, [(name, SimulatedScan(settings, name)) for name in ids]
    return people, [(name, study.source(name)) for name in ids]


@dataclass(frozen=True, eq=False)
class _Control:
    """What all folds share."""

    options: KnownAreaOptions
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


def run_known_area(
    study: Study,
    options: KnownAreaOptions,
    explainers: Sequence[Explainer],
    out: str | Path,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> KnownArea:
    """Train networks on the label of an area, and measure which methods find the area.

    The scans are read onto voxels of about 6 mm and kept in ``known_area_scans.npz``; the networks' weights are written to
    ``known_area_fold1.safetensors`` …

    Parameters
    ----------
    study : Study
        Its network gives the grid; it is not asked.
    options : KnownAreaOptions
    explainers : sequence of Explainer
        The null maps are added. Boxes of occlusion without parameters are 24 mm wide.
    out : path
    progress, cancel

    Raises
    ------
    KeyError, ValueError
        For an area that the atlas does not have, that is too small or varies too little; for too few scans.
    """
    folder = made_folder(out)
    atlas = study.atlas()
    at = area_position(atlas, options.area)
    people, sources = _people(study, options.scans)
    epochs, folds = options.fitting.epochs, options.folds
    count = _parts(progress, [len(people), *[epochs + 10 * options.explained] * folds])
    scans = read_coarse(study, sources, folder / "known_area_scans.npz", progress=count(0), cancel=cancel)
    label = known_label(scans.areas, at, options.components)
    frame = people.assign(group=np.where(label.high, HIGH, LOW), split="")
    rounds = assign_rounds(frame, folds, positive=HIGH)
    control = _control(study, atlas, at, options, scans, label)
    chosen = [*(on_voxels(e, scans.grid) for e in explainers if not e.is_null_map), *null_explainers()]
    rows: list[tuple] = []
    found: dict[str, float] = {}
    linear: dict[str, float] = {}
    failed: dict[str, str] = {}
    for one in rounds:
        rule = control.normalisation(one)
        module, values = _fit(control, one, rule, folder, cancel)
        found |= dict(zip(one.test, values, strict=True))
        linear |= _ridge(control, one, rule)
        count(one.number)(epochs, epochs + 10 * options.explained)
        rows += _explain(control, one, rule, module, chosen, failed, count(one.number), cancel)
    labels, patients = frame.set_index("id")["group"] == HIGH, frame["subject"]
    draws = PatientBootstrap(patients, labels)
    return KnownArea(
        label=label,
        table=pd.DataFrame(rows, columns=COLUMNS),
        auc=draws.measure([found[name] for name in frame["id"]])["auc"],
        linear=draws.measure([linear[name] for name in frame["id"]])["auc"],
        chance=float(control.truth[control.brain].mean()),
        scans=len(frame),
        voxels=int((control.truth & control.brain).sum()),
        edge_mm=float(np.linalg.norm(scans.grid.affine[:3, 0])),
        failed=failed,
    )


def _parts(progress: Progress | None, sizes: Sequence[int]) -> Callable[[int], Progress]:
    """Return one progress over parts of the work, by the number of the part."""
    before = np.concatenate([[0], np.cumsum(sizes)])

    def part(number: int) -> Progress:
        return lambda done, total: tell(
            progress, int(before[number] + done * sizes[number] / max(total, 1)), int(before[-1])
        )

    return part


def _control(study: Study, atlas: Atlas, at: int, options, scans: CoarseScans, label: KnownLabel) -> _Control:
    coarse = atlas.on(scans.grid)
    areas = coarse.labels.data.astype(np.int64)
    truth = areas == int(atlas.areas["label"].iloc[at])
    brain = (scans.data > 0).mean(axis=0) > 0.5
    size = int((truth & brain).sum())
    if size < LEAST_VOXELS:
        raise ValueError(
            f"expected an area of {LEAST_VOXELS} voxels or more of the coarse grid, got {options.area} with {size}"
        )
    labels = pd.Series(label.high.astype(int), index=scans.ids)
    return _Control(options, scans, labels, truth & brain, brain, areas, occlusion_labels(coarse))


def on_voxels(explainer: Explainer, grid: Grid) -> Explainer:
    """Return an explainer whose boxes fit the coarse grid, where no size was given."""
    known = get_method(explainer.method).parameters
    if not {"size", "stride"} <= set(known) or {"size", "stride"} & set(explainer.params) - _usual(explainer):
        return explainer
    edge = float(np.linalg.norm(grid.affine[:3, 0]))
    boxes = {"size": max(2, round(BOX_MM / edge)), "stride": max(1, round(STRIDE_MM / edge))}
    return Explainer(explainer.method, {**explainer.params, **boxes})


def _usual(explainer: Explainer) -> set[str]:
    """Return the settings of an explainer that are those of the method's variants: made for the network's own grid."""
    variants = [dict(params) for params in get_method(explainer.method).variants]
    return {"size", "stride"} if explainer.params in variants else set()


def _fit(control: _Control, one: Round, rule: Normalisation, folder: Path, cancel) -> tuple[nn.Module, np.ndarray]:
    from safetensors.torch import save

    settings = control.options.fitting
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


def _ridge(control: _Control, one: Round, rule: Normalisation) -> dict[str, float]:
    """Return what ridge regression on the same voxels gives for the round's test scans."""
    train, test = (control.rows(ids) for ids in ([*one.train, *one.validation], one.test))
    x, y = (
        np.stack([rule.apply(control.scans.data[row]).ravel() for row in rows]).astype(float) for rows in (train, test)
    )
    labels = 2.0 * control.labels.iloc[train].to_numpy() - 1
    gram = x @ x.T
    weights = np.linalg.solve(gram + np.trace(gram) / len(train) / 10 * np.eye(len(train)), labels)
    return dict(zip(one.test, y @ x.T @ weights, strict=True))


def _explain(
    control: _Control, one: Round, rule, module, chosen, failed: dict[str, str], progress, cancel
) -> list[tuple]:
    """Return rows of the table: test scans of the upper half, every method and null map."""
    names = [name for name in one.test if control.labels[name] == 1][: control.options.explained]
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
        tell(
            progress, control.options.fitting.epochs + 10 * (done + 1), control.options.fitting.epochs + 10 * len(names)
        )
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
