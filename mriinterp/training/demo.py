"""The recipe of the demo network, its four replicates, and their model cards.

``python -m mriinterp train --out DIR`` runs `train_demo`: it makes the
simulated scans, fits `ClassificationModel3D` on them and measures it on
subjects that were used for nothing else. Data set and fit are generic: `mriinterp.training.dataset`, `mriinterp.training.loop`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from mriinterp.base.atomic import replacing, write_text
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.image.volume import Volume
from mriinterp.models import Model, load_model
from mriinterp.models.classification3d import ClassificationModel3D
from mriinterp.models.late import DIGEST
from mriinterp.models.normalisation import Normalisation
from mriinterp.simulation.subjects import DEMO, DEMO_GRID, SimulationSettings, simulate_subject, subjects_table
from mriinterp.training.dataset import ScanDataset, visible_shape
from mriinterp.training.evaluation import evaluate, real_anatomy
from mriinterp.training.loop import FitSettings, History, fit

__all__ = [
    "FitSettings",
    "Recipe",
    "evaluate",
    "fit",
    "real_anatomy",
    "remove_scans",
    "simulated_scans",
    "train_demo",
    "write_json",
]

log = logging.getLogger(__name__)

NORMALISATION: dict[str, Any] = {"kind": "scan_zscore"}


@dataclass(frozen=True)
class Recipe:
    """All settings that determine the demo network.

    Parameters
    ----------
    study : SimulationSettings
    fitting : FitSettings
    dropout, dropout2 : float
        Before `dense_1` and `dense_2`.
    shift, intensity
        Variation of the training scans, see `ScanDataset`; they are also
        mirrored left–right, except in the variant ``"confound"``, whose mark
        is on one side.
    """

    study: SimulationSettings = DEMO
    fitting: FitSettings = field(default_factory=FitSettings)
    dropout: float = 0.3
    dropout2: float = 0.2
    shift: int = 1
    intensity: float = 0.05


def _labels(table: pd.DataFrame, study: SimulationSettings) -> list[int]:
    return [study.groups.index(group) for group in table["group"]]


def simulated_scans(
    study: SimulationSettings,
    ids: Sequence[str],
    path: Path,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> np.ndarray:
    """Make and normalise scans once, into a file.

    Parameters
    ----------
    study : SimulationSettings
    ids : sequence of str
    path : Path
        A ``.npy`` file to write (about 2 MB a scan).
    workers : int, optional
        Threads; default: the number of cores.

    Returns
    -------
    array, shape (n, 113, 114, 78), float16, read from the file on demand
        Normalised scans, cut to what the network sees on axes 1 and 2; axis 0
        is whole, so that a mirrored scan can be cut too.
    """
    _, j, k = visible_shape(DEMO_GRID.shape)
    temporary = path.with_name(f".{path.name}.tmp")
    shape = (len(ids), DEMO_GRID.shape[0], j, k)
    _fill(temporary, shape, study, ids, workers or os.cpu_count(), progress, cancel)
    temporary.replace(path)  # after the writing map is closed: Windows would refuse
    return _existing(path)


def _fill(path: Path, shape, study, ids, workers, progress, cancel) -> None:
    scans = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
    normalise = Normalisation(**NORMALISATION).apply

    def make(position: int) -> None:
        check_cancel(cancel)
        scan = simulate_subject(study, ids[position]).volume.data
        scans[position] = normalise(scan)[:, : shape[2], : shape[3]]

    with ThreadPoolExecutor(workers) as pool:
        for done, _ in enumerate(pool.map(make, range(len(ids))), 1):
            tell(progress, done, len(ids))
    scans.flush()


def _network(recipe: Recipe) -> ClassificationModel3D:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.fitting.seed)
        module = ClassificationModel3D(dropout=recipe.dropout, dropout2=recipe.dropout2)
    return module.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # missing in PyTorch's types


def _scans_name(recipe: Recipe) -> str:
    settings = json.dumps(asdict(recipe.study), sort_keys=True)
    return f"scans_{hashlib.sha256(settings.encode()).hexdigest()[:12]}"


def _existing(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _fit_recipe(recipe: Recipe, folder: Path, progress: Progress | None, cancel: Cancel | None):
    """Return the scans of the training and validation split, and the network fitted on them."""
    table = subjects_table(recipe.study)
    crop = visible_shape(DEMO_GRID.shape)
    sets = {}
    for split in ("train", "validation"):
        rows = table[table["split"] == split]
        path = folder / f"{_scans_name(recipe)}_{split}.npy"
        scans = (
            _existing(path)
            if path.is_file()
            else simulated_scans(recipe.study, rows["id"].tolist(), path, progress=progress, cancel=cancel)
        )
        vary = {"flip": recipe.study.variant != "confound", "shift": recipe.shift, "intensity": recipe.intensity}
        options = {**vary, "seed": recipe.fitting.seed} if split == "train" else {}
        sets[split] = ScanDataset(scans.__getitem__, _labels(rows, recipe.study), crop=crop, **options)
    module = _network(recipe)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.fitting.seed)  # dropout
        history = fit(module, sets["train"], sets["validation"], recipe.fitting, progress=progress, cancel=cancel)
    return module, history


def write_json(entries: dict, path: Path) -> None:
    """Write readable JSON in one step."""
    write_text(path, json.dumps(entries, indent=2, ensure_ascii=False) + "\n")


def _save_weights(module: torch.nn.Module, path: Path) -> str:
    """Write float32 safetensors; returns their SHA-256."""
    from safetensors.torch import save

    state = {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()}
    content = save(state)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _card(name: str, recipe: Recipe, history: History, sha256: str) -> dict:
    study = recipe.study
    return {
        "name": name,
        "architecture": "ClassificationModel3D",
        "grid": {"shape": list(DEMO_GRID.shape), "affine": DEMO_GRID.affine.tolist()},
        "space": "MNI152 (ICBM 2009a nonlinear symmetric template)",
        "classes": list(study.groups),
        "normalisation": NORMALISATION,
        "brain_mask": None,
        "skull_stripped": True,
        "simulated": True,
        "weights": [f"{name}.safetensors"],
        "sha256": sha256,
        "field_of_view": "The poolings of this architecture drop what does not fill a last window: on this grid it sees "
        "x ≤ 31.5 mm, y ≤ 49.5 mm, z ≤ 43.5 mm; relevance elsewhere is 0 by construction. It was trained on mirrored "
        "scans too, so it knows both sides, but looks at the left one.",
        "training_data": {
            "what": "Simulated subjects: the real anatomies of four healthy adults (OpenNeuro ds002748, CC0), deformed at "
            "random, with parts of sizes of their own, aged, with lesions of the white matter, scanned at two sites; for "
            "the diseased group with graded atrophy by volume in 13 areas (hippocampus, amygdala, parahippocampal, "
            "fusiform and temporal areas, temporal poles, posterior cingulum, precuneus, angular gyrus, inferior parietal "
            "lobule) and widened ventricles. No patient's scan.",
            "train": 2 * study.train,
            "validation": 2 * study.validation,
            "seed": study.seed,
            "variant": study.variant,
            "settings": asdict(study),
        },
        "training": {
            **asdict(recipe.fitting),
            "dropout": recipe.dropout,
            "dropout2": recipe.dropout2,
            "mirrored": study.variant != "confound",
            "shift_voxels": recipe.shift,
            "intensity_sd": recipe.intensity,
            "best_epoch": history.best + 1,
            "validation_auc": round(history.validation_auc[history.best], 4),
        },
        "licence": "MIT",
        "intended_use": "Demonstration and research on relevance maps. It knows simulated disease only: not for diagnosis.",
    }


def remove_scans(recipe: Recipe, folder: Path) -> None:
    """Remove the training scans of a recipe from a folder."""
    for leftover in folder.glob(f"*{_scans_name(recipe)}_*.npy*"):
        with contextlib.suppress(PermissionError):  # Windows keeps a file that an error message still refers to
            leftover.unlink()


def train_demo(
    out_dir: Path | str,
    recipe: Recipe | None = None,
    *,
    name: str = "demo",
    real_scans: dict[str, Volume] | None = None,
    keep_scans: bool = False,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Model:
    """Make the scans, fit the network, measure it, write weights and card.

    Parameters
    ----------
    out_dir : Path
        Gets ``<name>.safetensors`` and ``<name>.json``, and, while training
        runs, the scans (about 600 MB, removed at the end).
    recipe : Recipe, optional
        Default: that of the packaged network.
    real_scans : dict of name to Volume, optional
        For the check on real anatomy (`real_anatomy`).
    keep_scans : bool
        Leave the training scans there; the next training on the same study
        finds them.
    progress : callable
        Called by each part in turn: scans, steps of the fit, test subjects.

    Returns
    -------
    Model
        Loaded from what was written.
    """
    recipe = recipe or Recipe()
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    try:
        module, history = _fit_recipe(recipe, out_dir, progress, cancel)
    finally:
        if not keep_scans:
            remove_scans(recipe, out_dir)
    entries = _card(name, recipe, history, _save_weights(module, out_dir / f"{name}.safetensors"))
    packaged = recipe == Recipe() and name == "demo"
    call = f"mriinterp.training.demo.train_demo(DIR, {recipe!r}, name={name!r})"
    entries["command"] = "python -m mriinterp train --out DIR" if packaged else call
    write_json(entries, out_dir / f"{name}.json")
    model = load_model(out_dir / f"{name}.json", device="cpu")
    entries[DIGEST] = model.digest
    performance, _ = evaluate(model, recipe.study, progress=progress, cancel=cancel)
    entries["performance"] = performance.as_dict()
    if real_scans:
        entries["real_anatomy"] = real_anatomy(model, real_scans, progress=progress, cancel=cancel)
    write_json(entries, out_dir / f"{name}.json")
    return load_model(out_dir / f"{name}.json", device="cpu")
