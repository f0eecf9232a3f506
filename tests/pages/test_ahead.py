"""What the pages of the demo study show first is made before they are asked for."""

import importlib

import pytest
import streamlit as st

# What takes long in the first view of a page: where it is called, and its name.
LONG = {
    "single": (
        ("viewer.component", "pack_scan"),
        ("viewer.component", "pack_relevance"),
        ("viewer.component", "pack_labels"),
        ("sources.measured", "badge_signs"),
        ("maps.signs", "part_shares"),
    ),
    "compare": (
        ("viewer.component", "pack_relevance"),
        ("compare.view", "part_table"),
        ("compare.matrix", "distance_matrix"),
    ),
    "cohort": (
        ("viewer.component", "pack_relevance"),
        ("cohort.areas", "compare_areas"),
        ("cohort.areas", "area_table"),
        ("cohort.truth", "dense_part"),
        ("sources.measured", "summary"),
    ),
    "network": (("network.card", "layer_sizes"), ("network.field", "field_of_view")),
    "trust": (
        ("sources.measured", "summary"),
        ("sources.measured", "findings"),
        ("sources.measured", "ranked_methods"),
    ),
}


SCRIPTS = {"single": "single_scan"}
TITLES = {"single": "Single scan"}


@pytest.mark.parametrize("page", LONG)
def test_a_page_finds_what_was_made_ahead_of_it(page, open_page, monkeypatch):
    called = []

    def watched(name, function):
        def call(*about, **more):
            called.append(name)
            return function(*about, **more)

        return call

    for module, name in LONG[page]:
        place = importlib.import_module(f"mriinterp.ui.{module}")
        monkeypatch.setattr(place, name, watched(name, getattr(place, name)))
    st.cache_data.clear()
    st.cache_resource.clear()
    for _ in importlib.import_module(f"mriinterp.ui.{page}.ahead").load_ahead("demo"):
        pass
    assert set(called) == {name for _, name in LONG[page]}
    called.clear()
    app = open_page(f"pages/{SCRIPTS.get(page, page)}.py")
    assert app.title[0].value == TITLES.get(page, page.capitalize())
    assert called == []
