"""The cohort page's viewer: which averages and which sign of the maps; side by side, or a pair of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import streamlit as st

from mriinterp.image.template import template
from mriinterp.image.volume import Volume
from mriinterp.methods.meaning import SHARE_UNIT, caption_words, file_stem, hidden_list, scale_words, size_words
from mriinterp.ui.base.linked import linked, linked_list
from mriinterp.ui.base.viewlink import linked_viewer
from mriinterp.ui.cohort.averages import StudyView, averages_ready
from mriinterp.ui.cohort.data import View
from mriinterp.ui.cohort.truth import group_truth
from mriinterp.ui.maps.signs import choose_part, share_density, signed_layer
from mriinterp.ui.session.keys import PAIR
from mriinterp.ui.shell.page import escape_markdown
from mriinterp.ui.sources.resources import atlas_of, on_grid_of, study_of
from mriinterp.ui.viewer import Layer, pack_ahead

__all__ = ["VIEWER", "Shown", "background_of", "choose_shown", "open_pair", "pack_planes", "show_planes"]

VIEWER = "cohort_planes"
MOST_NAMED = 3  # averages that a file's name can name
PLANE_PX = 170  # so that bars and distances below the averages stay in sight at 1280 × 800
DEFAULTS = {"layout": "columns", "planes": "Coronal"}  # a plane of every average, beside each other
SHARES_OF = "the relevance of all maps in all areas"
FOLDS = "folds-"  # before the group whose averages are shown fold by fold
DERIVED = {"all": "All groups", "difference": "Difference", "effect": "Effect size"}


@st.cache_resource(max_entries=4, show_spinner="Opening the mean training scan …")
def _background(name: str, opened: str, stamp: str) -> Volume:
    return study_of(name).background()


@st.cache_resource(max_entries=2, show_spinner=False)
def _template(name: str, shape: tuple, _view: View) -> Volume:
    return template(_view.grid).canonical()


def background_of(name: str, view: View) -> Volume:
    """Return what averages lie over, on their grid: the mean training scan, or the template."""
    if not isinstance(view, StudyView):
        return _template("template", view.grid.shape, view)
    study = study_of(name)
    background = _background(name, study.opened, study.background_stamp())
    return on_grid_of(background, Volume(np.broadcast_to(np.float32(0), view.grid.shape), view.grid.affine))


def _scale_of(volumes: list[Volume], signed: bool) -> tuple[float, float]:
    """Return one range of colours for averages that are to be compared: up to the largest 99.9th percentile."""
    tops = [_tops(volume.digest, volume) for volume in volumes]
    highest = max((high for high, _ in tops), default=0.0) or max((top for _, top in tops), default=0.0) or 1.0
    return (-highest if signed else 0.0, highest)


@st.cache_data(max_entries=256, show_spinner=False)
def _tops(digest: str, _volume: Volume) -> tuple[float, float]:
    """Return the 99.9th percentile and the largest of the magnitudes of a map."""
    size = np.abs(_volume.data)
    return float(np.percentile(size, 99.9)), float(size.max())


def _one_scale(layers: list[Layer]) -> bool:
    """Return whether all maps were given one range of colours; a difference and an effect have nothing in common."""
    return layers[0].range is not None and all(layer.range == layers[0].range for layer in layers)


def _options(view: View, method: str) -> dict[str, str]:
    groups = sorted(view.groups, key=lambda g: g != view.positive)
    options = {f"mean-{group}": group for group in groups}
    if isinstance(view, StudyView) and view.by_fold():
        options |= {f"{FOLDS}{group}": f"{group} by fold" for group in groups}
    if len(view.groups) > 1:
        options["all"] = DERIVED["all"]
    if view.pair and not view.why_no_test(method):
        options["difference"] = f"{view.pair[0]} − {view.pair[1]}"
        if isinstance(view, StudyView) and not view.packed:
            options["effect"] = DERIVED["effect"]
    return options


def _first(options: Iterable[str]) -> list[str]:
    """Return which averages the planes begin with."""
    return [*[o for o in options if o.startswith("mean-")][:2], *(o for o in options if o == "difference")]


def pack_planes(name: str, view: View, method: str) -> None:
    """Pack what the planes begin with, before the page shows it."""
    layers, _ = _layers(name, view, method, _first(_options(view, method)))
    pack_ahead(background_of(name, view), layers, atlas=atlas_of(name).on(view.grid), contours=group_truth(name, view))


def _layers(name: str, view: View, method: str, shown: list[str]) -> tuple[list[Layer], list[str]]:
    """Return the chosen averages, and words about those that cannot be shown."""
    groups = [g for g in view.groups if view.has(method, g)]
    unit = view.unit(method)
    meaning = view.meaning(method)
    means = {f"mean-{g}": view.mean(method, g) for g in groups if f"mean-{g}" in shown}
    if "all" in shown and groups:
        means["all"] = view.all_mean(method)
    names = _options(view, method)
    columns = {what: {names[what]: mean} for what, mean in means.items()}
    columns |= {what: _fold_means(view, method, what.removeprefix(FOLDS)) for what in shown if what.startswith(FOLDS)}
    common = _scale_of([mean for found in columns.values() for mean in found.values()], meaning.signed)
    layers, missing = [], []
    for what in shown:
        if columns.get(what):
            layers += [
                signed_layer(label, mean, meaning, view.part, unit=unit, range=common)
                for label, mean in columns[what].items()
            ]
        elif what.startswith(FOLDS):
            missing.append(f"No map of {escape_markdown(what.removeprefix(FOLDS))} remains: there is no average of it.")
        elif what.startswith("mean-"):
            missing.append(f"No map of {escape_markdown(names[what])} remains: there is no average of it.")
        elif what == "difference" and all(view.has(method, g) for g in view.compared):
            layers.append(Layer(names[what], view.difference(method), f"difference of {view.unit_compared(method)}"))
        elif what == "effect" and (g := view.effect(method)) is not None:
            more = f"Hedges’ g of each voxel of the brain, in standard deviations; above 0: more in {view.compared[0]}"
            brain = on_grid_of(study_of(name).brain_mask(), g, order=0)
            layers.append(Layer(names[what], g.with_data(np.where(brain.data > 0, g.data, 0)), more, True))
        else:
            missing.append(f"{names[what]}: {_lacking(view, what)}.")
    return layers, missing


def _fold_means(view: View, method: str, group: str) -> dict[str, Volume]:
    """Return the average of a group in each fold, and that of all folds together."""
    if not isinstance(view, StudyView) or not view.has(method, group):
        return {}
    folds = {name: one for name, one in view.by_fold().items() if method in one.methods and one.has(method, group)}
    found = {f"{group}, {name}": one.mean(method, group) for name, one in folds.items()}
    return {**found, f"{group}, mean of {len(found)} folds": view.mean(method, group)}


def _lacking(view: View, what: str) -> str:
    """Return why a difference or an effect size cannot be shown."""
    if isinstance(view, StudyView) and what == "effect" and view.part != "both" and not view.result.has_maps:
        return "of one sign it needs the maps of single scans, which were not kept in this run (--no-maps)"
    return f"needs {'two maps' if what == 'effect' else 'a map'} in both groups"


def open_pair(first: tuple[str, str], second: tuple[str, str]) -> None:
    """Show two averages, each (method, group), beside each other; for a click on a distance."""
    PAIR.put("~".join(quote(part, safe=" ") for part in (*first, *second)))


def _read_pair(view: View) -> tuple[tuple[str, str], tuple[str, str]] | None:
    places = {(m, g) for m in view.methods for g in view.groups if view.has(m, g)}

    def both(text: str) -> tuple | None:
        parts = [unquote(part) for part in text.split("~")]
        pair = tuple(parts[:2]), tuple(parts[2:])
        return pair if len(parts) == 4 and set(pair) <= places else None

    key = linked(
        PAIR, "", valid=lambda text: not text or both(text) is not None, shows=lambda _: "the view of the groups"
    )
    return both(key.value)


def _share(view: View, method: str, group: str) -> Volume:
    volume = view.size(method, group)
    return share_density(volume, volume.data.astype(np.float64))


def _pair_layers(view: View, pair) -> list[Layer]:
    volumes = [_share(view, *place) for place in pair]
    names = [f"{view.label(method)}, {group}" for method, group in pair]
    common = _scale_of(volumes, False)
    layers = [Layer(n, v, SHARE_UNIT, False, common) for n, v in zip(names, volumes, strict=True)]
    (one, group_a), (_, group_b) = pair
    if group_a != group_b and view.why_no_test(one):
        return layers
    difference = volumes[0].with_data(volumes[0].data - volumes[1].data)
    return [*layers, Layer(f"{names[0]} − {names[1]}", difference, f"difference in {SHARE_UNIT}", True)]


@dataclass(frozen=True, eq=False)
class Shown:
    """What the planes show.

    Parameters
    ----------
    view : View
        With the sign of the maps that is chosen for the whole page.
    averages : list of str
        Keys of the chosen averages, in order.
    pair : tuple or None
        Two averages, each (method, group), that take their place.
    """

    view: View
    averages: list[str]
    pair: tuple[tuple[str, str], tuple[str, str]] | None


def choose_shown(view: View, method: str, place: Any) -> Shown:
    """Choose averages, and which sign of the maps the page shows; `place`: container of the choices."""
    pair = _read_pair(view)
    with place:
        averages: list[str] = []
        if pair is None:
            options = _options(view, method)
            start = _first(options)
            chosen = st.pills(
                "Averages",
                list(options),
                selection_mode="multi",
                format_func=options.__getitem__,
                key=linked_list("maps", start, list(options)),
                persist_state="session",
            )
            averages = [o for o in options if o in chosen] or start
        else:
            st.button(
                "Back to the groups", icon=":material/arrow_back:", on_click=PAIR.put, args=("",), key="close_pair"
            )
        with st.popover("Signs", icon=":material/contrast:", width="stretch"):
            view = view.with_part(_choose_signs(view, method))
    return Shown(view, averages, pair)


def _choose_signs(view: View, method: str) -> str:
    """Choose which sign of the maps is shown: of the chosen method, whose words it has, and of all others alike."""
    shares = {m: view.part_shares(m) for m in view.methods}
    known = {m: found for m, found in shares.items() if found is not None and np.isfinite(found["both"])}
    signed = [m for m in known if view.meaning(m).signed]
    asked = [method] if method in signed else signed
    shares_shown = known[method] if method in asked else None
    return choose_part([view.meaning(m) for m in asked], shares_shown, of=SHARES_OF)


def show_planes(name: str, shown: Shown, method: str) -> str:
    """Show the averages in linked planes over the mean training scan or the template; return what the colours mean."""
    view, pair = shown.view, shown.pair
    spread = pair is None and "effect" in shown.averages
    if not averages_ready(view, [method] if pair is None else [m for m, _ in pair], spread=spread):
        return ""
    if pair is None:
        layers, missing = _layers(name, view, method, shown.averages)
        no_test = view.why_no_test(method) if view.pair else ""
        hidden = view.hidden_words(method)
        more = escape_markdown(" ".join(filter(None, [hidden, no_test])))
        about = [view.label(method), view.explained_words(method), hidden and f"{view.part_name(method)}. {hidden}"]
        for sentence in missing:
            st.info(sentence, icon=":material/group_off:")
    else:
        layers = _pair_layers(view, pair)
        shares = {view.label(m): view.hidden_share(m) for m in dict.fromkeys(m for m, _ in pair)}
        read = f"{size_words(view.part)}, and scaled to the same sum, as for the distance."
        about = [read, hidden_list(shares)]
        more = escape_markdown(" ".join(filter(None, about)))
    return " ".join(filter(None, [_viewer(name, view, layers, about), more])) if layers else ""


def _viewer(name: str, view: View, layers: list[Layer], about: list[str]) -> str:
    """Show layers, and return what their colours mean; `about`: what a saved picture says besides their names."""
    state = linked_viewer(
        background_of(name, view),
        layers,
        atlas=atlas_of(name).on(view.grid),
        contours=group_truth(name, view),
        key=VIEWER,
        share_range=_one_scale(layers),
        height=PLANE_PX,
        defaults=DEFAULTS,
        scan_label="Background",
        caption=caption_words(
            view.title, "", simulated=view.simulated, more=[*(layer.name for layer in layers), *about]
        ),
        stem=file_stem(view.title, *(layer.name for layer in layers[:MOST_NAMED]), view.part_stem),
    )
    one = state.settings.get("top") is not None  # a reader who sets the end of the scales has made them one
    ranges = [(0, 1) if one else layer.range for layer in layers]
    return scale_words([layer.name for layer in layers], ranges)
