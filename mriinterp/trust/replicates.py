"""Networks of the same recipe, retrained from other seeds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mriinterp.base.progress import Cancel, Progress
from mriinterp.models import Model, load_model, packaged_models

if TYPE_CHECKING:
    from mriinterp.training.demo import Recipe

__all__ = ["find_replicates", "train_replicates"]

logger = logging.getLogger(__name__)


def find_replicates(model: Model, folder: Path | str | None = None) -> Sequence[Model]:
    """Return retrained networks that fit a model: of a folder of model cards, else those in the package.

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
    folder: Path | str,
    count: int,
    recipe: Recipe | None = None,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> dict[str, Model]:
    """Train networks of one recipe and the same scans from other seeds.

    They start from other weights, and see the scans in another order and with
    other variation. Those whose weights and card lie in the folder already
    are kept; the scans are made once for all.

    Parameters
    ----------
    folder : Path
        Gets weights and a card with the measured performance of each.
    count : int
        How many.
    recipe : Recipe, optional
        Default: that of the demo network.

    Returns
    -------
    dict of name to Model
        ``demo_seed1`` and so on.
    """
    from mriinterp.training.demo import Recipe, remove_scans, train_demo  # training is not worth loading otherwise

    recipe, folder = recipe or Recipe(), Path(folder)
    found = {}
    for seed in range(1, count + 1):
        name = f"demo_seed{seed}"
        card = folder / f"{name}.json"
        if card.is_file() and card.with_suffix(".safetensors").is_file():
            found[name] = load_model(card, device="cpu")
            continue
        other = replace(recipe, fitting=replace(recipe.fitting, seed=recipe.fitting.seed + seed))
        found[name] = train_demo(folder, other, name=name, keep_scans=True, progress=progress, cancel=cancel)
    remove_scans(recipe, folder)
    return found
