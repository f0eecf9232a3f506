"""A network without a card: what is unknown is guessed from a scan, corrected by the reader, and offered as a file."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from mriinterp.image.volume import Volume
from mriinterp.models import Model
from mriinterp.network_check import card_path, open_network
from mriinterp.study import ModelRecipe
from mriinterp.ui.base.linked import linked
from mriinterp.ui.base.words import as_sentence, choice_words, escape_markdown
from mriinterp.ui.scan.subject import Subject, first_subject, known_subject, subject_label
from mriinterp.ui.sources.consent import check_code
from mriinterp.ui.sources.resources import study_of

__all__ = ["choose_scan", "further_entries", "guessed_model"]

NORMALISATIONS = ("none", "scan_mean", "scan_zscore", "volume_zscore", "min_max", "percentile")
ORDERS = {"file": "As in the scan’s file", "ras": "Right, anterior, superior"}


def choose_scan(study_name: str) -> Subject:
    """Let the reader choose a subject of the study, without any network."""
    study = study_of(study_name)
    ids = study.subjects.index.tolist()
    chosen = st.selectbox(
        "Subject",
        ids,
        format_func=lambda s: subject_label(study, s),
        key=linked("subject", first_subject(study), options=ids, always=True),
        persist_state="session",
        help="The network is taken to read the grid of this scan.",
    )
    return known_subject(study_name, chosen)


def guessed_model(recipe: ModelRecipe, study_name: str, subject: Subject) -> Model:
    """Show what is guessed of a network without a card, let the reader correct it, and return the network.

    Raises
    ------
    Remedied
        If its code may not run here.
    OSError, ValueError
        If the network cannot be opened, or does not read such a scan.
    """
    check_code([recipe], study_name)
    notes = st.container()
    left, middle, right = st.columns(3)
    names = left.text_input("Names of the outputs, in their order", key="card_classes", placeholder="CN, AD")
    kind = middle.selectbox("Normalisation", NORMALISATIONS, format_func=choice_words, key="card_normalisation")
    order = right.selectbox("Voxel order it reads", list(ORDERS), format_func=ORDERS.__getitem__, key="card_order")
    more = st.text_input(
        "Further entries of the card (JSON)",
        key="card_more",
        placeholder='"output": "bins", "centres": [42.5, 43.5], "pick": "logits", "images": ["t1", "gm"]',
        help="What the fields above do not say: kind of output, the entry that is read, images, numbers, space.",
    )
    classes = [name.strip() for name in names.split(",") if name.strip()]
    about = {"classes": classes, "normalisation": {"kind": kind} if kind != "none" else None} | further_entries(more)
    model, guessed = _opened(recipe, recipe.stamp(), json.dumps(about), order, subject.scan.digest, subject.scan)
    path = card_path(recipe.source, recipe.weights)
    words = "".join(f"\n- {escape_markdown(as_sentence(_without_options(text)))}" for text in guessed)
    notes.warning(
        f"This network has no card. The grid is that of the scan.{words}\n\nCorrect it here, download the card, and put it "
        f"beside the network’s file as {escape_markdown(path.name)}: then studies open the network.",
        icon=":material/id_card:",
    )
    return model


def further_entries(text: str) -> dict[str, Any]:
    """Return entries of a card as they are typed, with or without braces.

    Raises
    ------
    ValueError
        If it is no JSON object.
    """
    try:
        entries = json.loads(text if text.strip().startswith("{") else f"{{{text}}}")
    except (ValueError, RecursionError) as error:
        raise ValueError(f'expected entries of a card like "pick": "logits", got other text: {error}') from error
    if not isinstance(entries, dict):
        raise ValueError(f"expected entries of a card, got {type(entries).__name__}")
    return entries


def _without_options(text: str) -> str:
    """Return a guess without the option of the command line that corrects it: here a widget does."""
    words, option, _ = text.partition(" --")
    return words.partition("; if ")[0].rstrip(":;,") if option else text


@st.cache_resource(max_entries=4, show_spinner="Opening the network …")
def _opened(
    recipe: ModelRecipe, stamp: str, about: str, order: str, scan: str, _scan: Volume
) -> tuple[Model, tuple[str, ...]]:
    with recipe.architectures():
        return open_network(
            recipe.source, _scan, recipe.weights, about=json.loads(about), trust_code=recipe.trust_code, order=order
        )
