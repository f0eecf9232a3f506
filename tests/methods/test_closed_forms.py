"""Relevance where it is known exactly, and where captum is right."""

import captum.attr as captum
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from mriinterp.explain import relevance
from mriinterp.methods.fills import fill_values, gaussian_blur

from .networks import SHAPE, Linear3D, image, labels_of, seeded, small_3d


@pytest.fixture
def linear():
    return Linear3D()


def difference(model):
    """d margin / d x of a linear network."""
    return (model.weight[1] - model.weight[0]).detach()[None, None]


@pytest.mark.parametrize(("name", "params"), [("sensitivity", {}), ("smoothgrad", {"samples": 5, "noise": 0.5})])
def test_gradients_of_a_linear_network_are_its_weights(linear, name, params):
    result = relevance(linear, image(SHAPE), name, target=1, score="logit", **params)
    torch.testing.assert_close(result, linear.weight[None, 1:].detach())
    result = relevance(linear, image(SHAPE), name, target=1, score="margin", **params)
    torch.testing.assert_close(result, difference(linear))


def test_probability_gradient_of_a_linear_network(linear):
    x = image(SHAPE) * 0.05
    p = torch.softmax(linear(x), 1)[0, 1].item()
    result = relevance(linear, x, "sensitivity", target=1)
    torch.testing.assert_close(result, p * (1 - p) * difference(linear))


