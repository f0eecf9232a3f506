"""The trust page's parts: measured figures of a study, and measures taken on the spot."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import pandas as pd
import streamlit as st

from mriinterp.figures.trust import cascade_lines, deletion_curves, quantity_dots, trust_heatmap
from mriinterp.methods import get_method, method_names
from mriinterp.progress import Cancel, Progress
from mriinterp.study import Study
from mriinterp.trust import (
    CAVEAT,
    Bench,
    Explainer,
    findings,
    get_measure,
    load_details,
    make_plan,
    run_benchmark,
    verdict,
)
from mriinterp.trust.randomisation import cascade
from mriinterp.trust.report import TABLE
from mriinterp.trust.words import label_of
from mriinterp.ui.jobs import start_job, watch
from mriinterp.ui.resources import atlas_of, model_of, on_grid_of, scan_of, study_of
from mriinterp.ui.trust_data import measured, plan_of, results_folder, table_of
from mriinterp.ui.viewer import Layer, viewer
from mriinterp.volume import Volume

__all__ = [
    "card",
    "measured",
    "methods_of",
    "offer_cascade",
    "results_folder",
    "run_quick",
    "show_measure",
    "show_overview",
    "table_of",
]

CASCADE_STEPS = 4
CASCADES_KEPT = 6


def run_quick(study: Study, folder: Path, progress: Progress, cancel: Cancel) -> None:
    """The quick benchmark, going on where it was stopped."""
    run_benchmark(make_plan(study, quick=True), Bench(study, folder=folder), folder, progress=progress, cancel=cancel)


def card(study: Study, table: pd.DataFrame, method: str) -> None:
    """What the measures say of one method, a sentence each, with the caveat."""
    entry = get_method(method)
    st.subheader(entry.label, anchor=False)
    st.caption(f"{entry.summary} *{entry.reference}* — {entry.caution}")
    columns = st.columns(2)
    names = list(dict.fromkeys(table["measure"]))
    if "localisation" not in names:
        columns[0].markdown("**Ground-truth localisation** — this study has no ground truth: nobody can tell.")
    for place, name in enumerate(names):
        about = get_measure(name)
        said = verdict(table, name, method) or "Not measured for this method."
        columns[place % 2].markdown(f"**{about.label}** — {said}", help=f"{about.question} {about.reference}")
    st.caption(CAVEAT)


def show_overview(folder: Path, table: pd.DataFrame) -> None:
    """All methods beside the controls, and what that means in words."""
    plan = plan_of(folder)
    st.plotly_chart(trust_heatmap(table, TABLE, labels=_labels(table)), key="trust_heatmap")
    for sentence in findings(table):
        st.markdown(f"- {sentence}")
    st.caption(
        f"{plan.get('title', plan.get('study', ''))}. Means over subjects; bright is better within a column; "
        "grey rows are controls that know nothing of the network. The command: `python -m mriinterp trust demo --out DIR`."
    )


def _labels(table: pd.DataFrame) -> dict[str, str]:
    return {name: label_of(name) for name in dict.fromkeys(table["method"])}


def show_measure(folder: Path, table: pd.DataFrame, measure: str, method: str) -> None:
    """One measure of all methods with intervals, and the curves behind it."""
    about = get_measure(measure)
    rows = table[table["measure"] == measure]
    if rows.empty:
        reason = plan_of(folder).get("skipped", {}).get(measure, "it was not part of this benchmark")
        st.info(f"{about.label}: not measured here ({reason}).")
        return
    st.markdown(f"**{about.question}** *{about.reference}*")
    options = [q for q in about.quantities if (rows["quantity"] == q.name).any()]
    chosen = st.selectbox(
        "Figure", options, format_func=lambda q: f"{q.label} ({q.unit})" if q.unit else q.label, key=f"q_{measure}"
    )
    left, right = st.columns([3, 2])
    left.plotly_chart(quantity_dots(table, measure, chosen.name, labels=_labels(table)), key=f"dots_{measure}")
    if chosen.better:
        left.caption(
            f"{chosen.better.capitalize()} is better. Bars: 95 % intervals over subjects; shaded: the range of the controls."
        )
    details = load_details(folder, measure)
    known = [name for name in dict.fromkeys(name for name, _ in details) if not name.startswith("control_")]
    shown = [method] if method in known else known[:3]
    draw = {"deletion": deletion_curves, "randomisation": cascade_lines}.get(measure)
    if draw and shown:
        right.plotly_chart(draw(details, shown, labels=_labels(table)), key=f"curves_{measure}")


@st.cache_resource(show_spinner=False)
def _cascades() -> OrderedDict[str, list[tuple[str, Volume]]]:
    """Rows of maps made by jobs, a few at a time: threads cannot write into a session."""
    return OrderedDict()


def offer_cascade(study_name: str, subject: str, method: str) -> None:
    """A button that makes the row of maps of randomised networks, then the row."""
    made, key = _cascades(), f"{model_of(study_name).digest} {subject} {method}"

    def work(progress: Progress, cancel: Cancel) -> None:
        made[key] = cascade_maps(study_name, subject, method, progress, cancel)
        while len(made) > CASCADES_KEPT:
            made.popitem(last=False)

    label = f"{get_method(method).label} of randomised networks"
    if st.button(f"Show the maps of {subject}", icon=":material/view_column:", key="cascade_go"):
        start_job("cascade", label, key, work)
    watch("cascade")
    if key in made:
        show_cascade(study_name, subject, method, made[key])


def cascade_maps(
    study_name: str, subject: str, method: str, progress: Progress, cancel: Cancel
) -> list[tuple[str, Volume]]:
    """Maps of the network as it is, and as more and more of its layers are random."""
    study, model = study_of(study_name), model_of(study_name)
    case = Bench(study, model, reference_scans=1).case(subject)
    explainer = Explainer(method)
    maps = [("as trained", explainer(case, cancel=cancel))]
    for layer, values in cascade(case, explainer, maps[0][1], steps=CASCADE_STEPS, progress=progress, cancel=cancel):
        maps.append((f"random from the output down to {layer}", values))
    return [(name, Volume(values.astype("f4"), model.grid.affine).canonical()) for name, values in maps]


def show_cascade(study_name: str, subject: str, method: str, maps: list[tuple[str, Volume]]) -> None:
    """The maps of `cascade_maps` on one crosshair, each with its own colours."""
    scan = on_grid_of(scan_of(study_name, subject), maps[0][1])
    unit = get_method(method).unit.format(score="logit margin")
    layers = [Layer(name, volume, unit, signed=bool((volume.data < 0).any())) for name, volume in maps]
    st.caption(
        "Each map has its own colour scale. A map that stays the same although the layers are random shows the scan, "
        "not what the network has learned."
    )
    viewer(scan, layers, atlas=atlas_of(study_name).on(scan.grid), key="cascade", layout="rows", report=False)


def methods_of(table: pd.DataFrame | None) -> list[str]:
    """Registered methods, the measured ones first."""
    known = [] if table is None else [m for m in dict.fromkeys(table["method"]) if m in method_names()]
    return [*known, *(m for m in method_names() if m not in known)]
