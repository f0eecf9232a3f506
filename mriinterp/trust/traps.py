"""A network that cheats, and whether maps give it away.

In the variant ``confound`` of the simulation, patients carry a bright mark
beside the head. A network trained on it has no need to look at the brain,
and its accuracy does not tell: only maps with relevance outside the brain do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from mriinterp.areas import outside_shares
from mriinterp.explain import explain
from mriinterp.models import Model, load_model, packaged_models
from mriinterp.progress import Cancel, Progress, check_cancel, tell
from mriinterp.simulate import DEMO
from mriinterp.study import DemoStudy, Study
from mriinterp.trust.explainers import Explainer

__all__ = ["CONFOUND", "confound_network", "outside_table"]

CONFOUND = replace(DEMO, variant="confound", train=40, validation=8, test=25)
NAME = "demo_confound"
EPOCHS = 2  # the mark is brighter than any tissue: it is learned at once


def confound_network(
    folder: Path | str, *, progress: Progress | None = None, cancel: Cancel | None = None
) -> tuple[DemoStudy, Model]:
    """The confounded study, and a network trained on it: a packaged one, else made the first time and kept.

    Parameters
    ----------
    folder : Path
        Where a network that has to be trained is kept.

    Returns
    -------
    DemoStudy, Model
        The scans of the demo subjects, with the mark on the patients.
    """
    study, card = DemoStudy(CONFOUND), Path(folder) / f"{NAME}.json"
    if NAME in packaged_models():
        return study, load_model(NAME, device="cpu")
    if card.is_file() and card.with_suffix(".safetensors").is_file():
        return study, load_model(card, device="cpu")
    from mriinterp.train import FitSettings, Recipe, train_demo  # training is not worth loading otherwise

    recipe = Recipe(study=CONFOUND, fitting=FitSettings(epochs=EPOCHS))
    return study, train_demo(folder, recipe, name=NAME, progress=progress, cancel=cancel)


def outside_table(
    study: Study,
    model: Model,
    explainers: Sequence[Explainer],
    subjects: Sequence[str],
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> pd.DataFrame:
    """How much of each map lies outside the brain.

    Parameters
    ----------
    explainers : sequence of Explainer
        Methods; controls have no place here.
    subjects : sequence of str

    Returns
    -------
    DataFrame
        Columns method, subject, outside_brain, outside_areas (shares of |map|).
    """
    target = study.class_of(study.positive)
    atlas, brain, rows = study.atlas(), study.brain_mask(), []
    for subject in subjects:
        scan = study.scan(subject)
        for explainer in explainers:
            check_cancel(cancel)
            relevance = explain(model, scan, explainer.method, target=target, atlas=atlas, **explainer.params)
            rows.append({"method": explainer.name, "subject": subject, **outside_shares(relevance, atlas, brain)})
            tell(progress, len(rows), len(subjects) * len(explainers))
    return pd.DataFrame(rows, columns=["method", "subject", "outside_brain", "outside_areas"])
