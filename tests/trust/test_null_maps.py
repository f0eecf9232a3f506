from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import mriinterp.trust
from mriinterp.trust import NULL_MAPS, Explainer, load_details, null_map, parse_explainer, summary
from mriinterp.trust.agreement import load_agreement
from mriinterp.trust.explainers import null_explainers
from mriinterp.trust.shortcut_results import load_shortcuts
from tests.trust.networks import Linear3D, array, case_of, small_network


def test_null_maps_know_nothing_of_the_network():
    cases = [case_of(Linear3D()), case_of(small_network())]
    for null in null_explainers():
        one, other = (null(case) for case in cases)
        np.testing.assert_array_equal(one, other)
        assert one.shape == (7, 8, 9)
        assert np.isfinite(one).all()
        assert one.std() > 0


def test_intensity_and_edges():
    x = torch.zeros(1, 1, 7, 8, 9)
    x[..., 4:, :, :] = -2.0
    np.testing.assert_array_equal(null_map("null_intensity", x), array(x.abs()))
    edges = null_map("null_edges", x)
    assert set(np.flatnonzero(edges.any((1, 2)))) == {3, 4}


def test_noise_differs_between_subjects_and_repeats_for_one():
    case, other = case_of(Linear3D()), Explainer("null_random")(case_of(Linear3D(), name="sim-002"))
    one, again = (Explainer("null_random")(case_of(Linear3D())) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    nearly = case_of(Linear3D(), x=case.x * (1 + 1e-7))  # as another machine prepares it
    np.testing.assert_array_equal(Explainer("null_random")(nearly), one)
    moved = Explainer("null_random")(case, x=case.x + 0.02)
    assert abs(np.corrcoef(one.ravel(), moved.ravel())[0, 1]) < 0.2
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.2
    blurred = Explainer("null_blur")(case_of(Linear3D(), name="a"))
    neighbours = np.corrcoef(blurred[:-1].ravel(), blurred[1:].ravel())[0, 1]
    assert neighbours > 0.9


def test_names_are_read_back():
    explainer = parse_explainer("occlusion[stride=2, size=3,fill=reference]")
    assert explainer.params == {"size": 3, "stride": 2, "fill": "reference"}
    assert parse_explainer(explainer.name).params == explainer.params
    assert parse_explainer("null_blur").is_null_map
    for wrong, what in (("nothing", KeyError), ("occlusion[width=3]", ValueError), ("occlusion[size=0]", ValueError)):
        with pytest.raises(what, match="expected"):
            parse_explainer(wrong)
    with pytest.raises(KeyError, match="null_random"):
        null_map("null_other", torch.zeros(1, 1, 3, 3, 3))
    assert len(NULL_MAPS) == 4


def test_maps_are_those_of_explain():
    case = case_of(small_network())
    values = Explainer("sensitivity")(case)
    x = case.x.clone().requires_grad_()
    out = case.module(x)[0]
    (out[1] - out[0]).backward()
    np.testing.assert_allclose(values, array(x.grad), atol=1e-6)


def test_results_with_earlier_names_are_read(tmp_path):
    shipped = Path(mriinterp.trust.__file__).parent / "measured" / "demo"
    for path in shipped.iterdir():
        text = path.read_text(encoding="utf-8").replace('"null_map":', '"control":').replace("null_", "control_")
        text = text.replace("shortcut,network", "trap,network")
        (tmp_path / path.name.replace("shortcut_", "trap_")).write_text(text, encoding="utf-8")
    assert "control_edges" in (tmp_path / "trust_results.csv").read_text(encoding="utf-8")
    pd.testing.assert_frame_equal(summary(tmp_path), summary(shipped))
    pd.testing.assert_frame_equal(load_agreement(tmp_path), load_agreement(shipped))
    assert load_details(tmp_path, "deletion").keys() == load_details(shipped, "deletion").keys()
    for name, table in load_shortcuts(shipped).items():
        pd.testing.assert_frame_equal(load_shortcuts(tmp_path)[name], table)
    assert parse_explainer("control_edges").name == "null_edges"
