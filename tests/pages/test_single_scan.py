"""The single-scan page, by Streamlit's own page tests."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from mriinterp.image.dense import dense_part
from mriinterp.methods import method_names
from mriinterp.results.store import Store
from mriinterp.study import load_study
from mriinterp.ui.cohort import planes as cohort
from mriinterp.ui.compare import view as compare_view
from mriinterp.ui.maps import result
from mriinterp.ui.single import predictions
from mriinterp.ui.sources.studies import remember_study
from mriinterp.ui.trust import tabs as trust
from mriinterp.ui.viewer import ViewerState

from .test_cohort import tiny_study


def text_of(app):
    return " ".join(element.value for element in [*app.markdown, *app.caption, *app.title])


def test_first_view_needs_no_click_and_says_what_it_is(open_page, finish):
    app = finish(open_page(method="sensitivity"))
    shown = text_of(app)
    assert "Simulated data" in shown
    assert "Research use only" in shown
    assert "true group" in shown
    assert [tab.label for tab in app.tabs] == ["Areas", "In space", "Files"]


def test_address_opens_the_same_view(open_page, finish):
    app = finish(open_page(subject="sim-004", method="sensitivity", **{"sensitivity.score": "logit"}))
    assert app.selectbox(key="subject").value == "sim-004"
    assert app.selectbox(key="sensitivity.score").value == "logit"
    assert app.query_params["subject"] in ("sim-004", ["sim-004"])


def test_tab_and_sides_come_from_the_address(open_page, finish):
    address = {"tab": "In space", "truth": "True", "merge": "False"}  # "truth": of an older link
    app = finish(open_page(subject="sim-003", method="sensitivity", **address))
    assert app.session_state["tab"] == "In space"
    assert app.query_params["tab"] in ("In space", ["In space"])
    app.session_state["tab"] = "Areas"
    app.run()
    assert "tab" not in app.query_params
    assert not app.toggle(key="merge").value
    assert "truth" not in app.query_params


@pytest.fixture
def shown(monkeypatch):
    """What the page's viewer is given: the arguments of its last call."""
    calls = []

    def viewer(scan, layers, **options):
        calls.append({"scan": scan, "layers": layers, **options})
        return ViewerState(None, None)

    for module in (result, cohort, trust, compare_view):
        monkeypatch.setattr(module, "linked_viewer", viewer)
    return calls


def test_the_truth_is_an_outline_on_the_map_and_no_second_map(open_page, finish, shown):
    finish(open_page(subject="sim-003", method="sensitivity"))
    (outline,), (_,) = shown[-1]["contours"], shown[-1]["layers"]
    truth = dense_part(load_study("demo").truth("sim-003")).canonical().data
    assert outline.name == "where the simulated disease changed most tissue"
    assert truth.any()
    assert (outline.volume.canonical().data == truth).all()
    healthy = next(i for i, row in load_study("demo").subjects.iterrows() if row["group"] == "CN")
    finish(open_page(subject=healthy, method="sensitivity"))
    assert shown[-1]["contours"] == []


def test_the_explained_output_is_chosen_on_the_page_and_in_the_address(open_page, finish):
    app = finish(open_page(subject="sim-001", method="sensitivity", target="CN"))
    assert app.selectbox(key="target").value == "CN"
    app.selectbox(key="target").select("AD").run()
    assert app.query_params["target"] in ("AD", ["AD"])
    app.selectbox(key="target").select("predicted").run()
    assert "target" not in app.query_params


def test_maps_of_each_explained_output_are_told_apart(open_page, finish, shown):
    units = {}
    for target in ("CN", "AD"):
        finish(open_page(subject="sim-001", method="sensitivity", target=target))
        units[target] = shown[-1]["layers"][0].unit
    assert "P(CN)" in units["CN"]
    assert "P(AD)" in units["AD"]


def test_nonsense_in_the_address_is_ignored(open_page, finish):
    app = finish(open_page(subject="sim-999", method="sensitivity", **{"occlusion.size": "-3"}))
    assert app.selectbox(key="subject").value == "sim-003"


@pytest.mark.parametrize("method", method_names())
def test_every_method_has_widgets_with_help(open_page, method):
    app = open_page(method=method)
    widgets = [*app.selectbox, *app.number_input, *app.checkbox, *app.text_input]
    of_method = [widget for widget in widgets if str(widget.key).startswith(f"{method}.")]
    assert of_method
    assert all(widget.help for widget in of_method)


