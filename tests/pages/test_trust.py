"""The trust page, on a small benchmark and without one."""

import json

import pandas as pd
import pytest

from mriinterp.ui import trust

METHODS = ("sensitivity", "occlusion", "control_random", "control_edges", "control_intensity", "control_blur")


@pytest.fixture
def benchmark(results_folder):  # the folder of results of all page tests
    """Numbers as a benchmark leaves them: occlusion beats every control, sensitivity none."""
    folder = trust.results_folder("demo")
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for subject in range(4):
        for method in METHODS:
            value = {"occlusion": 0.6, "sensitivity": 0.05}.get(method, 0.2) + 0.01 * subject
            rows.append(("regional", "rho", method, f"sim-00{subject + 1}", value))
    frame = pd.DataFrame(rows, columns=["measure", "quantity", "method", "subject", "value"])
    frame.to_csv(folder / "trust_results.csv", index=False)
    plan = {"explainers": [{"name": m, "control": m.startswith("control_")} for m in METHODS], "title": "Demo"}
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    yield folder
    for file in folder.iterdir():
        file.unlink()


def shown(app):
    return " ".join(element.value for element in [*app.markdown, *app.caption, *app.subheader, *app.info])


def test_a_method_that_beats_the_controls_is_told(open_page, benchmark):
    said = shown(open_page("pages/trust.py", method="occlusion"))
    assert "Regional faithfulness" in said
    assert "Better than all controls" in said
    assert "no ground truth: nobody can tell" in said  # localisation was not part of these numbers


def test_a_method_that_does_not_is_told_too(open_page, benchmark):
    app = open_page("pages/trust.py")
    app.selectbox(key="method").set_value("sensitivity").run()
    said = shown(app)
    assert "Better than all controls" not in said
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
    assert said.startswith("Trust: beats all controls on localisation")
    assert "method=sensitivity" in query
    assert "subject=" in query


def test_where_nothing_was_measured_the_badge_says_so(open_page, finish, monkeypatch, tmp_path):
    monkeypatch.setattr("mriinterp.ui.badge.measured", lambda study: None)
    assert list(links(finish(open_page(method="sensitivity")))) == ["Trust: not measured for this study"]


def test_a_link_wins_over_the_choice_carried_from_another_page(open_page):
    app = open_page(method="sensitivity")
    app.query_params["method"] = "occlusion"
    app.switch_page("pages/trust.py").run()
    assert app.selectbox(key="method").value == "occlusion"
    app.selectbox(key="method").set_value("lrp_epsilon").run()
    assert app.selectbox(key="method").value == "lrp_epsilon"
