"""Layer-wise relevance propagation, composite of three rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mriinterp.methods.choices import LinearScore
from mriinterp.methods.method import Docs
from mriinterp.methods.method_registry import register_method
from mriinterp.methods.parameters import Param

if TYPE_CHECKING:
    from torch import Tensor, nn


@register_method(
    "lrp_composite",
    label="LRP, composite (ε, γ, flat)",
    reference="Montavon et al. 2019, Kohlbrenner et al. 2020",
    kind="propagation",
    order=150,
    reading="positive",
    unit="relevance, in units of {score}",
    caution="Smooth because the first layer spreads it evenly: the last voxels are of the rule, not of the network.",
    docs=Docs(
        answers="the same, with a rule for each depth: ε in dense layers, γ in convolutions, flat in the first.",
        formula="as above; γ: w + γ w⁺ in place of w; flat: every voxel of the window alike.",
        source="Montavon et al. 2019, Kohlbrenner et al. 2020, arXiv:1910.09840.",
        failures="the flat rule spreads the last step evenly: smoothness is the rule's, not the network's.",
    ),
    passes=1.7,
)
def lrp_composite(
    model: nn.Module,
    x: Tensor,
    target: int,
    *,
    score: LinearScore = "margin",
    epsilon: Annotated[float, Param("Stabiliser of dense layers, as a share of their mean output", 0, 10)] = 0.01,
    gamma: Annotated[float, Param("How much more convolutions favour what agrees with their output", 0, 100)] = 0.25,
) -> Tensor:
    """Score propagated back by the ε rule (dense layers), γ rule (convolutions) and evenly (first layer).

    Conserved up to what biases and ``epsilon`` absorb; the flat first layer
    loses nothing.
    """
    from mriinterp.methods.lrp_rules import epsilon as epsilon_rule
    from mriinterp.methods.lrp_rules import flat
    from mriinterp.methods.lrp_rules import gamma as gamma_rule
    from mriinterp.methods.lrp_run import propagate_relevance

    return propagate_relevance(
        model, x, target, score, first=flat, convolution=gamma_rule(gamma), dense=epsilon_rule(epsilon)
    )
