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
from mriinterp.trust.bench import Bench
from mriinterp.trust.benchmark import run_benchmark
from mriinterp.trust.case import Case
from mriinterp.trust.controls import CONTROLS, control_map
from mriinterp.trust.explainers import Explainer, parse_explainer
from mriinterp.trust.findings import findings
from mriinterp.trust.group_effect import Cohort
from mriinterp.trust.plan import Plan, make_plan
from mriinterp.trust.registry import Measure, Outcome, Quantity, get_measure, measure_names, register_measure
from mriinterp.trust.results import load_details, load_plan, load_results, summary
from mriinterp.trust.words import CAVEAT

__all__ = [
    "CAVEAT",
    "CONTROLS",
    "Bench",
    "Case",
    "Cohort",
    "Explainer",
    "Measure",
    "Outcome",
    "Plan",
    "Quantity",
    "control_map",
    "findings",
    "get_measure",
    "load_details",
    "load_plan",
    "load_results",
    "make_plan",
    "measure_names",
    "parse_explainer",
    "register_measure",
    "run_benchmark",
    "summary",
]