def test_tissue_that_is_never_hidden_is_said_before_and_beside_the_map(open_page, finish):
    address = {"subject": "sim-005", "method": "occlusion", "occlusion.size": "30", "occlusion.stride": "80"}
    app = finish(open_page(**address))
    said = [warning.value.replace("\\", "") for warning in app.warning]
    assert any("are never hidden: the stride of 80 is larger than the box of 30 voxels" in text for text in said)


def test_the_layer_of_a_class_activation_map_is_offered_and_said(open_page, finish, shown):
    app = finish(open_page(subject="sim-005", method="layer_cam"))
    offered = app.selectbox(key="layer_cam.layer")
    assert offered.options[:4] == ["Automatic", "relu:4", "Conv_4_bn", "Conv_4"]
    assert "Layer: relu:4 (64 channels" in shown[-1]["note"]


def test_the_parts_of_the_map_before_stay_until_another_one_is_there(open_page, finish):
    app = finish(open_page(subject="sim-005", method="occlusion"))
    parts = [tab.label for tab in app.tabs]
    assert "Of the map before." not in [caption.value for caption in app.caption]
    app.number_input(key="occlusion.stride").set_value(19).run()
    assert [tab.label for tab in app.tabs] == parts
    assert "Of the map before." in [caption.value for caption in app.caption]


def test_all_subjects_are_predicted_in_the_background_and_stand_in_the_list(open_page, finish, monkeypatch, tmp_path):
    file = tiny_study(tmp_path / "study", per_group=2)
    remember_study(str(file))
    monkeypatch.setattr("mriinterp.ui.single.predictions.MOST", 200)
    app = finish(open_page(study=str(file), method="sensitivity"))
    job = app.session_state["_job_predictions"]
    job.wait(60)
    assert job.error is None
    assert not job.running
    assert job.result == len(load_study(file).subjects) - 1  # the one that is shown was predicted before
    ids = load_study(file).subjects.index.tolist()
    # The list learns them when another subject is chosen: options that change before would lose the choice.
    app = finish(open_page(study=str(file), method="sensitivity", subject=ids[1]))
    assert ["→" in option for option in app.selectbox(key="subject").options] == [True] * len(ids)


def test_no_predictions_of_real_scans_by_a_network_of_simulated_ones(monkeypatch):
    started = []
    monkeypatch.setattr(predictions, "start_job", lambda *args, **more: started.append(args))
    monkeypatch.setattr(predictions, "known_predictions", lambda name: {})
    monkeypatch.setattr(predictions, "current_job", lambda slot: None)
    monkeypatch.setattr(predictions, "MOST", 200)
    model = SimpleNamespace(digest="d", card=SimpleNamespace(simulated=True))
    for simulated in (False, True):
        study = SimpleNamespace(opened="1", subjects=pd.DataFrame(index=["a"]), simulated=simulated)
        predictions.predict_all("study", study, model)
    assert len(started) == 1


def test_a_gradient_map_is_smoothed_on_request_and_says_so_everywhere(open_page, finish, shown, offered):
    app = finish(open_page(subject="sim-003", method="sensitivity"))
    raw = shown[-1]["layers"][0].volume
    app.selectbox(key="smoothing").set_value(8).run()
    call = shown[-1]
    sigma = 8 / (2 * np.sqrt(2 * np.log(2))) / np.array(raw.grid.voxel_sizes)
    np.testing.assert_allclose(
        call["layers"][0].volume.data, ndimage.gaussian_filter(raw.data, sigma), atol=1e-6 * np.abs(raw.data).max()
    )
    assert "8 mm full width at half maximum" in call["note"]
    assert "smoothed" in call["stem"]
    assert app.query_params["smoothing"] in ("8", ["8"])
    app.session_state["tab"] = "Files"
    app.run()
    assert any("smoothed" in name for name in offered)
    app = finish(open_page(subject="sim-003", method="occlusion", **{"occlusion.size": "60", "occlusion.stride": "60"}))
    assert "smoothing" not in [box.key for box in app.selectbox]  # boxes are as smooth as they are


def test_a_damaged_map_of_the_package_is_asked_for_and_not_waited_for(open_page, finish, monkeypatch):
    monkeypatch.setattr(Store, "__contains__", lambda self, key: True)
    monkeypatch.setattr(Store, "_read", lambda self, key: None)
    monkeypatch.setattr("mriinterp.cost.map_seconds", lambda *_: 100.0)
    app = finish(open_page(subject="sim-001", method="sensitivity", **{"sensitivity.score": "logit"}))
    assert app.button("explain_here")
