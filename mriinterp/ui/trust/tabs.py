"""The trust page's tabs: all methods, one measure after the other, shortcuts, and the maps that a measure compares."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from pathlib import Path

import pandas as pd
import streamlit as st
from cachetools import LRUCache
from streamlit.delta_generator import DeltaGenerator

from mriinterp.base.numerals import percent
from mriinterp.base.progress import Cancel, Progress
from mriinterp.figures.trust import agreement_dots, quantity_dots, shortcut_dots, trust_heatmap
from mriinterp.image.volume import Volume
from mriinterp.methods import get_method, method_names
from mriinterp.methods.meaning import Meaning, caption_words, file_stem
from mriinterp.models import packaged_models
from mriinterp.study import DemoStudy, Study
from mriinterp.trust import Bench, get_measure, load_details, make_plan, parse_explainer, run_benchmark
from mriinterp.trust.agreement import TOP
from mriinterp.trust.badge import variants
from mriinterp.trust.benchmark_plan import chosen_explainers
from mriinterp.trust.lights import short_heads
from mriinterp.trust.measure import ASPECTS, Series
from mriinterp.trust.measure_registry import table_heads
from mriinterp.trust.shortcut_results import load_shortcuts, shortcut_findings, shortcut_people, shortcut_summary
from mriinterp.trust.shortcuts import SHORTCUTS
from mriinterp.trust.words import label_of
from mriinterp.ui.base.choice import segments
from mriinterp.ui.base.jobs import start_job, watch
from mriinterp.ui.base.linked import linked
from mriinterp.ui.base.viewlink import linked_viewer
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.maps.truth import scan_truth
from mriinterp.ui.sources.measured import SHIPPED, findings_of, measured, plan_of, results_folder, table_of
from mriinterp.ui.sources.resources import atlas_of, model_of, on_grid_of, scan_of, scan_stamp, study_of, truth_of
from mriinterp.ui.trust.chosen import Chosen
from mriinterp.ui.viewer import Layer

__all__ = [
    "explainers_of",
    "measured",
    "methods_of",
    "offer_series",
    "results_folder",
    "run_quick",
    "show_agreement",
    "show_measure",
    "show_overview",
    "show_shortcuts",
    "table_of",
]

SHORT = "short"  # the group of figures that the tab opens with
SERIES_STEPS = 4
SERIES_KEPT = 6
STILL = {"displayModeBar": False}


def run_quick(study: Study, folder: Path, progress: Progress, cancel: Cancel) -> None:
    """Run the quick benchmark, or go on where it was stopped."""
    run_benchmark(make_plan(study, quick=True), Bench(study, folder=folder), folder, progress=progress, cancel=cancel)


def methods_of(table: pd.DataFrame) -> list[str]:
    """Return registered methods, the measured ones first."""
    measured_ones = dict.fromkeys(name.partition("[")[0] for name in table["method"])
    known = [name for name in measured_ones if name in method_names()]
    return [*known, *(m for m in method_names() if m not in known)]


def explainers_of(table: pd.DataFrame, method: str) -> list[str]:
    """Return how a method was measured: once or with several settings; as the benchmark would, if it was not."""
    return variants(table["method"].tolist(), method) or [chosen_explainers([method])[0].name]


def _labels(names: Iterable[str], chosen: str = "") -> dict[str, str]:
    """Return names for people; the chosen method's in bold letters."""
    return {name: f"<b>{label_of(name)}</b>" if name == chosen else label_of(name) for name in dict.fromkeys(names)}


def show_overview(chosen: Chosen) -> None:
    """Show all methods beside the null maps, and what that means in words."""
    plan = plan_of(chosen.folder)
    aspect = segments("Figures", "aspect", {SHORT: "In short", **ASPECTS}, what="group of figures")
    heads = short_heads() if aspect == SHORT else table_heads(aspect)
    st.plotly_chart(
        trust_heatmap(chosen.table, heads, labels=_labels(chosen.table["method"], chosen.explainer)),
        key="trust_heatmap",
        config=STILL,
    )
    st.caption(
        "Means over subjects; darker: better within a column; ↑ higher, ↓ lower is better; \\* better than each of the four "
        "null maps, which stand below the line; – not measured, as of an empty map."
    )
    with st.expander("In words"):
        st.markdown("\n".join(f"- {escape_markdown(sentence)}" for sentence in findings_of(chosen.folder)))
    study = escape_markdown(plan.get("title", plan.get("study", "")))
    st.caption(f"{study}. The command: `mriinterp trust {_argument(chosen.study_name)} --out DIR`.")


