"""A network on a page: which one, what its card says, the code it runs, and which methods work on it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from mriinterp.base.files import read_text
from mriinterp.base.names import on_disk, shortened
from mriinterp.base.numerals import with_minus
from mriinterp.base.tables import csv_text
from mriinterp.figures.layers import layer_bars
from mriinterp.methods import get_method
from mriinterp.models import Model, write_card
from mriinterp.models.number_inputs import NumberInput
from mriinterp.models.sizes import LayerSize, layer_sizes
from mriinterp.network_check import MethodCheck, NetworkCheck, card_path, check_network
from mriinterp.study import ModelRecipe
from mriinterp.ui.jobs import start_job, watch, work_card
from mriinterp.ui.keys import NETWORK, NETWORK_CHECKS, NETWORK_FILES, NETWORK_PROBLEM
from mriinterp.ui.linked import linked
from mriinterp.ui.resources import network_at, network_of, recipe_at, study_of
from mriinterp.ui.shell import Header
from mriinterp.ui.subject import Subject
from mriinterp.ui.words import as_sentence, escape_markdown

__all__ = [
    "check_key",
    "choose_network",
    "known_check",
    "model_chosen",
    "recipe_chosen",
    "run_check",
    "show_answer",
    "show_card",
    "show_check",
    "watch_check",
]

SLOT = "network"
KEPT = 64


@st.cache_resource(show_spinner=False)
def _checks() -> dict[str, NetworkCheck]:
    """Return the checks on scans of studies, for all sessions, the latest last."""
    return {}


def choose_network(study_name: str) -> str:
    """Let the reader choose the study's network (""), one of its folds, or a file that was opened here (its path)."""
    folds = list(study_of(study_name).folds)
    files = [path for path in NETWORK_FILES.get([]) if path not in folds]
    names = {"": "The study’s own", **{fold: fold for fold in folds}, **{path: Path(path).name for path in files}}
    chosen = st.selectbox(
        "Network",
        list(names),
        format_func=lambda name: names[name] if list(names.values()).count(names[name]) == 1 else name,
        key=linked(NETWORK, "", options=list(names), shows=names.__getitem__),
        persist_state="session",
    )
    with st.popover("Open a network file", icon=":material/folder_open:", type="tertiary"):
        path = st.text_input(
            "Path of a model card (.json) or an exported program (.pt2) on this computer", key="network_path"
        )
        st.caption('A network whose class is in a Python file is opened by a study file, with `code = "my_net.py"`.')
        st.button("Open", key="network_open", disabled=not path, on_click=_open, args=(path,))
        if problem := NETWORK_PROBLEM.take():
            st.error(escape_markdown(problem))
    return chosen


def _open(path: str) -> None:
    """Choose a network file; runs before the page, so that the select box may change."""
    file = str(on_disk(Path(path.strip().strip('"')).expanduser().absolute()))
    try:
        recipe_at(file)
    except (ValueError, OSError, KeyError) as error:
        NETWORK_PROBLEM.put(str(error))
        return
    NETWORK_FILES.put(list(dict.fromkeys([file, *NETWORK_FILES.get([])]))[:8])
    NETWORK.put(file)


def _is_file(chosen: str) -> bool:
    return chosen in NETWORK_FILES.get(())


def recipe_chosen(study_name: str, chosen: str) -> ModelRecipe:
    """Return how the network of `choose_network` is loaded."""
    if _is_file(chosen):
        return recipe_at(chosen)
    study = study_of(study_name)
    return study.folds[chosen] if chosen else study.model_recipe


def model_chosen(study_name: str, chosen: str) -> Model:
    """Return the network of `choose_network`; errors as of `network_of` and `network_at`."""
    return network_at(chosen, study_name) if _is_file(chosen) else network_of(study_name, chosen)


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


def show_answer(header: Header, model: Model, found: NetworkCheck | None) -> None:
    """Show in the page's first line what the network reads and returns, and how many methods work on it."""
    card = model.card
    returns = "; ".join(", ".join(head.classes) for head in card.heads)
    read = f"{len(card.images)} images" if card.images else "a scan"
    shape = "×".join(map(str, model.grid.shape))
    words = f"**{escape_markdown(card.name)}** reads {read} of {shape} voxels and returns {escape_markdown(returns)}"
    if found is None:
        header.answer(f"{words}; which methods work on it was not tried yet.")
    else:
        header.answer(f"{words}; **{len(found.works)} of {len(found.methods)} methods work** on it.")


