"""One scan, one method: the map, its areas, its files."""

import streamlit as st

from mriinterp.methods.meaning import score_words
from mriinterp.results.maps import request_key
from mriinterp.ui.base.jobs import start_job, watch, work_card
from mriinterp.ui.base.linked import linked
from mriinterp.ui.base.viewlink import shown_settings
from mriinterp.ui.maps.badge import trust_light
from mriinterp.ui.maps.kept import (
    ask_to_explain,
    asked_to_explain,
    keep_before,
    known_map_of,
    map_before,
    maps_of,
    runs_unasked,
    show_before,
)
from mriinterp.ui.maps.parameters import choose_method, parameter_widgets
from mriinterp.ui.maps.result import choose_view, show_planes, show_prediction, show_scan, show_space
from mriinterp.ui.maps.seen import show_seen
from mriinterp.ui.maps.target import choose_target, head_of
from mriinterp.ui.scan.own import uploaded_name
from mriinterp.ui.scan.preparation import show_quality
from mriinterp.ui.scan.subject import choose_subject
from mriinterp.ui.shell.page import current_study, page_header, readable_errors
from mriinterp.ui.single.areas import show_areas
from mriinterp.ui.single.downloads import show_downloads
from mriinterp.ui.single.folds import choose_folds, show_folds
from mriinterp.ui.single.predictions import predict_all
from mriinterp.ui.sources.resources import cost_of, model_of, prediction_of, reference_of, study_of

header = page_header(
    "Single scan", "Why does the network say what it says of this brain?", own_scan=bool(uploaded_name())
)
name = current_study()
study = study_of(name)
with readable_errors():
    model = model_of(name)

with readable_errors(), st.sidebar:
    subject = choose_subject(name, model)
    folds = choose_folds(name, model, subject)
    target = choose_target(study, model, subject)
    method = choose_method(study=name, model=model)
    params = parameter_widgets(method, model, head=head_of(model, target))
    run = st.button("Explain", type="primary", icon=":material/play_arrow:", width="stretch", key="explain")
    cost = st.empty()

with readable_errors():
    prediction = prediction_of(name, subject.scan.digest, subject.scan, subject.in_study)
    request = {"atlas": study.atlas(), **params}
    if target is not None:
        request["target"] = target
    if "reference" in params.values():
        request["reference"] = reference_of(name)
    key = request_key(model, subject.scan, method.name, **request)

explained = score_words(params.get("score", "probability"), target or prediction.predicted)
show_prediction(model, prediction, subject, header=header, explained=explained)
with header.trust:
    trust_light(
        name,
        method.name,
        params,
        subject=subject.in_study,
        model=model.digest,
        uploaded=subject.uploaded,
    )
show_seen(name, model, subject)
if folds:
    with readable_errors():
        show_folds(name, model, subject)
maps = maps_of(subject)
relevance = known_map_of(subject, key)
with work_card():
    if relevance is None and (run or asked_to_explain() or runs_unasked("single", model, method, params, study, key)):
        start_job(
            "single",
            f"{method.label} of {subject.name}",
            key,
            lambda progress, cancel: maps.explain(
                model, subject.scan, method.name, progress=progress, cancel=cancel, **request
            ),
            shared=not subject.uploaded,
        )
    working = watch("single", key)
    if relevance is None and not working:
        if known_map_of(subject, key) is not None:
            st.rerun()  # the work ended while this run was under way
        ask_to_explain()
shown = relevance if relevance is not None else map_before(subject, model)
with st.container(key="view_row"):  # one height, so that nothing below moves
    if shown is None:
        st.caption("The scan alone: its map is not there yet.")
    else:
        shown, part, place = choose_view(subject, shown)
if relevance is not None:
    keep_before(subject, model, key)

with st.container(key="view"):  # beside each other on wide screens
    with st.container(key="view_planes"):
        if shown is None:
            show_scan(name, model, subject, method.name, params)
        else:
            state = show_planes(name, subject, shown, part, place, stale=relevance is None)
    if shown is not None:
        with st.container(key="view_parts"):
            labels = ["Areas", "In space", "Files", *(["Preparation"] if subject.preparation else [])]
            key = linked("tab", "Areas", options=labels)
            areas, space, files, *preparation = st.tabs(labels, key=key, on_change="rerun")
            if areas.open:
                with areas:
                    show_areas(name, subject, shown, part, place)
            if space.open:
                with space:
                    show_space(
                        study,
                        subject,
                        shown,
                        part,
                        mm=place.to_template(state.cursor_mm),
                        settings=shown_settings(place.viewer),
                    )
            if files.open:
                with files:
                    show_downloads(name, subject, shown, part, place)
            for tab in preparation:
                with tab:
                    show_quality(subject.preparation)
            show_before(relevance is None)
if relevance is not None:
    predict_all(name, study, model)
elif not working:
    cost.caption(f"Cost: {cost_of(name, model.digest, method.name, params)}.")
