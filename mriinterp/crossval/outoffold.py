"""Every scan explained by the network that never saw its patient; fold by fold, and all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy

from mriinterp.base.atomic import made_folder
from mriinterp.base.labels import subject_labels
from mriinterp.base.progress import Cancel, Progress, divided
from mriinterp.base.tables import write_tsv
from mriinterp.cohort import CohortResult, run_cohort
from mriinterp.cohort.layout import Layout
from mriinterp.cohort.pooled import check_pooled_folder, common_methods, pool_cohorts
from mriinterp.crossval.output import fold_name
from mriinterp.stats import group_means
from mriinterp.study import ModelRecipe, Study, StudySettings, TableStudy
from mriinterp.study.seen import SETS, sets_of_fold
from mriinterp.trust.measures.reproducibility import intraclass_correlation

__all__ = ["FoldStudy", "OutOfFold", "fold_studies", "maps_there", "mean_agreement", "run_out_of_fold"]

AGREEMENTS = ("icc_areas", "rho_areas", "icc_maps", "rho_maps")


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
    folds : dict of str to CohortResult
    pooled : CohortResult
        Of all scans, each explained by the network that never saw its patient.
    areas : DataFrame
        As in ``areas.tsv``: method, area, n, mean share and interval in both groups.
    agreement : DataFrame
        As in ``agreement.tsv``, see `mean_agreement`.
    """

    folds: dict[str, CohortResult]
    pooled: CohortResult
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

    Each fold becomes a cohort of its own in `out` (``fold1`` …), and `out` itself one of all scans: means, tables,
    tests and figures as of any other. ``areas.tsv`` and ``agreement.tsv`` stand beside. Stopped at any time, the same
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
    check_pooled_folder(folder)
    results = {}
    shares = divided(progress, [1000] * len(studies))
    for number, (name, one) in enumerate(studies.items(), 1):
        results[name] = run_cohort(
            one,
            methods,
            out=folder / fold_name(number),
            split="test",
            progress=shares[number - 1],
            cancel=cancel,
            **options,
        )
    methods = common_methods(results.values())
    areas, agreement = _areas(study, results, methods), mean_agreement(study, results, methods)
    write_tsv(areas, folder / "areas.tsv", digits=5)
    write_tsv(agreement, folder / "agreement.tsv", digits=4)
    parts = {fold_name(number): result for number, result in enumerate(results.values(), 1)}
    return OutOfFold(results, pool_cohorts(parts, folder, agreement.round(4)), areas, agreement)


def maps_there(study: Study, folder: Path, methods: Sequence[str], space: str) -> int:
    """Return how many maps of a run out of fold are in its folder; reads the cards of the folds alone."""
    count = 0
    for number, recipe in enumerate(study.folds.values(), 1):
        sets = sets_of_fold(recipe) or {}
        met = {name for ids in sets.values() for name in ids}
        labels = subject_labels([name for name in study.subjects.index if name in met])
        layout = Layout(folder / fold_name(number), space)
        tested = [name for name in sets.get("test", ()) if name in labels]
        count += sum(layout.record(labels[name], method).is_file() for name in tested for method in methods)
    return count


def _with_maps(results: Mapping[str, CohortResult], method: str, group: str) -> list[CohortResult]:
    return [result for result in results.values() if result.n(method, group)]


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


def mean_agreement(study: Study, results: Mapping[str, CohortResult], methods: Sequence[str]) -> pd.DataFrame:
    """Return how alike the averages of the folds are.

    Returns
    -------
    DataFrame
        Columns method, group, folds, icc_areas, rho_areas (of the areas' mean shares), icc_maps, rho_maps (of the mean
        maps in the brain, for the ICC each divided by its mean size, as the networks' scales differ): ICC(2,1) and the
        mean Spearman's ρ of all pairs of folds; NaN where there is nothing to compare.
    """
    rows = []
    inside = study.brain_mask().data > 0
    for method in methods:
        for group in next(iter(results.values())).groups:
            parts = _with_maps(results, method, group)
            if len(parts) < 2:
                continue
            shares = np.stack([part.areas(method).loc[part.ids(method, group)].mean().to_numpy() for part in parts], 1)
            maps = np.stack([part.mean(method, group).data[inside].astype(np.float64) for part in parts], 1)
            sizes = np.abs(maps).mean(axis=0)
            found: dict[str, object] = {"method": method, "group": group, "folds": len(parts)}
            found |= _alike(shares[np.isfinite(shares).all(axis=1)], "areas")
            found |= _alike(maps / np.where(sizes > 0, sizes, 1), "maps")
            rows.append(found)
    return pd.DataFrame(rows, columns=["method", "group", "folds", *AGREEMENTS])


def _alike(values: np.ndarray, what: str) -> dict[str, float]:
    """Return ICC and mean ρ of the columns of an array; NaN where one of them does not vary."""
    if len(values) < 2 or (np.ptp(values, axis=0) == 0).any():
        return {f"icc_{what}": np.nan, f"rho_{what}": np.nan}
    rho = np.corrcoef(scipy.stats.rankdata(values, axis=0), rowvar=False)
    pairs = np.triu_indices(values.shape[1], 1)
    return {f"icc_{what}": intraclass_correlation(values), f"rho_{what}": float(rho[pairs].mean())}
