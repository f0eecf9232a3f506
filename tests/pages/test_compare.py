"""The compare page, by Streamlit's own page tests; columns and work without a page."""

from dataclasses import replace
from functools import wraps

import numpy as np
import pytest

from mriinterp.base.progress import Cancelled
from mriinterp.methods import get_method, method_registry
from mriinterp.ui.compare.column import Column, column_labels, make_column, read_column, write_column

PAGE = "pages/compare.py"
QUICK = "sensitivity,layer_cam"


@pytest.fixture
def open_compare(open_page):
    """The compare page; the page that the app opens first gets a quick method."""
    return lambda **address: open_page(PAGE, **{"method": "sensitivity", **address})


def text_of(app):
    return " ".join(element.value for element in [*app.markdown, *app.caption, *app.title, *app.info, *app.error])


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (Column("sim-001", "sensitivity"), "sim-001:sensitivity"),
        (Column("sim-001", "occlusion", (("size", 20), ("stride", 10))), "sim-001:occlusion:size=20,stride=10"),
        (Column("a:b,c=d/é", "layer_cam", (), "fold 2"), "a%3Ab%2Cc%3Dd%2F%C3%A9:layer_cam::fold 2"),
    ],
)
def test_columns_survive_the_address(column, text):
    assert write_column(column) == text
    assert read_column(text) == column


def test_defaults_are_left_out_of_a_column():
    assert make_column("s", "occlusion", {"size": 40, "stride": 7}).params == (("stride", 7),)
    assert read_column("s:occlusion:size=40") == Column("s", "occlusion")


@pytest.mark.parametrize(
    "text", ["", "sim-001", "s:nonsense", "s:occlusion:size=-3", "s:occlusion:speed=3", "a:b:c:d:e"]
)
def test_nonsense_is_no_column(text):
    with pytest.raises((KeyError, ValueError)):
        read_column(text)


class _Study:
    def group_of(self, subject):
        return {"s": "AD", "t": "CN"}[subject]


def test_labels_say_only_what_differs():
    columns = [Column("s", "occlusion"), Column("s", "occlusion", (("size", 20),)), Column("s", "sensitivity")]
    assert column_labels(columns, _Study()) == ["Occlusion · defaults", "Occlusion · size 20", "Sensitivity analysis"]
    assert column_labels([Column("s", "occlusion"), Column("t", "occlusion")], _Study()) == ["s · AD", "t · CN"]
    twice = column_labels([Column("s", "occlusion"), Column("s", "occlusion")], _Study())
    assert len(set(twice)) == 2


def _entry(label, key, method="sensitivity"):
    from mriinterp.ui.compare.entries import Entry
    from mriinterp.ui.scan.subject import Subject

    return Entry(Column("s", method), label, Subject("s", scan=label), None, {}, key)


@pytest.fixture
def seconds(monkeypatch):
    """A map of occlusion takes ten times as long as another."""
    monkeypatch.setattr(
        "mriinterp.ui.compare.entries.map_seconds",
        lambda model, method, params, atlas: 10 if method == "occlusion" else 1,
    )


def test_one_bar_over_all_maps_and_a_crash_leaves_the_others(seconds):
    from mriinterp.ui.compare.entries import run_all

    made, told = [], []

    def explain(model, scan, method, *, progress, cancel):
        if scan == "two":
            raise AttributeError("a bug in the method")
        progress(1, 2)
        made.append(scan)

    entries = [_entry("one", "1"), _entry("two", "2", "occlusion"), _entry("three", "3")]
    failed = run_all(entries, explain, lambda done, total: told.append(done / total), lambda: False)
    assert failed == {"2": "a bug in the method"}
    assert made == ["one", "three"]
    assert told == sorted(told)
    assert told[-1] == 1
    # Ten of twelve parts of the bar are the occlusion's.
    np.testing.assert_allclose(told[:3], [0.5 / 12, 1 / 12, 11 / 12], atol=1e-3)


