"""Networks of one recipe from different seeds: does retraining change what a map shows?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mriinterp.models import Model, load_model
from mriinterp.progress import Cancel, Progress
from mriinterp.train import Recipe, remove_scans, train_demo

__all__ = ["make_replicates"]


def make_replicates(
    out_dir: Path | str,
    n: int = 5,
    recipe: Recipe | None = None,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> dict[str, Model]:
    """Train networks of the same recipe and the same scans from other seeds.

    The first is the demo network itself (``demo``); the others
    (``demo_seed1`` …) start from other weights, see the scans in another
    order and with other variation. Networks whose weights and card lie in
    `out_dir` already are kept; the scans are made once for all.

    Parameters
    ----------
    out_dir : Path
        Gets weights and a card with the measured performance of each.
    n : int
        How many, the demo network included.

    Returns
    -------
    dict of name to Model
    """
    recipe = recipe or Recipe()
    out_dir = Path(out_dir)
    models = {}
    for seed in range(n):
        name = "demo" if seed == 0 else f"demo_seed{seed}"
        card = out_dir / f"{name}.json"
        if card.is_file() and card.with_suffix(".safetensors").is_file():
            models[name] = load_model(card)
            continue
        other = replace(recipe, fitting=replace(recipe.fitting, seed=recipe.fitting.seed + seed))
        models[name] = train_demo(out_dir, other, name=name, keep_scans=True, progress=progress, cancel=cancel)
    remove_scans(recipe, out_dir)
    return models
