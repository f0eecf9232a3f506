"""Present: picture, sentence and colour bar; keys step through subjects or methods; in the address, left at any point."""

from mriinterp.methods import listed_methods
from mriinterp.study import load_study


def keys(app):
    return {button.key for button in app.button if button.key and button.key.startswith("present_")}


def test_subjects_and_methods_of_a_scan_are_stepped_through(open_page):
    app = open_page("pages/single_scan.py", subject="sim-003", method="sensitivity", present="True")
    assert keys(app) == {"present_back", "present_next", "present_other", "present_leave"}
    known = load_study("demo").subjects.index.tolist()
    app.button(key="present_next").click().run()
    assert app.selectbox(key="subject").value == known[known.index("sim-003") + 1]
    app.button(key="present_other").click().run()
    app.button(key="present_back").click().run()
    methods = listed_methods("cohort")
    assert app.selectbox(key="method").value == methods[methods.index("sensitivity") - 1]
    assert app.query_params["present"] in ("True", ["True"])
    assert app.query_params["present_by"] in ("method", ["method"])
    app.button(key="present_leave").click().run()
    assert "present" not in app.query_params
    assert not keys(app)


def test_a_presented_page_makes_the_maps_it_steps_to_without_being_asked(open_page, finish, monkeypatch):
    monkeypatch.setattr("mriinterp.cost.map_seconds", lambda *arguments: 5.0)  # more than is made unasked elsewhere
    app = finish(open_page("pages/single_scan.py", subject="sim-008", method="sensitivity", present="True"))
    app.button(key="present_next").click().run()
    app = finish(app)
    assert app.selectbox(key="subject").value == "sim-009"
    assert "explain_here" not in {button.key for button in app.button}


def test_a_cohort_is_presented_by_methods(open_page):
    app = open_page("pages/cohort.py", present="True")
    assert keys(app) == {"present_back", "present_next", "present_leave"}
    first = app.selectbox(key="cohort_method").value
    app.button(key="present_next").click().run()
    assert app.selectbox(key="cohort_method").value != first
    assert not app.error


def test_other_pages_are_not_presented(open_page, monkeypatch):
    monkeypatch.setattr("mriinterp.ui.trust.first._show_pictures", lambda *arguments: None)
    app = open_page("pages/trust.py", present="True")
    assert not keys(app)
    assert not [b for b in app.button if b.key == "begin_present"]
