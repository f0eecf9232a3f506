"""One scan, one method: the map, its areas, its files."""

import streamlit as st

from mriinterp.results.store import request_key
from mriinterp.ui.address import end_page, linked
from mriinterp.ui.area_panel import show_areas
from mriinterp.ui.badge import trust_badge
from mriinterp.ui.downloads import show_downloads
from mriinterp.ui.folds import choose_folds, show_folds
from mriinterp.ui.jobs import start_job, watch
from mriinterp.ui.maps import cheap_enough, known_map_of, maps_of
from mriinterp.ui.parameters import choose_method, parameter_widgets
from mriinterp.ui.preparation import show_quality
from mriinterp.ui.resources import cost_of, model_of, prediction_of, reference_of, study_of
from mriinterp.ui.result import choose_view, show_planes, show_prediction, show_scan, show_space
from mriinterp.ui.seen import show_seen
from mriinterp.ui.shell import current_study, page_header, readable_errors
from mriinterp.ui.subject import choose_subject, uploaded_name
from mriinterp.ui.target import choose_target, head_of

page_header("Single scan", "Why does the network say what it says of this brain?", own_scan=bool(uploaded_name()))
name = current_study()
study = study_of(name)
with readable_errors():
    model = model_of(name)

with readable_errors(), st.sidebar:
    subject = choose_subject(name, model)
    folds = choose_folds(name, model, subject)
    target = choose_target(study, model, subject)
    method = choose_method()
    params = parameter_widgets(method, model, head=head_of(model, target))
    run = st.button("Explain", type="primary", icon=":material/play_arrow:", width="stretch", key="explain")
    cost = st.empty()

with readable_errors():
    prediction = prediction_of(name, subject.scan.digest, subject.scan, None if subject.uploaded else subject.name)
    request = {"atlas": study.atlas(), **params}
    if target is not None:
        request["target"] = target
    if "reference" in params.values():
        request["reference"] = reference_of(name)
    key = request_key(model, subject.scan, method.name, **request)

show_prediction(model, prediction, subject)
show_seen(name, model, subject)
if folds:
    with readable_errors():
        show_folds(name, model, subject)
maps = maps_of(subject)
relevance = known_map_of(subject, key)
first = st.session_state.setdefault("first_map", key) == key and "started" not in st.session_state
if relevance is None and (run or (first and cheap_enough(model, method, params, study))):
    st.session_state["started"] = True  # the first view needs no click
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
if relevance is None:
    if not working and key in maps:
        st.rerun()  # the work ended while this run was under way
    if not working:
        st.info("This map is not known yet. Press **Explain** to compute it.", icon=":material/touch_app:")
    show_scan(name, model, subject, method.name, params)
    if not working:
        cost.caption(f"Cost: {cost_of(name, model.digest, method.name, params)}.")
    end_page()

cost.caption("Known: shown at once.")
trust_badge(
    name,
    method.name,
    params,
    subject=None if subject.uploaded else subject.name,
    model=model.digest,
    uploaded=subject.uploaded,
)
part, place = choose_view(subject, relevance)
state = show_planes(name, subject, relevance, part, place)
parts = ["Areas", "In space", "Files", *(["Preparation"] if subject.preparation else [])]
areas, space, files, *preparation = st.tabs(parts, key=linked("tab", "Areas", options=parts), on_change="rerun")
if areas.open:
    with areas:
        show_areas(name, subject, relevance, part, place)
if space.open:
    with space:
        show_space(study, subject, relevance, part, mm=place.to_template(state.cursor_mm))
if files.open:
    with files:
        show_downloads(name, subject, relevance, part, place)
for tab in preparation:
    with tab:
        show_quality(subject.preparation)
