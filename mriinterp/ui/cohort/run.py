"""Starting, watching and going on with the computation of a cohort from the page."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import streamlit as st

from mriinterp.base.progress import describe_seconds
from mriinterp.cohort import (
    Changes,
    CohortResult,
    changes_since,
    default_workers,
    run_cohort,
    select_subjects,
)
from mriinterp.cohort.choose import chosen_split
from mriinterp.cohort.layout import Layout, subject_labels
from mriinterp.cohort.packed import stale_words
from mriinterp.cohort.targets import PREDICTED, positive_output
from mriinterp.crossval.outoffold import maps_there, run_out_of_fold
from mriinterp.methods import get_method, listed_methods, method_names
from mriinterp.models import Model
from mriinterp.study import Study
from mriinterp.ui.base.jobs import current_job, start_job, watch, work_card
from mriinterp.ui.base.linked import flag, linked, linked_list
from mriinterp.ui.base.words import as_sentence, capital, escape_markdown
from mriinterp.ui.cohort.averages import StudyView, folder_of
from mriinterp.ui.cohort.data import View
from mriinterp.ui.cohort.folds import OUT_OF_FOLD, is_of_fold, out_of_fold_folder, scans_out_of_fold
from mriinterp.ui.shell.page import readable_errors
from mriinterp.ui.sources.resources import atlas_of, model_of, study_of

__all__ = ["compute_drawer", "compute_panel", "other_notes", "run_notes", "watch_run"]

SLOT = "cohort"
SEVERAL_TARGETS = {
    "predicted": "What the network predicts (as in Rieke et al. 2018)",
    "true": "The class of the scan’s group",
}
FEW_SCANS = 4  # fewer than that are not worth starting processes for
SCAN_SECONDS = 1.5  # to read or simulate a scan, besides the methods
START_SECONDS = 6  # for processes to begin
NAMED = 5  # scans that a note names
CHANGES_SECONDS = 5.0  # between two looks at the files of all scans


def _scan_seconds(model: Model, methods: list[str], study: Study) -> float:
    """Estimate how long a scan takes on one worker, from the network's speed on this machine."""
    from mriinterp.cost import map_seconds

    atlas = study.atlas()
    settings = {method: get_method(method).resolve(get_method(method).cohort) for method in methods}
    with st.spinner("Timing the network …"):
        return SCAN_SECONDS + sum(map_seconds(model, method, values, atlas) for method, values in settings.items())


def _done_already(study: Study, folder: Path, methods: list[str], space: str, ids: list[str]) -> int:
    layout, labels = Layout(folder, space), subject_labels(study.subjects.index)
    return sum(layout.record(labels[i], m).is_file() for i in ids for m in methods)


def compute_drawer(name: str) -> None:
    """Show the form of a run in a drawer of the sidebar; it is made when it is opened."""
    drawer = st.popover(
        "Compute averages",
        icon=":material/calculate:",
        width="stretch",
        key=linked("compute", False, cast=flag, what="drawer"),
        on_change="rerun",
    )
    if drawer.open:
        with drawer, readable_errors():
            compute_panel(name)


def compute_panel(name: str) -> None:
    """Show methods, scans and target of a run, what it will cost, and the button that starts it."""
    study, model, folder = study_of(name), model_of(name), folder_of(study_of(name))
    most = len(study.subjects)
    methods = st.multiselect(
        "Methods",
        method_names(),
        key=linked_list("run_methods", listed_methods("cohort"), method_names()),
        format_func=lambda m: get_method(m).label,
        persist_state="session",
        help="The five of Rieke et al. 2018 to begin with; occlusion with 40 voxels every 40, as in their cohort.",
    )
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    with left:
        n = st.number_input(
            "Scans",
            1,
            most,
            step=1,
            key=linked("n", most, cast=int, valid=lambda v: 1 <= v <= most),
            persist_state="session",
            help="Drawn at random, evenly from the groups; more scans later only add to what is there.",
        )
    with middle:
        unseen = scans_out_of_fold(study)
        splits = ["all", *sorted({str(s) for s in study.subjects.get("split", [])} - {""})]
        splits += [OUT_OF_FOLD] if unseen else []
        usual = OUT_OF_FOLD if unseen else chosen_split(study)
        key = linked("of_split", usual, options=splits, shows=capital)
        split = st.selectbox("Of split", splits, format_func=capital, key=key, persist_state="session")
    with right:
        target = _choose_target(study, model)
    ids = unseen
    if split == OUT_OF_FOLD:
        folder, n = out_of_fold_folder(study) or folder, most  # all of them: each fold has its own
    else:
        ids = select_subjects(study, split, None if n == most else n).index.tolist()
    if not methods:
        st.info("Choose at least one method.", icon=":material/checklist:")
        return
    known = maps_there if split == OUT_OF_FOLD else partial(_done_already, ids=ids)
    done = known(study, folder, methods, model.card.space)
    workers = 1 if len(ids) <= FEW_SCANS else default_workers(model.grid, model.device)
    total = len(ids) * len(methods)
    cost = st.empty()
    job = current_job(SLOT)
    busy = job is not None and job.running
    words = "Continue" if 0 < done < total else "Compute"
    if st.button(words, type="primary", icon=":material/play_arrow:", key="compute_cohort", disabled=busy):
        _start(name, study, model, folder, methods, None if n == most else int(n), split, target, workers)
        st.rerun()
    where = f"Results go to `{_shown(folder)}`."
    if busy:  # no time to measure: the bar above shows the time left
        cost.caption(f"{total:,} maps of {len(ids)} scans. The page stays usable. {where}")
        return
    there = f"{done} of them are on disk and need only be checked; " if done else ""
    missing = max(0.0, len(ids) - done / len(methods))
    with cost:
        seconds = missing * _scan_seconds(model, methods, study) / workers + (START_SECONDS if workers > 1 else 0)
    cost.caption(
        f"{total:,} maps of {len(ids)} scans; {there}about **{describe_seconds(seconds)}** on this computer "
        f"({workers} process{'es' if workers > 1 else ''}). The page stays usable. {where}"
    )