def _argument(study: str) -> str:
    return study if study == DemoStudy.name else "STUDY.toml"


def show_measure(chosen: Chosen, measure: str, place: DeltaGenerator) -> None:
    """Show one measure of all methods with intervals, and the curves behind it; `place`: of the choice among its figures."""
    about, table = get_measure(measure), chosen.table
    rows = table[(table["measure"] == measure) & table["mean"].notna()]  # what needs a known truth has no value without
    if rows.empty:
        reason = plan_of(chosen.folder).get("skipped", {}).get(measure, "it was not part of this benchmark")
        st.info(escape_markdown(f"{about.label}: not measured here ({reason})."), icon=":material/block:")
        return
    options = {q.name: q for q in about.quantities if (rows["quantity"] == q.name).any()}
    names = {name: f"{q.label} ({q.unit})" if q.unit else q.label for name, q in options.items()}
    key = linked(f"figure.{measure}", next(iter(options)), options=list(options), shows=names.__getitem__)
    quantity = options[
        place.selectbox("Figure", list(options), format_func=names.__getitem__, key=key, persist_state="session")
    ]
    st.markdown(f"**{about.question}** *{about.reference}*")
    labels, own = _labels(rows["method"], chosen.explainer), chosen.numbers(measure, quantity.name)
    figure = quantity_dots(table, measure, quantity.name, own=own, own_label=f"{chosen.subject} alone", labels=labels)
    st.plotly_chart(figure, key=f"dots_{measure}", config=STILL)
    if not own and not about.of_groups:
        st.caption(f"{escape_markdown(chosen.subject)} was not measured: only means are shown.")
    if about.note:
        st.caption(about.note)
    if about.curves is None:
        return
    details = {
        **load_details(chosen.single, measure),
        **(load_details(chosen.folder, measure) if chosen.folder else {}),
    }
    shown = [chosen.explainer, about.curves.null_map]
    if any(name == chosen.explainer for name, _ in details):
        st.plotly_chart(
            about.curves.draw(details, shown, subject=chosen.subject, labels=labels),
            key=f"curves_{measure}",
            config=STILL,
        )
        st.caption(about.curves.caption)


def show_agreement(chosen: Chosen) -> None:
    """Show how similar the method's maps are to those of the others."""
    st.markdown(
        "**Do other methods draw the same map?** No measure of trust: methods can agree and be wrong together, and they "
        "answer different questions."
    )
    found = chosen.agreement()
    if found.empty:
        st.info("Maps of this method were not compared in this benchmark.", icon=":material/block:")
        return
    labels = _labels(found["other"])
    figure = agreement_dots(found, own_label=f"{chosen.subject} alone", labels=labels)
    st.plotly_chart(figure, key="dots_agreement", config=STILL)
    best = found[~found["other"].str.startswith("null_")].sort_values("overlap", ascending=False)
    if len(best):
        st.caption(
            f"Of the {TOP} areas with the most relevance, {percent(best.iloc[0]['overlap'])} are shared with "
            f"{escape_markdown(label_of(best.iloc[0]['other']))}, {percent(best.iloc[-1]['overlap'])} with "
            f"{escape_markdown(label_of(best.iloc[-1]['other']))} (means over {found['n'].max()} subjects of both groups)."
        )


