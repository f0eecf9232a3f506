"""ReLUs that pass positive gradients only, however a network calls them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

__all__ = ["GuidedReLU"]


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