def test_cancel_ends_all_work(seconds):
    from mriinterp.ui.compare.entries import run_all

    def explain(model, scan, method, *, progress, cancel):
        raise Cancelled("cancelled on request")

    with pytest.raises(Cancelled):
        run_all([_entry("one", "1"), _entry("two", "2")], explain, None, lambda: False)


def test_tissue_that_is_never_hidden_is_said_once(open_compare, finish):
    column = "sim-002:occlusion:size=30,stride=80"
    app = finish(open_compare(by="any", c=[column, "sim-002:sensitivity"]))
    said = [warning.value.replace("\\", "") for warning in app.warning]
    assert sum("are never hidden: the stride of 80 is larger than the box of 30" in text for text in said) == 1


@pytest.mark.parametrize(
    ("part", "size"),
    [("both", np.abs), ("supports", lambda d: np.where(d > 0, d, 0)), ("against", lambda d: np.where(d < 0, -d, 0))],
)
def test_shares_and_differences_against_plain_arithmetic(small_volume, part, size):
    from mriinterp.ui.compare.entries import raw_difference, readable_map, share_difference, share_map

    data = small_volume.data.astype(float)
    other = small_volume.with_data(np.roll(small_volume.data, 1, axis=0))
    one, two = size(data), size(np.roll(data, 1, axis=0))
    np.testing.assert_allclose(readable_map(small_volume, part).data, one, rtol=1e-6)
    per_cm3 = 100 / (abs(np.linalg.det(small_volume.affine[:3, :3])) / 1000)
    np.testing.assert_allclose(share_map(small_volume, part).data, per_cm3 * one / one.sum(), rtol=1e-5)
    expected = per_cm3 * (one / one.sum() - two / two.sum())
    np.testing.assert_allclose(
        share_difference(small_volume, other, part).data, expected, rtol=1e-4, atol=1e-5 * per_cm3
    )
    np.testing.assert_allclose(raw_difference(small_volume, other).data, data - np.roll(data, 1, axis=0), rtol=1e-6)
    assert not share_map(small_volume.with_data(np.zeros_like(small_volume.data)), part).data.any()


def test_methods_of_one_subject(open_compare, finish):
    app = finish(open_compare(methods=QUICK, subject="sim-002"))
    shown = text_of(app)
    assert "Simulated data" in shown
    assert "colours cannot be compared" in shown
    assert "true group **CN**" in shown
    assert app.multiselect(key="methods").value == ["sensitivity", "layer_cam"]
    assert app.selectbox(key="metric").value == "euclidean"
    assert "compare_areas" in app.session_state


def test_a_pair_and_its_difference(open_compare, finish):
    app = finish(open_compare(methods=QUICK, show="pair", a="2", b="1", scale="share"))
    assert app.selectbox(key="a").value == 2
    shown = text_of(app)
    assert "% of the map’s relevance per cm³" in shown
    assert "scaled to the same sum" in shown
    assert app.query_params["a"] in ("2", ["2"])
    app.selectbox(key="a").set_value(1).run()
    assert "Choose two different maps" in text_of(app)


def test_subjects_with_one_target_share_a_scale(open_compare, finish):
    app = finish(open_compare(by="subjects", method="sensitivity", target="AD", scale="common"))
    shown = text_of(app)
    assert "sim-001" in shown
    assert "sim-002" in shown
    assert "One scale for all maps" in shown
    assert "All explain **AD**" in shown


def test_several_subjects_explain_the_positive_class_unless_chosen(open_compare, finish):
    app = finish(open_compare(by="subjects", method="sensitivity", scale="common", show="pair"))
    assert app.selectbox(key="target").value == "AD"
    shown = text_of(app)
    assert "All explain **AD**" in shown
    assert "the same colour is the same" in shown
    assert "A − B of the raw, signed values" in shown
    app.run()
    assert "the same colour is the same" in text_of(app), "also of a page that is made again"
    app.segmented_control(key="show").set_value("all").run()
    assert app.segmented_control(key="scale").value == "common", "a list that becomes a row keeps what is chosen"
    app.segmented_control(key="show").set_value("pair").run()
    assert app.selectbox(key="scale").value == "common"
    app.run()
    assert app.selectbox(key="scale").value == "common"
    app.selectbox(key="by").set_value("methods").run()
    assert app.selectbox(key="target").value == "predicted"


