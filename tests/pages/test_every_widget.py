"""Whatever a page shows, its address says: every widget of every page is changed, and a link opens what was chosen.

A setting that neither appears in the address nor stands on the list below, with the reason, fails.
"""

import re

import pytest
from streamlit.testing.v1 import element_tree
from streamlit.testing.v1.element_tree import (
    ButtonGroup,
    Checkbox,
    Multiselect,
    NumberInput,
    Selectbox,
    Slider,
    TextInput,
    Toggle,
)

from mriinterp.ui.sources.studies import remember_study

from .test_cohort import study_file  # noqa: F401
from .test_trust import benchmark  # noqa: F401

NOT_IN_THE_ADDRESS = {
    r"(study|network)_path": "a path being typed; what is opened is in the address",
    r"licence_\w+|agree_to_code": "consent is given in a session, never by a link",
    r"new_(subject|network|method)|\w+\.new\.\w+": "a form; the column that it adds is in the address",
    r"own_name": "the name of an own scan, which the address holds under another key",
}
NAMES = {"c_list": "c"}  # in the address, of keys of widgets
SETTINGS = (ButtonGroup, Checkbox, Multiselect, NumberInput, Selectbox, Slider, TextInput, Toggle)


class Shown(str):
    """An option as the page shows it."""


@pytest.fixture(autouse=True)
def options_as_shown(monkeypatch):
    """Let tests choose options by the words that are shown."""
    known = element_tree._format_value_for_widget
    monkeypatch.setattr(
        element_tree, "_format_value_for_widget", lambda f, v: str(v) if isinstance(v, Shown) else known(f, v)
    )


def settings(app):
    """The widgets of a page that hold a setting, by key, those of the main area first."""
    return {node.key: node for node in app._tree if isinstance(node, SETTINGS)}


def change(node):
    """Give a widget another value, as a reader would; whether there is another one."""
    if isinstance(node, Selectbox):
        if len(node.options) < 2:
            return False
        node.set_value(Shown(node.options[(node.index + 1) % len(node.options)]))
    elif isinstance(node, ButtonGroup | Multiselect):
        single = isinstance(node, ButtonGroup) and node._is_single_select
        chosen = [node.options[n] for n in node.indices]
        others = [option for option in node.options if option not in chosen]
        if single and others:
            node.set_value(Shown(others[0]))
        elif not single:
            fewer = chosen[:-1] if len(chosen) > 1 or not others else [*chosen, others[0]]
            node.set_value([Shown(option) for option in fewer])
        else:
            return False
    elif isinstance(node, Checkbox | Toggle):
        node.set_value(not node.value)
    elif isinstance(node, Slider):
        low, high = node.value
        node.set_value((low + node.step, high))
    elif isinstance(node, NumberInput):
        step = node.step if node.max is None or node.value + node.step <= node.max else -node.step
        node.set_value(node.value + step)
    else:
        node.set_value("something else")
    return True


def address(app):
    """The address as a mapping of names to lists of texts."""
    return {k: v if isinstance(v, list) else [v] for k, v in dict(app.query_params).items()}


def excused(key):
    return any(re.fullmatch(pattern, key) for pattern in NOT_IN_THE_ADDRESS)


def walk(app):
    """Change every setting of a page, one after the other; the keys of those that the address does not say."""
    seen, silent = {"study"}, []  # the study changes all others: it is tested by itself
    while left := [key for key in settings(app) if key not in seen and not excused(key)]:
        key, before = left[0], address(app)
        seen.add(key)
        if not change(settings(app)[key]):
            continue
        app.run()
        assert not app.exception, (key, [e.value for e in app.exception])
        name, after = NAMES.get(key, key), address(app)
        if after.get(name) == before.get(name):
            silent.append(key)
    assert len(seen) > 2
    return silent


PAGES = {
    "single scan": ("pages/single_scan.py", {"method": "area_occlusion"}),
    "single scan, files": ("pages/single_scan.py", {"method": "sensitivity", "tab": "Files"}),
    "compare methods": ("pages/compare.py", {"methods": "sensitivity,layer_cam", "show": "pair"}),
    "compare subjects": ("pages/compare.py", {"by": "subjects", "method": "sensitivity"}),
    "compare networks": ("pages/compare.py", {"by": "networks", "method": "sensitivity"}),
    "compare any": ("pages/compare.py", {"by": "any"}),
    **{
        f"cohort, {part}": ("pages/cohort.py", {"part": part, "cohort_method": "area_occlusion"})
        for part in ("Areas", "Distances", "Numbers", "Scans", "Voxels", "Files")
    },
    "cohort, compute": ("pages/cohort.py", {"compute": "True", "cohort_method": "area_occlusion"}),
    "network": ("pages/network.py", {}),
    "train": ("pages/train.py", {}),
}


@pytest.mark.parametrize("place", PAGES)
def test_every_setting_of_a_page_is_in_its_address(open_page, finish, study_file, place):  # noqa: F811
    page, start = PAGES[place]
    remember_study(str(study_file))
    app = finish(open_page(page, study=str(study_file), **start))
    assert walk(app) == []
    finish(app)
    link = finish(open_page(page, **{k: v if len(v) > 1 else v[0] for k, v in address(app).items()}))
    here, there = settings(app), settings(link)
    both = [key for key in here if key in there and not excused(key)]
    assert {key: there[key].value for key in both} == {key: here[key].value for key in both}
    assert len(both) >= len(here) - len([key for key in here if excused(key)]) - 1


@pytest.mark.parametrize("measure", ["All methods", "Faithfulness", "Agreement"])
def test_every_setting_of_the_trust_page_is_in_its_address(open_page, benchmark, measure):  # noqa: F811
    app = open_page("pages/trust.py", method="occlusion", measure=measure)
    assert walk(app) == []


@pytest.mark.parametrize(("page", "key"), [("single_scan", "tab"), ("cohort", "part"), ("trust", "measure")])
def test_open_tabs_are_in_the_address(open_page, finish, study_file, benchmark, page, key):  # noqa: F811
    remember_study(str(study_file))
    more = {} if page == "trust" else {"study": str(study_file)}
    app = finish(open_page(f"pages/{page}.py", **more))
    last = app.tabs[-1].label
    app.session_state[key] = last
    app.run()
    assert address(app)[key] == [last]


def test_another_study_is_in_the_address(open_page, study_file):  # noqa: F811
    remember_study(str(study_file))
    app = open_page(method="sensitivity")
    change(app.selectbox(key="study"))
    app.run()
    assert address(app)["study"] == [str(study_file)]
