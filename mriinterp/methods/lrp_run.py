"""One forward pass that carries relevance back, and what it cannot be done for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from mriinterp.gradient import Gradients
from mriinterp.gradient.forward import Passed, run_forward
from mriinterp.gradient.run import agree
from mriinterp.incremental.network import Network
from mriinterp.incremental.shared import claim
from mriinterp.methods.lrp_mode import POSITIVE, LrpMode, no_rule
from mriinterp.methods.lrp_rules import Pass, Propagate, Rule, Shift, Split
from mriinterp.methods.lrp_steps import back_by_steps, count_layers, has_rules
from mriinterp.methods.score import score_of
from mriinterp.methods.tape import own_functions
from mriinterp.models.output_view import OutputView

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

    Large images of networks whose steps all have a rule go by these steps, as
    gradients do (see `mriinterp.gradient`), all others by PyTorch's autograd.

    Raises
    ------
    ValueError
        If the network has an operation without a rule, or no layer at all.
    """
    rules = first, convolution, dense
    steps = Gradients(model, x, whole=True)  # a rule measures the mean size of whole maps
    if steps.network is not None and has_rules(steps.network):
        names = tuple(rule.__qualname__ for rule in rules)
        if steps.agreed(("lrp", *names), partial(_agrees, model, steps.network, rules)):
            return _by_steps(model, steps.network, x, target, score, rules)
    return _by_autograd(model, x, target, score, rules)


Rules = tuple[Rule, Rule, Rule]


def _agrees(model: nn.Module, network: Network, rules: Rules, noise: Tensor) -> bool:
    """Return whether both ways give the same relevance of an image of noise."""
    try:
        found = _by_steps(model, network, noise, 0, "raw", rules)
        expected = _by_autograd(model, noise, 0, "raw", rules)
    except ValueError:  # the rest of the network has an operation without a rule
        return False
    return agree(found, expected)


def _by_steps(model: nn.Module, network: Network, x: Tensor, target: int, score: str, rules: Rules) -> Tensor:
    passed = claim(Passed, network, x) or run_forward(network, x.detach())
    mode = LrpMode(*rules)
    mode.count = count_layers(network)
    with torch.enable_grad():
        leaves = passed.leaves()
        with mode:
            found = passed.run_tail(leaves)
            output = model.read_sums(found) if isinstance(model, OutputView) else found
        shares = _from_output(model, output, list(leaves.values()), target, score, mode)
    relevance = {step: share for step, share in zip(leaves, shares, strict=True) if share is not None}
    return back_by_steps(passed, relevance, rules[0], rules[1])


def _by_autograd(model: nn.Module, x: Tensor, target: int, score: str, rules: Rules) -> Tensor:
    mode = LrpMode(*rules)
    with torch.enable_grad():
        start = x.detach().clone().requires_grad_(True)
        with mode:
            output = getattr(model, "sums", model)(start.clone())  # in front of a last softmax
        return _from_output(model, output, [start], target, score, mode)[0]


def _from_output(
    model: nn.Module, output: Tensor, to: Sequence[Tensor], target: int, score: str, mode: LrpMode
) -> Sequence[Tensor]:
    """Return the relevance of tensors that an output was computed from under a mode; None for those it does not read."""
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
        return torch.autograd.grad(output, to, slope * logits.detach(), allow_unused=len(to) > 1)
    except RuntimeError as error:
        if "inplace operation" in str(error):
            raise no_rule("one that overwrites in place what an earlier layer has read") from error
        raise


def _gradients_of_their_own(output: Tensor) -> str:
    """Name of a function on the way to the output that brings its own backward pass; "" if there is none."""
    ours = (Pass, Propagate, Shift, Split)
    return next((function.__name__ for function in own_functions(output) if function not in ours), "")