def show_shortcuts(study_name: str) -> None:
    """Show networks trained to use something other than the disease, and whether maps reveal it."""
    st.markdown(
        "**Does a map reveal a network that uses something other than the disease?** A shortcut is something in the "
        "scans that leads a network to do so; one trained on it on purpose is compared with the packaged network on the same brains."
    )
    if study_name != DemoStudy.name:
        st.info("Shortcuts are simulated: they belong to the demo study.", icon=":material/block:")
        return
    known = {**load_shortcuts(SHIPPED / study_name), **load_shortcuts(results_folder(study_name))}
    for name, shortcut in SHORTCUTS.items():
        st.markdown(f"##### {name.capitalize()}")
        st.caption(shortcut.card)
        if name not in known:
            first = "" if shortcut.network in packaged_models() else " It trains the network first: about half an hour."
            st.info(
                f"Not measured yet: `mriinterp trust demo --shortcut {name} --out DIR`.{first}",
                icon=":material/science:",
            )
            continue
        found = shortcut_summary(known[name])
        st.caption(f"Figures of {shortcut_people(found)}.")
        st.plotly_chart(
            shortcut_dots(found, shortcut.where, labels=_labels(found["method"])), key=f"shortcut_{name}", config=STILL
        )
        st.markdown("\n".join(f"- {escape_markdown(sentence)}" for sentence in shortcut_findings(name, found)))


@st.cache_resource(show_spinner=False)
def _made_series() -> MutableMapping[str, list[tuple[str, Volume]]]:
    """Return the rows of maps made by jobs, a few at a time: threads cannot write into a session."""
    return LRUCache(SERIES_KEPT)


def offer_series(study_name: str, subject: str, explainer: str, measure: str, card: DeltaGenerator) -> None:
    """Show a button that makes the row of maps that a measure compares, if it has one, then the row; `card`: of work."""
    series = get_measure(measure).series
    if series is None:
        return
    made, network = _made_series(), model_of(study_name).digest
    key = f"{measure} {network} {scan_stamp(study_name, subject)} {subject} {explainer}"

    def work(progress: Progress, cancel: Cancel) -> None:
        made[key] = series_maps(series, study_name, subject, explainer, progress, cancel)

    if key not in made:
        label = f"Show the maps of {escape_markdown(subject)}"
        if st.button(label, icon=":material/view_column:", key="series_go"):
            start_job("series", series.title.format(label_of(explainer)), key, work, shared=True)
    with card:
        watch("series", key)
    if key in made:
        show_series(series, study_name, subject, explainer, made[key])


def series_maps(
    series: Series, study_name: str, subject: str, explainer: str, progress: Progress, cancel: Cancel
) -> list[tuple[str, Volume]]:
    """Return the map of the network as it is, and the maps it is compared with."""
    study, model = study_of(study_name), model_of(study_name)
    case = Bench(study, model, of_pages=True).case(subject)
    chosen = parse_explainer(explainer)
    maps = [(series.first, chosen(case, cancel=cancel))]
    maps += series.make(case, chosen, maps[0][1], steps=SERIES_STEPS, progress=progress, cancel=cancel)
    return [(name, Volume(values.astype("f4"), model.grid.affine).canonical()) for name, values in maps]


def show_series(series: Series, study_name: str, subject: str, explainer: str, maps: list[tuple[str, Volume]]) -> None:
    """Show the maps of `series_maps` on one crosshair, each with its own colours."""
    scan = on_grid_of(scan_of(study_name, subject), maps[0][1])
    bench = Bench(study_of(study_name), model_of(study_name), of_pages=True)
    unit = Meaning(get_method(explainer.partition("[")[0]), bench.score, bench.target_name).unit
    layers = [Layer(name, volume, unit, signed=bool((volume.data < 0).any())) for name, volume in maps]
    st.caption(f"Maps of {escape_markdown(subject)}. {series.caption}")
    linked_viewer(
        scan,
        layers,
        atlas=atlas_of(study_name).on(scan.grid),
        contours=scan_truth(truth_of(study_name, subject), scan),
        key="series",
        prefix="series_",
        defaults={"layout": "columns"},
        caption=caption_words(
            subject, series.title.format(label_of(explainer)), simulated=study_of(study_name).simulated
        ),
        stem=file_stem(subject, explainer, "series"),
    )
