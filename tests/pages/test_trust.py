"""The trust page, on a small benchmark and without one."""

import json

import numpy as np
import pandas as pd
import pytest

from mriinterp.study import load_study
from mriinterp.trust import get_measure
from mriinterp.ui.trust import tabs as trust

CARD = "This method"  # the tab with every measure of one method
METHODS = ("sensitivity", "occlusion", "null_random", "null_edges", "null_intensity", "null_blur")


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Keep the maps of the first screen from being made: seconds of work that these tests do not look at."""
    monkeypatch.setattr("mriinterp.ui.trust.first._show_pictures", lambda *arguments, **_: None)


@pytest.fixture
def benchmark(results_folder, monkeypatch, tmp_path):  # the folder of results of all page tests
    """Numbers as a benchmark leaves them: occlusion beats every null map, sensitivity none; nothing is shipped."""
    monkeypatch.setattr("mriinterp.ui.sources.measured.SHIPPED", tmp_path)
    folder = trust.results_folder("demo")
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for subject in range(8):  # four cannot be significant
        for method in METHODS:
            value = {"occlusion": 0.6, "sensitivity": 0.05}.get(method, 0.2) + 0.01 * (subject % 4)
            rows.append(("regional", "rho", method, f"sim-00{subject + 1}", value))
    frame = pd.DataFrame(rows, columns=["measure", "quantity", "method", "subject", "value"])
    frame.to_csv(folder / "trust_results.csv", index=False)
    plan = {"explainers": [{"name": m, "null_map": m.startswith("null_")} for m in METHODS], "title": "Demo"}
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    yield folder
    for file in folder.iterdir():
        file.unlink()


def shown(app):
    return " ".join(element.value for element in [*app.markdown, *app.caption, *app.subheader, *app.info])


def test_a_method_that_beats_the_null_maps_is_shown(open_page, benchmark):
    said = shown(open_page("pages/trust.py", measure=CARD, method="occlusion"))
    assert "Regional faithfulness" in said
    assert "Better than all null maps" in said
    assert "no ground truth: it cannot be measured" in said  # localisation was not part of these numbers


def test_the_first_screen_has_three_lights_the_best_method_and_ten_numbers(open_page):
    app = open_page("pages/trust.py", method="integrated_gradients")  # the shipped figures
    said = shown(app)
    for question in ("Points at the disease", "Hiding what it marks changes the answer", "Depends on what the network"):
        assert question in said
    assert "It finds the tissue that was lost with a precision of" in said
    assert "Best for this network" in said
    table = next(e.value for e in app.markdown if e.value.startswith("| Measured"))
    assert len(table.splitlines()) == 2 + 5
    answer = app.markdown[[m.value.startswith("**Integrated") for m in app.markdown].index(True)].value
    assert answer.count("**:green[yes]**") == 2
    assert "points at the disease **:green[yes]**" in answer
    assert answer.endswith("depends on what the network learned **:red[no]**")
    tabs = ["All methods", "This method", "Each measure", "Null maps", "Shortcuts", "Why Grad-CAM failed", "Help"]
    assert [tab.label for tab in app.tabs] == tabs  # all in sight at 1280 pixels


def test_links_to_a_tab_of_its_own_for_each_measure_still_open_it(open_page):
    app = open_page("pages/trust.py", method="occlusion", measure="Stability")
    assert app.session_state["measure"] == "Each measure"
    assert app.session_state["each"] == "Stability"
    assert not app.warning
    assert get_measure("stability").question in shown(app)


@pytest.mark.parametrize("tab", ["Null maps", "Help"])
def test_null_maps_and_help_open(open_page, tab):
    app = open_page("pages/trust.py", method="occlusion", measure=tab)
    assert not app.error
    assert ("know nothing of the network" if tab == "Null maps" else "Each measure asks a question") in shown(app)


def test_a_method_that_does_not_is_told_too(open_page, benchmark):
    app = open_page("pages/trust.py", measure=CARD)
    app.selectbox(key="method").set_value("sensitivity").run()
    said = shown(app)
    assert "Better than all null maps" not in said
    assert "Simulated data" in said


def links(app):
    """Labels and addresses of the links of a page."""
    return {
        proto.label.replace("\\", ""): proto.query_string
        for proto in (element.proto for element in app.get("page_link"))
    }


def test_the_single_scan_page_links_here_with_the_method(open_page, finish):
    app = finish(open_page(method="sensitivity"))
    ((said, query),) = links(app).items()
    assert said in ("Trust: good", "Trust: mixed", "Trust: poor")
    assert "method=sensitivity" in query
    assert "subject=" in query


def test_where_nothing_was_measured_the_badge_says_so(open_page, finish, monkeypatch, tmp_path):
    monkeypatch.setattr("mriinterp.ui.maps.badge.measured", lambda *study: None)
    assert list(links(finish(open_page(method="sensitivity")))) == ["Trust: not measured"]


def test_a_link_wins_over_the_choice_carried_from_another_page(open_page):
    app = open_page(method="sensitivity")
    app.query_params["method"] = "occlusion"
    app.switch_page("pages/trust.py").run()
    assert app.selectbox(key="method").value == "occlusion"
    app.selectbox(key="method").set_value("lrp_epsilon").run()
    assert app.selectbox(key="method").value == "lrp_epsilon"


def cell(app, measure, column):
    """A cell of the card's table."""
    table = next(element.value for element in app.markdown if element.value.startswith("| Measure |"))
    row = next(line for line in table.splitlines() if line.startswith(f"| **{measure}**"))
    return row.split(" | ")[column].replace("\\", "").strip()


