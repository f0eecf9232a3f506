"""One forward pass that carries relevance back, and what it cannot be done for."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mriinterp.methods.lrp_mode import POSITIVE, LrpMode, no_rule
from mriinterp.methods.lrp_rules import Pass, Propagate, Rule, Shift, Split
from mriinterp.methods.score import score_of
from mriinterp.models.outputs import OutputView

__all__ = ["propagate_relevance"]


def propagate_relevance(
    model: nn.Module, x: Tensor, target: int, score: str, *, first: Rule, convolution: Rule, dense: Rule
) -> Tensor:
    """Return the relevance of every voxel, shape of `x`.

    It starts at the outputs as gradient of the score times output. For a
    logit, a raw output and the margin of two classes this sums to the score
    itself, shared among the outputs. The margin of more classes has a
    constant part, the entropy of the other classes among themselves, that no
    output gets: there it sums to the margin plus that entropy. Of an expected
    value E over bins with centres c and probabilities p each logit z starts
    with p (c − E) z: how much E moves as all logits grow by the same share,
    which is the same if a number is added to all of them.

    Raises
    ------
    ValueError
        If the network has an operation without a rule, or no layer at all.
    """
    mode = LrpMode(first, convolution, dense)
    with torch.enable_grad():
        start = x.detach().clone().requires_grad_(True)
        with mode:
            output = getattr(model, "sums", model)(start.clone())  # in front of a last softmax
        if mode.count == 0:
            raise no_rule("one without a convolution or dense layer")
        if mode.gates.among([output]):
            raise no_rule(f"the activation 'sigmoid', {POSITIVE}")
        if strange := _gradients_of_their_own(output):
            raise no_rule(
                f"{strange!r}, a function with a gradient of its own (where PyTorch has the same function, "
                "such as SiLU for a memory-efficient swish, use that one)"
            )
        logits = output.detach().requires_grad_(True)
        values = model.from_sums(logits) if isinstance(model, OutputView) else logits
        slope = torch.autograd.grad(score_of(values, target, score).sum(), logits)[0]
        try:
            return torch.autograd.grad(output, start, slope * logits.detach())[0]
        except RuntimeError as error:
            if "inplace operation" in str(error):
                raise no_rule("one that overwrites in place what an earlier layer has read") from error
            raise


def _gradients_of_their_own(output: Tensor) -> str:
    """Name of a function on the way to the output that brings its own backward pass; "" if there is none."""
    waiting, seen = [output.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        function = getattr(node, "_forward_cls", None)
        if function is not None and function not in (Pass, Propagate, Shift, Split):
            return function.__name__
        waiting += [following for following, _ in node.next_functions]
    return ""