@pytest.mark.parametrize("name", ["gradient_x_input", "integrated_gradients"])
def test_contributions_of_a_linear_network(linear, name):
    x = image(SHAPE)
    result = relevance(linear, x, name, target=1)
    torch.testing.assert_close(result, difference(linear) * x)
    torch.testing.assert_close(result.sum(), (linear(x)[0, 1] - linear(x)[0, 0]).detach(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("baseline", ["mean", "blur", "reference"])
def test_integrated_gradients_against_a_baseline(linear, baseline):
    x, reference = image(SHAPE), image(SHAPE, 9)
    start = fill_values(baseline, x, reference)
    context = {"reference": reference}
    result = relevance(linear, x, "integrated_gradients", target=0, score="logit", baseline=baseline, context=context)
    torch.testing.assert_close(result, linear.weight[None, :1].detach() * (x - start))


def test_integrated_gradients_add_up():
    """Completeness on a network that is anything but linear."""
    module, x = small_3d(), image(SHAPE)
    total = relevance(module, x, "integrated_gradients", target=1, score="logit", steps=300).sum()
    expected = (module(x) - module(torch.zeros_like(x)))[0, 1]
    assert abs(total - expected) < 2e-3 * abs(expected)


@pytest.mark.parametrize("fill", ["zero", "mean", "blur", "reference"])
def test_occlusion_of_a_linear_network_is_what_the_box_held(linear, fill):
    """Stride = size = 1: the fall of the logit is w · (x − fill), voxel by voxel."""
    x, reference = image(SHAPE), image(SHAPE, 9)
    result = relevance(
        linear, x, "occlusion", target=1, score="logit", size=1, stride=1, fill=fill, context={"reference": reference}
    )
    expected = linear.weight[None, 1:].detach() * (x - fill_values(fill, x, reference))
    torch.testing.assert_close(result, expected, atol=2e-5, rtol=1e-4)


def test_occlusion_sums_over_the_box(linear):
    x = image(SHAPE)
    result = relevance(linear, x, "occlusion", target=1, score="margin", size=4, stride=3)[0, 0]
    held = (difference(linear) * x)[0, 0].double()
    for i, j, k in ((0, 0, 0), (3, 3, 6), (6, 6, 0)):  # centres of boxes; the box around c is c − 2 … c + 1
        box = held[max(i - 2, 0) : i + 2, max(j - 2, 0) : j + 2, max(k - 2, 0) : k + 2]
        assert result[i, j, k].item() == pytest.approx(box.sum().item(), abs=1e-5)


@pytest.mark.parametrize("both_sides", [False, True])
def test_area_occlusion_sums_over_the_area(linear, both_sides):
    x, labels = image(SHAPE), labels_of(SHAPE)
    result = relevance(
        linear, x, "area_occlusion", target=1, score="logit", both_sides=both_sides, context={"labels": labels}
    )[0, 0]
    held, areas = (linear.weight[1] * x[0, 0]).detach(), labels[int(both_sides)]
    assert (result[areas == 0] == 0).all()
    for area in areas.unique()[1:]:
        torch.testing.assert_close(
            result[areas == area], held[areas == area].sum().expand((areas == area).sum()), atol=1e-5, rtol=1e-4
        )


def test_area_occlusion_needs_areas():
    for labels, word in ((None, "atlas"), (labels_of((7, 8, 8)), "shape"), (labels_of(SHAPE) * 0, "labelled voxel")):
        with pytest.raises(ValueError, match=word):
            relevance(small_3d(), image(SHAPE), "area_occlusion", target=0, context={"labels": labels})


def test_blur_is_scipys():
    x = image((25, 30, 21))
    expected = gaussian_filter(x[0, 0].numpy(), 2.0, mode="nearest", truncate=3.0)
    np.testing.assert_allclose(gaussian_blur(x, 2.0)[0, 0].numpy(), expected, atol=1e-6)


def test_fills():
    x = torch.cat([image(SHAPE), image(SHAPE, 4) + 5], dim=1)
    assert fill_values("mean", x)[0, 1].item() == pytest.approx(x[0, 1].mean().item(), rel=1e-5)
    with pytest.raises(ValueError, match="reference"):
        fill_values("reference", x)
    with pytest.raises(ValueError, match="shape"):
        fill_values("reference", x, x[:, :1])


# ---- captum, on networks where it is right


def saturating():
    return seeded(
        nn.Sequential(nn.Conv3d(1, 4, 3), nn.Tanh(), nn.AvgPool3d(2), nn.Flatten(), nn.Linear(4 * 2 * 3 * 3, 3))
    )


@pytest.mark.parametrize("network", [small_3d, saturating])
def test_gradients_like_captum(network):
    module, x = network(), image(SHAPE)
    for ours, theirs in (("sensitivity", captum.Saliency(module)), ("gradient_x_input", captum.InputXGradient(module))):
        more = {"abs": False} if ours == "sensitivity" else {}
        expected = theirs.attribute(x.clone().requires_grad_(True), target=1, **more).detach()
        torch.testing.assert_close(relevance(module, x, ours, target=1, score="logit"), expected)


@pytest.mark.parametrize("network", [small_3d, saturating])
def test_integrated_gradients_like_captum(network):
    module, x = network(), image(SHAPE)
    expected = captum.IntegratedGradients(module).attribute(x, target=1, n_steps=24, method="gausslegendre").detach()
    ours = relevance(module, x, "integrated_gradients", target=1, score="logit", steps=24)
    torch.testing.assert_close(ours, expected.float(), atol=2e-6, rtol=1e-4)


@pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU")
def test_guided_backprop_like_captum():
    module = small_3d()
    module[5] = nn.ReLU()  # captum cannot do it in place
    x = image(SHAPE)
    expected = captum.GuidedBackprop(module).attribute(x.clone().requires_grad_(True), target=1).detach()
    torch.testing.assert_close(relevance(module, x, "guided_backprop", target=1, score="logit"), expected)


def test_grad_cam_like_captum():
    """Captum's map of the last convolution, stretched to the corners here by hand."""
    module, x = small_3d(), image(SHAPE)
    module[5] = nn.ReLU()
    coarse = captum.LayerGradCam(module, module[4]).attribute(x, target=1).detach()
    expected = nn.functional.interpolate(coarse, SHAPE, mode="trilinear", align_corners=True)
    ours = relevance(module, x, "grad_cam", target=1, score="logit", resize="linear")
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-4)
    assert torch.linalg.norm(ours) > 0.1


def test_smoothgrad_averages_gradients():
    module, x = small_3d(), image(SHAPE)
    generator = torch.Generator().manual_seed(7)
    sigma = 0.2 * float(x.max() - x.min())
    noisy = [x + sigma * torch.randn(x.shape, generator=generator) for _ in range(4)]
    expected = sum(relevance(module, y, "sensitivity", target=0, score="margin") for y in noisy) / 4
    ours = relevance(module, x, "smoothgrad", target=0, samples=4, noise=0.2, seed=7)
    torch.testing.assert_close(ours, expected)
    assert not torch.equal(ours, relevance(module, x, "smoothgrad", target=0, samples=4, noise=0.2, seed=8))
