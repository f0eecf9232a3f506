"""Every scan explained by the network that never saw its patient; fold by fold, and all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mriinterp.base.atomic import made_folder
from mriinterp.base.progress import Cancel, Progress, tell
from mriinterp.base.tables import write_tsv
from mriinterp.cohort import CohortResult, run_cohort
from mriinterp.compare.measures import spearman
from mriinterp.crossval.output import fold_name
from mriinterp.image.nifti import write_volume
from mriinterp.stats import group_means
from mriinterp.study import ModelRecipe, Study, StudySettings, TableStudy
from mriinterp.study.seen import SETS, sets_of_fold
from mriinterp.trust.measures.reproducibility import intraclass_correlation

__all__ = ["FoldStudy", "OutOfFold", "fold_studies", "run_out_of_fold"]


class FoldStudy(TableStudy):
    """A study as one network of a cross-validation saw it: its split is that of the fold.

    Parameters
    ----------
    settings : StudySettings
        Of the whole study.
    recipe : ModelRecipe
        The network.
    roles : mapping of str to str
        What each scan was to it: train, validation or test; scans it never met are in no split.
    """

    def __init__(self, settings: StudySettings, recipe: ModelRecipe, roles: Mapping[str, str]):
        self.whole, self.recipe, self.roles = settings, recipe, dict(roles)
        folder = settings.output / Path(recipe.source).parent.name
        super().__init__(replace(settings, model=recipe, normalisation="card", folds={}, output=folder))
        met = self.subjects[self.subjects["id"].isin(self.roles)]
        self.subjects = met.assign(split=met["id"].map(self.roles))

    def __reduce__(self):
        return type(self), (self.whole, self.recipe, self.roles)


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Cohorts of all folds, and what they have in common.

    Attributes
    ----------
    folder : Path
    folds : dict of str to CohortResult
    areas : DataFrame
        As in ``areas.tsv``: method, area, n, mean share and interval in both groups.
    agreement : DataFrame
        As in ``agreement.tsv``: method, group, icc of the areas' mean shares, rho of the folds' mean maps.
    """

    folder: Path
    folds: dict[str, CohortResult]
    areas: pd.DataFrame
    agreement: pd.DataFrame


def fold_studies(study: Study) -> dict[str, FoldStudy]:
    """Return the study as each of its folds saw it.

    Raises
    ------
    ValueError
        If the study has no folds, or their cards do not say which scans they were trained on.
    """
    if not isinstance(study, TableStudy) or not study.folds:
        raise ValueError(
            f"expected a study file whose [model.folds] are the networks of a cross-validation, got {study.name!r}; "
            "make them: mriinterp train STUDY --out DIR, then use DIR/study.toml"
        )
    found = {}
    for name, recipe in study.folds.items():
        sets = sets_of_fold(recipe)
        if sets is None:
            raise ValueError(
                f"expected a model card for {name!r} that lists the scans of training, validation and test under "
                "training_data, as mriinterp train writes it, got none"
            )
        found[name] = FoldStudy(study.settings, recipe, {i: one for one in SETS for i in sets[one]})
    _check_once(found)
    return found


def _check_once(studies: Mapping[str, FoldStudy]) -> None:
    """Raise ValueError if a scan is tested in two folds, or its patient trained the network that is to explain it."""
    tested: dict[str, str] = {}
    for name, study in studies.items():
        rows = study.subjects
        test = rows[rows["split"] == "test"]
        seen = set(rows["subject"][rows["split"] != "test"]) & set(test["subject"])
        twice = [i for i in test["id"] if i in tested]
        if seen or twice:
            what = f"patients {', '.join(sorted(seen)[:5])} in training too" if seen else f"{twice[0]} in two folds"
            raise ValueError(f"expected folds that share no patient, got {what} ({name})")
        tested |= dict.fromkeys(test["id"], name)


