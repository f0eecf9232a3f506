"""Guided backpropagation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from mriinterp.methods.method import Docs, Expectation
from mriinterp.methods.method_registry import register_method
from mriinterp.methods.score import Score, gradient_of_score
from mriinterp.methods.sensitivity import PUBLISHED

__all__ = ["GuidedReLU", "guided_backprop"]


class _Guided(torch.autograd.Function):
    """ReLU whose backward pass drops negative gradients too."""

    @staticmethod
    def forward(ctx, x: Tensor, inplace: bool) -> Tensor:
        if inplace:
            ctx.mark_dirty(x)
        result = x.relu_() if inplace else x.relu()
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, gradient: Tensor):
        (result,) = ctx.saved_tensors
        return gradient.clamp(min=0) * (result > 0), None


_RELUS = {torch.relu, Tensor.relu, torch.ops.aten.relu.default}
_RELUS_INPLACE = {torch.relu_, Tensor.relu_, torch.ops.aten.relu_.default}


class GuidedReLU(TorchFunctionMode):
    """While active, every ReLU this thread calls is guided.

    Works on the call, not on the module: `nn.ReLU` (nested, reused, in
    place), `F.relu`, `torch.relu`, `Tensor.relu_` and the operators of an
    exported program alike. Nothing is left on the model, whatever raises.

    Attributes
    ----------
    found : int
        ReLUs met so far.
    """

    def __init__(self):
        super().__init__()
        self.found = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is F.relu:
            inplace = args[1] if len(args) > 1 else kwargs.get("inplace", False)
        elif func in _RELUS or func in _RELUS_INPLACE:
            inplace = func in _RELUS_INPLACE
        else:
            return func(*args, **kwargs)
        self.found += 1
        return _Guided.apply(args[0] if args else kwargs["input"], inplace)


@register_method(
    "guided_backprop",
    label="Guided backpropagation",
    reference="Springenberg et al. 2015",
    kind="gradient",
    order=20,
    reading="absolute",
    per_unit=True,
    unit="guided change of {score} per unit of intensity",
    caution="Sharp, but close to an edge detector: it hardly changes when the network's weights are randomised.",
    presets=PUBLISHED,
    docs=Docs(
        answers="which edges that the network's first layers see lead upwards to the score?",
        formula="the gradient, with negative gradients set to 0 at every ReLU.",
        source="Springenberg et al. 2015, arXiv:1412.6806.",
        failures=(
            "close to an edge detector; hardly depends on class and deep layers (Adebayo et al. 2018, Nie et "
            "al. 2018). Needs ReLU; networks without raise an error instead of giving the plain gradient."
        ),
    ),
    expected=(
        Expectation("randomisation", "fails", "Adebayo et al. 2018: guided backpropagation fails randomisation"),
    ),
    lists=("cohort", "compare", "figure_1", "quick"),
    original="guided",
)
def guided_backprop(model: nn.Module, x: Tensor, target: int, *, score: Score = "probability") -> Tensor:
    """Gradient in which every ReLU passes positive gradients only.

    Raises
    ------
    ValueError
        If the network has no ReLU: the result would be the plain gradient.
    """
    with GuidedReLU() as mode:
        gradient = gradient_of_score(model, x, target, score)
    if mode.found == 0:
        raise ValueError(
            "expected a network with ReLU for guided backpropagation, got one without: "
            "the result would be the plain gradient; use 'sensitivity' instead"
        )
    return gradient
