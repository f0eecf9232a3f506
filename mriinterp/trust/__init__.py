"""How far a relevance map can be believed: measures, four null maps, a benchmark."""

from typing import TYPE_CHECKING

from mriinterp.base.first_use import import_on_first_use

if TYPE_CHECKING:
    from mriinterp.trust.bench import Bench
    from mriinterp.trust.benchmark import run_benchmark
    from mriinterp.trust.benchmark_plan import BenchmarkPlan, make_plan
    from mriinterp.trust.case import Case
    from mriinterp.trust.explainers import Explainer, parse_explainer
    from mriinterp.trust.findings import findings
    from mriinterp.trust.measure import Measure, Outcome, Quantity
    from mriinterp.trust.measure_registry import get_measure, measure_names, register_measure
    from mriinterp.trust.measures.group_effect import Cohort
    from mriinterp.trust.null_maps import NULL_MAPS, null_map
    from mriinterp.trust.results import load_details, load_plan, load_results
    from mriinterp.trust.summary import summary
    from mriinterp.trust.words import CAVEAT

__all__ = [
    "CAVEAT",
    "NULL_MAPS",
    "Bench",
    "BenchmarkPlan",
    "Case",
    "Cohort",
    "Explainer",
    "Measure",
    "Outcome",
    "Quantity",
    "findings",
    "get_measure",
    "load_details",
    "load_plan",
    "load_results",
    "make_plan",
    "measure_names",
    "null_map",
    "parse_explainer",
    "register_measure",
    "run_benchmark",
    "summary",
]

import_on_first_use(
    __name__,
    {
        "bench": ("Bench",),
        "benchmark": ("run_benchmark",),
        "benchmark_plan": ("BenchmarkPlan", "make_plan"),
        "case": ("Case",),
        "explainers": ("Explainer", "parse_explainer"),
        "findings": ("findings",),
        "measure": ("Measure", "Outcome", "Quantity"),
        "measure_registry": ("get_measure", "measure_names", "register_measure"),
        "measures.group_effect": ("Cohort",),
        "null_maps": ("NULL_MAPS", "null_map"),
        "results": ("load_details", "load_plan", "load_results"),
        "summary": ("summary",),
        "words": ("CAVEAT",),
    },
)

from mriinterp.trust import measures as _measures  # noqa: E402, F401  registers them
