"""Layer-wise relevance propagation through any network made of known layers.

Works on the calls a network makes, as guided backpropagation does: `nn`
modules, functions and the operators of exported programs alike, 2D and 3D.
What travels backwards through autograd is relevance instead of gradient:

- convolutions and dense layers: by the chosen rule; a batch norm right
  behind (max pooling may lie between) is counted as part of the layer
- average pooling and sums over space: in proportion to the inputs
- activations that keep the sign of what they get: unchanged; max pooling: to
  the winner. Others (softplus) are refused: their value is positive where
  their input speaks against, and relevance would turn its sign
- the output of a sigmoid as a factor (squeeze and excitation, swish): nothing
  to the gate, all to the signal, see `lrp_gates`; refused anywhere else
- constants that are added inside the network absorb relevance as biases do
- sums of two paths, in place or not: in proportion to the summands
- reshaping, concatenation, dropout: where the values came from
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mriinterp.methods.lrp_gates import GATES, Gates
from mriinterp.methods.lrp_rules import SMALL, Layer, Pass, Propagate, Rule, Shift, Split, epsilon
from mriinterp.methods.tape import ACTIVATIONS, CONVOLUTIONS, operator_name

__all__ = ["POSITIVE", "LrpMode", "no_rule"]

_DENSE = {"linear"}
_TRANSPOSED = {f"conv_transpose{n}d" for n in (1, 2, 3)}
_AVERAGES = {f"{kind}avg_pool{n}d" for kind in ("", "adaptive_") for n in (1, 2, 3)} | {"mean", "sum"}
_MAXIMA = {f"{kind}max_pool{n}d{v}" for kind in ("", "adaptive_") for n in (1, 2, 3) for v in ("", "_with_indices")}
_NORMS = {"batch_norm"}
_UNSIGNED = {"log_sigmoid", "logsigmoid", "softplus"}
_CAN_TURN = {"leaky_relu", "prelu", "rrelu", "hardtanh"}
_SUMS = {"add", "__add", "__radd", "__iadd"}
_SHIFTS = _SUMS | {"sub", "rsub", "__sub", "__rsub", "__isub"}
_SCALINGS = {"mul", "div", "true_divide", "neg", "negative"}
_SCALINGS |= {f"__{side}{name}" for side in ("", "r", "i") for name in ("mul", "truediv")}
_MOVES = {"flatten", "reshape", "view", "squeeze", "unsqueeze", "permute", "transpose", "movedim", "contiguous", "t"}
_MOVES |= {"clone", "alias", "to", "float", "__getitem", "__get", "slice", "select", "narrow", "cat", "concat", "stack"}
_MOVES |= {"chunk", "split", "unbind", "dropout", "feature_dropout", "alpha_dropout", "dropout2d", "dropout3d", "flip"}
_MOVES |= {"pad", "constant_pad_nd", "requires_grad", "detach", "view_as", "reshape_as", "unflatten"}
_CHOICES = {
    "max",
    "min",
    "sort",
    "topk",
    "kthvalue",
    "median",
    "mode",
    "cummax",
    "cummin",
    "hsplit",
    "vsplit",
    "dsplit",
}
_CHOICES |= {"tensor_split", "split_with_sizes", "unsafe_split", "unsafe_chunk", "broadcast_tensors", "meshgrid"}
_SPREADS = {"expand", "expand_as", "broadcast_to", "repeat", "tile", "repeat_interleave"}
_LIKE = {"expand_as", "view_as", "reshape_as", "type_as"}  # of the second argument they read the shape only
_LOOKS = {"__get", "dim", "size", "numel", "is_floating_point", "data_ptr", "stride", "is_contiguous"}


class LrpMode(TorchFunctionMode):
    """While active, the calls of this thread build a graph that carries relevance backwards.

    Parameters
    ----------
    first, convolution, dense : Rule
        For the first layer of the network, and the others by their kind.
    """

    def __init__(self, first: Rule, convolution: Rule, dense: Rule):
        super().__init__()
        self.first, self.convolution, self.dense = first, convolution, dense
        self.count = 0
        # Outputs a batch norm may still follow; tensors stay referenced, so that no id is used twice.
        self._open: dict[int, tuple[Tensor, Layer]] = {}
        self._folded: dict[int, Tensor] = {}
        self.gates = Gates()

    def __torch_function__(self, func: Callable, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        given = [*args, *kwargs.values()]
        given += [item for group in args if isinstance(group, (list, tuple)) for item in group]
        tracked = [a for a in given if isinstance(a, Tensor) and a.requires_grad]
        name = operator_name(func)
        gates = self.gates.among(args[:1] if name in _LIKE else given)
        if (not tracked and not gates) or not torch.is_grad_enabled() or (gates and name in _LOOKS):
            return func(*args, **kwargs)  # without gradients: inside a function with a gradient of its own
        if gates:
            signals = [] if name in _LIKE else [a for a in tracked if all(a is not gate for gate in gates)]
            return self._gated(func, name, args, kwargs, signals)
        if any(id(a) in self._folded for a in tracked) and name not in _LOOKS:
            raise no_rule("an output read both before and after its batch norm")
        producer = self._open.get(id(tracked[0]), (None, None))[1]
        if name in _NORMS:
            return self._norm(func, args, kwargs, producer)
        if name in _MAXIMA:
            result = func(*args, **kwargs)
            values = result[0] if isinstance(result, tuple) else result
            if producer is not None:
                self._open[id(values)] = (values, producer)
            return result
        owners = [self._open[id(a)][1] for a in tracked if id(a) in self._open]
        result = self._other(func, name, args, kwargs, tracked)
        if isinstance(result, Tensor):  # asking for its shape is no use of it
            for owner in owners:
                self._close(owner)
        return result

    def _gated(self, func: Callable, name: str, args, kwargs, signals: list[Tensor]):
        for signal in signals:
            if id(signal) in self._open:
                self._close(self._open[id(signal)][1])
        result = self.gates.apply(func, name, args, kwargs, signals, name in _MOVES | _SPREADS | _SHIFTS | _SCALINGS)
        if result is None:
            raise no_rule(_sigmoid_in(name))
        return result

    def _other(self, func: Callable, name: str, args, kwargs, tracked: list[Tensor]):
        if name in CONVOLUTIONS | _DENSE | _TRANSPOSED:
            return self._layer(func, name, args, kwargs)
        if name in _AVERAGES:
            return Propagate.apply(tracked[0], Layer(_without(func, args, kwargs), None, None, epsilon(SMALL)))
        if name in _SUMS and _is_plain_sum(args, kwargs, tracked):
            in_place = getattr(func, "__name__", "").partition(".")[0] in ("add_", "__iadd__")
            return Split.apply(tracked[0], tracked[1], in_place)
        if name in GATES:
            return self.gates.make(func, args, kwargs, tracked[0])
        if name in _UNSIGNED:
            raise no_rule(f"the activation {name!r}, {POSITIVE}")
        if name in ACTIVATIONS:
            return _activation(func, name, args, kwargs, tracked[0])
        if name in _SHIFTS and len(tracked) == 1 and self.count:
            return Shift.apply(tracked[0], _alone(func, args, kwargs, tracked[0]))
        if name in _SHIFTS | _SCALINGS and len(tracked) == 1:  # before the first layer: how intensities are scaled
            return _passed(func, args, kwargs, tracked[0])
        result = func(*args, **kwargs)
        parts = result if isinstance(result, (tuple, list)) else (result,)
        carried = any(isinstance(part, Tensor) and part.requires_grad for part in parts)
        if carried and name not in _MOVES | _SPREADS | (_CHOICES if len(parts) > 1 else set()):
            product = " of two maps, neither of them the output of a sigmoid" if name in _SCALINGS else ""
            raise no_rule(f"the operation {name.strip('_')!r}{product}")
        return result

    def _layer(self, func: Callable, name: str, args, kwargs) -> Tensor:
        named = dict(zip(("input", "weight", "bias"), args, strict=False)) | kwargs
        rest, others = args[3:], {k: v for k, v in kwargs.items() if k not in ("input", "weight", "bias")}

        def op(x: Tensor, weight: Tensor | None) -> Tensor:
            return func(x, weight, None, *rest, **others)

        rule = self.first if self.count == 0 else self.dense if name in _DENSE else self.convolution
        self.count += 1
        layer = Layer(op, named["weight"].detach(), named.get("bias"), rule)
        result = Propagate.apply(named["input"], layer)
        if name not in _TRANSPOSED and not (name == "convolution" and len(args) > 6 and args[6]):
            self._open[id(result)] = (result, layer)
        return result

    def _norm(self, func: Callable, args, kwargs, producer: Layer | None) -> Tensor:
        """Treat a batch norm as part of the layer before it or, behind anything else, as a layer of its own."""
        plain = func is nn.functional.batch_norm
        order = (
            ("running_mean", "running_var", "weight", "bias")
            if plain
            else ("weight", "bias", "running_mean", "running_var")
        )
        named = dict(zip(("input", *order, "training", "momentum", "eps"), args, strict=False)) | kwargs
        if named.get("training") or named.get("running_mean") is None:
            raise no_rule("batch norm that uses the scan's own statistics")
        scale = (named["running_var"] + named.get("eps", 1e-5)).rsqrt()
        scale = scale if named.get("weight") is None else scale * named["weight"]
        shift = -named["running_mean"] * scale
        shift = shift if named.get("bias") is None else shift + named["bias"]
        x = named["input"]
        if producer is None:
            return Propagate.apply(x, Layer(_per_channel, scale.detach(), shift.detach(), epsilon(SMALL)))
        producer.scale, producer.shift = scale.detach(), shift.detach()
        for tensor in self._close(producer):
            self._folded[id(tensor)] = tensor
        return _passed(func, args, kwargs, x)

    def _close(self, layer: Layer) -> list[Tensor]:
        """Close a layer that no batch norm can follow any more; return the outputs in question."""
        outputs = [tensor for tensor, owner in self._open.values() if owner is layer]
        for tensor in outputs:
            del self._open[id(tensor)]
        return outputs


def _is_plain_sum(args, kwargs, tracked: list[Tensor]) -> bool:
    """Return whether a call adds two maps of one shape, neither weighted (alpha=…) nor changed in place."""
    same = len(tracked) == len(args) == 2 and tracked[0].shape == tracked[1].shape
    return same and set(kwargs) <= {"alpha"} and kwargs.get("alpha", 1) == 1


POSITIVE = (
    "which is positive where its input speaks against the output "
    "(if it ends the network, explain the network without it: its output is then the logit)"
)


def _sigmoid_in(name: str) -> str:
    return f"the activation 'sigmoid' otherwise than as a factor, in {name.strip('_')!r}, {POSITIVE}"


def _per_channel(x: Tensor, weight: Tensor | None) -> Tensor:
    assert weight is not None  # the scale of a batch norm
    return x * weight.reshape(1, -1, *(1,) * (x.ndim - 2))


def _without(func: Callable, args, kwargs) -> Callable[[Tensor, Tensor | None], Tensor]:
    """Return an operation without weights as a function of its input alone."""
    rest, others = args[1:], {k: v for k, v in kwargs.items() if k not in ("input", "self")}
    return lambda x, _: func(x, *rest, **others)


def _alone(func: Callable, args, kwargs, x: Tensor) -> Callable[[Tensor], Tensor]:
    """Return a call as a function of one of its arguments."""

    def compute(inner: Tensor) -> Tensor:
        return func(*(inner if a is x else a for a in args), **{k: inner if a is x else a for k, a in kwargs.items()})

    return compute


def _passed(func: Callable, args, kwargs, x: Tensor) -> Tensor:
    """Run an operation that leaves the relevance of `x` as it is."""
    return Pass.apply(x, _alone(func, args, kwargs, x))


def _activation(func: Callable, name: str, args, kwargs, x: Tensor) -> Tensor:
    """Run an activation; those whose slope or bounds can turn a sign are checked on these very values."""
    before = x.detach().clone() if name in _CAN_TURN else None
    values = _passed(func, args, kwargs, x)
    if before is not None and ((before * values < 0) | ((before == 0) & (values != 0))).any():
        raise no_rule(f"the activation {name!r} with a slope or bounds that turn the sign of its input")
    return values


def no_rule(what: str) -> ValueError:
    return ValueError(
        f"expected a network of convolutions, dense layers, pooling, batch norm, activations and sums for LRP, got {what}: "
        "there is no rule for it here"
    )
