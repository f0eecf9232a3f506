"""Statistics of groups, voxels and classifiers; arrays in, arrays out."""

from mriinterp.stats.correlation import Correlations, rank_correlations
from mriinterp.stats.group_tables import compare_groups, group_means, patient_means
from mriinterp.stats.groups import (
    Welch,
    benjamini_hochberg,
    hedges_g,
    hedges_g_from_moments,
    hedges_g_interval,
    mean_interval,
    welch_t,
)
from mriinterp.stats.linear import Adjusted, adjusted_difference, design_basis
from mriinterp.stats.performance import Estimate, auc_interval, roc_auc, wilson_interval
from mriinterp.stats.permutation import MaxT, max_t
from mriinterp.stats.single_case import single_case
from mriinterp.stats.streaming import Moments

__all__ = [
    "Adjusted",
    "Correlations",
    "Estimate",
    "MaxT",
    "Moments",
    "Welch",
    "adjusted_difference",
    "auc_interval",
    "benjamini_hochberg",
    "compare_groups",
    "design_basis",
    "group_means",
    "hedges_g",
    "hedges_g_from_moments",
    "hedges_g_interval",
    "max_t",
    "mean_interval",
    "patient_means",
    "rank_correlations",
    "roc_auc",
    "single_case",
    "welch_t",
    "wilson_interval",
]
