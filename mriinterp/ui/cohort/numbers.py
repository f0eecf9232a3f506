"""A number of each scan (age, a score, a volume) against the relevance of areas."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
import streamlit as st

from mriinterp.base.tables import csv_text
from mriinterp.cohort.number_comparison import NumberComparison, compare_number, number_columns
from mriinterp.export.comparison import value_words
from mriinterp.export.number_words import area_number_words, number_words, people_words, write_number
from mriinterp.figures.number_plots import number_dots, number_scatter
from mriinterp.figures.theme import area_label
from mriinterp.methods.meaning import file_stem
from mriinterp.ui.base.clicks import clicked, jump_to_peak, show_chart
from mriinterp.ui.base.linked import flag, linked
from mriinterp.ui.base.words import capital, escape_markdown
from mriinterp.ui.cohort.areas import MOST_AREAS, peaks_of_view
from mriinterp.ui.cohort.averages import StudyView
from mriinterp.ui.cohort.data import View
from mriinterp.ui.cohort.planes import VIEWER
from mriinterp.ui.session.keys import NUMBER_AREA
from mriinterp.ui.sources.resources import study_of

__all__ = ["show_numbers"]

ALL = ""  # scans of all groups, in the address


@st.cache_data(max_entries=32, show_spinner=False)
def _compared(
    key: str,
    method: str,
    number: str,
    values: pd.Series,
    groups: tuple[str, ...] | None,
    within: bool,
    _view: StudyView,
) -> NumberComparison:
    view = _view
    return compare_number(
        view.result, method, number, values, ids=view.chosen, groups=groups, within=within, kind=view.kind
    )


def show_numbers(name: str, view: View, method: str) -> None:
    """Show correlations of areas with a number, and the people behind one of them."""
    if not isinstance(view, StudyView):
        st.info("A file of averages holds no single scans: nothing can be correlated.", icon=":material/group_off:")
        return
    if view.pair and (reason := view.why_no_test(method)):
        st.info(escape_markdown(reason), icon=":material/group_off:")
        return
    columns = number_columns(view.result.subjects, study_of(name).subjects)
    if not columns:
        st.info(
            "The table of this study has no column of numbers: age, a score, a volume.", icon=":material/table_rows:"
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        first = "age" if "age" in columns else next(iter(columns))
        number = st.selectbox(
            "Number",
            list(columns),
            format_func=capital,
            key=linked("number", first, options=list(columns), shows=capital),
            persist_state="session",
            width=220,
        )
        groups = [ALL, *view.groups]
        group = st.selectbox(
            "Scans of",
            groups,
            format_func=lambda g: g or "All groups",
            key=linked("number_group", ALL, options=groups),
            persist_state="session",
            width=160,
        )
        within = st.toggle(
            "Within groups",
            key=linked("within", True, cast=flag),
            persist_state="session",
            help="Ranks are compared within groups, so that a difference of the groups alone correlates with nothing.",
        )
    try:
        found = _compared(
            view.key, method, number, columns[number], (group,) if group else None, within and not group, view
        )
    except ValueError as error:  # too few scans, or a number that is the same in all of them
        st.info(escape_markdown(str(error)), icon=":material/group_off:")
        return
    st.markdown(escape_markdown(number_words(found)))
    rows = found.areas[found.areas["rho"].notna()]
    names = rows["area"].astype(str).tolist()
    if not names:
        return
    key = linked(NUMBER_AREA, names[0], options=sorted(names), shows=area_label)
    area = key.value
    left, right = st.columns(2, gap="large")
    with left:
        peaks = peaks_of_view(name, view, method, True)
        dots = number_dots(found.areas, MOST_AREAS, chosen=area, peaks=peaks)
        show_chart(dots, "number_dots", _choose_clicked)
    with right:
        st.selectbox("Area", sorted(names), format_func=area_label, key=key, label_visibility="collapsed")
        st.caption(escape_markdown(f"{area_number_words(rows.set_index('area', drop=False).loc[area])}."))
        scatter = number_scatter(
            found.values[area],
            found.numbers,
            found.groups,
            number=number,
            unit=view.unit(method),
            names=tuple(sorted(view.groups, key=lambda g: g != view.positive)),
        )
        st.plotly_chart(scatter.update_layout(height=300), key="number_scatter", config={"displayModeBar": False})
    values = value_words(view.result, method, view.kind, view.chosen)
    st.caption(escape_markdown(" ".join([people_words(found), *values])))
    _offer(view, found)


def _choose_clicked() -> None:
    """Show the people behind a dot, and move the crosshair to its area."""
    data = clicked("number_dots")
    if data:
        NUMBER_AREA.put(str(data[0]))
        jump_to_peak("number_dots", VIEWER)


def _offer(view: StudyView, found: NumberComparison) -> None:
    stem = file_stem("cohort", found.method, view.part_stem)

    def description() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            return write_number(Path(folder), view.result, found, stem)[-1].read_bytes()

    with st.container(horizontal=True, gap="small"):
        for label, make, end in (
            ("Areas (CSV)", lambda: csv_text(found.areas), ".csv"),
            (
                "People (CSV)",
                lambda: csv_text(found.values.assign(**{found.number: found.numbers}), index=True),
                "_people.csv",
            ),
            ("What it is (JSON)", description, ".json"),
        ):
            st.download_button(
                label, make, f"{stem}_{found.number}{end}", key=f"get_number{end}", on_click="ignore",
                icon=":material/download:",
            )  # fmt: skip
