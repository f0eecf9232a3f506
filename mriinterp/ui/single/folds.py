"""Answers of all versions of a network for a scan, such as the folds of a cross-validation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from mriinterp.base.numerals import decimals, percent
from mriinterp.models import Model, Prediction
from mriinterp.ui.base.linked import flag, linked
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.scan.subject import Subject
from mriinterp.ui.sources.resources import network_of, prediction_of, study_of

__all__ = ["choose_folds", "ensemble_words", "show_folds"]


def choose_folds(study_name: str, model: Model, subject: Subject) -> bool:
    """Offer to ask all versions of a study's network; nothing if there is one only, or no prediction may be shown."""
    count = len(study_of(study_name).folds)
    if count < 2 or not subject.diagnosed_by(model):
        return False
    return st.toggle(
        f"Ask all {count} versions of the network",
        key=linked("folds", False, options=(False, True), cast=flag),
        help="The same network, trained on other parts of the data: how far the answers differ shows how sure they are. "
        "The map explains the study's own version; Compare shows the maps of the others.",
        persist_state="session",
    )


def show_folds(study_name: str, model: Model, subject: Subject) -> None:
    """Show mean and spread of the answers of all versions for a scan, and each of them."""
    found = {}
    for name in study_of(study_name).folds:
        scan = subject.scan_for(network_of(study_name, name))
        asked = subject.in_study
        found[name] = prediction_of(study_name, scan.digest, scan, asked, network=name)
    st.markdown(escape_markdown(ensemble_words(model, found)))


def ensemble_words(model: Model, found: dict[str, Prediction]) -> str:
    """Return mean, spread and single answers of several networks of the same outputs, in words.

    Parameters
    ----------
    model : Model
        One of them, for the names of the outputs.
    found : dict of str to Prediction
        By name of the version.

    Returns
    -------
    str
        For a scale its value, for classes the probability of the class that
        has the highest mean probability; SD with n − 1.
    """
    head = model.heads[0]
    number: Callable[[float], str]
    if head.kind == "scale":
        name, number = head.classes[0], partial(decimals, digits=2)
        values = [prediction.outputs[name] for prediction in found.values()]
        what = head.name
    else:
        means = {c: np.mean([prediction.probabilities[c] for prediction in found.values()]) for c in head.classes}
        name, number = max(means, key=means.__getitem__), partial(percent, digits=1)
        values = [prediction.probabilities[name] for prediction in found.values()]
        what = f"P({name})"
    each = ", ".join(f"{fold} {number(value)}" for fold, value in zip(found, values, strict=True))
    return (
        f"All {len(values)} versions: mean {what} {number(np.mean(values))}, standard deviation "
        f"{number(np.std(values, ddof=1))} ({each})"
    )