def test_maps_of_opposite_outputs_are_not_subtracted(open_compare, finish):
    """The network says AD of sim-003 and CN of sim-002."""
    address = {"subjects": "sim-003,sim-002", "target": "predicted"}
    app = finish(open_compare(by="subjects", method="sensitivity", scale="common", show="pair", **address))
    shown = text_of(app)
    assert app.selectbox(key="target").value == "predicted"
    assert "different outputs" in shown
    assert "the same colour is the same" not in shown
    assert "raw, signed values" not in shown
    assert "each read without sign and scaled to the same sum" in shown
    assert app.query_params["target"] in ("predicted", ["predicted"])


@pytest.mark.parametrize("metric", ["spearman", "ssim", "top10"])
def test_any_columns_from_the_address(open_compare, finish, metric):
    columns = ["sim-001:sensitivity", "sim-002:layer_cam", "sim-999:sensitivity", "nonsense"]
    app = finish(open_compare(by="any", c=columns, metric=metric))
    assert app.multiselect(key="c_list").value == columns[:2]
    assert list(app.query_params["c"]) == columns[:2]
    app.button(key="add_column").click()
    app = finish(app.run())
    assert len(app.multiselect(key="c_list").value) == 3


def test_too_few_columns_are_told(open_compare):
    app = open_compare(methods="sensitivity")
    assert "two to six" in text_of(app)


def test_a_crash_in_a_method_leaves_the_page_usable(open_compare, finish, monkeypatch):
    method = get_method("layer_cam")

    @wraps(method.function)
    def crash(*args, **kwargs):
        raise AttributeError("a bug in the method")

    with monkeypatch.context() as broken:
        broken.setitem(method_registry._METHODS, "layer_cam", replace(method, function=crash))
        app = finish(open_compare(methods=QUICK, subject="sim-009"))
        told = [error.value.replace("\\", "") for error in app.error]
        assert told == ["LayerCAM could not be computed: a bug in the method"]
        assert "Each map has its own scale" in text_of(app)  # of the other method
        app.run()  # nothing starts again by itself
        assert "_job_compare" not in app.session_state
    app.button(key="compute").click()
    app = finish(app.run())
    assert not app.error
    assert "compare_areas" in app.session_state


def test_another_studys_networks_are_offered_but_not_preselected():
    from types import SimpleNamespace

    from mriinterp.study import load_study
    from mriinterp.ui.compare.networks import first_networks, networks_of

    folds = {f"fold_{n}": None for n in range(3)}
    own = SimpleNamespace(name="clinic", folds=folds, model_recipe=SimpleNamespace(source="network.toml"))
    offered = networks_of(own)
    assert offered[:4] == ["", *folds]
    assert {"demo", "demo_confound"} <= set(offered)
    assert not [name for name in offered if name.startswith("demo_seed")]
    assert first_networks(own) == ["", *folds]
    demo = load_study("demo")
    seeds = [name for name in networks_of(demo) if name.startswith("demo_seed")]
    assert seeds
    assert set(seeds) <= set(first_networks(demo))


def test_networks_on_one_scan(open_compare, finish):
    from mriinterp.models import packaged_models, read_card

    shortcuts = {name: bool(read_card(card).shortcut) for name, card in packaged_models().items() if name != "demo"}
    if not shortcuts:
        pytest.skip("there is only one packaged network")
    others = [name for name, shortcut in shortcuts.items() if not shortcut] or list(shortcuts)
    others = others[:5]
    app = finish(open_compare(by="networks", method="sensitivity", target="AD"))
    assert app.multiselect(key="networks").value == ["", *others]
    shown = text_of(app).replace("\\", "")
    assert f"{len(others) + 1} networks sa" in shown  # who says what, in one line
    assert all(f"{name} is a shortcut" in shown for name in others if shortcuts[name])
    assert "All explain **AD**" in shown
    assert "compare_areas" in app.session_state
