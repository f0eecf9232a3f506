"""How few voxels hold the relevance."""

from __future__ import annotations

import numpy as np

from mriinterp.trust.measure import Badge, Outcome, Quantity, Work
from mriinterp.trust.measure_registry import register_measure


@register_measure(
    "sparseness",
    label="Sparseness",
    question="Do few voxels hold the relevance?",
    reference="Chalasani et al. 2020",
    tab="Sparse",
    computed="Gini index of |φ| inside Ω",
    settings={"quick": {"bins": 5}},
    work=lambda settings, areas, plan: Work(passes=settings["bins"], maps=2),
    quantities=(Quantity("gini", "Gini index", "higher", "0–1", head="Gini", line="Gini index"),),
    badge=Badge("sparseness"),
    beats="Few voxels hold the relevance, more than of any null map, of: {}.",
    below_zero="Impossible: an index is positive",
)
def sparseness(case, explainer, relevance, *, bins: int = 9, progress=None, cancel=None) -> Outcome:
    """Gini index of the map's magnitude."""
    values = np.sort(np.abs(relevance[case.mask]))
    rank = np.arange(1, values.size + 1)
    return Outcome({"gini": float((2 * rank - values.size - 1) @ values / (values.size * values.sum()))})
