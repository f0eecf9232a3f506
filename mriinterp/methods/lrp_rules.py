"""Rules of layer-wise relevance propagation: how a layer's relevance is shared among its inputs.

A layer gives z = Σ x·w + b. Each rule says which parts of x, w and b make up
the shares; the inputs get R_in = x ⊙ wᵀ(R / z), summed over the shares. What
the bias b makes up of z is not passed on: the relevance of a layer's inputs
is that of its outputs, less what its bias absorbs. Without biases it is
conserved.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce

import torch
from torch import Tensor

__all__ = [
    "SMALL", "Layer", "Linear", "Parts", "Pass", "Propagate", "Rule", "Shift", "Split", "alpha_beta", "epsilon", "flat",
    "gamma", "with_bias",
]  # fmt: skip

SMALL = 1e-6  # stabiliser where no parameter sets it

Linear = Callable[[Tensor, Tensor | None], Tensor]
Parts = Sequence[tuple[Tensor, Tensor | None]]


@dataclass(frozen=True, eq=False)
class Share:
    """A part of the relevance and the (input, weight) pairs among which it is divided.

    Parameters
    ----------
    parts : sequence of (Tensor, Tensor or None)
        The products add up to the share's z, together with `bias`.
    bias : Tensor or None
        One number an output channel.
    factor : float
        What of the layer's relevance this share is.
    where : Tensor or None
        Outputs to which the share applies; None for all.
    stabiliser : float
        Added to |z|, as a share of its mean over the layer.
    """

    parts: Parts
    bias: Tensor | None = None
    factor: float = 1.0
    where: Tensor | None = None
    stabiliser: float = 0.0


Rule = Callable[[Linear, Tensor, Tensor | None, Tensor | None], list[Share]]


def epsilon(stabiliser: float) -> Rule:
    """Share relevance in proportion to x·w; outputs near 0 pass less on (Bach et al. 2015)."""

    def rule(op: Linear, x: Tensor, w: Tensor | None, b: Tensor | None) -> list[Share]:
        return [Share([(x, w)], b, stabiliser=stabiliser)]

    return rule


def _usual_size(total: Tensor) -> Tensor:
    """Return the mean size of a layer's outputs; of a dense layer, of those that are not 0.

    An output that is always 0 hands nothing on. So a network of two outputs,
    one of them 0, gives the map of the network of one output that it equals.
    """
    size = total.abs()
    return size.mean() if total.ndim != 2 else size.sum() / size.count_nonzero().clamp(min=1)


def alpha_beta(beta: float) -> Rule:
    """Share 1 + β of the relevance by positive, −β by negative contributions (Bach et al. 2015)."""

    def rule(op: Linear, x: Tensor, w: Tensor | None, b: Tensor | None) -> list[Share]:
        (x_up, x_down), (w_up, w_down), (b_up, b_down) = _halves(x), _signs(w), _signs(b)
        shares = [Share([(x_up, w_up), (x_down, w_down)], b_up, 1 + beta)]
        return [*shares, Share([(x_up, w_down), (x_down, w_up)], b_down, -beta)] if beta else shares

    return rule


def gamma(strength: float) -> Rule:
    """Count contributions of the output's own sign 1 + γ times (Montavon et al. 2019, inputs of any sign)."""

    def rule(op: Linear, x: Tensor, w: Tensor | None, b: Tensor | None) -> list[Share]:
        assert w is not None  # a layer without weights goes by `epsilon`
        (x_up, x_down), (up, down) = _halves(x), (w + strength * half for half in _halves(w))
        positive = with_bias(op(x, w), b) > 0
        b_for = [None, None] if b is None else [b + strength * half for half in _halves(b)]
        return [
            Share([(x_up, up), (x_down, down)], b_for[0], where=positive),
            Share([(x_up, down), (x_down, up)], b_for[1], where=~positive),
        ]

    return rule


def flat(op: Linear, x: Tensor, w: Tensor | None, b: Tensor | None) -> list[Share]:
    """Share relevance evenly among the inputs that an output sees (Lapuschkin et al. 2019)."""
    return [Share([(torch.ones_like(x), None if w is None else torch.ones_like(w))])]


