"""Operations of an exported program as the functions of PyTorch they stand for."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch._ops import OpOverload
from torch.nn import functional as F

__all__ = ["aten_name", "identity", "overwrites", "translate"]

_SAME = {
    **{
        name: getattr(F, name)
        for name in ("conv2d", "conv3d", "max_pool2d", "max_pool3d", "avg_pool2d", "avg_pool3d", "pad")
    },
    **{name: getattr(F, name) for name in ("leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus")},
    **{name: getattr(F, name) for name in ("hardtanh", "hardswish", "hardsigmoid", "threshold", "dropout", "relu6")},
    **{
        name: getattr(torch, name) for name in ("relu", "sigmoid", "tanh", "abs", "neg", "exp", "square", "sqrt", "pow")
    },
    **{
        name: getattr(torch, name)
        for name in ("add", "sub", "mul", "div", "maximum", "minimum", "clamp", "cat", "clone")
    },
}
_IDENTITY = frozenset(["detach", "contiguous", "alias", "lift_fresh"])


def aten_name(target: object) -> str | None:
    """Name of an ATen operation, without its overload; None for anything else."""
    if not isinstance(target, OpOverload) or target.namespace != "aten" or "out" in target._overloadname.split("_"):
        return None
    return target._schema.name.partition("::")[2]


def overwrites(target: object) -> bool:
    """Return whether a target is an ATen operation that changes its first input."""
    name = aten_name(target)
    return name is not None and name.endswith("_")


def identity(x: object) -> object:
    """Return `x` itself."""
    return x


def translate(target: Callable, args: tuple, kwargs: dict) -> tuple[Callable, tuple, dict]:
    """Return a call of an ATen operation as the call of a function that `layers` knows; other calls as they are.

    In-place operations become those that leave their input alone, and those
    that do nothing become `identity`.
    """
    name = aten_name(target)
    if name is None:
        return target, args, kwargs
    name = name.removesuffix("_")
    kwargs = {("input" if key == "self" else key): value for key, value in kwargs.items()}
    if name in _IDENTITY:
        return identity, args[:1], {}
    if name == "batch_norm" and len(args) == 9:
        x, weight, bias, mean, variance, training, momentum, eps, _ = args
        return F.batch_norm, (x, mean, variance, weight, bias, training, momentum, eps), {}
    if name == "convolution" and len(args) == 9 and not args[6]:
        x, weight, bias, stride, padding, dilation, _, _, groups = args
        return (F.conv3d if len(stride) == 3 else F.conv2d), (x, weight, bias, stride, padding, dilation, groups), {}
    if name == "constant_pad_nd":
        return F.pad, (*args[:2], "constant", *args[2:]), kwargs
    return _SAME.get(name, target), args, kwargs
