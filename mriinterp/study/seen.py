"""Whether a scan, or another scan of its patient, was used to train a network or to choose its epoch."""

from __future__ import annotations

from mriinterp.models import ModelCard, read_card
from mriinterp.study.base import Study
from mriinterp.study.recipes import ModelRecipe

__all__ = ["SETS", "sets_of_fold", "training_sets", "unseeing_folds", "what_it_was"]

SETS = ("train", "validation", "test")


def training_sets(card: ModelCard) -> dict[str, list[str]] | None:
    """Return the ids of the scans that trained, chose and tested a network; None where its card does not list them."""
    data = card.about.get("training_data")
    if not isinstance(data, dict) or not all(isinstance(data.get(one), list) for one in SETS):
        return None
    return {one: [str(name) for name in data[one]] for one in SETS}


def sets_of_fold(recipe: ModelRecipe) -> dict[str, list[str]] | None:
    """Return `training_sets` of a fold that has a card of its own; None for other folds."""
    if recipe.weights or not recipe.source.lower().endswith(".json"):
        return None
    return training_sets(read_card(recipe.source))


def unseeing_folds(study: Study, subject: str) -> list[str]:
    """Return the folds that are known never to have seen the patient of a scan."""
    cards = {name: recipe for name, recipe in study.folds.items() if sets_of_fold(recipe) is not None}
    return [name for name, one in cards.items() if what_it_was(study, read_card(one.source), subject) == "test"]


def what_it_was(study: Study, card: ModelCard, subject: str) -> str:
    """Return how a scan was used when a network was made.

    Parameters
    ----------
    study : Study
        Whose scans the card lists.
    card : ModelCard
    subject : str
        Id of a scan.

    Returns
    -------
    str
        ``"train"``, ``"validation"`` (it chose the epoch), ``"patient"``
        (another scan of the patient did either), ``"test"`` (known not to be
        any of these), or "" where that is not known.
    """
    sets = training_sets(card)
    if sets is None or subject not in study.subjects.index:
        return ""
    for name in ("train", "validation"):
        if subject in sets[name]:
            return name
    seen = [name for name in (*sets["train"], *sets["validation"]) if name in study.subjects.index]
    patients = set(study.subjects.loc[seen, "subject"])
    if study.subjects.loc[subject, "subject"] in patients:
        return "patient"
    return "test" if seen else ""
