"""Layer-wise relevance propagation, ε rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mriinterp.methods.choices import LinearScore
from mriinterp.methods.method import Docs, Expectation
from mriinterp.methods.method_registry import register_method
from mriinterp.methods.parameters import Param

if TYPE_CHECKING:
    from torch import Tensor, nn


@register_method(
    "lrp_epsilon",
    label="LRP, ε rule",
    reference="Bach et al. 2015",
    kind="propagation",
    order=130,
    reading="absolute",
    unit="relevance, in units of {score}",
    caution="Close to gradient × input on ReLU networks, and as noisy; voxels of intensity zero get none.",
    docs=Docs(
        answers="how is the score propagated back, layer by layer, to the voxels?",
        formula="R_i = Σ_j x_i w_ij / (z_j + ε sign z_j) R_j.",
        source="Bach et al. 2015, doi:10.1371/journal.pone.0130140.",
        failures="close to gradient × input on ReLU networks, and as noisy.",
    ),
    passes=1.7,
    expected=(
        Expectation(
            "atrophy",
            "worst",
            "Siegel et al. 2025: LRP fails on known signals, as Grad-CAM does",
            quantity="auprc_field",
            by="AUPRC of the atrophy",
        ),
    ),
)
def lrp_epsilon(
    model: nn.Module,
    x: Tensor,
    target: int,
    *,
    score: LinearScore = "margin",
    epsilon: Annotated[
        float, Param("Stabiliser, as a share of a layer's mean absolute output: larger is calmer", 0, 10)
    ] = 0.01,
) -> Tensor:
    """Score propagated back layer by layer in proportion to each input's contribution, signed.

    With ``epsilon`` near 0 the map sums to the score less what the biases
    contributed; on a network without biases, to the score. A larger one
    absorbs relevance of weakly driven units.
    """
    from mriinterp.methods.lrp_rules import epsilon as epsilon_rule
    from mriinterp.methods.lrp_run import propagate_relevance

    rule = epsilon_rule(epsilon)
    return propagate_relevance(model, x, target, score, first=rule, convolution=rule, dense=rule)
