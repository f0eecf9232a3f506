"""Networks that the compare page can show beside a study's own: folds, packaged ones, those made to mislead."""

from __future__ import annotations

import streamlit as st

from mriinterp.models import packaged_models, read_card
from mriinterp.study import Study
from mriinterp.study.demo import DemoStudy

__all__ = ["first_networks", "network_label", "networks_of", "shortcut_of"]

REPLICATES = "demo_seed"  # networks of the demo's recipe from other seeds


def networks_of(study: Study) -> list[str]:
    """Return the study's network (""), its folds, and packaged networks; the demo's replicates only for the demo."""
    demo = isinstance(study, DemoStudy)
    packaged = (name for name in packaged_models() if name != study.model_recipe.source)
    offered = (name for name in packaged if demo or not name.startswith(REPLICATES))
    return list(dict.fromkeys(["", *study.folds, *offered]))


def first_networks(study: Study) -> list[str]:
    """Return the networks that the page opens with: those of the study itself, each once, none that was made to mislead."""
    again = study.model_recipe in study.folds.values()
    names = networks_of(study) if isinstance(study, DemoStudy) else [*([] if again else [""]), *study.folds]
    plain = [name for name in names if not shortcut_of(name)]
    return plain if len(plain) > 1 else names


@st.cache_data(max_entries=64, show_spinner=False)
def shortcut_of(name: str) -> str:
    """Return what a network made to mislead was trained on; "" for all others."""
    card = packaged_models().get(name)
    return "" if card is None else read_card(card).shortcut


def network_label(name: str) -> str:
    """Return a network's name for people; one that was made to mislead says so."""
    return f"{name} (learned a shortcut)" if shortcut_of(name) else name or "The study’s network"
