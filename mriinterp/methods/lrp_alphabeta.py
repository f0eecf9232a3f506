"""Layer-wise relevance propagation, αβ rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mriinterp.methods.choices import LinearScore
from mriinterp.methods.method import Docs
from mriinterp.methods.method_registry import register_method
from mriinterp.methods.parameters import Param

if TYPE_CHECKING:
    from torch import Tensor, nn


@register_method(
    "lrp_alphabeta",
    label="LRP, αβ rule",
    reference="Bach et al. 2015, as in Böhle et al. 2019",
    kind="propagation",
    order=140,
    reading="positive",
    unit="relevance, in units of {score}",
    caution="With β = 0 it hardly depends on the class or on the weights of deep layers (Sixt et al. 2020).",
    docs=Docs(
        answers="the same, with what speaks for and against each unit kept apart.",
        formula="R_i = Σ_j (α (x_i w_ij)⁺ / z_j⁺ − β (x_i w_ij)⁻ / z_j⁻) R_j, α − β = 1.",
        source=(
            "Bach et al. 2015; for AD Böhle et al. 2019, doi:10.3389/fnagi.2019.00194. The rule is theirs; "
            "their code drops the biases of all layers, here biases absorb their part."
        ),
        failures="with β = 0 it hardly depends on class or deep weights (Sixt et al. 2020).",
    ),
    passes=4.5,
)
def lrp_alphabeta(
    model: nn.Module,
    x: Tensor,
    target: int,
    *,
    score: LinearScore = "logit",
    beta: Annotated[float, Param("Weight of what speaks against, 0 to 1; α is 1 + β", 0, 1)] = 0.5,
) -> Tensor:
    """Score propagated back, with what speaks for and against each unit kept apart.

    α − β = 1, so that relevance is conserved where a unit has contributions
    of both signs, up to what the biases absorb; a unit without negative ones
    gives β more than it has (with β = 0 never).

    The rule is that of Böhle et al. 2019, the map is not that of their code:
    it drops the biases of all layers, so that they absorb nothing. Here the
    part of a layer's output that its bias makes up is not passed on.
    """
    from mriinterp.methods.lrp_rules import alpha_beta
    from mriinterp.methods.lrp_run import propagate_relevance

    rule = alpha_beta(beta)
    return propagate_relevance(model, x, target, score, first=rule, convolution=rule, dense=rule)
