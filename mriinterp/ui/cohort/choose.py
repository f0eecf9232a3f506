"""What the cohort page is about: results or a published file, scans, method, open tab."""

from __future__ import annotations

from itertools import permutations

import streamlit as st

from mriinterp.base.numerals import percent
from mriinterp.cohort import CohortResult
from mriinterp.cohort.packed import shipped_folder
from mriinterp.cohort.pooled import OUT_OF_FOLD
from mriinterp.stats import wilson_interval
from mriinterp.study import Study
from mriinterp.ui.base.address import end_page, found, not_found, retired
from mriinterp.ui.base.choice import segments
from mriinterp.ui.base.linked import linked, linked_value
from mriinterp.ui.cohort.averages import StudyView, folder_of, open_result
from mriinterp.ui.cohort.data import View
from mriinterp.ui.cohort.filters import choose_scans
from mriinterp.ui.cohort.folds import fold_folders
from mriinterp.ui.cohort.published import open_upload
from mriinterp.ui.session.keys import AVERAGES, NPZ_FILE
from mriinterp.ui.shell.page import escape_markdown, readable_errors
from mriinterp.ui.sources.resources import study_of

__all__ = ["choose_method", "choose_view", "group_words", "known_averages", "open_tabs"]

SOURCES = {"own": "Computed here", "shipped": "Shipped", OUT_OF_FOLD: "All folds"}
BETWEEN = "~"  # the names of two groups in the address


def choose_view(name: str) -> View | None:
    """Open the study's results with the filters in the sidebar, or a file; None if there is nothing yet."""
    retired("kind")  # of averages: which sign is shown stands above the planes
    file = NPZ_FILE.get()
    asked_for = linked(AVERAGES, "").value
    view = _study_view(name) if file is None else None
    shown = file is not None or bool(asked_for)
    with st.expander("Open published averages", icon=":material/upload_file:", expanded=shown):
        file = st.file_uploader(
            "npz of Rieke et al. 2018",
            type=["npz"],
            key=NPZ_FILE,
            help="Keys avg_relevance_map_GROUP_METHOD, as their code saves them. The file stays on this computer.",
            on_change=_forget_averages,
        )
        if file is None and asked_for:
            st.button("Back to the study", icon=":material/close:", key="averages_back", on_click=_forget_averages)
            not_found(
                AVERAGES,
                f"This address shows averages of a file, {asked_for}. The file is not in the address: open it "
                "at the left, under “Open published averages”, or go back to the study there.",
            )
            end_page()
    if file is None:
        return view
    found(AVERAGES)
    AVERAGES.put(file.name)
    linked_value(AVERAGES, file.name)
    return _opened(file)


def _study_view(name: str) -> StudyView | None:
    """Return the averages computed here, else those shipped with the package; where there are both, as chosen."""
    known = known_averages(study_of(name))
    if not known:
        return None
    what = next(iter(known))
    if len(known) > 1:
        what = segments("Averages", "source", {one: SOURCES.get(one, one) for one in known}, named=True)
    result = known[what]
    if pair := _choose_pair(result):
        result = open_result(result.folder, pair) or result
    if not result.has_maps:
        return StudyView(result)
    filters = st.container()
    with st.expander("Filters", icon=":material/filter_alt:"):
        chosen = choose_scans(result)
    if chosen is not None:
        filters.info(_remaining(result, chosen), icon=":material/filter_alt:")
    return StudyView(result, chosen)


def known_averages(study: Study) -> dict[str, CohortResult]:
    """Return the averages of a study that are there, those that the page begins with first."""
    folders = {"own": folder_of(study), "shipped": shipped_folder(study), **fold_folders(study)}
    opened = {what: open_result(folder) for what, folder in folders.items() if folder}
    return {what: result for what, result in opened.items() if result is not None}


def _choose_pair(result: CohortResult) -> tuple[str, str] | None:
    """Choose the two groups that are compared; None: as the run had it."""
    if not result.positive:
        return None
    usual = f"{result.positive}{BETWEEN}{result.reference_group}"
    pairs = [f"{a}{BETWEEN}{b}" for a, b in permutations(result.groups, 2)]
    chosen = st.selectbox(
        "Compare",
        [usual, *(pair for pair in pairs if pair != usual)],
        format_func=lambda pair: pair.replace(BETWEEN, " with "),
        key=linked("groups", usual, options=pairs, shows=lambda pair: pair.replace(BETWEEN, " with ")),
        persist_state="session",
    )
    positive, _, reference = chosen.partition(BETWEEN)
    return None if chosen == usual else (positive, reference)


def _forget_averages() -> None:
    """Show the study's own averages."""
    AVERAGES.put("")
    found(AVERAGES)


def _opened(file) -> View:
    with readable_errors():
        return open_upload(file)


def _remaining(result, chosen: list[str]) -> str:
    groups = result.subjects.loc[chosen, "group"].value_counts()
    each = ", ".join(f"{escape_markdown(g)} {int(groups.get(g, 0))}" for g in result.groups)
    return f"**{len(chosen)} of {len(result.subjects)} scans** remain ({each})."


def choose_method(view: View) -> str:
    """Choose the method whose averages are shown."""
    return st.selectbox(
        "Method",
        view.methods,
        format_func=view.label,
        key=linked(
            "cohort_method", view.methods[0], options=view.methods, what="method", shows=view.label, always=True
        ),
        persist_state="session",
    )


def group_words(view: View, method: str) -> str:
    """Show the number of scans of each group, and how many the network gets right."""
    parts = []
    for group in view.groups:
        n = view.n(method, group)
        words = f"**{escape_markdown(group)}** " + ("number of scans unknown" if n is None else f"{n} scans")
        if n == 1:
            words = words.removesuffix("s")
        if isinstance(view, StudyView):
            rows = view.result.subjects.loc[view.ids(method, group)]
            if trained := int(rows["training"].sum()):
                words += f", {trained} of which trained the network"
            judged = rows["correct"].dropna()
            if len(judged):
                right = wilson_interval(int(judged.sum()), len(judged))
                words += f", {percent(right.value)} predicted right (95% CI {percent(right.low)}–{percent(right.high)})"
        parts.append(words)
    parts.append(escape_markdown(view.explained_words(method)))
    return " · ".join(parts)


def open_tabs(names: list[str]) -> dict:
    """Show tabs by name; which one is open is in the address."""
    made = st.tabs(names, key=linked("part", names[0], options=names), on_change="rerun")
    return dict(zip(names, made, strict=True))