@dataclass(eq=False)
class Layer:
    """A linear operation of a network, and the rule for it.

    Parameters
    ----------
    op : callable
        ``op(x, weight)``, without bias.
    weight, bias : Tensor or None
    rule : Rule
    scale, shift : Tensor or None
        Of a batch norm that follows and is seen as part of the layer, one
        number an output channel.
    """

    op: Linear
    weight: Tensor | None
    bias: Tensor | None
    rule: Rule
    scale: Tensor | None = field(default=None)
    shift: Tensor | None = field(default=None)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the network's own operation, without the batch norm behind it."""
        return with_bias(self.op(x, self.weight), self.bias)

    def propagate(self, x: Tensor, relevance: Tensor) -> Tensor:
        """Return the relevance of the inputs, shape of `x`, from that of the outputs."""
        weight, bias = self.weight, self.bias
        if self.scale is not None:
            assert weight is not None  # a batch norm is folded into layers with weights alone
            weight = weight * self.scale.reshape(-1, *(1,) * (weight.ndim - 1))
            bias = self.shift if bias is None or self.shift is None else bias * self.scale + self.shift
        total = torch.zeros_like(x)
        for share in self.rule(self.op, x, weight, bias):
            total += self._divide(share, relevance)
        return total

    def through(self, parts: Parts) -> tuple[Tensor, Callable[[Tensor], Sequence[Tensor]]]:
        """Return the sum of the parts' outputs, and the way back from its gradient to those of the inputs."""
        with torch.enable_grad():
            inputs = [x.detach().requires_grad_(True) for x, _ in parts]
            z = reduce(operator.add, (self.op(x, w) for x, (_, w) in zip(inputs, parts, strict=True)))
        return z.detach(), lambda gradient: torch.autograd.grad(z, inputs, gradient)

    def usual_size(self, total: Tensor, parts: Parts, bias: Tensor | None) -> Tensor:
        """Return the mean size of the outputs `total`, that of the parts and the bias."""
        return _usual_size(total)

    def _divide(self, share: Share, relevance: Tensor) -> Tensor:
        parts = [(x, w) for x, w in share.parts if x.any()]  # after a ReLU there is no negative part
        if not parts:
            return torch.zeros_like(share.parts[0][0])
        z, back = self.through(parts)
        total = with_bias(z, share.bias)
        wanted = share.factor * relevance
        if share.where is not None:
            wanted = torch.where(share.where, wanted, 0)
        if share.stabiliser:
            total = total + torch.where(total >= 0, 1, -1) * share.stabiliser * self.usual_size(
                total, parts, share.bias
            )
        per_unit = torch.where(total == 0, 0, wanted / torch.where(total == 0, 1, total))
        return reduce(operator.add, (x * slope for (x, _), slope in zip(parts, back(per_unit), strict=True)))


class Propagate(torch.autograd.Function):
    """A layer, whose relevance is shared by its rule."""

    @staticmethod
    def forward(ctx, x: Tensor, layer: Layer) -> Tensor:
        ctx.save_for_backward(x)
        ctx.layer = layer
        return layer.forward(x)

    @staticmethod
    def backward(ctx, relevance: Tensor):
        return ctx.layer.propagate(ctx.saved_tensors[0], relevance), None


class Pass(torch.autograd.Function):
    """An operation whose outputs keep the relevance; in place if `compute` changes its argument."""

    @staticmethod
    def forward(ctx, x: Tensor, compute: Callable[[Tensor], Tensor]) -> Tensor:
        values = compute(x)
        if values is x:
            ctx.mark_dirty(x)
        return values

    @staticmethod
    def backward(ctx, relevance: Tensor):
        return relevance, None


class Split(torch.autograd.Function):
    """A sum of two maps, which share the relevance in proportion to their values; perhaps written over the first."""

    @staticmethod
    def forward(ctx, a: Tensor, b: Tensor, in_place: bool) -> Tensor:
        ctx.save_for_backward(a.clone() if in_place else a, b.clone() if in_place and _overlap(a, b) else b)
        if not in_place:
            return a + b
        ctx.mark_dirty(a)
        return a.add_(b)

    @staticmethod
    def backward(ctx, relevance: Tensor):
        a, b = ctx.saved_tensors
        total = _stabilised(a + b)
        return a * relevance / total, b * relevance / total, None


def _overlap(a: Tensor, b: Tensor) -> bool:
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def _stabilised(total: Tensor) -> Tensor:
    """Return values without zeros, to divide by."""
    return total + torch.where(total >= 0, 1, -1) * SMALL * total.abs().mean().clamp(min=1e-30)


class Shift(torch.autograd.Function):
    """An operation that adds a constant, which absorbs relevance as a bias does."""

    @staticmethod
    def forward(ctx, x: Tensor, compute: Callable[[Tensor], Tensor]) -> Tensor:
        constant = compute(torch.zeros_like(x))
        values = compute(x)
        if values is x:
            ctx.mark_dirty(x)
        ctx.save_for_backward(values - constant, values.clone())
        return values

    @staticmethod
    def backward(ctx, relevance: Tensor):
        part, total = ctx.saved_tensors
        return part * relevance / _stabilised(total), None


def _halves(values: Tensor) -> tuple[Tensor, Tensor]:
    return values.clamp(min=0), values.clamp(max=0)


def _signs(values: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    return (None, None) if values is None else _halves(values)


def with_bias(z: Tensor, bias: Tensor | None) -> Tensor:
    return z if bias is None else z + bias.reshape(1, -1, *(1,) * (z.ndim - 2))
