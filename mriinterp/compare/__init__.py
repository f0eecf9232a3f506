"""How far apart relevance maps are, and how alike: distances, similarities and matrices of them."""

from mriinterp.compare.map_distances import (
    dice_top,
    heatmap_distance,
    spearman,
    ssim,
)
from mriinterp.compare.matrix import METRICS, Metric, distance_matrix, get_metric, paired_values
from mriinterp.compare.top_areas import top_area_overlap

__all__ = [
    "METRICS",
    "Metric",
    "dice_top",
    "distance_matrix",
    "get_metric",
    "heatmap_distance",
    "paired_values",
    "spearman",
    "ssim",
    "top_area_overlap",
]
