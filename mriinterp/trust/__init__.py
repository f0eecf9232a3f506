"""How far a relevance map can be believed: eight measures, four controls, a benchmark."""

# Importing a measure's file registers it; the order is the one people see.
from mriinterp.trust import deletion as _deletion  # noqa: F401, I001
from mriinterp.trust import regional as _regional  # noqa: F401
from mriinterp.trust import infidelity as _infidelity  # noqa: F401
from mriinterp.trust import localisation as _localisation  # noqa: F401
from mriinterp.trust import randomisation as _randomisation  # noqa: F401
from mriinterp.trust import stability as _stability  # noqa: F401
from mriinterp.trust import reproducibility as _reproducibility  # noqa: F401
from mriinterp.trust import group_effect as _group_effect  # noqa: F401
from mriinterp.trust.case import Case
from mriinterp.trust.controls import CONTROLS, control_map
from mriinterp.trust.explainers import Explainer, parse_explainer
from mriinterp.trust.group_effect import Cohort
from mriinterp.trust.registry import Measure, Outcome, Quantity, get_measure, measure_names, register_measure

__all__ = [
    "CONTROLS",
    "Case",
    "Cohort",
    "Explainer",
    "Measure",
    "Outcome",
    "Quantity",
    "control_map",
    "get_measure",
    "measure_names",
    "parse_explainer",
    "register_measure",
]
