import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar

from mriinterp.trust import Explainer, get_measure
from mriinterp.trust.measures.infidelity import random_boxes, scaled_infidelity
from tests.trust.networks import Linear3D, array, case_of, small_network

MEASURE = get_measure("infidelity")


def test_exact_maps_of_a_linear_network_are_perfect():
    case = case_of(Linear3D())
    slope = case.module.slope()
    gradient = MEASURE.run(case, Explainer("sensitivity"), slope).values
    assert gradient["infidelity"] == gradient["infidelity_gradient"] == pytest.approx(0, abs=1e-6)
    share = MEASURE.run(case, Explainer("gradient_x_input"), slope * array(case.x - case.reference)).values
    assert share["infidelity"] == share["infidelity_share"] == pytest.approx(0, abs=1e-6)
    assert MEASURE.run(case, Explainer("sensitivity"), -slope).values["infidelity"] == 1


def test_a_scale_changes_nothing():
    case = case_of(small_network())
    relevance = np.random.default_rng(0).standard_normal(case.mask.shape) + case.module(case.x).detach().numpy()[0, 0]
    one = MEASURE.run(case, Explainer("sensitivity"), relevance).values["infidelity"]
    other = MEASURE.run(case, Explainer("sensitivity"), 17 * relevance).values["infidelity"]
    assert one == pytest.approx(other)
    assert 0 < one <= 1


def test_best_scale_by_search(rng):
    predicted, drops = rng.normal(size=50), rng.normal(size=50)
    drops += 0.7 * predicted
    best = minimize_scalar(lambda beta: np.mean((beta * predicted - drops) ** 2), bounds=(0, 10), method="bounded")
    assert scaled_infidelity(predicted, drops) == pytest.approx(best.fun / np.mean(drops**2), rel=1e-6)
    assert scaled_infidelity(-predicted, drops) == 1
    assert np.isnan(scaled_infidelity(predicted, np.zeros(50)))


def test_against_captum():
    """Captum's infidelity with its own best scale, over E[Δ²], on the same perturbations."""
    metrics = pytest.importorskip("captum.metrics")
    case = case_of(small_network())
    attribution = torch.randn(case.x.shape, generator=torch.Generator().manual_seed(2))
    out = case.module(case.x).detach()[0]
    boxes = random_boxes(case.mask, 200, case.rng("infidelity boxes"))
    changes = torch.zeros((200, *case.x.shape[1:]))
    for change, box in zip(changes, boxes, strict=True):
        at = (slice(None), *(slice(a, b) for a, b in box))
        change[at] = (case.x - case.reference)[0][at]
    margins = case.module(case.x - changes).detach()
    drops = float(out[1] - out[0]) - (margins[:, 1] - margins[:, 0]).double()
    sign = float(torch.sign(((changes * attribution).flatten(1).sum(1) * drops).sum()))
    theirs = metrics.infidelity(
        lambda x: (lambda y: y[:, 1] - y[:, 0])(case.module(x)),
        lambda x: (changes, x - changes),
        case.x,
        sign * attribution,
        n_perturb_samples=200,
        max_examples_per_batch=200,
        normalize=True,
    )
    ours = MEASURE.run(case, Explainer("sensitivity"), sign * array(attribution)).values["infidelity"]
    assert ours == pytest.approx(float(theirs) / float((drops**2).mean()), rel=1e-3)


def test_boxes_lie_in_the_image_and_touch_the_mask(rng):
    mask = np.zeros((20, 30, 25), bool)
    mask[5:9, 10:20, 3:6] = True
    for box in random_boxes(mask, 100, rng):
        assert all(0 <= a < b <= n for (a, b), n in zip(box, mask.shape, strict=True))
        assert mask[tuple(slice(a, b) for a, b in box)].any()