def _choose_target(study: Study, model: Model) -> str:
    """Return the output that maps explain: one for all scans, unless the reader chooses several."""
    outputs = [name for head in model.heads for name in head.classes]
    withheld = model.card.simulated and not study.simulated  # a map's target would reveal the prediction
    several = [] if model.heads[0].kind == "scale" else [t for t in SEVERAL_TARGETS if t != PREDICTED or not withheld]
    options = [*outputs, *several]
    return st.selectbox(
        "Explained output",
        options,
        format_func=lambda t: SEVERAL_TARGETS.get(t, t),
        key=linked("explained", positive_output(study, model, strict=False), options=options),
        persist_state="session",
        help="Groups are compared only where all maps explain the same output. With several, maps are averaged and shown.",
    )


def _shown(folder: Path) -> str:
    """Return a folder as people write it, ``~/…`` in their home."""
    home = Path(os.path.expanduser("~"))
    return str(Path("~") / folder.relative_to(home)) if folder.is_relative_to(home) else str(folder)


def _start(name, study, model, folder, methods, n, split, target, workers) -> None:
    def work(progress, cancel):
        if split == OUT_OF_FOLD:
            run_out_of_fold(
                study, methods, out=folder, target=target, workers=workers, progress=progress, cancel=cancel
            )
            return
        run_cohort(
            study, methods, out=folder, split=split, target=target, n=n, workers=workers,
            progress=progress, cancel=cancel,
        )  # fmt: skip

    start_job(
        SLOT,
        f"Cohort of {study.title}, maps and averages",
        _key(folder_of(study)),
        work,
        kept="Finished maps are kept: **Continue** goes on where it was.",
        shared=True,
    )


def _key(folder: Path) -> str:
    """Return the key of a run in a folder: there is one at a time, whichever session started it."""
    return f"cohort in {folder}"


def watch_run(name: str) -> bool:
    """Show a run that goes on in the study's folder, whichever session started it; whether there is one."""
    with work_card():
        return watch(SLOT, _key(folder_of(study_of(name))))


def _names(scans: tuple[str, ...]) -> str:
    more = f" and {len(scans) - NAMED} more" if len(scans) > NAMED else ""
    return escape_markdown(", ".join(scans[:NAMED]) + more)


@st.cache_data(max_entries=8, ttl=CHANGES_SECONDS, show_spinner=False)
def _changes(key: str, opened: str, _result: CohortResult, _study: Study) -> Changes:
    return changes_since(_result, _study)


def _change_notes(study: Study, view: StudyView) -> None:
    """Warn where scans or groups of the study are no longer those of the results."""
    changes = _changes(view.key, study.opened, view.result, study)
    notes = {
        "were replaced": changes.replaced,
        "are gone": changes.gone,
        "are in another group now": changes.regrouped,
    }
    words = [f"{len(scans)} of its scans {what} ({_names(scans)})" for what, scans in notes.items() if scans]
    if words:
        st.warning(
            f"Since this run {'; '.join(words)}. **Compute averages** makes new ones.", icon=":material/history:"
        )


def run_notes(name: str, view: View, model: Model, method: str) -> None:
    """Show what a reader should know of these results: another network, scans that changed or were left out, and of the method."""
    if not isinstance(view, StudyView):
        return
    result = view.result
    if view.packed:
        if stale := stale_words(result, study_of(name), model.digest, atlas_of(name).digest):
            st.warning(
                f"Shipped averages, out of date: {stale} **Compute averages** makes new ones.",
                icon=":material/history:",
            )
        return
    _change_notes(study_of(name), view)
    if result.run["model"]["sha256"] != model.digest and not is_of_fold(study_of(name), view):
        st.warning(
            "These averages were made with other weights than the study's network has now. **Compute averages** makes new ones.",
            icon=":material/history:",
        )
    if result.outside_space:
        st.warning(
            f"{len(result.outside_space)} of {result.run['scans']} scans do not look like MNI space and were explained "
            f"all the same, as the space check was off ({_names(tuple(result.outside_space))}).",
            icon=":material/explore_off:",
        )
    if result.failures:
        with st.expander(f"{len(result.failures)} of {result.run['scans']} scans lack maps", icon=":material/error:"):
            rows = [(scan, what, why) for scan, found in result.failures.items() for what, why in found.items()]
            st.dataframe(rows, column_config={"1": "Scan", "2": "Method", "3": "Why"}, hide_index=True)
    if result.warnings:
        title = f"{len(result.warnings)} of {result.run['scans']} scans are doubtful"
        with st.expander(f"{title}: their maps may be wrong", icon=":material/warning:"):
            st.dataframe(list(result.warnings.items()), column_config={"1": "Scan", "2": "What"}, hide_index=True)
    for note in (*result.network_notes, *filter(None, [result.method_notes.get(method)])):
        st.caption(escape_markdown(as_sentence(note)))


def other_notes(view: View, method: str) -> str:
    """Return what a reader should know of the other methods, whose distances are shown."""
    if not isinstance(view, StudyView) or view.packed:
        return ""
    notes = [note for name, note in view.result.method_notes.items() if name != method]
    return escape_markdown(" ".join(map(as_sentence, notes)))