def run_out_of_fold(
    study: Study,
    methods: Sequence[str],
    *,
    out: str | Path,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    **options: Any,
) -> OutOfFold:
    """Explain every scan of a cross-validation by the network that never saw its patient.

    Each fold becomes a cohort of its own in `out` (``fold1`` …), which opens as any other; beside them stand the means
    over all scans, ``mean_METHOD_GROUP.nii.gz``, ``areas.tsv`` and ``agreement.tsv``. Stopped at any time, the same
    call goes on.

    Parameters
    ----------
    study : TableStudy
        With the networks that ``mriinterp train`` made as its folds.
    methods : sequence of str
    out : path
    progress, cancel
    **options
        As of `mriinterp.cohort.run_cohort`, but split.

    Raises
    ------
    ValueError
        As of `fold_studies` and `run_cohort`.
    """
    studies = fold_studies(study)
    folder = made_folder(out)
    results = {}
    for number, (name, one) in enumerate(studies.items(), 1):
        part = _part(progress, number - 1, len(studies))
        results[name] = run_cohort(
            one, methods, out=folder / fold_name(number), split="test", progress=part, cancel=cancel, **options
        )
    _write_means(folder, results, methods)
    areas, agreement = _areas(study, results, methods), _agreement(study, results, methods)
    write_tsv(areas, folder / "areas.tsv", digits=5)
    write_tsv(agreement, folder / "agreement.tsv", digits=4)
    return OutOfFold(folder, results, areas, agreement)


def _part(progress: Progress | None, before: int, parts: int) -> Progress:
    return lambda done, total: tell(progress, round(1000 * (before + done / max(total, 1))), 1000 * parts)


def _with_maps(results: Mapping[str, CohortResult], method: str, group: str) -> list[CohortResult]:
    return [result for result in results.values() if result.n(method, group)]


def _write_means(folder: Path, results: Mapping[str, CohortResult], methods: Sequence[str]) -> None:
    """Write the mean of each method's reading over all scans of a group: each scan counts the same."""
    first = next(iter(results.values()))
    for method in methods:
        for group in first.groups:
            parts = _with_maps(results, method, group)
            if not parts:
                continue
            counts = [part.n(method, group) for part in parts]
            mean = np.average([part.mean(method, group).data for part in parts], axis=0, weights=counts)
            volume = parts[0].mean(method, group).with_data(mean.astype(np.float32))
            write_volume(volume, folder / f"mean_{method}_{first.run['labels'][group]}.nii.gz", space="mni")


def _areas(study: Study, results: Mapping[str, CohortResult], methods: Sequence[str]) -> pd.DataFrame:
    """Return the mean share of each area in both groups, scans of a patient averaged first."""
    tables = []
    for method in methods:
        shares = pd.concat([result.areas(method) for result in results.values()])
        shares = shares[shares.notna().all(axis=1)]
        rows = study.subjects.loc[shares.index]
        single = rows.groupby("subject")["group"].transform("nunique") == 1  # of neither side otherwise
        shares, rows = shares[single.to_numpy()], rows[single.to_numpy()]
        pair = (study.positive, study.reference_group)
        means = group_means(shares, rows["group"].to_numpy(), *pair, patients=rows["subject"].to_numpy())
        means.insert(0, "method", method)
        tables.append(means)
    return pd.concat(tables, ignore_index=True)


def _agreement(study: Study, results: Mapping[str, CohortResult], methods: Sequence[str]) -> pd.DataFrame:
    """Return how alike the folds' averages are: ICC of the areas' mean shares, mean ρ of the mean maps in the brain."""
    rows = []
    brain = study.brain_mask()
    for method in methods:
        for group in next(iter(results.values())).groups:
            parts = _with_maps(results, method, group)
            if len(parts) < 2:
                continue
            shares = np.stack([part.areas(method).loc[part.ids(method, group)].mean().to_numpy() for part in parts], 1)
            shares = shares[np.isfinite(shares).all(axis=1)]
            maps = [part.mean(method, group) for part in parts]
            rho = [_rho(one.data, other.data, brain.data) for one, other in combinations(maps, 2)]
            icc = intraclass_correlation(shares) if len(shares) > 1 else np.nan
            rows.append({"method": method, "group": group, "folds": len(parts), "icc": icc, "rho": np.mean(rho)})
    return pd.DataFrame(rows, columns=["method", "group", "folds", "icc", "rho"])


def _rho(one: np.ndarray, other: np.ndarray, brain: np.ndarray) -> float:
    try:
        return spearman(one, other, brain)
    except ValueError:  # a map that does not vary there
        return float("nan")
