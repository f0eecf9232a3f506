"""How the scans of a cohort differ: a clustered heat map, outliers, and the way to a single scan."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from mriinterp.base.numerals import decimals
from mriinterp.cohort.targets import GROUP_CLASS, PREDICTED
from mriinterp.figures.cohort import outliers, subjects_heatmap
from mriinterp.methods import get_method
from mriinterp.methods.meaning import size_words
from mriinterp.results.maps import request_key
from mriinterp.ui.base.choice import segments
from mriinterp.ui.base.clicks import clicked, clicked_row, mark_cells, show_chart
from mriinterp.ui.base.tables import fixed, written
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.cohort.areas import area_values, ask_for_subject
from mriinterp.ui.cohort.averages import StudyView
from mriinterp.ui.cohort.data import View
from mriinterp.ui.cohort.filters import probability_column
from mriinterp.ui.maps.target import target_address
from mriinterp.ui.scan.own import forget_upload
from mriinterp.ui.session.keys import COHORT_OPEN, SIGN, Key
from mriinterp.ui.sources.resources import model_of, reference_of, scan_of, store, study_of

__all__ = ["open_asked_subject", "show_subjects"]

MOST_CELLS = 6000  # of a heat map that is clickable cell by cell; the strip of scans above it always is
AREAS = 30
ORDERS = {"cluster": "Like beside like", "table": "As in the table"}


def open_asked_subject(name: str, view: View | None) -> None:
    """Go to the single-scan page if a click asked for a scan: same scan, method and parameters, the map known."""
    asked = COHORT_OPEN.take()
    if asked is None or not isinstance(view, StudyView):
        return
    subject, method = asked
    about = next(m for m in view.result.run["methods"] if m["name"] == method)
    params = get_method(method).resolve(dict(about["params"]), about["preset"])
    target = _target_of(view, subject)
    _keep_map(name, view, subject, method, {**params, "target": target} if target else params)
    address = {"subject": subject, "method": method, **{f"{method}.{key}": str(v) for key, v in params.items()}}
    address |= target_address(study_of(name), model_of(name), target)
    if SIGN.kept:
        address[SIGN] = SIGN.value
    for key in [*address, "subject_file"]:
        Key(key).take()  # the address, not what that page showed before
    forget_upload()
    if name != "demo":
        address["study"] = name
    st.switch_page("pages/single_scan.py", query_params=address)


def _target_of(view: StudyView, subject: str) -> str | None:
    """Return the output that the cohort's maps of a scan explain; None: what the network predicts of it."""
    if view.result.target == PREDICTED:
        return None
    if view.result.target == GROUP_CLASS:
        return str(view.result.subjects.loc[subject, "target"])
    return view.result.target


def _keep_map(name: str, view: StudyView, subject: str, method: str, request: dict) -> None:
    """Let the single-scan page find the cohort's map, so that it need not be computed again."""
    about = next(m for m in view.result.run["methods"] if m["name"] == method)
    if not view.result.has_maps or about["preset"]:
        return  # that page shows signed maps, those of a preset are without sign
    model = model_of(name)
    if model.digest != view.result.run["model"]["sha256"]:
        return  # of another network: that page computes its own
    more: dict[str, Any] = {"reference": reference_of(name)} if "reference" in request.values() else {}
    scan = scan_of(name, subject)
    key = request_key(model, scan, method, atlas=study_of(name).atlas(), **more, **request)
    made = view.result.map(method, subject)
    if key not in store() and made.digests.get("scan") == scan.digest:  # the scan may have been replaced since
        store().keep(key, made)


def _clickable(figure: go.Figure) -> go.Figure:
    """Let the cells be clicked, where there are not too many."""
    heat = next(trace for trace in figure.data if isinstance(trace, go.Heatmap))
    rows = zip(heat.y, heat.z, heat.customdata, strict=True)
    cells = [
        (x, y, f"{x}<br>{y}: {decimals(v, 2)}", [str(who[0])])
        for y, row, of in rows
        for x, v, who in zip(heat.x, row, of, strict=True)
    ]
    if len(cells) > MOST_CELLS:
        return figure
    mark_cells(figure, cells, size=16, hint="click to open", axes=(heat.xaxis, heat.yaxis))
    heat.hoverinfo, heat.hovertemplate = "skip", None
    return figure


def _ask(key: str, method: str, known: set[str]) -> None:
    who = str(next(iter(clicked(key)), ""))
    if who in known:
        ask_for_subject(who, method)


def _ask_row(key: str, method: str, ids: list[str]) -> None:
    row = clicked_row(key)
    if row is not None:
        ask_for_subject(ids[row], method)


def show_subjects(view: View, method: str) -> None:
    """Show areas × scans, and the scans with how far each is from its group."""
    if not isinstance(view, StudyView):
        st.info("A file of averages holds no single scans.", icon=":material/group_off:")
        return
    values = area_values(view, method)
    if values.empty:
        st.info("No scan remains.", icon=":material/group_off:")
        return
    order = segments("Order", "order", ORDERS)
    table = view.result.subjects
    groups = table.loc[values.index, "group"].to_numpy()
    names = tuple(sorted(view.groups, key=lambda g: g != view.positive))  # the colours of the bars
    figure = subjects_heatmap(
        values.fillna(0.0), groups, n=AREAS, standardise=len(values) > 2, cluster=order == "cluster", names=names
    )
    known = set(values.index)
    show_chart(_clickable(figure), "cohort_heatmap", lambda: _ask("cohort_heatmap", method, known))
    words = f"{size_words(view.part)}. {view.hidden_words(method)}".strip()
    st.caption(f"Click a scan to open its own map. ▼ is far from the median of its group. {escape_markdown(words)}")
    _table(view, method, values, groups)


def _table(view: StudyView, method: str, values: pd.DataFrame, groups) -> None:
    """Show the scans, the farthest from their group first; a click on a row opens the scan."""
    odd = outliers(values.fillna(0.0), groups)
    columns = ["group", "training", "sex", "age", "predicted", probability_column(view.result), "correct"]
    rows = view.result.subjects.loc[values.index]
    empty = {"training"} if not rows["training"].any() else set()
    empty |= {c for c in ("predicted", "correct") if view.result.withheld}
    rows = rows[[c for c in columns if c in rows and c not in empty]].assign(score=odd["score"], outlier=odd["outlier"])
    rows = rows.sort_values("score", ascending=False, kind="stable").reset_index(names="scan")
    ids = rows["scan"].astype(str).tolist()
    config: dict[str, Any] = {
        "scan": st.column_config.TextColumn("Scan"),
        "group": "Group",
        "training": st.column_config.CheckboxColumn("Training scan", help="The network was trained on it"),
        "sex": "Sex",
        "age": st.column_config.NumberColumn("Age / years"),
        "predicted": "Network says",
        "correct": st.column_config.CheckboxColumn("Right"),
        "score": st.column_config.NumberColumn(
            "Distance score", help="Robust standard deviations farther from its group than usual"
        ),
        "outlier": st.column_config.CheckboxColumn("Outlier", help="Score above 3.5"),
    }
    numbers = {"age": fixed(0), "score": fixed(1)}
    for name in rows.columns:
        if name.startswith("p_"):
            config[name] = st.column_config.NumberColumn(f"P({name[2:]})")
            numbers[name] = fixed(2)
    st.dataframe(
        written(rows, numbers),
        column_config=config,
        hide_index=True,
        height=330,
        key="cohort_table",
        selection_mode="single-row",
        on_select=lambda: _ask_row("cohort_table", method, ids),
    )
