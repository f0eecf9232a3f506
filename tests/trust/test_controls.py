import numpy as np
import pytest
import torch

from mriinterp.trust import CONTROLS, Explainer, control_map, parse_explainer
from mriinterp.trust.explainers import control_explainers
from tests.trust.networks import Linear3D, array, case_of, small_network


def test_controls_know_nothing_of_the_network():
    cases = [case_of(Linear3D()), case_of(small_network())]
    for control in control_explainers():
        one, other = (control(case) for case in cases)
        np.testing.assert_array_equal(one, other)
        assert one.shape == (7, 8, 9)
        assert np.isfinite(one).all()
        assert one.std() > 0


def test_intensity_and_edges():
    x = torch.zeros(1, 1, 7, 8, 9)
    x[..., 4:, :, :] = -2.0
    np.testing.assert_array_equal(control_map("control_intensity", x), array(x.abs()))
    edges = control_map("control_edges", x)
    assert set(np.flatnonzero(edges.any((1, 2)))) == {3, 4}


def test_noise_differs_between_subjects_and_repeats_for_one():
    scan = torch.randn((1, 1, 7, 8, 9), generator=torch.Generator().manual_seed(8))
    one, again = (Explainer("control_random")(case_of(Linear3D())) for _ in range(2))
    other = Explainer("control_random")(case_of(Linear3D(), x=scan))
    np.testing.assert_array_equal(one, again)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.2
    blurred = Explainer("control_blur")(case_of(Linear3D(), name="a"))
    neighbours = np.corrcoef(blurred[:-1].ravel(), blurred[1:].ravel())[0, 1]
    assert neighbours > 0.9


def test_names_are_read_back():
    explainer = parse_explainer("occlusion[stride=2, size=3,fill=reference]")
    assert explainer.params == {"size": 3, "stride": 2, "fill": "reference"}
    assert parse_explainer(explainer.name).params == explainer.params
    assert parse_explainer("control_blur").is_control
    for wrong, what in (("nothing", KeyError), ("occlusion[width=3]", ValueError), ("occlusion[size=0]", ValueError)):
        with pytest.raises(what, match="expected"):
            parse_explainer(wrong)
    with pytest.raises(KeyError, match="control_random"):
        control_map("control_other", torch.zeros(1, 1, 3, 3, 3))
    assert len(CONTROLS) == 4


def test_maps_are_those_of_explain():
    case = case_of(small_network())
    values = Explainer("sensitivity")(case)
    x = case.x.clone().requires_grad_()
    out = case.module(x)[0]
    (out[1] - out[0]).backward()
    np.testing.assert_allclose(values, array(x.grad), atol=1e-6)
