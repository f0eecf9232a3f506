"""Networks of the same recipe, retrained from other seeds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mriinterp.models import Model, load_model, packaged_models
from mriinterp.progress import Cancel, Progress
from mriinterp.study import DemoStudy, Study

__all__ = ["find_replicates", "train_replicates"]

logger = logging.getLogger(__name__)


def find_replicates(model: Model, folder: Path | str | None = None) -> Sequence[Model]:
    """Retrained networks that fit a model: of a folder of model cards, else those in the package.

    Parameters
    ----------
    folder : Path, optional
        Cards (.json) with their weights. Without it the packaged networks
        called ``<name>_seed…`` are taken.

    Raises
    ------
    ValueError
        If a folder was given and no network in it fits.
    """
    if folder is None:
        cards = [path for name, path in packaged_models().items() if name.startswith(f"{model.card.name}_seed")]
    else:
        cards = sorted(Path(folder).glob("*.json"))
    found = []
    for card in cards:
        try:
            other = load_model(card, device=str(model.device))
        except (ValueError, KeyError, OSError) as error:
            logger.warning("%s is no network: %s", card.name, error)
            continue
        same = other.grid.matches(model.grid) and other.classes == model.classes
        if same and other.digest != model.digest and other.normalisation.digest == model.normalisation.digest:
            found.append(other)
    if folder is not None and not found:
        raise ValueError(f"expected retrained networks like {model.card.name} in {folder}, got none that fit")
    return found


def train_replicates(
    study: Study, count: int, folder: Path, *, progress: Progress | None = None, cancel: Cancel | None = None
) -> None:
    """Train `count` networks of the demo study's recipe from other seeds; those in the folder already are kept.

    Raises
    ------
    ValueError
        For a study that cannot be simulated: its networks are trained elsewhere.
    """
    if not isinstance(study, DemoStudy):
        raise ValueError(
            f"expected the demo study to train replicates of, got {study.name!r}; pass retrained networks as --replicates DIR"
        )
    from mriinterp.train import Recipe, remove_scans, train_demo

    recipe = Recipe(study=study.settings)
    for seed in range(1, count + 1):
        name = f"demo_seed{seed}"
        if (folder / f"{name}.json").is_file() and (folder / f"{name}.safetensors").is_file():
            continue
        other = replace(recipe, fitting=replace(recipe.fitting, seed=recipe.fitting.seed + seed))
        train_demo(folder, other, name=name, keep_scans=True, progress=progress, cancel=cancel)
    remove_scans(recipe, folder)
