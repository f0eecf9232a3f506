"""Make a list of steps cheaper without changing what it computes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from mriinterp.incremental.padding import absorb_pad, commutes
from mriinterp.incremental.steps import Step, chain

__all__ = ["folded", "simplify"]

RECOMPUTE_BELOW = 64
"""Multiply-accumulates per output number under which computing it again is cheaper than storing and gathering it."""


def simplify(steps: list[Step], border: list[Step], dtype: torch.dtype) -> list[Step]:
    """Fold batch norms and padding, move activations behind max pooling, fuse cheap convolutions with their pooling.

    `border` steps keep their identity and their values. Unused steps
    are dropped.
    """
    steps = _used(steps, border)
    for step in list(steps):
        if step.kind == "affine":
            _fold(step, border)
    while any(absorb_pad(step) for step in steps if step.windowed):
        pass
    steps = _used(steps, border)
    while any(_swap(step, border, dtype) for step in steps if step.kind == "max"):
        steps = _used(steps, border)
    for step in steps:
        if step.kind == "max":
            _fuse(step, border)
    steps = _used(steps, border)
    for step in steps:
        if step.weight is not None:
            step.weight = step.weight.detach().to(dtype)
            step.bias = None if step.bias is None else step.bias.detach().to(dtype)
    return steps


def _used(steps: list[Step], border: list[Step]) -> list[Step]:
    """Return the steps that reach the border, in order of computation, with their users counted."""
    order: list[Step] = [steps[0]]
    placed = {steps[0]}

    def place(last: Step) -> None:
        stack = [last]
        while stack:
            step = stack[-1]
            waiting = [source for source in step.inputs if source not in placed]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            if step not in placed:
                placed.add(step)
                order.append(step)

    for step in border:
        place(step)
    rank = {step: position for position, step in enumerate(steps)}
    order.sort(key=lambda step: rank[step])
    for step in order:
        step.users = sum(step is b for b in border)
    for step in order:
        for source in step.inputs:
            source.users += 1
    return order


def _become(step: Step, other: Step) -> None:
    """Turn `step` into `other`, so that whoever reads it reads the other's output."""
    for name in Step.__dataclass_fields__:
        setattr(step, name, getattr(other, name))


def _fold(norm: Step, border: list[Step]) -> None:
    """Fold a batch norm into the weights of the convolution before it, unless something else reads that."""
    conv = norm.inputs[0]
    if conv.kind != "conv" or conv.users != 1 or conv in border:
        return
    weight, bias = folded(conv, norm)
    _become(norm, conv)
    norm.weight, norm.bias = weight, bias


def folded(conv: Step, norm: Step) -> tuple[Tensor, Tensor]:
    """Return weight and bias, float64, of one convolution that stands for a convolution and the batch norm behind it."""
    assert norm.bias is not None  # the shift of an affine step
    scale, shift = norm.weight.detach().double(), norm.bias.detach().double()
    weight = conv.weight.detach().double() * scale.reshape(-1, *(1,) * (conv.weight.ndim - 1))
    return weight, shift if conv.bias is None else conv.bias.detach().double() * scale + shift


def _swap(pool: Step, border: list[Step], dtype: torch.dtype) -> bool:
    """Move an activation that never decreases behind the max pooling that follows, where the map is smaller."""
    act = pool.inputs[0]
    if act.kind != "map" or not act.monotone or act.users != 1 or act in border or not commutes(act, pool, dtype):
        return False
    before, after = dict(vars(act)), dict(vars(pool))
    # act (now computed first) becomes the pooling, pool (read by the others) becomes the activation
    for name in Step.__dataclass_fields__:
        setattr(act, name, after[name])
        setattr(pool, name, before[name])
    act.inputs, pool.inputs = before["inputs"], [act]
    act.users, pool.users = 1, after["users"]
    pool.shape, pool.channels = act.shape, act.channels
    pool.cache, act.cache = {}, {}
    act.moved, pool.moved = pool.is_relu and not pool.moved, True
    return True


def _fuse(pool: Step, border: list[Step]) -> None:
    """Fuse a cheap convolution and the unpadded max pooling behind it into one step."""
    conv = pool.inputs[0]
    alone = conv.kind == "conv" and conv.users == 1 and conv not in border
    if not alone or conv.weight[0].numel() > RECOMPUTE_BELOW:
        return
    inner, outer, shape, users, between = conv.window, pool.window, pool.shape, pool.users, (conv.shape, pool.filling)
    moved = pool.moved
    _become(pool, conv)
    pool.kind, pool.shape, pool.users, pool.between, pool.moved = "convmax", shape, users, between, moved
    whole = chain(inner, outer)
    # what the pooling leaves over at the far end is never read, so less padding may do there
    last = (np.array(shape) - 1) * whole.stride + whole.extent
    after = np.maximum(0, last - conv.inputs[0].shape - whole.before)
    pool.window = replace(whole, after=tuple(int(n) for n in after))
    none = (0,) * len(shape)
    pool.inner, pool.pool = replace(inner, before=none, after=none), outer
