"""A positive control on scans as they are: a network asked about an area, and which methods find that area.

Siegel et al. 2025 (arXiv 2508.02560) train networks to predict something whose place in the brain is known, and look which
methods point there. Here the label is made from each scan by `mriinterp.crossval.known_label`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from mriinterp.areas import Atlas
from mriinterp.base.atomic import made_folder
from mriinterp.base.progress import Cancel, Progress, divided
from mriinterp.crossval.coarse_scans import CoarseScans, read_coarse
from mriinterp.crossval.folds import assign_rounds
from mriinterp.crossval.known_folds import FoldData, explain_fold, fit_fold, ridge_fold
from mriinterp.crossval.known_label import KnownLabel, known_label
from mriinterp.explain import occlusion_labels
from mriinterp.image.volume import Grid
from mriinterp.methods import get_method
from mriinterp.simulation.subjects import subjects_table
from mriinterp.stats.patients import PatientBootstrap
from mriinterp.stats.performance import Estimate
from mriinterp.study import DemoStudy, SimulatedScan, Study
from mriinterp.training.loop import FitSettings
from mriinterp.trust.beside_nulls import COLUMNS
from mriinterp.trust.explainers import Explainer, null_explainers

__all__ = ["KnownArea", "KnownAreaOptions", "run_known_area"]

LOW, HIGH = "low", "high"
LEAST_VOXELS = 8  # of the area on the coarse grid
BOX_MM, STRIDE_MM = 24.0, 12.0  # of occlusion, unless given


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
    reading, *parts = divided(progress, [len(people), *[epochs + 10 * options.explained] * folds])
    scans = read_coarse(study, sources, folder / "known_area_scans.npz", progress=reading, cancel=cancel)
    label = known_label(scans.areas, at, options.components)
    frame = people.assign(group=np.where(label.high, HIGH, LOW), split="")
    rounds = assign_rounds(frame, folds, positive=HIGH)
    control = _fold_data(atlas, at, options, scans, label)
    chosen = [*(on_voxels(e, scans.grid) for e in explainers if not e.is_null_map), *null_explainers()]
    rows: list[tuple] = []
    found: dict[str, float] = {}
    linear: dict[str, float] = {}
    failed: dict[str, str] = {}
    for one, part in zip(rounds, parts, strict=True):
        rule = control.normalisation(one)
        module, values = fit_fold(control, one, rule, folder, cancel)
        found |= dict(zip(one.test, values, strict=True))
        linear |= ridge_fold(control, one, rule)
        part(epochs, epochs + 10 * options.explained)
        rows += explain_fold(control, one, rule, module, chosen, failed, part, cancel)
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


def _fold_data(atlas: Atlas, at: int, options: KnownAreaOptions, scans: CoarseScans, label: KnownLabel) -> FoldData:
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
    return FoldData(
        options.fitting, options.explained, scans, labels, truth & brain, brain, areas, occlusion_labels(coarse)
    )


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
