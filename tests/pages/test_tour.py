"""The tour: six stops on the real pages, in the address, left at any point; each does what it says."""

import pytest

from mriinterp.study import load_study
from mriinterp.ui.shell.tour import STOPS

PAGES = {"single_scan": "Single scan", "compare": "Compare", "cohort": "Cohort", "trust": "Trust"}


@pytest.fixture
def went(monkeypatch):
    """Where buttons lead: (page, address)."""
    found = []
    monkeypatch.setattr("streamlit.switch_page", lambda page, query_params: found.append((page, query_params)))
    return found


def test_there_are_six_stops_of_one_sentence_on_views_that_exist():
    assert [stop.name for stop in STOPS] == ["Pick", "Hide", "Compare", "Groups", "Trust", "Own scan"]
    subjects = load_study("demo").subjects.index
    for stop in STOPS:
        assert len(stop.sentence) < 130
        assert stop.page in PAGES
        for view in (stop.view, stop.done):
            assert view.get("subject", "sim-003") in subjects
        assert stop.view.get("methods") == stop.done.get("methods")  # the action of Compare shows maps that are there


@pytest.mark.parametrize("number", [1, 4, 5])
def test_a_stop_stands_above_its_page_and_leads_on(open_page, went, monkeypatch, number):
    monkeypatch.setattr("mriinterp.ui.trust.first._show_pictures", lambda *arguments: None)
    stop = STOPS[number - 1]
    app = open_page(f"pages/{stop.page}.py", tour=str(number), **stop.view)
    assert f"**{number} of 6 · {stop.name}.** {stop.sentence}" in [e.value for e in app.markdown]
    assert app.title[0].value == PAGES[stop.page]
    assert app.query_params["tour"] in (str(number), [str(number)])
    assert app.button(key="tour_back").disabled == (number == 1)
    app.button(key="tour_do").click().run()
    app.button(key="tour_next").click().run()
    following = STOPS[number]
    assert went == [
        (f"pages/{stop.page}.py", {"tour": str(number), "study": "demo", **stop.done}),
        (f"pages/{following.page}.py", {"tour": str(number + 1), "study": "demo", **following.view}),
    ]


def test_the_tour_begins_at_the_first_stop_and_ends_wherever_it_is_left(open_page, went, monkeypatch):
    monkeypatch.setattr("mriinterp.ui.trust.first._show_pictures", lambda *arguments: None)
    app = open_page("pages/trust.py")
    assert "tour" not in app.query_params
    app.button(key="begin_tour").click().run()
    assert went.pop() == ("pages/single_scan.py", {"tour": "1", "study": "demo", **STOPS[0].view})
    app = open_page("pages/trust.py", tour="5", method="occlusion")
    app.button(key="tour_leave").click().run()
    assert "tour" not in app.query_params
    assert not [b for b in app.button if b.key == "tour_next"]
    assert app.selectbox(key="method").value == "occlusion"  # the page stays as it is


def test_a_stop_that_is_none_is_not_shown(open_page, monkeypatch):
    monkeypatch.setattr("mriinterp.ui.trust.first._show_pictures", lambda *arguments: None)
    app = open_page("pages/trust.py", tour="9")
    assert not [b for b in app.button if b.key == "tour_next"]
    assert any("tour 9 was not found" in w.value for w in app.warning)