def show_card(model: Model, recipe: ModelRecipe) -> None:
    """Show the network's layers as a picture beside what is known of it, and the card as a file."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        layers = _layers(model.digest, model)
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
    with right, st.container(key="compact_card"):
        st.markdown("  \n".join(f":gray[{key}] {escape_markdown(value)}" for key, value in _cells(model).items()))
        for note in model.notes:
            st.caption(escape_markdown(as_sentence(note)))
        st.download_button(
            "Card (JSON)",
            lambda: _card_text(model, recipe),
            card_path(recipe.source, recipe.weights).name if recipe.lacks_card() else f"{_stem(model.card.name)}.json",
            key="get_card",
            help="With what was found out when it was loaded; put it beside the weights.",
            on_click="ignore",
        )


@st.cache_data(max_entries=8, show_spinner=False)
def _layers(digest: str, _model: Model) -> list[LayerSize]:
    return layer_sizes(_model.module, _model.grid.shape, _model.card.channels)


def _card_text(model: Model, recipe: ModelRecipe) -> str:
    card = model.card
    if not card.weights and recipe.weights:
        card = replace(card, weights=tuple(Path(name).name for name in recipe.weights))
    with tempfile.TemporaryDirectory() as folder:
        write_card(card, Path(folder) / "card.json")
        return read_text(Path(folder) / "card.json")


def check_key(model: Model, subject: Subject) -> str:
    """Return the key of the check of a network on a scan."""
    return f"check {model.digest} {subject.scan.digest} {model.device}"


def _kept(subject: Subject) -> dict[str, NetworkCheck]:
    return NETWORK_CHECKS.begin({}) if subject.uploaded else _checks()


def known_check(model: Model, subject: Subject) -> NetworkCheck | None:
    """Return the check of a network on a scan, if it was made."""
    return _kept(subject).get(check_key(model, subject))


def run_check(model: Model, subject: Subject) -> None:
    """Start the check."""
    kept, key, scan = _kept(subject), check_key(model, subject), subject.scan_for(model)

    def work(progress, cancel) -> None:
        kept[key] = check_network(model, scan, progress=progress, cancel=cancel)
        while len(kept) > KEPT:
            del kept[next(iter(kept))]

    start_job(SLOT, f"Check of {model.card.name} on {subject.name}", key, work, shared=not subject.uploaded)


def watch_check(model: Model, subject: Subject) -> bool:
    """Show a check that goes on; return whether there is one."""
    with work_card():
        return watch(SLOT, check_key(model, subject))


def show_check(found: NetworkCheck, subject: Subject) -> None:
    """Show what a check found: how the network behaves, and a row a method."""
    speed = found.occlusion
    parts = [
        f"**{len(found.works)} of {len(found.methods)}** methods work",
        f"a pass takes **{_seconds(found.forward_seconds)}**",
        f"the same scan gives {'the same output' if found.deterministic else '**another output each time**'}",
    ]
    if speed is not None:
        parts.append(f"occlusion is **{speed.speedup:.1f}×** as fast as the plain loop")
    st.markdown(" · ".join(parts))
    if speed is not None:
        windows = f"{speed.windows:,} window{'s' if speed.windows != 1 else ''}"
        loop = (
            f"occlusion: {windows} in {_seconds(speed.seconds)}, the plain loop takes {_seconds(speed.plain_seconds)}"
        )
        st.caption(escape_markdown(as_sentence(f"{loop}; {speed.why}")))
    for note in found.notes:
        (st.caption if found.deterministic else st.warning)(escape_markdown(as_sentence(note)))
    for text, names in found.doubts.items():
        labels = ", ".join(get_method(name).label for name in names)
        st.warning(escape_markdown(as_sentence(f"{labels}: {text}")), icon=":material/warning:")
    table = found.table()
    shown = pd.DataFrame(
        {
            "Method": table["label"],
            "Works": ["refused" if not one.works else "doubtful" if one.doubts else "yes" for one in found.methods],
            "A map takes": [_time(check) for check in found.methods],
            "Layer, or why not": table["layer"].where(table["works"], table["reason"]),
        }
    )
    wide = {"Layer, or why not": st.column_config.TextColumn(width="large")}
    st.dataframe(shown, hide_index=True, width="stretch", height="content", column_config=wide)
    st.download_button(
        "Table (CSV)",
        lambda: csv_text(table),
        f"{_stem(found.network)}_check.csv",
        key="get_check",
        on_click="ignore",
        help=f"Measured on {found.device} with the scan {subject.name}",
    )


def _stem(name: str) -> str:
    return shortened(re.sub(r"[^\w-]+", "_", name))


def _time(check: MethodCheck) -> str:
    return "" if check.seconds is None else f"{'about ' if check.estimated else ''}{_seconds(check.seconds)}"


def _seconds(seconds: float) -> str:
    if seconds < 0.001:
        return "less than 1 ms"
    return (
        f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    )