def test_the_subjects_own_figure_stands_beside_the_studys(open_page, benchmark):
    app = open_page("pages/trust.py", measure=CARD, method="occlusion", subject="sim-002")
    assert cell(app, "Regional faithfulness", 1) == "0.61"
    assert cell(app, "Regional faithfulness", 2).startswith("0.61\N{NO-BREAK SPACE}[")  # mean of 0.60 … 0.63
    assert cell(app, "Regional faithfulness", 3) == "8"
    assert cell(app, "Regional faithfulness", 4) == "0.22\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}0.22"
    app.selectbox(key="subject").set_value("sim-020").run()
    assert cell(app, "Regional faithfulness", 1) == "–"
    assert any(button.key == "measure_subject" for button in app.button)


def test_a_healthy_subject_has_no_ground_truth(open_page, benchmark):
    app = open_page("pages/trust.py", measure=CARD, method="occlusion")
    study = trust.study_of("demo")
    healthy = study.subjects.index[study.subjects["group"] == "CN"][0]
    ill = study.subjects.index[study.subjects["group"] == "AD"][0]
    app.selectbox(key="subject").set_value(healthy).run()
    assert cell(app, "Ground-truth localisation", 1) == "no ground truth"
    app.selectbox(key="subject").set_value(ill).run()
    assert cell(app, "Ground-truth localisation", 1) == "–"


def test_measuring_a_subject_fills_its_cells_and_no_mean(open_page, benchmark, finish, monkeypatch):
    def measure(study, subject, explainer, folder, *, shared, like, progress, cancel):
        folder.mkdir(parents=True, exist_ok=True)
        rows = [("regional", "rho", explainer, subject, 0.33), ("deletion", "abpc", explainer, subject, 1.5)]
        frame = pd.DataFrame(rows, columns=["measure", "quantity", "method", "subject", "value"])
        frame.to_csv(folder / "trust_results.csv", index=False)
        assert like["title"] == "Demo"  # comparable with the benchmark that is shown

    monkeypatch.setattr("mriinterp.ui.trust.card.measure_subject", measure)
    app = open_page("pages/trust.py", measure=CARD, method="occlusion", subject="sim-021")
    before = cell(app, "Regional faithfulness", 2)
    app.button(key="measure_subject").click()
    app = finish(app.run())
    assert cell(app, "Regional faithfulness", 1) == "*0.33*"
    assert cell(app, "Deletion and insertion", 1) == "*1.50*"
    assert cell(app, "Regional faithfulness", 2) == before
    assert "taken on demand" in shown(app)


def test_settings_a_method_was_measured_with_can_be_chosen(open_page):
    app = open_page("pages/trust.py", measure=CARD, method="occlusion")  # the shipped figures
    chosen = app.selectbox(key="measured_as")
    plain = cell(app, "Deletion and insertion", 2)
    chosen.set_value(chosen.options[1] if "[" in chosen.options[1] else trust.explainers_of(
        trust.table_of(trust.measured("demo")), "occlusion")[1]).run()  # fmt: skip
    assert cell(app, "Deletion and insertion", 2) != plain
    assert "size 20" in " ".join(element.value for element in app.subheader)


@pytest.mark.parametrize("part", ["Agreement", "Shortcuts", "Groups", "Retraining"])
def test_tabs_open(open_page, part):
    app = open_page("pages/trust.py", measure=CARD, method="integrated_gradients")
    assert "Not measured for this method" not in cell(app, "Deletion and insertion", 5)
    app.session_state["measure"] = "Shortcuts" if part == "Shortcuts" else "Each measure"
    app.session_state["each"] = part if part != "Shortcuts" else "Agreement"
    app.run()
    assert not app.exception, [e.value for e in app.exception]
    said = shown(app)
    if part == "Shortcuts":
        assert "decides by the mark" in said
    if part == "Agreement":
        assert "can agree and be wrong together" in said


def test_a_benchmark_that_has_just_begun_hides_no_figures(open_page, results_folder):
    folder = trust.results_folder("demo")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps({"title": "Demo", "explainers": []}), encoding="utf-8")
    app = open_page("pages/trust.py", measure=CARD, method="grad_cam")
    assert "Figures shipped with the package: 30 subjects" in shown(app)
    assert "its own map is empty in 6 of 6 subjects" in cell(app, "Randomisation of the network", 5)
    assert cell(app, "Group effect", 3) == "30\N{NO-BREAK SPACE}+\N{NO-BREAK SPACE}30"
    assert not app.warning
    (folder / "plan.json").unlink()


def test_figures_of_another_network_are_marked(open_page, benchmark):
    plan = json.loads((benchmark / "plan.json").read_text(encoding="utf-8"))
    plan["model"] = {"name": "elsewhere", "sha256": "0" * 64}
    (benchmark / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    app = open_page("pages/trust.py", method="occlusion")
    assert any("Measured with another network" in element.value for element in app.warning)


def test_the_viewer_of_random_networks_is_in_the_address(open_page, benchmark, monkeypatch):
    study = load_study("demo")
    grid = study.scan(study.example).canonical()
    maps = [(f"layer {n}", grid.with_data(np.full(grid.data.shape, n, np.float32))) for n in (1, 2)]

    class Made(dict):
        """Every row of maps is there."""

        def __contains__(self, key):
            return True

        def __getitem__(self, key):
            return maps

    monkeypatch.setattr(trust, "_made_series", Made)
    asked = {"series_threshold": "97", "series_mm": "-10,-20,0", "series_opacity": "0.5", "convention": "neurological"}
    tab = get_measure("randomisation").tab
    app = open_page("pages/trust.py", method="sensitivity", subject=study.example, measure=tab, **asked)
    assert any(caption.value.startswith("Maps of sim") for caption in app.caption)
    address = {k: v if isinstance(v, str) else v[0] for k, v in dict(app.query_params).items()}
    assert address.items() >= asked.items()
