"""Networks whose gradient is not the slope of their output, and networks without one."""

import re

import pytest
import torch
from torch import nn

from mriinterp import relevance

from .networks import SHAPE, seeded

CUT = ("sensitivity", "guided_backprop", "integrated_gradients", "grad_cam", "lrp_epsilon")


class Blocks(nn.Module):
    """Two branches; what `forward` does with them is up to the tests."""

    def __init__(self, way):
        super().__init__()
        self.way = way
        self.body = nn.Sequential(nn.Conv3d(1, 3, 3), nn.ReLU(), nn.Conv3d(3, 4, 3), nn.ReLU())
        self.side = nn.Sequential(nn.Conv3d(1, 2, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten())
        self.head = nn.Sequential(nn.Conv3d(4, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten())
        self.last, self.other = nn.Linear(4, 2), nn.Linear(2, 2)

    def forward(self, x):
        return getattr(self, self.way)(x)

    def answer(self, x):
        return self.last(self.head(self.body(x)))

    def frozen(self, x):
        with torch.no_grad():
            found = self.body(x)
        return self.last(self.head(found))

    def without_recording(self, x):
        with torch.inference_mode():
            found = self.body(x)
        return self.last(self.head(found.clone()))

    def branch_detached(self, x):
        return self.answer(x) + self.other(self.side(x).detach())

    def branch_frozen(self, x):
        with torch.no_grad():
            side = self.side(x)
        return self.answer(x) + self.other(side)

    def scaled_by_numbers(self, x):
        return self.answer(x / x.std().item())

    def scaled_by_data(self, x):
        return self.answer(x / x.data.mean())

    def scaled_by_numpy(self, x):
        return self.answer(x / float(x.detach().cpu().numpy().mean()))

    def reversed(self, x):
        return self.last(self.head(Reversed.apply(self.body(x))))

    def other_target_detached(self, x):
        first, second = self.answer(x).split(1, dim=1)
        return torch.cat([first, second + self.other(self.side(x).detach())[:, 1:]], dim=1)

    def checked(self, x):
        if not bool(x.detach().isfinite().all()) or x.detach().abs().max().item() > 1e9:
            raise ValueError("expected a finite image")
        return self.answer(x * (x.detach() > 0))

    def faithful(self, x):
        return self.last(self.head(Copied.apply(self.body(x))))

    def in_place(self, x):
        found = self.body(x)
        gate = torch.sigmoid(found)
        product = gate * found
        gate.mul_(2)
        return self.last(self.head(product + gate))

    def numpy_on_scan(self, x):
        return self.answer(x / float(x.numpy().max()))

    def no_backward(self, x):
        return self.last(self.head(Forward.apply(self.body(x))))


class Forward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()


class Copied(Forward):
    @staticmethod
    def backward(ctx, gradient):
        return gradient


class Reversed(Forward):
    @staticmethod
    def backward(ctx, gradient):
        return -gradient


@pytest.fixture
def x(rng):
    return torch.from_numpy(rng.uniform(-1, 3, (1, 1, *SHAPE))).float()


def explained(way, x, method="sensitivity", target=1):
    doubts = []
    found = relevance(seeded(Blocks(way)), x, method, target=target, context={"doubt": doubts.append})
    return found, doubts


@pytest.mark.parametrize("way", ["frozen", "without_recording"])
@pytest.mark.parametrize("method", CUT)
def test_a_network_without_a_gradient_is_refused(way, method, x):
    how = {"frozen": "torch.no_grad", "without_recording": "torch.inference_mode"}[way]
    with pytest.raises(ValueError, match=f"{how} in test_slope.py, line .*need no gradient; for the other methods"):
        explained(way, x, method)


@pytest.mark.parametrize(
    ("way", "how"),
    [
        ("branch_detached", r"\.detach\(\) in test_slope.py"),
        ("branch_frozen", r"torch\.no_grad in test_slope.py"),
        ("scaled_by_numbers", r"\.item\(\) in test_slope.py"),
        ("scaled_by_data", r"\.data in test_slope.py"),
        ("scaled_by_numpy", r"\.detach\(\) in test_slope.py"),
        ("reversed", "Reversed, a function with a backward pass of its own"),
    ],
)
def test_a_gradient_that_is_not_the_slope_is_reported(way, how, x):
    _, (doubt,) = explained(way, x)
    assert re.search(how, doubt), doubt
    assert "may leave that part out. Occlusion" in doubt


@pytest.mark.parametrize("way", ["answer", "checked", "faithful"])
def test_a_true_gradient_raises_no_doubt(way, x):
    assert explained(way, x)[1] == []


def test_only_the_explained_output_counts(x):
    assert explained("other_target_detached", x, target=0)[1] == []
    assert len(explained("other_target_detached", x, target=1)[1]) == 1


def test_occlusion_needs_no_gradient(x):
    hidden = {"size": 3, "stride": 3, "score": "raw"}
    frozen, plain = (relevance(seeded(Blocks(way)), x, "occlusion", target=1, **hidden) for way in ("frozen", "answer"))
    assert frozen.any()
    torch.testing.assert_close(frozen, plain, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("in_place", "change in place .*write x = x"),
        ("numpy_on_scan", "NumPy on a tensor of the scan"),
        ("no_backward", "without a backward pass"),
    ],
)
def test_errors_of_autograd_are_said_in_words(way, words, x):
    with pytest.raises(ValueError, match=f"{words}.*Occlusion and area occlusion need no gradient"):
        explained(way, x)
