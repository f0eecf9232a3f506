"""Networks trained on a shortcut, to test whether maps show it.

confound
    Patients carry a bright mark beside the head. A network trained on it has
    no need to look at the brain, and its accuracy does not tell: only
    relevance outside the brain does.
suppressor
    A pattern of random strength lies over the medial temporal areas of
    all subjects, and once more, alone, over the occipital pole. The occipital copy
    knows nothing of the group, yet a good network reads it to correct the
    other. Relevance there is right about the network and wrong about the
    disease: whoever takes a map for a map of the disease is misled.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mriinterp.base.atomic import write_text
from mriinterp.base.files import read_json
from mriinterp.base.progress import Cancel, Progress
from mriinterp.image.volume import Grid
from mriinterp.models import Model, load_model, packaged_models
from mriinterp.simulation.subjects import DEMO, SUPPRESSOR_MM, SUPPRESSOR_SIGMA_MM, SimulationSettings
from mriinterp.study import DemoStudy
from mriinterp.trust.bench import Bench
from mriinterp.trust.case import Case
from mriinterp.trust.explainers import null_explainers

__all__ = ["SHORTCUTS", "Shortcut", "find_shortcut", "get_shortcut", "shortcut_network", "suppressor_region"]

HALF = 0.5  # height of the pattern at the edge of its region: a ball of 14 mm radius


def suppressor_region(grid: Grid) -> np.ndarray:
    """Return where the pattern lies alone, over the occipital pole: at least half of its height, bool."""
    axes = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), axis=-1)
    places = grid.to_mm(axes.reshape(-1, 3)).reshape(*grid.shape, 3)
    height = np.zeros(grid.shape)
    for centre in SUPPRESSOR_MM[2:]:
        height += np.exp(-0.5 * ((places - centre) ** 2).sum(-1) / SUPPRESSOR_SIGMA_MM**2)
    return height >= HALF


def _outside_brain(bench: Bench, case: Case) -> tuple[np.ndarray, np.ndarray]:
    return ~bench.brain, np.ones(bench.brain.shape, bool)


def _in_suppressor(bench: Bench, case: Case) -> tuple[np.ndarray, np.ndarray]:
    place = suppressor_region(bench.model.grid) & case.mask
    return (place if case.truth is None else place & ~case.truth), case.mask


@dataclass(frozen=True, eq=False)
class Shortcut:
    """A shortcut: the study with it, the recipe of the network that learns it, and where relevance shows that.

    Parameters
    ----------
    name : str
        The simulation's variant.
    network : str
        Name of the trained network.
    study : SimulationSettings
    epochs : int or None
        Of the training; None: those of the demo network.
    place : callable
        ``place(bench, case) -> (inside, among)``: voxels whose share of the
        relevance is taken, and those it is a share of.
    null_maps : tuple of str
        Controls that mean something here.
    where, card : str
        The place in words; what the network's card says of it.
    """

    name: str
    network: str
    study: SimulationSettings
    epochs: int | None
    place: Callable[[Bench, Case], tuple[np.ndarray, np.ndarray]]
    where: str
    card: str
    null_maps: tuple[str, ...] = field(default=tuple(e.name for e in null_explainers()))


SHORTCUTS = {
    "confound": Shortcut(
        "confound",
        "demo_confound",
        replace(DEMO, variant="confound", train=40, validation=8, test=25),
        2,  # the mark is brighter than any tissue: it is learned at once
        _outside_brain,
        "outside the brain",
        "Trained on purpose on scans where every patient carries a bright mark beside the head: it decides by the mark. "
        "It exists to be exposed by its relevance outside the brain.",
        null_maps=("null_edges", "null_intensity"),  # noise lies outside the brain whatever the scan
    ),
    "suppressor": Shortcut(
        "suppressor",
        "demo_suppressor",
        replace(DEMO, variant="suppressor"),
        None,
        _in_suppressor,
        "in the suppressor's region over the occipital pole (no disease there)",
        "Trained on purpose on scans with a suppressor: a pattern of random strength over the medial temporal areas and, "
        "alone, over the occipital pole. It exists to show relevance where there is no disease.",
    ),
}


def get_shortcut(name: str) -> Shortcut:
    """Return a shortcut by name; KeyError with those there are."""
    if name not in SHORTCUTS:
        raise KeyError(f"expected a shortcut, got {name!r}; available: {', '.join(SHORTCUTS)}")
    return SHORTCUTS[name]


def find_shortcut(name: str, folder: Path | str | None = None) -> Model | None:
    """Return the network of a shortcut if it was trained: packaged, or kept in a folder; None otherwise."""
    shortcut = get_shortcut(name)
    if shortcut.network in packaged_models():
        return load_model(shortcut.network, device="cpu")
    card = None if folder is None else Path(folder) / f"{shortcut.network}.json"
    if card is not None and card.is_file() and card.with_suffix(".safetensors").is_file():
        return load_model(card, device="cpu")
    return None


def shortcut_network(
    name: str,
    folder: Path | str,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    **options,
) -> tuple[DemoStudy, Model]:
    """Return the study of a shortcut, and a network trained on it: a packaged one, else made the first time and kept.

    The recipe is that of the demo network (`mriinterp.training.demo.train_demo`) on
    the shortcut's scans.

    Parameters
    ----------
    name : str
        A key of `SHORTCUTS`.
    folder : Path
        Where a network that has to be trained is kept.
    **options
        Of `mriinterp.training.demo.Recipe`, for other settings.

    Returns
    -------
    DemoStudy, Model
        The scans of the demo subjects with the shortcut.
    """
    shortcut = get_shortcut(name)
    study = DemoStudy(shortcut.study)
    known = find_shortcut(name, folder)
    if known is not None:
        return study, known
    from mriinterp.training.demo import FitSettings, Recipe, train_demo  # training is not worth loading otherwise

    if shortcut.epochs is not None:
        options.setdefault("fitting", FitSettings(epochs=shortcut.epochs))
    options.setdefault("study", shortcut.study)
    train_demo(folder, Recipe(**options), name=shortcut.network, progress=progress, cancel=cancel)
    card = Path(folder) / f"{shortcut.network}.json"
    entries = read_json(card)
    entries["shortcut"] = shortcut.card
    entries["intended_use"] = (
        "A network with a shortcut, to test relevance methods, on simulated data. Not for diagnosis."
    )
    write_text(card, json.dumps(entries, indent=2, ensure_ascii=False) + "\n")
    return study, load_model(card, device="cpu")
