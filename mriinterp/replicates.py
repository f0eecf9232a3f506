"""Networks of one recipe from different seeds: does retraining change what a map shows?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from mriinterp.models import Model, load_model, packaged_models
from mriinterp.progress import Cancel, Progress
from mriinterp.train import Recipe, remove_scans, train_demo, write_json

__all__ = ["load_replicates", "make_replicates"]

LIST = "replicates.json"


def load_replicates(folder: Path | str | None = None, device: str | None = None) -> dict[str, Model]:
    """The demo network and its sisters.

    Parameters
    ----------
    folder : Path, optional
        Where `make_replicates` wrote; default: those of the package.

    Returns
    -------
    dict of name to Model
        ``demo`` first; alone when no sisters are there.
    """
    card = packaged_models()["demo"] if folder is None else Path(folder) / "demo.json"
    models = {"demo": load_model(card, device=device)}
    listed = card.with_name(LIST)
    if listed.is_file():
        for name in json.loads(listed.read_text(encoding="utf-8"))["networks"]:
            if name != "demo":
                models[name] = load_model(card, card.with_name(f"{name}.safetensors"), device=device)
    return models


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
    `out_dir` already are kept.

    Parameters
    ----------
    out_dir : Path
        Gets weights, cards, and ``replicates.json`` with the measured
        performance of each.
    n : int
        How many, the demo network included.

    Returns
    -------
    dict of name to Model
    """
    recipe = recipe or Recipe()
    out_dir = Path(out_dir)
    listed = {}
    for seed in range(n):
        name = "demo" if seed == 0 else f"demo_seed{seed}"
        card = out_dir / f"{name}.json"
        if not (card.is_file() and card.with_suffix(".safetensors").is_file()):
            other = replace(recipe, fitting=replace(recipe.fitting, seed=recipe.fitting.seed + seed))
            train_demo(out_dir, other, name=name, keep_scans=True, progress=progress, cancel=cancel)
        entries = json.loads(card.read_text(encoding="utf-8"))
        listed[name] = {key: entries.get(key) for key in ("sha256", "performance")} | {
            "seed": entries["training"]["seed"]
        }
    remove_scans(recipe, out_dir)
    what = "The demo network and networks of the same recipe and scans, trained from other seeds"
    write_json({"what": what, "networks": listed}, out_dir / LIST)
    return load_replicates(out_dir)
