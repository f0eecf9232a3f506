"""Statistics of groups, voxels and classifiers; arrays in, arrays out."""

from mriinterp.stats.groups import (
    Welch,
    benjamini_hochberg,
    hedges_g,
    hedges_g_from_moments,
    hedges_g_interval,
    mean_interval,
    welch_from_moments,
    welch_t,
)
from mriinterp.stats.performance import Estimate, auc_interval, bootstrap_interval, roc_auc, roc_curve, wilson_interval
from mriinterp.stats.permutation import MaxT, max_t
from mriinterp.stats.streaming import GroupMoments, Moments
from mriinterp.stats.tables import compare_groups, patient_means

__all__ = [
    "Estimate",
    "GroupMoments",
    "MaxT",
    "Moments",
    "Welch",
    "auc_interval",
    "benjamini_hochberg",
    "bootstrap_interval",
    "compare_groups",
    "hedges_g",
    "hedges_g_from_moments",
    "hedges_g_interval",
    "max_t",
    "mean_interval",
    "patient_means",
    "roc_auc",
    "roc_curve",
    "welch_from_moments",
    "welch_t",
    "wilson_interval",
]
