"""Choose the output and the score that the maps of a cohort explain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pandas as pd

from mriinterp.base.notices import SIMULATED_ONLY
from mriinterp.cohort.choose import MethodChoice
from mriinterp.methods import get_method
from mriinterp.methods.meaning import target_words
from mriinterp.models import Model
from mriinterp.study import Study

__all__ = [
    "GROUP_CLASS",
    "POSITIVE",
    "PREDICTED",
    "choose_targets",
    "explained_words",
    "positive_output",
    "resolved_target",
    "why_no_test",
    "with_score",
]

POSITIVE, PREDICTED, GROUP_CLASS = "positive", "predicted", "true"
PUBLISHED = "Rieke et al. 2018"


def positive_output(study: Study, model: Model, *, strict: bool = True) -> str:
    """Return the output that stands for the study's positive group: one target for the maps of all groups.

    It is the class of the positive group; of a network whose first head is a
    scale, that scale's output; in a study of one group the last class.

    Parameters
    ----------
    study : Study
    model : Model
    strict : bool
        Whether a positive group without a class is an error. Otherwise the
        last class stands for it.

    Raises
    ------
    ValueError
        If the positive group has no class of the network.
    """
    known = [name for head in model.heads for name in head.classes]
    wanted = study.class_of(study.positive) if study.positive else None
    if wanted in known:
        return str(wanted)
    if model.heads[0].kind == "scale":
        return model.classes[0]
    if study.positive and strict:
        raise ValueError(
            f"expected a class of the network for the positive group {study.positive}, got {wanted or 'none'}; the "
            f"network has {', '.join(known)}; name it under [groups.classes], or choose the target yourself"
        )
    return model.classes[-1]


def resolved_target(study: Study, model: Model, target: str | None, preset: str | None, withheld: bool) -> str:
    """Return the target of a run: "predicted", "true", or an output of the network.

    Parameters
    ----------
    study : Study
    model : Model
    target : str, optional
        "positive", "predicted", "true" or an output. None: "positive"; under a
        preset "predicted", as was published.
    preset : str, optional
    withheld : bool
        Whether predictions must not be shown: then the predicted class is
        not explained either, as the map's target would reveal it.

    Raises
    ------
    ValueError
        For an output the network does not have, and for "predicted" where
        predictions are withheld.
    """
    if target is None:
        target = PREDICTED if preset and not withheld else POSITIVE
    if target == PREDICTED and withheld:
        raise ValueError(
            f"expected one target for all scans, got {target!r}, which would reveal the prediction. {SIMULATED_ONLY}"
        )
    if target == POSITIVE:
        return positive_output(study, model, strict=not withheld)
    known = [name for head in model.heads for name in head.classes]
    if target not in (PREDICTED, GROUP_CLASS, *known):
        options = ", ".join([POSITIVE, PREDICTED, GROUP_CLASS, *known])
        raise ValueError(f"expected a target, got {target!r}; available: {options}")
    return target


def choose_targets(study: Study, model: Model, target: str, rows: pd.DataFrame) -> dict[str, str | None]:
    """Return the output to explain in each group; None for what the network predicts.

    Parameters
    ----------
    study : Study
    model : Model
    target : str
        Of `resolved_target`.
    rows : DataFrame
        The scans of the run.

    Raises
    ------
    ValueError
        For a group without a class of the network.
    """
    groups = [g for g in study.groups if (rows["group"] == g).any()]
    if target == PREDICTED:
        return dict.fromkeys(groups)
    if target != GROUP_CLASS:
        return dict.fromkeys(groups, target)
    found = {g: study.class_of(g) for g in groups}
    lacking = [g for g, name in found.items() if name not in model.classes]
    if lacking or model.heads[0].kind == "scale":
        raise ValueError(
            f"expected a class of the network for every group, got none for {', '.join(lacking or groups)}; "
            f"the network has {', '.join(model.classes)}; name them under [groups.classes], or take another target"
        )
    return found


def with_score(choices: Iterable[MethodChoice], model: Model, target: str) -> tuple[MethodChoice, ...]:
    """Return the methods with the score of cohorts: where one class is explained, its logit margin.

    A probability saturates where the network is sure, so that scans of one
    group would weigh less for that alone. What a preset or the user says about
    the score holds, and so does the usual score of scales.
    """
    head = next((head for head in model.heads if target in head.classes), None)
    if head is None or head.kind == "scale" or len(head.classes) < 2:
        return tuple(choices)
    return tuple(
        replace(choice, params={"score": "margin", **choice.params})
        if choice.preset is None and "score" in get_method(choice.name).parameters
        else choice
        for choice in choices
    )


def explained_words(target: str, preset: str | None = None) -> str:
    """Return what the maps of a run explain, for a caption.

    Examples
    --------
    >>> explained_words("AD")
    'maps explain AD'
    >>> explained_words("predicted")
    'maps explain the class predicted for each scan, as in Rieke et al. 2018'
    """
    words = f"maps explain {target_words(target)}" + (f", as in {PUBLISHED}" if target == PREDICTED else "")
    return f"{words}; parameters and reading as published (preset {preset})" if preset else words


def why_no_test(targets: Mapping[str, str | None], pair: Iterable[str], preset: str | None = None) -> str:
    """Return why maps of two groups must not be tested against each other; "" if they may.

    Parameters
    ----------
    targets : mapping of group to str or None
        Of `choose_targets`.
    pair : (str, str)
        The groups that would be compared.
    preset : str, optional
        Under which the maps were made.
    """
    advice = "Run the cohort with one target for all scans, the default, to compare groups."
    if preset:
        return (
            f"These maps were made as published (preset {preset}), to be averaged as there, not to be tested. {advice}"
        )
    explained = {targets.get(group) for group in pair}
    if None in explained:
        return (
            f"These maps explain what the network predicts for each scan, as in {PUBLISHED}. Maps of different classes "
            f"differ by their class alone, so groups are not tested. {advice}"
        )
    if len(explained) > 1:
        return (
            f"These maps explain another class in each group ({', '.join(sorted(map(str, explained)))}) and differ by that "
            f"alone, so groups are not tested. {advice}"
        )
    return ""
