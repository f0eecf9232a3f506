import numpy as np
import pytest
import torch

from mriinterp.trust import Explainer, get_measure
from mriinterp.trust.measures.stability import relative_change, shifted
from tests.trust.networks import Linear3D, array, case_of, small_network

MEASURE = get_measure("stability")


def test_gradient_of_a_linear_network_never_changes_under_noise():
    case = case_of(Linear3D())
    assert MEASURE.run(case, Explainer("sensitivity")).values["noise"] == pytest.approx(0, abs=1e-7)


def test_closed_form_of_gradient_times_input():
    case = case_of(Linear3D())
    outcome = MEASURE.run(case, Explainer("gradient_x_input"), draws=4, noise=0.1)
    slope, x, mask = case.module.slope(), array(case.x), case.mask
    rng = case.rng("stability noise")
    sigma = 0.1 * case.x[0, 0].numpy()[mask].std(ddof=1)
    expected = [
        np.linalg.norm((slope * rng.standard_normal(case.x.shape)[0, 0] * sigma)[mask])
        / np.linalg.norm((slope * x)[mask])
        for _ in range(4)
    ]
    np.testing.assert_allclose(outcome.details["noise"], expected, rtol=1e-4)
    assert outcome.values["noise"] == max(outcome.details["noise"])


def test_a_map_that_moves_with_the_scan_is_aligned_back():
    """|x| moves exactly; only what left the image at the border is lost."""
    mask = np.zeros((7, 8, 9), bool)
    mask[1:-1, 1:-1, 1:-1] = True
    case = case_of(small_network(), mask=mask)
    values = MEASURE.run(case, Explainer("null_intensity"), draws=1).values
    assert values["shift"] == pytest.approx(0, abs=1e-6)


def test_shift_by_hand():
    x = torch.arange(5.0)[None, None]
    assert shifted(x, (2,))[0, 0].tolist() == [0, 0, 0, 1, 2]
    assert shifted(x, (-1,))[0, 0].tolist() == [1, 2, 3, 4, 0]


def test_against_captum():
    """Captum's largest sensitivity over the same draws of noise, on the whole image."""
    metrics = pytest.importorskip("captum.metrics")
    case = case_of(small_network(), mask=np.ones((7, 8, 9), bool))
    explainer = Explainer("gradient_x_input")
    ours = MEASURE.run(case, explainer, draws=3, noise=0.3, shifts=0).values["noise"]
    rng = case.rng("stability noise")
    sigma = 0.3 * float(case.x.std())
    draws = iter([torch.from_numpy(rng.standard_normal(case.x.shape)).float() * sigma for _ in range(3)])

    def explain(inputs):
        return torch.stack([torch.from_numpy(explainer(case, x=x[None])).float()[None] for x in inputs[0]])

    worst = metrics.sensitivity_max(
        lambda inputs: explain((inputs,) if isinstance(inputs, torch.Tensor) else inputs),
        case.x,
        perturb_func=lambda inputs: (
            inputs + next(draws) if isinstance(inputs, torch.Tensor) else (inputs[0] + next(draws),)
        ),
        n_perturb_samples=3,
        max_examples_per_batch=1,
    )
    assert ours == pytest.approx(float(worst[0]), rel=1e-3)


def test_relative_change_of_nothing():
    assert np.isnan(relative_change(np.ones(3), np.zeros(3)))
