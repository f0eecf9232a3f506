"""What the card of a network says: its layers as a picture, what is known of it, and the card as a file."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from mriinterp.base.allocator import give_back
from mriinterp.base.files import read_text
from mriinterp.base.names import shortened
from mriinterp.base.numerals import with_minus
from mriinterp.figures.layers import layer_bars
from mriinterp.models import Model, write_card
from mriinterp.models.number_inputs import NumberInput
from mriinterp.models.sizes import LayerSize, layer_sizes
from mriinterp.network_check import card_path
from mriinterp.study import ModelRecipe
from mriinterp.ui.base.words import as_sentence, escape_markdown
from mriinterp.ui.network.field import field_words, unread_words

__all__ = ["show_card", "sizes_of_layers", "stem_of"]


def show_card(model: Model, recipe: ModelRecipe) -> None:
    """Show the network's layers as a picture beside what is known of it, and the card as a file."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        layers = sizes_of_layers(model)
        if layers:
            outputs = [name for head in model.card.heads for name in head.classes]
            st.plotly_chart(
                layer_bars(layers, model.grid.shape, outputs), key="layers", config={"displayModeBar": False}
            )
            st.caption(
                f"{len(layers)} layers; ×: channels or units. What remains of the scan’s grid decides how fine a map of a layer can be."
            )
        else:
            st.caption("No layers to list: an exported program keeps none, and some networks run on real data alone.")
        if words := unread_words(model):
            st.markdown(f":orange[:material/visibility_off:] {words}")
    with right, st.container(key="compact_card"):
        st.markdown("  \n".join(f":gray[{key}] {escape_markdown(value)}" for key, value in _cells(model).items()))
        for note in model.notes:
            st.caption(escape_markdown(as_sentence(note)))
        st.download_button(
            "Card (JSON)",
            lambda: _card_text(model, recipe),
            card_path(recipe.source, recipe.weights).name
            if recipe.lacks_card()
            else f"{stem_of(model.card.name)}.json",
            key="get_card",
            help="With what was found out when it was loaded; put it beside the weights.",
            on_click="ignore",
        )


@st.cache_data(max_entries=8, show_spinner=False)
def _layers(digest: str, _model: Model) -> list[LayerSize]:
    found = layer_sizes(_model.module, _model.grid.shape, _model.card.channels)
    give_back()
    return found


def sizes_of_layers(model: Model) -> list[LayerSize]:
    """Return the network's layers with what each makes of a scan; empty where they cannot be listed."""
    return _layers(model.digest, model)


def _card_text(model: Model, recipe: ModelRecipe) -> str:
    card = model.card
    if not card.weights and recipe.weights:
        card = replace(card, weights=tuple(Path(name).name for name in recipe.weights))
    with tempfile.TemporaryDirectory() as folder:
        write_card(card, Path(folder) / "card.json")
        return read_text(Path(folder) / "card.json")


def stem_of(name: str) -> str:
    """Return a name as that of a file, without its ending."""
    return shortened(re.sub(r"[^\w-]+", "_", name))


def _cells(model: Model) -> dict[str, str]:
    """Return what the card says, in words."""
    card = model.card
    heads = [
        f"{', '.join(head.classes)} ({'a scale' if head.kind == 'scale' else head.output_kind.label})"
        for head in card.heads
    ]
    trained = (
        "simulated brains only: it diagnoses no patient"
        if card.simulated
        else card.about.get("training_data", "unknown")
    )
    rows = {
        "Name": card.name,
        "Architecture": card.architecture,
        "Reads": with_minus(f"{model.grid}; {card.space}, {'skull-stripped' if card.skull_stripped else 'with skull'}"),
        "Returns": "; ".join(heads),
        **({"Images": ", ".join(card.images)} if card.images else {}),
        **({"Numbers": with_minus("; ".join(map(_number_words, card.numbers)))} if card.numbers else {}),
        **({} if card.pick is None else {"Entry that is read": str(card.pick)}),
        **({"Field of view": field} if (field := field_words(model)) else {}),
        "Normalisation": with_minus(_normalisation_words(card.normalisation, card.images)),
        "Brain mask": Path(card.brain_mask).name if card.brain_mask else "none",
        "Weights": ", ".join(Path(name).name for name in card.weights) or "as the study names them",
        "Trained on": trained if isinstance(trained, str) else "see the card",
        "SHA-256": f"{model.digest[:32]}…",
    }
    return {
        **rows,
        **{key.capitalize(): str(card.about[key]) for key in ("citation", "licence") if card.about.get(key)},
    }


def _number_words(number: NumberInput) -> str:
    """Return a number that a network reads: its name, and how it is scaled."""
    default = "" if number.default is None else f", {number.default:g} where a scan has none"
    return f"{number.name} (minus {number.mean:g}, divided by {number.std:g}{default})"


def _normalisation_words(entry: Mapping[str, Any] | None, images: Sequence[str]) -> str:
    """Return what is done to intensities, for each image where it is not the same for all."""
    entry = entry or {"kind": "none"}
    if "kind" not in entry and images:
        return "; ".join(f"{name}: {_normalisation_words(entry.get(name), ())}" for name in images)
    more = ", ".join(f"{key} {value}" for key, value in entry.items() if key != "kind")
    return f"{entry.get('kind', 'none')}{f' ({more})' if more else ''}"
