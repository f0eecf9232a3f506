"""The address knows every setting of the viewer, and nonsense in it is refused."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from mriinterp.ui.base import viewlink
from tests.ui.test_viewer_modules import PROJECT


def test_every_setting_that_the_viewer_reports_has_its_usual_value():
    text = (PROJECT / "js" / "settings.js").read_text(encoding="utf-8")
    own = re.search(r"const DEFAULTS = \{(.*?)\};", text, re.S).group(1)
    given = re.search(r"const SETTINGS = \[(.*?)\];", text, re.S).group(1)
    reported = {*re.findall(r"(\w+):", own), *re.findall(r"'(\w+)'", given)}
    assert len(reported) > 20
    assert reported == viewlink.DEFAULTS.keys()


def test_zoom_in_an_address_reads_back():
    zoom = [2.5, -20.0, 10.25, 4.0]
    assert viewlink._parse("zoom", viewlink._text(zoom)) == zoom


@pytest.mark.parametrize(
    "raw", ["2", "2,1,1", "0.5,0,0,0", "99,0,0,0", "nan,0,0,0", "2,nan,0,0", "2,1e9,0,0", "a,b,c,d", ""]
)
def test_zoom_that_is_none_is_refused(raw):
    with pytest.raises(ValueError):
        viewlink._parse("zoom", raw)


def _two_viewers():
    """A page with two viewers, which report what the session says."""
    import numpy as np
    import streamlit as st

    from mriinterp.image.volume import Volume
    from mriinterp.ui.base import viewlink
    from mriinterp.ui.base.address import address_of_page
    from mriinterp.ui.viewer import ViewerState

    def viewer(scan, layers, *, key, begin, convention, **given):
        told = st.session_state.get(f"told {key}", {})
        st.session_state[f"given {key}"] = convention
        return ViewerState(None, None, settings=told["settings"] if told.get("begin") == begin else {})

    def tell(key, **settings):
        st.session_state[f"told {key}"] = {"begin": viewlink._memory(key).begin, "settings": settings}

    viewlink.viewer = viewer
    scan = Volume(np.full((7, 8, 9), st.session_state.get("level", 0.0), np.float32), np.eye(4))
    with address_of_page("page"):
        if turned := st.session_state.pop("turn", None):
            tell(turned, convention="neurological", opacity=0.5)
        for key, prefix in (("one", ""), ("two", "t_")):
            viewlink.linked_viewer(scan, [], key=key, prefix=prefix)


@pytest.mark.parametrize("turned", ["one", "two"])
def test_left_and_right_are_the_same_in_all_viewers_of_a_page(turned, monkeypatch):
    monkeypatch.setattr(viewlink, "viewer", viewlink.viewer)  # put back after the test
    app = AppTest.from_function(_two_viewers).run()
    app.session_state["turn"] = turned
    app.run()
    assert not app.exception
    assert [app.session_state[f"given {key}"] for key in ("one", "two") if key != turned] == ["neurological"]
    assert app.query_params["convention"] in ("neurological", ["neurological"])
    assert "t_convention" not in app.query_params
    opacity = "opacity" if turned == "one" else "t_opacity"
    assert app.query_params[opacity] in ("0.5", ["0.5"])
    link = AppTest.from_function(_two_viewers)
    for name, value in app.query_params.items():
        link.query_params[name] = value
    link.run()
    assert [link.session_state[f"given {key}"] for key in ("one", "two")] == ["neurological"] * 2


def test_the_browser_has_a_moment_to_draw_what_is_new_before_the_rest_is_sent(monkeypatch):
    waited = []
    monkeypatch.setattr(viewlink, "viewer", viewlink.viewer)  # put back after the test
    monkeypatch.setattr(viewlink.time, "sleep", waited.append)
    first, later = viewlink.HEAD_START
    app = AppTest.from_function(_two_viewers).run()
    assert [one for one in waited if one in viewlink.HEAD_START] == [first]  # of two viewers of a new session
    app.run()
    assert not app.exception
    assert waited.count(later) == 0  # they show what they showed
    app.session_state["level"] = 1.0
    app.run()
    assert (waited.count(first), waited.count(later)) == (1, 2)
